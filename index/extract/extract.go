// Package extract makes an edition of what lies in a scope: some layers of another
// edition of the same tier, inside of places or of an area.
//
// What is beyond the scope is in none of its files, so who is answered from it can
// reach nothing else by any question. Ids, fields and vintages stay as they are; a
// feature that the scope's border cuts has the ground, and the shares of its areas, that
// lie inside, and fields with areas of the whole are empty. Package extract writes
// features; ground and tiles are built of them as of any other edition's. It never
// decides whose scope it is.
package extract

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Scope is what an edition is made for. It is not changed; what is left empty bounds
// nothing.
type Scope struct {
	// Layers are names of layers. A view comes along without its source as a layer of
	// its own.
	Layers []string
	// Places are codes of places. What a record says to lie in one of them comes whole.
	// What has no code, one that was found by where it lies, or one of a larger place,
	// is cut at the outline that the region layer has of the places. Regions are those
	// of the places and of what lies in them: larger ones reach beyond.
	Places []string
	// Area is instead of places, in CGCS2000 (EPSG:4490): all layers, regions too, are
	// cut at its border.
	Area geo.MultiPolygon
}

// has tells whether the scope has a layer.
func (s *Scope) has(name string) bool { return len(s.Layers) == 0 || slices.Contains(s.Layers, name) }

// local tells whether the scope is bounded on the ground.
func (s *Scope) local() bool { return len(s.Places) > 0 || len(s.Area) > 0 }

// Report tells what became of the layers.
type Report struct {
	Layers []ReportLayer
}

// ReportLayer tells what became of one layer.
type ReportLayer struct {
	// Layer is the layer's key, name@vintage.
	Layer string
	// Whole and Cut count the features that came along, the others lie outside.
	Whole, Cut int
	// Failed are the ids of features that lie across the border and could not be cut:
	// they are left out.
	Failed []uint64
}

// Features counts the features that came along.
func (r *Report) Features() int {
	n := 0
	for i := range r.Layers {
		n += r.Layers[i].Whole + r.Layers[i].Cut
	}
	return n
}

// errNothing says that a scope has nothing of an edition, as often as it is asked.
var errNothing = problem.New("SCOPE_EMPTY", "范围内什么也没有", "nothing lies in the scope").
	Advise("请核对令牌的地点、范围和图层", "check the places, the area and the layers of the token")

// Write writes what of from lies in scope by out, which has no layers yet and is closed
// then, and returns the manifest so far: tier, policy and zooms are those of from, whose
// index must stay open meanwhile. The result does not depend on the number of
// processors. Errors are ctx's, those of from's file and of out, and the problem
// SCOPE_EMPTY when no feature is left.
func Write(ctx context.Context, from *index.Index, scope Scope, out *index.Writer) (*edition.Manifest, *Report, error) {
	x := &extraction{ctx: ctx, from: from, scope: &scope, out: out, kept: map[string]kept{}, borders: map[string]*border{}, report: &Report{}}
	if err := x.layers(); err != nil {
		return nil, nil, err
	}
	if x.report.Features() == 0 {
		return nil, nil, errNothing
	}
	x.lineages()
	layers, err := out.Close(ctx)
	if err != nil {
		return nil, nil, err
	}
	m := from.Manifest
	order := func(l edition.Layer) int {
		return slices.IndexFunc(m.Layers, func(o edition.Layer) bool { return o.Key() == l.Key() })
	}
	slices.SortFunc(layers, func(a, b edition.Layer) int { return order(a) - order(b) })
	return &edition.Manifest{
		Tier: m.Tier, Layers: layers, Policy: m.Policy, Drawing: m.Drawing, BuiltZooms: m.BuiltZooms, MaxZoom: m.MaxZoom,
	}, x.report, nil
}

// extraction is a scope's edition in the making.
type extraction struct {
	ctx   context.Context //nolint:containedctx // of this one extraction
	from  *index.Index
	scope *Scope
	out   *index.Writer
	kept  map[string]kept // by key of the layers that are written

	borders map[string]*border // by vintage
	report  *Report
}

// kept tells of the ids that a layer keeps whether the feature is cut.
type kept map[uint64]bool

// layers writes the layers of the scope.
func (x *extraction) layers() error {
	for i := range x.from.Manifest.Layers {
		meta := x.from.Manifest.Layers[i]
		if !x.scope.has(meta.Name) {
			continue
		}
		meta.Source = nil
		if meta.View != nil && x.scope.has(meta.View.Of) {
			x.out.View(meta)
			continue
		}
		if err := x.layer(x.from.Layer(meta.Name, meta.Vintage), meta); err != nil {
			return fmt.Errorf("layer %s: %w", meta.Key(), err)
		}
	}
	return nil
}

// lineages writes what became of what, as far as both features are here: of the others
// it says that ground came from, or went to, what the layer does not hold. An area of
// record is that of ground which may lie beyond where one of the two is cut.
func (x *extraction) lineages() {
	for _, g := range x.from.Lineages() {
		names := []string{g.Layer}
		if !x.scope.has(g.Layer) {
			names = x.viewsOf(g.Layer)
		}
		for _, name := range names {
			from, to := x.kept[name+"@"+g.From], x.kept[name+"@"+g.To]
			if from != nil && to != nil {
				x.out.Lineage(index.NewLineage(name, g.From, g.To, linksOf(g, from, to)))
			}
		}
	}
}

// viewsOf names the views of a layer.
func (x *extraction) viewsOf(name string) []string {
	var out []string
	for i := range x.from.Manifest.Layers {
		l := &x.from.Manifest.Layers[i]
		if l.View != nil && l.View.Of == name && !slices.Contains(out, l.Name) {
			out = append(out, l.Name)
		}
	}
	return out
}

func linksOf(g *index.Lineage, from, to kept) []index.Link {
	var links []index.Link
	for _, k := range g.Links() {
		cutFrom, ok := from[k.From]
		if !ok {
			k.From = 0
		}
		cutTo, ok := to[k.To]
		if !ok {
			k.To = 0
		}
		if k.From == 0 && k.To == 0 {
			continue
		}
		if cutFrom || cutTo {
			k.Area = index.NoArea
		}
		links = append(links, k)
	}
	return links
}

// workers are how many goroutines cut: half of the processors, as others are answered
// meanwhile.
func workers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// within tells whether the code of a place lies in one of places.
func within(code string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(code, p) })
}

// around tells whether one of places lies in the place of that code and is not it.
func around(code string, places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return len(p) > len(code) && strings.HasPrefix(p, code) })
}
