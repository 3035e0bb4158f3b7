package areas

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// asked is one layer of a question on its way to an answer.
type asked struct {
	number  int // among the layers of the question
	layer   *index.Layer
	items   []int   // ordinals of the items, in the order given to overlay
	classes []int32 // of the items, when there is a grouping
	first   int     // where they begin among all items
	groups  grouping
}

// Ask answers a question. The index must stay open meanwhile. Errors are ctx's,
// or problems NO_LAYER, NO_VINTAGE, PARAMETER_LAYERS, PARAMETER_FIELD,
// AOI_EMPTY, TOO_LARGE_OVERLAY, TOO_LARGE_ANSWER and those of
// [overlay.Measure]; a feature that cannot be measured is listed in the answer
// and fails nothing else.
func Ask(ctx context.Context, ix *index.Index, q Question) (*Answer, error) {
	ask, err := layersOf(ix, &q)
	if err != nil {
		return nil, err
	}
	if q.Shape.Vertices() == 0 {
		return nil, errEmpty
	}
	a := &Answer{Generation: ix.Manifest.Generation, Tier: ix.Manifest.Tier, Formula: Formula, Layers: []Layer{}, Failed: []Failed{}}
	c := collector{ctx: ctx, box: q.Shape.Box(), answer: a, limit: q.MaxVertices, vertices: q.Shape.Vertices()}
	for _, l := range ask {
		if err := c.collect(l); err != nil {
			return nil, err
		}
	}
	res, err := overlay.Measure(ctx, q.Shape, c.items, overlay.Options{Workers: q.Workers})
	if err != nil {
		return nil, err
	}
	if res.AOI <= 0 {
		return nil, errEmpty
	}
	mask := describeShape(a, q.Shape, res.AOI)
	found := false
	for _, l := range ask {
		out, err := l.answer(res, q.MaxListed)
		if err != nil {
			return nil, err
		}
		found = found || out.Count > 0
		if q.Pieces {
			if err := l.pieces(ctx, a, &out, mask, res, q.MaxListed); err != nil {
				return nil, err
			}
		}
		a.Layers = append(a.Layers, out)
	}
	if !found {
		a.AOI.Problems = append(a.AOI.Problems, problem.New("AOI_OUTSIDE", "范围没有碰到任何要素", "the shape meets no feature").
			Advise("请核对坐标和坐标系", "check the coordinates and their system"))
	}
	if q.Combinations {
		a.Combinations = combinations(ask, res)
	}
	return a, nil
}

// layersOf finds the layers of a question and the fields to group them by.
func layersOf(ix *index.Index, q *Question) ([]*asked, error) {
	names := q.Layers
	if len(names) == 0 {
		for _, n := range DefaultLayers {
			if ix.Layer(n, q.Vintage) != nil {
				names = append(names, n)
			}
		}
	}
	if len(names) == 0 {
		return nil, noLayer(ix, q.Vintage, DefaultLayers)
	}
	if len(names) > overlay.MaxLayers {
		return nil, problem.New("PARAMETER_LAYERS", "一次最多问 %d 个图层", "at most %d layers can be asked about at once", overlay.MaxLayers)
	}
	var out []*asked
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return nil, problem.New("PARAMETER_LAYERS", "图层 %.40q 写了两次", "layer %.40q is named twice", n)
		}
		l := ix.Layer(n, q.Vintage)
		if l == nil {
			return nil, noLayer(ix, q.Vintage, []string{n})
		}
		g, err := newGrouping(l, q.GroupBy[n])
		if err != nil {
			return nil, err
		}
		out = append(out, &asked{number: i, layer: l, groups: g})
	}
	for n := range q.GroupBy {
		if !slices.Contains(names, n) {
			return nil, problem.New("PARAMETER_FIELD", "group_by 提到了没有问的图层 %.40q", "group_by names layer %.40q, which is not asked about", n)
		}
	}
	return out, nil
}

// noLayer says that none of names exists, or none of them in this vintage.
func noLayer(ix *index.Index, vintage string, names []string) error {
	for _, n := range names {
		if len(ix.Vintages(n)) > 0 {
			return problem.New("NO_VINTAGE", "图层 %s 没有 %.40q 这个时相", "layer %s has no vintage %.40q", n, vintage)
		}
	}
	if len(names) > 1 {
		return problem.New("NO_LAYER", "没有可问的图层", "there is no layer to ask about").Advise("用 layers 点名", "name one in layers")
	}
	return problem.New("NO_LAYER", "没有图层 %.40q", "there is no layer %.40q", names[0])
}

// collector reads the features near a shape, as far as the limit allows.
type collector struct {
	ctx      context.Context //nolint:containedctx // lives as long as the call that made it
	box      geo.Box
	answer   *Answer // takes what cannot be read
	items    []overlay.Item
	limit    int
	vertices int
}

