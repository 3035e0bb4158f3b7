package main_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo/postgistest"
)

// postgis is a cluster into which layers are loaded.
type postgis struct{ *postgistest.Cluster }

func startPostGIS(t testing.TB) *postgis {
	t.Helper()
	return &postgis{postgistest.Start(t, "shared_buffers=256MB", "max_parallel_workers_per_gather=0")}
}

// load brings a file into a table as GDAL reads it, in EPSG:4490. PostGIS knows
// no axis order but longitude, latitude.
func (p *postgis) load(t testing.TB, path, table string) {
	t.Helper()
	out, err := exec.Command("ogr2ogr", "-f", "PostgreSQL", "PG:host="+p.Dir+" user=gengtu dbname=postgres", path,
		"-nln", table, "-t_srs", "EPSG:4490", "-nlt", "MULTIPOLYGON",
		"-lco", "GEOMETRY_NAME=geom", "-lco", "PRECISION=NO", "-lco", "SPATIAL_INDEX=NONE").CombinedOutput()
	if err != nil {
		t.Fatalf("ogr2ogr %s: %v\n%s\n%s", path, err, out, postgistest.Install)
	}
}

// planeSQL is PROJ's cylindrical equal-area projection, in which edges straight
// in longitude and q are straight and plane area is area on the ellipsoid.
const planeSQL = `CREATE FUNCTION plane(geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
 SELECT ST_SetSRID(ST_Transform($1, '+proj=longlat +a=6378137 +rf=298.257222101 +no_defs',
  '+proj=cea +lon_0=108.64 +lat_ts=34.34 +a=6378137 +rf=298.257222101 +no_defs'), 0) $$`

// layerSQL makes the tables of a layer: its features in the plane (g) and in
// degrees (l), mended and weighed, and the ground that they cover, once.
const layerSQL = `
CREATE TABLE LAYER AS SELECT ST_CollectionExtract(ST_MakeValid(plane(geom)),3) g, ST_CollectionExtract(ST_MakeValid(geom),3) l,
  PATCH::float8 patch, NET::float8 net FROM LAYER_raw WHERE RULE;
ALTER TABLE LAYER ADD ga float8, ADD la float8;
UPDATE LAYER SET ga = ST_Area(g), la = ST_Area(l::geography);
CREATE INDEX ON LAYER USING gist(g);
CREATE TABLE LAYER_ground AS SELECT g, ST_Area(g) ga FROM (SELECT ST_Subdivide(ST_Union(g),200) g FROM LAYER) u;
CREATE TABLE LAYER_lground AS SELECT l, ST_Area(l::geography) la FROM
  (SELECT ST_Segmentize(ST_Subdivide(ST_Union(l),200),0.0003) l FROM LAYER) u;
CREATE INDEX ON LAYER_ground USING gist(g);
CREATE INDEX ON LAYER_lground USING gist(l);
ANALYZE LAYER; ANALYZE LAYER_ground; ANALYZE LAYER_lground`

// areaSQL answers per shape: gross area in the plane and geodesic, patch and net
// shares, features by two bounds about the least shared ground, then ground
// counted once in the plane and geodesic.
const areaSQL = `
SELECT 'gross', s.id, sum(x.ga), sum(CASE WHEN x.inside THEN f.la ELSE ST_Area(ST_Intersection(s.l,f.l)::geography) END),
  coalesce(sum(f.patch*x.ga/f.ga),0), coalesce(sum(f.net*x.ga/f.ga),0),
  count(*) FILTER (WHERE x.ga > 0.0051*least(1,s.ga)), count(*) FILTER (WHERE x.ga > 0.0049*least(1,s.ga))
  FROM shape s JOIN LAYER f ON s.g && f.g
  CROSS JOIN LATERAL (SELECT ST_Covers(s.g,f.g) inside) c
  CROSS JOIN LATERAL (SELECT c.inside, CASE WHEN c.inside THEN f.ga ELSE ST_Area(ST_Intersection(s.g,f.g)) END ga) x GROUP BY s.id;
SELECT 'ground', s.id, sum(CASE WHEN ST_Covers(s.g,f.g) THEN f.ga ELSE ST_Area(ST_Intersection(s.g,f.g)) END)
  FROM shape s JOIN LAYER_ground f ON s.g && f.g GROUP BY s.id;
SELECT 'lground', s.id, sum(CASE WHEN ST_Covers(s.l,f.l) THEN f.la ELSE ST_Area(ST_Intersection(s.l,f.l)::geography) END)
  FROM shape s JOIN LAYER_lground f ON s.l && f.l GROUP BY s.id`

