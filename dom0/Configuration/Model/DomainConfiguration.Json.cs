// SPDX-License-Identifier: MIT
// A configuration as libxl's JSON, and from it.
using System;
using System.Text.Json;
using XenSharp.Configuration.Json;

namespace XenSharp.Configuration;

public sealed partial record DomainConfiguration
{
    /// <summary>
    /// The JSON that <c>libxl_domain_config_to_json</c> gives, byte for byte: order of fields, defaults left out, layout of yajl, a line feed at the end.
    /// <c>xl create -n</c> prints it, and libxl keeps it beside each domain (<c>libxl-json</c>).
    /// </summary>
    public string ToJson() => YajlText.Format(JsonSerializer.SerializeToUtf8Bytes(this, LibxlJson.DomainConfiguration));

    /// <summary>Writes it as a value of a larger document, as <c>xl list -l</c> has it; <see cref="YajlText.Format"/> then lays the document out.</summary>
    public void WriteTo(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, this, LibxlJson.DomainConfiguration);

    /// <summary>Reads libxl's JSON. What it says and the model does not know is passed over, as in libxl.</summary>
    /// <exception cref="JsonException">It is not JSON, or a value has the wrong type.</exception>
    public static DomainConfiguration FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, LibxlJson.DomainConfiguration) ?? throw new JsonException("Expected an object.");
}
