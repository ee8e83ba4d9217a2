#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Counts the hypervisor's lines of C# and those inside unsafe code; fails above the limit in percent.
# unsafe-share.sh [LIMIT]
#
# A line is unsafe when it lies in a member that says `unsafe`, or in a type that does; blank and comment lines do not count.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=${1:-10}
find hypervisor -name '*.cs' -not -path '*/obj/*' -not -path '*/bin/*' -print0 | xargs -0 cat | awk -v limit="$limit" '
  { line = $0; sub(/\/\/.*/, "", line); gsub(/[ \t]/, "", line) }
  line == "" { next }
  {
    total++
    text = $0; sub(/\/\/.*/, "", text)
    if (!inside && text ~ /(^|[ \t])unsafe[ \t]/) { inside = 1; start = depth; opened = 0 }
    if (inside) unsafe++
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      if (c == "{") { depth++; if (inside) opened = 1 }
      else if (c == "}") depth--
    }
    if (inside && ((opened && depth <= start) || (!opened && text ~ /;[ \t]*$/))) inside = 0
  }
  END {
    share = 100 * unsafe / total
    printf "unsafe share: %d of %d lines, %.1f %% (limit %d %%)\n", unsafe, total, share, limit
    exit share > limit
  }'
