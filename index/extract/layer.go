package extract

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// fate is what becomes of a feature.
type fate uint8

const (
	outside fate = iota
	whole
	across // it is cut at the border
)

// border is where features are cut; nil where there is none.
type border struct {
	mask  *overlay.Mask
	shape *overlay.Prepared
}

// newBorder prepares the border of an area, nil of none.
func newBorder(area geo.MultiPolygon) (*border, error) {
	if len(area) == 0 {
		return nil, nil
	}
	mask, err := overlay.NewMask(area)
	if err != nil {
		return nil, err
	}
	return &border{mask, overlay.Prepare(mask.Geometry())}, nil
}

// side tells what becomes of what lies in a box.
func (b *border) side(box geo.Box) fate {
	switch b.shape.Side(box) {
	case overlay.Outside:
		return outside
	case overlay.Inside:
		return whole
	}
	return across
}

// border returns the border that layers of a vintage are cut at.
func (x *extraction) border(vintage string) (*border, error) {
	if b, ok := x.borders[vintage]; ok {
		return b, nil
	}
	area, err := x.area(vintage)
	if err != nil {
		return nil, err
	}
	b, err := newBorder(area)
	x.borders[vintage] = b
	return b, err
}

// area returns the ground of the scope, as the regions of a vintage have it; nil when
// no region tells it.
func (x *extraction) area(vintage string) (geo.MultiPolygon, error) {
	if len(x.scope.Places) == 0 {
		return x.scope.Area, nil
	}
	var parts []geo.MultiPolygon
	for _, code := range x.scope.Places {
		shape, err := areas.Place(x.ctx, x.from, code, vintage)
		if p := problem.Of(err); p != nil && p.Code == "NO_PLACE" {
			continue // nothing is cut for it: records say what lies in it
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, shape)
	}
	if len(parts) < 2 {
		return slices.Concat(parts...), nil
	}
	return overlay.Dissolve(x.ctx, parts)
}

// cutting cuts one layer.
type cutting struct {
	*extraction
	from   *index.Layer
	border *border
	codes  []bool // which of the fields name single features
	sums   []bool // which of the fields are areas

	mu     sync.Mutex
	to     *index.LayerWriter
	kept   kept
	report ReportLayer
}

