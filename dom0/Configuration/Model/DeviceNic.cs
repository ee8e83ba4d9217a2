// SPDX-License-Identifier: MIT
// A network device of a guest.
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary><c>libxl_device_nic</c>: a network interface (<c>vif=</c>).</summary>
public sealed record DeviceNic
{
    public uint BackendDomid { get; init; }
    /// <summary>The domain that serves it, by name or number; null for dom0.</summary>
    public string? BackendDomname { get; init; }
    public int? Devid { get; init; }
    public int Mtu { get; init; }
    public string? Model { get; init; }
    /// <summary>All zero for one that the toolstack makes up.</summary>
    public MacAddress Mac { get; init; }
    public string? Ip { get; init; }
    public string? Bridge { get; init; }
    /// <summary>The interface's name in the backend's domain.</summary>
    public string? Ifname { get; init; }
    public string? Script { get; init; }
    public NicType Nictype { get; init; }
    public ulong RateBytesPerInterval { get; init; }
    public uint RateIntervalUsecs { get; init; }
    public string? Gatewaydev { get; init; }

    [JsonPropertyName("coloft_forwarddev")] public string? ColoftForwarddev { get; init; }
    [JsonPropertyName("colo_sock_mirror_id")] public string? ColoSockMirrorId { get; init; }
    [JsonPropertyName("colo_sock_mirror_ip")] public string? ColoSockMirrorIp { get; init; }
    [JsonPropertyName("colo_sock_mirror_port")] public string? ColoSockMirrorPort { get; init; }
    [JsonPropertyName("colo_sock_compare_pri_in_id")] public string? ColoSockComparePriInId { get; init; }
    [JsonPropertyName("colo_sock_compare_pri_in_ip")] public string? ColoSockComparePriInIp { get; init; }
    [JsonPropertyName("colo_sock_compare_pri_in_port")] public string? ColoSockComparePriInPort { get; init; }
    [JsonPropertyName("colo_sock_compare_sec_in_id")] public string? ColoSockCompareSecInId { get; init; }
    [JsonPropertyName("colo_sock_compare_sec_in_ip")] public string? ColoSockCompareSecInIp { get; init; }
    [JsonPropertyName("colo_sock_compare_sec_in_port")] public string? ColoSockCompareSecInPort { get; init; }
    [JsonPropertyName("colo_sock_compare_notify_id")] public string? ColoSockCompareNotifyId { get; init; }
    [JsonPropertyName("colo_sock_compare_notify_ip")] public string? ColoSockCompareNotifyIp { get; init; }
    [JsonPropertyName("colo_sock_compare_notify_port")] public string? ColoSockCompareNotifyPort { get; init; }
    [JsonPropertyName("colo_sock_redirector0_id")] public string? ColoSockRedirector0Id { get; init; }
    [JsonPropertyName("colo_sock_redirector0_ip")] public string? ColoSockRedirector0Ip { get; init; }
    [JsonPropertyName("colo_sock_redirector0_port")] public string? ColoSockRedirector0Port { get; init; }
    [JsonPropertyName("colo_sock_redirector1_id")] public string? ColoSockRedirector1Id { get; init; }
    [JsonPropertyName("colo_sock_redirector1_ip")] public string? ColoSockRedirector1Ip { get; init; }
    [JsonPropertyName("colo_sock_redirector1_port")] public string? ColoSockRedirector1Port { get; init; }
    [JsonPropertyName("colo_sock_redirector2_id")] public string? ColoSockRedirector2Id { get; init; }
    [JsonPropertyName("colo_sock_redirector2_ip")] public string? ColoSockRedirector2Ip { get; init; }
    [JsonPropertyName("colo_sock_redirector2_port")] public string? ColoSockRedirector2Port { get; init; }
    [JsonPropertyName("colo_filter_mirror_queue")] public string? ColoFilterMirrorQueue { get; init; }
    [JsonPropertyName("colo_filter_mirror_outdev")] public string? ColoFilterMirrorOutdev { get; init; }
    [JsonPropertyName("colo_filter_redirector0_queue")] public string? ColoFilterRedirector0Queue { get; init; }
    [JsonPropertyName("colo_filter_redirector0_indev")] public string? ColoFilterRedirector0Indev { get; init; }
    [JsonPropertyName("colo_filter_redirector0_outdev")] public string? ColoFilterRedirector0Outdev { get; init; }
    [JsonPropertyName("colo_filter_redirector1_queue")] public string? ColoFilterRedirector1Queue { get; init; }
    [JsonPropertyName("colo_filter_redirector1_indev")] public string? ColoFilterRedirector1Indev { get; init; }
    [JsonPropertyName("colo_filter_redirector1_outdev")] public string? ColoFilterRedirector1Outdev { get; init; }
    [JsonPropertyName("colo_compare_pri_in")] public string? ColoComparePriIn { get; init; }
    [JsonPropertyName("colo_compare_sec_in")] public string? ColoCompareSecIn { get; init; }
    [JsonPropertyName("colo_compare_out")] public string? ColoCompareOut { get; init; }
    [JsonPropertyName("colo_compare_notify_dev")] public string? ColoCompareNotifyDev { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector0_id")] public string? ColoSockSecRedirector0Id { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector0_ip")] public string? ColoSockSecRedirector0Ip { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector0_port")] public string? ColoSockSecRedirector0Port { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector1_id")] public string? ColoSockSecRedirector1Id { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector1_ip")] public string? ColoSockSecRedirector1Ip { get; init; }
    [JsonPropertyName("colo_sock_sec_redirector1_port")] public string? ColoSockSecRedirector1Port { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector0_queue")] public string? ColoFilterSecRedirector0Queue { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector0_indev")] public string? ColoFilterSecRedirector0Indev { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector0_outdev")] public string? ColoFilterSecRedirector0Outdev { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector1_queue")] public string? ColoFilterSecRedirector1Queue { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector1_indev")] public string? ColoFilterSecRedirector1Indev { get; init; }
    [JsonPropertyName("colo_filter_sec_redirector1_outdev")] public string? ColoFilterSecRedirector1Outdev { get; init; }
    [JsonPropertyName("colo_filter_sec_rewriter0_queue")] public string? ColoFilterSecRewriter0Queue { get; init; }
    [JsonPropertyName("colo_checkpoint_host")] public string? ColoCheckpointHost { get; init; }
    [JsonPropertyName("colo_checkpoint_port")] public string? ColoCheckpointPort { get; init; }

    /// <summary>Whether the frontend may trust the backend.</summary>
    public bool? Trusted { get; init; }
}
