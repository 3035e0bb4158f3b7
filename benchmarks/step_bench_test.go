package benchmarks

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/overlay"
)

// BenchmarkStep measures the steps of one question: gengtu-parse reads the
// shape's GeoJSON, gengtu answers, gengtu-write writes the answer as JSON. In
// return=features the answer has every feature's piece. The second shape has
// 10,000 corners.
func BenchmarkStep(b *testing.B) {
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		c := d.random(12, 1)[0].Box()
		dense := star(geo.Position{Lon: (c.Min.Lon + c.Max.Lon) / 2, Lat: (c.Min.Lat + c.Max.Lat) / 2}, math.Sqrt(12e6/math.Pi/1.02), 5, 0, 10_000)
		for _, a := range []aoi{{"12km2", d.random(12, 1)}, {"12km2-10000corners", []geo.MultiPolygon{dense}}} {
			for _, kind := range []string{"summary", "features"} {
				b.Run("aoi="+a.name+"/return="+kind, func(b *testing.B) { steps(b, d, a.shapes[0], kind == "features") })
			}
		}
	})
}

func steps(b *testing.B, d *dataset, shape geo.MultiPolygon, pieces bool) {
	q := d.question(shape)
	q.Pieces = pieces
	answer, err := areas.Ask(b.Context(), d.ix, q)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("by=gengtu", func(b *testing.B) {
		b.ReportAllocs()
		timed(b, processor, func() {
			if a, err := areas.Ask(b.Context(), d.ix, q); err != nil || !sameAreas(a, answer) {
				b.Fatal("asked again, another answer", err)
			}
		})
	})
	text := geo.AppendGeoJSON(nil, shape)
	crs, err := areas.ParseCRS("")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("by=gengtu-parse", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		timed(b, processor, func() {
			given, _, err := areas.ParseShapes(text, areas.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			if m, err := areas.Shape(given[0].Polygons, crs); err != nil || m.Vertices() < shape.Vertices() {
				b.Fatalf("%d vertices of %d: %v", m.Vertices(), shape.Vertices(), err)
			}
		})
	})
	b.Run("by=gengtu-write", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		result := &areas.Result{Answer: answer, Single: true}
		timed(b, processor, func() { out = result.AppendJSON(out[:0]) })
		b.SetBytes(int64(len(out)))
		if !json.Valid(out) {
			b.Fatalf("%.200s", out)
		}
	})
}

// spoiled is the number of rings that cross themselves: as many as a delivery of
// 540,000 features was found to have.
const spoiled = 336

// BenchmarkSelfCrossing measures what a few rings that cross themselves do:
// cropland × PBF, for spoiled parcels of cropland alone. Metrics are pairs,
// failed pairs and stopped, which is 1 where the sum over all of them cannot be
// had. Ours mends each on arrival.
func BenchmarkSelfCrossing(b *testing.B) {
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		bad := d.selfCrossing(b, spoiled)
		b.Run("by=gengtu", func(b *testing.B) {
			pbf := d.ix.Layer("pbf", "")
			timed(b, processor, func() {
				pairs := 0
				for _, m := range bad {
					mended, _, err := overlay.Mend(m)
					if err != nil {
						b.Fatal(err)
					}
					pbf.Search(mended.Box(), func(i int) bool {
						f, err := pbf.Feature(i)
						if err != nil {
							b.Fatal(err)
						}
						pairs++
						return overlay.SharedArea(mended, f.Geometry) >= 0
					})
				}
				b.ReportMetric(float64(pairs), "pairs")
				b.ReportMetric(0, "failed-pairs")
				b.ReportMetric(0, "stopped")
			})
		})
		b.Run("by=postgis", func(b *testing.B) { crossPostGIS(b, d, bad) })
	})
}

// selfCrossing returns n features of cropland with two neighbouring corners of
// their shells in changed order, so that the ring crosses itself.
func (d *dataset) selfCrossing(b testing.TB, n int) []geo.MultiPolygon {
	l := d.ix.Layer("cropland", "")
	var out []geo.MultiPolygon
	for i := 0; i < l.Len() && len(out) < n; i += max(1, l.Len()/n/8) {
		f, err := l.Feature(i)
		if err != nil {
			b.Fatal(err)
		}
		r := append(geo.Ring(nil), f.Geometry[0][0]...)
		if len(r) < 6 {
			continue
		}
		r[2], r[3] = r[3], r[2]
		m := geo.MultiPolygon{append(geo.Polygon{r}, f.Geometry[0][1:]...)}
		if _, findings, err := overlay.Mend(m); err == nil && len(findings) > 0 {
			out = append(out, m)
		}
	}
	if len(out) < n {
		b.Fatalf("%d rings cross themselves, want %d", len(out), n)
	}
	return out
}

// crossPostGIS adds up the pairs as wholePostGIS does, and counts those that
// fail one by one.
func crossPostGIS(b *testing.B, d *dataset, bad []geo.MultiPolygon) {
	p := postgis(b, d)
	values := make([]string, len(bad))
	for i, m := range bad {
		values[i] = "(plane(ST_SetSRID('" + postgistest.WKB(m) + "'::geometry,4490)))"
	}
	p.ask(b, `DROP TABLE IF EXISTS crossing; CREATE TABLE crossing (g geometry); INSERT INTO crossing VALUES `+strings.Join(values, ",")+strings.ReplaceAll(`;
CREATE OR REPLACE FUNCTION shared(a geometry, b geometry) RETURNS float8 LANGUAGE plpgsql AS $$
 BEGIN RETURN ST_Area(ST_Intersection(a, b)); EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION attempt() RETURNS int LANGUAGE plpgsql AS $$
 BEGIN PERFORM sum(ST_Area(ST_Intersection(c.g, p.g))) FROM crossing c JOIN DATA_pbf p ON ST_Intersects(c.g, p.g); RETURN 0;
 EXCEPTION WHEN OTHERS THEN RETURN 1; END $$; SELECT 1`, "DATA", d.name))
	var stopped, pairs, failed float64
	timed(b, p.processor, func() { stopped = number(b, p.ask(b, "SELECT attempt()")) })
	row := p.ask(b, strings.ReplaceAll("SELECT count(*), count(*) FILTER (WHERE shared(c.g, p.g) IS NULL) FROM crossing c JOIN DATA_pbf p ON c.g && p.g", "DATA", d.name))
	if _, err := fmt.Sscan(row, &pairs, &failed); err != nil {
		b.Fatalf("%q: %v", row, err)
	}
	b.ReportMetric(pairs, "pairs")
	b.ReportMetric(failed, "failed-pairs")
	b.ReportMetric(stopped, "stopped")
}
