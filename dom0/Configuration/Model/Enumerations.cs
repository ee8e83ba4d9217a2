// SPDX-License-Identifier: MIT
// The choices of the model. A value's libxl name is its name here in snake case (QemuXenTraditional: qemu_xen_traditional), see EnumNames.
namespace XenSharp.Configuration;

/// <summary><c>libxl_domain_type</c>.</summary>
public enum DomainType { Hvm = 1, Pv = 2, Pvh = 3 }

/// <summary><c>libxl_action_on_shutdown</c>. In xl.cfg <see cref="RestartRename"/> is <c>rename-restart</c>.</summary>
public enum ActionOnShutdown { Destroy, Restart, RestartRename, Preserve, CoredumpDestroy, CoredumpRestart, SoftReset }

/// <summary><c>libxl_tsc_mode</c>, xen-tscmode(7).</summary>
public enum TscMode { Default, AlwaysEmulate, Native, NativeParavirt }

/// <summary><c>libxl_timer_mode</c>, as in <c>HVM_PARAM_TIMER_MODE</c>.</summary>
public enum TimerMode { DelayForMissedTicks, NoDelayForMissedTicks, NoMissedTicksPending, OneMissedTickPending }

/// <summary><c>libxl_passthrough</c>.</summary>
public enum Passthrough { Default, Disabled, Enabled, SyncPt, SharePt }

/// <summary><c>libxl_scheduler</c>, numbered as the hypervisor does.</summary>
public enum Scheduler { Unknown = 0, Sedf = 4, Credit = 5, Credit2 = 6, Arinc653 = 7, Rtds = 8, Null = 9 }

/// <summary><c>libxl_device_model_version</c>.</summary>
public enum DeviceModelVersion { Unknown, QemuXenTraditional, QemuXen }

/// <summary><c>libxl_bios_type</c>.</summary>
public enum BiosType { Unknown, Rombios, Seabios, Ovmf }

/// <summary><c>libxl_vga_interface_type</c>.</summary>
public enum VgaInterfaceType { Unknown, Cirrus, Std, None, Qxl }

/// <summary><c>libxl_vendor_device</c>.</summary>
public enum VendorDevice { None, Xenserver }

/// <summary><c>libxl_hdtype</c>.</summary>
public enum HdType { Ide, Ahci }

/// <summary><c>libxl_gfx_passthru_kind</c>.</summary>
public enum GfxPassthruKind { Default, Igd }

/// <summary><c>libxl_viridian_enlightenment</c>: numbers of bits.</summary>
public enum ViridianEnlightenment
{
    Base, Freq, TimeRefCount, ReferenceTsc, HcallRemoteTlbFlush, ApicAssist, CrashCtl, Synic, Stimer, HcallIpi, ExProcessorMasks, NoVpLimit, CpuHotplug,
}

/// <summary><c>libxl_altp2m_mode</c>.</summary>
public enum Altp2mMode { Disabled, Mixed, External, Limited }

/// <summary><c>libxl_rdm_reserve_strategy</c>.</summary>
public enum RdmReserveStrategy { Ignore, Host }

/// <summary><c>libxl_rdm_reserve_policy</c>.</summary>
public enum RdmReservePolicy { Strict, Relaxed }

/// <summary><c>libxl_gic_version</c>.</summary>
public enum GicVersion { Default, V2, V3 }

/// <summary><c>libxl_vuart_type</c>.</summary>
public enum VuartType { Unknown, SbsaUart }

/// <summary><c>libxl_tee_type</c>.</summary>
public enum TeeType { None, Optee }

/// <summary><c>libxl_disk_format</c>.</summary>
public enum DiskFormat { Unknown, Qcow, Qcow2, Vhd, Raw, Empty, Qed }

/// <summary><c>libxl_disk_backend</c>.</summary>
public enum DiskBackend { Unknown, Phy, Tap, Qdisk, Standalone }

/// <summary><c>libxl_disk_specification</c>.</summary>
public enum DiskSpecification { Unknown, Xen, Virtio }

/// <summary><c>libxl_disk_transport</c>.</summary>
public enum DiskTransport { Unknown, Mmio }

/// <summary><c>libxl_nic_type</c>.</summary>
public enum NicType { Unknown, VifIoemu, Vif }

/// <summary><c>libxl_vkb_backend</c>.</summary>
public enum VkbBackend { Unknown, Qemu, Linux }

/// <summary><c>libxl_usbctrl_type</c>.</summary>
public enum UsbctrlType { Auto, Pv, Devicemodel, Qusb }

/// <summary><c>libxl_vsnd_stream_type</c>: P plays, C records.</summary>
public enum VsndStreamType { P, C }

/// <summary><c>libxl_vsnd_pcm_format</c>.</summary>
public enum VsndPcmFormat
{
    S8 = 1, U8, S16Le, S16Be, U16Le, U16Be, S24Le, S24Be, U24Le, U24Be, S32Le, S32Be, U32Le, U32Be, F32Le, F32Be, F64Le, F64Be,
    Iec958SubframeLe, Iec958SubframeBe, MuLaw, ALaw, ImaAdpcm, Mpeg, Gsm,
}
