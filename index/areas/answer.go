package areas

import (
	"encoding/json"
	"math"
	"slices"

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

func rounded(m2 float64) *float64 {
	v := roundM2(m2)
	return &v
}

// answer puts together what the layer has inside the shape.
func (l *asked) answer(res *overlay.Result, limit int) (Layer, error) {
	out := Layer{Layer: l.layer.Meta.Name, Vintage: l.layer.Meta.Vintage}
	var sum overlay.LayerArea
	if l.number < len(res.Layers) {
		sum = res.Layers[l.number]
	}
	out.Count = sum.Features
	out.AreaM2, out.GrossM2 = roundM2(sum.Area), roundM2(sum.Gross)
	out.AreaMu, out.AreaHa = round(sum.Area*geo.MuPerM2, 4), round(sum.Area/1e4, 6)
	l.records(&out, res)
	if l.groups.asked() {
		var err error
		if out.Groups, err = l.groups.answers(l, res, limit); err != nil {
			return out, err
		}
	}
	return out, nil
}

// records fills in the shares of the areas of record.
func (l *asked) records(out *Layer, res *overlay.Result) {
	patch := record{exists: l.layer.Meta.PatchM2 != nil}
	net := record{exists: l.layer.Meta.NetM2 != nil}
	for k, i := range l.items {
		h, m2 := l.layer.Head(i), res.Items[l.first+k]
		patch.add(h.Patch, h.AreaM2, m2)
		net.add(h.Net, h.AreaM2, m2)
	}
	out.PatchM2, out.NoPatchM2 = patch.figures()
	out.NetM2, out.NoNetM2 = net.figures()
	if out.NetM2 != nil {
		mu := round(net.sum*geo.MuPerM2, 4)
		out.NetMu = &mu
	}
}

// record adds up the shares of one kind of area of record.
type record struct {
	exists  bool // somewhere in the layer
	sum     float64
	with    float64 // ground of features that have one
	without float64 // ground of features that have none
}

func (r *record) add(hundredths int64, featureM2, sharedM2 float64) {
	if w, ok := perM2(hundredths, featureM2); ok {
		r.sum += w * sharedM2
		r.with += sharedM2
	} else {
		r.without += sharedM2
	}
}

// figures returns the sum, null when no record here has one, and the ground
// that it does not speak of.
func (r *record) figures() (sum *float64, missing float64) {
	if !r.exists || r.with == 0 && r.without > 0 {
		return nil, 0
	}
	return rounded(r.sum), roundM2(r.without)
}

// MarshalJSON writes the class's fields as members beside the figures.
func (g Group) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, f := range g.Fields {
		k, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(g.Values[i])
		if err != nil {
			return nil, err
		}
		out = append(append(append(append(out, k...), ':'), v...), ',')
	}
	rest, err := json.Marshal(struct {
		Count  int      `json:"features"`
		AreaM2 float64  `json:"area_m2"`
		NetM2  *float64 `json:"net_m2"`
	}{g.Count, g.AreaM2, g.NetM2})
	if err != nil {
		return nil, err
	}
	return append(out, rest[1:]...), nil
}

// MarshalJSON writes the piece with its geometry as GeoJSON.
func (p Piece) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(struct {
		ID     uint64   `json:"id"`
		AreaM2 float64  `json:"area_m2"`
		NetM2  *float64 `json:"net_m2"`
	}{p.ID, p.AreaM2, p.NetM2})
	if err != nil {
		return nil, err
	}
	head = append(head[:len(head)-1], `,"geometry":`...)
	return append(geo.AppendGeoJSON(head, p.Shape), '}'), nil
}

// combinations lists the ground in each combination of layers, largest-remainder
// rounded so that it adds up to the shape's area.
func combinations(ask []*asked, res *overlay.Result) []Combination {
	out := []Combination{}
	var areas []float64
	for _, c := range res.Combinations {
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
			if l.layer.Meta.NetM2 != nil && n < len(c.Weighted) && (c.Weighted[n] > 0 || c.Unweighted[n] == 0) {
				o.NetM2[name] = rounded(c.Weighted[n])
			}
		}
		out = append(out, o)
		areas = append(areas, c.Area)
	}
	for i, v := range shares(res.AOI, areas) {
		out[i].AreaM2 = v
	}
	return out
}

// shares rounds parts, none negative, by largest remainder so that they add up
// to total as [roundM2] rounds it. Parts may miss the total by what floating
// point loses in adding them.
func shares(total float64, parts []float64) []float64 {
	unit := unitsPerM2(total)
	left := int64(math.Round(total * unit))
	whole := make([]int64, len(parts))
	order := make([]int, len(parts))
	for i, p := range parts {
		whole[i] = int64(math.Floor(p * unit))
		left -= whole[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := parts[a]*unit-float64(whole[a]), parts[b]*unit-float64(whole[b])
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	n := min(max(left, 0), int64(len(order)))
	for _, i := range order[:n] {
		whole[i]++
	}
	// What the parts miss the total by beyond rounding is the largest part's.
	if left -= n; left != 0 && len(parts) > 0 {
		most := 0
		for i := range whole {
			if whole[i] > whole[most] {
				most = i
			}
		}
		whole[most] += left
	}
	out := make([]float64, len(parts))
	for i, w := range whole {
		out[i] = float64(w) / unit
	}
	return out
}
