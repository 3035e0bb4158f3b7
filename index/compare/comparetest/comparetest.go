// Package comparetest makes small landscapes in two states whose every change is known,
// for the tests of what compares states.
//
// The ground is a lattice of cells, and each patch a set of them; so what became of
// what, and how much of it, is counted cell by cell, without any geometry. It imports
// nothing of what it tests.
package comparetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Cell is a cell of the lattice, by column and row.
type Cell struct{ X, Y int }

// step is the side of a cell in units of 1e-10 degree: some 9 m of longitude and 11 m
// of latitude.
const step = 1_000_000

// corner is the south-west corner of the lattice.
var corner = geo.Position{Lon: 108_7000000000, Lat: 34_3000000000}

// Box is the cell's ground.
func (c Cell) Box() geo.Box {
	lo := geo.Position{Lon: corner.Lon + int64(c.X)*step, Lat: corner.Lat + int64(c.Y)*step}
	return geo.Box{Min: lo, Max: geo.Position{Lon: lo.Lon + step, Lat: lo.Lat + step}}
}

// AreaM2 is the cell's ellipsoidal area.
func (c Cell) AreaM2() float64 {
	b := c.Box()
	return geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
}

// Hundredths is the cell's area of record.
func (c Cell) Hundredths() int64 { return int64(geo.HundredthsOf(c.AreaM2())) }

// Patch is a patch of a state.
type Patch struct {
	BSM, DLBM, TBBH string
	Cells           []Cell
}

// Record is the patch's area of record in 0.01 m².
func (p *Patch) Record() int64 {
	sum := int64(0)
	for _, c := range p.Cells {
		sum += c.Hundredths()
	}
	return sum
}

// Geometry is the patch's ground.
func (p *Patch) Geometry(t testing.TB) geo.MultiPolygon { return Ground(t, p.Cells) }

