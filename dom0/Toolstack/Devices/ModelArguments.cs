// SPDX-License-Identifier: MIT
// The command line of a PVH guest's device model, as libxl__build_device_model_args_new of libxl 4.17 makes it. Used by DeviceModel.

using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using XenSharp.Configuration;

namespace XenSharp.Toolstack.Devices;

internal static class ModelArguments
{
    /// <param name="runFolder">Where its sockets are.</param>
    public static List<string> Of(int domain, string name, DomainConfiguration configuration, string runFolder)
    {
        DomainBuildInfo build = configuration.BuildInfo;
        List<string> words =
        [
            "-xen-domid", Text(domain), "-no-shutdown", "-chardev", $"socket,id=libxl-cmd,path={runFolder}/qmp-libxl-{domain},server=on,wait=off",
            "-mon", "chardev=libxl-cmd,mode=control", "-chardev", $"socket,id=libxenstat-cmd,path={runFolder}/qmp-libxenstat-{domain},server=on,wait=off",
            "-mon", "chardev=libxenstat-cmd,mode=control",
        ];
        foreach (DeviceChannel channel in configuration.Channels)
        {
            words.AddRange(["-chardev", channel.Socket is { } socket
                ? $"socket,id=libxl-channel{channel.Devid},path={socket.Path},server=on,wait=off" : $"pty,id=libxl-channel{channel.Devid}"]);
        }
        words.AddRange(["-nodefaults", "-no-user-config", "-xen-attach", "-name", name]);
        DeviceVfb? screen = configuration.Vfbs.FirstOrDefault();
        words.AddRange(["-vnc", screen is { Vnc: { Enable: true } vnc } ? Display(vnc) : "none", "-display", "none"]);
        if (screen?.Sdl.Enable == true)
            words.AddRange(["-display", "sdl"]);
        if (screen?.Keymap is { } keymap)
            words.AddRange(["-k", keymap]);
        words.AddRange(build.Extra);
        words.AddRange(["-machine", "xenpv"]);
        words.AddRange(build.ExtraPv);
        words.AddRange(["-m", Text((build.TargetMemkb ?? 0) / 1024)]);
        return words;
    }

    private static string Display(VncInfo vnc)
    {
        string listen = vnc.Listen ?? "127.0.0.1";
        string place = !listen.Contains(':') ? $"{listen}:{vnc.Display}"
            : vnc.Display == 0 ? listen : throw new ToolstackException("vnclisten names a display, and so does vncdisplay");
        return $"{place}{(string.IsNullOrEmpty(vnc.Passwd) ? "" : ",password=on")}{(vnc.Findunused == true ? ",to=99" : "")}";
    }

    private static string Text<T>(T value)
        where T : System.IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
