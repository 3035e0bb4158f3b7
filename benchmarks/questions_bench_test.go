package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
)

// yearsParcels are the patches of the landscapes of two vintages: 541,000 polygons of
// cropland, PBF and HSF each, and a small one.
var yearsParcels = map[string]int{"years": 426_760, "years10k": 10_000}

// years is a landscape with both of its years in one edition.
func years(tb testing.TB, name string) *dataset {
	tb.Helper()
	later := sampled(tb, yearsParcels[name])
	earlier := filepath.Join(filepath.Dir(later), "2023")
	d := &dataset{
		name: name, vintage: "2024", zooms: "9-10", asked: []string{"dltb@2023", "cropland@2024", "dltb@2024", "pbf@2023", "pbf@2024", "hsf@2024"},
		fields: []string{"DLBM", "ZLDWDM", "TBMJ", "TBDLMJ", "YJJBNTTBMJ", "YJJBNTMJ", "JSND", "STAGE"},
	}
	for _, dir := range []string{earlier, later} {
		for _, f := range county(name, dir).files {
			d.files = append(d.files, delivered{f.layer + "@" + filepath.Base(dir), f.path})
		}
	}
	return d
}

// question is one that both sides are asked. SQL answers with one number; figure finds
// the same number in our answer, in m².
type question struct {
	request analyze.Request
	sql     string
	figure  func(r *analyze.Result) float64
}

