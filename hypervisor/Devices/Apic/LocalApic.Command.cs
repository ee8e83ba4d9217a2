// SPDX-License-Identifier: MIT
// The interrupt command register: messages to other vCPUs and to the own one.

namespace XenSharp.Devices.Apic;

public sealed partial class LocalApic
{
    private const uint CommandBits = 0xff | (7 << 8) | (1 << 11) | (1 << 14) | (1 << 15) | (3 << 18);

    private void WriteCommand(uint low)
    {
        // Delivery is instant: the status bit is never seen set.
        low &= ~(1U << 12);
        _commandLow = low;
        ApicMessage message = default;
        message.Mode = (ApicDeliveryMode)((low >> 8) & 7);
        message.Shorthand = (ApicShorthand)((low >> 18) & 3);
        message.Vector = (byte)low;
        message.IsLogical = (low & (1 << 11)) != 0;
        message.IsAssert = (low & (1 << 14)) != 0;
        message.IsLevel = (low & (1 << 15)) != 0;
        message.Destination = IsX2Apic ? _commandHigh : _commandHigh >> 24;
        if (message.Mode <= ApicDeliveryMode.LowestPriority)
        {
            // The trigger mode of the ICR means nothing for these: they are edges (AMD APM vol. 2, 16.5).
            message.IsLevel = false;
            if (message.Vector < FirstLegalVector)
            {
                RaiseError(SentIllegalVector);
                return;
            }
        }

        _host.Deliver(in message);
    }

    private void SendSelf(byte vector)
    {
        _commandLow = ((uint)ApicShorthand.Self << 18) | vector;
        if (vector < FirstLegalVector)
            RaiseError(SentIllegalVector);
        else if (IsEnabled)
            Post(vector);
    }
}
