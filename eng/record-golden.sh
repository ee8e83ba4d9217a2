#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Boots the probe kernel as PVH dom0 and keeps what it prints.
# record-golden.sh [--hypervisor FILE] [--out DIR] [MODE...]
#
# Without --hypervisor: Debian's Xen 4.17, and the answers go to tests/Boot/Golden/, the reference that tests compare with.
# MODE: probe cpuid platform foreign control narrow narrow-foreign narrow-control endings (default: these); debugger (of a Xen with CONFIG_GDBSX).
# Needs out/guests/, qemu-system-x86_64 and, for Xen, apt-get and dpkg.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
hypervisor= out=
while [[ ${1:-} == --* ]]; do
  declare "${1#--}=$2"
  shift 2
done
modes=("$@")
[[ $# -gt 0 ]] || modes=(probe cpuid platform foreign control narrow narrow-foreign narrow-control endings)

if [[ -z $hypervisor ]]; then
  hypervisor=$root/out/reference/xen-4.17
  if [[ ! -f $hypervisor ]]; then
    mkdir -p "$root/out/reference/package"
    (cd "$root/out/reference/package" && apt-get -qq download xen-hypervisor-4.17-amd64 2>/dev/null && dpkg -x xen-hypervisor-4.17-amd64_*.deb .)
    gunzip -c "$root/out/reference/package/boot/xen-4.17-amd64.gz" >"$hypervisor"
  fi
  out=${out:-$root/tests/Boot/Golden}
  name=xen-4.17-pvh-dom0
else
  out=${out:-$root/out/answers}
  name=$(basename "$hypervisor")
fi
for kernel in conformance basics; do
  [[ -f $root/out/guests/$kernel ]] || { echo "no out/guests/$kernel: build guests/ first" >&2; exit 1; }
done
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$(realpath "$hypervisor")" "$work/hypervisor"
ln -s "$root/out/guests/conformance" "$root/out/guests/basics" "$work/"

machine_line=(-accel tcg -M "q35,kernel-irqchip=split" -device amd-iommu,intremap=on -cpu EPYC,-monitor,-smap,-rdtscp -m 2048 -smp 1
  -display none -monitor none -serial stdio -nic none -no-reboot -kernel hypervisor)
hypervisor_line="console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem=256M"

fail() {
  cat "$work/errors" >&2
  tail -20 "$work/serial" >&2
  echo "$1" >&2
  exit 1
}

# How the hypervisor ends when dom0 does: its own words, and whether the machine ends by itself. A machine that stays is ended
# as soon as the hypervisor has said so.
endings() {
  local arguments noreboot end line machine
  for arguments in hello shutdown={1..6} shutdown=255 fault triplefault watchdog lastdown halt; do
    for noreboot in noreboot ""; do
      rm -f "$work/pipe"
      mkfifo "$work/pipe"
      (cd "$work" && exec qemu-system-x86_64 "${machine_line[@]}" -append "$hypervisor_line $noreboot" -initrd "basics $arguments" </dev/null >pipe 2>errors) &
      machine=$!
      end="ends by itself"
      : >"$work/serial"
      while IFS= read -r -t 120 line; do
        echo "${line%$'\r'}" >>"$work/serial"
        if [[ $line == *"halting machine"* || $line == *"not rebooting"* ]]; then
          end=stays
          break
        fi
      done <"$work/pipe"
      kill "$machine" 2>/dev/null || true
      wait "$machine" 2>/dev/null || true
      echo "== $arguments $noreboot: $end"
      sed -n '/^(XEN) Freed [0-9]*kB init memory/,$p' "$work/serial" | sed '1d; s/ error 0x.*//' |
        grep -aE '^[^( ]|Hardware|Dom0|atchdog|eboot|halting|crashed|Resetting' || true
    done
  done
}

for mode in "${modes[@]}"; do
  suffix=
  [[ $mode == probe ]] || suffix=-$mode
  if [[ $mode == endings ]]; then
    endings >"$work/answers"
  else
    (cd "$work" && timeout 120 qemu-system-x86_64 "${machine_line[@]}" -append "$hypervisor_line noreboot" -initrd "conformance $mode" </dev/null 2>errors | tr -d '\r' >serial) ||
      fail "the machine did not end by itself in mode $mode"
    # The kernel writes whole lines, so what the hypervisor says of itself stands on lines of its own.
    sed -n '/^== begin$/,/^== end$/{/^(XEN)/!p}' "$work/serial" >"$work/answers"
    [[ $(tail -1 "$work/answers") == "== end" ]] || fail "mode $mode did not run to its end"
  fi
  cp "$work/answers" "$out/$name$suffix.txt"
  echo "$out/$name$suffix.txt: $(wc -l <"$work/answers") lines"
done
