package areas

import (
	"context"
	"errors"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// asked is one layer of a question on its way to an answer.
type asked struct {
	*scratch
	number int // among the layers of the question
	layer  *index.Layer
	groups grouping
	items  []item // in rising order of ordinals
	failed []Failed
	// whole are features wholly inside that need not be looked at one by one.
	whole index.RecordSum
	// twice is ground, in m², that features of the layer share with others of it,
	// as often as it is too many in the sum over features; classTwice the same
	// within each class.
	twice      float64
	classTwice map[int32]float64
}

// Ask answers a question. The index must stay open meanwhile. Errors are ctx's,
// or problems NO_LAYER, NO_VINTAGE, PARAMETER_LAYERS, PARAMETER_FIELD,
// AOI_EMPTY, TOO_LARGE_OVERLAY, TOO_LARGE_ANSWER and those of
// [overlay.Measure]; a feature that cannot be measured is listed in the answer
// and fails nothing else. Safe for concurrent use.
func Ask(ctx context.Context, ix *index.Index, q Question) (*Answer, error) {
	ask, err := layersOf(ix, &q)
	if err != nil {
		return nil, err
	}
	if q.Shape.Vertices() == 0 {
		return nil, errEmpty
	}
	a := &Answer{Generation: ix.Manifest.Generation, Tier: ix.Manifest.Tier, Formula: Formula, Layers: []Layer{}, Failed: []Failed{}}
	m := &measuring{ctx: ctx, ix: ix, answer: a, limit: q.MaxVertices, listed: q.Pieces || q.Survey}
	for _, l := range ask {
		l.scratch = scratches.Get().(*scratch)
		defer l.release()
	}
	res, mask, err := m.measure(ask, &q)
	if err != nil {
		return nil, err
	}
	if res.aoi <= 0 {
		return nil, errEmpty
	}
	a.AOI.AreaM2, a.AOI.AreaMu, a.AOI.AreaHa = roundM2(res.aoi), round(res.aoi*geo.MuPerM2, 4), round(res.aoi/1e4, 6)
	cut := &cutting{aoi: res.aoi, mask: mask}
	if q.Survey {
		if err := a.AOI.book(q.Shape, cut); err != nil {
			return nil, err
		}
	}
	if n := unmeasured(ask); n > 0 {
		a.AOI.Problems = append(a.AOI.Problems, problem.New("FEATURES_FAILED", "有 %d 个要素读不了或量不了，合计里没有它们", "%d features could not be read or measured; the sums are without them", n).
			Advise("failed 列出了它们；请管理员用 gengtu verify 核对数据", "failed lists them; have the edition checked by gengtu verify"))
	}
	found := false
	for _, l := range ask {
		out, err := l.answer(res, q.MaxListed)
		if err != nil {
			return nil, err
		}
		found = found || out.Count > 0
		if m.listed {
			if err := l.pieces(ctx, &out, &q, cut); err != nil {
				return nil, err
			}
		}
		a.Layers = append(a.Layers, out)
		a.Failed = append(a.Failed, l.failed...)
	}
	if !found {
		a.AOI.Problems = append(a.AOI.Problems, problem.New("AOI_OUTSIDE", "范围没有碰到任何要素", "the shape meets no feature").
			Advise("请核对坐标和坐标系", "check the coordinates and their system"))
	}
	if q.Combinations {
		a.Combinations = combinations(ask, a, res)
	}
	a.coarsen(ix.Manifest.Policy.RoundM2)
	return a, nil
}

// unmeasured counts the features that the sums lack.
func unmeasured(ask []*asked) (n int) {
	for _, l := range ask {
		n += len(l.failed)
	}
	return n
}

// measure mends the shape, says what was wrong with it, and measures. The mask
// that pieces are cut with is nil when the shape cannot be mended.
func (m *measuring) measure(ask []*asked, q *Question) (*measured, *overlay.Mask, error) {
	m.answer.AOI.Problems = []*problem.Problem{}
	mended, findings, err := overlay.Mend(q.Shape)
	for _, f := range findings {
		m.answer.AOI.Mended = true
		m.answer.AOI.Problems = append(m.answer.AOI.Problems, f.Problem())
	}
	var mask *overlay.Mask
	if err == nil && m.listed {
		mask, err = overlay.NewMask(mended)
	}
	if err != nil {
		p := problem.New("AOI_UNMENDABLE", "范围画不出来，面积仍按奇偶规则", "the shape cannot be drawn; its area is by the even-odd rule all the same")
		if q := problem.Of(err); q != nil {
			p = p.Advise("%[1]s", "%[2]s", q.Found(problem.Chinese), q.Found(problem.English))
		}
		m.answer.AOI.Problems = append(m.answer.AOI.Problems, p)
	}
	if err != nil || !known(m.ix, ask) {
		res, err := m.byMeasure(ask, q)
		return res, mask, err
	}
	if len(mended) == 0 {
		return nil, nil, errEmpty
	}
	moved, err := m.moved(q.Shape, mended, findings)
	if err != nil {
		return nil, nil, err
	}
	if moved {
		res, err := m.byMeasure(ask, q)
		if p := problem.Of(err); p == nil || p.Code != tooManyCode {
			return res, mask, err
		}
		m.forget(ask) // too much for that: the mended shape is measured
	}
	m.prepared = overlay.Prepare(mended)
	m.vertices.Store(int64(mended.Vertices()))
	res := &measured{aoi: m.prepared.Area()}
	err = m.together(q.Workers, ask, func(ctx context.Context) (err error) {
		res.parts, err = m.ground(ctx, ask, mended, q.Combinations)
		return err
	})
	if err == nil {
		err = m.classGround(ask, mended)
	}
	return res, mask, err
}

// moved tells whether mending has rounded crossings of the shape so that its area
// is not what it was; then the shape itself is to be measured.
func (m *measuring) moved(shape, mended geo.MultiPolygon, findings []overlay.Finding) (bool, error) {
	if len(findings) == 0 {
		return false, nil
	}
	for _, f := range findings {
		if f.Rule == overlay.RingDoubled {
			return false, nil // copies count once in what is mended alone
		}
	}
	before, err := Size(m.ctx, shape)
	if err != nil {
		return false, err
	}
	after := geo.Area(mended)
	return math.Abs(before-after) > 1e-6+1e-12*after, nil
}

// forget drops what was found of the layers.
func (m *measuring) forget(ask []*asked) {
	for _, l := range ask {
		l.items, l.failed, l.twice = nil, nil, 0
		clear(l.classTwice)
	}
}

// book gives the shape its area as booked, in the zone that it lies in.
func (a *AOI) book(shape geo.MultiPolygon, cut *cutting) error {
	var err error
	if cut.mask != nil {
		shape = cut.mask.Geometry()
	}
	var booked geo.Hundredths
	if cut.zone, err = geo.SurveyZone(shape); err == nil {
		booked, err = geo.SurveyArea(cut.zone, shape)
	}
	if err != nil {
		return problem.New("SURVEY_ZONE", "不能按调查规则计算面积（%v）", "no area can be booked by the survey's rule (%v)", err).Because(err).
			Advise("范围应在 3 度带 25–45 内", "the shape is to lie in the 3 degree zones 25 to 45")
	}
	v := booked.M2()
	a.SurveyM2, a.SurveyZone = &v, cut.zone.String()
	return nil
}

// known tells whether the edition's ground is partitioned by all layers asked
// about.
func known(ix *index.Index, ask []*asked) bool {
	g := ix.Ground()
	return g != nil && !slices.ContainsFunc(ask, func(l *asked) bool { return g.Bit(l.layer.Meta.Key()) == 0 })
}

// Check tells whether a question's layers, vintage and fields are there, before any
// shape is looked at. Errors are those of [Ask] that do not come of the shape.
func Check(ix *index.Index, q Question) error {
	_, err := layersOf(ix, &q)
	return err
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
		out = append(out, &asked{number: i, layer: l, groups: g, classTwice: map[int32]float64{}})
	}
	for n := range q.GroupBy {
		if !slices.Contains(names, n) {
			return nil, problem.New("PARAMETER_FIELD", "group_by 提到了没有问的图层 %.40q", "group_by names layer %.40q, which is not asked about", n).
				Advise("把它加进 layers，或从 group_by 去掉", "add it to layers, or leave it out of group_by")
		}
	}
	return out, nil
}

