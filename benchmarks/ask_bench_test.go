package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gengtu/index/areas"
	"gengtu/index/geo"
)

// BenchmarkAsk measures what the layers hold inside a shape: ours with the areas
// of record, ground counted once and all combinations, by index/areas and as a
// POST to the server; PostGIS with gross areas alone, in the equal-area plane
// and, as is usual, on the geography type; on the landscape also as is usual in
// the plane, and with all combinations. Where an aoi is several shapes, figures
// are for one of them.
func BenchmarkAsk(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample", "zones"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			for _, a := range []aoi{{"parcels100", []geo.MultiPolygon{d.parcels(b, 100)}}, {"village", []geo.MultiPolygon{d.village(b)}}} {
				b.Run("aoi="+a.name, func(b *testing.B) { askAll(b, d, a) })
			}
		})
	}
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		a := aoi{"parcels1835", []geo.MultiPolygon{d.parcels(b, 1835)}}
		b.Run("aoi="+a.name, func(b *testing.B) { askAll(b, d, a) })
		for _, s := range sizes {
			a := aoi{s.name, d.random(s.km2, s.asked)}
			b.Run("aoi="+a.name, func(b *testing.B) { askAll(b, d, a) })
		}
	})
}

// BenchmarkGrowth measures how our answer's cost grows with the shape, over the
// landscape, and with the layers, in shapes of 12 km².
func BenchmarkGrowth(b *testing.B) {
	ask := func(b *testing.B, d *dataset, km2 float64) {
		shapes := d.random(km2, 8)
		want := answers(b, d, shapes, d.asked)
		b.Run("by=gengtu", func(b *testing.B) {
			askOurs(b, d, shapes, want)
			b.ReportMetric(crossed(d, shapes), "parcels-on-border")
			b.ReportMetric(float64(d.ix.Layer("cropland", "").Len()), "parcels-in-layer")
		})
	}
	for _, km2 := range []float64{0.1, 0.4, 1, 4, 12, 40, 100, 400} {
		b.Run(fmt.Sprintf("data=landscape/aoi=%vkm2", km2), func(b *testing.B) { ask(b, open(b, "landscape"), km2) })
	}
	for _, name := range []string{"land10k", "land32k", "land100k"} {
		b.Run("data="+name+"/aoi=12km2", func(b *testing.B) { ask(b, open(b, name), 12) })
	}
}

// crossed returns how many features of cropland have a box that a shape's edges
// come into, on average over the shapes: what there is to cut.
func crossed(d *dataset, shapes []geo.MultiPolygon) float64 {
	l, n := d.ix.Layer("cropland", ""), 0
	for _, s := range shapes {
		met := map[int]bool{}
		for r := s[0][0]; len(r) > 1; r = r[1:] {
			e := geo.MultiPolygon{{r[:2]}}
			l.Search(e.Box(), func(i int) bool {
				met[i] = true
				return true
			})
		}
		n += len(met)
	}
	return float64(n) / float64(len(shapes))
}

// answers returns our answers for shapes, and checks that they are whole: the
// combinations add up to each shape.
func answers(b testing.TB, d *dataset, shapes []geo.MultiPolygon, layers []string) []*areas.Answer {
	b.Helper()
	out := make([]*areas.Answer, len(shapes))
	for i, s := range shapes {
		a, err := areas.Ask(b.Context(), d.ix, areas.Question{Shape: s, Layers: layers, Combinations: true})
		if err != nil {
			b.Fatal(err)
		}
		sum := 0.0
		for _, c := range a.Combinations {
			sum += c.AreaM2
		}
		if len(a.Failed) > 0 || math.Abs(sum-a.AOI.AreaM2) > 0.02+1e-12*sum {
			b.Fatalf("shape %d: %d failed, combinations add up to %v of %v m²", i, len(a.Failed), sum, a.AOI.AreaM2)
		}
		out[i] = a
	}
	return out
}

// perShape is timed for an op that does n shapes: the figures are for one.
func perShape(b *testing.B, n int, used func(*testing.B) time.Duration, op func()) {
	b.Helper()
	if n == 1 {
		timed(b, used, op)
		return
	}
	start, began := used(b), time.Now()
	for b.Loop() {
		op()
	}
	each := float64(b.N * n)
	b.ReportMetric(float64(time.Since(began))/each, "ns/op")
	b.ReportMetric(float64(used(b)-start)/each/1e6, "cpu-ms/op")
}

