// SPDX-License-Identifier: MIT
// Changes that go to the daemon in one piece. XenstoreView gives batches.

using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.XenstoreClient;

/// <summary>
/// Changes that the daemon makes in this order when <see cref="CompleteAsync"/> is called. Outside a transaction those behind a change that is refused are
/// made all the same.
/// </summary>
public sealed class XenstoreBatch
{
    private readonly XenstoreView _view;
    private readonly List<Request> _changes = [];

    internal XenstoreBatch(XenstoreView view) => _view = view;

    /// <summary>As <see cref="XenstoreView.WriteAsync"/>.</summary>
    public void Write(string path, string value) => _changes.Add(Request.Write(path, Encoding.UTF8.GetBytes(value)));

    /// <summary>As <see cref="XenstoreView.MakeDirectoryAsync"/>.</summary>
    public void MakeDirectory(string path) => _changes.Add(Request.MakeDirectory(path));

    /// <summary>As <see cref="XenstoreView.RemoveAsync"/>: a node that is not there is no failure.</summary>
    public void Remove(string path) => _changes.Add(Request.Remove(path));

    /// <summary>As <see cref="XenstoreView.SetPermissionsAsync"/>.</summary>
    public void SetPermissions(string path, IEnumerable<XenstorePermission> permissions) => _changes.Add(Request.SetPermissions(path, permissions));

    /// <summary>Sends all and waits for all answers; throws what the first refused change would have thrown. The batch is empty then.</summary>
    public async Task CompleteAsync(CancellationToken cancellation = default)
    {
        Request[] changes = [.. _changes];
        _changes.Clear();
        if (changes.Length == 0)
            return;
        Task<byte[]>[] answers = _view.AskAll(changes, cancellation);
        await ((Task)Task.WhenAll(answers)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        for (int index = 0; index < answers.Length; index++)
        {
            try
            {
                await answers[index].ConfigureAwait(false);
            }
            catch (XenstoreException failure) when (failure.IsNotFound && changes[index].Type == MessageType.Remove)
            {
                // As wanted.
            }
        }
    }
}
