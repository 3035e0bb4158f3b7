package asked

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Run is what was measured at one commit in one go: where, when and beside whom.
type Run struct {
	// File is the name of the file of lines, Config its "key: value" lines: commit,
	// date, machine, load, command and, for each rival, rival-NAME with its version.
	File   string
	Config map[string]string
	// lines are the values by benchmark, program and unit, in the order of rounds.
	lines map[string]map[string]map[string][]float64
}

// Commit is the commit that was measured, "commit not recorded" where no line says it.
func (r *Run) Commit() string { return r.said("commit") }

// Date is when the run was made, as its lines say it, begun with the year.
func (r *Run) Date() string { return r.said("date") }

// said is a value of the configuration, or that it is not recorded.
func (r *Run) said(key string) string {
	if v := r.Config[key]; v != "" {
		return v
	}
	return key + " not recorded"
}

// Rival is the version of a rival by whose name by begins, up to a dash; ok is false
// where the run does not say it.
func (r *Run) Rival(by string) (version string, ok bool) {
	for name := by; name != ""; {
		if v := r.Config["rival-"+name]; v != "" {
			return v, true
		}
		i := strings.LastIndexByte(name, '-')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	return "", false
}

// of returns what was measured of a benchmark by a program in a unit, round after round.
func (r *Run) of(benchmark, by, unit string) []float64 { return r.lines[benchmark][by][unit] }

// Parse reads text in Go's benchmark format: lines "key: value" hold for the results
// below them until they are said anew; lines that are neither are passed over, as
// benchstat does. A change of commit or date begins another run. A benchmark's name ends
// with /by=PROGRAM; one that names no program is ours. An error names the file and the
// line of a result whose numbers cannot be read.
func Parse(file string, text []byte) ([]*Run, error) {
	var runs []*Run
	config := map[string]string{}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		s := strings.TrimSpace(string(line))
		if key, value, ok := configured(s); ok {
			config[key] = value
			continue
		}
		f := strings.Fields(s)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name, by := named(f[0])
		run := runOf(runs, config)
		if run == nil {
			run = &Run{File: file, Config: maps.Clone(config), lines: map[string]map[string]map[string][]float64{}}
			runs = append(runs, run)
		}
		maps.Copy(run.Config, config)
		if err := run.add(name, by, f[2:]); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", file, n, err)
		}
	}
	return runs, nil
}

// runOf returns the last of the runs if it is of the commit and date of config.
func runOf(runs []*Run, config map[string]string) *Run {
	if len(runs) == 0 {
		return nil
	}
	last := runs[len(runs)-1]
	if last.Config["commit"] != config["commit"] || last.Config["date"] != config["date"] {
		return nil
	}
	return last
}

// configured splits a line "key: value"; keys are without spaces and capitals, as the
// benchmark format has them.
func configured(s string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(s, ":")
	if !ok || key == "" || strings.ContainsAny(key, " \t/") || strings.ToLower(key) != key || key[0] < 'a' || key[0] > 'z' {
		return "", "", false
	}
	return key, strings.TrimSpace(value), true
}

// named splits the name of a result into the benchmark and its program, "gengtu" where it
// names none; the number of processors is dropped.
func named(s string) (name, by string) {
	s = strings.TrimPrefix(s, "Benchmark")
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		if _, err := strconv.Atoi(s[i+1:]); err == nil {
			s = s[:i]
		}
	}
	name, by, ok := strings.Cut(s, "/by=")
	if !ok {
		by = "gengtu"
	}
	return name, by
}

// add takes in the values of a result, pairs of number and unit.
func (r *Run) add(name, by string, values []string) error {
	if len(values)%2 != 0 {
		return fmt.Errorf("a value without a unit: %q", values)
	}
	units := r.lines[name]
	if units == nil {
		units = map[string]map[string][]float64{}
		r.lines[name] = units
	}
	if units[by] == nil {
		units[by] = map[string][]float64{}
	}
	for i := 0; i < len(values); i += 2 {
		v, err := strconv.ParseFloat(values[i], 64)
		if err != nil {
			return err
		}
		units[by][values[i+1]] = append(units[by][values[i+1]], v)
	}
	return nil
}

// ReadRuns reads every file *.txt of a directory, the newest run first: by date, of one
// date by file and then by place in it.
func ReadRuns(dir fs.FS) ([]*Run, error) {
	names, err := fs.Glob(dir, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []*Run
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		runs, err := Parse(name, text)
		if err != nil {
			return nil, err
		}
		all = append(all, runs...)
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b *Run) int { return strings.Compare(b.Config["date"], a.Config["date"]) })
	return all, nil
}
