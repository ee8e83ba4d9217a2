#!/bin/sh
# SPDX-License-Identifier: MIT
# Regenerates tests/Unit/Abi/layout.golden: compiles a C probe, made from tests/Unit/Abi/layout.map, against Xen's public
# headers (Debian package libxen-dev) and writes down sizes, offsets and values. Needs apt-get, dpkg, gcc, awk.
# Usage: eng/abi-layout.sh [include-directory]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
map=$root/tests/Unit/Abi/layout.map
golden=$root/tests/Unit/Abi/layout.golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include=${1:-}
if [ -z "$include" ]; then
    (cd "$work" && apt-get -o APT::Sandbox::User=root download libxen-dev >/dev/null && dpkg -x libxen-dev_*.deb .)
    include=$work/usr/include
fi
{
    cat <<'C'
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#define __XEN_TOOLS__ 1
#define xen_mb()
#define xen_rmb()
#define xen_wmb()
C
    for header in xen errno version features event_channel sched vcpu memory elfnote physdev grant_table platform sysctl \
        domctl hypfs kexec trace callback nmi argo tmem pmu vm_event hvm/params hvm/hvm_op hvm/e820 hvm/dm_op hvm/hvm_vcpu \
        hvm/ioreq hvm/save hvm/hvm_info_table arch-x86/hvm/start_info arch-x86/cpuid arch-x86/pmu arch-x86/xen-mca \
        io/ring io/console io/xs_wire io/blkif io/netif io/xenbus io/9pfs; do
        echo "#include <xen/$header.h>"
    done
    echo '#include <xenctrl.h>'
    # A C type is "struct~name" or, for an unnamed member, "struct~name|member".
    awk '
        function split_type(t) { gsub("~", " ", t); n = split(t, p, "|"); type = p[1]; path = n > 1 ? p[2] : "" }
        BEGIN { print "int main(void) {" }
        /^#/ || NF == 0 { next }
        $1 == "type" || $1 == "total" || $1 == "part" {
            split_type($3); ctype[$2] = type; cpath[$2] = path
            if ($1 != "part") {
                size = path == "" ? "sizeof(" type ")" : "sizeof(((" type " *)0)->" path ")"
                printf "printf(\"%s %s %%zu\\n\", %s);\n", $1, $2, size
            }
            next
        }
        $1 == "field" {
            split($2, q, "."); type = ctype[q[1]]; path = cpath[q[1]]; member = (path == "" ? "" : path ".") $3
            offset = "offsetof(" type ", " member ")"
            if (path != "") offset = offset " - offsetof(" type ", " path ")"
            printf "printf(\"field %s %%zu %%zu\\n\", %s, sizeof(((%s *)0)->%s));\n", $2, offset, type, member
            next
        }
        $1 == "const" { v = $3; gsub("~", " ", v); printf "printf(\"const %s %%llu\\n\", (unsigned long long)(%s));\n", $2, v; next }
        { print "unknown line in layout.map: " $0 > "/dev/stderr"; exit 1 }
        END { print "return 0; }" }' "$map"
} >"$work/probe.c"
gcc -w -o "$work/probe" -isystem "$include" "$work/probe.c"
{
    echo "# Written by eng/abi-layout.sh from libxen-dev's headers: type NAME size | total NAME size | field NAME offset size | const NAME value"
    "$work/probe"
} >"$golden"
wc -l <"$golden"
