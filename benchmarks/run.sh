#!/usr/bin/env bash
# Measures gengtu and its rivals and writes results/DATE-COMMIT.md and .svg, and the lines
# themselves to measured/DATE-COMMIT.txt, from which `make results` makes RESULTS.md.
#
# Each of ROUNDS rounds measures everything once, so that we and rivals take
# turns and a busy minute falls on all. The data are made and rivals' databases
# filled in the first round and kept to the last. Environment: ROUNDS (6),
# BENCHTIME (1s), BENCH (a regular expression of go test -bench), GEOS_SEEDS
# (2000, hostile pairs of each family), GENGTU_BENCH_DATA (../shared/data),
# BENCH_WORK (a directory that keeps data and databases for the next call; about
# 10 GB; it must be new whenever editions or samples come out differently), GO (go).
set -euo pipefail
cd "$(dirname "$0")"
GO=${GO:-go}
PATH=$("$GO" env GOROOT)/bin:$PATH # the measurements build the program themselves

ROUNDS=${ROUNDS:-6}
BENCHTIME=${BENCHTIME:-1s}
BENCH=${BENCH:-.}
BENCHSTAT=${BENCHSTAT:-golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da}

where=$(./where.sh)
commit=$(sed -n 's/^commit: //p' <<<"$where")
out=results/$(date -u +%F)-$commit

temporary=$(mktemp -d)
kept=${BENCH_WORK:-$temporary/work}
mkdir -p "$kept"
chmod 755 "$temporary" "$kept" # PostgreSQL runs as another user
export BENCH_WORK=$kept
# A server that an interrupted run left is ended by the number it wrote down.
finish() {
	local pid=$kept/postgis/postmaster.pid
	if test -f "$pid"; then kill -QUIT "$(head -1 "$pid")" 2>/dev/null || true; fi
	rm -rf "$temporary"
}
trap finish EXIT
rm -f "$kept/gengtu" # another commit's
"$GO" test -c -o "$temporary/bench.test" .
geos="not measured: apt-get install -y libgeos-dev gcc"
if command -v geos-config >/dev/null && command -v gcc >/dev/null; then
	geos="GEOS $(geos-config --version)"
	(cd geos && "$GO" test -c -o "$temporary/geos.test" .)
elif test -n "${CI:-}"; then
	echo "GEOS is missing: apt-get install -y libgeos-dev gcc" >&2
	exit 1
fi

loads=""
for round in $(seq "$ROUNDS"); do
	loads="$loads $(cut -d' ' -f1 /proc/loadavg)"
	echo "round $round of $ROUNDS, load$loads" >&2
	if test -x "$temporary/geos.test"; then
		(cd geos && "$temporary/geos.test" -test.run '^$' -test.bench "$BENCH" -test.benchtime "$BENCHTIME" -test.cpu 1 -test.timeout 120m) | tee -a "$temporary/measured" >&2
	fi
	BENCH_RIVALS=1 "$temporary/bench.test" -test.run '^$' -test.bench "$BENCH" -test.benchtime "$BENCHTIME" \
		-test.count 1 -test.timeout 240m | tee -a "$temporary/measured" >&2
done
loads="$loads $(cut -d' ' -f1 /proc/loadavg)"
BENCH_MEASURED=$temporary/measured "$temporary/bench.test" -test.run '^TestFigures$' >/dev/null

version() { command -v "$1" >/dev/null && "$@" 2>/dev/null | head -1 || echo "$1: none"; }
postgis=$(sed -n "s/^default_version = '\(.*\)'/\1/p" /usr/share/postgresql/*/extension/postgis.control 2>/dev/null | tail -1 || true)
tiles=""
if test -n "${BENCH_TIPPECANOE:-}"; then tiles=$("$BENCH_TIPPECANOE" --version 2>&1 | head -1); fi
server=""
if test -n "${BENCH_PG_TILESERV:-}"; then server=$("$BENCH_PG_TILESERV" --version 2>&1 | head -1); fi
command="ROUNDS=$ROUNDS BENCHTIME=$BENCHTIME BENCH='$BENCH' GEOS_SEEDS=${GEOS_SEEDS:-2000} benchmarks/run.sh"
mkdir -p results measured
{
	echo "$where"
	echo "load: 1-minute averages$loads"
	echo "command: $command"
	if command -v psql >/dev/null && test -n "$postgis"; then echo "rival-postgis: PostGIS $postgis, PostgreSQL $(version psql --version | grep -oE '[0-9]+\.[0-9]+' | head -1)"; fi
	if command -v geos-config >/dev/null; then echo "rival-geos: $geos"; fi
	if command -v ogr2ogr >/dev/null; then echo "rival-gdal: $(version ogr2ogr --version)"; fi
	if test -n "$tiles"; then echo "rival-tippecanoe: $tiles"; fi
	if test -n "$server"; then echo "rival-pg_tileserv: $server"; fi
	cat "$temporary/measured"
} >"$temporary/lines"
{
	echo "# Measurements of $(date -u +%F), commit $commit"
	echo
	echo "| | |"
	echo "|---|---|"
	echo "| processor | $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1) |"
	echo "| memory | $(awk '/^MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo) |"
	echo "| system | $(uname -s) $(uname -r | cut -d- -f1) $(uname -m) |"
	echo "| Go | $("$GO" version | cut -d' ' -f3) |"
	echo "| rivals | PostgreSQL $(version psql --version | grep -oE '[0-9]+\.[0-9]+' | head -1), PostGIS ${postgis:-none}; $geos; $(version ogr2ogr --version) |"
	echo "| command | \`$command\` |"
	echo "| load | 1-minute averages before each round and after the last:$loads |"
	echo
	echo "What each line is, and what may not be claimed from it, stands in [README.md](../README.md)."
	echo "Where the load is above the number of cores, the clock says little: look at processor time."
	echo
	echo "## What was aimed at"
	echo
	cat "$temporary/figures.md"
	echo
	echo "![time against area, border and layer]($(basename "$out").svg)"
	echo
	if test -x "$temporary/geos.test"; then
		echo "## Where GEOS is wrong"
		(cd geos && GEOS_SEEDS=${GEOS_SEEDS:-2000} "$temporary/geos.test" -test.run 'Families|LastBits|BadRings' -test.v -test.timeout 60m) |
			sed -n '/^ *|/ s/^ *//p' | awk '/^\| (family|rings) / {print ""} {print}'
		echo
	fi
	echo "## All"
	echo
	awk -f ratios.awk "$temporary/measured"
	echo
	echo "By benchstat:"
	echo
	echo '```'
	# From within, so that the column is called by that name alone.
	(cd "$temporary" && "$GO" run "$BENCHSTAT" -filter '.unit:(sec/op OR cpu-ms/op OR B/op OR allocs/op OR first-ms OR catalog-ms OR script-ms OR p95-ms OR p50-ms OR p99-ms OR worst-ms OR p99-cpu-ms OR allocs/pair OR aois OR parcels-on-border OR failed-pairs OR stopped)' measured)
	echo '```'
} >"$temporary/result.md"
mv "$temporary/result.md" "$out.md"
mv "$temporary/graph.svg" "$out.svg"
mv "$temporary/lines" "measured/${out#results/}.txt"
echo "benchmarks/$out.md, benchmarks/measured/${out#results/}.txt; make results shows them" >&2
