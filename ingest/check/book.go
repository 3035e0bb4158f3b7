package check

import (
	"math"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// place is where a fault is: in which feature of which layer.
type place struct {
	layer  *layerCheck
	file   int // in the layer's files; -1: in none
	record int64
	key    string
	other  string
	at     geo.Position
}

// found is a fault before it is known whether it is listed: texts and shapes are made
// for those that are.
type found struct {
	place
	rule   *Rule
	zh, en string
	args   []any
	areaM2 float64                          // NaN: the rule is about no area
	shape  func() (geo.MultiPolygon, error) // nil: the rule is not about ground
}

// book counts faults by rule and lists the first of each.
type book struct {
	rules  []RuleResult
	listed int
	tell   func(*Fault) error // of each that is listed; may be nil
	// unlisted is told of the next most of each rule; it may be nil. told counts them.
	unlisted func(*Fault) error
	most     int
	told     []int
}

func newBook(rules *Rules, opt *Options) book {
	b := book{rules: make([]RuleResult, len(rules.List)), listed: opt.Listed, unlisted: opt.Unlisted, most: opt.UnlistedMost, told: make([]int, len(rules.List))}
	for i := range rules.List {
		b.rules[i] = RuleResult{Rule: &rules.List[i], Faults: []Fault{}}
	}
	return b
}

// report enters a fault.
func (b *book) report(f *found) error {
	r := &b.rules[f.rule.index]
	r.Count++
	if !math.IsNaN(f.areaM2) {
		r.AreaM2 += math.Abs(f.areaM2)
	}
	f.layer.faults++
	full := len(r.Faults) >= b.listed
	if full && (b.unlisted == nil || b.told[f.rule.index] >= b.most) {
		return nil
	}
	fault, err := f.fault()
	switch {
	case err != nil:
		return err
	case full:
		return b.tellUnlisted(f.rule.index, &fault)
	}
	return b.list(r, fault)
}

// tellUnlisted tells of a fault beyond those that are listed.
func (b *book) tellUnlisted(rule int, f *Fault) error {
	if b.unlisted == nil || b.told[rule] >= b.most {
		return nil
	}
	b.told[rule]++
	return b.unlisted(f)
}

func (b *book) list(r *RuleResult, f Fault) error {
	r.Faults = append(r.Faults, f)
	if b.tell == nil {
		return nil
	}
	return b.tell(&r.Faults[len(r.Faults)-1])
}

// take enters what another book of the same rules holds.
func (b *book) take(other *book) error {
	for i := range other.rules {
		from, to := &other.rules[i], &b.rules[i]
		to.Count += from.Count
		to.AreaM2 += from.AreaM2
		for _, f := range from.Faults {
			var err error
			if len(to.Faults) < b.listed {
				err = b.list(to, f)
			} else {
				err = b.tellUnlisted(i, &f)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fault writes a fault out.
func (f *found) fault() (Fault, error) {
	out := Fault{
		Rule: f.rule.Number, Layer: f.layer.seen.Layer, Vintage: f.layer.seen.Vintage,
		Record: f.record, Key: strings.Clone(f.key), Other: strings.Clone(f.other), At: f.at, AreaM2: f.areaM2,
	}
	if f.file >= 0 && f.file < len(f.layer.seen.Files) {
		out.File = f.layer.seen.Files[f.file].Path
	}
	if f.shape != nil {
		shape, err := f.shape()
		if err != nil {
			return out, err
		}
		if out.Shape = shape; len(shape) > 0 {
			out.At = pointIn(shape)
		}
	}
	plain := strings.NewReplacer("%", "%%") // titles are a person's
	zh, en := plain.Replace(f.rule.Title.Zh), plain.Replace(f.rule.Title.En)
	if f.zh != "" {
		zh, en = zh+"："+f.zh, en+": "+f.en
	}
	out.Problem = problem.New("CHECK_"+f.rule.Number, zh, en, f.args...).
		Advise("%[1]s", "%[2]s", f.rule.Advice.Zh, f.rule.Advice.En).In(out.File)
	if f.record > 0 {
		out.Problem = out.Problem.At(f.record, out.Key)
	}
	return out, nil
}
