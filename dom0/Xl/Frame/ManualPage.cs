// SPDX-License-Identifier: MIT
// The manual page xl(1) from the command table. Installed as /usr/share/man/man1/xl.1; written by `xl help --manual`.

using System;
using System.IO;

namespace XenSharp.Xl.Frame;

internal static class ManualPage
{
    public static void Write(TextWriter output)
    {
        output.Write(".TH XL 1 \"\" \"XenSharp\" \"Xen tools\"\n.SH NAME\nxl \\- manages the domains of a Xen machine\n");
        output.Write(".SH SYNOPSIS\n.B xl\n[\\fB\\-vfNtT\\fR] \\fIsubcommand\\fR [\\fIargs\\fR]\n");
        output.Write(".SH DESCRIPTION\nxl creates, lists, changes and ends domains, and shows and sets what the machine does. It needs root in the control domain, and xenstored.\n");
        output.Write(".PP\nA domain is named by its id or its name. Each command can be shortened as far as it stays the only one that begins so.\n");
        output.Write(".SH \"GLOBAL OPTIONS\"\n");
        WriteItem(output, "-v", "Say more; may be given several times.");
        WriteItem(output, "-f", "Run even where a check would refuse.");
        WriteItem(output, "-N", "Dry run: show what would be done.");
        WriteItem(output, "-t", "Show progress on one line.");
        WriteItem(output, "-T", "Put the time before messages.");
        output.Write(".SH COMMANDS\n");
        foreach (Command command in CommandTable.Commands)
        {
            output.Write($".SS \"{Escape(command.Name)} {Escape(command.Usage)}\"\n{Escape(command.Summary)}.\n");
            foreach (Option option in command.AllOptions)
                WriteItem(output, option.Forms, option.Description);
            if (command.Notes is { } notes)
                output.Write($".PP\n{Escape(notes)}\n");
        }
        output.Write(".SH \"EXIT STATUS\"\n0 if the command succeeded, 2 for words that it does not understand, another number if it failed.\n");
        output.Write(".SH \"SEE ALSO\"\nxl.cfg(5), xl.conf(5), xlcpupool.cfg(5), xentop(1), xenstore(1)\n");
    }

    private static void WriteItem(TextWriter output, string forms, string text) => output.Write($".TP\n.B {Escape(forms)}\n{Escape(text)}\n");

    private static string Escape(string text)
    {
        string escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal).Replace("\"", "\\(dq", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