// noLayer says that none of names exists, or none of them in this vintage.
func noLayer(ix *index.Index, vintage string, names []string) error {
	for _, n := range names {
		if len(ix.Vintages(n)) > 0 {
			return noVintage(ix, n, vintage)
		}
	}
	if len(names) > 1 {
		return problem.New("NO_LAYER", "没有可问的图层", "there is no layer to ask about").Advise("用 layers 点名", "name one in layers")
	}
	return problem.New("NO_LAYER", "没有图层 %.40q", "there is no layer %.40q", names[0]).At(0, names[0])
}

// errNoMask is why no piece can be drawn.
var errNoMask = problem.New("AOI_UNMENDABLE", "范围画不出来", "the shape cannot be drawn")

// tooMany refuses an answer that lists too much.
func tooMany(limit int) error {
	return problem.New("TOO_LARGE_ANSWER", "结果超过 %d 项", "the answer would list more than %d items", limit).
		Advise("缩小范围，或按值较少的字段分组", "ask about a smaller shape, or group by a field of fewer values")
}

// pieces adds the parts of the layer's features to its answer, and what they add
// up to as booked. A part that cannot be drawn is listed as failed; its area
// stands in the sums.
func (l *asked) pieces(ctx context.Context, out *Layer, q *Question, cut *cutting) error {
	list := pieceList{patch: recordList{kind: patchOf}, net: recordList{kind: netOf}}
	booked := geo.Hundredths(0)
	for n, it := range l.items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !overlay.SharesGround(it.area, cut.aoi) {
			continue
		}
		if q.MaxListed > 0 && len(list.pieces) == q.MaxListed {
			return tooMany(q.MaxListed)
		}
		part, err := l.piece(it, cut.mask)
		var survey geo.Hundredths
		if err == nil && q.Survey {
			survey, err = geo.SurveyArea(cut.zone, part)
		}
		if err != nil {
			l.fail(int(it.ordinal), err)
			continue
		}
		booked += survey
		if err := list.add(l, &l.items[n], part); err != nil {
			return err
		}
		if q.Survey {
			v := survey.M2()
			list.pieces[len(list.pieces)-1].SurveyM2 = &v
		}
	}
	if q.Survey {
		v := booked.M2()
		out.SurveyM2 = &v
	}
	if q.Pieces {
		out.Pieces = list.allotted(out)
	}
	return nil
}

