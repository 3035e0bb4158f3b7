package contiguity_test

import (
	"fmt"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
	"gengtu/index/overlay"
)

// read reads a file of the test data through GDAL, and mends its features.
func read(t *testing.T, args ...string) []geo.MultiPolygon {
	t.Helper()
	args = append([]string{"-f", "GeoJSON", "-t_srs", "EPSG:4490", "-lco", "COORDINATE_PRECISION=10", "-lco", "RFC7946=NO", "/vsistdout/"}, args...)
	out, err := exec.Command("ogr2ogr", args...).Output()
	if err != nil {
		t.Fatalf("ogr2ogr %v: %v (apt-get install -y gdal-bin)", args, err)
	}
	var set []geo.MultiPolygon
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
		m, _, err := overlay.Mend(m)
		if len(m) > 0 {
			set = append(set, m)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Components are ST_ClusterDBSCAN's, in a plane that is true to scale on the ground, and
// the distances of neighbours ST_Distance's there: of delivered patches, and of real parcels
// whose borders are near each other but not equal. (Of geographies PostGIS gives distances
// that differ from both by up to 2 cm.)
func TestAgainstPostGIS(t *testing.T) {
	const data = "../../../shared/data/"
	db := postgistest.Start(t)
	for name, c := range map[string]struct {
		args     []string
		meridian float64
		gaps     []float64
	}{
		"fields": {[]string{data + "nl_parcels/fields_4490.gpkg"}, 4.98, []float64{0, 1.7, 9.7, 21.3, 47.9}},
		"crop":   {[]string{"-where", "DLBM LIKE '01%' AND OGR_GEOM_AREA < 1e9", data + "delivery/2024/DLTB.shp"}, 108.645, []float64{0, 1.7, 9.7, 21.3}},
		"basic":  {[]string{data + "delivery/2024/YJJBNTTB.gpkg"}, 108.645, []float64{0, 1.7, 9.7, 21.3}},
	} {
		t.Run(name, func(t *testing.T) {
			set := read(t, c.args...)
			l := layers(t, set)[0]
			g := contiguity.New(cover(l), nil, nil)
			if g.Members() < 4000 {
				t.Fatalf("only %d features", g.Members())
			}
			load(t, db, name, g, l, c.meridian)
			got, err := g.Components(t.Context(), c.gaps, contiguity.Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			for k, gap := range c.gaps {
				want := make([]int32, g.Members())
				first := map[string]int32{}
				for _, row := range db.Ask(t, fmt.Sprintf("SELECT id, ST_ClusterDBSCAN(plane, %.10g, 1) OVER () FROM %s ORDER BY id", gap+contiguity.Tolerance, name)) {
					m := number(t, row[0])
					if _, ok := first[row[1]]; !ok {
						first[row[1]] = m
					}
					want[m] = first[row[1]]
				}
				wrong := 0
				for m := range want {
					if got.Of(k, int32(m)) != want[m] {
						wrong++
					}
				}
				t.Logf("gap %v: %d components of %d features", gap, len(first), len(want))
				if wrong > 0 {
					t.Errorf("gap %v: %d features are in another component than in PostGIS", gap, wrong)
				}
			}
			distances(t, db, name, g, set, l)
			if name == "basic" {
				perimeter(t, g, set)
			}
		})
	}
}

// perimeter holds the outlines of all members against their union.
func perimeter(t *testing.T, g *contiguity.Ground, set []geo.MultiPolygon) {
	t.Helper()
	out, err := g.Outlines(t.Context(), contiguity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, d := range out {
		sum += d
	}
	union, err := overlay.Dissolve(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := contiguity.New(nil, nil, nil).Seeker().Border(union, nil)
	if err != nil || math.Abs(sum-want) > 1e-5*want {
		t.Errorf("outlines are %v m, the union's %v (%v)", sum, want, err)
	}
}

func number(t *testing.T, s string) int32 {
	t.Helper()
	v, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return int32(v)
}

// load puts the members into a table, in a plane. Their edges, which are
// straight in longitude and latitude, are divided every 20 m, for the plane has others.
func load(t *testing.T, db *postgistest.Cluster, name string, g *contiguity.Ground, l *index.Layer, meridian float64) {
	t.Helper()
	var sql strings.Builder
	fmt.Fprintf(&sql, "CREATE TABLE %s (id int, geom geometry);\n", name)
	for m := range int32(g.Members()) {
		f, err := l.Feature(int(g.Owner(m).Feature))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sql, "INSERT INTO %s VALUES (%d, ST_SetSRID('\\x%s'::bytea::geometry, 4490));\n", name, m, postgistest.WKB(f.Geometry))
	}
	fmt.Fprintf(&sql, `ALTER TABLE %[1]s ADD plane geometry;
		UPDATE %[1]s SET geom = ST_Segmentize(geom, 0.0002);
		UPDATE %[1]s SET plane = ST_Transform(geom, '+proj=tmerc +lat_0=0 +lon_0=%[2]v +k=1 +ellps=GRS80 +units=m');
		CREATE INDEX ON %[1]s USING gist (plane); ANALYZE %[1]s;`, name, meridian)
	if _, err := db.Query(sql.String()); err != nil {
		t.Fatal(err)
	}
}

// distances holds the gaps of some members' neighbours against PostGIS.
func distances(t *testing.T, db *postgistest.Cluster, name string, g *contiguity.Ground, set []geo.MultiPolygon, l *index.Layer) {
	t.Helper()
	want := map[[2]int32]float64{}
	for _, row := range db.Ask(t, fmt.Sprintf("SELECT a.id, b.id, ST_Distance(a.plane, b.plane) FROM %[1]s a JOIN %[1]s b ON a.id %% 10 = 0 AND a.id <> b.id AND ST_DWithin(a.plane, b.plane, 30)", name)) {
		d, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		want[[2]int32{number(t, row[0]), number(t, row[1])}] = d
	}
	s := g.Seeker()
	worst, n := 0.0, 0
	for m := int32(0); m < int32(g.Members()); m += 10 {
		near, err := s.Near(set[l.Head(int(g.Owner(m).Feature)).ID-1], 30)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range near {
			if k.Member == m {
				continue
			}
			d, ok := want[[2]int32{m, k.Member}]
			if !ok && k.GapM < 29.999 {
				t.Errorf("%d and %d are %v m apart; not in PostGIS", m, k.Member, k.GapM)
				continue
			}
			if ok {
				n++
				worst = max(worst, math.Abs(d-k.GapM))
			}
			delete(want, [2]int32{m, k.Member})
		}
	}
	for pair, d := range want {
		if d < 29.999 {
			t.Errorf("%v are %v m apart in PostGIS, and not here", pair, d)
		}
	}
	t.Logf("%d distances differ by at most %.6f m", n, worst)
	// What is within the tolerance is 0 here.
	if worst > 1.1e-4 || n < 1000 {
		t.Errorf("%d distances differ by at most %v m", n, worst)
	}
}
