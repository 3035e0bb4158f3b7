// Package analyzetest makes counties of which every answer is known: ground in square
// cells, features that are sets of cells, and so each area as a sum over cells, found
// without any geometry. It also hands features to PostGIS. For tests.
//
// Cells are squares in longitude and latitude; a cell's ellipsoidal area follows from its
// row alone. Coordinates are units of 1e-10 degree in CGCS2000 (EPSG:4490).
package analyzetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
)

// West, South and Step place cell (0, 0) and size it: some 20 m.
const (
	West  = 108_0000000000
	South = 34_0000000000
	Step  = 2_000_000
)

// County is layers of features over W × H cells. A cell is y*W + x.
type County struct {
	W, H   int
	Layers []*Layer
	// Lineages are what update packages told of.
	Lineages []*index.Lineage
}

// Layer is a layer in one vintage. Its features' values are parallel to Fields.
type Layer struct {
	Name, Vintage string
	View          *edition.View // of a layer without features of its own
	Class         string        // the class field
	Fields        []edition.Field
	Features      []Feature
	on            map[int][]int // features by cell, once asked
}

// Feature is a set of cells with what is on record of it.
type Feature struct {
	ID         uint64
	Cells      []int
	Values     []any
	Patch, Net int64 // 0.01 m², or index.NoArea
	Place      string
}

// Area returns the ellipsoidal area of a cell in m².
func (c *County) Area(cell int) float64 {
	x, y := int64(cell%c.W), int64(cell/c.W)
	at := func(dx, dy int64) geo.XY {
		return geo.EqualArea(geo.Position{Lon: West + (x+dx)*Step, Lat: South + (y+dy)*Step})
	}
	a, b := at(0, 0), at(1, 1)
	return (b.X - a.X) * (b.Y - a.Y)
}

// AreaOf adds the areas of cells up.
func (c *County) AreaOf(set []int) float64 {
	sum := 0.0
	for _, cell := range set {
		sum += c.Area(cell)
	}
	return sum
}

// Layer returns a layer of the county; it panics when there is none.
func (c *County) Layer(name, vintage string) *Layer {
	for _, l := range c.Layers {
		if l.Name == name && l.Vintage == vintage {
			return l
		}
	}
	panic("analyzetest: no layer " + name + "@" + vintage)
}

// On returns the features of l on a cell, by their places in Features. Features must not
// be changed any more.
func (l *Layer) On(cell int) []int {
	if l.on == nil {
		l.on = map[int][]int{}
		for i := range l.Features {
			for _, at := range l.Features[i].Cells {
				l.on[at] = append(l.on[at], i)
			}
		}
	}
	return l.on[cell]
}

// Text returns a value of feature i as text.
func (l *Layer) Text(i int, field string) string {
	for k := range l.Fields {
		if l.Fields[k].Name == field {
			if v := l.Features[i].Values[k]; v != nil {
				return fmt.Sprint(v)
			}
			return ""
		}
	}
	panic("analyzetest: no field " + field)
}

// Set sets a value of feature i.
func (l *Layer) Set(i int, field string, value any) {
	for k := range l.Fields {
		if l.Fields[k].Name == field {
			l.Features[i].Values[k] = value
			return
		}
	}
	panic("analyzetest: no field " + field)
}

// Geometry returns the outline of a set of cells.
func (c *County) Geometry(set []int) geo.MultiPolygon {
	list := make([]cells.Cell, len(set))
	for i, cell := range set {
		list[i] = cells.Cell{X: int32(cell % c.W), Y: int32(cell / c.W)}
	}
	var out geo.MultiPolygon
	for _, shell := range cells.Trace(list) {
		var p geo.Polygon
		for _, ring := range shell {
			r := make(geo.Ring, len(ring))
			for i, at := range ring {
				r[i] = geo.Position{Lon: West + int64(at.X)*Step, Lat: South + int64(at.Y)*Step}
			}
			p = append(p, r)
		}
		out = append(out, p)
	}
	return out
}