// cutting is what pieces are cut and booked with.
type cutting struct {
	aoi  float64 // m²
	mask *overlay.Mask
	zone geo.CRS
}

// pieceList collects pieces and their shares of record.
type pieceList struct {
	pieces     []Piece
	areas      []float64
	sum        float64
	patch, net recordList
}

func (p *pieceList) add(l *asked, it *item, part geo.MultiPolygon) error {
	r := l.layer.Record(int(it.ordinal))
	code, err := l.code(int(it.ordinal))
	if err != nil {
		return err
	}
	p.pieces = append(p.pieces, Piece{
		ID: l.layer.Head(int(it.ordinal)).ID, Code: code, Shape: part, PatchM2: p.patch.share(r, it.area), NetM2: p.net.share(r, it.area),
	})
	p.areas, p.sum = append(p.areas, it.area), p.sum+it.area
	return nil
}

// code returns the code of a feature, by the layer's first code field.
func (l *asked) code(ordinal int) (string, error) {
	field := slices.IndexFunc(l.layer.Meta.Fields, func(f edition.Field) bool { return f.Code })
	if field < 0 {
		return "", nil
	}
	v, err := l.layer.Class(ordinal, field)
	return text(v), err
}

// allotted returns the pieces with figures that add up to the layer's. What
// features share that are too small to be listed is in the layer's.
func (p *pieceList) allotted(l *Layer) []Piece {
	sum := p.sum
	if math.Abs(sum-l.GrossM2) < unlisted {
		sum = l.GrossM2
	}
	for i, v := range shares(sum, p.areas, unitsPerM2(sum)) {
		p.pieces[i].AreaM2 = v
	}
	p.patch.allot(l.PatchM2)
	p.net.allot(l.NetM2)
	return append([]Piece{}, p.pieces...)
}

// unlisted is the ground in m² up to which a list lacks what its features are too
// small for, and may be made to add up all the same.
const unlisted = 0.1

// recordList collects shares of one kind of area of record.
type recordList struct {
	kind   func(index.Record) int64
	shares []*float64
	sum    float64
}

func patchOf(r index.Record) int64 { return r.Patch }
func netOf(r index.Record) int64   { return r.Net }

// share returns the share of a feature's record that goes with area of its
// ground, nil when it has none; allot rounds it.
func (s *recordList) share(r index.Record, area float64) *float64 {
	w, ok := index.PerM2(s.kind(r), r.AreaM2)
	if !ok {
		return nil
	}
	v := w * area
	s.add(&v)
	return &v
}

func (s *recordList) add(v *float64) {
	s.shares = append(s.shares, v)
	s.sum += *v
}

// allot rounds the shares to 0.01 m² so that they add up to the layer's figure, or
// to their own sum where that is another one.
func (s *recordList) allot(layer *float64) {
	total := math.Round(s.sum*recordUnits) / recordUnits
	if layer != nil && math.Abs(total-*layer) < unlisted {
		total = *layer
	}
	allot(&total, s.shares)
}

// piece cuts a feature.
func (l *asked) piece(it item, mask *overlay.Mask) (geo.MultiPolygon, error) {
	if mask == nil {
		return nil, errNoMask
	}
	f, err := l.layer.Feature(int(it.ordinal))
	if err != nil {
		return nil, err
	}
	if it.whole {
		return f.Geometry, nil
	}
	part, err := mask.Piece(f.Geometry)
	if err == nil && part.Vertices() == 0 {
		err = errors.New("nothing left to draw")
	}
	return part, err
}
