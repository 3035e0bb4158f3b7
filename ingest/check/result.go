package check

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Result is what a check found: for each rule, in the order of rules.yaml, how many faults
// and the first of them, in the order in which they were found, which does not depend on
// the number of workers: those about one feature in the order of the files and records,
// then those about layers, areas, and several features, each in the order of the first
// feature that they name.
//
// It is not changed after the check, and may be read by any number of goroutines.
type Result struct {
	Rules  []RuleResult  `json:"rules"`
	Layers []LayerResult `json:"layers"`
	// Faults counts all faults, listed or not.
	Faults int `json:"faults"`
	// Duration is the time from reading to judging.
	Duration time.Duration `json:"-"`
}

// RuleResult is what was found against one rule.
type RuleResult struct {
	*Rule
	// Asked tells that a layer that the rule applies to was there: a rule that was not
	// asked is not kept.
	Asked bool `json:"asked"`
	// Count counts the faults, AreaM2 adds up their areas (of ground, or differences of
	// areas; 0 where the rule is about neither). Faults are the first of them.
	Count  int     `json:"count"`
	AreaM2 float64 `json:"area_m2"`
	Faults []Fault `json:"faults"`
}

// LayerResult is one layer that was checked.
type LayerResult struct {
	Layer    string   `json:"layer"`
	Vintage  string   `json:"vintage"`
	Files    []string `json:"files"`
	Features int      `json:"features"`
	// AreaM2 is the ellipsoidal area of the features' ground, each counted by itself.
	AreaM2 float64 `json:"area_m2"`
	// Box is the box around the features; empty when there are none.
	Box    geo.Box `json:"-"`
	Faults int     `json:"faults"`
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

// Write prints the result for a person: a line a rule that was broken, and under it a line
// a fault.
func (r *Result) Write(w io.Writer, lang problem.Lang) error {
	var b strings.Builder
	pick := func(zh, en string) string {
		if lang == problem.Chinese {
			return zh
		}
		return en
	}
	for i := range r.Rules {
		p := &r.Rules[i]
		if p.Count == 0 {
			continue
		}
		fmt.Fprintf(&b, pick("规则 %s [%s] %s：%d 处", "rule %s [%s] %s: %d"), p.Number, p.Severity, pick(p.Title.Zh, p.Title.En), p.Count)
		if p.AreaM2 > 0 {
			fmt.Fprintf(&b, pick("，%.2f m²", ", %.2f m²"), p.AreaM2)
		}
		b.WriteString("\n")
		for k := range p.Faults {
			b.WriteString("  - " + p.Faults[k].Problem.Text(lang) + "\n")
		}
		if more := p.Count - len(p.Faults); more > 0 {
			fmt.Fprintf(&b, pick("  另有 %d 处未逐条列出\n", "  %d more are counted and not listed\n"), more)
		}
	}
	fmt.Fprintf(&b, pick("共 %d 处问题\n", "%d faults in all\n"), r.Faults)
	_, err := io.WriteString(w, b.String())
	return err
}

// MarshalJSON writes a fault with its place in degrees; the shape as its area alone.
func (f *Fault) MarshalJSON() ([]byte, error) {
	at := f.At.LonLat()
	out := struct {
		Rule    string           `json:"rule"`
		Layer   string           `json:"layer"`
		Vintage string           `json:"vintage"`
		File    string           `json:"file,omitempty"`
		Record  int64            `json:"record,omitempty"`
		Key     string           `json:"key,omitempty"`
		Other   string           `json:"other,omitempty"`
		Lon     *float64         `json:"lon,omitempty"`
		Lat     *float64         `json:"lat,omitempty"`
		AreaM2  *float64         `json:"area_m2,omitempty"`
		Problem *problem.Problem `json:"problem"`
	}{Rule: f.Rule, Layer: f.Layer, Vintage: f.Vintage, File: f.File, Record: f.Record, Key: f.Key, Other: f.Other, Problem: f.Problem}
	if f.At != (geo.Position{}) {
		out.Lon, out.Lat = &at.Lon, &at.Lat
	}
	if !math.IsNaN(f.AreaM2) {
		out.AreaM2 = &f.AreaM2
	}
	return json.Marshal(out)
}
