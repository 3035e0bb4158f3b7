package check

import (
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// knots are places where rings cross themselves or each other. Around such a place a shape
// covers other ground than was meant, and so its neighbours seem to overlap it or to leave
// gaps: that is the crossing's fault, which is told, and no second one.
type knots map[geo.Position]struct{}

// knots finds the places where the feature's rings cross: positions of its shape that were
// not delivered.
func (j *judging) knots() {
	if !slices.ContainsFunc(j.f.Broken, crosses) {
		return
	}
	raw, err := j.layer.seen.Files[j.f.File].CRS.MultiPolygon(j.f.Delivered, geo.Limits{})
	if err != nil {
		return // what is refused has no shape
	}
	given := knots{}
	each(raw, func(v geo.Position) { given[v] = struct{}{} })
	each(j.f.Geometry, func(v geo.Position) {
		if _, ok := given[v]; !ok {
			j.note.knots = append(j.note.knots, v)
		}
	})
}

func crosses(f overlay.Finding) bool {
	return f.Rule == overlay.RingCrossesSelf || f.Rule == overlay.RingsCross
}

// each calls visit with every position of m.
func each(m geo.MultiPolygon, visit func(v geo.Position)) {
	for _, p := range m {
		for _, r := range p {
			for _, v := range r {
				visit(v)
			}
		}
	}
}

// knot adds the knots of a feature.
func (g *ground) knot(list []geo.Position) {
	if len(list) == 0 {
		return
	}
	if g.knots == nil {
		g.knots = knots{}
	}
	for _, v := range list {
		g.knots[v] = struct{}{}
	}
}

// in returns the knots where w has put them.
func (k knots) in(w *weave) knots {
	if len(k) == 0 || len(w.moved) == 0 {
		return k
	}
	out := knots{}
	for v := range k {
		out[v], out[w.place(v)] = struct{}{}, struct{}{}
	}
	return out
}

// on tells whether ground has a knot on its border.
func (k knots) on(p geo.Polygon) bool {
	if len(k) == 0 {
		return false
	}
	for _, r := range p {
		for _, v := range r {
			if _, ok := k[v]; ok {
				return true
			}
		}
	}
	return false
}

// without returns the ground of m that has no knot on its border, and its area.
func (k knots) without(m geo.MultiPolygon) (geo.MultiPolygon, float64) {
	out := slices.DeleteFunc(slices.Clone(m), k.on)
	if len(out) == 0 {
		return nil, 0
	}
	return out, math.Abs(geo.Area(out))
}
