// SPDX-License-Identifier: MIT
// libxl's own forms of values that JSON has other forms for (tools/libs/light/libxl_json.c).
using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration.Json;

/// <summary>A choice is its lower case name.</summary>
internal sealed class ChoiceConverter<T> : JsonConverter<T> where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && EnumNames<T>.TryParse(reader.GetString()!, out T value)
            ? value
            : throw new JsonException($"Expected one of {EnumNames<T>.All}.");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(EnumNames<T>.NameOf(value));
}

/// <summary>A three-valued truth (<c>libxl_defbool</c>) is a string.</summary>
internal sealed class DefboolConverter : JsonConverter<bool?>
{
    public override bool? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        (reader.TokenType == JsonTokenType.String ? reader.GetString() : null) switch
        {
            "True" => true,
            "False" => false,
            "<default>" => null,
            _ => throw new JsonException("Expected \"True\", \"False\" or \"<default>\"."),
        };

    public override void Write(Utf8JsonWriter writer, bool? value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value switch { true => "True", false => "False", null => "<default>" });
}

/// <summary>A set is an array of its members.</summary>
internal sealed class BitmapConverter : JsonConverter<Bitmap>
{
    private const int Largest = 1 << 20;

    public override Bitmap Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        var members = new List<int>();
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("Expected an array of numbers.");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int member) || member is < 0 or > Largest)
                throw new JsonException("Expected the number of a bit.");
            members.Add(member);
        }
        return new Bitmap(members);
    }

    public override void Write(Utf8JsonWriter writer, Bitmap value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (int member in value) writer.WriteNumberValue(member);
        writer.WriteEndArray();
    }
}

/// <summary>An address is six bytes with colons.</summary>
internal sealed class MacAddressConverter : JsonConverter<MacAddress>
{
    public override MacAddress Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && MacAddress.TryParse(reader.GetString()!, out MacAddress address)
            ? address
            : throw new JsonException("Expected six bytes with colons between them.");

    public override void Write(Utf8JsonWriter writer, MacAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

/// <summary>A generation id is an array of sixteen numbers.</summary>
internal sealed class GenerationIdConverter : JsonConverter<GenerationId>
{
    public override GenerationId Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        Span<byte> bytes = stackalloc byte[16];
        int count = 0;
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("Expected an array of sixteen bytes.");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == 16 || reader.TokenType != JsonTokenType.Number || !reader.TryGetByte(out bytes[count++])) throw new JsonException("Expected sixteen bytes.");
        }
        return count == 16 ? GenerationId.FromBytes(bytes) : throw new JsonException("Expected sixteen bytes.");
    }

    public override void Write(Utf8JsonWriter writer, GenerationId value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (byte part in value.ToBytes()) writer.WriteNumberValue(part);
        writer.WriteEndArray();
    }
}