// Index writes the county and opens it as an edition of the secure tier, without a
// partition of the ground. It is closed with the test.
func (c *County) Index(t testing.TB) *index.Index {
	t.Helper()
	dir := t.TempDir()
	return indextest.Open(t, dir, c.write(t, dir))
}

// Partitioned is Index with a partition of the ground, as ingest makes it: it is known
// which features share their ground with no other of their layer.
func (c *County) Partitioned(t testing.TB) *index.Index {
	t.Helper()
	dir := t.TempDir()
	m := c.write(t, dir)
	path := filepath.Join(dir, edition.GroundFile)
	if _, err := index.BuildGround(t.Context(), indextest.Open(t, dir, m), path, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	with := *m
	with.Files = map[string]string{edition.GroundFile: fmt.Sprintf("%x", sha256.Sum256(data))}
	return indextest.Open(t, dir, &with)
}

// write writes the county's features and lineages to dir.
func (c *County) write(t testing.TB, dir string) *edition.Manifest {
	t.Helper()
	w := index.NewWriter(filepath.Join(dir, edition.FeaturesFile))
	for _, l := range c.Layers {
		meta := edition.Layer{Name: l.Name, Title: edition.Title{Zh: l.Name, En: l.Name}, Vintage: l.Vintage, View: l.View, Fields: l.Fields, ClassField: l.Class}
		if l.View != nil {
			w.View(meta)
			continue
		}
		to := w.Layer(meta)
		for i := range l.Features {
			f := &l.Features[i]
			err := to.Add(&index.Feature{ID: f.ID, Geometry: c.Geometry(f.Cells), Values: f.Values, AreaM2: c.AreaOf(f.Cells), Patch: f.Patch, Net: f.Net, Place: f.Place})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, g := range c.Lineages {
		w.Lineage(g)
	}
	m := &edition.Manifest{Generation: "test", Tier: edition.Secure, Policy: edition.Policy{Pieces: true}}
	var err error
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// Patches divides all cells among n sets, each of which hangs together more or less: a
// cell belongs to the nearest of n random places.
func (c *County) Patches(rnd *rand.Rand, n int) [][]int {
	type seed struct{ x, y int }
	seeds := make([]seed, n)
	for i := range seeds {
		seeds[i] = seed{rnd.IntN(c.W), rnd.IntN(c.H)}
	}
	out := make([][]int, n)
	for cell := range c.W * c.H {
		best, least := 0, 1<<62
		for i, s := range seeds {
			dx, dy := cell%c.W-s.x, cell/c.W-s.y
			if d := dx*dx + dy*dy; d < least {
				best, least = i, d
			}
		}
		out[best] = append(out[best], cell)
	}
	kept := out[:0]
	for _, set := range out {
		if len(set) > 0 {
			kept = append(kept, set)
		}
	}
	return kept
}

// Rectangle returns the cells of a random rectangle, with sides of 1 to most cells.
func (c *County) Rectangle(rnd *rand.Rand, most int) []int {
	w, h := 1+rnd.IntN(min(most, c.W)), 1+rnd.IntN(min(most, c.H))
	x0, y0 := rnd.IntN(c.W-w+1), rnd.IntN(c.H-h+1)
	var set []int
	for y := y0; y < y0+h; y++ {
		for x := x0; x < x0+w; x++ {
			set = append(set, y*c.W+x)
		}
	}
	return set
}

// Text, Integer and Real are fields that records have.
func field(name string, kind edition.FieldKind) edition.Field {
	return edition.Field{Name: name, Kind: kind, Known: true, Code: name == "BSM"}
}

// Fields returns fields from "NAME" or "NAME:integer", "NAME:real".
func Fields(names ...string) []edition.Field {
	var out []edition.Field
	for _, n := range names {
		kind := edition.Text
		for _, k := range []edition.FieldKind{edition.Integer, edition.Real} {
			if suffix := ":" + string(k); len(n) > len(suffix) && n[len(n)-len(suffix):] == suffix {
				n, kind = n[:len(n)-len(suffix)], k
			}
		}
		out = append(out, field(n, kind))
	}
	return out
}
