// SPDX-License-Identifier: MIT
// A parsed configuration file of any of xl's kinds: settings by name. The readers of the kinds ask it.
using System;
using System.Collections.Generic;
using XenSharp.Configuration.Grammar;

namespace XenSharp.Configuration;

/// <summary>The settings of a file, and of what the command line added. Of several settings of one name the last counts.</summary>
public sealed class ConfigurationFile
{
    private readonly Dictionary<string, ConfigurationSetting> _settings = [];

    private ConfigurationFile(string name, Diagnostics diagnostics)
    {
        Name = name;
        Diagnostics = diagnostics;
    }

    /// <summary>The file's name for messages.</summary>
    public string Name { get; }

    /// <summary>All that was and will be remarked about it.</summary>
    public Diagnostics Diagnostics { get; }

    /// <summary>The settings that count.</summary>
    public IReadOnlyDictionary<string, ConfigurationSetting> Settings => _settings;

    /// <summary>
    /// Parses a file of xl's grammar. It never fails: what is wrong is told by <see cref="Diagnostics"/>, and the settings that could be read are there.
    /// </summary>
    /// <param name="content">The file's bytes.</param>
    /// <param name="name">Its name for messages.</param>
    /// <param name="overrides">Settings of the command line, in the file's grammar; they count more than the file's.</param>
    public static ConfigurationFile Parse(ReadOnlySpan<byte> content, string name, IReadOnlyList<string>? overrides = null)
    {
        var file = new ConfigurationFile(name, new Diagnostics());
        var source = new SourceText(content, name, overrides ?? []);
        new Parser(new Lexer(source, file.Diagnostics).ReadAll(), file.Diagnostics, file.Store).ReadAll();
        return file;
    }

    /// <summary>The setting, or null.</summary>
    public ConfigurationSetting? Find(string name) => _settings.GetValueOrDefault(name);

    private void Store(ConfigurationSetting setting)
    {
        ConfigurationSetting? before = Find(setting.Name);
        if (setting.IsAddition && before is not null)
        {
            if (Join(before.Value, setting.Value) is not { } joined)
            {
                Diagnostics.Error(setting.Position, $"'{setting.Name}': a list cannot be added to a string, nor a string to a list (see {before.Position})");
                return;
            }
            setting = setting with { Value = joined };
        }
        else if (before is not null && !setting.IsAddition && before.Position.File == setting.Position.File)
        {
            Diagnostics.Warn(setting.Position, $"'{setting.Name}' has been set at line {before.Position.Line} already; this one counts");
        }
        _settings[setting.Name] = setting;
    }

    private static ConfigurationValue? Join(ConfigurationValue before, ConfigurationValue added) => (before, added) switch
    {
        (TextValue first, TextValue second) => second with { Text = first.Text + second.Text },
        (ListValue first, ListValue second) => second with { Items = [.. first.Items, .. second.Items] },
        _ => null,
    };
}
