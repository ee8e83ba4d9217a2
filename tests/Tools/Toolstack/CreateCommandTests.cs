// SPDX-License-Identifier: MIT
// xl create's options: a dry run prints and does nothing; a file with items that are not supported is refused.

using System.IO;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Tests.Tools.Xl;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed class CreateCommandTests
{
    [Theory]
    [InlineData("xl create -n -q FILE memory=48")]
    [InlineData("xl create --dryrun --quiet FILE memory=48")]
    [InlineData("xl create -q -n -f FILE memory=48")]
    [InlineData("xl -N create -q --defconfig=FILE memory=48")]
    public async Task DryRunPrintsTheConfigurationAndMakesNothing(string line)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "name = \"guest\"\ntype = \"pvh\"\nkernel = \"/none\"\nmemory = 32\n");
        using FakeHost host = new();
        (string output, string error, int status) = await host.RunAsync(line.Replace("FILE", path));
        File.Delete(path);
        Assert.Equal(("", 0), (error, status));
        DomainConfiguration configuration = DomainConfiguration.FromJson(System.Text.Encoding.UTF8.GetBytes(output));
        Assert.Equal(("guest", 48ul << 10), (configuration.CreateInfo.Name, configuration.BuildInfo.MaxMemkb));
    }

    [Fact]
    public async Task WhatIsNotSupportedIsRefusedWithFileAndLine()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "name = \"guest\"\ntype = \"pvh\"\nkernel = \"/none\"\nmemory = 32\nvnuma = [ [ \"pnode=0\", \"size=32\", \"vcpus=0\" ] ]\n");
        using FakeHost host = new();
        (string output, string error, int status) = await host.RunAsync($"xl create -q {path}");
        File.Delete(path);
        Assert.Equal(("", $"{path}:5:1: not supported yet: 'vnuma'\n{path} asks for what is not supported yet; nothing was done\n", 1), (output, error, status));
    }
}
