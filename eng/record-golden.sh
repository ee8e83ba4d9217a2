#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Boots the probe kernel as PVH dom0 and keeps what it prints.
# record-golden.sh [--hypervisor FILE] [--out DIR] [MODE...]
#
# Without --hypervisor: Debian's Xen 4.17, and the answers go to tests/Boot/Golden/, the reference that tests compare with.
# MODE: probe cpuid platform (default: all three). Needs out/guests/conformance, qemu-system-x86_64 and, for Xen, apt-get and dpkg.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
hypervisor= out=
while [[ ${1:-} == --* ]]; do
  declare "${1#--}=$2"
  shift 2
done
modes=("$@")
[[ $# -gt 0 ]] || modes=(probe cpuid platform)

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
kernel=$root/out/guests/conformance
[[ -f $kernel ]] || { echo "no $kernel: build guests/Conformance first" >&2; exit 1; }
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$(realpath "$hypervisor")" "$work/hypervisor"
ln -s "$kernel" "$work/kernel"

for mode in "${modes[@]}"; do
  suffix=
  [[ $mode == probe ]] || suffix=-$mode
  (cd "$work" && timeout 300 qemu-system-x86_64 -accel tcg -M q35,kernel-irqchip=split -device amd-iommu,intremap=on -cpu EPYC,-monitor,-smap,-rdtscp \
    -m 2048 -smp 1 -display none -monitor none -serial stdio -nic none -no-reboot -kernel hypervisor \
    -append "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all noreboot dom0=pvh dom0_mem=256M" -initrd "kernel $mode" </dev/null >serial 2>errors) ||
    { cat "$work/errors" >&2; tail -20 "$work/serial" >&2; echo "the machine did not end by itself in mode $mode" >&2; exit 1; }
  # The kernel writes whole lines, so what the hypervisor says of itself stands on lines of its own.
  tr -d '\r' <"$work/serial" | sed -n '/^== begin$/,/^== end$/{/^(XEN)/!p}' >"$work/answers"
  [[ $(tail -1 "$work/answers") == "== end" ]] || { tail -20 "$work/serial" >&2; echo "mode $mode did not run to its end" >&2; exit 1; }
  cp "$work/answers" "$out/$name$suffix.txt"
  echo "$out/$name$suffix.txt: $(wc -l <"$work/answers") lines"
done
