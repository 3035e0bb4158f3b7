package overlay

import (
	"context"
	"math"
	"slices"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// MaxLayers is the number of layers that one [Measure] can tell apart.
const MaxLayers = 16

// NoGroup is the [Item.Group] of an item that belongs to no group.
const NoGroup int32 = -1

// Item is one feature to be measured.
//
// Geometry is read by the even-odd rule over all of its rings together: neither
// direction nor order of the rings matters, a ring that is not closed is closed
// by a straight edge, and a ring that crosses itself covers what MakeValid's
// linework method gives. It is not changed and not kept.
type Item struct {
	// Layer is the number of the layer the item belongs to, in [0, MaxLayers).
	Layer int
	// Group is a number, from 0, within the layer; or [NoGroup].
	Group int32
	// Weight turns shared m² into the item's share of a figure of record, such as
	// net m² per ellipsoidal m². NaN when the record has none.
	Weight   float64
	Geometry geo.MultiPolygon
}

// Options changes how [Measure] works, never what it answers.
type Options struct {
	// Workers is the number of goroutines; 0 is one for each processor.
	Workers int
	// MaxVertices limits the positions of AOI and items together; 0 is no limit.
	// Measure needs about 200 bytes for each that lies in the AOI's box.
	MaxVertices int
}

// Result holds areas in m². Everything is inside the AOI.
type Result struct {
	// AOI is the area of the AOI itself.
	AOI float64
	// Items is the area of each item, in the order they were given in; exactly 0
	// where nothing is shared.
	Items []float64
	// Layers is indexed by layer number and as long as the highest one needs.
	Layers []LayerArea
	// Groups is ordered by layer, then group, and holds each pair that an item
	// names, also one without shared ground.
	Groups []GroupArea
	// Combinations is ordered by mask and holds those that have ground. Their
	// areas add up to AOI.
	Combinations []Combination
}

// LayerArea is what one layer has inside the AOI, in m².
type LayerArea struct {
	// Area counts ground once that items of the layer share among themselves.
	Area float64
	// Gross adds the items up.
	Gross float64
	// Weighted is the sum of weight times area over the items that have a weight.
	Weighted float64
	// Features is the number of items that share ground, by [SharesGround].
	Features int
}

// GroupArea is what one group of a layer has inside the AOI, as [LayerArea].
type GroupArea struct {
	Layer int
	Group int32
	LayerArea
}

// Combination is the ground that lies in all layers of Mask and in no other.
type Combination struct {
	// Mask has bit 1<<l set for each layer l; 0 is the ground in no layer.
	Mask uint16
	// Area is the combination's area in m².
	Area float64
	// Weighted is, for each layer of [Result.Layers], the sum over its items of
	// weight times the item's area in this combination; 0 outside of Mask.
	Weighted []float64
	// Unweighted is, for each layer, the ground in m² of this combination that
	// lies in at least one item without a weight.
	Unweighted []float64
}

// Measure returns what items share with aoi.
//
// The method subdivides the AOI's box until few edges are left in a cell, and
// there sums trapezoids between the edges. It is continuous in every
// coordinate: borders that coincide, nearly coincide or cross at any angle
// cannot fail, and an order of edges decided wrongly by rounding costs the
// ground between them, some 1e-10 m wide. Sums agree with their parts to 1e-12
// of the AOI. The result is the same, bit for bit, for any number of workers.
//
// aoi and the items are in CGCS2000 (EPSG:4490). aoi is read by the even-odd
// rule, as [Item.Geometry] is; an empty one gives zeros. The antimeridian is not
// crossed.
//
// Errors are ctx's, or a [*problem.Problem] of code OVERLAY_LAYER or
// OVERLAY_TOO_LARGE.
func Measure(ctx context.Context, aoi geo.MultiPolygon, items []Item, opt Options) (*Result, error) {
	m, err := newMeasurement(aoi, items, opt)
	if err != nil {
		return nil, err
	}
	res := &Result{Items: make([]float64, len(items)), Layers: make([]LayerArea, m.layers)}
	leaves, err := m.run(ctx, opt.Workers)
	if err != nil {
		return nil, err
	}
	m.collect(res, leaves)
	return res, nil
}

// measurement is one call of Measure.
type measurement struct {
	owners []owner // 0 is the AOI, i+1 is item i
	layers int
	groups []groupKey // of the slots that owner.group names
	root   node
	tol    float64 // ordinates closer than this are not told apart
}

// owner is what a cell needs to know of the AOI or an item.
type owner struct {
	weight     float64
	layer      uint8
	unweighted bool
	group      int32 // slot in groups, or -1
}

type groupKey struct {
	layer int
	group int32
}

func newMeasurement(aoi geo.MultiPolygon, items []Item, opt Options) (*measurement, error) {
	m := &measurement{owners: make([]owner, 1, len(items)+1)}
	vertices := aoi.Vertices()
	slots := map[groupKey]int32{}
	for i := range items {
		it := &items[i]
		if it.Layer < 0 || it.Layer >= MaxLayers {
			return nil, problem.New("OVERLAY_LAYER",
				"图层号 %d 超出范围 [0, %d)", "layer number %d is outside [0, %d)", it.Layer, MaxLayers)
		}
		m.layers = max(m.layers, it.Layer+1)
		o := owner{layer: uint8(it.Layer), weight: it.Weight, group: -1}
		if math.IsNaN(it.Weight) {
			o.weight, o.unweighted = 0, true
		}
		if it.Group >= 0 {
			k := groupKey{it.Layer, it.Group}
			slot, ok := slots[k]
			if !ok {
				slot = int32(len(m.groups))
				slots[k] = slot
				m.groups = append(m.groups, k)
			}
			o.group = slot
		}
		m.owners = append(m.owners, o)
		vertices += it.Geometry.Vertices()
	}
	if opt.MaxVertices > 0 && vertices > opt.MaxVertices {
		return nil, problem.New("OVERLAY_TOO_LARGE",
			"叠加共有 %d 个顶点，上限为 %d", "the overlay has %d vertices, the limit is %d", vertices, opt.MaxVertices).
			Advise("请缩小范围或分块计算", "use a smaller AOI or split it")
	}
	m.addEdges(aoi, items)
	return m, nil
}

// addEdges fills the root with the edges of the AOI and of the items, as far as
// they lie in the AOI's box.
func (m *measurement) addEdges(aoi geo.MultiPolygon, items []Item) {
	box := aoi.Box()
	if box.Empty() {
		return
	}
	p := newPlane(box)
	r := &m.root
	r.x0, r.y0 = p.at(box.Min)
	r.x1, r.y1 = p.at(box.Max)
	// 2^-48 of the box's size: some roundings of the largest coordinate.
	m.tol = 0x1p-48 * max(r.x1-r.x0, r.y1-r.y0)
	b := &builder{plane: &p, node: r}
	n := aoi.Vertices()
	inside := make([]bool, len(items))
	for i := range items {
		inside[i] = items[i].Geometry.Box().Intersects(box)
		if inside[i] {
			n += items[i].Geometry.Vertices()
		}
	}
	r.edges = make([]edge, 0, n)
	b.add(aoi, 0)
	for i := range items {
		if inside[i] {
			b.add(items[i].Geometry, int32(i+1))
		}
	}
}

// collect adds the leaves up, in their order.
func (m *measurement) collect(res *Result, leaves []leaf) {
	combos := map[uint16]*combination{}
	groups := make([]float64, len(m.groups))
	var aoi sum
	for i := range leaves {
		l := &leaves[i]
		aoi.add(l.aoi)
		for _, v := range l.items {
			res.Items[v.index-1] += v.area
		}
		for _, v := range l.groups {
			groups[v.index] += v.area
		}
		for j := range l.combinations {
			c := &l.combinations[j]
			t := combos[c.mask]
			if t == nil {
				t = &combination{mask: c.mask}
				combos[c.mask] = t
			}
			t.merge(c)
		}
	}
	res.AOI = aoi.value()
	layers := make([]sum, m.layers)
	for _, c := range combos {
		res.Combinations = append(res.Combinations, c.result(m.layers))
	}
	slices.SortFunc(res.Combinations, func(a, b Combination) int { return int(a.Mask) - int(b.Mask) })
	for i := range res.Combinations {
		c := &res.Combinations[i]
		for l := range layers {
			if c.Mask>>l&1 != 0 {
				layers[l].add(c.Area)
			}
		}
	}
	for l := range layers {
		res.Layers[l].Area = layers[l].value()
	}
	m.collectItems(res, groups)
}

// collectItems fills what follows from the items' areas.
func (m *measurement) collectItems(res *Result, groups []float64) {
	byGroup := make([]GroupArea, len(m.groups))
	for i, k := range m.groups {
		byGroup[i] = GroupArea{Layer: k.layer, Group: k.group, LayerArea: LayerArea{Area: groups[i]}}
	}
	for i, a := range res.Items {
		o := &m.owners[i+1]
		res.Layers[o.layer].count(a, o.weight, res.AOI)
		if o.group >= 0 {
			byGroup[o.group].count(a, o.weight, res.AOI)
		}
	}
	slices.SortFunc(byGroup, func(a, b GroupArea) int {
		if a.Layer != b.Layer {
			return a.Layer - b.Layer
		}
		return int(a.Group) - int(b.Group)
	})
	res.Groups = byGroup
}

func (l *LayerArea) count(area, weight, aoi float64) {
	l.Gross += area
	l.Weighted += area * weight
	if SharesGround(area, aoi) {
		l.Features++
	}
}

// sum adds numbers of very different size (Neumaier 1974).
type sum struct {
	s, c float64
}

func (s *sum) add(v float64) {
	t := s.s + v
	if math.Abs(s.s) >= math.Abs(v) {
		s.c += (s.s - t) + v
	} else {
		s.c += (v - t) + s.s
	}
	s.s = t
}

func (s *sum) value() float64 { return s.s + s.c }
