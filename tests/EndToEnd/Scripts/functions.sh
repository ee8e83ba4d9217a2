# SPDX-License-Identifier: MIT
# Shell functions for the steps of every script; they run in dom0's busybox shell, each step under a time limit.

# says GUEST TEXT [TIMES]: waits until the guest's console has said it so many times.
says() {
    until [ "$(grep -c "$2" "/var/log/xen/console/guest-$1.log" 2> /dev/null || :)" -ge "${3:-1}" ]; do usleep 200000; done 2> /dev/null
}

# said GUEST TEXT: the lines with that text, without the kernel's time.
said() {
    grep "$2" "/var/log/xen/console/guest-$1.log" | tr -d '\r' | sed 's/^\[ *[0-9.]*\] //'
}

# enter GUEST COMMAND: types a command on the guest's console, as xl console does.
enter() {
    echo "$2" > "$(xenstore-read "/local/domain/$(xl domid "$1")/console/tty")"
}

# ask GUEST COMMAND: types a command and prints what the guest answers.
ask() {
    mark=$(tr -dc a-z < /dev/urandom | head -c 8)
    enter "$1" "echo; for word in be\"\"gin; do echo $mark-\$word; done; $2; for word in e\"\"nd; do echo $mark-\$word; done"
    says "$1" "^$mark-end"
    tr -d '\r' < "/var/log/xen/console/guest-$1.log" | sed -n "/^$mark-begin/,/^$mark-end/p" | grep -v "^$mark"
}

# gone GUEST: waits until the domain is no more.
gone() {
    while xl domid "$1" > /dev/null 2>&1; do usleep 200000; done
}

# watched GUEST: what the xl that watched the guest has logged, when it has ended.
watched() {
    while pidof xl > /dev/null; do usleep 100000; done
    sed '/^Waiting for domain/d' "/var/log/xen/xl-$1.log"
}

# shape: numbers in hex become H, so that what stays is the form.
shape() {
    sed -E 's/\b(0x)?[0-9a-f]{8,16}\b/H/g'
}

# fetch HOST PATH: by HTTP. busybox's wget cannot resolve any address beside the tools' libraries.
fetch() {
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" | nc -w 60 "$1" 80 | sed '1,/^\r*$/d'
}

# nodes GUEST: what xenstore has of it and its devices, with its number as N, without times and terminals.
nodes() {
    id=$(xl domid "$1")
    xenstore-ls -f -p | grep -E "/(domain|libxl|vbd|vif|console)/$id[/ ]|^$(xenstore-read "/local/domain/$id/vm")" |
        sed -E "s,/(domain|libxl|vbd|vif|console)/$id([/ \"]),/\1/N\2,g; s/([(,][nrwb])$id([,)])/\1N\2/g; s/(domid|frontend-id) = \"$id\"/\1 = \"N\"/; s/(start_time|tty) = \"[^\"]+\"/\1 = T/" | sort
}

# tables: what hypervisor tables say by debug keys: uses of grants and contradictions among them, domains and vCPUs in the pools, pages without owner.
# Real Xen says nothing of it.
tables() {
    xl dmesg -c > /dev/null
    xl debug-keys g; xl debug-keys m
    xl dmesg | sed -n 's/.* grant tables: \(.*\) uses, .* mappings, \(.*\) inconsistent.*/grants=\1 wrong=\2/p; s/.* objects: \(.*\) domains of .* bytes, \(.*\) vCPUs .*/objects=\1+\2/p; s/.* left by dead domains: \(.*\) pages, \(.*\) vCPUs.*/ownerless=\1+\2/p' | tr '\n' ' '
}

# resources: what a host must have back when its guests are gone.
resources() {
    # The last of a dead domain goes when no CPU can see it any more.
    tries=50
    until ! tables | grep -vq 'objects=0+0' || [ $tries = 0 ]; do usleep 100000; tries=$((tries - 1)); done
    echo "free=$(xl info | sed -n 's/^free_memory *: //p') ports=$(lsevtchn 0 | wc -l) nodes=$(xenstore-ls | wc -l) loops=$(losetup -a | wc -l)" \
        "interfaces=$(ls /sys/class/net | wc -l) backends=$(ls /sys/bus/xen-backend/devices | wc -l) domains=$(xl list | wc -l) $(tables)"
}

# rounds COUNT CONFIGURATION GUEST TEXT: creates the guest, waits for the text, destroys it.
rounds() {
    count=0
    while [ $count -lt "$1" ]; do
        rm -f "/var/log/xen/console/guest-$3.log"
        xl create -q "$2" && says "$3" "$4" && xl destroy "$3" && gone "$3" || { echo "round $count failed"; return 1; }
        count=$((count + 1))
    done
    # Backends and their scripts end a little after the domain.
    until [ -z "$(ls /sys/bus/xen-backend/devices)" ]; do usleep 100000; done
}

# now: milliseconds since the start.
now() {
    awk '{ print int($1 * 1000) }' /proc/uptime
}

