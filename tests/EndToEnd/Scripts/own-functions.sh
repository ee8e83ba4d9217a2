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

# kernel NAME MODE [LINE]...: of the test kernel in one of its modes.
kernel() {
    name=$1; mode=$2; shift 2
    { printf 'name = "%s"\ntype = "pvh"\nkernel = "/guest/basics"\nextra = "%s"\nmemory = 32\n' "$name" "$mode"; for line; do echo "$line"; done; } > "/root/$name.cfg"
}

# logged GUEST TEXT: waits until its monitor's log says so.
logged() {
    until grep -q "$2" "/var/log/xen/xl-$1.log" 2> /dev/null; do usleep 100000; done
}

# holdings: what guests take in dom0; equal before and after a guest that leaves nothing.
holdings() {
    echo "domains=$(xl list | wc -l) nodes=$(xenstore-ls | grep -vc 'backend\|vbd = \|vif = \|qdisk = \|console = \|vfb = \|vkbd = \|vinput = \|9pfs = \|device-model = ') loops=$(losetup -a | wc -l)" \
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

# reborn GUEST: creates the guest, so that it sleeps in its second life, and waits for that.
reborn() {
    sed 's/^extra.*/extra = "idle"/' "/root/$1.cfg" > /root/next.cfg
    xl create -q -p "/root/$1.cfg" && xl config-update "$1" /root/next.cfg 2> /dev/null && xl unpause "$1"
    says "$1" 'kernel is up'
}

# acted GUEST REASON ACTION: waits until the monitor's log tells of such an end.
acted() {
    logged "$1" "Action for shutdown reason code $2 is $3"
    cat "/var/log/xen/xl-$1.log"
}

# core GUEST: takes its dump away, which must be one.
core() {
    [ "$(head -c 4 "/var/lib/xen/dump/$1" | tail -c 3)" = ELF ] && [ "$(stat -c %s "/var/lib/xen/dump/$1")" -gt 33000000 ] && rm "/var/lib/xen/dump/$1"
}

# terminal COMMAND: runs it on a terminal of its own. What it shows is in /run/screen, what is written to descriptor 7 is typed.
terminal() {
    rm -f /run/keys /run/screen
    mkfifo /run/keys
    TERM=vt100 script -q -e -f -c "stty rows 24 cols 80; $1" /run/screen < /run/keys > /dev/null &
    exec 7> /run/keys
}

# shows TEXT [KEYS]: waits until the terminal has shown it; after a long time prints what it has shown, and ends the step. The keys are typed again and again:
# a console says nothing by itself, and what is typed before it is joined is lost.
shows() {
    tries=150
    until grep -q -- "$1" /run/screen; do
        types "$2"
        usleep 300000
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "not shown: $1"; cat /run/screen; exit 1; }
    done 2> /dev/null
}

# types KEYS: as printf has them.
types() {
    printf "$1" >&7
}

# closed: waits for the end of the terminal's command; its status.
closed() {
    wait $!
    status=$?
    exec 7>&-
    return $status
}
