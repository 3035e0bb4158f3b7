#!/usr/bin/env bash
# Runs the suites of correctness at length and writes what each went through to
# measured/DATE-COMMIT-soak.txt, from which `make results` takes it.
#
# A suite that fails is counted as failed and the others run on; the exit code is 1 then.
# Environment: SUITES (a regular expression of the suites' names), GEOS_SEEDS (2000, hostile
# pairs of each family), SOAK_MINUTES (5, of mixed load), SEED (of the million pairs),
# CLIENTS=1 (other programs' clients of tiles, which need npm's registry and QGIS), GO (go). The tests
# need what `make deps` installs, and GEOS
# libgeos-dev and gcc; without these two its suites are left out with a word, with CI set
# that is an error.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
GO=${GO:-go}

export SOAK=1 GEOS_SEEDS=${GEOS_SEEDS:-2000}
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export SOAK_COUNTS=$temporary/counts
touch "$SOAK_COUNTS"
where=$(benchmarks/where.sh) || exit 1
loads=$(cut -d' ' -f1 /proc/loadavg)
failed=""

# suite NAME FOLDER TEST... runs the tests of a package by name, a * at the end of one
# standing for any letters, and counts those that passed. That one failed, and that none
# of a name passed (it is gone, or was skipped), fails the suite.
suite() {
	[[ $1 =~ ${SUITES:-.} ]] || return 0
	local name=$1 folder=$2 bad=0 tests test
	shift 2
	echo "== $name" >&2
	(cd "$folder" && "$GO" test -v -count=1 -timeout 240m -run "^($(IFS='|'; echo "${*//\*/[A-Za-z0-9_]*}"))\$" .) | tee "$temporary/output" || bad=1
	for test; do
		grep -qE "^--- PASS: ${test//\*/[A-Za-z0-9_]*} " "$temporary/output" ||
			{ echo "$name: no $test has passed in $folder" >&2; bad=1; }
	done
	tests=$(grep -c -e '--- PASS: ' "$temporary/output")
	test "$bad" = 0 || failed="$failed $name"
	echo "BenchmarkSuite/suite=run/test=$name.${folder//\//.}/by=gengtu 1 $tests tests $bad failed" >>"$SOAK_COUNTS"
	loads="$loads $(cut -d' ' -f1 /proc/loadavg)"
}

suite oracle index/overlay 'TestSoak*' 'TestExactAreas*' 'TestOverlayAgainstJTS*' TestPiecesCloseWithAreas TestMendAgainstJTSValidity 'TestDissolve*'
suite valid index/overlay TestResultsAreValidForGEOS TestResultsAreValidForPostGIS TestAreasAgainstGEOS
suite projection index/geo TestProjectionAgainstPROJ
suite survey index/geo 'TestSurvey*'
suite survey ingest 'TestSurveyArea*'
suite postgis cmd/gengtu TestOverlayAgreesWithPostGIS TestMatrixAgreesWithPostGIS
suite questions index/analyze 'Test*PostGIS' 'Test*ByCells' 'Test*AgainstCells'
suite questions index/contiguity TestAgainstPostGIS
suite questions index/relate 'Test*AsPostGIS'
suite planted ingest/check TestMendSlivers 'TestPlanted*' 'TestKnots*' 'TestSeveralZones*' TestClean TestAgainstPostGIS
suite reconcile index/reconcile TestPlanted TestPostGIS
suite hostile cmd/gengtu TestHostileDeliveries
suite thief cmd/gengtu 'TestThief*' 'TestOverlayIsNoOracle*' TestNothingLeaks TestNothingLeaksOfYears TestExportsDoNotLeak TestNeverUpward TestNoFinerPlaceLeaves
suite thief tileserver TestScopedThief
suite packages ingest/exchange TestRefused TestEachByte
suite log tileserver/audit TestVerifyFindsEveryByte TestVerifyFindsTampering
suite killed cmd/gengtu TestUpdateKilled TestKilledWhileTilesAreKept TestAuditOutlastsAKill
suite killed tileserver/jobs TestKilled
suite chaos cmd/gengtu TestFullDisc TestEditionDeletedUnderServer TestPagesDamagedUnderServer
suite swaps tileserver TestSwapUnderLoad
suite plots tileserver TestOverlayManyPlots
suite mvt tileserver/mvt TestValidateFixtures
suite map tileserver/pyramid TestCheckDelivery TestBuildValidByGEOS
suite map tileserver/pyramid/pyramidtest TestPlantedFaults
suite map cmd/gengtu TestServedTilesAreTrue TestSeamsBetweenCounties
suite golden cmd/gengtu TestGoldenArm64
suite wmts tileserver 'TestWMTS*'
suite wmts cmd/gengtu TestCapabilitiesValidate
suite pictures cmd/gengtu TestPicturesAgainstMapLibre
suite page cmd/gengtu TestViewerAccess
suite page tileserver/viewer TestBudget
if test -n "${CLIENTS:-}"; then suite clients cmd/gengtu TestClientsLineUp; fi
suite load cmd/gengtu 'TestSoak*'
if command -v geos-config >/dev/null && command -v gcc >/dev/null; then
	suite geos benchmarks/geos TestFamilies TestLastBits TestBadRings
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
