#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Turns freestanding assemblies into a bootable file.
# link-image.sh --name NAME [--kind KIND] --limit BYTES --ilc PATH --script LDS --native DIR --work DIR --out DIR ASSEMBLY...
#
# Result: OUT/NAME       KIND multiboot: ELF32 with one segment, the form that multiboot loaders take
#                        KIND kernel: stripped ELF64 with its notes, the form that PVH domain builders take
#         OUT/NAME.syms  ELF64 with symbols and DWARF lines, for debuggers and addr2line
set -euo pipefail

kind=multiboot
while [[ ${1:-} == --* ]]; do
  declare "${1#--}=$2"
  shift 2
done
mkdir -p "$work" "$out"

corelib=XenSharp.CoreLib
for assembly; do [[ $assembly == *CoreLib.dll ]] && corelib=$(basename "$assembly" .dll); done

"$ilc" "$@" -o "$work/managed.o" --systemmodule "$corelib" -O --Ot -g --directpinvoke:'*' --targetos:linux --targetarch:x64 >"$work/ilc.log" 2>&1 ||
  { cat "$work/ilc.log" >&2; echo "ilc could not compile $name: see the lines above" >&2; exit 1; }

# The world switch saves exactly the vector registers that compiled code touches.
objdump -d --no-show-raw-insn "$work/managed.o" | grep -o '%xmm[0-9]*' | sort -u | awk '
  { name = substr($1, 2); save = save sprintf("    movups %%%s, XMM + %d(%%rdi)\n", name, 16 * substr(name, 4)); restore = restore sprintf("    movups XMM + %d(%%rdi), %%%s\n", 16 * substr(name, 4), name) }
  END { printf ".macro SAVE_XMM\n%s.endm\n.macro RESTORE_XMM\n%s.endm\n", save, restore }' >"$work/xmm.inc"

objects=("$work/managed.o")
for source in "$native"/*.S; do
  object="$work/$(basename "$source" .S).o"
  as --64 --noexecstack -g -I "$native" -I "$work" -o "$object" "$source"
  objects+=("$object")
done

# The symbol table for back-traces is linked behind all code, so that the second link moves no address of a method.
# It also holds the build id: the hash of the image without the table.
symbols() { # ELF -> assembly source: the build id, then sorted offsets from the start of text and names
  sha1sum "$1" | sed 's/ .*//; s/../0x&,/g; s/,$//; s/.*/.section .symbols,"a"\n.globl xs_build_id\nxs_build_id: .byte &\n.balign 8/'
  nm --defined-only "$1" | awk '$2 ~ /^[tT]$/ { print $1, $3 }' | sort -u -k1,1 | awk '
    BEGIN { print ".section .symbols,\"a\"\n.globl xs_symbol_table\nxs_symbol_table:" }
    { gsub(/"/, "", $2); name[n] = $2; addr[n++] = $1 }
    END {
      printf ".quad %d\n", n
      for (i = 0; i < n; i++) printf ".quad 0x%s\n.quad xs_symbol_name_%d\n", addr[i], i
      for (i = 0; i < n; i++) printf "xs_symbol_name_%d: .asciz \"%s\"\n", i, name[i]
    }'
}
link() { ld -m elf_x86_64 -z noexecstack -nostdlib -static --no-warn-rwx-segments -z max-page-size=4096 -T "$script" -o "$1" "${objects[@]}" "$work/symbols.o"; }

printf '.section .symbols,"a"\n.globl xs_symbol_table, xs_build_id\nxs_build_id: .zero 24\nxs_symbol_table: .quad 0\n' | as --64 --noexecstack -o "$work/symbols.o" -
link "$work/pass1.elf"
symbols "$work/pass1.elf" >"$work/symbols.s"
as --64 --noexecstack -o "$work/symbols.o" "$work/symbols.s"
link "$work/image.elf"

cp "$work/image.elf" "$out/$name.syms"
if [[ $kind == kernel ]]; then
  strip -o "$out/$name" "$work/image.elf"
  exit
fi

# One ELF32 segment around the flat bytes.
objcopy -O binary "$work/image.elf" "$work/image.bin"
load=$((0x$(nm "$work/image.elf" | awk '$3 == "xs_load_address" { print $1 }')))
entry=$((0x$(nm "$work/image.elf" | awk '$3 == "xs_entry_address" { print $1 }')))
end=$((0x$(nm "$work/image.elf" | awk '$3 == "xs_end_address" { print $1 }')))
size=$(stat -c %s "$work/image.bin")
printf '.section .image,"awx"\n.globl _start\n.set _start, %d\n.incbin "%s"\n.section .zero,"aw",@nobits\n.skip %d\n' \
  "$entry" "$work/image.bin" $((end - load - size)) | as --32 --noexecstack -o "$work/wrap.o" -
cat >"$work/wrap.lds" <<LDS
PHDRS { all PT_LOAD FLAGS(7); }
SECTIONS { . = $load; .image : { *(.image) } :all .zero : { *(.zero) } :all /DISCARD/ : { *(*) } }
LDS
ld -m elf_i386 -z noexecstack -nostdlib --no-warn-rwx-segments -T "$work/wrap.lds" -e "$entry" -o "$work/wrapped.elf" "$work/wrap.o"
strip "$work/wrapped.elf"
mv "$work/wrapped.elf" "$out/$name"
size -A "$work/image.elf" | awk -v name="$name" -v limit="$limit" '
  $1 == ".text" { text = $2 } $1 == ".rodata" || $1 == ".symbols" { ro += $2 } $1 == ".data" { data = $2 } $1 == ".bss" { bss = $2 }
  END {
    printf "%s: text %d (limit %d), read-only %d, data %d, bss %d bytes\n", name, text, limit, ro, data, bss
    if (text > limit) { printf "%s is too large: see its sections above\n", name; exit 1 }
  }'
