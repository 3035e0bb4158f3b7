package analyze

import (
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/pieces"
)

// cutter makes the shapes of pieces: a feature's ground inside some dissolved covers and
// outside of others. It is used by one goroutine at a time.
type cutter struct {
	masks map[maskKey]*overlay.Mask
}

type maskKey struct {
	layer   *index.Layer
	feature int
}

// keptMasks bounds the masks in memory: neighbours follow each other, so that old ones are
// rarely asked for again.
const keptMasks = 64

// mask returns a feature as a mask.
func (c *cutter) mask(l *index.Layer, i int) (*overlay.Mask, error) {
	key := maskKey{l, i}
	if m := c.masks[key]; m != nil {
		return m, nil
	}
	f, err := l.Feature(i)
	if err != nil {
		return nil, err
	}
	m, err := overlay.NewMask(f.Geometry)
	if err != nil {
		return nil, err
	}
	if c.masks == nil || len(c.masks) >= keptMasks {
		c.masks = map[maskKey]*overlay.Mask{}
	}
	c.masks[key] = m
	return m, nil
}

// within returns the features of a cover whose boxes meet a box, in rising order.
func within(c pieces.Cover, b geo.Box) []int {
	var out []int
	c.Layer.Search(b, func(i int) bool {
		if c.Only == nil || c.Only(i) {
			out = append(out, i)
		}
		return true
	})
	slices.Sort(out)
	return out
}

// inside returns the ground of g on the features of a cover, dissolved.
func (c *cutter) inside(ctx context.Context, g geo.MultiPolygon, cover pieces.Cover) (geo.MultiPolygon, error) {
	var parts []geo.MultiPolygon
	for _, i := range within(cover, g.Box()) {
		m, err := c.mask(cover.Layer, i)
		if err != nil {
			return nil, err
		}
		p, err := m.Piece(g)
		if err != nil {
			return nil, err
		}
		if len(p) > 0 {
			parts = append(parts, p)
		}
	}
	switch len(parts) {
	case 0:
		return nil, nil
	case 1:
		return parts[0], nil
	}
	return overlay.Dissolve(ctx, parts)
}

// outside returns the ground of g on no feature of a cover.
func outside(g geo.MultiPolygon, cover pieces.Cover) (geo.MultiPolygon, error) {
	for _, i := range within(cover, g.Box()) {
		f, err := cover.Layer.Feature(i)
		if err != nil {
			return nil, err
		}
		if g, err = overlay.Difference(g, f.Geometry); err != nil || len(g) == 0 {
			return nil, err
		}
	}
	return g, nil
}

// cut returns the ground of feature i of l inside each of some covers, and outside each
// of others; nil where that is none.
func (c *cutter) cut(ctx context.Context, l *index.Layer, i int, in, out []pieces.Cover) (geo.MultiPolygon, error) {
	f, err := l.Feature(i)
	if err != nil {
		return nil, err
	}
	g := f.Geometry
	for _, cover := range in {
		if g, err = c.inside(ctx, g, cover); err != nil || len(g) == 0 {
			return nil, err
		}
	}
	for _, cover := range out {
		if g, err = outside(g, cover); err != nil || len(g) == 0 {
			return nil, err
		}
	}
	return g, nil
}

// shapeOf returns the shape of a feature when it is asked for.
func shapeOf(l *index.Layer, i int) func(context.Context) (geo.MultiPolygon, error) {
	return func(context.Context) (geo.MultiPolygon, error) {
		f, err := l.Feature(i)
		return f.Geometry, err
	}
}
