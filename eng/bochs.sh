#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Boots a test kernel as PVH dom0 in Bochs, a second emulator with AMD SVM, from a GRUB image; prints the serial line on stdout.
# bochs.sh [--cpus N] [--model NAME] [--seconds N] [--until REGEX] [--protocol multiboot2|multiboot] [--hypervisor FILE]
#          [--arguments TEXT] [--memory MIB] [--ramdisk FILE] [--keep DIR] KERNEL [ARGUMENT...]
#
# KERNEL: a name in out/guests/ (basics, conformance, bench) or any file; ARGUMENTs are its command line. Bochs differs from QEMU in what
# finds faults: a TLB that keeps entries of an ASID until it is flushed, next-RIP saving, an i440fx machine
# whose 8259s reach the CPU beside the local APIC.
# Ends with 0 when the machine ends by itself or REGEX was seen, 1 when the time is over, 2 when something is missing.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cpus=1 model=ryzen seconds=120 until= protocol=multiboot2 hypervisor=$root/out/xensharp-x86_64 memory=512 ramdisk= keep=
arguments="console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem=256M noreboot"
while [[ ${1:-} == --* ]]; do
  case $1 in
    --cpus | --model | --seconds | --until | --protocol | --hypervisor | --arguments | --memory | --ramdisk | --keep) declare "${1#--}=${2:?$1 needs a value}" ;;
    *) echo "bochs.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ $# -gt 0 ]] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
kernel=$1
shift
[[ -f $kernel ]] || kernel=$root/out/guests/$kernel

missing=()
need() { [[ -e $1 ]] || command -v "$1" >/dev/null || missing+=("$2 ($3)"); }
need bochs-bin bochs "emulates the machine"
need /usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_rfb_gui.so bochs "draws no window"
need /usr/share/bochs/BIOS-bochs-latest bochsbios "is the machine's firmware"
need /usr/share/bochs/VGABIOS-lgpl-latest bochsbios "is the display's firmware, which GRUB calls"
need grub-mkrescue grub-common "makes the GRUB image"
need /usr/lib/grub/i386-pc/multiboot2.mod grub-pc-bin "is the boot loader in the image"
need xorriso xorriso "writes the image"
need mformat mtools "writes the image's EFI part"
if [[ ${#missing[@]} -gt 0 ]]; then
  printf 'bochs.sh: missing Debian package: %s\n' "${missing[@]}" | sort -u >&2
  echo "bochs.sh: run \`apt-get install --no-install-recommends $(printf '%s\n' "${missing[@]%% *}" | sort -u | tr '\n' ' ')\` as root and try again" >&2
  exit 2
fi
for file in "$hypervisor" "$kernel" ${ramdisk:+"$ramdisk"}; do
  [[ -f $file ]] || { echo "bochs.sh: $file is not there; run ./xensharp build first" >&2; exit 2; }
done

work=$(mktemp -d)
machine=
cleanup() {
  [[ -z $machine ]] || kill "$machine" 2>/dev/null || true
  if [[ -n $keep ]]; then
    mkdir -p "$keep"
    cp "$work"/{serial,log,machine} "$keep"/ 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT

mkdir -p "$work/image/boot/grub"
cp "$hypervisor" "$work/image/boot/xensharp"
cp "$kernel" "$work/image/boot/kernel"
module=module
[[ $protocol == multiboot ]] || module=module2
{
  # GRUB would otherwise set a graphics mode, which Bochs without VBE does not survive.
  echo "set timeout=0"
  echo "set gfxpayload=text"
  echo "$protocol /boot/xensharp $arguments"
  echo "$module /boot/kernel $*"
  if [[ -n $ramdisk ]]; then
    cp "$ramdisk" "$work/image/boot/ramdisk"
    echo "$module /boot/ramdisk"
  fi
  echo "boot"
} >"$work/image/boot/grub/grub.cfg"
modules="$protocol iso9660 biosdisk normal configfile"
if ! grub-mkrescue -d /usr/lib/grub/i386-pc --install-modules="$modules" --fonts= --themes= --locales= -o "$work/image.iso" "$work/image" >"$work/mkrescue" 2>&1; then
  cat "$work/mkrescue" >&2
  echo "bochs.sh: grub-mkrescue could not make the image; its messages are above" >&2
  exit 2
fi

# time0 is fixed and time runs by instructions, so that a run repeats.
cat >"$work/machine" <<END
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest=$memory, host=$memory
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
vga: extension=none, update_freq=1
cpu: model=$model, count=$cpus, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=1, cpuid_limit_winnt=0
clock: sync=none, time0=1700000000
pci: enabled=1, chipset=i440fx
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/image.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
END
echo c >"$work/continue"
: >"$work/serial"
bochs-bin -q -f "$work/machine" -rc "$work/continue" </dev/null >"$work/output" 2>&1 &
machine=$!

# The serial line is copied as it grows; Bochs writes it to a file.
status=1
shown=0
show() {
  local size
  size=$(stat -c %s "$work/serial")
  if [[ $size -gt $shown ]]; then
    tail -c +$((shown + 1)) "$work/serial" | head -c $((size - shown))
    shown=$size
  fi
}
end=$((SECONDS + seconds))
while [[ $SECONDS -lt $end ]]; do
  if ! kill -0 "$machine" 2>/dev/null; then
    status=0
    break
  fi
  show
  if [[ -n $until ]] && grep -qaE -- "$until" "$work/serial"; then
    status=0
    break
  fi
  read -r -t 0.2 <> <(:) || true
done
show
if [[ $status -ne 0 ]]; then
  grep -av '^00000000000i' "$work/log" | tail -20 >&2 || true
  echo "bochs.sh: not at its end after $seconds s; the last of what Bochs itself said is above" >&2
elif grep -qsa PANIC "$work/output" "$work/log"; then
  grep -ahsE 'PANIC|\[CPU' "$work/output" "$work/log" | tail -20 >&2
  echo "bochs.sh: Bochs stopped the machine; its reason is above" >&2
  status=1
fi
exit $status