// layer writes what of l lies in the scope as the layer that meta describes.
func (x *extraction) layer(l *index.Layer, meta edition.Layer) error {
	if x.scope.local() {
		meta.PatchWithheldM2, meta.NetWithheldM2 = 0, 0 // nobody knows how much of it lay in the scope
	}
	c := &cutting{extraction: x, from: l, to: x.out.Layer(meta), kept: kept{}, report: ReportLayer{Layer: meta.Key()}}
	var err error
	if c.border, err = x.border(meta.Vintage); err != nil {
		return err
	}
	for _, f := range meta.Fields {
		c.codes = append(c.codes, f.Code)
		c.sums = append(c.sums, isArea(&f))
	}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(x.ctx)
	for range workers() {
		group.Go(func() error { return c.work(ctx, &next) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.Sort(c.report.Failed)
	x.kept[meta.Key()] = c.kept
	x.report.Layers = append(x.report.Layers, c.report)
	return nil
}

// batch is how many features a worker takes at a time.
const batch = 512

// work takes batches of features until there are none.
func (c *cutting) work(ctx context.Context, next *atomic.Int64) error {
	e := c.to.Encoder()
	var a index.Attributes
	for {
		first := int(next.Add(batch)) - batch
		if first >= c.from.Len() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := first; i < min(first+batch, c.from.Len()); i++ {
			if err := c.feature(i, &a, e); err != nil {
				return err
			}
		}
	}
}

// feature writes feature i as far as it lies in the scope. a and e are the worker's.
func (c *cutting) feature(i int, a *index.Attributes, e *index.Encoder) error {
	is, err := c.fate(i, a)
	if is == outside || err != nil {
		return err
	}
	f, err := c.from.Feature(i)
	if err != nil {
		return err
	}
	if is == across {
		if is, err = c.cut(&f); err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.report.Failed = append(c.report.Failed, f.ID)
			return nil
		}
	}
	if is == outside {
		return nil
	}
	if c.strays(f.Place, is, c.told(a)) {
		if err := c.settle(&f); err != nil {
			return err
		}
	}
	packed := e.Encode(&f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.extraction.from.Lineages()) > 0 {
		c.kept[f.ID] = is == across
	}
	if is == across {
		c.report.Cut++
	} else {
		c.report.Whole++
	}
	return c.to.AddEncoded(packed)
}

// fate tells what becomes of feature i.
func (c *cutting) fate(i int, a *index.Attributes) (fate, error) {
	if !c.scope.local() {
		return whole, nil
	}
	if len(c.scope.Places) == 0 {
		is := c.border.side(c.from.Box(i))
		if is == outside {
			return outside, nil
		}
		return is, c.from.Attributes(i, a)
	}
	if err := c.from.Attributes(i, a); err != nil {
		return outside, err
	}
	place := string(a.Place)
	in := within(place, c.scope.Places)
	switch {
	case c.from.Meta.Name == edition.Region, c.told(a):
		// The record says where it lies, unless it names a larger place.
		if in {
			return whole, nil
		}
		if c.from.Meta.Name == edition.Region || !around(place, c.scope.Places) {
			return outside, nil
		}
	case c.border == nil && in:
		return whole, nil // there is nothing else to tell by
	}
	if c.border == nil {
		return outside, nil
	}
	return c.border.side(c.from.Box(i)), nil
}

// leastTold is the length of the shortest code of a place by which a record tells where
// a feature lies: that of a county.
const leastTold = 6

// told tells whether the record of a feature says where it lies. Its place may also
// have been found by where most of it lies; then no value begins with it. Codes of
// single features, which begin with that of a county, say nothing of the kind.
func (c *cutting) told(a *index.Attributes) bool {
	if len(a.Place) < leastTold {
		return false
	}
	for i, v := range a.Values {
		if v.Kind == index.RawText && !c.codes[i] && bytes.HasPrefix(v.Text, a.Place) {
			return true
		}
	}
	return false
}

// cut leaves of f what lies inside, with its shares of f's areas, which sums are made of;
// fields that hold areas of the whole are left empty.
func (c *cutting) cut(f *index.Feature) (fate, error) {
	piece, err := c.border.mask.Piece(f.Geometry)
	if err != nil || len(piece) == 0 {
		return outside, err
	}
	area := geo.Area(piece)
	if !overlay.SharesGround(area, c.border.shape.Area()) {
		return outside, nil
	}
	if !overlay.SharesGround(f.AreaM2-area, f.AreaM2) {
		return whole, nil // a touching border takes nothing away
	}
	s := sharing{part: area / f.AreaM2}
	f.Geometry, f.AreaM2 = piece, area
	f.Patch, f.Net = s.of(f.Patch), s.of(f.Net)
	for i := range f.Values {
		if c.sums[i] {
			f.Values[i] = nil // the record's areas are of the whole, and a part's no record's
		}
	}
	return across, nil
}

// sharing is the part of a feature that lies inside.
type sharing struct{ part float64 }

// of returns the part of an area of record, or of what stands in for it.
func (s *sharing) of(area int64) int64 {
	if computed, ok := index.ComputedOf(area); ok {
		return index.Computed(s.round(computed))
	}
	if area == index.NoArea {
		return area
	}
	return s.round(area)
}

func (s *sharing) round(area int64) int64 { return int64(math.Round(float64(area) * s.part)) }

// isArea tells whether a field holds an area. The survey's standards name all of them
// so: 面积 is MJ.
func isArea(f *edition.Field) bool {
	return strings.HasSuffix(f.Name, "MJ") && (f.Kind == edition.Real || f.Kind == edition.Integer)
}
