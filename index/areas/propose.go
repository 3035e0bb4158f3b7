package areas

import (
	"errors"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Propose adds to a problem of shapes whose coordinates do not tell their system by
// themselves (CRS_MISMATCH of metres, TXT_ZONE) the zones by which the first of them that
// can be read lies where the layers of the index do. Any other error stays as it is, and
// all do where ix is nil.
func Propose(err error, ix *index.Index, shapes []Given) error {
	p := problem.Of(err)
	var c *geo.CoordinateError
	switch {
	case p == nil || ix == nil:
		return err
	case p.Code == "TXT_ZONE":
	case p.Code == "CRS_MISMATCH" && errors.As(err, &c):
		if _, told := c.Proposal(); told || !errors.Is(c.Kind, geo.ErrMetres) && !(c.CRS.GaussKrueger() && errors.Is(c.Kind, geo.ErrRange)) {
			return err
		}
	default:
		return err
	}
	ground := geo.EmptyBox()
	for _, n := range ix.Names() {
		ground = ground.Union(ix.Layer(n, "").Extent())
	}
	var words []string
	for _, z := range geo.ZonesOnGround(firstPoints(shapes), ground) {
		words = append(words, z.String()+"（"+z.Name()+"）")
	}
	if len(words) == 0 {
		return err
	}
	zh := strings.Join(words, "、")
	en := strings.NewReplacer("（", " (", "）", ")", "、", ", ").Replace(zh)
	return p.Advise("按本版数据的位置，看起来是 %[1]s，请在 crs 中写明", "by where this edition lies they look like %[2]s: say so in crs", zh, en)
}

// maxPointsTried bounds the points of a shape that zones are tried with.
const maxPointsTried = 100

// firstPoints returns points of the first outline that there is.
func firstPoints(shapes []Given) []geo.XY {
	for i := range shapes {
		for _, polygon := range shapes[i].Polygons {
			if len(polygon) > 0 && len(polygon[0]) > 0 {
				return polygon[0][:min(len(polygon[0]), maxPointsTried)]
			}
		}
	}
	return nil
}
