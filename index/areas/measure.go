package areas

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/ground"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// measured is what the layers of a question have inside its shape, in m².
type measured struct {
	aoi float64
	// parts are the ground in each combination of layers, bit i for layer i; nil
	// when it was not asked for.
	parts []ground.Part
}

// item is a feature that may share ground with the shape.
type item struct {
	ordinal int32
	class   int32 // in the layer's grouping, when there is one
	area    float64
	whole   bool // whether it lies wholly inside
}

// measuring finds out what layers have inside a shape.
//
// A feature whose box lies wholly inside counts with its stored area, one whose
// box lies wholly outside is passed by; what is left lies along the shape's
// border and is integrated. Ground that features share, and combinations, come
// from the partition of the ground, when the generation has one. So the cost
// follows the border.
type measuring struct {
	ctx      context.Context //nolint:containedctx // lives as long as the call that made it
	ix       *index.Index
	answer   *Answer
	prepared *overlay.Prepared
	limit    int  // of the vertices looked at; 0 is none
	listed   bool // whether pieces are asked for
	vertices atomic.Int64
}

// scratch is memory that a layer's part of a question uses, one after another.
type scratch struct {
	view  overlay.View // from the block of features that is being looked at
	work  overlay.Workspace
	rings geo.Rings
	items []item
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release gives the memory back, when the question is answered.
func (l *asked) release() {
	l.scratch.items = l.items[:0]
	scratches.Put(l.scratch)
}

// layer finds the items of l.
func (m *measuring) layer(ctx context.Context, l *asked) error {
	l.items = l.scratch.items[:0]
	each := func(i int, box geo.Box) error {
		switch l.view.Side(box) {
		case overlay.Inside:
			l.items = append(l.items, item{ordinal: int32(i), area: l.layer.Record(i).AreaM2, whole: true})
		case overlay.Across:
			return m.integrate(ctx, l, i)
		case overlay.Outside:
		}
		return nil
	}
	whole := func(b *index.Block) error {
		if !l.groups.asked() && !m.listed {
			l.whole.Add(&b.Sum)
			return nil
		}
		for i := b.First; i < b.End; i++ {
			l.items = append(l.items, item{ordinal: int32(i), area: l.layer.Record(i).AreaM2, whole: true})
		}
		return nil
	}
	ask := func(box geo.Box) index.Visit {
		switch m.prepared.Look(&l.view, box) {
		case overlay.Inside:
			return index.Swallow
		case overlay.Across:
			return index.Enter
		case overlay.Outside:
		}
		return index.Pass
	}
	if err := l.layer.Sweep(ask, whole, each); err != nil {
		return err
	}
	return l.classify(ctx)
}

// integrate adds feature i with its area inside the shape.
func (m *measuring) integrate(ctx context.Context, l *asked, i int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.rings.Reset()
	if err := l.layer.Rings(i, &l.rings); err != nil {
		l.fail(i, err)
		return nil
	}
	if err := m.look(len(l.rings.Positions)); err != nil {
		return err
	}
	if a := l.view.Shared(&l.work, &l.rings); a > 0 {
		l.items = append(l.items, item{ordinal: int32(i), area: min(a, l.layer.Record(i).AreaM2)})
	}
	return nil
}

// classify finds the classes of l's items. One whose class cannot be read is
// failed.
func (l *asked) classify(ctx context.Context) error {
	if !l.groups.asked() {
		return nil
	}
	kept := l.items[:0]
	for n, it := range l.items {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		class, err := l.groups.of(l.layer, int(it.ordinal))
		if err != nil {
			l.fail(int(it.ordinal), err)
			continue
		}
		it.class = class
		kept = append(kept, it)
	}
	l.items = kept
	return nil
}

// together finds the ground and each layer's features, as many at once as there
// are workers.
func (m *measuring) together(workers int, ask []*asked, ground func(context.Context) error) error {
	group, ctx := errgroup.WithContext(m.ctx)
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group.SetLimit(workers)
	group.Go(func() error { return ground(ctx) })
	for _, l := range ask {
		group.Go(func() error { return m.layer(ctx, l) })
	}
	return group.Wait()
}

// ground finds the combinations, when they are asked for, and what features of
// one layer share with each other: a layer has as much ground less than its
// features add up to.
func (m *measuring) ground(ctx context.Context, ask []*asked, aoi geo.MultiPolygon, combinations bool) ([]ground.Part, error) {
	g := m.ix.Ground()
	q := ground.Question{AOI: aoi, Stop: ctx.Err}
	var overlapping uint64
	for _, l := range ask {
		bit := g.Bit(l.layer.Meta.Key())
		q.Layers = append(q.Layers, bit)
		overlapping |= bit
	}
	var sums *ground.Parts
	err := index.Guard(func() (err error) {
		switch {
		case combinations:
			sums, err = g.Sum(&q)
		case g.Overlaps(overlapping):
			sums, err = g.Excess(&q)
		}
		return err
	})
	if err != nil || sums == nil {
		return nil, err
	}
	for i, l := range ask {
		l.twice = sums.Excess[i]
	}
	if !combinations {
		return nil, nil
	}
	return withBare(sums.Sorted(), m.prepared.Area(), len(ask)), nil
}

// classGround finds what features of one class share with each other.
func (m *measuring) classGround(ask []*asked, aoi geo.MultiPolygon) error {
	g := m.ix.Ground()
	q := ground.Question{AOI: aoi, Stop: m.ctx.Err}
	for _, l := range ask {
		if bit := g.Bit(l.layer.Meta.Key()); l.groups.asked() && g.Overlaps(bit) {
			q.Layers = append(q.Layers, bit)
			q.Within |= bit
		}
	}
	if q.Within == 0 {
		return nil
	}
	q.Overlapping = func(names []uint64, area float64) {
		for _, l := range ask {
			if l.groups.asked() {
				l.share(m.ix, names, area)
			}
		}
	}
	return index.Guard(func() error {
		_, err := g.Excess(&q)
		return err
	})
}

// withBare gives the part in no layer all of the AOI that is in none, also what
// lies outside of the partition.
func withBare(parts []ground.Part, aoi float64, layers int) []ground.Part {
	covered := 0.0
	out := parts[:0]
	for _, p := range parts {
		if p.Mask != 0 && p.Area > 0 {
			covered += p.Area
			out = append(out, p)
		}
	}
	bare := ground.Part{Area: aoi - covered, Weighted: make([]float64, layers), Unweighted: make([]float64, layers)}
	// What is left of rounding is no ground.
	if bare.Area <= 1e-12*aoi {
		return out
	}
	return slices.Insert(out, 0, bare)
}

// share counts ground that several features of one class share once.
func (l *asked) share(ix *index.Index, names []uint64, area float64) {
	classes := map[int32]int{}
	for _, n := range names {
		i, ok := ix.Named(l.layer, n)
		if !ok {
			continue
		}
		if k, ok := slices.BinarySearchFunc(l.items, int32(i), func(it item, i int32) int { return int(it.ordinal - i) }); ok {
			classes[l.items[k].class]++
		}
	}
	for c, n := range classes {
		if n > 1 {
			l.classTwice[c] += float64(n-1) * area
		}
	}
}

// byMeasure finds everything by one [overlay.Measure] over the features near the
// shape: for shapes that cannot be mended, and generations without a partition.
func (m *measuring) byMeasure(ask []*asked, q *Question) (*measured, error) {
	var items []overlay.Item
	m.vertices.Store(int64(q.Shape.Vertices()))
	for _, l := range ask {
		if err := m.near(l, q.Shape.Box(), &items); err != nil {
			return nil, err
		}
	}
	res, err := overlay.Measure(m.ctx, q.Shape, items, overlay.Options{Workers: q.Workers})
	if err != nil {
		return nil, err
	}
	at := 0
	for _, l := range ask {
		gross := 0.0
		for k := range l.items {
			l.items[k].area = res.Items[at]
			gross += res.Items[at]
			at++
		}
		if l.number < len(res.Layers) {
			l.twice = gross - res.Layers[l.number].Area
		}
	}
	for _, g := range res.Groups {
		ask[g.Layer].classTwice[g.Group] = g.Gross - g.Area
	}
	out := &measured{aoi: res.AOI}
	if q.Combinations {
		out.parts = []ground.Part{}
		for _, c := range res.Combinations {
			p := ground.Part{Mask: uint64(c.Mask), Area: c.Area, Weighted: make([]float64, len(ask)), Unweighted: make([]float64, len(ask))}
			copy(p.Weighted, c.Weighted)
			copy(p.Unweighted, c.Unweighted)
			out.parts = append(out.parts, p)
		}
	}
	return out, nil
}

// near reads the features of l near the box.
func (m *measuring) near(l *asked, box geo.Box, items *[]overlay.Item) error {
	l.layer.Search(box, func(i int) bool {
		l.items = append(l.items, item{ordinal: int32(i)})
		return true
	})
	slices.SortFunc(l.items, func(a, b item) int { return int(a.ordinal - b.ordinal) })
	if err := l.classify(m.ctx); err != nil {
		return err
	}
	kept := l.items[:0]
	for _, it := range l.items {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		f, err := l.layer.Feature(int(it.ordinal))
		if err != nil {
			l.fail(int(it.ordinal), err)
			continue
		}
		if err := m.look(f.Geometry.Vertices()); err != nil {
			return err
		}
		o := overlay.Item{Layer: l.number, Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry}
		if w, ok := index.PerM2(f.Net, f.AreaM2); ok {
			o.Weight = w
		}
		if l.groups.asked() {
			o.Group = it.class
		}
		kept = append(kept, it)
		*items = append(*items, o)
	}
	l.items = kept
	return nil
}

// look counts vertices that are looked at; the error says that there are too many.
func (m *measuring) look(vertices int) error {
	if all := m.vertices.Add(int64(vertices)); m.limit > 0 && all > int64(m.limit) {
		return tooManyVertices(m.limit)
	}
	return nil
}

const tooManyCode = "TOO_LARGE_OVERLAY"

func tooManyVertices(limit int) error {
	return problem.New(tooManyCode, "范围和近旁要素的顶点超过 %d 个", "the shape and the features near it have more than %d vertices", limit).
		Advise("缩小范围，或少问几个图层", "ask about a smaller shape or fewer layers")
}

// fail lists a feature that could not be measured, or drawn. What a stored
// record or the machine is at fault for is not told further.
func (l *asked) fail(ordinal int, err error) {
	f := Failed{l.layer.Meta.Name, l.layer.Head(ordinal).ID, "the stored feature cannot be read", "存储的要素读不出来"}
	if p := problem.Of(err); p != nil {
		f.Reason = fmt.Sprintf("%s [%s]", p.Found(problem.English), p.Code)
		f.ReasonZh = fmt.Sprintf("%s [%s]", p.Found(problem.Chinese), p.Code)
	}
	l.failed = append(l.failed, f)
}
