#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the scripts of tests/EndToEnd on Debian's Xen 4.17 and keeps what Debian's tools print there as the reference.
# record-guests.sh [reading|commands|calls|soft-reset...]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
hypervisor=$root/out/reference/xen-4.17
if [[ ! -f $hypervisor ]]; then
  mkdir -p "$root/out/reference/package"
  (cd "$root/out/reference/package" && apt-get -qq download xen-hypervisor-4.17-amd64 2>/dev/null && dpkg -x xen-hypervisor-4.17-amd64_*.deb .) ||
    { echo "xen-hypervisor-4.17-amd64 cannot be downloaded: check the network, run apt-get update and try again" >&2; exit 1; }
  gunzip -c "$root/out/reference/package/boot/xen-4.17-amd64.gz" >"$hypervisor"
fi
[[ -f $root/out/guests/basics ]] || { echo "no out/guests/basics: run ./xensharp build first" >&2; exit 1; }
scripts=("$@")
[[ $# -gt 0 ]] || scripts=(reading commands calls soft-reset)
for script in "${scripts[@]}"; do
  case $script in
    reading) name=The_tools_that_only_read ;;
    commands) name=An_administrators_day_goes_as ;;
    calls) name=Debians_xl_makes_the_same ;; # requests.txt too
    soft-reset) name=A_soft_reset ;;
    *) echo "there is no script $script: reading, commands, calls and soft-reset are" >&2; exit 2 ;;
  esac
  XENSHARP_HYPERVISOR=$hypervisor XENSHARP_RECORD=1 dotnet test "$root/tests/EndToEnd" -c Release --nologo -v q -m:1 --filter "FullyQualifiedName~$name"
  echo "$root/tests/EndToEnd/Golden/$script.txt: $(wc -l <"$root/tests/EndToEnd/Golden/$script.txt") lines"
done
