// SPDX-License-Identifier: MIT
// State files: whole groups or none, damage noticed, the old state kept. Longer by XENSHARP_FUZZ_ROUNDS.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using XenSharp.Xenstore.Protocol;
using XenSharp.Xenstored;
using Xunit;

namespace XenSharp.Tests.Xenstore.State;

public sealed class JournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xsj").FullName;

    [Fact]
    public void OnlyCommittedGroupsAreThere()
    {
        string path = Path.Combine(_folder, "j");
        using (JournalFile file = JournalFile.Create(path)!)
        {
            file.Add([1, 2, 3]);
            file.Add([4]);
            file.Commit([(7, 70), (8, 80)]);
            file.Commit([(7, 71)]);
            file.Add([5, 6]);
        }
        List<byte[]> records = [];
        List<(int, ulong)> positions = [];
        using JournalFile again = JournalFile.Open(path);
        again.Read(record => records.Add(record.ToArray()), (slot, position) => positions.Add((slot, position)));
        Assert.Equal([[1, 2, 3], [4]], records);
        Assert.Equal([(7, 70ul), (8, 80ul), (7, 71ul)], positions);
    }

    [Fact]
    public void DamagedFilesAreSetAsideAndNothingWorse()
    {
        int rounds = int.Parse(Environment.GetEnvironmentVariable("XENSHARP_FUZZ_ROUNDS") ?? "60", CultureInfo.InvariantCulture);
        Random random = new(5);
        string folder = Path.Combine(_folder, "state");
        TestWorld world = new();
        Connection socket = world.Socket();
        for (int node = 0; node < 50; node++)
            world.Ask(socket, Abi.XenstoreMessageType.Write, $"/n/{node}|{node}");
        for (int round = 0; round < rounds; round++)
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            using (StateFolder state = new(folder, 1 << 20, false, (_, _) => { }))
                state.SaveNow(world.Server);
            using (FileStream file = new(Path.Combine(folder, random.Next(2) == 0 ? "1.base" : "1.log"), FileMode.Open))
            {
                if (random.Next(4) == 0)
                    file.SetLength(random.Next(200));
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    file.Position = random.Next(file.Name.EndsWith("log", StringComparison.Ordinal) ? 64 : 3000);
                    file.WriteByte((byte)random.Next(256));
                }
            }
            using StateFolder next = new(folder, 1 << 20, false, (_, _) => { });
            XenstoreServer? server = next.Restore(() => new XenstoreServer(new TestWorld(), 1), _ => { }, []);
            if (server is null)
                Assert.NotEmpty(Directory.GetFiles(folder, "*.bad"));
        }
    }

    /// <summary>A log that has lost its end, or has a bad record: what comes before is used, and the files are kept.</summary>
    [Theory]
    [InlineData("cut")]
    [InlineData("zeros")]
    [InlineData("record")]
    [InlineData("header")]
    public void ADamagedLogIsUsedUpToTheDamage(string how)
    {
        string folder = Path.Combine(_folder, "state");
        TestWorld world = new();
        Connection socket = world.Socket();
        long good;
        using (StateFolder state = new(folder, 1 << 20, false, (_, _) => { }))
        {
            world.Ask(socket, Abi.XenstoreMessageType.Write, "/base|1");
            state.SaveNow(world.Server);
            world.Records.Clear();
            Write("/first|1");
            good = state.LogLength;
            Write("/second|1");
            Write("/third|1");

            void Write(string payload)
            {
                world.Ask(socket, Abi.XenstoreMessageType.Write, payload);
                foreach (byte[] record in world.Records)
                    state.Record(record);
                world.Records.Clear();
                state.Commit([(1, 1)]);
            }
        }
        using (FileStream file = new(Path.Combine(folder, "1.log"), FileMode.Open))
        {
            if (how == "cut")
                file.SetLength(good + 8);
            file.Position = how == "header" ? 0 : good;
            file.Write(how is "record" ? [20, 0, 0, 0, 0, 0, 0, 0, 18, 0, 99] : new byte[16]);
        }
        List<string> said = [];
        using StateFolder next = new(folder, 1 << 20, false, (_, text) => said.Add(text));
        TestWorld other = new();
        other.Replace(next.Restore(() => new XenstoreServer(other, 1), _ => { }, [])!);
        Connection reader = other.Socket();
        Assert.Equal("1", other.Ask(reader, Abi.XenstoreMessageType.Read, "/base|"));
        Assert.Equal(how == "header" ? "ENOENT" : "1", other.Ask(reader, Abi.XenstoreMessageType.Read, "/first|"));
        Assert.Equal("ENOENT", other.Ask(reader, Abi.XenstoreMessageType.Read, "/second|"));
        Assert.Contains("cannot be used beyond change", Assert.Single(said), StringComparison.Ordinal);
        Assert.False(next.IsSafe);
        Assert.True(File.Exists(Path.Combine(folder, "1.base")));
        next.SaveNow(other.Server);
        Assert.True(next.IsSafe);
        Assert.True(File.Exists(Path.Combine(folder, "1.log.bad")));
        Assert.True(File.Exists(Path.Combine(folder, "2.base")));
    }

    [Fact]
    public void ANewGenerationReplacesTheOldOneWhenItIsWhole()
    {
        TestWorld world = new();
        Connection socket = world.Socket();
        for (int node = 0; node < 400; node++)
            world.Ask(socket, Abi.XenstoreMessageType.Write, $"/n/{node}|{node}");
        using StateFolder state = new(_folder, 1000, false, (_, _) => { });
        state.SaveNow(world.Server);
        world.Records.Clear();
        for (int change = 0; change < 5_000 && !File.Exists(Path.Combine(_folder, "3.base")); change++)
        {
            world.Ask(socket, Abi.XenstoreMessageType.Write, $"/n/{change % 400}|{change}");
            foreach (byte[] record in world.Records)
                state.Record(record);
            world.Records.Clear();
            state.Commit([(1, (ulong)change)]);
            state.Turn(world.Server, change * 1000L);
            if (change % 197 == 0)
                AssertSame(world);
        }
        Assert.True(File.Exists(Path.Combine(_folder, "3.base")));
        AssertSame(world);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A copy of the files, as a killed daemon would leave them, makes the same store.</summary>
    private void AssertSame(TestWorld world)
    {
        using StateFolder copy = new(_folder, long.MaxValue, true, (_, _) => { });
        TestWorld other = new();
        XenstoreServer? server = copy.Restore(() => new XenstoreServer(other, 1), _ => { }, []);
        Assert.NotNull(server);
        other.Replace(server);
        Assert.Equal(world.Ask(world.Socket(), Abi.XenstoreMessageType.Read, "/n/5|"), other.Ask(other.Socket(), Abi.XenstoreMessageType.Read, "/n/5|"));
        Assert.Equal(Model.StoreDump.Of(world).GetHashCode(), Model.StoreDump.Of(other).GetHashCode());
    }
}
