// SPDX-License-Identifier: MIT
// The battery-backed clock (MC146818), read once at boot.

using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

internal static class CmosClock
{
    /// <summary>Seconds since 1970-01-01 UTC, or 0 when the clock shows nonsense.</summary>
    public static ulong ReadSeconds()
    {
        for (int spin = 0; spin < 1_000_000 && (Read(10) & 0x80) != 0; spin++)
            Assembly.Pause();
        byte control = Read(11);
        int second = Decode(Read(0), control), minute = Decode(Read(2), control), day = Decode(Read(7), control);
        int month = Decode(Read(8), control), year = 2000 + Decode(Read(9), control);
        byte rawHour = Read(4);
        int hour = Decode((byte)(rawHour & 0x7f), control);
        if ((control & 2) == 0)
            hour = (hour % 12) + ((rawHour & 0x80) != 0 ? 12 : 0);
        if (month is < 1 or > 12 || day is < 1 or > 31)
            return 0;
        // Days from civil date, March-based years.
        int y = month <= 2 ? year - 1 : year;
        int monthFromMarch = (month + 9) % 12;
        int era = y / 400;
        int yearOfEra = y - (era * 400);
        int dayOfYear = (((153 * monthFromMarch) + 2) / 5) + day - 1;
        int dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        long days = ((long)era * 146097) + dayOfEra - 719468;
        return (ulong)((((days * 24) + hour) * 60 + minute) * 60 + second);
    }

    private static byte Read(byte register)
    {
        Assembly.Out8(0x70, register);
        return Assembly.In8(0x71);
    }

    private static int Decode(byte value, byte control) => (control & 4) != 0 ? value : ((value >> 4) * 10) + (value & 15);
}
