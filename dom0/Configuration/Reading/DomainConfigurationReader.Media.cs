// SPDX-License-Identifier: MIT
// Displays, sound cards, channels. Behaviour: parse_vdispl_config, parse_vsnd_config and the part on channels in tools/xl/xl_parse.c.
using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration.Reading;

internal sealed partial class DomainConfigurationReader
{
    private IReadOnlyList<DeviceVdispl> ReadVdispls() =>
    [
        .. _items.Strings("vdispl").Select((text, index) =>
        {
            var display = new DeviceVdispl { Devid = index };
            foreach (Parameter parameter in SpecificationText.Parameters(text))
            {
                switch (parameter.Key)
                {
                    case "backend" when parameter.Value is not null: display = display with { BackendDomname = parameter.Value }; break;
                    case "be-alloc" when parameter.Value is not null: display = display with { BeAlloc = Number(parameter) != 0 }; break;
                    case "connectors" when parameter.Value is not null: display = display with { Connectors = ReadConnectors(parameter) }; break;
                    default: Unknown("vdispl", parameter); break;
                }
            }
            if (display.Connectors.Count == 0) Diagnostics.Error(text.Position, "'vdispl': at least one connector must be given");
            return display;
        }),
    ];

    private IReadOnlyList<ConnectorParam> ReadConnectors(Parameter parameter)
    {
        var connectors = new List<ConnectorParam>();
        foreach (string text in parameter.Value!.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = text.Split(':', StringSplitOptions.RemoveEmptyEntries);
            int at = 0;
            ulong height = 0;
            if (pair.Length >= 2 && CNumber.TryReadUnsigned(pair[1], ref at, 10, out ulong width) && at < pair[1].Length && pair[1][at++] == 'x' && CNumber.TryReadUnsigned(pair[1], ref at, 10, out height))
                connectors.Add(new ConnectorParam { UniqueId = pair[0], Width = (uint)width, Height = (uint)height });
            else
                Diagnostics.Error(parameter.Position, $"'vdispl': '{text}' has not the form ID:WIDTHxHEIGHT");
        }
        return connectors;
    }

    private static uint Number(Parameter parameter)
    {
        int at = 0;
        return CNumber.TryReadUnsigned(parameter.Value ?? "", ref at, 0, out ulong number) ? (uint)number : 0;
    }

    /// <summary>Each card is a list: what the card is, then its PCM devices and their streams, each a text that begins with CARD, PCM or STREAM.</summary>
    private IReadOnlyList<DeviceVsnd> ReadVsnds()
    {
        var cards = new List<DeviceVsnd>();
        foreach (ConfigurationValue item in _items.List("vsnd")?.Items ?? [])
        {
            if (item is not ListValue list)
            {
                Diagnostics.Error(item.Position, "'vsnd': a card is a list, in brackets");
                continue;
            }
            var card = new DeviceVsnd { Devid = cards.Count };
            foreach (TextValue text in _items.Strings("vsnd", list)) card = AddToCard(card, text);
            cards.Add(card);
        }
        return cards;
    }

