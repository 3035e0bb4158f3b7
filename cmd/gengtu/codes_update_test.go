package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
)

// What an update replaces keeps its code, what it brings gets a new one, and what it takes
// away leaves a number that nobody gets: not after the whole edition is taken in anew, not
// after a rollback.
func TestCodesAfterUpdates(t *testing.T) {
	const place = "6104020010010000000"
	row := func(n, x int) square {
		return square{fmt.Sprintf("6104020000000000%02d", n), "0101", place, 10 * x, 0, 10*x + 10, 10}
	}
	dir := filepath.Join(t.TempDir(), "s")
	whole := squaresFile(t, "BSM", []square{row(1, 0), row(2, 1), row(3, 2)})
	must(t, "ingest", "--out", dir, "--zooms", "8-10", "--layer", "dltb@2023="+whole)
	must(t, "codes", "--edition", dir)
	code := func(n int) string { return composed(t, "61040200100100", n) }

	gone := filepath.Join(t.TempDir(), "gone.txt")
	if err := os.WriteFile(gone, []byte(row(3, 2).bsm+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	moved := row(1, 0)
	moved.x1 = 8
	forged := map[string]any{"KJM": code(77)}
	out := must(t, "update", "--edition", dir, "--layer", "dltb="+squaresFile(t, "BSM", []square{moved, row(4, 3)}, forged), "--delete", gone)
	if !strings.Contains(out, "UPDATE_CODES") {
		t.Errorf("the update does not say that it takes no codes:\n%s", out)
	}
	if d := cmp.Diff(map[string]string{row(1, 0).bsm: code(1), row(2, 0).bsm: code(2), row(4, 0).bsm: ""}, codesOf(t, dir, "cropland", "2023")); d != "" {
		t.Errorf("after the update: %s", d)
	}
	must(t, "verify", dir)
	must(t, "codes", "--edition", dir)
	want := map[string]string{row(1, 0).bsm: code(1), row(2, 0).bsm: code(2), row(4, 0).bsm: code(4)}
	if d := cmp.Diff(want, codesOf(t, dir, "cropland", "2023")); d != "" {
		t.Errorf("after the codes: %s", d)
	}
	sentOn(t, dir)
	// The same patches again, whole: their codes come back, of those deleted and of new ones.
	must(t, "ingest", "--out", dir, "--zooms", "8-10", "--layer", "dltb@2023="+squaresFile(t, "BSM", []square{row(4, 3), row(3, 2), row(2, 1), row(1, 0)}))
	must(t, "codes", "--edition", dir)
	want[row(3, 0).bsm] = code(5)
	if d := cmp.Diff(want, codesOf(t, dir, "cropland", "2023")); d != "" {
		t.Errorf("after all is taken in anew: %s", d)
	}
	if told := must(t, "codes", "--edition", dir, "--lineage", code(3)); !strings.Contains(told, "retired") {
		t.Errorf("code 3 is %s", told)
	}
	// A rollback takes the register back, but number 5 stays given.
	must(t, "rollback", dir)
	must(t, "codes", "--edition", dir)
	if got := codesOf(t, dir, "cropland", "2023")[row(3, 0).bsm]; got != code(6) {
		t.Errorf("after the rollback a parcel has %s, want %s", got, code(6))
	}
	must(t, "verify", dir)
}

// sentOn sends an edition on, whose receiver makes all of it anew: what is in it is what a
// whole build makes, to the generation's name.
func sentOn(t *testing.T, dir string) {
	t.Helper()
	key, pack, there := filepath.Join(t.TempDir(), "k"), filepath.Join(t.TempDir(), "p.gtp"), filepath.Join(t.TempDir(), "there")
	must(t, "key", "new", "--out", key)
	must(t, "pack", "--edition", dir, "--key", key, "--out", pack)
	must(t, "unpack", "--trust", key+".pub", "--tier", "secure", "--out", there, pack)
	if a, b := current(t, dir), current(t, there); a != b {
		t.Errorf("sent on the edition is %s, it was %s", b, a)
	}
	must(t, "verify", there)
}

// Codes after an update cost what it changed, and make the edition that a whole build makes.
func TestCodesOfManyChanges(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	must(t, "ingest", "--out", dir, "--zooms", "6-12", "--layer", "dltb@2023="+delivery(t, "delivery", "2023", "DLTB.shp"))
	must(t, "codes", "--edition", dir)
	before := codesOf(t, dir, "cropland", "2023")
	var gone []string
	for _, bsm := range slices.Sorted(maps.Keys(before)) {
		if len(gone) < 300 {
			gone = append(gone, bsm)
		}
	}
	file := filepath.Join(t.TempDir(), "gone.txt")
	if err := os.WriteFile(file, []byte(strings.Join(gone, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := squaresFile(t, "BSM", []square{{"610402999999999998", "0101", "6104020010010000000", 0, 0, 9, 9}, {"610402999999999999", "0101", "6104020010010000000", 20, 0, 29, 9}})
	must(t, "update", "--edition", dir, "--layer", "dltb="+fresh, "--delete", file)
	out := must(t, "codes", "--edition", dir)
	if !strings.Contains(out, "given 2") || !strings.Contains(out, "retired 300") {
		t.Errorf("the report says\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, current(t, dir), edition.FeaturesPatch)); err != nil {
		t.Errorf("all features were written anew: %v", err)
	}
	again := must(t, "codes", "--edition", dir)
	if !strings.Contains(again, "nothing changes") {
		t.Errorf("a second time:\n%s", again)
	}
	must(t, "verify", dir)
	sentOn(t, dir)
}