func askOurs(b *testing.B, d *dataset, shapes []geo.MultiPolygon, want []*areas.Answer) {
	parcels := 0
	for _, a := range want {
		parcels += a.Layers[0].Count
	}
	b.ReportMetric(float64(parcels)/float64(len(want)), "parcels")
	if len(shapes) == 1 {
		b.ReportAllocs()
	}
	names := make([]string, len(want[0].Layers))
	for i, l := range want[0].Layers {
		names[i] = l.Layer
	}
	perShape(b, len(shapes), processor, func() {
		for i, s := range shapes {
			a, err := areas.Ask(b.Context(), d.ix, areas.Question{Shape: s, Layers: names, Combinations: want[i].Combinations != nil})
			if err != nil {
				b.Fatal(err)
			}
			if !sameAreas(a, want[i]) {
				b.Fatalf("asked again: %+v, before %+v", a.Layers, want[i].Layers)
			}
		}
	})
}

func askAll(b *testing.B, d *dataset, a aoi) {
	want := answers(b, d, a.shapes, d.asked)
	b.Run("by=gengtu", func(b *testing.B) { askOurs(b, d, a.shapes, want) })
	b.Run("by=gengtu-http", func(b *testing.B) { askHTTP(b, d, a.shapes, want) })
	if d.name == "zones" {
		return // the ground of sample: its rivals stand there
	}
	b.Run("by=postgis", func(b *testing.B) { askPostGIS(b, d, a.shapes, want, onPlane) })
	if d.name == "landscape" {
		b.Run("by=postgis-plain", func(b *testing.B) { askPostGIS(b, d, a.shapes, want, plainly) })
		b.Run("by=postgis-combinations", func(b *testing.B) { combinePostGIS(b, d, a.shapes, want) })
		b.Run("layers=cropland", func(b *testing.B) { askOne(b, d, a.shapes) })
		return
	}
	b.Run("by=postgis-geodesic", func(b *testing.B) { askPostGIS(b, d, a.shapes, want, onEllipsoid) })
}

// askOne asks about one layer, without combinations: all that both of us do is
// there in one statement of SQL.
func askOne(b *testing.B, d *dataset, shapes []geo.MultiPolygon) {
	want := answers(b, d, shapes, []string{"cropland"})
	for _, w := range want {
		w.Combinations = nil
	}
	b.Run("by=gengtu", func(b *testing.B) { askOurs(b, d, shapes, want) })
	b.Run("by=postgis", func(b *testing.B) { askPostGIS(b, d, shapes, want, onPlane) })
	b.Run("by=postgis-plain", func(b *testing.B) { askPostGIS(b, d, shapes, want, plainly) })
}

// post returns the bytes of a POST that asks for all that an answer has.
func (d *dataset) post(shape geo.MultiPolygon) []byte {
	return request("POST", "/secure/overlay", fmt.Appendf(nil, `{"geometry":%s,"layers":["%s"],"combinations":true}`,
		geo.AppendGeoJSON(nil, shape), strings.Join(d.asked, `","`)))
}

// askHTTP asks through a socket.
func askHTTP(b *testing.B, d *dataset, shapes []geo.MultiPolygon, want []*areas.Answer) {
	c := serveSocket(b, d)
	posts, first := make([][]byte, len(shapes)), make([][]byte, len(shapes))
	for i, s := range shapes {
		posts[i] = d.post(s)
		first[i] = c.do(b, posts[i], 200)
		var a struct {
			Layers []struct {
				AreaM2 float64 `json:"area_m2"`
			}
		}
		if err := json.Unmarshal(unzipped(b, first[i]), &a); err != nil || len(a.Layers) != len(d.asked) || a.Layers[0].AreaM2 != want[i].Layers[0].AreaM2 {
			b.Fatalf("the answer has %v, want %v m²: %v", a, want[i].Layers[0].AreaM2, err)
		}
	}
	if len(shapes) == 1 {
		b.ReportAllocs()
	}
	perShape(b, len(shapes), processor, func() {
		for i, p := range posts {
			if body := c.do(b, p, 200); !bytes.Equal(body, first[i]) {
				b.Fatal("the answer is not the one before")
			}
		}
	})
}

// sameAreas compares answers to one question: they are the same to the last bit.
func sameAreas(a, b *areas.Answer) bool {
	return len(a.Failed) == 0 && slices.EqualFunc(a.Layers, b.Layers, func(x, y areas.Layer) bool {
		return x.Count == y.Count && x.AreaM2 == y.AreaM2 && x.GrossM2 == y.GrossM2
	}) && slices.EqualFunc(a.Combinations, b.Combinations, func(x, y areas.Combination) bool { return x.AreaM2 == y.AreaM2 })
}

// space is how PostGIS computes: the column of shapes, that of areas of features
// that a shape covers, or none, so that all are cut, what an intersection is cast
// to, and what brings a shape there.
type space struct{ shape, area, cast, from string }

var (
	onPlane     = space{"g", "ga", "", "plane"}
	plainly     = space{"g", "", "", "plane"}
	onEllipsoid = space{"l", "la", "::geography", ""}
)