// Ground is the ground of cells.
func Ground(t testing.TB, cells []Cell) geo.MultiPolygon {
	t.Helper()
	ms := make([]geo.MultiPolygon, len(cells))
	for i, c := range cells {
		ms[i] = geo.MultiPolygon{c.Box().Polygon()}
	}
	m, err := overlay.Dissolve(context.Background(), ms)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Flow is ground of one patch that became ground of another; From or To is "" for
// ground that came in or went out.
type Flow struct {
	From, To string
	Cells    []Cell
}

// Record is the flow's area of record in 0.01 m².
func (f *Flow) Record() int64 {
	p := Patch{Cells: f.Cells}
	return p.Record()
}

// Land is a landscape in two states.
type Land struct {
	From, To []Patch
	// Flows are those of patches that changed; Kept are the keys of the others.
	Flows []Flow
	Kept  []string
}

var classes = []string{"0101", "0102", "0103", "0201K", "0301", "0702", "1104"}

// New returns a landscape of side × side cells in which about a third of the patches
// have changed by splits, merges, strips that a neighbour took, classes, numbers, and
// ground that came in and went out.
func New(seed uint64, side int) *Land {
	g := &grower{rng: rand.New(rand.NewPCG(seed, 5)), owner: map[Cell]int{}}
	g.cut(0, 0, side, side)
	l := &Land{From: g.snapshot()}
	n := len(g.patches)
	for range 1 + n/4 {
		g.edit(side)
	}
	l.To = g.snapshot()
	l.compare()
	return l
}

// grower changes a landscape.
type grower struct {
	rng     *rand.Rand
	patches []Patch // Cells are in owner
	owner   map[Cell]int
	next    int
}

func (g *grower) add(class string) int {
	g.next++
	g.patches = append(g.patches, Patch{BSM: fmt.Sprintf("6104022001%08d", g.next), DLBM: class, TBBH: fmt.Sprint(g.next)})
	return len(g.patches) - 1
}

// cut divides a rectangle until patches are small.
func (g *grower) cut(x0, y0, x1, y1 int) {
	w, h := x1-x0, y1-y0
	if w*h <= 6+g.rng.IntN(30) || w < 2 && h < 2 {
		p := g.add(classes[g.rng.IntN(len(classes))])
		for x := x0; x < x1; x++ {
			for y := y0; y < y1; y++ {
				g.owner[Cell{x, y}] = p
			}
		}
		return
	}
	if w >= h {
		m := x0 + 1 + g.rng.IntN(w-1)
		g.cut(x0, y0, m, y1)
		g.cut(m, y0, x1, y1)
		return
	}
	m := y0 + 1 + g.rng.IntN(h-1)
	g.cut(x0, y0, x1, m)
	g.cut(x0, m, x1, y1)
}

// cells lists the cells of a patch in order.
func (g *grower) cells(p int) []Cell {
	var out []Cell
	for c, o := range g.owner {
		if o == p {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, compareCells)
	return out
}

func compareCells(a, b Cell) int {
	if a.X != b.X {
		return a.X - b.X
	}
	return a.Y - b.Y
}

// edit makes one change.
func (g *grower) edit(side int) {
	p := g.rng.IntN(len(g.patches))
	cells := g.cells(p)
	if len(cells) == 0 {
		return
	}
	switch g.rng.IntN(7) {
	case 0: // another class
		g.patches[p].DLBM = classes[g.rng.IntN(len(classes))]
	case 1: // another number of the patch, and nothing else
		g.patches[p].TBBH += "a"
	case 2: // divided; the rest has a new key, and now and then both parts
		q := g.add(classes[g.rng.IntN(len(classes))])
		for _, c := range cells[len(cells)/2:] {
			g.owner[c] = q
		}
		if g.rng.IntN(2) == 0 {
			r := g.add(g.patches[p].DLBM)
			for _, c := range cells[:len(cells)/2] {
				g.owner[c] = r
			}
		}
	case 3: // joined to a neighbour
		if q, ok := g.neighbour(cells); ok {
			for _, c := range cells {
				g.owner[c] = q
			}
		}
	case 4: // a neighbour takes some of it
		if q, ok := g.neighbour(cells); ok {
			for _, c := range cells[:1+g.rng.IntN(len(cells))] {
				g.owner[c] = q
			}
		}
	case 5: // some of it goes to another county
		for _, c := range cells[:1+g.rng.IntN(min(3, len(cells)))] {
			delete(g.owner, c)
		}
	case 6: // ground from another county comes to it
		y := g.rng.IntN(side)
		if o, ok := g.owner[Cell{side - 1, y}]; ok {
			g.owner[Cell{side, y}] = o
		}
	}
}

// neighbour returns the patch beside some of the cells.
func (g *grower) neighbour(cells []Cell) (int, bool) {
	own := g.owner[cells[0]]
	for _, c := range cells {
		for _, d := range []Cell{{1, 0}, {0, 1}, {-1, 0}, {0, -1}} {
			if o, ok := g.owner[Cell{c.X + d.X, c.Y + d.Y}]; ok && o != own {
				return o, true
			}
		}
	}
	return 0, false
}

// snapshot returns the patches that have ground.
func (g *grower) snapshot() []Patch {
	var out []Patch
	for i, p := range g.patches {
		if p.Cells = g.cells(i); len(p.Cells) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// compare finds the flows, cell by cell.
func (l *Land) compare() {
	was, is := owners(l.From), owners(l.To)
	old, now := byKey(l.From), byKey(l.To)
	for k, p := range old {
		if q := now[k]; q != nil && q.DLBM == p.DLBM && q.TBBH == p.TBBH && slices.Equal(q.Cells, p.Cells) {
			l.Kept = append(l.Kept, k)
		}
	}
	slices.Sort(l.Kept)
	flows := map[[2]string][]Cell{}
	for _, c := range union(was, is) {
		k := [2]string{was[c], is[c]}
		if k[0] == k[1] && slices.Contains(l.Kept, k[0]) {
			continue
		}
		flows[k] = append(flows[k], c)
	}
	for k, cells := range flows {
		l.Flows = append(l.Flows, Flow{k[0], k[1], cells})
	}
	slices.SortFunc(l.Flows, func(a, b Flow) int { return compareCells(a.Cells[0], b.Cells[0]) })
}

func union(a, b map[Cell]string) []Cell {
	var out []Cell
	for c := range a {
		out = append(out, c)
	}
	for c := range b {
		if _, ok := a[c]; !ok {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, compareCells)
	return out
}

func owners(patches []Patch) map[Cell]string {
	out := map[Cell]string{}
	for _, p := range patches {
		for _, c := range p.Cells {
			out[c] = p.BSM
		}
	}
	return out
}

func byKey(patches []Patch) map[string]*Patch {
	out := map[string]*Patch{}
	for i := range patches {
		out[patches[i].BSM] = &patches[i]
	}
	return out
}

// Matrix counts the ground from class to class cell by cell; "-" is outside.
func (l *Land) Matrix() map[[2]string]float64 {
	was, is := owners(l.From), owners(l.To)
	old, now := byKey(l.From), byKey(l.To)
	out := map[[2]string]float64{}
	for _, c := range union(was, is) {
		k := [2]string{"-", "-"}
		if p := old[was[c]]; p != nil {
			k[0] = p.DLBM
		}
		if p := now[is[c]]; p != nil {
			k[1] = p.DLBM
		}
		out[k] += c.AreaM2()
	}
	return out
}

// Fields are those of the states' layer.
var Fields = []edition.Field{
	{Name: "BSM", Kind: edition.Text, Known: true, Tile: true, Code: true},
	{Name: "TBBH", Kind: edition.Text, Known: true},
	{Name: "DLBM", Kind: edition.Text, Known: true, Tile: true},
	{Name: "ZLDWDM", Kind: edition.Text, Known: true},
	{Name: "TBMJ", Kind: edition.Real, Known: true},
	{Name: "TBDLMJ", Kind: edition.Real, Known: true},
	{Name: "SJNF", Kind: edition.Integer, Known: true},
}

// State is one state of a layer as a features file takes it.
type State struct {
	Meta     edition.Layer
	Features []index.Feature
	// Lineage is what the state came from, or nil.
	Lineage *index.Lineage
}

// StateOf makes a state of patches. id gives each its id.
func StateOf(t testing.TB, patches []Patch, vintage string, id func(bsm string) uint64) State {
	t.Helper()
	s := State{Meta: edition.Layer{Name: "dltb", Vintage: vintage, ClassField: "DLBM", Fields: Fields}}
	var year int64
	if _, err := fmt.Sscanf(vintage, "%4d", &year); err != nil {
		t.Fatal(err)
	}
	for i := range patches {
		p := &patches[i]
		f := index.Feature{ID: id(p.BSM), Geometry: p.Geometry(t), Patch: p.Record(), Net: p.Record() * 93 / 100, Place: "610402200100"}
		f.AreaM2 = geo.Area(f.Geometry)
		f.Values = []any{p.BSM, p.TBBH, p.DLBM, "6104022001000000000", geo.Hundredths(f.Patch).M2(), geo.Hundredths(f.Net).M2(), year}
		s.Features = append(s.Features, f)
	}
	return s
}

// Write writes states as a generation's features file in a folder and returns the
// manifest. cropland is a view of each.
func Write(t testing.TB, dir string, states ...State) *edition.Manifest {
	t.Helper()
	path := filepath.Join(dir, edition.FeaturesFile)
	w := index.NewWriter(path)
	for _, s := range states {
		l := w.Layer(s.Meta)
		if s.Meta.Name == "dltb" {
			w.View(edition.Layer{Name: "cropland", Vintage: s.Meta.Vintage, ClassField: "DLBM", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}})
		}
		if s.Lineage != nil {
			w.Lineage(s.Lineage)
		}
		for i := range s.Features {
			if err := l.Add(&s.Features[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	layers, err := w.Close(t.Context())
	if err == nil {
		err = index.Seal(t.Context(), path)
	}
	if err != nil {
		t.Fatal(err)
	}
	// A view has the fields of its source.
	for i := range layers {
		if layers[i].View != nil {
			layers[i].Fields = Fields
		}
	}
	return &edition.Manifest{Tier: edition.Secure, Generation: "g0123456789abcdef", Layers: layers, Policy: edition.Policy{Pieces: true}}
}

// Open writes states and opens them, with the partition of their ground.
func Open(t testing.TB, states ...State) *index.Index {
	t.Helper()
	dir := t.TempDir()
	m := Write(t, dir, states...)
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.BuildGround(t.Context(), ix, filepath.Join(dir, edition.GroundFile), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}