// collect reads the features of l near the box as items.
func (c *collector) collect(l *asked) error {
	l.first = len(c.items)
	l.layer.Search(c.box, func(i int) bool {
		l.items = append(l.items, i)
		return true
	})
	slices.Sort(l.items) // the R-tree's order is nobody's
	kept := l.items[:0]
	for _, i := range l.items {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		f, err := l.layer.Feature(i)
		if err != nil {
			c.answer.fail(l, i, err)
			continue
		}
		c.vertices += f.Geometry.Vertices()
		if c.limit > 0 && c.vertices > c.limit {
			return problem.New("TOO_LARGE_OVERLAY", "范围和近旁要素的顶点超过 %d 个", "the shape and the features near it have more than %d vertices", c.limit).
				Advise("缩小范围，或少问几个图层", "ask about a smaller shape or fewer layers")
		}
		it := overlay.Item{Layer: l.number, Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry}
		if w, ok := perM2(f.Net, f.AreaM2); ok {
			it.Weight = w
		}
		if l.groups.asked() {
			it.Group = l.groups.of(f.Values)
			l.classes = append(l.classes, it.Group)
		}
		kept = append(kept, i)
		c.items = append(c.items, it)
	}
	l.items = kept
	return nil
}

// fail lists a feature that could not be measured, or drawn. What a stored
// record or the machine is at fault for is not told further.
func (a *Answer) fail(l *asked, ordinal int, err error) {
	reason := "the stored feature cannot be read"
	if p := problem.Of(err); p != nil {
		reason = fmt.Sprintf("%s [%s]", p.Found(problem.English), p.Code)
	}
	a.Failed = append(a.Failed, Failed{l.layer.Meta.Name, l.layer.Head(ordinal).ID, reason})
}

// perM2 is an area of record, in m², for each m² of ground.
func perM2(record int64, areaM2 float64) (float64, bool) {
	if record == index.NoArea || areaM2 <= 0 {
		return 0, false
	}
	return float64(record) / 100 / areaM2, true
}

// describeShape fills in what is said of the shape, and returns it as a mask to
// cut pieces with; nil when it cannot be drawn.
func describeShape(a *Answer, shape geo.MultiPolygon, areaM2 float64) *overlay.Mask {
	a.AOI.AreaM2, a.AOI.AreaMu, a.AOI.AreaHa = roundM2(areaM2), round(areaM2*geo.MuPerM2, 4), round(areaM2/1e4, 6)
	a.AOI.Problems = []*problem.Problem{}
	mended, findings, err := overlay.Mend(shape)
	var mask *overlay.Mask
	if err == nil {
		mask, err = overlay.NewMask(mended)
	}
	for _, f := range findings {
		a.AOI.Mended = true
		a.AOI.Problems = append(a.AOI.Problems, f.Problem())
	}
	if err != nil {
		p := problem.New("AOI_UNMENDABLE", "范围画不出来，面积仍按奇偶规则", "the shape cannot be drawn; its area is by the even-odd rule all the same")
		if q := problem.Of(err); q != nil {
			p = p.Advise("%[1]s", "%[2]s", q.Found(problem.Chinese), q.Found(problem.English))
		}
		a.AOI.Problems = append(a.AOI.Problems, p)
		return nil
	}
	return mask
}

// errNoMask is why no piece can be drawn.
var errNoMask = problem.New("AOI_UNMENDABLE", "范围画不出来", "the shape cannot be drawn")

// tooMany refuses an answer that lists too much.
func tooMany(limit int) error {
	return problem.New("TOO_LARGE_ANSWER", "结果超过 %d 项", "the answer would list more than %d items", limit).
		Advise("缩小范围，或按值较少的字段分组", "ask about a smaller shape, or group by a field of fewer values")
}

// pieces adds the parts of the layer's features to its answer. A part that
// cannot be drawn is listed as failed; its area stands in the sums.
func (l *asked) pieces(ctx context.Context, a *Answer, out *Layer, mask *overlay.Mask, res *overlay.Result, limit int) error {
	out.Pieces = []Piece{}
	for k, i := range l.items {
		if err := ctx.Err(); err != nil {
			return err
		}
		areaM2 := res.Items[l.first+k]
		if !overlay.SharesGround(areaM2, res.AOI) {
			continue
		}
		if limit > 0 && len(out.Pieces) == limit {
			return tooMany(limit)
		}
		part, err := l.piece(i, mask)
		if err != nil {
			a.fail(l, i, err)
			continue
		}
		h := l.layer.Head(i)
		p := Piece{ID: h.ID, AreaM2: roundM2(areaM2), Shape: part}
		if w, ok := perM2(h.Net, h.AreaM2); ok {
			p.NetM2 = rounded(w * areaM2)
		}
		out.Pieces = append(out.Pieces, p)
	}
	return nil
}

// piece cuts feature i.
func (l *asked) piece(i int, mask *overlay.Mask) (geo.MultiPolygon, error) {
	if mask == nil {
		return nil, errNoMask
	}
	f, err := l.layer.Feature(i)
	if err != nil {
		return nil, err
	}
	part, err := mask.Piece(f.Geometry)
	if err == nil && part.Vertices() == 0 {
		err = errors.New("nothing left to draw")
	}
	return part, err
}
