package main_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // reads the exported GeoPackage
)

// matched is how many features of a layer the OGC API chooses.
func (s *server) matched(t *testing.T, layer string, query url.Values) int {
	t.Helper()
	query.Set("limit", "1")
	query.Set("tk", s.tokens["secure"])
	var page struct{ NumberMatched int }
	decode(t, s.get(t, 200, "/secure/ogc/collections/"+layer+"/items?"+query.Encode()).Body, &page)
	return page.NumberMatched
}

// sentOut is a layer that was exported, as SQLite reads it.
type sentOut struct {
	db    *sql.DB
	file  string
	layer string
	// values are some of each column that filters are made of.
	columns []string
	values  map[string][]any
}

// exportedLayer exports a layer of the secure edition.
func exportedLayer(t *testing.T, edition, layer string, columns ...string) *sentOut {
	t.Helper()
	x := &sentOut{file: filepath.Join(t.TempDir(), layer+".gpkg"), layer: layer, columns: columns, values: map[string][]any{}}
	must(t, "export", "--edition", edition, "--layer", layer, "--out", x.file)
	var err error
	if x.db, err = sql.Open("sqlite", x.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.db.Close() }) // only read
	x.db.SetMaxOpenConns(1)
	if _, err := x.db.Exec("PRAGMA case_sensitive_like = ON"); err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		x.values[c] = x.some(t, c)
	}
	return x
}

// some are different values of a column.
func (x *sentOut) some(t *testing.T, column string) (out []any) {
	t.Helper()
	rows, err := x.db.Query(fmt.Sprintf(`SELECT DISTINCT %[1]q FROM %[2]q WHERE %[1]q IS NOT NULL ORDER BY 1 LIMIT 200`, column, x.layer))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // only read
	for rows.Next() {
		var v any
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// filter is a random one, which CQL2 Text and SQL write alike.
func (x *sentOut) filter(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(3) > 0 {
		switch a := x.filter(r, depth-1); r.IntN(3) {
		case 0:
			return "NOT (" + a + ")"
		case 1:
			return "(" + a + ") AND " + x.filter(r, depth-1)
		default:
			return a + " OR " + x.filter(r, depth-1)
		}
	}
	c := x.columns[r.IntN(len(x.columns))]
	literal := func() string {
		v := x.values[c][r.IntN(len(x.values[c]))]
		if s, ok := v.(string); ok {
			return "'" + strings.ReplaceAll(s, "'", "''") + "'"
		}
		return fmt.Sprint(v)
	}
	switch r.IntN(5) {
	case 0:
		return c + " IS NOT NULL"
	case 1:
		return c + " IN (" + literal() + "," + literal() + ")"
	case 2:
		return c + " NOT BETWEEN " + literal() + " AND " + literal()
	}
	return c + " " + []string{"=", "<>", "<", "<=", ">", ">="}[r.IntN(6)] + " " + literal()
}

// Filters choose as many features as the same words do in SQLite on what was exported,
// and boxes as many as GDAL finds to meet them, which asks GEOS.
func TestOGCFiltersAsExported(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	r := rand.New(rand.NewPCG(7, 4))
	for layer, columns := range map[string][]string{"dltb": {"DLBM", "TBMJ", "KCXS", "SJNF", "GDPDJB", "TBDLMJ"}, "pbf": {"DLBM", "GDDJ", "YJJBNTMJ", "ZRRMC"}} {
		x := exportedLayer(t, e.Secure, layer, columns...)
		for range 40 {
			filter := x.filter(r, 3)
			var want int
			if err := x.db.QueryRow(fmt.Sprintf("SELECT count(*) FROM %q WHERE %s", layer, filter)).Scan(&want); err != nil {
				t.Fatalf("%s: %v", filter, err)
			}
			if got := s.matched(t, layer, url.Values{"filter": {filter}}); got != want {
				t.Errorf("%s: %s chooses %d, SQLite %d", layer, filter, got, want)
			}
		}
		for range 6 {
			lon, lat, side := 108.6+0.08*r.Float64(), 34.3+0.07*r.Float64(), 0.02*r.Float64()
			box := []string{fmt.Sprintf("%.7f", lon), fmt.Sprintf("%.7f", lat), fmt.Sprintf("%.7f", lon+side), fmt.Sprintf("%.7f", lat+side)}
			// Its count alone would be of boxes.
			out := gdal(t, t.TempDir(), "ogrinfo", append(append([]string{"-ro", "-q", "-geom=NO", "-spat"}, box...), x.file, layer)...)
			want := strings.Count(out, "OGRFeature(")
			if got := s.matched(t, layer, url.Values{"bbox": {strings.Join(box, ",")}}); got != want {
				t.Errorf("%s: bbox %v chooses %d, GDAL %d", layer, box, got, want)
			}
		}
	}
}

// GDAL's driver for OGC API - Features reads all pages of a layer, and with a box and
// a condition as many features as from the export.
func TestGDALReadsOGC(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	x := exportedLayer(t, e.Secure, "pbf")
	dir := t.TempDir()
	t.Setenv("GDAL_HTTP_HEADERS", "Authorization: Bearer "+s.tokens["secure"])
	some := []string{"-spat", "108.62", "34.31", "108.66", "34.35", "-where", "DLBM LIKE '01%' AND KCXS > 0.02"}
	for _, choice := range [][]string{nil, some} {
		read := func(source string) int {
			args := append([]string{"-ro", "-q", "-geom=NO", "-oo", "PAGE_SIZE=1000"}, choice...)
			if source == x.file {
				args = append([]string{"-ro", "-q", "-geom=NO"}, choice...)
			}
			return strings.Count(gdal(t, dir, "ogrinfo", append(args, source, "pbf")...), "OGRFeature(")
		}
		if got, want := read("OAPIF:"+s.URL+"/secure/ogc"), read(x.file); got != want || want == 0 {
			t.Errorf("%v: GDAL reads %d features, %d from the export", choice, got, want)
		}
	}
}

// OWSLib finds its way from the landing page to features, and the document of the API.
func TestOWSLibReadsOGC(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	const script = `
import sys
from owslib.ogcapi.features import Features
f = Features(sys.argv[1] + '/public/ogc')
assert set(f.feature_collections()) >= {'cropland', 'pbf', 'hsf'}, f.feature_collections()
assert f.api()['openapi'].startswith('3.0') and len(f.conformance()['conformsTo']) > 10
a = f.collection_items('pbf', limit=5)
assert len(a['features']) == a['numberReturned'] == 5 < a['numberMatched'], a['numberMatched']
assert f.collection_item('pbf', a['features'][0]['id'])['geometry'] == a['features'][0]['geometry']
assert 'geometry' in f.collection_queryables('pbf')['properties']
assert f.collection_items('pbf', filter='area_m2 < 0')['numberMatched'] == 0
print('read')
`
	if out := tool(t, t.TempDir(), "python3-owslib", "/usr/bin/python3", "-c", script, s.URL); strings.TrimSpace(out) != "read" {
		t.Error(out)
	}
}
