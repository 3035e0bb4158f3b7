package asked

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Fuzzed is what a fuzz target went through in all runs of the ledger.
type Fuzzed struct {
	// Target is the folder and the function, "index/txt.FuzzRead".
	Target string
	// Seconds, Execs and Found, inputs that led to something new, are added up.
	Seconds, Execs, Found float64
	// Last is the newest run, nil if there is none. Gone says that the sources have no
	// such target any more.
	Last *Run
	Gone bool
}

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz[A-Za-z0-9_]+)\(`)

// Targets returns the fuzz targets of the sources below root, sorted, as
// "folder.Function". Folders whose names begin with a dot, and those of Node's modules,
// are passed over.
func Targets(root fs.FS) ([]string, error) {
	var out []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base != "." && strings.HasPrefix(base, ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, m := range fuzzFunc.FindAllSubmatch(text, -1) {
			out = append(out, path.Dir(name)+"."+string(m[1]))
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// Ledger adds up what runs, the newest first, say of fuzzing: a line for each target, and
// for those that have lines and are no targets any more.
func Ledger(targets []string, runs []*Run) []Fuzzed {
	by := map[string]*Fuzzed{}
	for _, t := range targets {
		by[t] = &Fuzzed{Target: t}
	}
	for _, r := range runs {
		for name, lines := range r.lines {
			target, ok := strings.CutPrefix(name, "Fuzz/target=")
			if !ok {
				continue
			}
			f := by[target]
			if f == nil {
				f = &Fuzzed{Target: target, Gone: true}
				by[target] = f
			}
			if f.Last == nil {
				f.Last = r
			}
			f.Seconds += sum(lines["gengtu"]["seconds"])
			f.Execs += sum(lines["gengtu"]["execs"])
			f.Found += sum(lines["gengtu"]["new-inputs"])
		}
	}
	out := make([]Fuzzed, 0, len(by))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[name])
	}
	return out
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}
