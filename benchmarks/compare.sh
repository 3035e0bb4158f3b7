#!/usr/bin/env bash
# Measures this tree against the commit BASE, turn about, and prints benchstat's
# comparison. Both sides run the measurements of this tree, if BASE compiles
# with them, else each its own. Rivals are not measured.
#
#     benchmarks/compare.sh BASE [BENCH]
#
# BENCH is a regular expression of go test -bench. Environment: ROUNDS (10),
# BENCHTIME (1s), GENGTU_BENCH_DATA (../shared/data), GO (go).
set -euo pipefail
cd "$(dirname "$0")"
GO=${GO:-go}
PATH=$("$GO" env GOROOT)/bin:$PATH # the measurements build the program themselves

base=${1:?usage: compare.sh BASE [BENCH]}
bench=${2:-.}
ROUNDS=${ROUNDS:-10}
BENCHTIME=${BENCHTIME:-1s}
BENCHSTAT=${BENCHSTAT:-golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da}
GENGTU_BENCH_DATA=$(cd "${GENGTU_BENCH_DATA:-../../shared/data}" && pwd)
export GENGTU_BENCH_DATA
unset BENCH_RIVALS

here=$PWD
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/tree" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/tree" "$base"
there=$work/tree/benchmarks
mkdir -p "$there" "$work/base" "$work/head"

mkdir "$work/own"
cp "$there"/*_test.go "$work/own" 2>/dev/null || true
rm -f "$there"/*_test.go
cp ./*_test.go "$there"
if ! (cd "$there" && "$GO" test -c -o "$work/base.test" . 2>"$work/errors"); then
	rm -f "$there"/*_test.go
	if ! cp "$work/own"/*_test.go "$there" 2>/dev/null; then
		echo "$base does not compile with these measurements and has none of its own:" >&2
		cat "$work/errors" >&2
		exit 1
	fi
	echo "$base does not compile with these measurements: it runs its own" >&2
	(cd "$there" && "$GO" test -c -o "$work/base.test" .)
fi
"$GO" test -c -o "$work/head.test" .

# side NAME DIRECTORY measures one side once.
side() {
	(cd "$2" && BENCH_WORK=$work/$1 "$work/$1.test" -test.run '^$' -test.bench "$bench" -test.benchtime "$BENCHTIME" -test.timeout 60m) >>"$work/$1.txt"
}
for round in $(seq "$ROUNDS"); do
	echo "round $round of $ROUNDS, load $(cut -d' ' -f1 /proc/loadavg)" >&2
	if ((round % 2)); then
		side base "$there"
		side head "$here"
	else
		side head "$here"
		side base "$there"
	fi
done
cd "$work" # so that the columns are called by these names alone
"$GO" run "$BENCHSTAT" base.txt head.txt
