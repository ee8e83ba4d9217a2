// SPDX-License-Identifier: MIT
// The model as libxl's JSON and back: what xl prints with -n and "list -l", and what libxl keeps of a domain (libxl-json).
using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace XenSharp.Configuration.Json;

/// <summary>Serializer settings that give libxl's names, order and omissions (<c>tools/libs/light/gentypes.py</c>).</summary>
internal static class LibxlJson
{
    public static JsonTypeInfo<DomainConfiguration> DomainConfiguration { get; } =
        (JsonTypeInfo<DomainConfiguration>)CreateOptions().GetTypeInfo(typeof(DomainConfiguration));

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions
        {
            TypeInfoResolver = ConfigurationJsonContext.Default.WithAddedModifier(OmitWhatIsEmpty),
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        };
        foreach (JsonConverter converter in Converters) options.Converters.Add(converter);
        options.MakeReadOnly();
        return options;
    }

    private static JsonConverter[] Converters =>
    [
        new DefboolConverter(), new BitmapConverter(), new MacAddressConverter(), new GenerationIdConverter(),
        new ChoiceConverter<DomainType>(), new ChoiceConverter<ActionOnShutdown>(), new ChoiceConverter<TscMode>(), new ChoiceConverter<TimerMode>(),
        new ChoiceConverter<Passthrough>(), new ChoiceConverter<Scheduler>(), new ChoiceConverter<DeviceModelVersion>(), new ChoiceConverter<BiosType>(),
        new ChoiceConverter<VgaInterfaceType>(), new ChoiceConverter<VendorDevice>(), new ChoiceConverter<HdType>(), new ChoiceConverter<GfxPassthruKind>(),
        new ChoiceConverter<Altp2mMode>(), new ChoiceConverter<RdmReserveStrategy>(), new ChoiceConverter<RdmReservePolicy>(),
        new ChoiceConverter<GicVersion>(), new ChoiceConverter<VuartType>(), new ChoiceConverter<TeeType>(), new ChoiceConverter<DiskFormat>(),
        new ChoiceConverter<DiskBackend>(), new ChoiceConverter<DiskSpecification>(), new ChoiceConverter<DiskTransport>(), new ChoiceConverter<NicType>(),
        new ChoiceConverter<VkbBackend>(), new ChoiceConverter<UsbctrlType>(), new ChoiceConverter<VsndStreamType>(), new ChoiceConverter<VsndPcmFormat>(),
    ];

    /// <summary>libxl leaves out empty lists and sets; the two lists of a CPUID policy are always there.</summary>
    private static void OmitWhatIsEmpty(JsonTypeInfo type)
    {
        if (type.Type == typeof(CpuidPolicyList))
        {
            foreach (JsonPropertyInfo property in type.Properties) property.ShouldSerialize = (_, _) => true;
            return;
        }
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.PropertyType != typeof(string) && typeof(IEnumerable).IsAssignableFrom(property.PropertyType))
                property.ShouldSerialize = (_, value) => value is IEnumerable items && items.GetEnumerator().MoveNext();
        }
    }
}
