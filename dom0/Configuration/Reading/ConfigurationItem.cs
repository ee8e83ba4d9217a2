// SPDX-License-Identifier: MIT
// What an item of xl.cfg is: the form of its value, the guests that it means something for, how far it is supported here.
using System;

namespace XenSharp.Configuration;

/// <summary>The form of an item's value.</summary>
public enum ItemForm { Text, Number, Flag, List, NumberOrText, TextOrList, FlagOrList }

/// <summary>The guests that an item means something for. Another guest's file may have it; it is then named as having no effect.</summary>
[Flags]
public enum ItemGuests { Pv = 1, Pvh = 2, Hvm = 4, PvAndPvh = Pv | Pvh, PvhAndHvm = Pvh | Hvm, All = Pv | Pvh | Hvm, Arm = 8 }

/// <summary>How far an item is supported.</summary>
public enum ItemStatus
{
    /// <summary>It does what xl.cfg(5) says.</summary>
    Supported,

    /// <summary>It is read, checked and shown, and a domain that asks for it cannot be built yet.</summary>
    NotYet,

    /// <summary>It works, and Xen has another item in its place.</summary>
    Deprecated,

    /// <summary>Xen 4.17 itself takes no notice of it any more.</summary>
    Removed,
}

/// <summary>One item of xl.cfg(5).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Form">The form of its value.</param>
/// <param name="Guests">Whom it means something for.</param>
/// <param name="Status">How far it is supported.</param>
/// <param name="Remark">What stands in its place, or why it has no effect.</param>
public sealed record ConfigurationItem(string Name, ItemForm Form, ItemGuests Guests, ItemStatus Status, string? Remark = null);
