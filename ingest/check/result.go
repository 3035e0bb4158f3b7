package check

import (
	"time"

	"gengtu/index/geo"
)

// Result is what a check found: for each rule, in the order of rules.yaml, how many faults
// and the first of them, in the order in which they were found, which does not depend on
// the number of workers: those about one feature in the order of the files and records,
// then those about layers, areas, and several features, each in the order of the first
// feature that they name.
//
// It is not changed after the check, and may be read by any number of goroutines.
type Result struct {
	Rules  []RuleResult
	Layers []LayerResult
	// Faults counts all faults, listed or not.
	Faults int
	// Duration is the time from reading to judging.
	Duration time.Duration
}

// RuleResult is what was found against one rule.
type RuleResult struct {
	*Rule
	// Asked tells that a layer that the rule applies to was there: a rule that was not
	// asked is not kept.
	Asked bool
	// Count counts the faults, AreaM2 adds up their areas (of ground, or differences of
	// areas; 0 where the rule is about neither). Faults are the first of them.
	Count  int
	AreaM2 float64
	Faults []Fault
}

// LayerResult is one layer that was checked.
type LayerResult struct {
	Layer    string
	Vintage  string
	Files    []string
	Features int
	// AreaM2 is the ellipsoidal area of the features' ground, each counted by itself.
	AreaM2 float64
	// Box is the box around the features; empty when there are none.
	Box    geo.Box
	Faults int
}

// finished adds up what was found.
func (c *Checker) finished() *Result {
	r := &Result{Rules: c.book.rules}
	for i := range r.Rules {
		r.Faults += r.Rules[i].Count
		for _, l := range c.layers {
			r.Rules[i].Asked = r.Rules[i].Asked || r.Rules[i].applies(l.seen.Layer)
		}
	}
	for _, l := range c.layers {
		out := LayerResult{
			Layer: l.seen.Layer, Vintage: l.seen.Vintage, Features: l.features, AreaM2: l.areaM2, Box: l.box, Faults: l.faults, Files: []string{},
		}
		for _, f := range l.seen.Files {
			out.Files = append(out.Files, f.Path)
		}
		r.Layers = append(r.Layers, out)
	}
	r.Duration = time.Since(c.begun)
	return r
}
