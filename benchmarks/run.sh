#!/usr/bin/env bash
# Measures gengtu and its rivals and writes results/DATE-COMMIT.md.
#
# Each of ROUNDS rounds measures everything once, so that we and rivals take
# turns and a busy minute falls on all. Environment: ROUNDS (6), BENCHTIME (1s),
# BENCH (a regular expression of go test -bench), GENGTU_BENCH_DATA (../shared/data).
set -euo pipefail
cd "$(dirname "$0")"

ROUNDS=${ROUNDS:-6}
BENCHTIME=${BENCHTIME:-1s}
BENCH=${BENCH:-.}
BENCHSTAT=${BENCHSTAT:-golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da}

commit=$(git rev-parse --short=10 HEAD)
changed=""
test -z "$(git status --porcelain)" || changed="-changed"
out=results/$(date -u +%F)-$commit$changed.md

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/bench.test" .

loads=""
for round in $(seq "$ROUNDS"); do
	loads="$loads $(cut -d' ' -f1 /proc/loadavg)"
	echo "round $round of $ROUNDS, load$loads" >&2
	BENCH_RIVALS=1 BENCH_WORK=$work "$work/bench.test" -test.run '^$' -test.bench "$BENCH" -test.benchtime "$BENCHTIME" \
		-test.count 1 -test.timeout 60m | tee -a "$work/measured" >&2
done
loads="$loads $(cut -d' ' -f1 /proc/loadavg)"

version() { command -v "$1" >/dev/null && "$@" 2>/dev/null | head -1 || echo "$1: none"; }
postgis=$(sed -n "s/^default_version = '\(.*\)'/\1/p" /usr/share/postgresql/*/extension/postgis.control 2>/dev/null | tail -1 || true)
mkdir -p results
{
	echo "# Measurements of $(date -u +%F), commit $commit${changed:+ with changes that are not committed}"
	echo
	echo "| | |"
	echo "|---|---|"
	echo "| processor | $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1) |"
	echo "| memory | $(awk '/^MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo) |"
	echo "| system | $(uname -s) $(uname -r | cut -d- -f1) $(uname -m) |"
	echo "| Go | $(go version | cut -d' ' -f3) |"
	echo "| rivals | PostgreSQL $(version psql --version | grep -oE '[0-9]+\.[0-9]+' | head -1), PostGIS ${postgis:-none}; $(version ogr2ogr --version) |"
	echo "| command | \`ROUNDS=$ROUNDS BENCHTIME=$BENCHTIME BENCH='$BENCH' benchmarks/run.sh\` |"
	echo "| load | 1-minute averages before each round and after the last:$loads |"
	echo
	echo "What each line is, and what may not be claimed from it, stands in [README.md](../README.md)."
	echo "Where the load is above the number of cores, the clock says little: look at processor time."
	echo
	awk -f ratios.awk "$work/measured"
	echo
	echo "By benchstat:"
	echo
	echo '```'
	# From within, so that the column is called by that name alone.
	(cd "$work" && go run "$BENCHSTAT" -filter '.unit:(sec/op OR cpu-ms/op OR B/op OR allocs/op)' measured)
	echo '```'
} >"$work/result.md"
mv "$work/result.md" "$out"
echo "benchmarks/$out" >&2
