// SPDX-License-Identifier: MIT
// --exec's decoder against consoles as they come: messages of hypervisor and kernel in the middle, lost characters, repeated blocks.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using XenSharp.Lab.Exec;
using Xunit;

namespace XenSharp.Tests.Lab;

public class ExecDecoderTests
{
    private const string Token = "c0ffee";

    private readonly MemoryStream _output = new();
    private readonly MemoryStream _errors = new();
    private readonly List<string> _answers = [];
    private readonly ExecDecoder _decoder = new(Token);
    private bool _started;
    private bool _finished;
    private int? _status;

    public ExecDecoderTests()
    {
        _decoder.Started += () => _started = true;
        _decoder.Output += (isError, data) => (isError ? _errors : _output).Write(data);
        _decoder.Answer += _answers.Add;
        _decoder.Finished += status => (_finished, _status) = (true, status);
    }

    [Fact]
    public void Output_errors_and_status_arrive_apart()
    {
        Feed("[    1.5] Linux\r\n(XEN) hello\n\n" + Started() + Block('o', 0, "out\n") + Block('e', 1, "err\n") + Status(7));

        Assert.True(_started);
        Assert.Equal("out\n", Text(_output));
        Assert.Equal("err\n", Text(_errors));
        Assert.Equal(7, _status);
        Assert.Equal(["ok", "ok", "ok"], _answers);
    }

    [Fact]
    public void A_message_at_any_place_of_a_frame_is_cut_out()
    {
        string clean = Started() + Block('o', 0, "a line that is long enough to be more than one line of base64, which holds 57 bytes\n") + Status(0);
        for (int position = 0; position <= clean.Length; position++)
        {
            ExecDecoderTests other = new();
            other.Feed(clean.Insert(position, "(XEN) d0v0: [something] (happened)\r\n"));
            Assert.True(other._finished, $"message at {position}");
            Assert.StartsWith("a line that", Text(other._output));
            Assert.DoesNotContain("again", other._answers);
        }
    }

    [Fact]
    public void A_kernel_message_and_several_hypervisor_messages_are_cut_out()
    {
        string block = Block('o', 0, new string('x', 300));
        Feed(Started() + block[..60] + "(XEN) one\n(XEN) two\r\n[   12.345678] EMERGENCY\r\n" + block[60..] + Status(0));

        Assert.Equal(new string('x', 300), Text(_output));
    }

    [Fact]
    public void A_damaged_block_is_asked_for_again_and_taken_once()
    {
        string block = Block('o', 0, "some text that loses a character");
        int middle = block.IndexOf('\n') + 5;
        Feed(Started() + block.Remove(middle, 1));
        Assert.Equal(["again"], _answers);
        Assert.Equal(0, _output.Length);

        Feed(block + block + Status(0));
        Assert.Equal("some text that loses a character", Text(_output));
        Assert.Equal(["again", "ok", "ok", "ok"], _answers);
    }

    [Fact]
    public void A_changed_character_is_noticed()
    {
        string block = Block('o', 0, "text of the right length");
        int middle = block.IndexOf('\n') + 5;
        Feed(Started() + block.Remove(middle, 1).Insert(middle, block[middle] == 'A' ? "B" : "A"));

        Assert.Equal(["again"], _answers);
        Assert.Equal(0, _output.Length);
    }

    [Fact]
    public void A_damaged_frame_line_is_asked_for_again()
    {
        string block = Block('o', 0, "text");
        Feed(Started() + block.Replace("block", "blck", StringComparison.Ordinal));
        Assert.Contains("again", _answers);
        Assert.DoesNotContain("ok", _answers);

        Feed(block + Status(0));
        Assert.Equal("text", Text(_output));
    }

    [Fact]
    public void A_block_without_end_can_be_asked_for_again()
    {
        string block = Block('o', 0, "text");
        Feed(Started() + block[..^5]);
        Assert.True(_decoder.IsInBlock);
        _decoder.Retry();
        Assert.Equal(["again"], _answers);

        Feed("\n" + block + Status(0));
        Assert.Equal("text", Text(_output));
    }

    [Fact]
    public void Binary_output_survives_in_pieces_of_any_size()
    {
        byte[] data = new byte[100_000];
        new Random(4).NextBytes(data);
        byte[] console = Encoding.ASCII.GetBytes(Started() + string.Concat(data.Chunk(24576).Select((chunk, index) => Block('o', index, chunk))) + Status(0));
        Random sizes = new(5);
        for (int position = 0; position < console.Length;)
        {
            int size = Math.Min(sizes.Next(1, 40), console.Length - position);
            _decoder.Feed(console.AsSpan(position, size));
            position += size;
        }

        Assert.Equal(data, _output.ToArray());
        Assert.Equal(0, _status);
    }

    [Fact]
    public void Lost_output_has_no_status()
    {
        Feed(Started() + $"#{Token} lost\n");

        Assert.True(_finished);
        Assert.Null(_status);
    }

    [Fact]
    public void Frames_of_another_token_are_nothing()
    {
        Feed("#decade started\n#decade status 0\n");

        Assert.False(_started);
        Assert.False(_finished);
    }

    private static string Started() => $"#{Token} started\n";

    private static string Status(int status) => $"#{Token} status {status}\n";

    private static string Block(char stream, int number, string text) => Block(stream, number, Encoding.UTF8.GetBytes(text));

    private static string Block(char stream, int number, byte[] data)
    {
        string lines = string.Concat(Convert.ToBase64String(data).Chunk(76).Select(line => new string(line) + "\n"));
        return $"#{Token} block {stream} {number} {Convert.ToHexStringLower(MD5.HashData(data))} {data.Length}\n{lines}#{Token} end {number}\n";
    }

    private static string Text(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());

    private void Feed(string console) => _decoder.Feed(Encoding.Latin1.GetBytes(console));
}
