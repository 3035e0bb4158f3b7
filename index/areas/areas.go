// Package areas answers what an edition's layers hold inside a shape: the
// answer of the contract, for the command line and for HTTP alike.
//
// It joins index (which features come near) with index/overlay (what they
// share with the shape) and puts the areas of record beside the ellipsoidal
// ones. It knows nothing of files, flags or requests.
package areas

import (
	"context"
	"math"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// Formula names how areas are computed, in every answer.
const Formula = "ellipsoidal CGCS2000"

// DefaultLayers are the layers asked about when a question names none.
var DefaultLayers = []string{"cropland", "pbf", "hsf"}

// Question asks what layers hold inside a shape.
type Question struct {
	// Shape is read by the even-odd rule over all of its rings.
	Shape geo.MultiPolygon
	// Layers are the names of layers, each once; DefaultLayers that exist when
	// it is empty.
	Layers []string
	// Vintage is the vintage of every layer, or "" for the latest of each.
	Vintage string
	// GroupBy names, for a layer, the fields to add up by.
	GroupBy map[string][]string
	// Pieces asks for every feature's part of the shape, with geometry.
	Pieces bool
	// Combinations asks for the ground in each combination of layers.
	Combinations bool
	// Workers is how many goroutines measure; 0 takes all processors.
	Workers int
}

// Answer is the answer of the contract. Areas are m², mu and ha, rounded to
// four decimals so that the parts listed add up to the whole listed.
type Answer struct {
	Generation   string        `json:"generation"`
	Program      string        `json:"program"`
	Tier         edition.Tier  `json:"tier"`
	Formula      string        `json:"formula"`
	AOI          AOI           `json:"aoi"`
	Layers       []Layer       `json:"layers"`
	Combinations []Combination `json:"combinations,omitempty"`
	Failed       []Failed      `json:"failed"`
}

// AOI describes the shape that was asked about.
type AOI struct {
	AreaM2   float64            `json:"area_m2"`
	AreaMu   float64            `json:"area_mu"`
	AreaHa   float64            `json:"area_ha"`
	Mended   bool               `json:"mended"`
	Problems []*problem.Problem `json:"problems"`
}

// Layer is what one layer has inside the shape.
type Layer struct {
	Layer   string  `json:"layer"`
	Vintage string  `json:"vintage"`
	Count   int     `json:"features"`
	AreaM2  float64 `json:"area_m2"`
	AreaMu  float64 `json:"area_mu"`
	AreaHa  float64 `json:"area_ha"`
	// PatchM2 and NetM2 are shares of the areas of record; null where the record
	// has none.
	PatchM2 *float64 `json:"patch_m2"`
	NetM2   *float64 `json:"net_m2"`
	NetMu   *float64 `json:"net_mu"`
	GrossM2 float64  `json:"gross_area_m2"`
	Groups  []Group  `json:"groups,omitempty"`
	Pieces  []Piece  `json:"pieces,omitempty"`
}

// Group is one class of a layer.
type Group struct {
	// Fields and Values tell the class; in JSON they are members of the group.
	Fields []string
	Values []any
	Count  int
	AreaM2 float64
	NetM2  *float64
}

// Piece is the part of one feature inside the shape.
type Piece struct {
	ID     uint64
	AreaM2 float64
	NetM2  *float64
	Shape  geo.MultiPolygon
}

// Combination is the ground that lies in all layers of Inside and in none of
// Outside.
type Combination struct {
	Inside  []string            `json:"inside"`
	Outside []string            `json:"outside"`
	AreaM2  float64             `json:"area_m2"`
	NetM2   map[string]*float64 `json:"net_m2"`
}

// Failed is a feature that could not be measured.
type Failed struct {
	Layer  string `json:"layer"`
	ID     uint64 `json:"id"`
	Reason string `json:"reason"`
}

// Sentinel problems of questions.
var (
	errNoLayer = problem.New("NO_LAYER", "没有图层", "there is no layer")
	errEmpty   = problem.New("AOI_EMPTY", "范围没有面积", "the shape has no area").
			Advise("请给出有面积的面", "give a polygon that has an area")
)

// asked is one layer of a question on its way to an answer.
type asked struct {
	layer  *index.Layer
	fields []int // to group by
	items  []int // ordinals of the items, in the order given to overlay
	first  int   // where they begin among all items
	keys   []string
	values [][]any
	hasNet bool
	hasPat bool
}

// Ask answers a question. The index must stay open meanwhile. Errors are ctx's,
// or problems NO_LAYER, NO_VINTAGE, PARAMETER_FIELD and AOI_EMPTY; a feature
// that cannot be measured is listed in the answer and fails nothing else.
func Ask(ctx context.Context, ix *index.Index, q Question) (*Answer, error) {
	ask, err := layersOf(ix, &q)
	if err != nil {
		return nil, err
	}
	if q.Shape.Vertices() == 0 {
		return nil, errEmpty
	}
	a := &Answer{Generation: ix.Manifest.Generation, Tier: ix.Manifest.Tier, Formula: Formula, Failed: []Failed{}}
	var items []overlay.Item
	box := q.Shape.Box()
	for n, l := range ask {
		l.first = len(items)
		items = append(items, l.collect(n, box, a)...)
	}
	res, err := overlay.Measure(ctx, q.Shape, items, overlay.Options{Workers: q.Workers})
	if err != nil {
		return nil, err
	}
	if res.AOI <= 0 {
		return nil, errEmpty
	}
	mended := describeShape(a, q.Shape, res.AOI)
	found := false
	for n, l := range ask {
		out := l.answer(n, res)
		found = found || out.Count > 0
		if q.Pieces {
			if err := l.pieces(ctx, a, &out, mended, res); err != nil {
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

// layersOf finds the layers of a question.
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
		return nil, errNoLayer
	}
	if len(names) > overlay.MaxLayers {
		return nil, problem.New("PARAMETER_LAYERS", "一次最多问 %d 个图层", "at most %d layers can be asked about at once", overlay.MaxLayers)
	}
	var out []*asked
	for _, n := range names {
		l := ix.Layer(n, q.Vintage)
		if l == nil {
			if q.Vintage != "" && len(ix.Vintages(n)) > 0 {
				return nil, problem.New("NO_VINTAGE", "图层 %s 没有 %q 这个时相", "layer %s has no vintage %q", n, q.Vintage)
			}
			return nil, problem.New("NO_LAYER", "没有图层 %q", "there is no layer %q", n)
		}
		if slices.ContainsFunc(out, func(a *asked) bool { return a.layer == l }) {
			return nil, problem.New("PARAMETER_LAYERS", "图层 %q 写了两次", "layer %q is named twice", n)
		}
		a := &asked{layer: l}
		for _, f := range q.GroupBy[n] {
			i := l.Field(f)
			if i < 0 {
				return nil, problem.New("PARAMETER_FIELD", "图层 %s 没有字段 %q", "layer %s has no field %q", n, f)
			}
			a.fields = append(a.fields, i)
		}
		out = append(out, a)
	}
	for n := range q.GroupBy {
		if !slices.Contains(names, n) {
			return nil, problem.New("PARAMETER_FIELD", "group_by 提到了没有问的图层 %q", "group_by names layer %q, which is not asked about", n)
		}
	}
	return out, nil
}

// collect reads the features near box as items of layer n.
func (l *asked) collect(n int, box geo.Box, a *Answer) []overlay.Item {
	l.layer.Search(box, func(i int) bool {
		l.items = append(l.items, i)
		return true
	})
	slices.Sort(l.items) // the R-tree's order is nobody's
	var items []overlay.Item
	kept := l.items[:0]
	for _, i := range l.items {
		f, err := l.layer.Feature(i)
		if err != nil {
			a.Failed = append(a.Failed, Failed{l.layer.Meta.Name, l.layer.Head(i).ID, err.Error()})
			continue
		}
		it := overlay.Item{Layer: n, Group: overlay.NoGroup, Weight: math.NaN(), Geometry: f.Geometry}
		if w, ok := perM2(f.Net, f.AreaM2); ok {
			it.Weight, l.hasNet = w, true
		}
		if len(l.fields) > 0 {
			it.Group = l.group(f.Values)
		}
		kept = append(kept, i)
		items = append(items, it)
	}
	l.items = kept
	l.hasPat = l.layer.Meta.PatchM2 != nil
	l.hasNet = l.layer.Meta.NetM2 != nil
	return items
}

// perM2 is an area of record, in 0.01 m², for each m² of ground.
func perM2(record int64, areaM2 float64) (float64, bool) {
	if record == index.NoArea || areaM2 <= 0 {
		return 0, false
	}
	return float64(record) / 100 / areaM2, true
}

// group returns the number of the class that values fall in.
func (l *asked) group(values []any) int32 {
	var key strings.Builder
	vals := make([]any, len(l.fields))
	for k, f := range l.fields {
		vals[k] = values[f]
		key.WriteString(text(values[f]))
		key.WriteByte(0)
	}
	i := slices.Index(l.keys, key.String())
	if i < 0 {
		i = len(l.keys)
		l.keys = append(l.keys, key.String())
		l.values = append(l.values, vals)
	}
	return int32(i)
}

func describeShape(a *Answer, shape geo.MultiPolygon, areaM2 float64) geo.MultiPolygon {
	a.AOI.AreaM2, a.AOI.AreaMu, a.AOI.AreaHa = round(areaM2, 4), round(areaM2*geo.MuPerM2, 4), round(areaM2/1e4, 6)
	a.AOI.Problems = []*problem.Problem{}
	mended, findings, err := overlay.Mend(shape)
	if err != nil {
		a.AOI.Problems = append(a.AOI.Problems, problem.New("AOI_UNMENDABLE", "范围画不出来（%v），面积仍按奇偶规则", "the shape cannot be drawn (%v); its area is by the even-odd rule all the same", err))
		return nil
	}
	for _, f := range findings {
		a.AOI.Mended = true
		a.AOI.Problems = append(a.AOI.Problems, f.Problem())
	}
	return mended
}
