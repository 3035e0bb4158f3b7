package policy

import (
	"math"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest"
)

// rounding rounds the areas that a layer's records give, before they are written: what a
// tier's answers may not tell is not in its files, in whatever form they are asked for.
//
// Each figure becomes the nearest multiple of the step by itself: what is the same stays
// the same in the next generation, so that only features that changed are told as changed,
// and nothing is won by comparing generations. A sum of n features is off by n half steps
// at most.
type rounding struct {
	step   int64 // in 0.01 m²; 0 rounds nothing
	fields []areaField
}

// stepOf is a step in m² in 0.01 m².
func stepOf(stepM2 float64) int64 { return int64(geo.HundredthsOf(stepM2)) }

// round rounds one figure in 0.01 m², 0 at least, to the nearest multiple of the step,
// halves up; the step is above 0.
func (r *rounding) round(area int64) int64 { return (area + r.step/2) / r.step * r.step }

// areaField is a kept field that holds an area.
type areaField struct {
	at int // among the feature's values
	// record tells that it is a field that Patch or Net was read from: theirs is its figure.
	record func(f *index.Feature) int64
}

// roundingOf is the rounding of a layer's features by a step in m².
func roundingOf(meta *edition.Layer, keep []int, stepM2 float64) (*rounding, error) {
	r := &rounding{step: stepOf(stepM2)}
	if r.step == 0 {
		return r, nil
	}
	p, err := ingest.ProfileOf(meta.Name)
	if err != nil {
		return nil, err
	}
	for _, i := range keep {
		c := areaField{at: i}
		switch f := meta.Fields[i]; {
		case f.Name == p.Patch && p.Patch != "":
			c.record = func(f *index.Feature) int64 { return f.Patch }
		case f.Name == p.Net && p.Net != "":
			c.record = func(f *index.Feature) int64 { return f.Net }
		case !isArea(f):
			continue
		}
		r.fields = append(r.fields, c)
	}
	return r, nil
}

// isArea tells whether a field holds an area, by its title or its name: 面积, …MJ and, in
// mu, …MJM. In a larger unit than m² a multiple of the step is coarser still.
func isArea(f edition.Field) bool {
	name := strings.ToUpper(f.Name)
	return (f.Kind == edition.Real || f.Kind == edition.Integer) &&
		(strings.Contains(f.Title, "面积") || strings.HasSuffix(name, "MJ") || strings.HasSuffix(name, "MJM") || strings.Contains(name, "AREA"))
}

// apply rounds the areas of record, those that were computed and those of the fields; a
// field that is no number, or below 0, is taken away.
func (r *rounding) apply(f *index.Feature) {
	if r.step == 0 {
		return
	}
	f.Patch, f.Net = r.record(f.Patch), r.record(f.Net)
	for _, c := range r.fields {
		hundredths, ok := hundredthsOf(f.Values[c.at])
		if !ok {
			f.Values[c.at] = nil
			continue
		}
		told := r.round(hundredths)
		if c.record != nil && index.OfRecord(c.record(f)) {
			told = c.record(f)
		}
		if _, whole := f.Values[c.at].(int64); whole {
			f.Values[c.at] = told / 100
		} else {
			f.Values[c.at] = geo.Hundredths(told).M2()
		}
	}
}

// record rounds an area of record, or one that was computed.
func (r *rounding) record(area int64) int64 {
	if computed, ok := index.ComputedOf(area); ok {
		return index.Computed(r.round(computed))
	}
	if index.OfRecord(area) {
		return r.round(area)
	}
	return area
}

// hundredthsOf is an area in 0.01 of its unit; false for what is none.
func hundredthsOf(v any) (int64, bool) {
	x := math.NaN()
	switch v := v.(type) {
	case float64:
		x = v
	case int64:
		x = float64(v)
	}
	if !(x >= 0 && x < 1e15) {
		return 0, false
	}
	return int64(geo.HundredthsOf(x)), true
}
