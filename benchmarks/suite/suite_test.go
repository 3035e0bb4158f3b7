package suite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
)

// ended is a test that has ended, with what came of it.
type ended struct {
	testing.TB
	name            string
	failed, skipped bool
	cleanups        []func()
	errors          []string
}

func (e *ended) Helper()           {}
func (e *ended) Name() string      { return e.name }
func (e *ended) Failed() bool      { return e.failed }
func (e *ended) Skipped() bool     { return e.skipped }
func (e *ended) Cleanup(f func())  { e.cleanups = append(e.cleanups, f) }
func (e *ended) Error(args ...any) { e.errors = append(e.errors, fmt.Sprint(args...)) }

func (e *ended) end() {
	for _, f := range e.cleanups {
		f()
	}
}

// A count says whether its test failed, and is none of a test that was skipped.
func TestCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counts")
	t.Setenv(suite.CountsFile, path)
	for _, e := range []*ended{{name: "TestGood"}, {name: "TestBad/a b"}, {name: "TestSkipped"}} {
		suite.Count(e, "made with care", 12, "pairs")
		if _, err := os.Stat(path); err == nil && e.name == "TestGood" {
			t.Error("a line is written before the test has ended")
		}
		e.failed, e.skipped = e.name == "TestBad/a b", e.name == "TestSkipped"
		e.end()
		if len(e.errors) > 0 {
			t.Error(e.errors)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "BenchmarkSuite/suite=made_with_care/test=TestGood/by=gengtu 1 12 pairs 0 failed\nBenchmarkSuite/suite=made_with_care/test=TestBad.a_b/by=gengtu 1 12 pairs 1 failed\n"
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

// A line that cannot be written fails the test; without a file nothing is written.
func TestCountNowhere(t *testing.T) {
	t.Setenv(suite.CountsFile, filepath.Join(t.TempDir(), "none", "counts"))
	e := &ended{name: "TestX"}
	suite.Count(e, "made", 1, "pairs")
	e.end()
	if len(e.errors) != 1 || !strings.Contains(e.errors[0], "counts") {
		t.Errorf("%q", e.errors)
	}
	t.Setenv(suite.CountsFile, "")
	e = &ended{name: "TestX"}
	suite.Count(e, "made", 1, "pairs")
	if len(e.cleanups) != 0 {
		t.Error("something is to be written, and no file was named")
	}
}
