// SPDX-License-Identifier: MIT
// Options of Xen 4.17 on x86 that have no effect here: the parser names each one that is given.

using System;

namespace XenSharp.Core.Options;

/// <summary>Names from docs/misc/xen-command-line.pandoc, without those of <see cref="SupportedOptions"/>.</summary>
public static class UnsupportedOptions
{
    public static bool Contains(ReadOnlySpan<byte> name) => Ascii.Contains(Names, name);

    private static ReadOnlySpan<byte> Names => (" acpi acpi_apic_instance acpi_pstate_strict acpi_skip_timer_override acpi_sleep "u8 +
        "allow_unsafe altp2m apic apic_verbosity apicv arat argo asid ats availmem badpage bootscrub bootscrub_chunk cet clocksource "u8 +
        "cmci-threshold cmos-rtc-probe conring_size console_timestamps core_parking cpu_type cpufreq cpuid cpuid_mask_cpu "u8 +
        "cpuid_mask_ecx cpuid_mask_edx cpuid_mask_ext_ecx cpuid_mask_ext_edx cpuid_mask_l7s0_eax cpuid_mask_l7s0_ebx "u8 +
        "cpuid_mask_thermal_ecx cpuid_mask_xsave_eax cpuidle cpuinfo crash-debug-debugkey crash-debug-hwdom crash-debug-kexeccmd "u8 +
        "crash-debug-panic crash-debug-watchdog crashinfo_maxaddr crashkernel credit2_balance_over credit2_balance_under "u8 +
        "credit2_cap_period_ms credit2_load_precision_shift credit2_load_window_shift credit2_runqueue dbgp debug_stack_lines "u8 +
        "debugtrace dit dma_bits dom0-cpuid dom0_ioports_disable dom0_nodes dom0_vcpus_pin e820-mtrr-clip e820-verbose edd edid efi "u8 +
        "ept extra_guest_irqs flask font force-ept gdb global-pages hap_1gb hap_2mb hardware_dom hest_disable highmem-start hmp-unsafe "u8 +
        "hpet hpetbroadcast hvm_debug hvm_fep hvm_port80 idle_latency_factor invpcid ioapic_ack iommu_dev_iotlb_timeout "u8 +
        "iommu_inclusive_mapping irq-max-guests irq_ratelimit irq_vector_map ivmd ivrs_hpet ivrs_ioapic lapic lapic_timer_c2_ok ler "u8 +
        "low_crashinfo low_mem_virq_limit max_cstate max_gsi_irqs mce mce_fb mce_verbosity mem memop-max-order mmcfg mmio-relax msi "u8 +
        "mtrr.show mwait-idle nmi no-real-mode noapic noirqbalance nolapic nr_irqs numa pci pci-passthrough pci-phantom pcid pku ple_gap "u8 +
        "ple_window preferred-cstates psr pv pv-l1tf pv-linear-pt pv-shim rcu-idle-timer-period-ms rmrr ro-hpet sched-gran "u8 +
        "sched_credit2_max_cpus_runqueue sched_credit2_migrate_resist sched_credit_tslice_ms sched_ratelimit_us "u8 +
        "sched_smt_power_savings scrub-domheap serial_tx_buffer serrors shim_mem smap smep smt snb_igd_quirk spec-ctrl tboot tbuf_size "u8 +
        "tdt tevt_mask tickle_one_idle_cpu timer_slop tsc tsx ucode unrestricted_guest vcpu_migration_delay vesa-ram vga "u8 +
        "viridian-spinlock-retry-count viridian-version vm-notify-window vpid vpmu vwfi watchdog watchdog_timeout x2apic x2apic-mode "u8 +
        "x2apic_phys xenheap_megabytes xpti xsave xsm "u8);
}
