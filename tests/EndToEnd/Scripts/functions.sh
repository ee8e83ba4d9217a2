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

# shape: numbers in hex become H, so that what stays is the form.
shape() {
    sed -E 's/\b(0x)?[0-9a-f]{8,16}\b/H/g'
}

# fetch HOST PATH: by HTTP. busybox's wget cannot resolve any address beside the tools' libraries.
fetch() {
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" | nc -w 60 "$1" 80 | sed '1,/^\r*$/d'
}

# resources: what a host must have back when its guests are gone.
resources() {
    echo "free=$(xl info | sed -n 's/^free_memory *: //p') ports=$(lsevtchn 0 | wc -l) nodes=$(xenstore-ls | wc -l) loops=$(losetup -a | wc -l)" \
        "interfaces=$(ls /sys/class/net | wc -l) backends=$(ls /sys/bus/xen-backend/devices | wc -l) domains=$(xl list | wc -l)"
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

# killed SECONDS: creates the sample guest and destroys it that much later, wherever it is then.
killed() {
    xl create -q /guest/sample.cfg & creation=$!
    usleep "$1"
    until xl destroy sample 2> /dev/null || ! kill -0 $creation 2> /dev/null; do usleep 50000; done
    wait $creation
    xl destroy sample 2> /dev/null
    gone sample
    until [ -z "$(ls /sys/bus/xen-backend/devices)" ] && [ "$(losetup -a | wc -l)" = 0 ]; do usleep 100000; done
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