// figures are what PostGIS has for a shape and a layer.
type figures struct {
	gross, geodesicGross, patch, net float64
	least, most                      int
	ground, geodesicGround           float64
}

// measure asks PostGIS about all shapes and one layer.
func (p *postgis) measure(layer, patch, net, rule string) (map[int]figures, error) {
	fill := strings.NewReplacer("LAYER", layer, "PATCH", patch, "NET", net, "RULE", rule)
	rows, err := p.Query(fill.Replace(layerSQL + ";" + areaSQL))
	if err != nil {
		return nil, err
	}
	out := map[int]figures{}
	for _, row := range rows {
		var v []float64
		for _, c := range row[1:] {
			x, err := strconv.ParseFloat(c, 64)
			if err != nil {
				return nil, err
			}
			v = append(v, x)
		}
		id := int(v[0])
		f := out[id]
		switch row[0] {
		case "gross":
			f.gross, f.geodesicGross, f.patch, f.net, f.least, f.most = v[1], v[2], v[3], v[4], int(v[5]), int(v[6])
		case "ground":
			f.ground = v[1]
		case "lground":
			f.geodesicGround = v[1]
		}
		out[id] = f
	}
	return out, nil
}

// postgisAnswer is the part of an answer that PostGIS is asked for too.
type postgisAnswer struct {
	Status     string
	Properties struct{ Kind string }
	AOI        struct {
		Area   float64 `json:"area_m2"`
		Mended bool
	}
	Layers []struct {
		Layer    string
		Features int
		Area     float64  `json:"area_m2"`
		Gross    float64  `json:"gross_area_m2"`
		Patch    *float64 `json:"patch_m2"`
		Net      *float64 `json:"net_m2"`
	}
	Combinations []struct {
		Inside []string
		Area   float64 `json:"area_m2"`
	}
	Failed []any
}

// agree compares an area with PostGIS's: exactly when edges mean the same, and
// by the contract when PostGIS's edges are geodesics.
type agree struct {
	t        testing.TB
	compared int
}

func (a *agree) exact(what string, ours, theirs float64) {
	a.compared++
	// The answer is rounded to 1e-4; two floating point sums part by 1e-10.
	if d := math.Abs(ours - theirs); d > 2e-4+1e-10*theirs || math.IsNaN(d) {
		a.t.Errorf("%s: %.4f m², PostGIS in the same plane has %.4f", what, ours, theirs)
	}
}

// record compares a share of an area of record, which is kept to 0.01 m².
func (a *agree) record(what string, ours, theirs float64) {
	a.compared++
	if d := math.Abs(ours - theirs); d > 0.0051+1e-10*theirs || math.IsNaN(d) || math.Abs(ours*100-math.Round(ours*100)) > 1e-4 {
		a.t.Errorf("%s: %v m² of record, PostGIS in the same plane has %.4f", what, ours, theirs)
	}
}

func (a *agree) geodesic(what string, ours, theirs float64) {
	a.compared++
	if d := math.Abs(ours - theirs); d > max(0.01, 1e-6*theirs) || math.IsNaN(d) {
		a.t.Errorf("%s: %.4f m², PostGIS has %.4f geodesic", what, ours, theirs)
	}
}