// questions are those of whole layers; DATA stands for the name of the dataset.
var questions = map[string]question{
	"hsf-outside-pbf": {
		analyze.Request{Question: "hsf-outside-pbf", By: "township", Vintage: "2024"},
		// Pieces with their shapes, perimeters and the border that each has with PBF; tracts of
		// PBF at 20 m, and which of them a piece reaches. (Ours tells slivers, flags and
		// ranks besides.)
		`CREATE TEMP TABLE h AS SELECT (ST_Dump(ST_Union(g))).geom g FROM DATA_hsf_2024; CREATE INDEX ON h USING gist(g); ANALYZE h;
CREATE TEMP TABLE c AS SELECT left(c.zldwdm,9) town, c.tbdlmj / c.ga k, ST_Intersection(c.g, h.g) g FROM DATA_cropland_2024 c JOIN h ON ST_Intersects(c.g, h.g);
CREATE TEMP TABLE s AS SELECT row_number() OVER () id, town, k, coalesce(ST_Difference(c.g, (SELECT ST_Union(p.g) FROM DATA_pbf_2024 p WHERE ST_Intersects(p.g, c.g))), c.g) g FROM c;
DELETE FROM s WHERE ST_IsEmpty(g) OR ST_Area(g) = 0; CREATE INDEX ON s USING gist(g); ANALYZE s;
CREATE TEMP TABLE border AS SELECT s.id, ST_Perimeter(s.g) perimeter, (SELECT sum(ST_Length(ST_Intersection(ST_Boundary(s.g), p.g))) FROM DATA_pbf_2024 p WHERE ST_Intersects(p.g, s.g)) shared FROM s;
CREATE TEMP TABLE tract AS SELECT g, ga, ST_ClusterDBSCAN(g, 20, 1) OVER () comp FROM DATA_pbf_2024; CREATE INDEX ON tract USING gist(g); ANALYZE tract;
CREATE TEMP TABLE comp AS SELECT comp, sum(ga) m2 FROM tract GROUP BY 1;
CREATE TEMP TABLE gain AS SELECT n.id, sum(c.m2) m2 FROM (SELECT DISTINCT s.id, t.comp FROM s JOIN tract t ON ST_DWithin(s.g, t.g, 20)) n JOIN comp c USING (comp) GROUP BY 1;
SELECT sum(k * ST_Area(g)) FROM s; `,
		func(r *analyze.Result) float64 { return total(r, "hsf_not_pbf_sum", "crop", nil) },
	},
	"pbf-not-hsf": {
		analyze.Request{Question: "pbf-not-hsf", By: "township", Vintage: "2024"},
		// What is built by each year that parcels were built in, by township; tracts at 20 m of
		// what is not built. (Ours ranks them, and tells need and trend besides.)
		`CREATE TEMP TABLE h (year int, g geometry);
INSERT INTO h SELECT y, (ST_Dump((SELECT ST_Union(g) FROM DATA_hsf_2024 WHERE jsnd <= y))).geom FROM (SELECT DISTINCT jsnd y FROM DATA_hsf_2024) years; CREATE INDEX ON h USING gist(g); ANALYZE h;
CREATE TEMP TABLE built AS SELECT h.year, left(p.zldwdm,9) town, sum(p.yjjbntmj / p.ga * ST_Area(ST_Intersection(p.g, h.g))) net FROM DATA_pbf_2024 p JOIN h ON ST_Intersects(p.g, h.g) GROUP BY 1, 2;
CREATE TEMP TABLE last AS SELECT g FROM h WHERE year = (SELECT max(year) FROM h); CREATE INDEX ON last USING gist(g); ANALYZE last;
CREATE TEMP TABLE s AS SELECT coalesce(ST_Difference(p.g, (SELECT ST_Union(h.g) FROM last h WHERE ST_Intersects(p.g, h.g))), p.g) g, p.yjjbntmj / p.ga k FROM DATA_pbf_2024 p;
DELETE FROM s WHERE ST_IsEmpty(g);
CREATE TEMP TABLE tract AS SELECT comp, sum(ST_Area(g)) m2 FROM (SELECT g, ST_ClusterDBSCAN(g, 20, 1) OVER () comp FROM s) c GROUP BY 1;
SELECT sum(k * ST_Area(g)) FROM s; `,
		func(r *analyze.Result) float64 {
			latest := int64(0)
			return total(r, "pbf_hsf_progress", "gap", func(t *analyze.Table, row []any) bool {
				year := row[t.Column("year")].(int64)
				if latest == 0 { // rows of a place come by year, the last one is the state asked about
					for _, row := range t.Rows {
						latest = max(latest, row[t.Column("year")].(int64))
					}
				}
				return year == latest
			})
		},
	},
	"summary": {
		analyze.Request{Question: "summary", By: "township"},
		`CREATE TEMP TABLE s (what text, town text, net float8, patch float8, area float8, n int);
INSERT INTO s SELECT 'cropland 2023', left(zldwdm,9), sum(tbdlmj), sum(tbmj), sum(ga), count(*) FROM DATA_dltb_2023 WHERE dlbm LIKE '01%' GROUP BY 2;
INSERT INTO s SELECT 'cropland 2024', left(zldwdm,9), sum(tbdlmj), sum(tbmj), sum(ga), count(*) FROM DATA_cropland_2024 GROUP BY 2;
INSERT INTO s SELECT 'pbf 2023', left(zldwdm,9), sum(yjjbntmj), sum(yjjbnttbmj), sum(ga), count(*) FROM DATA_pbf_2023 GROUP BY 2;
INSERT INTO s SELECT 'pbf 2024', left(zldwdm,9), sum(yjjbntmj), sum(yjjbnttbmj), sum(ga), count(*) FROM DATA_pbf_2024 GROUP BY 2;
INSERT INTO s SELECT 'pbf 2023 twice', left(a.zldwdm,9), 0, 0, -sum(ST_Area(ST_Intersection(a.g, b.g))), 0 FROM DATA_pbf_2023 a JOIN DATA_pbf_2023 b ON ST_Intersects(a.g, b.g) AND a.ctid < b.ctid GROUP BY 2;
INSERT INTO s SELECT 'pbf 2024 twice', left(a.zldwdm,9), 0, 0, -sum(ST_Area(ST_Intersection(a.g, b.g))), 0 FROM DATA_pbf_2024 a JOIN DATA_pbf_2024 b ON ST_Intersects(a.g, b.g) AND a.ctid < b.ctid GROUP BY 2;
SELECT sum(net) FROM s; `,
		func(r *analyze.Result) float64 {
			return total(r, "dash_area", "crop", nil) + total(r, "dash_area", "pbf", nil)
		},
	},
	"flows": {
		analyze.Request{Question: "flows", By: "township", From: "2023", Vintage: "2024"},
		`CREATE TEMP TABLE f AS SELECT a.dlbm a, b.dlbm b, left(a.zldwdm,9) town, sum(ST_Area(ST_Intersection(a.g, b.g))) m2
 FROM DATA_dltb_2023 a JOIN DATA_dltb_2024 b ON ST_Intersects(a.g, b.g) GROUP BY 1, 2, 3; SELECT sum(m2) FROM f WHERE a <> b; `,
		func(r *analyze.Result) float64 {
			return total(r, "flow", "area", func(t *analyze.Table, row []any) bool {
				from, to := row[t.Column("from")], row[t.Column("to")]
				return from != nil && to != nil && from != to
			})
		},
	},
}

