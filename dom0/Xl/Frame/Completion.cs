// SPDX-License-Identifier: MIT
// The bash completion of xl: commands, their options, names of domains. Installed as /usr/share/bash-completion/completions/xl; written by `xl help --completion`.

using System.IO;
using System.Linq;

namespace XenSharp.Xl.Frame;

internal static class Completion
{
    public static void Write(TextWriter output)
    {
        output.Write("# bash completion for xl; made by `xl help --completion`\n_xl()\n{\n    local current=${COMP_WORDS[COMP_CWORD]} command= options= domains= word\n");
        output.Write("    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n            -*) ;;\n            *) command=$word; break ;;\n        esac\n    done\n");
        output.Write("    COMPREPLY=()\n    if [[ -z $command ]]; then\n");
        output.Write($"        COMPREPLY=($(compgen -W '-v -f -N -t -T help {string.Join(' ', CommandTable.Commands.Select(command => command.Name))}' -- \"$current\"))\n        return\n    fi\n");
        output.Write($"    if [[ $command == help ]]; then\n        COMPREPLY=($(compgen -W '--long {string.Join(' ', CommandTable.Commands.Select(command => command.Name))}' -- \"$current\"))\n        return\n    fi\n");
        output.Write("    case $command in\n");
        foreach (Command command in CommandTable.Commands)
            output.Write($"        {command.Name}) options='{string.Join(' ', command.AllOptions.SelectMany(Words))}'{(command.TakesDomain ? "; domains=1" : "")} ;;\n");
        output.Write("    esac\n    if [[ $current == -* ]]; then\n        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n");
        output.Write("    elif [[ -n $domains ]]; then\n        COMPREPLY=($(compgen -W \"$(xl list 2> /dev/null | awk 'NR > 1 { print $1 }')\" -- \"$current\"))\n");
        output.Write("    else\n        COMPREPLY=($(compgen -f -- \"$current\"))\n    fi\n}\ncomplete -o filenames -F _xl xl\n");
    }

    private static string[] Words(Option option)
    {
        string letter = $"-{option.Letter}", name = $"--{option.Name}", alias = $"--{option.Alias}";
        return [.. option.Letter != 0 ? [letter] : (string[])[], .. option.Name is null ? (string[])[] : [name], .. option.Alias is null ? (string[])[] : [alias]];
    }
}
