// SPDX-License-Identifier: MIT
// Tells the JSON serializer the types of the model, at build time, so that it works without reflection.
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration.Json;

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(DomainConfiguration))]
[JsonSerializable(typeof(IReadOnlyList<DomainConfiguration>))]
internal sealed partial class ConfigurationJsonContext : JsonSerializerContext;