    private DeviceVsnd AddToCard(DeviceVsnd card, TextValue text)
    {
        Parameter[] parameters = [.. SpecificationText.Parameters(text)];
        if (parameters.Length == 0) return card;
        string kind = parameters[0].ToString().ToLowerInvariant();
        List<VsndPcm> pcms = [.. card.Pcms];
        switch (kind)
        {
            case "card":
                foreach (Parameter parameter in parameters.Skip(1))
                {
                    if (SetParams(card.Params, parameter) is { } set) card = card with { Params = set };
                    else if (parameter is { Key: "backend", Value: not null }) card = card with { BackendDomname = parameter.Value };
                    else if (parameter is { Key: "short-name", Value: not null }) card = card with { ShortName = parameter.Value };
                    else if (parameter is { Key: "long-name", Value: not null }) card = card with { LongName = parameter.Value };
                    else Unknown("vsnd", parameter);
                }
                return card;
            case "pcm":
                var pcm = new VsndPcm();
                foreach (Parameter parameter in parameters.Skip(1))
                {
                    if (SetParams(pcm.Params, parameter) is { } set) pcm = pcm with { Params = set };
                    else if (parameter is { Key: "name", Value: not null }) pcm = pcm with { Name = parameter.Value };
                    else Unknown("vsnd", parameter);
                }
                pcms.Add(pcm);
                break;
            case "stream":
                var stream = new VsndStream();
                foreach (Parameter parameter in parameters.Skip(1))
                {
                    if (SetParams(stream.Params, parameter) is { } set) stream = stream with { Params = set };
                    else if (parameter is { Key: "unique-id", Value: not null }) stream = stream with { UniqueId = parameter.Value };
                    else if (parameter is { Key: "type", Value: not null }) stream = stream with { Type = ReadChoice<VsndStreamType>(parameter) };
                    else Unknown("vsnd", parameter);
                }
                if (pcms.Count == 0) pcms.Add(new VsndPcm());
                pcms[^1] = pcms[^1] with { Streams = [.. pcms[^1].Streams, stream] };
                break;
            default:
                Diagnostics.Error(text.Position, $"'vsnd': '{parameters[0]}' is none of CARD, PCM, STREAM");
                break;
        }
        return card with { Pcms = pcms };
    }

    /// <summary>What cards, PCM devices and streams have in common; null when it is none of that.</summary>
    private VsndParams? SetParams(VsndParams given, Parameter parameter)
    {
        if (parameter.Value is not { } value) return null;
        switch (parameter.Key)
        {
            case "sample-rates":
                return given with { SampleRates = [.. Parts(value).Select(part => Number(parameter with { Value = part }))] };
            case "sample-formats":
                var formats = new List<VsndPcmFormat>();
                foreach (string part in Parts(value))
                {
                    if (EnumNames<VsndPcmFormat>.TryParse(part, out VsndPcmFormat format)) formats.Add(format);
                    else Diagnostics.Error(parameter.Position, $"'vsnd': '{part}' is no format of samples: {EnumNames<VsndPcmFormat>.All} are");
                }
                return given with { SampleFormats = formats };
            case "channels-min": return given with { ChannelsMin = Number(parameter) };
            case "channels-max": return given with { ChannelsMax = Number(parameter) };
            case "buffer-size": return given with { BufferSize = Number(parameter) };
            default: return null;
        }

        static string[] Parts(string value) => value.Split(';', StringSplitOptions.RemoveEmptyEntries);
    }

    private IReadOnlyList<DeviceChannel> ReadChannels() => [.. _items.Strings("channel").Select(ReadChannel)];

    private DeviceChannel ReadChannel(TextValue text, int index)
    {
        var channel = new DeviceChannel { Devid = index };
        string? path = null, connection = null;
        foreach (string part in text.Text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=', StringSplitOptions.RemoveEmptyEntries);
            if (pair.Length < 2)
            {
                Diagnostics.Error(text.Position, $"'channel': '{part}' has not the form name=value");
                continue;
            }
            string value = pair[1].Trim();
            switch (pair[0].Trim())
            {
                case "backend": channel = channel with { BackendDomname = value }; break;
                case "name": channel = channel with { Name = value }; break;
                case "path": path = value; break;
                case "connection": connection = value; break;
                default: Diagnostics.Warn(text.Position, $"'channel': '{part}' is no parameter of a channel, and has no effect"); break;
            }
        }
        switch (connection)
        {
            case "pty":
                return channel with { Pty = new NoDetails() };
            case "socket":
                if (path is null) Diagnostics.Error(text.Position, "'channel': with connection=socket a path must be given");
                return channel with { Socket = new ChannelSocket { Path = path } };
        }
        Diagnostics.Error(text.Position, connection is null ? "'channel': 'connection' must be given" : $"'channel': connection: '{connection}' is none of pty, socket");
        return channel;
    }
}
