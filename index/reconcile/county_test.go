package reconcile_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/compare/comparetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// lattice is the side of a cell of the county's integer grid in units of 1e-10 degree:
// some 0.09 m of longitude and 0.11 m of latitude.
const lattice = 10_000

var corner = geo.Position{Lon: 108_7000000000, Lat: 34_3000000000}

// rect is a rectangle of the grid, half-open.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) has(x, y int) bool { return r.x0 <= x && x < r.x1 && r.y0 <= y && y < r.y1 }

func (r rect) box() geo.Box {
	at := func(x, y int) geo.Position {
		return geo.Position{Lon: corner.Lon + int64(x)*lattice, Lat: corner.Lat + int64(y)*lattice}
	}
	return geo.Box{Min: at(r.x0, r.y0), Max: at(r.x1, r.y1)}
}

func (r rect) m2() float64 {
	b := r.box()
	return geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
}

// plot is a feature of one rectangle.
type plot struct {
	key          string
	rect         rect
	class        string
	place        string
	ridges       float64 // coefficient
	extra, cents int64   // of the record, in 0.01 m²: what patch and net have more
	step         int64   // records are rounded to it; 0 is 1
}

func (p *plot) ell() int64 { return int64(geo.HundredthsOf(p.rect.m2())) }

func (p *plot) record() (patch, net int64) {
	round := func(v int64) int64 {
		if p.step > 1 {
			return (v + p.step/2) / p.step * p.step
		}
		return v
	}
	patch = p.ell() + p.extra
	net = int64(float64(patch)*(1-p.ridges)+0.5) + p.cents
	return round(patch), round(net)
}

// county is two states of a survey, of regions and of blocks.
type county struct {
	from, to             []plot
	regionFrom, regionTo []plot
	blocks               []plot // hsf of both states
	// tags say what happened to ground that one side alone has.
	tags []tag
	next int
}

type tag struct {
	rect rect
	line string
}

const (
	columns, rows = 12, 8
	plotW, plotH  = 430, 270
	villageA      = "610402200100"
	villageB      = "610402200101"
	villageC      = "610402201100"
)

// newCounty is a county in which nothing has changed. Of three plots one is no cropland.
func newCounty() *county {
	c := &county{}
	classes := []string{"0101", "0103", "0301", "0101", "0103", "0702"}
	for y := range rows {
		for x := range columns {
			place := villageA
			switch {
			case y >= 4:
				place = villageC
			case x >= 6:
				place = villageB
			}
			p := plot{rect: rect{x * plotW, y * plotH, (x + 1) * plotW, (y + 1) * plotH}, class: classes[(x+y)%len(classes)], place: place, ridges: 0.05}
			p.key = c.key()
			c.from = append(c.from, p)
		}
	}
	c.to = slices.Clone(c.from)
	c.regionFrom = []plot{
		{key: "r1", rect: rect{0, 0, 6 * plotW, 4 * plotH}, place: villageA}, {key: "r2", rect: rect{6 * plotW, 0, columns * plotW, 4 * plotH}, place: villageB},
		{key: "r3", rect: rect{0, 4 * plotH, columns * plotW, rows * plotH}, place: villageC},
	}
	c.regionTo = slices.Clone(c.regionFrom)
	c.blocks = []plot{{key: "h1", rect: rect{100, 100, 5*plotW - 57, 3*plotH - 31}, place: villageA}, {key: "h2", rect: rect{4 * plotW, 2*plotH + 40, 8 * plotW, 6 * plotH}, place: villageB}}
	return c
}

func (c *county) key() string {
	c.next++
	return fmt.Sprintf("6104022001%08d", c.next)
}

// at returns the plot of a column and row in the later state.
func (c *county) at(x, y int) *plot {
	key := c.from[y*columns+x].key
	i := slices.IndexFunc(c.to, func(p plot) bool { return p.key == key })
	return &c.to[i]
}

func (c *county) drop(x, y int) {
	key := c.at(x, y).key
	c.to = slices.DeleteFunc(c.to, func(p plot) bool { return p.key == key })
}

func (c *county) tag(r rect, line string) { c.tags = append(c.tags, tag{r, line}) }

var fields = append(slices.Clone(comparetest.Fields), edition.Field{Name: "XZQMC", Kind: edition.Text, Known: true})

func state(name, vintage string, plots []plot) comparetest.State {
	s := comparetest.State{Meta: edition.Layer{Name: name, Vintage: vintage, Fields: fields}}
	if name == "dltb" {
		s.Meta.ClassField, s.Meta.Fields = "DLBM", comparetest.Fields
	}
	for i := range plots {
		p := &plots[i]
		g := geo.MultiPolygon{p.rect.box().Polygon()}
		f := index.Feature{ID: idOf(p.key), Geometry: g, AreaM2: geo.Area(g), Place: p.place, Patch: index.NoArea, Net: index.NoArea}
		patch, net := p.record()
		f.Values = []any{p.key, "1", p.class, p.place, float64(patch) / 100, float64(net) / 100, int64(2024)}
		if name == "dltb" {
			f.Patch, f.Net = patch, net
		} else {
			f.Values = append(f.Values, "村"+p.place)
		}
		s.Features = append(s.Features, f)
	}
	return s
}

// open writes the county as an edition.
func (c *county) open(t testing.TB) *index.Index {
	t.Helper()
	return comparetest.Open(t, state("dltb", "2023", c.from), state("dltb", "2024", c.to), state("region", "2023", c.regionFrom), state("region", "2024", c.regionTo),
		state("hsf", "2023", c.blocks), state("hsf", "2024", c.blocks))
}

// idOf is an id that follows from a key.
func idOf(key string) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(key) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h>>11 | 1
}

// cells cuts the grid along all borders of the plots: each cell lies wholly in or out of
// every one.
func cells(lists ...[]plot) []rect {
	xs, ys := map[int]bool{}, map[int]bool{}
	for _, list := range lists {
		for _, p := range list {
			xs[p.rect.x0], xs[p.rect.x1], ys[p.rect.y0], ys[p.rect.y1] = true, true, true, true
		}
	}
	var out []rect
	x, y := slices.Sorted(maps.Keys(xs)), slices.Sorted(maps.Keys(ys))
	for i := 1; i < len(x); i++ {
		for k := 1; k < len(y); k++ {
			out = append(out, rect{x[i-1], y[k-1], x[i], y[k]})
		}
	}
	return out
}
