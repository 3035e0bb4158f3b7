package analyze_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/indextest"
	"gengtu/index/overlay"
)

// deliveredPBF reads the delivered basic farmland of a year.
func deliveredPBF(t *testing.T, year string) indextest.Layer {
	t.Helper()
	out, err := exec.Command("ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:4490", "-lco", "COORDINATE_PRECISION=10", "-lco", "RFC7946=NO", "/vsistdout/",
		"../../../shared/data/delivery/"+year+"/YJJBNTTB.gpkg").Output()
	if err != nil {
		t.Fatalf("ogr2ogr: %v (apt-get install -y gdal-bin)", err)
	}
	l := indextest.Layer{Meta: edition.Layer{Name: "pbf", Vintage: year, Title: edition.Title{Zh: "永久基本农田", En: "pbf"}}}
	_, err = geo.ParseFeatures(out, geo.Limits{}, func(f *geo.Feature) error {
		if f.Err != nil {
			return f.Err
		}
		var m geo.MultiPolygon
		for _, p := range f.Polygons {
			var q geo.Polygon
			for _, r := range p {
				var to geo.Ring
				for _, v := range r {
					to = append(to, geo.PositionOf(geo.LonLat{Lon: v.X, Lat: v.Y}))
				}
				q = append(q, to)
			}
			m = append(m, q)
		}
		var p struct {
			ZLDWDM               string
			YJJBNTTBMJ, YJJBNTMJ float64
		}
		if err := json.Unmarshal(f.Properties, &p); err != nil {
			return err
		}
		m, _, err := overlay.Mend(m)
		if len(m) > 0 {
			l.Features = append(l.Features, index.Feature{ID: uint64(len(l.Features) + 1), Geometry: m, AreaM2: geo.Area(m), Place: p.ZLDWDM[:12],
				Patch: int64(geo.HundredthsOf(p.YJJBNTTBMJ)), Net: int64(geo.HundredthsOf(p.YJJBNTMJ))})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The same question in PostGIS has the same figures to 1e-6: of a delivery of two
// vintages, and of a generated county.
func TestContiguityAgainstPostGIS(t *testing.T) {
	db := postgistest.Start(t)
	delivery := indextest.New(t, &edition.Manifest{Generation: "test", Tier: edition.Secure, Policy: edition.Policy{Pieces: true}}, deliveredPBF(t, "2023"), deliveredPBF(t, "2024"))
	holdContiguity(t, db, delivery, "2023", geo.PositionOf(geo.LonLat{Lon: 108.645, Lat: 34.336}))
	holdContiguity(t, db, delivery, "2024", geo.PositionOf(geo.LonLat{Lon: 108.645, Lat: 34.336}))
	holdContiguity(t, db, analyzetest.New(3, 60, 40, 300).Index(t), "", geo.Position{Lon: analyzetest.West, Lat: analyzetest.South})
}

// holdContiguity asks both about basic farmland. The plane is true to scale to some 1e-3 in
// the few kilometres that there are; the gaps are such that this decides nothing.
func holdContiguity(t *testing.T, db *postgistest.Cluster, ix *index.Index, vintage string, origin geo.Position) {
	t.Helper()
	name := "pbf" + vintage
	analyzetest.Load(t, db, name, ix.Layer("pbf", vintage), origin)
	r := askContiguity(t, ix, analyze.Request{Vintage: vintage, By: "village", Parameters: map[string]string{"gaps": "0,3.3,24.5"}})
	total, places := tractTable(t, r, "contiguity_total"), tractTable(t, r, "contiguity")
	rows := 0
	for _, gap := range []float64{0, 3.3, 24.5} {
		got := tractRow(t, total, "gap_m", gap)
		ask := fmt.Sprintf(`WITH m AS (SELECT id, left(place, 12) AS place, ST_Area(geom) AS a, net, geom, ST_ClusterDBSCAN(geom, %g, 1) OVER () AS c FROM %s),
			comp AS (SELECT c, sum(a) AS a, sum(net) AS net FROM m GROUP BY c),
			part AS (SELECT place, c, sum(a) AS a FROM m GROUP BY place, c) `, gap+1e-4, name)
		hold := func(what string, got func(string) any, want []string) {
			t.Helper()
			for i, column := range []string{"n", "area", "mesh", "coherence", "lpi", "share100"} {
				w, err := strconv.ParseFloat(want[i], 64)
				if err != nil {
					t.Fatal(err)
				}
				near, v := 1e-6*math.Abs(w), 0.0
				switch x := got(column).(type) {
				case int64:
					v = float64(x)
				case analyze.Area:
					v = float64(x) / 100
					near += 0.005 * float64(max(1, got("patches").(int64)))
				case float64:
					v = x
					near += 1e-6
				}
				if math.Abs(v-w) > near {
					t.Errorf("%s, gap %v, %s: %s is %v, PostGIS has %v", name, gap, what, column, v, w)
				}
			}
		}
		for _, row := range db.Ask(t, ask+`SELECT count(*), sum(a), sum(a*a)/sum(a), sum(a*a)/sum(a)^2, max(a)/sum(a), coalesce(sum(a) FILTER (WHERE a*0.0015 >= 100), 0)/sum(a) FROM comp`) {
			hold("all", got, row)
		}
		if gap == 3.3 {
			// PostGIS's union leaves slits where borders touch within the tolerance: of the
			// delivery 0.3 % of the perimeter, which overlay.Dissolve and another plane do not have.
			row := db.Ask(t, ask+`SELECT sum(a*p/(2*sqrt(pi()*a)))/sum(a) FROM (SELECT sum(a) AS a, ST_Perimeter(ST_Union(geom)) AS p FROM m GROUP BY c) u`)[0]
			if w, err := strconv.ParseFloat(row[0], 64); err != nil || math.Abs(got("shape_index").(float64)-w) > 5e-3*w {
				t.Errorf("%s: the shape index is %v, PostGIS has %v", name, got("shape_index"), w)
			}
		}
		for _, row := range db.Ask(t, ask+`SELECT part.place, count(*), sum(part.a), sum(part.a*comp.a)/sum(part.a), sum(part.a^2)/sum(part.a)^2, max(part.a)/sum(part.a),
			coalesce(sum(part.a) FILTER (WHERE comp.a*0.0015 >= 100), 0)/sum(part.a) FROM part JOIN comp USING (c) GROUP BY part.place`) {
			hold(row[0], tractRow(t, places, "xzqdm", row[0], "gap_m", gap), row[1:])
			rows++
		}
	}
	if rows != len(places.Rows) || rows < 6 {
		t.Errorf("%s: %d rows of places, PostGIS has %d", name, len(places.Rows), rows)
	}
}

// The answer does not depend on the number of workers.
func TestContiguityWorkers(t *testing.T) {
	ix := analyzetest.New(9, 60, 40, 300).Index(t)
	var said []string
	for _, workers := range []int{1, 2, 5} {
		r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "contiguity", By: "group"}, analyze.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, x := range r.Tables {
			text += fmt.Sprintf("%s %v\n", x.Name, x.Rows)
		}
		said = append(said, text)
	}
	if said[0] != said[1] || said[0] != said[2] {
		t.Error("answers differ")
	}
}
