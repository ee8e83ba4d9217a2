// SPDX-License-Identifier: MIT
// Numbers of the rings by which a monitor follows a domain. Contract: xen/include/public/vm_event.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Flags of a request or response, VM_EVENT_FLAG_*.</summary>
public enum VmEventFlags : uint
{
    // VM_EVENT_FLAG_VCPU_PAUSED: VCPU_PAUSED in a request signals that the vCPU triggering the event has been paused VCPU_PAUSED in a response
    // signals to unpause the vCPU
    VcpuPaused = 1u << 0,

    Foreign = 1u << 1, // VM_EVENT_FLAG_FOREIGN: Flags to aid debugging vm_event
    Emulate = 1u << 2, // VM_EVENT_FLAG_EMULATE: The following flags can be set in response to a mem_access event.

    // VM_EVENT_FLAG_EMULATE_NOWRITE: Same as VM_EVENT_FLAG_EMULATE, but with write operations or operations potentially having side effects (like
    // memory mapped or port I/O) disabled.
    EmulateNowrite = 1u << 3,

    // VM_EVENT_FLAG_TOGGLE_SINGLESTEP: Toggle singlestepping on vm_event response. Requires the vCPU to be paused already (synchronous events only).
    ToggleSingleStep = 1u << 4,

    // VM_EVENT_FLAG_SET_EMUL_READ_DATA: Data is being sent back to the hypervisor in the event response, to be returned by the read function when
    // emulating an instruction.
    SetEmulateReadData = 1u << 5,

    // VM_EVENT_FLAG_DENY: Deny completion of the operation that triggered the event. Currently only useful for MSR and control-register write events.
    // Requires the vCPU to be paused already (synchronous events only).
    Deny = 1u << 6,

    // VM_EVENT_FLAG_ALTERNATE_P2M: This flag can be set in a request or a response; On a request, indicates that the event occurred in the alternate
    // p2m specified by the altp2m_idx request field.
    AlternateP2m = 1u << 7,

    // VM_EVENT_FLAG_SET_REGISTERS: Set the vCPU registers to the values in the vm_event response. At the moment x86-only, applies to EAX-EDX, ESP,
    // EBP, ESI, EDI, R8-R15, EFLAGS, and EIP. Requires the vCPU to be paused already (synchronous events only).
    SetRegisters = 1u << 8,

    // VM_EVENT_FLAG_SET_EMUL_INSN_DATA: Instruction cache is being sent back to the hypervisor in the event response to be used by the emulator.
    SetEmulateInstructionData = 1u << 9,

    // VM_EVENT_FLAG_GET_NEXT_INTERRUPT: Have a one-shot VM_EVENT_REASON_INTERRUPT event sent for the first interrupt pending after resuming the VCPU.
    GetNextInterrupt = 1u << 10,

    // VM_EVENT_FLAG_FAST_SINGLESTEP: Execute fast singlestepping on vm_event response. Requires the vCPU to be paused already (synchronous events
    // only).
    FastSingleStep = 1u << 11,

    NestedP2m = 1u << 12, // VM_EVENT_FLAG_NESTED_P2M: Set if the event comes from a nested VM and thus npt_base is valid.
    ResetVmTrace = 1u << 13, // VM_EVENT_FLAG_RESET_VMTRACE: Reset the vmtrace buffer (if vmtrace is enabled)
    ResetForkState = 1u << 14, // VM_EVENT_FLAG_RESET_FORK_STATE: Reset the VM state (if VM is fork)
    ResetForkMemory = 1u << 15, // VM_EVENT_FLAG_RESET_FORK_MEMORY: Remove unshared entries from physmap (if VM is fork)
}

/// <summary>Why the event was sent, VM_EVENT_REASON_*.</summary>
public enum VmEventReason : uint
{
    Unknown = 0, // VM_EVENT_REASON_UNKNOWN: Default case
    MemoryAccess = 1, // VM_EVENT_REASON_MEM_ACCESS: Memory access violation
    MemorySharing = 2, // VM_EVENT_REASON_MEM_SHARING: Memory sharing event
    MemoryPaging = 3, // VM_EVENT_REASON_MEM_PAGING: Memory paging event
    WriteControlRegister = 4, // VM_EVENT_REASON_WRITE_CTRLREG: A control register was updated
    MovToMsr = 5, // VM_EVENT_REASON_MOV_TO_MSR: An MSR was updated.
    SoftwareBreakpoint = 6, // VM_EVENT_REASON_SOFTWARE_BREAKPOINT: Debug operation executed (e.g. int3)
    SingleStep = 7, // VM_EVENT_REASON_SINGLESTEP: Single-step (e.g. MTF)
    GuestRequest = 8, // VM_EVENT_REASON_GUEST_REQUEST: An event has been requested via HVMOP_guest_request_vm_event.
    DebugException = 9, // VM_EVENT_REASON_DEBUG_EXCEPTION: A debug exception was caught
    Cpuid = 10, // VM_EVENT_REASON_CPUID: CPUID executed

    // VM_EVENT_REASON_PRIVILEGED_CALL: Privileged call executed (e.g. SMC). Note: event may be generated even if SMC condition check fails on some
    // CPUs. As this behavior is CPU-specific, users are advised to not rely on it. These kinds of events will be filtered out in future versions.
    PrivilegedCall = 11,

    Interrupt = 12, // VM_EVENT_REASON_INTERRUPT: An interrupt has been delivered.
    DescriptorAccess = 13, // VM_EVENT_REASON_DESCRIPTOR_ACCESS: A descriptor table register was accessed.
    EmulateUnimplemented = 14, // VM_EVENT_REASON_EMUL_UNIMPLEMENTED: Current instruction is not implemented by the emulator
    Vmexit = 15, // VM_EVENT_REASON_VMEXIT: VMEXIT
}

/// <summary>Version of the interface.</summary>
public static class VmEventVersion
{
    public const uint InterfaceVersion = 0x7; // VM_EVENT_INTERFACE_VERSION
}
