#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Asks Debian's xl 4.17 what it makes of every file in tests/Tools/Golden/Configuration, and keeps its answers in record.txt there: status, standard error
# and standard output of each dry run.
# record-configurations.sh        runs xl here; eng/xl-shim.c answers what it asks a hypervisor before it reads a file. Takes seconds.
# record-configurations.sh --xen  runs it in dom0 on Debian's Xen, and compares with record.txt. Takes half an hour, which may be in pieces: the answers are kept in
#                                 out/reference until the files change. With several CPUs dom0 dies now and then of an interrupt that comes twice (docs/testing.md), so each
#                                 answer goes to the console with a checksum, another boot asks for the rest, and only what differs with one CPU is asked with two.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/tests/Tools/Golden/Configuration
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$folder"

# A run is a line: what to do, its name, a file, and words behind tabs.
{
  find domains -name '*.cfg' | LC_ALL=C sort | sed 's/.*/domain\t&\t&/'
  grep -v '^#' arguments.txt | sed 's/^\([^\t]*\)\t\([^\t]*\)/domain\targuments \1\tdomains\/\2.cfg/'
  find global -name '*.conf' | LC_ALL=C sort | sed 's/.*/global\t&\t&/'
  find cpupools -name '*.cfg' | LC_ALL=C sort | sed 's/.*/pool\t&\t&/'
} | nl -w1 -s$'\t' >"$work/runs"
count=$(wc -l <"$work/runs")
mkdir "$work/answers"

# Works in dom0's shell and here: $answer takes number and result, $conf is where xl finds xl.conf.
cat >"$work/loop" <<'LOOP'
tab=$(printf '\t')
while IFS= read -r line; do
    IFS=$tab
    set -f
    set -- $line
    unset IFS
    number=$1 kind=$2 name=$3 file=$4
    shift 4
    cp /dev/null "$conf"
    case $kind in
        domain) set -- create -n "$file" "$@" ;;
        global) set -- create -n global/guest.cfg; cp "$file" "$conf" ;;
        pool) set -- cpupool-create -n "$file" ;;
    esac
    timeout 60 $xl "$@" > "$scratch/out" 2> "$scratch/err" < /dev/null
    status=$?
    { echo "== $name"; echo "-- status $status"; echo "-- stderr"; tr '\000-\010\013-\037\177' '?' < "$scratch/err"; echo "-- stdout"; cat "$scratch/out"; } > "$scratch/answer"
    $answer "$number" "$scratch/answer"
done < "$runs"
LOOP

if [[ ${1:-} != --xen ]]; then
  packages="xen-utils-4.17 libxenmisc4.17 libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4 libxentoolcore1 libxentoollog1 libyajl2"
  tools=$root/out/reference/xl-4.17
  if [[ ! -f $tools/complete ]]; then
    mkdir -p "$tools"
    (cd "$tools" && apt-get -qq download $packages 2>/dev/null && for package in *.deb; do dpkg -x "$package" .; done && touch complete) ||
      { echo "Debian's xl cannot be downloaded: check the network, run apt-get update and try again" >&2; exit 1; }
  fi
  gcc -shared -fPIC -O1 -o "$work/shim.so" "$root/eng/xl-shim.c"
  cat >"$work/xl" <<XL
#!/bin/sh
LD_PRELOAD=$work/shim.so LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu XL_CONF=$work/xl.conf exec $tools/usr/lib/xen-4.17/bin/xl "\$@"
XL
  chmod +x "$work/xl"
  (
    set +e
    keep() { cp "$2" "$work/answers/$1"; }
    conf=$work/xl.conf scratch=$work answer=keep runs=$work/runs xl=$work/xl
    . "$work/loop"
  )
  for ((number = 1; number <= count; number++)); do cat "$work/answers/$number"; done >record.txt
  echo "$folder/record.txt: $(grep -a -c '^== ' record.txt) runs"
  exit
fi