// sum is the gross area of what a table has in the shape $1.
func (s space) sum(table string) string {
	cut := fmt.Sprintf("ST_Area(ST_Intersection(%s, $1)%s)", s.shape, s.cast)
	if s.area != "" {
		cut = fmt.Sprintf("CASE WHEN ST_Covers($1, %s) THEN %s ELSE %s END", s.shape, s.area, cut)
	}
	return fmt.Sprintf("(SELECT coalesce(sum(%s), 0) FROM %s WHERE ST_Intersects(%s, $1))", cut, table, s.shape)
}

// prepare prepares a statement of one parameter, a shape in s, and returns the
// statements that run it for shapes.
func (p *database) prepare(b *testing.B, statement string, shapes []geo.MultiPolygon, s space) []string {
	p.ask(b, "DEALLOCATE ALL; PREPARE ask(geometry) AS "+statement+"; SELECT 1")
	out := make([]string, len(shapes))
	for i, shape := range shapes {
		out[i] = "EXECUTE ask('" + p.ask(b, "SELECT encode(ST_AsEWKB("+s.from+"("+literal(shape)+")), 'hex')") + "'::geometry)"
	}
	return out
}

// askPostGIS takes the gross areas of all layers in one statement, prepared. In
// its best form, features wholly inside cost it no intersection either.
func askPostGIS(b *testing.B, d *dataset, shapes []geo.MultiPolygon, want []*areas.Answer, s space) {
	p := postgis(b, d)
	var sums []string
	for _, l := range want[0].Layers {
		sums = append(sums, s.sum(d.name+"_"+l.Layer))
	}
	run := p.prepare(b, "SELECT "+strings.Join(sums, ", "), shapes, s)
	perShape(b, len(shapes), p.processor, func() {
		for k, r := range run {
			row := strings.Fields(p.ask(b, r))
			for i, l := range want[k].Layers {
				if v := number(b, row[i]); s != onEllipsoid && !near(v, l.GrossM2) || math.Abs(v-l.GrossM2) > 1e-4*l.GrossM2+0.01 {
					b.Fatalf("%s: PostGIS has %v m², we have %v", l.Layer, v, l.GrossM2)
				}
			}
		}
	})
}

// combinePostGIS takes the ground of each layer and of all combinations as SQL
// does it: the features near the shape joined, cut by it, and the cuts of each
// set of layers; what lies in some and not in others follows by sums. One
// statement, prepared.
func combinePostGIS(b *testing.B, d *dataset, shapes []geo.MultiPolygon, want []*areas.Answer) {
	p := postgis(b, d)
	ground := func(layer string) string {
		return fmt.Sprintf(`(SELECT coalesce(ST_Union(CASE WHEN ST_Covers($1, g) THEN g ELSE ST_CollectionExtract(ST_Intersection(g, $1), 3) END), 'POLYGON EMPTY'::geometry) AS u FROM %s_%s WHERE ST_Intersects(g, $1))`, d.name, layer)
	}
	run := p.prepare(b, "WITH c AS MATERIALIZED "+ground("cropland")+", p AS MATERIALIZED "+ground("pbf")+", h AS MATERIALIZED "+ground("hsf")+`,
 x AS MATERIALIZED (SELECT c.u AS c, p.u AS p, h.u AS h, ST_Intersection(c.u, p.u) AS cp FROM c, p, h)
 SELECT ST_Area($1), ST_Area(c), ST_Area(p), ST_Area(cp), ST_Area(h), ST_Area(ST_Intersection(c, h)), ST_Area(ST_Intersection(p, h)), ST_Area(ST_Intersection(cp, h)) FROM x`, shapes, onPlane)
	perShape(b, len(shapes), p.processor, func() {
		for k, r := range run {
			var sets [8]float64 // by the bits of cropland, pbf, hsf: the ground in all of these
			for i, f := range strings.Fields(p.ask(b, r)) {
				sets[i] = number(b, f)
			}
			for _, c := range want[k].Combinations {
				mask := 0
				for _, l := range c.Inside {
					mask |= 1 << slices.Index(d.asked, l)
				}
				if v := only(sets, mask); math.Abs(v-c.AreaM2) > 0.01+1e-6*sets[0] {
					b.Fatalf("%v: PostGIS has %v m², we have %v", c.Inside, v, c.AreaM2)
				}
			}
		}
	})
}

// only returns the ground in exactly the layers of mask, from the ground in all
// layers of each set: by inclusion and exclusion.
func only(sets [8]float64, mask int) float64 {
	sum := 0.0
	for s := range sets {
		if s&mask != mask {
			continue
		}
		sign := 1.0
		for rest := s &^ mask; rest > 0; rest &= rest - 1 {
			sign = -sign
		}
		sum += sign * sets[s]
	}
	return sum
}

func number(b *testing.B, text string) float64 {
	var v float64
	if _, err := fmt.Sscan(text, &v); err != nil {
		b.Fatalf("%q: %v", text, err)
	}
	return v
}
