// Package asked holds the figures that gengtu aims at beside what was measured, and
// writes both as one document, RESULTS.md.
//
// Figures come from asked.yaml, measurements and counts from files in Go's benchmark
// format, hours of fuzzing from a ledger in the same format, and the names of fuzz targets
// from the sources. Nothing is measured here, and nothing is left out: a figure without a
// measurement is told as such, a rival without a version and a target without hours too.
package asked

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"

	"gopkg.in/yaml.v3"
)

// Asked is the content of asked.yaml.
type Asked struct {
	Topics []Topic `yaml:"topics"`
	// FuzzSeconds is how long each fuzz target is to have run.
	FuzzSeconds float64 `yaml:"fuzz_seconds"`
}

// Topic is a table of figures that one command measures.
type Topic struct {
	Title   string   `yaml:"title"`
	Command string   `yaml:"command"`
	Note    string   `yaml:"note"`
	Figures []Figure `yaml:"figures"`
}

// Figure is one figure that is aimed at, or, without a limit, one that is to be told.
type Figure struct {
	What string `yaml:"what"`
	// Least or Most is the limit, in Unit.
	Least *float64 `yaml:"least"`
	Most  *float64 `yaml:"most"`
	Unit  string   `yaml:"unit"`
	// Benchmarks are names without "Benchmark" and without /by=PROGRAM; * stands for any
	// text without a slash. The least favourable of them is the figure, each the middle of
	// its rounds, or the least favourable line of a suite's test; or the sum of all lines.
	Benchmarks []string `yaml:"benchmarks"`
	Sum        bool     `yaml:"sum"`
	// Add names a part of the names, "test" for /test=…: lines that differ in it alone are
	// added up before the least favourable is taken.
	Add string `yaml:"add"`
	// By is our program, "gengtu" unless it is said. Metric is the unit of the lines,
	// ns/op unless it is said; Processor the same by processor time, where that makes sense,
	// cpu-ms/op, taken as ns/op, where neither is said. Both are multiplied by Scale; Per is
	// a unit of the same line that divides both.
	By        string  `yaml:"by"`
	Metric    string  `yaml:"metric"`
	Processor string  `yaml:"processor"`
	Per       string  `yaml:"per"`
	Scale     float64 `yaml:"scale"`
	// Beside, where it is given, is another line of the same run that the figure is a
	// ratio to.
	Beside *Beside `yaml:"beside"`
	// Why says what stands in the way; it is shown where the figure is not reached or
	// not measured.
	Why string `yaml:"why"`
}

// Beside is what a figure is a ratio to. What is not given is as in the figure.
type Beside struct {
	By        string `yaml:"by"`
	Benchmark string `yaml:"benchmark"`
	Metric    string `yaml:"metric"`
	Processor string `yaml:"processor"`
	// As is "times", how often ours goes into theirs, or "part", ours as a part of it.
	As string `yaml:"as"`
}

// Read reads asked.yaml strictly: a key that is not known, a figure with two limits or
// without a benchmark, and a pattern that is none are errors.
func Read(name string, text []byte) (*Asked, error) {
	var a Asked
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := range a.Topics {
		t := &a.Topics[i]
		if t.Title == "" || t.Command == "" || len(t.Figures) == 0 {
			return nil, fmt.Errorf("%s: topic %d: no title, no command or no figure", name, i+1)
		}
		for k := range t.Figures {
			if err := t.Figures[k].complete(); err != nil {
				return nil, fmt.Errorf("%s: %s: %s: %w", name, t.Title, t.Figures[k].What, err)
			}
		}
	}
	return &a, nil
}

// complete fills in what is not given, and says what cannot be.
func (f *Figure) complete() error {
	switch {
	case f.What == "":
		return errors.New("no words")
	case f.Least != nil && f.Most != nil:
		return errors.New("two limits")
	case (f.Sum || f.Add != "") && f.Beside != nil:
		return errors.New("a sum beside something")
	case len(f.Benchmarks) == 0:
		return errors.New("no benchmark")
	}
	for _, b := range f.Benchmarks {
		if _, err := path.Match(b, ""); err != nil {
			return fmt.Errorf("%q: %w", b, err)
		}
	}
	f.By = cmp.Or(f.By, "gengtu")
	if f.Metric == "" {
		f.Metric = "ns/op"
		f.Processor = cmp.Or(f.Processor, "cpu-ms/op")
	}
	f.Scale = cmp.Or(f.Scale, 1)
	if b := f.Beside; b != nil {
		if b.As != "times" && b.As != "part" {
			return fmt.Errorf("beside is %q, neither times nor part", b.As)
		}
		if b.Metric != "" && b.Processor == "" {
			f.Processor = ""
		}
		b.By, b.Metric, b.Processor = cmp.Or(b.By, f.By), cmp.Or(b.Metric, f.Metric), cmp.Or(b.Processor, f.Processor)
	}
	return nil
}