// Areas agree with PostGIS (ST_Intersection after ST_MakeValid) for 500 shapes
// of all kinds, self-crossing ones, holes and parts included: to the last digit
// in the equal-area plane, and to 1e-6 or 0.01 m² with geodesic areas.
func TestOverlayAgreesWithPostGIS(t *testing.T) {
	e := theEditions(t)
	shapes := randomShapes(500, 20240501)
	file := filepath.Join(t.TempDir(), "shapes.geojson")
	if err := os.WriteFile(file, collection(shapes), 0o644); err != nil {
		t.Fatal(err)
	}
	var answers []postgisAnswer
	cli := must(t, "overlay", "--edition", e.Secure, file)
	decode(t, []byte(cli), &answers)
	if len(answers) != len(shapes) {
		t.Fatalf("%d answers for %d shapes", len(answers), len(shapes))
	}

	p := startPostGIS(t)
	p.load(t, delivery(t, "delivery", "2024", "DLTB.shp"), "cropland_raw")
	p.load(t, delivery(t, "delivery", "2024", "YJJBNTTB.gpkg"), "pbf_raw")
	p.load(t, delivery(t, "delivery", "2024", "GBZNT.geojson"), "hsf_raw")
	t.Run("the same features are invalid", func(t *testing.T) { invalidOnes(t, p, e.Report) })

	var table strings.Builder
	for i, s := range shapes {
		fmt.Fprintf(&table, "%d\t%s\n", i+1, s.wkt())
	}
	aoi := p.Ask(t, planeSQL+`;CREATE TABLE shape_raw(id int, w text);
COPY shape_raw FROM stdin;
`+table.String()+`\.
CREATE TABLE shape AS SELECT id, ST_CollectionExtract(ST_MakeValid(plane(ST_GeomFromText(w,4490))),3) g,
  ST_CollectionExtract(ST_MakeValid(ST_GeomFromText(w,4490)),3) l FROM shape_raw;
ALTER TABLE shape ADD ga float8; UPDATE shape SET ga = ST_Area(g);
CREATE INDEX ON shape(id); ANALYZE shape;
SELECT id, ga, ST_Area(l::geography), ST_IsValid(ST_GeomFromText(w,4490)) FROM shape JOIN shape_raw USING (id) ORDER BY id`)

	layers := map[string][3]string{
		"cropland": {"TBMJ", "TBDLMJ", "DLBM LIKE '01%'"},
		"pbf":      {"YJJBNTTBMJ", "YJJBNTMJ", "true"},
		"hsf":      {"NULL", "NULL", "true"},
	}
	theirs := map[string]map[int]figures{}
	var results [3]map[int]figures
	names := []string{"cropland", "pbf", "hsf"}
	var g errgroup.Group
	for i, n := range names {
		g.Go(func() (err error) {
			results[i], err = p.measure(n, layers[n][0], layers[n][1], layers[n][2])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		theirs[n] = results[i]
	}
	compare(t, answers, aoi, theirs)
	suite.Count(t, "overlay-postgis", float64(len(shapes)), "shapes")
	t.Run("over HTTP", func(t *testing.T) { overlayOverHTTP(t, e, shapes, answers) })
}

// compare holds every figure of the answers against PostGIS's.
func compare(t *testing.T, answers []postgisAnswer, aoi [][]string, theirs map[string]map[int]figures) {
	a := &agree{t: t}
	unclear, counted := 0, 0
	for i, ans := range answers {
		name := fmt.Sprintf("shape %d (%s)", i+1, ans.Properties.Kind)
		if ans.Status != "ok" || len(ans.Failed) > 0 || len(ans.Layers) != 3 {
			t.Errorf("%s: status %q, %d layers, failed %v", name, ans.Status, len(ans.Layers), ans.Failed)
			continue
		}
		a.exact(name+" aoi", ans.AOI.Area, number(t, aoi[i][1]))
		a.geodesic(name+" aoi", ans.AOI.Area, number(t, aoi[i][2]))
		if valid := aoi[i][3] == "t"; valid == ans.AOI.Mended {
			t.Errorf("%s: mended %t, for PostGIS valid %t", name, ans.AOI.Mended, valid)
		}
		in := map[string]float64{}
		sum := 0.0
		for _, c := range ans.Combinations {
			sum += c.Area
			for _, l := range c.Inside {
				in[l] += c.Area
			}
		}
		a.exact(name+" combinations", sum, ans.AOI.Area)
		for _, l := range ans.Layers {
			f := theirs[l.Layer][i+1]
			what := name + " " + l.Layer
			a.exact(what+" gross", l.Gross, f.gross)
			a.geodesic(what+" gross", l.Gross, f.geodesicGross)
			a.exact(what, l.Area, f.ground)
			a.geodesic(what, l.Area, f.geodesicGround)
			// Each combination is rounded to 1e-4 so that all add up to the shape.
			if math.Abs(in[l.Layer]-l.Area) > 1e-3 {
				t.Errorf("%s: %.4f m² in combinations, %.4f in the layer", what, in[l.Layer], l.Area)
			}
			if l.Layer == "hsf" {
				if l.Patch != nil || l.Net != nil {
					t.Errorf("%s has areas of record that its record has not", what)
				}
			} else {
				a.record(what+" patch", *l.Patch, f.patch)
				a.record(what+" net", *l.Net, f.net)
			}
			counted++
			if f.least != f.most {
				unclear++
			} else if l.Features != f.most {
				t.Errorf("%s: %d features, PostGIS has %d", what, l.Features, f.most)
			}
		}
	}
	if a.compared < 9000 || unclear > counted/50 {
		t.Errorf("%d figures compared, %d of %d counts unclear: too few to show anything", a.compared, unclear, counted)
	}
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// invalidOnes holds the features that PostGIS calls invalid against those that
// ingest mended, by BSM.
func invalidOnes(t *testing.T, p *postgis, report string) {
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var rep struct {
		Layers []struct {
			Layer    string
			Findings []struct{ Action, Key string }
		}
	}
	decode(t, data, &rep)
	mended := map[string][]string{}
	for _, l := range rep.Layers {
		for _, f := range l.Findings {
			if f.Action == "mended" && !slices.Contains(mended[l.Layer], f.Key) {
				mended[l.Layer] = append(mended[l.Layer], f.Key)
			}
		}
		slices.Sort(mended[l.Layer])
	}
	for layer, table := range map[string]string{"dltb": "cropland_raw", "pbf": "pbf_raw", "hsf": "hsf_raw"} {
		var invalid []string
		for _, row := range p.Ask(t, "SELECT bsm FROM "+table+" WHERE NOT ST_IsValid(geom) ORDER BY bsm COLLATE \"C\"") {
			invalid = append(invalid, row[0])
		}
		if !slices.Equal(invalid, mended[layer]) {
			t.Errorf("%s: mended are %v, for PostGIS invalid are %v", layer, mended[layer], invalid)
		}
		if layer != "hsf" && len(invalid) == 0 {
			t.Errorf("%s has no invalid feature: the comparison shows nothing", layer)
		}
	}
}

// overlayOverHTTP asks the server about some of the shapes, one by one and as a
// collection: its figures are those of the command.
func overlayOverHTTP(t *testing.T, e *editions, shapes []shape, want []postgisAnswer) {
	s := serve(t, e.Secure)
	same := func(name string, got, want postgisAnswer) {
		t.Helper()
		if g, w := fmt.Sprintf("%+v", flat(got)), fmt.Sprintf("%+v", flat(want)); g != w {
			t.Errorf("%s over HTTP:\n%s\nby the command:\n%s", name, g, w)
		}
	}
	for i := 0; i < len(shapes); i += 13 {
		a := s.do(t, "POST", "/secure/overlay", []byte(`{"geometry":`+shapes[i].geoJSON()+`,"combinations":true}`), "Content-Type", "application/json")
		if a.Status != 200 {
			t.Errorf("shape %d: status %d, %.300s", i+1, a.Status, a.Body)
			continue
		}
		var got postgisAnswer
		decode(t, a.Body, &got)
		same(fmt.Sprintf("shape %d", i+1), got, want[i])
	}
	a := s.do(t, "POST", "/secure/overlay", []byte(`{"geometry":`+string(collection(shapes[100:150]))+`,"combinations":true}`), "Content-Type", "application/json")
	var got []postgisAnswer
	decode(t, a.Body, &got)
	if len(got) != 50 {
		t.Fatalf("status %d: %d answers for a collection of 50", a.Status, len(got))
	}
	for i := range got {
		if got[i].Properties.Kind != shapes[100+i].kind || got[i].Status != "ok" {
			t.Errorf("shape %d of the collection is %q %q, want %q", i, got[i].Status, got[i].Properties.Kind, shapes[100+i].kind)
		}
		same(fmt.Sprintf("shape %d of the collection", i), got[i], want[100+i])
	}
}

// flat lists an answer's figures without pointers.
func flat(a postgisAnswer) []any {
	out := []any{a.AOI, a.Combinations, len(a.Failed)}
	for _, l := range a.Layers {
		patch, net := "none", "none"
		if l.Patch != nil {
			patch, net = fmt.Sprint(*l.Patch), fmt.Sprint(*l.Net)
		}
		out = append(out, l.Layer, l.Features, l.Area, l.Gross, patch, net)
	}
	return out
}
