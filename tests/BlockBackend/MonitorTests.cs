// SPDX-License-Identifier: MIT

using System.Text.Json;
using XenSharp.BlockBackend;
using Xunit;

namespace XenSharp.Tests.BlockBackend;

public sealed class MonitorTests
{
    [Theory]
    [InlineData("""{"execute": "qmp_capabilities", "id": 1}""", "return", 1)]
    [InlineData("""{"execute": "query-vnc", "id": 2}""", "return", 2)]
    [InlineData("""{"execute": "device_add", "id": 3}""", "error", 3)]
    [InlineData("""{"id": 4}""", "error", 4)]
    [InlineData("[1]", "error", null)]
    [InlineData("nonsense", "error", null)]
    public void EveryRequestHasItsAnswer(string request, string kind, int? id)
    {
        using JsonDocument answer = JsonDocument.Parse(MonitorSocket.Answer(request));
        Assert.True(answer.RootElement.TryGetProperty(kind, out _));
        Assert.Equal(id, answer.RootElement.TryGetProperty("id", out JsonElement given) ? given.GetInt32() : null);
    }
}
