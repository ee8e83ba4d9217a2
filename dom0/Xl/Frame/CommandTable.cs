// SPDX-License-Identifier: MIT
// All commands in the order of Xen's help. Used by XlProgram, Documentation, Completion and ManualPage.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Xl.Commands;

namespace XenSharp.Xl.Frame;

public static class CommandTable
{
    public static IReadOnlyList<Command> Commands { get; } =
    [
        CreateCommand.Row,
        ConfigUpdate.Row,
        DomainLists.List,
        DestroyCommand.Row,
        ShutdownCommand.Row,
        RebootCommand.Row,
        Refusals.PciAttach,
        Refusals.PciDetach,
        HostDevices.PciList,
        Refusals.PciAssignableAdd,
        Refusals.PciAssignableRemove,
        HostDevices.PciAssignableList,
        Power.Pause,
        Power.Unpause,
        Programs.Console,
        ModelCommands.VncViewer,
        Refusals.Save,
        Refusals.Migrate,
        Refusals.Restore,
        Refusals.MigrateReceive,
        DumpCoreCommand.Row,
        Refusals.CdInsert,
        Refusals.CdEject,
        Memory.Max,
        Memory.Set,
        Power.ButtonPress,
        VcpuList.Row,
        VcpuPin.Row,
        VcpuSet.Row,
        DomainLists.VmList,
        Information.Row,
        DomainLists.Sharing,
        WeightedSchedulers.Credit,
        WeightedSchedulers.Credit2,
        RealTimeScheduler.Row,
        Names.DomId,
        Names.DomName,
        Names.Rename,
        Power.Trigger,
        SysRq.Row,
        HypervisorControl.DebugKeys,
        HypervisorControl.SetParameters,
        HypervisorControl.Dmesg,
        Programs.Top,
        DeviceChanges.NetworkAttach,
        DeviceLists.Network,
        DeviceChanges.NetworkDetach,
        DeviceLists.Channel,
        DeviceChanges.BlockAttach,
        DeviceLists.Block,
        DeviceChanges.BlockDetach,
        Refusals.VtpmAttach,
        DeviceLists.Vtpm,
        Refusals.VtpmDetach,
        ModelCommands.VkbAttach,
        DeviceLists.Vkb,
        ModelCommands.VkbDetach,
        Refusals.VdisplAttach,
        DeviceLists.Vdispl,
        Refusals.VdisplDetach,
        Refusals.VsndAttach,
        DeviceLists.Vsnd,
        Refusals.VsndDetach,
        Uptime.Row,
        DomainLists.Claims,
        CpuPoolCreate.Row,
        CpuPools.List,
        CpuPools.Destroy,
        CpuPools.Rename,
        CpuPoolCpus.Add,
        CpuPoolCpus.Remove,
        CpuPools.Migrate,
        CpuPoolCpus.NumaSplit,
        Flask.GetEnforce,
        Flask.SetEnforce,
        Refusals.LoadPolicy,
        Refusals.Remus,
        Refusals.Devd,
        Refusals.PsrHardwareInfo,
        Refusals.PsrCmtAttach,
        Refusals.PsrCmtDetach,
        Refusals.PsrCmtShow,
        Refusals.PsrCatSet,
        Refusals.PsrCatShow,
        Refusals.PsrMbaSet,
        Refusals.PsrMbaShow,
        Refusals.UsbControllerAttach,
        Refusals.UsbControllerDetach,
        Refusals.UsbDeviceAttach,
        Refusals.UsbDeviceDetach,
        HostDevices.UsbList,
        ModelCommands.QemuMonitorCommand,
    ];

    /// <summary>By its name, or by a beginning that only one command has.</summary>
    public static Command? Find(string word)
    {
        Command[] found = [.. Commands.Where(command => command.Name.StartsWith(word, StringComparison.Ordinal))];
        return Array.Find(found, command => command.Name == word) ?? (found.Length == 1 ? found[0] : null);
    }
}
