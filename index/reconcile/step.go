package reconcile

import (
	"math"

	"gengtu/index"
	"gengtu/index/geo"
)

// hundredths rounds m² to 0.01 m² as everywhere else.
func hundredths(m2 float64) int64 { return int64(geo.HundredthsOf(m2)) }

// recordSteps are the steps that areas of record are rounded to, in 0.01 m², the finest
// first: 0.01 m² and its tens, and decimals of mu and hectares.
var recordSteps = []float64{
	1, 2000.0 / 3 / 10000 * 100, 10, 2000.0 / 3 / 1000 * 100, 100, 2000.0 / 3 / 100 * 100, 1000,
	2000.0 / 3 / 10 * 100, 10000, 2000.0 / 3 * 100, 1e5, 1e6,
}

// halfStep returns half of the coarsest step that all records of a layer lie on, in 0.01
// m²: half of 0.01 m² where none is coarser, or where fewer than least features tell.
func halfStep(l *index.Layer, takes func(int) bool, of func(index.Record) int64, least int) float64 {
	on := make([]bool, len(recordSteps))
	for k := range on {
		on[k] = true
	}
	n := 0
	for i := range l.Len() {
		v := of(l.Record(i))
		if !takes(i) || !index.OfRecord(v) || v == 0 {
			continue
		}
		n++
		for k, step := range recordSteps {
			on[k] = on[k] && liesOn(v, step)
		}
	}
	best := 1.0
	for k, step := range recordSteps {
		if n >= least && on[k] {
			best = max(best, step)
		}
	}
	return best / 2
}

// liesOn tells whether v is a multiple of the step, rounded to the unit.
func liesOn(v int64, step float64) bool {
	return math.Abs(float64(v)-math.Round(float64(v)/step)*step) <= 0.5+1e-9
}