# measured: creates the sample guest and destroys it when it is up, and keeps how many milliseconds its creation and its start take on this host.
measured() {
    begun=$(now); xl create -q /guest/sample.cfg
    created=$(now); says sample 'is up'
    echo "creation_time=$((created - begun)) start_time=$(($(now) - created))" > /run/measured
    xl destroy sample; cleared
}

# ended PERMILLE: creates the sample guest and destroys it after that part of its start.
ended() {
    . /run/measured
    xl create -q /guest/sample.cfg && usleep $((start_time * $1)) && xl destroy sample && cleared
}

# orphaned PERMILLE: kills xl create with SIGKILL after that part of a creation and destroys what there is then. The scripts that it has started go on
# without it; two at work on one device is what xl cannot bear, so the destruction waits for them.
orphaned() {
    . /run/measured
    xl create -q /guest/sample.cfg & creation=$!
    usleep $((creation_time * $1))
    kill -9 $creation 2> /dev/null
    wait $creation
    while pgrep -f /etc/xen/scripts > /dev/null; do usleep 100000; done
    for id in $(xl list | awk 'NR > 2 { print $2 }'); do xl destroy "$id"; done
    cleared
}

# raced PERMILLE: destroys the sample guest after that part of its creation, while xl create goes on. Of two xl at work on one domain the one that ends later
# may leave nodes in xenstore, and with them dom0's backends: those are removed as an administrator would.
raced() {
    . /run/measured
    xl create -q /guest/sample.cfg & creation=$!
    usleep $((creation_time * $1))
    until xl destroy sample || ! kill -0 $creation; do usleep 50000; done
    wait $creation
    xl destroy sample
    if ! emptied 40; then
        # One level higher dom0's kernel would not heed it and keep its devices.
        for type in vbd vif console; do
            for id in $(xenstore-list "/local/domain/0/backend/$type" 2> /dev/null); do xenstore-rm "/local/domain/0/backend/$type/$id"; done
        done
    fi
    for loop in $(losetup -a | cut -d: -f1); do losetup -d "$loop"; done
    cleared
}

# emptied TENTHS: waits that long at most until no domain is left, and none of its backends and loop devices.
emptied() {
    tries=$1
    until [ "$(xl list | wc -l)" = 2 ] && [ -z "$(ls /sys/bus/xen-backend/devices)" ] && [ "$(losetup -a | wc -l)" = 0 ]; do
        [ $tries -gt 0 ] || return 1
        usleep 100000
        tries=$((tries - 1))
    done
}

# cleared: waits until nothing of a guest is left; shows what is after a long time.
cleared() {
    emptied 600 || { echo "not cleared: failed"; xl list; xenstore-ls -f | grep -E '^/(vm|libxl|local/domain)/[1-9]|^/local/domain/0/backend'; losetup -a; ls /sys/bus/xen-backend/devices; ps; return 1; }
}

# loaded GUEST SECONDS: as load in the guest, from dom0's side: fetches what the guest serves and checks it.
loaded() {
    end=$(($(date +%s) + $2))
    bad=0
    while [ "$(date +%s)" -lt "$end" ]; do
        [ "$(fetch "$3" /index.html)" = 'hello from the sample guest' ] || bad=$((bad + 1))
    done
    echo "$1: $bad wrong"
}

# serve: what load in a guest fetches, and its sum.
serve() {
    dd if=/dev/urandom bs=64k count=6 2> /dev/null | base64 > /guest/blob
    md5sum < /guest/blob > /guest/blob.sum
    httpd -h /guest
}

# another N: a configuration of a guest gN that is like the sample guest, with a disk and an address of its own, 10.77.0.2N.
another() {
    cp /guest/disk.img "/guest/disk$1.img"
    sed "s,disk.img,disk$1.img,; s,sample,g$1,; s,10.77.0.2,10.77.0.2$1,; s,name=sample,name=g$1,; s,00:02\",00:2$1\"," /guest/sample.cfg > "/guest/g$1.cfg"
}

# shares SECONDS GUEST...: what part of one processor each guest had for that long, in per cent.
shares() {
    seconds=$1; shift
    for guest; do xl list "$guest" | awk 'NR == 2 { print $6 }' > "/run/spent-$guest"; done
    read -r start rest < /proc/uptime
    sleep "$seconds"
    for guest; do xl list "$guest" | awk 'NR == 2 { print $6 }' >> "/run/spent-$guest"; done
    read -r end rest < /proc/uptime
    for guest; do echo "$guest had $(awk -v time="$end" -v from="$start" 'NR == 1 { first = $1 } END { printf "%.0f", 100 * ($1 - first) / (time - from) }' "/run/spent-$guest") %"; done
}

# resized GUEST MIB: by ballooning; waits until the guest has that size.
resized() {
    xl mem-set "$1" "$2"
    until [ "$(xl list "$1" | awk 'NR == 2 { print $3 }')" = "$2" ]; do usleep 200000; done
    echo "$1 has $2"
}
