// SPDX-License-Identifier: MIT
// Numbers of transcendent memory, which Xen 4.17 no longer has: HYPERVISOR_tmem_op answers -ENOSYS. Contract:
// xen/include/public/tmem.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked
// by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_tmem_op, TMEM_*.</summary>
public enum TmemOperation : uint
{
    NewPool = 1, // TMEM_NEW_POOL
    DestroyPool = 2, // TMEM_DESTROY_POOL
    PutPage = 4, // TMEM_PUT_PAGE
    GetPage = 5, // TMEM_GET_PAGE
    FlushPage = 6, // TMEM_FLUSH_PAGE
    FlushObject = 7, // TMEM_FLUSH_OBJECT
}
