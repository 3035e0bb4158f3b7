package asked_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/asked"
)

// The files of the project, seen from this folder.
const (
	askedFile   = "../asked.yaml"
	resultsFile = "../RESULTS.md"
	measuredDir = "../measured"
	root        = "../.."
)

// RESULTS.md is what asked.yaml, the lines in measured and the fuzz targets make of it;
// RESULTS=write writes it (`make results`). Each figure that is not reached says why.
func TestResults(t *testing.T) {
	text, err := os.ReadFile(askedFile)
	if err != nil {
		t.Fatal(err)
	}
	a, err := asked.Read("asked.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := asked.ReadRuns(os.DirFS(measuredDir))
	if err != nil {
		t.Fatal(err)
	}
	targets, err := asked.Targets(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Topics) < 10 || len(runs) == 0 || len(targets) < 50 {
		t.Fatalf("%d topics, %d runs, %d targets were read", len(a.Topics), len(runs), len(targets))
	}
	want, unexplained := asked.Write(a, runs, targets)
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(want, -1)
	for _, link := range links {
		if _, err := os.Stat(filepath.Join(filepath.Dir(resultsFile), link[1])); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
	if len(links) < len(runs) {
		t.Errorf("%d links, of %d runs", len(links), len(runs))
	}
	for _, f := range unexplained {
		t.Errorf("%s: not reached, and asked.yaml does not say why", f)
	}
	if os.Getenv("RESULTS") == "write" {
		if err := os.WriteFile(resultsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(resultsFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("RESULTS.md is not what was measured: make results (-made +there)\n%.3000s", d)
	}
}

// lines are two runs: the newer lacks the rival of Ask and all of Gone.
const lines = `commit: newer
date: 2026-02-02
machine: two processors
load: 0.1
command: make bench
rival-postgis: PostGIS 3.3.2
goos: linux
BenchmarkAsk/aoi=1/by=gengtu-2 10 1000000 ns/op 2.0 cpu-ms/op
BenchmarkAsk/aoi=1/by=gengtu-2 10 3000000 ns/op 2.0 cpu-ms/op
BenchmarkAsk/aoi=1/by=gengtu-2 10 2000000 ns/op 2.0 cpu-ms/op
BenchmarkAsk/aoi=1/by=postgis-2workers-2 1 100000000 ns/op 90 cpu-ms/op
BenchmarkAsk/aoi=1/by=postgis-2workers-2 1 360000000 ns/op 90 cpu-ms/op
BenchmarkAsk/aoi=1/by=postgis-2workers-2 1 220000000 ns/op 90 cpu-ms/op
BenchmarkAsk/aoi=2/by=gengtu-2 10 2000000 ns/op 1.0 cpu-ms/op
BenchmarkAsk/aoi=2/by=postgis-2workers-2 1 300000000 ns/op 300 cpu-ms/op
BenchmarkLate/by=gengtu 1 7 p99-ms
BenchmarkLate/by=nameless 1 7 p99-ms
BenchmarkNo/by=gengtu 1 9 p99-ms
BenchmarkClocked/by=gengtu 1 2000000000 ns/op
BenchmarkScaled/by=gengtu 1 4000000000 ns/op 5 cpu-ms/op 2000 parcels
BenchmarkSuite/suite=planted/rule=A/test=T/by=gengtu 1 2000 faults 0 failed
BenchmarkSuite/suite=planted/rule=A/test=U/by=gengtu 1 30 faults 0 failed
BenchmarkSuite/suite=planted/rule=A/test=U/by=gengtu 1 12 faults 0 failed
BenchmarkSuite/suite=red/test=T/by=gengtu 1 5000 pairs 1 failed
BenchmarkFuzz/target=a/b.FuzzX/by=gengtu 1 1800 seconds 100 execs 3 new-inputs
BenchmarkFuzz/target=a/b.FuzzFew/by=gengtu 1 60 seconds 9 execs 0 new-inputs
BenchmarkFuzz/target=old.FuzzGone/by=gengtu 1 60 seconds 1 execs 0 new-inputs
commit: older
date: 2026-02-01
BenchmarkOld/by=gengtu 1 1 p99-ms
BenchmarkLate/by=gengtu 1 3 p99-ms
BenchmarkAsk/aoi=1/by=gengtu 1 1 ns/op
BenchmarkAsk/aoi=1/by=postgis-2workers 1 1000 ns/op
BenchmarkSuite/suite=planted/rule=B/test=T/by=gengtu 1 1 faults 0 failed
BenchmarkFuzz/target=a/b.FuzzX/by=gengtu 1 1900 seconds 50 execs 1 new-inputs
PASS
`

const wanted = `fuzz_seconds: 3600
topics:
  - title: Made up
    command: make bench
    figures:
      - {what: ratio, least: 50, unit: ×, benchmarks: [Ask/aoi=1, Ask/aoi=2], beside: {by: postgis-2workers, as: times}, why: because.}
      - {what: missing, least: 1, benchmarks: [Gone], why: no machine.}
      - {what: in part, most: 10, unit: ms, metric: p99-ms, benchmarks: [Late, Gone], why: half.}
      - {what: not reached, most: 8, unit: ms, metric: p99-ms, benchmarks: ["No"], why: too slow.}
      - {what: silent, most: 8, unit: ms, metric: p99-ms, benchmarks: ["No"]}
      - {what: older, most: 8, unit: ms, metric: p99-ms, benchmarks: [Old]}
      - {what: no version, most: 1, unit: ×, metric: p99-ms, benchmarks: [Late], beside: {by: nameless, as: part}}
      - {what: no rival, least: 2, unit: ×, metric: p99-ms, benchmarks: [Late], beside: {by: absent, as: times}, why: it is not built.}
      - {what: each rule, least: 2000, unit: faults, metric: faults, benchmarks: ["Suite/suite=planted/rule=*/test=*"], why: few places.}
      - {what: each rule in all tests, least: 2042, unit: faults, metric: faults, add: test, benchmarks: ["Suite/suite=planted/rule=*/test=*"]}
      - {what: all rules, sum: true, unit: faults, metric: faults, benchmarks: ["Suite/suite=planted/rule=*/test=*"]}
      - {what: red suite, least: 10, unit: pairs, metric: pairs, benchmarks: ["Suite/suite=red/test=*"], why: see its log.}
      - {what: no suite, least: 1, metric: pairs, benchmarks: ["Suite/suite=none/test=*"]}
      - {what: a thousand parcels, most: 3, unit: s, scale: 1.0e-6, per: parcels, benchmarks: [Scaled]}
      - {what: clocked, most: 3, unit: s, scale: 1.0e-9, benchmarks: [Clocked]}
      - {what: busy, most: 3, unit: ms, scale: 1.0e-3, benchmarks: [Scaled], why: two threads.}
`

func made(t *testing.T) (*asked.Asked, []*asked.Run) {
	t.Helper()
	a, err := asked.Read("asked.yaml", []byte(wanted))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := asked.ReadRuns(fstest.MapFS{"made.txt": {Data: []byte(lines)}, "notes.md": {Data: []byte("BenchmarkX 1 x y")}})
	if err != nil {
		t.Fatal(err)
	}
	return a, runs
}

// Each figure is the least favourable of its benchmarks in the newest run that has them
// whole, with a verdict that the lines give and nothing else.
func TestJudge(t *testing.T) {
	a, runs := made(t)
	type row struct {
		Verdict               asked.Verdict
		Value, CPU, Low, High float64
		At, Commits           string
		Missing               []string
	}
	nan := math.NaN()
	want := map[string]row{
		// 220 ÷ 2 ms; by rounds 100, 120 and 110; of aoi=2 150. By processor time 45.
		"ratio":                  {asked.ByClock, 110, 45, 100, 120, "Ask/aoi=1", "newer", nil},
		"missing":                {asked.Unmeasured, nan, nan, 0, 0, "", "", []string{"Gone"}},
		"in part":                {asked.InPart, 7, nan, 7, 7, "Late", "newer", []string{"Gone"}},
		"not reached":            {asked.Not, 9, nan, 9, 9, "No", "newer", nil},
		"silent":                 {asked.Not, 9, nan, 9, 9, "No", "newer", nil},
		"older":                  {asked.Reached, 1, nan, 1, 1, "Old", "older", nil},
		"no version":             {asked.Reached, 1, nan, 1, 1, "Late", "newer", nil},
		"no rival":               {asked.Unmeasured, nan, nan, 0, 0, "", "", []string{"Late beside absent"}},
		"each rule":              {asked.Not, 12, nan, 12, 30, "Suite/suite=planted/rule=A/test=U", "newer", nil},
		"each rule in all tests": {asked.Reached, 2042, nan, 2000, 2000, "Suite/suite=planted/rule=A", "newer", nil},
		"all rules":              {asked.Told, 2042, nan, 2000, 2000, "Suite/suite=planted/rule=A/test=T", "newer", nil},
		"red suite":              {asked.Failed, 5000, nan, 5000, 5000, "Suite/suite=red/test=T", "newer", nil},
		"no suite":               {asked.Unmeasured, nan, nan, 0, 0, "", "", []string{"Suite/suite=none/test=*"}},
		"a thousand parcels":     {asked.Reached, 2, 0.0025, 2, 2, "Scaled", "newer", nil},
		// 4 s and 5 ms of processor time; nobody measured that of the other.
		"clocked": {asked.ByClock, 2, nan, 2, 2, "Clocked", "newer", nil},
		"busy":    {asked.Not, 4e6, 5e3, 4e6, 4e6, "Scaled", "newer", nil},
	}
	for i := range a.Topics[0].Figures {
		f := asked.Judge(&a.Topics[0].Figures[i], runs)
		got := row{f.Verdict, f.Value, f.CPU, f.Low, f.High, f.At, "", f.Missing}
		var commits []string
		for _, r := range f.Runs {
			commits = append(commits, r.Commit())
		}
		got.Commits = strings.Join(commits, " ")
		same := cmp.Comparer(func(a, b float64) bool {
			return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9
		})
		if d := cmp.Diff(want[f.What], got, same); d != "" {
			t.Errorf("%s (-want +got):\n%s", f.What, d)
		}
	}
}

// The document tells what is missing, why, of which commit, and whose version nobody
// wrote down; what does not say why is handed back.
func TestWrite(t *testing.T) {
	a, runs := made(t)
	text, unexplained := asked.Write(a, runs, []string{"a/b.FuzzFew", "a/b.FuzzX", "c.FuzzNever"})
	if d := cmp.Diff([]string{"Made up: silent"}, unexplained); d != "" {
		t.Error(d)
	}
	for _, want := range []string{
		"16 figures: 4 reached, 2 by the clock alone, 4 not reached, 1 failed, 1 not measured whole, 3 not measured, 1 told. The newest run is of commit newer; 1 figures are of others, which `run` names.",
		"| 2 | newer | 2026-02-02 | two processors | 0.1 | PostGIS 3.3.2 | `make bench` | [made.txt](measured/made.txt) |",
		"| ratio | ≥ 50 × | 110 × | 100 … 120, 3 rounds | 45 × | 2 ms, postgis-2workers 220 ms | 2 (newer) | **by the clock alone** |",
		"- **ratio**: because. Least favourable of 2: `Ask/aoi=1`.\n",
		"| missing | ≥ 1 |  |  |  |  |  | **not measured** |",
		"- **missing**: no machine. Not measured: `Gone`.",
		"- **silent**: why is not said.",
		"- **clocked**: processor time was not measured.",
		"| older | ≤ 8 ms | 1 ms | one round |  |  | 1 (older) | reached |",
		"- **no version**: The version of nameless is not recorded in made.txt.",
		"- **no rival**: it is not built. Not measured: `Late beside absent`.",
		"| all rules |  | 2,042 faults |  |  |  | 2 (newer) | told |",
		"adds to the ledger, [measured/made.txt](measured/made.txt); asked is 1 h a target.",
		"3 targets: 1 have run for 1 h, 2 have not.",
		"| a/b.FuzzFew | 1 min | 9 | 0 | newer, 2026-02-02 | **59 min** |",
		"| a/b.FuzzX | 1.03 h | 150 | 4 | newer, 2026-02-02 |  |",
		"| c.FuzzNever | 0 s | 0 | 0 | never | **1 h** |",
		"| old.FuzzGone | 1 min | 1 | 0 | newer, 2026-02-02 | no such target any more |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "because. The version") {
		t.Errorf("the document says what it must not:\n%s", text)
	}
	if again, _ := asked.Write(a, runs, []string{"a/b.FuzzFew", "a/b.FuzzX", "c.FuzzNever"}); again != text {
		t.Error("twice the same makes two documents")
	}
}

// A run without commit, date or machine says so.
func TestWriteUnknown(t *testing.T) {
	a, _ := made(t)
	runs, err := asked.Parse("bare.txt", []byte("BenchmarkLate/by=gengtu-2 1 7 p99-ms\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := asked.Write(a, runs, nil)
	if want := "| 1 | commit not recorded | date not recorded | machine not recorded | load not recorded | none | `command not recorded` |"; !strings.Contains(text, want) {
		t.Errorf("the document lacks %q:\n%s", want, text)
	}
	if want := "adds to the ledger, `measured/fuzz.txt`, which nothing has written yet; asked"; !strings.Contains(text, want) {
		t.Errorf("the document lacks %q:\n%s", want, text)
	}
}

// What is misspelt in asked.yaml, or makes no sense, is an error.
func TestRead(t *testing.T) {
	const head = "topics:\n  - title: a\n    command: b\n    figures:\n      - "
	for name, c := range map[string]struct{ text, want string }{
		"a key that is not known": {head + "{what: x, leasst: 1, benchmarks: [A]}", "leasst"},
		"two limits":              {head + "{what: x, least: 1, most: 2, benchmarks: [A]}", "two limits"},
		"no benchmark":            {head + "{what: x, least: 1}", "no benchmark"},
		"no words":                {head + "{least: 1, benchmarks: [A]}", "no words"},
		"a pattern that is none":  {head + "{what: x, benchmarks: ['A[']}", "syntax error in pattern"},
		"a ratio of what kind":    {head + "{what: x, benchmarks: [A], beside: {by: geos}}", "neither times nor part"},
		"a sum beside":            {head + "{what: x, sum: true, benchmarks: [A], beside: {by: geos, as: part}}", "a sum beside something"},
		"a topic of nothing":      {"topics:\n  - {title: a, command: b}", "topic 1"},
		"nothing":                 {"", "EOF"},
	} {
		if _, err := asked.Read("asked.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "asked.yaml") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A number that cannot be read, and one without a unit, name the line.
func TestParseFaults(t *testing.T) {
	for _, text := range []string{"commit: a\nBenchmarkX/by=gengtu 1 1,5 ns/op\n", "commit: a\nBenchmarkX/by=gengtu 1 15 ns/op 7\n"} {
		if _, err := asked.Parse("f.txt", []byte(text)); err == nil || !strings.Contains(err.Error(), "f.txt: line 2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Targets are those of the sources, and no others.
func TestTargets(t *testing.T) {
	got, err := asked.Targets(fstest.MapFS{
		"b/x_test.go":              {Data: []byte("package b\n\nfunc FuzzB(f *testing.F) {}\nfunc FuzzA2(f *testing.F) {}\n\tfunc FuzzC(\n")},
		"b/x.go":                   {Data: []byte("func FuzzNo(f *testing.F) {}\n")},
		".cache/y_test.go":         {Data: []byte("func FuzzHidden(f *testing.F) {}\n")},
		"a/node_modules/y_test.go": {Data: []byte("func FuzzNode(f *testing.F) {}\n")},
	})
	if want := []string{"b.FuzzA2", "b.FuzzB"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Error("TestResults looks for targets elsewhere:", err)
	}
}
