package reconcile

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// bands finds of which ground that only one side has which line tells: of features that
// have other ground in common with the other side, by the width of the pieces too.
func (r *run) bands(ctx context.Context) error {
	var asked []borders
	for s := range r.sides {
		asked = append(asked, r.settle(s)...)
	}
	narrow := make([]map[int32]float64, len(asked))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers(r.opt.Workers))
	const batch = 64
	for first := 0; first < len(asked); first += batch {
		group.Go(func() error {
			for i := first; i < min(first+batch, len(asked)); i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				var err error
				if narrow[i], err = r.narrow(ctx, &asked[i]); err != nil {
					return err
				}
			}
			r.opt.Tell(edition.Title{Zh: "量边带宽度", En: "measuring bands"}, min(first+batch, len(asked)), len(asked))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range asked {
		for _, at := range asked[i].parts {
			r.split(at, narrow[i][r.parts[at].other])
		}
	}
	return nil
}

// borders are the parts of one feature whose width decides.
type borders struct {
	side    int
	feature int32
	parts   []int
}

// settle gives the parts of a side that have no ground on the other their lines, and
// returns those whose width is to be measured.
func (r *run) settle(s int) []borders {
	only := onlyA + kind(s)
	common := make([]float64, r.sides[s].Layer.Len())
	for i := range r.parts {
		if p := &r.parts[i]; p.kind == shared && !p.again {
			common[p.of(s)] += p.area
		}
	}
	lists := map[int32][]int{}
	for i := range r.parts {
		p := &r.parts[i]
		if p.kind != only {
			continue
		}
		f := p.of(s)
		line := r.lineOf(s, p)
		p.line = number(line)
		switch {
		case line == NotCropland || common[f] < overlay.MinShared:
		case p.area < max(overlay.MinShared, r.width*r.width*squareSafe):
			p.line = number(Band) // no polygon of such an area is wider than a square
		default:
			lists[f] = append(lists[f], i)
		}
	}
	var out []borders
	for f, parts := range lists {
		out = append(out, borders{s, f, parts})
	}
	slices.SortFunc(out, func(x, y borders) int { return cmp.Compare(x.feature, y.feature) })
	return out
}

// squareSafe leaves room for what the grid rounds.
const squareSafe = 0.999

// number is a line's place among [Lines].
func number(l Line) uint8 { return uint8(slices.Index(Lines, l)) }

// lineOf returns the line of ground that only one side has, whatever its width.
func (r *run) lineOf(s int, p *part) Line {
	own, other := r.sides[s], r.sides[1-s]
	class, known := "", p.other >= 0 && other.survey.of != nil
	if known {
		class = other.survey.class(int(p.other))
	}
	switch {
	case own.Layer.Meta.Name == edition.HighStandard && other.Layer.Meta.Name != edition.HighStandard &&
		(known && !edition.IsCropland(class) || p.other < 0 && other.wanted() == edition.CroplandClass && other.Layer.Meta.Name != edition.PermanentCropland):
		return NotCropland
	case p.left:
		return Transfer
	case known && !strings.HasPrefix(class, own.wanted()):
		return Reclassed
	}
	return GroundLine
}

// narrow returns, by the feature of the other side's survey (-1 for none), how much of a
// feature's ground that the other side has not is narrower than the width: 0 to 1.
func (r *run) narrow(ctx context.Context, b *borders) (map[int32]float64, error) {
	out := map[int32]float64{}
	rest, err := r.beyond(ctx, b.side, int(b.feature))
	if err != nil {
		return nil, err
	}
	var others []int32
	for _, at := range b.parts {
		if o := r.parts[at].other; !slices.Contains(others, o) {
			others = append(others, o)
		}
	}
	for _, o := range others {
		ground, err := r.on(ctx, b.side, rest, others, o)
		if err != nil {
			return nil, err
		}
		out[o] = narrowShare(ground, r.width)
	}
	return out, nil
}

// beyond returns the ground of a feature that no feature of the other side covers.
func (r *run) beyond(ctx context.Context, s, feature int) (geo.MultiPolygon, error) {
	f, err := r.sides[s].Layer.Feature(feature)
	if err != nil {
		return nil, err
	}
	other := r.sides[1-s]
	near, err := geometries(other.Layer, f.Box, other.takes)
	if err != nil || len(near) == 0 {
		return f.Geometry, err
	}
	return overlay.DifferenceOfLayers(ctx, []geo.MultiPolygon{f.Geometry}, near)
}

// on returns what of some ground lies on a feature of the other side's survey; for -1,
// what lies on none of the others.
func (r *run) on(ctx context.Context, s int, ground geo.MultiPolygon, others []int32, o int32) (geo.MultiPolygon, error) {
	if len(others) == 1 || len(ground) == 0 {
		return ground, nil
	}
	survey := r.sides[1-s].survey
	if o >= 0 {
		f, err := survey.Layer.Feature(int(o))
		if err != nil {
			return nil, err
		}
		return overlay.Intersection(ground, f.Geometry)
	}
	var away []geo.MultiPolygon
	for _, k := range others {
		if k < 0 {
			continue
		}
		f, err := survey.Layer.Feature(int(k))
		if err != nil {
			return nil, err
		}
		away = append(away, f.Geometry)
	}
	return overlay.DifferenceOfLayers(ctx, []geo.MultiPolygon{ground}, away)
}

// geometries returns those of the features that a box meets.
func geometries(l *index.Layer, box geo.Box, takes func(int) bool) ([]geo.MultiPolygon, error) {
	var out []geo.MultiPolygon
	var err error
	l.Search(box, func(i int) bool {
		if !takes(i) {
			return true
		}
		var f index.Feature
		if f, err = l.Feature(i); err != nil {
			return false
		}
		out = append(out, f.Geometry)
		return true
	})
	return out, err
}

// narrowShare returns which part of the ground of m, 0 to 1, is in polygons narrower than
// width.
func narrowShare(m geo.MultiPolygon, width float64) float64 {
	all, thin := 0.0, 0.0
	for _, p := range m {
		a := geo.Area(geo.MultiPolygon{p})
		all += a
		if WidthM(p) < width {
			thin += a
		}
	}
	if all <= 0 {
		return 1 // what has no ground on the grid is a touching border
	}
	return thin / all
}

// WidthM returns the mean width of a polygon, CGCS2000 (EPSG:4490), in metres: the
// shorter side of the rectangle that has its area and its border, which of a strip of
// constant width is that width, bends at right angles included. Of a polygon with
// holes, such as a strip all around a parcel, it is the area over half of the border.
// A polygon that is rounder than a square has the square root of its area.
func WidthM(p geo.Polygon) float64 {
	area := geo.Area(geo.MultiPolygon{p})
	if area <= 0 {
		return 0
	}
	half := borderM(p) / 2
	if len(p) > 1 {
		return area / half
	}
	// x (half − x) = area; the smaller root, without cancellation.
	d := half*half - 4*area
	if d <= 0 {
		return math.Sqrt(area)
	}
	return 2 * area / (half + math.Sqrt(d))
}

// borderM is the length of a polygon's border in metres.
func borderM(p geo.Polygon) float64 {
	sum := 0.0
	for _, ring := range p {
		plane := geo.NewEqualAreaPlane(ring[0])
		last := plane.To(ring[0])
		for _, v := range ring[1:] {
			at := plane.To(v)
			sum += math.Hypot(at.X-last.X, at.Y-last.Y)
			last = at
		}
	}
	return sum
}

// split divides a part whose ground is narrow in a share of it.
func (r *run) split(at int, share float64) {
	p := &r.parts[at]
	switch {
	case share >= 1:
		p.line = number(Band)
	case share > 0:
		thin := *p
		thin.line, thin.area = number(Band), p.area*share
		p.area -= thin.area
		r.parts = append(r.parts, thin)
	}
}