// total adds a column of areas of a table up, in m²; only chooses rows, nil is all.
func total(r *analyze.Result, table, column string, only func(t *analyze.Table, row []any) bool) float64 {
	sum := analyze.Area(0)
	for _, t := range r.Tables {
		if t.Name != table {
			continue
		}
		at := t.Column(column)
		for _, row := range t.Rows {
			if v, ok := row[at].(analyze.Area); ok && (only == nil || only(t, row)) {
				sum += v
			}
		}
	}
	return float64(sum) / 100
}

// BenchmarkQuestions measures whole-layer questions beside the same in PostGIS.
func BenchmarkQuestions(b *testing.B) {
	for _, data := range []string{"years10k", "years"} {
		for _, name := range []string{"hsf-outside-pbf", "pbf-not-hsf", "summary", "flows"} {
			q := questions[name]
			b.Run(fmt.Sprintf("data=%s/question=%s", data, name), func(b *testing.B) {
				d := open(b, data)
				var ours float64
				b.Run("by=gengtu", func(b *testing.B) {
					b.ReportAllocs()
					timed(b, processor, func() {
						r, err := analyze.Run(b.Context(), d.ix, q.request, analyze.Options{})
						if err != nil {
							b.Fatal(err)
						}
						ours = q.figure(r)
					})
				})
				b.Run("by=postgis", func(b *testing.B) {
					p := postgis(b, d)
					timed(b, p.processor, func() {
						got := number(b, p.ask(b, "DISCARD TEMP; "+strings.ReplaceAll(q.sql, "DATA", d.name)))
						if !near(got, ours) {
							b.Fatalf("PostGIS has %v m², we have %v", got, ours)
						}
					})
				})
			})
		}
		b.Run("data="+data+"/question=contiguity/by=gengtu", func(b *testing.B) { contiguous(b, open(b, data)) })
	}
}

// contiguous measures the tracts of PBF at four tolerances, without a rival: each answer
// has the sums of the first, and a row of them for each tolerance.
func contiguous(b *testing.B, d *dataset) {
	var first [][]any
	timed(b, processor, func() {
		sums, err := tracts(b.Context(), d.ix)
		if err != nil {
			b.Fatal(err)
		}
		if first == nil {
			first = sums
		}
		if len(sums) != 4 || !reflect.DeepEqual(first, sums) {
			b.Fatalf("%v, first %v", sums, first)
		}
	})
}

// tracts asks for the contiguity of PBF at 0, 10, 20 and 50 m by township, and returns
// the rows of the sums.
func tracts(ctx context.Context, ix *index.Index) ([][]any, error) {
	r, err := analyze.Run(ctx, ix, analyze.Request{Question: "contiguity", By: "township", Vintage: "2024", Parameters: map[string]string{"gaps": "0,10,20,50"}}, analyze.Options{})
	if err != nil {
		return nil, err
	}
	for _, t := range r.Tables {
		if t.Name == "contiguity_total" {
			return t.Rows, nil
		}
	}
	return nil, errors.New("there are no sums")
}
