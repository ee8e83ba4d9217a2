# SPDX-License-Identifier: MIT
# Shell functions for the scripts own-*.txt, beside those of functions.sh: configurations, and what is left of guests.

# guest NAME COMMAND [LINE]...: a configuration in /root of a guest that runs a command at the end of its start, underscores for spaces.
guest() {
    name=$1; command=$2; shift 2
    {
        printf 'name = "%s"\ntype = "pvh"\nkernel = "/guest/vmlinuz"\nramdisk = "/guest/initrd"\nmemory = 96\n' "$name"
        printf 'extra = "console=hvc0 quiet panic=1 name=%s run=%s"\n' "$name" "$command"
        for line; do echo "$line"; done
    } > "/root/$name.cfg"
}

# sleeper NAME [LINE]...: of a test kernel that sleeps.
sleeper() {
    name=$1; shift
    { printf 'name = "%s"\ntype = "pvh"\nkernel = "/guest/basics"\nextra = "idle"\nmemory = 32\n' "$name"; for line; do echo "$line"; done; } > "/root/$name.cfg"
}

# logged GUEST TEXT: waits until its monitor's log says so.
logged() {
    until grep -q "$2" "/var/log/xen/xl-$1.log" 2> /dev/null; do usleep 100000; done
}

# holdings: what guests take in dom0; equal before and after a guest that leaves nothing.
holdings() {
    echo "domains=$(xl list | wc -l) nodes=$(xenstore-ls | grep -vc 'backend\|vbd = \|vif = \|qdisk = \|console = \|vfb = \|vkbd = \|vinput = \|9pfs = ') loops=$(losetup -a | wc -l)" \
        "backends=$(ls /sys/bus/xen-backend/devices | wc -l) interfaces=$(ls /sys/class/net | wc -l) files=$(ls /var/lib/xen | wc -l)" \
        "monitors=$(ps | grep -c '[x]l-monitor') models=$(ps | grep -c '[x]en-qemu-system') free=$(xl info | sed -n 's/^free_memory *: //p')"
}

# clean: waits until the holdings are those of the first call again; says what differs when they do not become so.
clean() {
    [ -e /run/holdings ] || { holdings > /run/holdings; return; }
    tries=60
    until [ "$(holdings)" = "$(cat /run/holdings)" ]; do
        usleep 200000
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "before: $(cat /run/holdings)"; echo "now:    $(holdings)"; xenstore-ls > /run/left; return 1; }
    done
}

# refused COMMAND...: fails, with one line on its standard error.
refused() {
    "$@" 2> /run/refusal && { echo "not refused: $*"; return 1; }
    cat /run/refusal
    [ "$(wc -l < /run/refusal)" = 1 ]
}
