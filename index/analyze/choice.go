package analyze

import (
	"slices"

	"gengtu/index"
	"gengtu/index/pieces"
)

// Listed are values of a field that a rule names.
type Listed struct {
	Values    []string `yaml:"values"`
	Source    string   `yaml:"source"`
	Confirmed bool     `yaml:"confirmed"`
}

// has tells whether a value is listed.
func (l *Listed) has(v string) bool { return slices.Contains(l.Values, v) }

// accepted returns the choice of the parcels of high-standard farmland that are accepted
// (domain 6.1: stage 验收). Where no parcel has a stage all are taken; how many are left
// out, and why, goes into the notes.
func (j *Job) accepted(r *Result, hsf *index.Layer) (func(i int) bool, error) {
	stage, err := columnOf(hsf, "STAGE")
	if err != nil {
		return nil, err
	}
	in, empty, other := make([]bool, hsf.Len()), 0, 0
	for i := range in {
		v, err := stage.text(i)
		switch {
		case err != nil:
			return nil, err
		case v == "":
			empty++
		case j.Rules.HSFOutside.AcceptedStages.has(v):
			in[i] = true
		default:
			other++
		}
	}
	if empty == len(in) {
		r.note("高标准农田图层没有阶段（STAGE），全部按已验收计", "the layer of high-standard farmland has no stages (STAGE): all of it counts as accepted")
		return func(int) bool { return true }, nil
	}
	if empty+other > 0 {
		r.note("高标准农田有 %d 个图斑未到验收阶段、%d 个没有阶段，均不计", "%d parcels of high-standard farmland are not accepted yet and %d have no stage: none of them counts", other, empty)
	}
	return func(i int) bool { return in[i] }, nil
}

// both is the choice of the features that two choices take; nil takes all.
func both(a, b func(i int) bool) func(i int) bool {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(i int) bool { return a(i) && b(i) }
}

// touched returns the choice of the features of l whose boxes meet that of a feature of
// by. No other can share ground with one.
func touched(l *index.Layer, by pieces.Cover) func(i int) bool {
	in := make([]bool, l.Len())
	for k := range by.Layer.Len() {
		if by.Only == nil || by.Only(k) {
			l.Search(by.Layer.Box(k), func(i int) bool {
				in[i] = true
				return true
			})
		}
	}
	return func(i int) bool { return in[i] }
}

// chosen returns the choice of the features whose field has a listed value, nil where the
// layer has no such field.
func chosen(l *index.Layer, field string, values *Listed) (func(i int) bool, error) {
	c, err := columnOf(l, field)
	if err != nil || !c.there() {
		return nil, err
	}
	in := make([]bool, l.Len())
	for i := range in {
		v, err := c.text(i)
		if err != nil {
			return nil, err
		}
		in[i] = values.has(v)
	}
	return func(i int) bool { return in[i] }, nil
}