kept=$root/out/reference/configurations-$(cat "$work/runs" "$work/loop" <(tar --sort=name --mtime=@0 -cf - domains global cpupools) | md5sum | cut -c1-12)
mkdir -p "$kept/one" "$kept/two"

# What differs in every run, what this machine's Xen adds, and what dom0's shell says of a program that has ended by a signal does not count.
neutral() { sed -E 's/"uuid": "[^"]*"/"uuid"/; /"ms_vm_genid": \[/,/\]/d; /^Aborted$/d' "$1"; }
expected() { awk -v name="== $1" '/^== / { inside = $0 == name } inside' record.txt; }
differs() { ! diff <(neutral <(expected "$2")) <(neutral "$1") >"$work/difference"; }

# open one|two: the runs that have no answer from a machine with so many CPUs, and need one.
open() {
  while IFS=$'\t' read -r number kind name rest; do
    if [[ -f $kept/two/$number ]]; then continue; fi
    if [[ $1 == one && $kind == pool ]]; then continue; fi
    if [[ -f $kept/one/$number ]] && { [[ $1 == one ]] || ! differs "$kept/one/$number" "$name"; }; then continue; fi
    printf '%s\t%s\t%s\t%s\n' "$number" "$kind" "$name" "$rest"
  done <"$work/runs"
}

# ask one|two CPUS: boots until nothing is open.
ask() {
  for ((attempt = 1; attempt <= 20; attempt++)); do
    open "$1" >"$work/open"
    [[ -s $work/open ]] || return 0
    {
      echo "mkdir -p /run/files /etc/xen; base64 -d <<'FILES' | gunzip | tar -x -C /run/files -f -"
      tar --sort=name -cf - domains global cpupools | gzip -9 | base64
      echo FILES
      echo "base64 -d <<'RUNS' | gunzip > /run/runs"
      gzip -9 <"$work/open" | base64
      echo RUNS
      echo 'cd /run/files || exit 1'
      [[ $1 == one ]] || echo 'xl cpupool-cpu-remove Pool-0 1'
      echo 'say() { gzip -9 < $2 > /run/packed; sum=$(md5sum < /run/packed); echo "@@ $1 ${sum%% *} $(base64 /run/packed | tr -d "\n")" > /dev/hvc0; }'
      echo 'conf=/etc/xen/xl.conf scratch=/run answer=say runs=/run/runs xl=xl'
      cat "$work/loop"
    } >"$work/script"
    "$root/xensharp" run --oracle --cpus "$2" --xen-args dom0_max_vcpus=1 --with-tools --tools debian --no-guest --timeout 1500 --log "$work/console.log" \
      --exec "$(cat "$work/script")" >"$work/output" 2>&1 || true
    while read -r _ number sum data; do
      base64 -d <<<"$data" >"$work/packed" 2>/dev/null || continue
      if [[ $(md5sum <"$work/packed") == "$sum"* ]]; then gunzip -c "$work/packed" >"$kept/$1/$number"; fi
    done < <(tr -d '\r' <"$work/console.log" | grep -a -o '@@ [0-9]* [0-9a-f]* [A-Za-z0-9+/=]*')
    echo "boot $attempt with $2 CPUs: $(($(wc -l <"$work/open") - $(open "$1" | wc -l))) of $(wc -l <"$work/open") answers"
  done
}

ask one 1
ask two 2
answered=0 differing=0
while IFS=$'\t' read -r number _ name _; do
  for machine in one two; do
    if [[ -f $kept/$machine/$number ]]; then answer=$kept/$machine/$number; fi
  done
  [[ -n ${answer:-} ]] || continue
  answered=$((answered + 1))
  if differs "$answer" "$name"; then echo "$name:"; cat "$work/difference"; differing=$((differing + 1)); fi
  answer=
done <"$work/runs"
echo "$answered of $count answers of Xen, $differing differ from record.txt"
[[ $answered -eq $count && $differing -eq 0 ]]
