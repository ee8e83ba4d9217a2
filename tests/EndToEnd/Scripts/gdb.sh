#!/bin/bash
# SPDX-License-Identifier: MIT
# A client of Debian's gdbsx that speaks gdb's remote protocol as gdb does: attaches to a domain, reads and writes, steps, breaks, continues, detaches.
# gdb.sh DOMAIN [break]: with "break" also a breakpoint where the first vCPU is, which must be a place it comes back to.
set -u
port=2345
gdbsx -a "$1" 64 $port > /run/gdbsx.log 2>&1 &
server=$!
until { exec 3<> /dev/tcp/127.0.0.1/$port; } 2> /dev/null; do sleep 0.1; done

# send PACKET: $reply is the answer.
send() {
    local sum=0 i code packet
    for ((i = 0; i < ${#1}; i++)); do
        printf -v code %d "'${1:i:1}"
        ((sum += code))
    done
    printf -v packet '$%s#%02x' "$1" $((sum & 255))
    printf %s "$packet" >&3
    IFS= read -r -u 3 -d '#' reply
    IFS= read -r -u 3 -n 2 sum
    printf + >&3
    reply=${reply#*\$}
}

expect() {
    [[ $reply == $2 ]] || { echo "$1: $reply, not $2; $(tail -3 /run/gdbsx.log)"; kill $server; exit 1; }
    echo "$1: ok"
}

# The register's bytes come in the order of memory.
instruction() {
    send g
    local bytes=${reply:256:16} i
    rip=
    for ((i = 14; i >= 0; i -= 2)); do rip+=${bytes:i:2}; done
}

# jump OFFSET: moves rip by that much.
jump() {
    send g
    local registers=$reply i moved bytes=
    printf -v moved %016x $((16#$rip + $1))
    for ((i = 14; i >= 0; i -= 2)); do bytes+=${moved:i:2}; done
    send "G${registers:0:256}$bytes${registers:272}"
}

send '?'; expect 'why it stands' T05thread:0\;
send Hg0; expect 'the first vCPU' OK
instruction
[[ $rip == ffffffff8* ]] && echo 'it is in the kernel: ok'
start=$rip
send "m$rip,10"; expect 'memory is read' '????????????????????????????????'
first=${reply:0:2}
send 'mffff800000000000,8'; expect 'memory that is not there' E01
send 'mffffffff81fffff0,20'; expect 'memory over the end of a page' "$(printf '?%.0s' {1..64})"
jump 0; expect 'registers are written' OK
send s; expect 'one step' T05thread:0\;
instruction
[[ $rip != "$start" ]] && echo 'it has moved: ok'
send s; expect 'another step' T05thread:0\;

if [[ ${2:-} == break ]]; then
    send "M$start,1:cc"; expect 'a breakpoint is set' OK
    send "m$start,1"; expect 'and stands there' cc
    send c; expect 'it is met' 'T05thread:?;'
    instruction
    [[ $((16#$rip)) == $((16#$start + 1)) ]] && echo 'behind the breakpoint: ok'
    send "M$start,1:$first"; expect 'the breakpoint is removed' OK
    jump -1; expect 'rip is set back' OK
    send s; expect 'a step over it' T05thread:0\;
fi

# Nothing stops it but xl.
(sleep 1; until xl pause "$1"; do sleep 1; done) &
send c; expect 'it continues until xl pauses it' 'T02thread:0;'
# gdbsx does not answer that, it ends.
send D; expect 'detach' +
wait $server || true
