#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a command while Debian's two xenstore daemons run beside it as plain processes, their calls to Xen faked by xenstored-shim.c.
# xenstore-oracles.sh COMMAND [ARGUMENT...]
#
# The command finds in its environment: XENSTORE_C and XENSTORE_OCAML, the daemons' sockets; XENSTORE_C_PID and XENSTORE_OCAML_PID; and XENSTORE_CLIENTS,
# a folder with Debian's xenstore-* programs. Needs gcc and apt-get; packages are kept in out/cache/oracles.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/out/cache/oracles
mkdir -p "$cache/packages" "$cache/bin"
packages="xen-utils-4.17 xenstore-utils libxenmisc4.17 libxenstore4 libxenevtchn1 libxengnttab1 libxentoollog1 libxentoolcore1 libxencall1
  libxenforeignmemory1 libxendevicemodel1 libyajl2 libsystemd0 liblz4-1 liblzma5 libzstd1 libgcrypt20 libcap2 libgpg-error0"
if [ ! -e "$cache/.complete" ]; then
    (cd "$cache/packages" && apt-get -qq -o APT::Sandbox::User=root download $packages)
    for file in "$cache"/packages/*.deb; do dpkg-deb -x "$file" "$cache/root"; done
    touch "$cache/.complete"
fi
gcc -shared -fPIC -O1 -w -o "$cache/shim.so" "$root/eng/xenstored-shim.c" -ldl
libraries=$(find "$cache/root" -name '*.so.*' -printf '%h\n' | sort -u | grep -E 'x86_64-linux-gnu$|aarch64-linux-gnu$' | tr '\n' ':')
tools=$cache/root/usr/lib/xen-4.17/bin
run=$(mktemp -d)
mkdir -p "$run/c" "$run/ocaml" /var/log/xen /var/run/xenstored
: > "$run/ocaml/conf"
start() { # FOLDER PROGRAM ARGUMENT...
    local folder=$1; shift
    LD_LIBRARY_PATH=$libraries LD_PRELOAD=$cache/shim.so XENSTORED_PATH=$folder/socket XENSTORED_RUNDIR=$folder "$@" > "$folder/log" 2>&1 &
    for _ in $(seq 100); do [ -S "$folder/socket" ] && return; sleep 0.1; done
    cat "$folder/log" >&2; exit 1
}
trap 'kill $XENSTORE_C_PID $XENSTORE_OCAML_PID 2> /dev/null; rm -rf "$run"' EXIT
start "$run/c" "$tools/xenstored" -N; export XENSTORE_C=$run/c/socket XENSTORE_C_PID=$!
start "$run/ocaml" "$tools/oxenstored" --no-domain-init --no-fork --no-access-log --config-file "$run/ocaml/conf"; export XENSTORE_OCAML=$run/ocaml/socket XENSTORE_OCAML_PID=$!
for program in "$cache"/root/usr/bin/xenstore*; do
    name=$(basename "$program")
    [ ! -e "$tools/$name" ] || program=$tools/$name     # In /usr/bin is a wrapper that looks for the running Xen.
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec -a %s %s "$@"\n' "$libraries" "$name" "$program" | sed 's#^LD#export LD#; s# exec -a [^ ]* #\nexec #' > "$cache/bin/$name"
    chmod +x "$cache/bin/$name"
done
export XENSTORE_CLIENTS=$cache/bin XENSTORE_SHIM=$cache/shim.so XENSTORE_LIBRARIES=$libraries XENSTORE_TOOLS=$tools
"$@"
