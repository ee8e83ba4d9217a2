// SPDX-License-Identifier: MIT
// Changes that do not wait for each other's answers. XenstoreView gives batches.

using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.XenstoreClient;

/// <summary>
/// Changes on their way to the daemon, which makes them in this order. Outside a transaction those behind a change that is refused are made all the same.
/// Each batch is for one task; <see cref="CompleteAsync"/> must be awaited.
/// </summary>
public sealed class XenstoreBatch
{
    private readonly XenstoreView _view;
    private readonly CancellationToken _cancellation;
    private readonly List<Task> _changes = [];

    internal XenstoreBatch(XenstoreView view, CancellationToken cancellation)
    {
        _view = view;
        _cancellation = cancellation;
    }

    /// <summary>As <see cref="XenstoreView.WriteAsync"/>.</summary>
    public void Write(string path, string value) => _changes.Add(_view.WriteAsync(path, value, _cancellation));

    /// <summary>As <see cref="XenstoreView.MakeDirectoryAsync"/>.</summary>
    public void MakeDirectory(string path) => _changes.Add(_view.MakeDirectoryAsync(path, _cancellation));

    /// <summary>As <see cref="XenstoreView.RemoveAsync"/>: a node that is not there is no failure.</summary>
    public void Remove(string path) => _changes.Add(_view.RemoveAsync(path, _cancellation));

    /// <summary>As <see cref="XenstoreView.SetPermissionsAsync"/>.</summary>
    public void SetPermissions(string path, IEnumerable<XenstorePermission> permissions) => _changes.Add(_view.SetPermissionsAsync(path, permissions, _cancellation));

    /// <summary>Waits for all answers; throws what the first refused change would have thrown.</summary>
    public async Task CompleteAsync()
    {
        await Task.WhenAll(_changes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (Task change in _changes)
            await change.ConfigureAwait(false);
    }
}
