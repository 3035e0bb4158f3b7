package ingest

import (
	"cmp"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// regionShape is a place that features without a code of place may lie in.
type regionShape struct {
	code  string
	shape geo.MultiPolygon
	box   geo.Box
}

// regionsFor returns the places that features of the vintage are placed in.
func (r *run) regionsFor(vintage string) []regionShape {
	return r.regions[regionVintage(r.regions, vintage)]
}

// regionVintage returns the vintage of the places for features of that vintage: its
// own, or the latest that has any: places of another year are better than none.
func regionVintage(regions map[string][]regionShape, vintage string) string {
	if len(regions[vintage]) > 0 {
		return vintage
	}
	best := ""
	for v := range regions {
		if best == "" || edition.CompareVintages(v, best) > 0 {
			best = v
		}
	}
	return best
}

// placeIn returns the place that most of m lies in, or "". Where places of
// several levels cover m, as townships and their villages do, the finest level
// counts that covers at least half of what any level does.
func placeIn(regions []regionShape, m geo.MultiPolygon) string {
	box := m.Box()
	shared := map[string]float64{} // by code: a place may come in several parts
	levels := map[int]float64{}    // by digits
	for _, g := range regions {
		if !g.box.Intersects(box) {
			continue
		}
		if a := overlay.SharedArea(m, g.shape); a >= overlay.MinShared {
			shared[g.code] += a
			levels[len(g.code)] += a
		}
	}
	most := 0.0
	for _, a := range levels {
		most = max(most, a)
	}
	digits := 0
	for n, a := range levels {
		if a >= most/2 {
			digits = max(digits, n)
		}
	}
	var codes []string
	for c := range shared {
		if len(c) == digits {
			codes = append(codes, c)
		}
	}
	if len(codes) == 0 {
		return ""
	}
	return slices.MinFunc(codes, func(a, b string) int {
		return cmp.Or(cmp.Compare(shared[b], shared[a]), cmp.Compare(a, b))
	})
}
