# SPDX-License-Identifier: MIT
# The block moves and helpers that compiled C# calls by name are those of the hypervisor's image.
.include "../../../hypervisor/X64/Native/memory.S"
