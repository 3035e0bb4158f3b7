#!/usr/bin/env bash
# Prints where and when something is measured, as configuration of Go's benchmark format.
# Environment: GO (go).
set -euo pipefail
cd "$(dirname "$0")"
GO=${GO:-go}

version=$("$GO" env GOVERSION)
changed=""
test -z "$(git status --porcelain -- .. ':!measured' ':!RESULTS.md' ':!results')" || changed="-changed"
echo "commit: $(git rev-parse --short=10 HEAD)$changed"
echo "date: $(date -u +%FT%RZ)"
echo "machine: $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
echo "memory: $(awk '/^MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo)"
echo "system: $(uname -s) $(uname -r | cut -d- -f1) $(uname -m)"
echo "go: $version"
