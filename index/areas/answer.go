package areas

import (
	"math"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// round rounds to a number of decimals, halves away from zero.
func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}

// unitsPerM2 is how many steps of rounding there are in a square metre for
// figures up to m2: 0.0001 m², and 0.01 m² from 1,000 km² on, where a float64
// could not hold sums of the finer step exactly.
func unitsPerM2(m2 float64) float64 {
	if m2 >= 1e9 {
		return 1e2
	}
	return 1e4
}

func roundM2(m2 float64) float64 {
	u := unitsPerM2(m2)
	return math.Round(m2*u) / u
}

// answer puts together what the layer has inside the shape.
func (l *asked) answer(res *measured, limit int) (Layer, error) {
	out := Layer{Layer: l.layer.Meta.Name, Vintage: l.layer.Meta.Vintage}
	gross := l.whole.AreaM2
	out.Count = l.whole.Features
	patch := newRecord(l.layer.Meta.PatchM2 != nil, l.whole.Patch)
	net := newRecord(l.layer.Meta.NetM2 != nil, l.whole.Net)
	for _, it := range l.items {
		gross += it.area
		if overlay.SharesGround(it.area, res.aoi) {
			out.Count++
		}
		r := l.layer.Record(int(it.ordinal))
		patch.add(r.Patch, r.AreaM2, it.area)
		net.add(r.Net, r.AreaM2, it.area)
	}
	ground := max(0, gross-l.twice)
	out.AreaM2, out.GrossM2 = roundM2(ground), roundM2(gross)
	out.AreaMu, out.AreaHa = round(ground*geo.MuPerM2, 4), round(ground/1e4, 6)
	out.PatchM2, out.NoPatchM2 = patch.figures()
	out.NetM2, out.NoNetM2 = net.figures()
	out.PatchComputedM2, out.NetComputedM2 = patch.standIn(), net.standIn()
	out.NetMu = muOf(out.NetM2)
	out.LayerPatchWithheldM2, out.LayerNetWithheldM2 = l.layer.Meta.PatchWithheldM2, l.layer.Meta.NetWithheldM2
	if l.groups.asked() {
		var err error
		if out.Groups, err = l.groupAnswers(res, &out, ground, limit); err != nil {
			return out, err
		}
	}
	return out, nil
}

// muOf turns an area of record into mu, which takes four decimals exactly but
// for halves.
func muOf(m2 *float64) *float64 {
	if m2 == nil {
		return nil
	}
	mu := round(*m2*geo.MuPerM2, 4)
	return &mu
}

// recordUnits is how many steps of rounding there are in a square metre of an
// area of record: they are kept to 0.01 m².
const recordUnits = 100

// record adds up the shares of one kind of area of record.
type record struct {
	exists  bool // somewhere in the layer
	sum     float64
	with    float64 // ground of features that have one
	without float64 // ground of features that have none
	// computed are shares of what was computed for those, in m².
	computed float64
}

func newRecord(exists bool, whole index.PartialSum) record {
	return record{exists, float64(whole.Sum) / recordUnits, whole.With, whole.Without, float64(whole.Computed) / recordUnits}
}

func (r *record) add(hundredths int64, featureM2, sharedM2 float64) {
	if w, ok := index.PerM2(hundredths, featureM2); ok {
		r.sum += w * sharedM2
		r.with += sharedM2
	} else {
		r.without += sharedM2
		if c, ok := index.ComputedOf(hundredths); ok && featureM2 > 0 {
			r.computed += float64(c) / recordUnits / featureM2 * sharedM2
		}
	}
}

// standIn returns the sum of what was computed to 0.01 m², nil when nothing was.
func (r *record) standIn() *float64 {
	if r.computed == 0 {
		return nil
	}
	v := math.Round(r.computed*recordUnits) / recordUnits
	return &v
}

// figures returns the sum to 0.01 m², null when no record here has one, and the
// ground that it does not speak of.
func (r *record) figures() (sum *float64, missing float64) {
	if !r.exists || r.with == 0 && r.without > 0 {
		return nil, 0
	}
	v := math.Round(r.sum*recordUnits) / recordUnits
	return &v, roundM2(r.without)
}

// allot rounds figures of record to 0.01 m² so that they add up to total, which
// is a multiple of it. What is nil stays so.
func allot(total *float64, parts []*float64) {
	if total == nil {
		return
	}
	var values []float64
	for _, p := range parts {
		if p != nil {
			values = append(values, *p)
		}
	}
	figures := geo.LargestRemainder(geo.HundredthsOf(*total), values)
	for _, p := range parts {
		if p != nil {
			*p, figures = figures[0].M2(), figures[1:]
		}
	}
}

// combinations lists the ground in each combination of layers, largest-remainder
// rounded so that it adds up to the shape's area, and net areas to the layer's.
func combinations(ask []*asked, a *Answer, res *measured) []Combination {
	out := []Combination{}
	var areas []float64
	for _, c := range res.parts {
		o := Combination{Inside: []string{}, Outside: []string{}, NetM2: map[string]*float64{}}
		for n, l := range ask {
			name := l.layer.Meta.Name
			if c.Mask&(1<<n) == 0 {
				o.Outside = append(o.Outside, name)
				continue
			}
			o.Inside = append(o.Inside, name)
			o.NetM2[name] = nil
			// Where every record lacks a net area there is nothing to add up.
			if l.layer.Meta.NetM2 != nil && (c.Weighted[n] > 0 || c.Unweighted[n] == 0) {
				v := c.Weighted[n]
				o.NetM2[name] = &v
			}
		}
		out = append(out, o)
		areas = append(areas, c.Area)
	}
	for i, v := range shares(res.aoi, areas, unitsPerM2(res.aoi)) {
		out[i].AreaM2 = v
	}
	for n, l := range ask {
		var parts []*float64
		for i := range out {
			if v := out[i].NetM2[l.layer.Meta.Name]; v != nil {
				parts = append(parts, v)
			}
		}
		allot(a.Layers[n].NetM2, parts)
	}
	return out
}

// shares rounds parts, none negative, by largest remainder so that they add up
// to total, all in steps of 1/unit m². Parts may miss the total by what floating
// point loses in adding them.
func shares(total float64, parts []float64, unit float64) []float64 {
	out := make([]float64, len(parts))
	for i, steps := range geo.LargestRemainder(geo.Hundredths(math.Round(total*unit)), parts) {
		out[i] = float64(steps) / unit
	}
	return out
}
