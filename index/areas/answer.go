package areas

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// round rounds to a number of decimals, halves away from zero.
func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}

func rounded(v float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	v = round(v, 4)
	return &v
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// answer puts together what layer n has inside the shape.
func (l *asked) answer(n int, res *overlay.Result) Layer {
	out := Layer{Layer: l.layer.Meta.Name, Vintage: l.layer.Meta.Vintage}
	var sum overlay.LayerArea
	if n < len(res.Layers) {
		sum = res.Layers[n]
	}
	out.Count = sum.Features
	out.AreaM2, out.GrossM2 = round(sum.Area, 4), round(sum.Gross, 4)
	out.AreaMu, out.AreaHa = round(sum.Area*geo.MuPerM2, 4), round(sum.Area/1e4, 6)
	patch := 0.0
	for k, i := range l.items {
		h := l.layer.Head(i)
		if w, ok := perM2(h.Patch, h.AreaM2); ok {
			patch += w * res.Items[l.first+k]
		}
	}
	out.PatchM2 = rounded(patch, l.hasPat)
	out.NetM2 = rounded(sum.Weighted, l.hasNet)
	out.NetMu = rounded(sum.Weighted*geo.MuPerM2, l.hasNet)
	if len(l.fields) > 0 {
		out.Groups = l.groupAnswers(n, res)
	}
	return out
}

func (l *asked) groupAnswers(n int, res *overlay.Result) []Group {
	var names []string
	for _, f := range l.fields {
		names = append(names, l.layer.Meta.Fields[f].Name)
	}
	out := []Group{}
	for _, g := range res.Groups {
		if g.Layer != n || g.Features == 0 {
			continue
		}
		out = append(out, Group{
			Fields: names, Values: l.values[g.Group], Count: g.Features,
			AreaM2: round(g.Area, 4), NetM2: rounded(g.Weighted, l.hasNet),
		})
	}
	slices.SortFunc(out, func(a, b Group) int {
		for k := range a.Values {
			x, y := text(a.Values[k]), text(b.Values[k])
			if x != y {
				if x < y {
					return -1
				}
				return 1
			}
		}
		return 0
	})
	return out
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
	return append(out, rest[1:]...), err
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

// pieces adds the parts of the layer's features to its answer. A part that
// cannot be drawn is listed as failed; its area stands in the sums.
func (l *asked) pieces(ctx context.Context, a *Answer, out *Layer, shape geo.MultiPolygon, res *overlay.Result) error {
	for k, i := range l.items {
		if err := ctx.Err(); err != nil {
			return err
		}
		areaM2 := res.Items[l.first+k]
		if !overlay.SharesGround(areaM2, res.AOI) {
			continue
		}
		h := l.layer.Head(i)
		f, err := l.layer.Feature(i)
		var part geo.MultiPolygon
		if err == nil {
			part, err = overlay.Intersection(f.Geometry, shape)
		}
		if err != nil {
			a.Failed = append(a.Failed, Failed{l.layer.Meta.Name, h.ID, err.Error()})
			continue
		}
		w, ok := perM2(h.Net, h.AreaM2)
		out.Pieces = append(out.Pieces, Piece{ID: h.ID, AreaM2: round(areaM2, 4), NetM2: rounded(w*areaM2, ok), Shape: part})
	}
	return nil
}

// combinations lists the ground in each combination of layers. The areas are
// rounded by largest remainder, so that they add up to the shape's.
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
			if n < len(c.Weighted) {
				o.NetM2[name] = rounded(c.Weighted[n], l.hasNet)
			}
		}
		out = append(out, o)
		areas = append(areas, c.Area)
	}
	for i, v := range shares(round(res.AOI, 4), areas) {
		out[i].AreaM2 = v
	}
	return out
}

// shares rounds parts to four decimals by largest remainder so that they add up
// to total, which is the rounded sum of the parts.
func shares(total float64, parts []float64) []float64 {
	const unit = 1e4
	left := int64(math.Round(total * unit))
	whole := make([]int64, len(parts))
	order := make([]int, len(parts))
	for i, p := range parts {
		whole[i] = int64(math.Floor(p * unit))
		left -= whole[i]
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		x, y := parts[order[a]]*unit, parts[order[b]]*unit
		return x-math.Floor(x) > y-math.Floor(y)
	})
	for k := int64(0); k < left && len(order) > 0; k++ {
		whole[order[k%int64(len(order))]]++
	}
	out := make([]float64, len(parts))
	for i, w := range whole {
		out[i] = float64(w) / unit
	}
	return out
}
