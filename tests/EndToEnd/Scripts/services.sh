# SPDX-License-Identifier: MIT
# Shell functions for the steps of ServiceTests; joined behind functions.sh.

# After a step that has failed or has lasted too long there are no others, but what is known is told.
[ ! -e /run/failed ] || exit 1
{ sleep 120; kill $$; } > /dev/null 2>&1 &
watchdog=$!
trap 'exit 143' TERM
trap 'status=$?; kill $watchdog 2> /dev/null; [ $status = 0 ] || { touch /run/failed; told; }' EXIT

# told: what is known after a failure.
told() {
    xl list; cat /var/log/xen/xl-*.log
    systemctl status --no-pager -l '*xen*'; journalctl -b --no-pager | tail -n 80
} 2> /dev/null

# service_main UNIT: its main process.
service_main() {
    systemctl show -P MainPID "$1"
}

# daemon_of UNIT: the child of its main process.
daemon_of() {
    cat "/proc/$(service_main "$1")"/task/*/children
}

# restarts UNIT TIMES: waits until systemd has restarted it so often and it is active.
restarts() {
    until [ "$(systemctl show -P NRestarts "$1")" = "$2" ] && systemctl -q is-active "$1"; do usleep 200000; done
}

# settled: waits until systemd has nothing to do.
settled() {
    while systemctl list-jobs --no-legend | grep -q .; do usleep 200000; done
}

# verified: what systemd-analyze finds in our units; nothing.
verified() {
    systemd-analyze --no-pager verify /usr/lib/systemd/system/*xen* > /tmp/found 2>&1
    cat /tmp/found
    [ ! -s /tmp/found ]
}
