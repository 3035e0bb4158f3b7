#!/usr/bin/env bash
# Fuzzes each target for FUZZTIME (30s) and adds what it went through to the ledger,
# measured/fuzz.txt, in Go's benchmark format: hours add up over runs, and `make results`
# says what is missing. A target that finds a fault ends the run, with nothing in the ledger
# for it: its input is in testdata/fuzz of its package.
#
# Environment: FUZZ (a regular expression of folder.Function), FUZZ_LACKING (seconds: only
# targets that have run for less so far), FUZZ_LEDGER (the ledger; empty for none), GO (go).
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

FUZZTIME=${FUZZTIME:-30s}
ledger=${FUZZ_LEDGER-benchmarks/measured/fuzz.txt}
said=""
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# noted FOLDER FUNCTION adds the last line of figures that go test printed.
noted() {
	test -n "$ledger" || return 0
	local line
	line=$(awk -v name="BenchmarkFuzz/target=$1.$2/by=gengtu" '
		/^fuzz: elapsed: .*execs: / {
			t = $3; sub(/,$/, "", t); seconds = 0
			while (match(t, /^[0-9.]+[hms]/)) {
				n = substr(t, 1, RLENGTH - 1) + 0; u = substr(t, RLENGTH, 1)
				seconds += n * (u == "h" ? 3600 : u == "m" ? 60 : 1); t = substr(t, RLENGTH + 1)
			}
			execs = $5; found = $9
		}
		END { if (seconds == "") exit 1; print name, 1, seconds, "seconds", execs, "execs", found, "new-inputs" }' "$output") ||
		{ echo "$1.$2: go test has told no figures" >&2; return 1; }
	if test -z "$said"; then
		mkdir -p "$(dirname "$ledger")"
		{ benchmarks/where.sh; echo "command: FUZZTIME=$FUZZTIME make fuzz"; } >>"$ledger"
		said=yes
	fi
	echo "$line" >>"$ledger"
}

# spent FOLDER FUNCTION prints the seconds that are in the ledger.
spent() {
	test -f "$ledger" || { echo 0; return; }
	awk -v name="BenchmarkFuzz/target=$1.$2/by=gengtu" '$1 == name { s += $3 } END { printf "%d\n", s }' "$ledger"
}

targets=$(grep -rHoE --include='*_test.go' '^func (Fuzz[A-Za-z0-9_]+)' . | sed -E 's|^\./(.*)/[^/]+:func (.*)|\1 \2|' | sort -u)
while read -r dir f; do
	[[ $dir.$f =~ ${FUZZ:-.} ]] || continue
	if test -n "${FUZZ_LACKING:-}" && test "$(spent "$dir" "$f")" -ge "$FUZZ_LACKING"; then continue; fi
	echo "$dir $f"
	"$GO" test -run '^$' -fuzz "^$f\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 100x "./$dir" </dev/null | tee "$output"
	noted "$dir" "$f"
done <<<"$targets"
