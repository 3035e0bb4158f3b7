// Package suite writes down how much a test of correctness went through, so that
// RESULTS.md can say it: pairs held against an oracle, faults planted, answers searched.
//
// `make soak` names a file in the environment; without it nothing is written. A line is
// one of Go's benchmark format, so that one reader serves measurements and counts. The
// package judges nothing: what is asked of a count stands in asked.yaml.
package suite

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// CountsFile is the environment variable that names the file to which counts are added.
const CountsFile = "SOAK_COUNTS"

// Count notes that t, one test of the suite of that name, went through n of what unit
// names (pairs, faults, requests). The line is written when t has ended, with 1 failed if
// t failed and 0 if not; of a test that is skipped, or whose process ends, there is none.
// Spaces in the name become _; the unit is one word. A line that cannot be written fails t.
func Count(t testing.TB, name string, n float64, unit string) {
	t.Helper()
	path := os.Getenv(CountsFile)
	if path == "" {
		return
	}
	t.Cleanup(func() {
		if t.Skipped() {
			return
		}
		failed := 0
		if t.Failed() {
			failed = 1
		}
		line := fmt.Sprintf("BenchmarkSuite/suite=%s/test=%s/by=gengtu 1 %v %s %d failed\n", strings.ReplaceAll(name, " ", "_"), strings.NewReplacer("/", ".", " ", "_").Replace(t.Name()), n, unit, failed)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := f.WriteString(line); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
