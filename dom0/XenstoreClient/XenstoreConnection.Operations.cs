// SPDX-License-Identifier: MIT
// Transactions, control, domains.

using System;
using System.Globalization;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.XenstoreClient;

public sealed partial class XenstoreConnection
{
    /// <summary>The store outside any transaction.</summary>
    public XenstoreView Store => field ??= new XenstoreView(this, 0);

    /// <summary>Runs a piece of work in a transaction, again from its start for as long as it conflicts with others. An exception discards it.</summary>
    public async Task<T> TransactAsync<T>(Func<XenstoreView, Task<T>> work, CancellationToken cancellation = default)
    {
        while (true)
        {
            uint id = await StartTransactionAsync(cancellation).ConfigureAwait(false);
            T result;
            try
            {
                result = await work(new XenstoreView(this, id)).ConfigureAwait(false);
            }
            catch
            {
                await EndTransactionAsync(id, isCommit: false, CancellationToken.None).ConfigureAwait(false);
                throw;
            }
            if (await EndTransactionAsync(id, isCommit: true, cancellation).ConfigureAwait(false))
                return result;
        }
    }

    /// <summary>As <see cref="TransactAsync{T}"/>, without a result.</summary>
    public Task TransactAsync(Func<XenstoreView, Task> work, CancellationToken cancellation = default) =>
        TransactAsync(async view =>
        {
            await work(view).ConfigureAwait(false);
            return true;
        }, cancellation);

    /// <summary>CONTROL, with its answer's text.</summary>
    public async Task<string> ControlAsync(string command, string[] arguments, CancellationToken cancellation = default) =>
        Encoding.UTF8.GetString(await AskAsync(MessageType.Control, Wire.Strings([command, .. arguments]), 0, command, cancellation).ConfigureAwait(false)).TrimEnd('\0');

    /// <summary>The domain's home, which need not exist.</summary>
    public async Task<string> GetDomainPathAsync(int domain, CancellationToken cancellation = default) =>
        Encoding.UTF8.GetString(await AskAsync(MessageType.GetDomainPath, Numbers(domain), 0, "domain", cancellation).ConfigureAwait(false)).TrimEnd('\0');

    /// <summary>Whether the daemon serves the domain.</summary>
    public async Task<bool> IsDomainIntroducedAsync(int domain, CancellationToken cancellation = default) =>
        (await AskAsync(MessageType.IsDomainIntroduced, Numbers(domain), 0, "domain", cancellation).ConfigureAwait(false))[0] == 'T';

    /// <summary>Tells the daemon of a domain: the frame and the event channel of its ring.</summary>
    public Task IntroduceAsync(int domain, long frame, int port, CancellationToken cancellation = default) =>
        AskAsync(MessageType.Introduce, Numbers(domain, frame, port), 0, "domain", cancellation);

    /// <summary>Ends the service of a domain.</summary>
    public Task ReleaseAsync(int domain, CancellationToken cancellation = default) => AskAsync(MessageType.Release, Numbers(domain), 0, "domain", cancellation);

    /// <summary>The domain runs again after a shutdown that it was told of.</summary>
    public Task ResumeAsync(int domain, CancellationToken cancellation = default) => AskAsync(MessageType.Resume, Numbers(domain), 0, "domain", cancellation);

    /// <summary>Gives a domain the rights of another one.</summary>
    public Task SetTargetAsync(int domain, int target, CancellationToken cancellation = default) =>
        AskAsync(MessageType.SetTarget, Numbers(domain, target), 0, "domain", cancellation);

    private async Task<uint> StartTransactionAsync(CancellationToken cancellation)
    {
        byte[] answer = await AskAsync(MessageType.TransactionStart, [0], 0, "", cancellation).ConfigureAwait(false);
        return uint.Parse(Encoding.ASCII.GetString(answer).TrimEnd('\0'), CultureInfo.InvariantCulture);
    }

    /// <summary>False for a conflict.</summary>
    private async Task<bool> EndTransactionAsync(uint id, bool isCommit, CancellationToken cancellation)
    {
        try
        {
            await AskAsync(MessageType.TransactionEnd, Wire.Strings(isCommit ? "T" : "F"), id, "", cancellation).ConfigureAwait(false);
            return true;
        }
        catch (XenstoreException failure) when (failure.IsConflict)
        {
            return false;
        }
    }

    private static byte[] Numbers(params ReadOnlySpan<long> numbers)
    {
        string[] strings = new string[numbers.Length];
        for (int index = 0; index < numbers.Length; index++)
            strings[index] = numbers[index].ToString(CultureInfo.InvariantCulture);
        return Wire.Strings(strings);
    }
}
