#!/usr/bin/env bash
# Runs the suites of correctness at length and writes what each went through to
# measured/DATE-COMMIT-soak.txt, from which `make results` takes it.
#
# A suite that fails is counted as failed and the others run on; the exit code is 1 then.
# Environment: SUITES (a regular expression of the suites' names), GEOS_SEEDS (2000, hostile
# pairs of each family), SOAK_MINUTES (5, of mixed load), SEED (of the million pairs),
# CLIENTS=1 (other programs' clients of tiles, which need npm's registry and QGIS). GEOS
# needs libgeos-dev and gcc; without them its suites are left out with a word, with CI set
# that is an error.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export SOAK=1 GEOS_SEEDS=${GEOS_SEEDS:-2000}
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export SOAK_COUNTS=$temporary/counts
touch "$SOAK_COUNTS"
where=$(benchmarks/where.sh) || exit 1
loads=$(cut -d' ' -f1 /proc/loadavg)
failed=""

# suite NAME FOLDER TESTS runs the tests of a package that the regular expression names, and
# counts those that passed; that one failed, or that there was none, fails the suite.
suite() {
	[[ $1 =~ ${SUITES:-.} ]] || return 0
	echo "== $1" >&2
	local bad=0 tests
	(cd "$2" && go test -v -count=1 -timeout 240m -run "$3" .) | tee "$temporary/output" || bad=1
	tests=$(grep -c -e '--- PASS: ' "$temporary/output")
	test "$tests" -gt 0 || bad=1
	test "$bad" = 0 || failed="$failed $1"
	echo "BenchmarkSuite/suite=run/test=$1.${2//\//.}/by=gengtu 1 $tests tests $bad failed" >>"$SOAK_COUNTS"
	loads="$loads $(cut -d' ' -f1 /proc/loadavg)"
}

suite oracle index/overlay '^(TestSoak|TestExactAreas|TestOverlayAgainstJTS)'
suite projection index/geo '^TestProjectionAgainstPROJ$'
suite postgis cmd/gengtu '^TestOverlayAgreesWithPostGIS$'
suite planted ingest/check '^(TestPlanted|TestKnots|TestSeveralZones)'
suite reconcile index/reconcile '^TestPlanted$'
suite hostile cmd/gengtu '^TestHostileDeliveries$'
suite thief cmd/gengtu '^(TestThief|TestOverlayIsNoOracle|TestNothingLeaks)$'
suite packages ingest/exchange '^TestRefused$'
suite killed cmd/gengtu '^(TestUpdateKilled|TestKilledWhileTilesAreKept|TestAuditOutlastsAKill)$'
suite killed tileserver/jobs '^TestKilled$'
suite swaps tileserver '^TestSwapUnderLoad$'
suite mvt tileserver/mvt '^TestValidateFixtures$'
suite map tileserver/pyramid '^TestCheckDelivery$'
suite wmts tileserver '^TestWMTS'
suite pictures cmd/gengtu '^TestPicturesAgainstMapLibre$'
suite page cmd/gengtu '^TestViewerAccess$'
if test -n "${CLIENTS:-}"; then suite clients cmd/gengtu '^TestClientsLineUp$'; fi
suite load cmd/gengtu '^TestSoak'
if command -v geos-config >/dev/null && command -v gcc >/dev/null; then
	suite geos benchmarks/geos '^(TestFamilies|TestLastBits|TestBadRings)$'
else
	echo "GEOS is missing: apt-get install -y libgeos-dev gcc" >&2
	test -z "${CI:-}" || failed="$failed geos"
fi

if test -s "$SOAK_COUNTS"; then
	commit=$(sed -n 's/^commit: //p' <<<"$where")
	out=benchmarks/measured/$(date -u +%F)-$commit-soak.txt
	mkdir -p benchmarks/measured
	{
		echo "$where"
		echo "load: $loads"
		echo "command: GEOS_SEEDS=$GEOS_SEEDS${SUITES:+ SUITES='$SUITES'}${SEED:+ SEED=$SEED}${SOAK_MINUTES:+ SOAK_MINUTES=$SOAK_MINUTES} make soak"
		if command -v geos-config >/dev/null; then echo "rival-geos: GEOS $(geos-config --version)"; fi
		cat "$SOAK_COUNTS"
	} >"$out" || exit 1
	echo "$out; make results shows it" >&2
fi
if test -n "$failed"; then
	echo "failed:$failed" >&2
	exit 1
fi
