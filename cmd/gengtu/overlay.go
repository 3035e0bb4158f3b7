package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

func runOverlay(e *env, fs *flags) error {
	dir := fs.String("edition", "", "版本目录|the edition's directory")
	layers := fs.String("layers", "", "图层，逗号分隔|layers, separated by commas (cropland,pbf,hsf)")
	by := fs.String("by", "", "按字段分组|field to group by, in every layer that has it")
	place := fs.String("place", "", "行政区代码|code of a place instead of a file")
	vintage := fs.String("vintage", "", "时相|vintage")
	crsName := fs.String("crs", "", "范围文件的坐标系|coordinate system of the shape, when its file says none")
	table := fs.String("table", "", "范围文件里的图层|layer of the shape's file")
	out := fs.String("out", "", "输出文件 .json .csv .geojson .html|the file to write: .json .csv .geojson .html")
	args, err := fs.parse(0, 1)
	if err != nil {
		return err
	}
	if err := need("edition", *dir); err != nil {
		return err
	}
	if (len(args) == 1) == (*place != "") {
		return usage("ARGUMENTS", "给出范围文件或 --place 中的一个", "give a file with the shape, or --place")
	}
	ending := strings.ToLower(filepath.Ext(*out))
	write, ok := overlayWriters[ending]
	if !ok {
		if ending == ".xlsx" {
			return usage("NOT_AVAILABLE", "这一版程序还不能写 %s", "this program does not write %s yet", ending)
		}
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q", "the ending %q is no format", ending)
	}
	ix, err := index.Open(*dir, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	q := areas.Question{Combinations: true, Vintage: *vintage, Pieces: ending == ".geojson"}
	if *layers != "" {
		q.Layers = strings.Split(*layers, ",")
	}
	if err := groupBy(ix, &q, *by); err != nil {
		return err
	}
	var results []areas.Result
	if *place != "" {
		results, err = e.overlayPlace(ix, q, *place)
	} else {
		results, err = e.overlayFile(ix, q, args[0], *table, *crsName)
	}
	if err != nil {
		return err
	}
	if *out == "" {
		err = write(e.stdout, results, e.lang)
	} else {
		err = writeFile(*out, func(w io.Writer) error { return write(w, results, e.lang) })
	}
	if err != nil {
		return err
	}
	return e.tellFailed(results)
}

// tellFailed says which shapes have no answer; when none has one, that is an
// error.
func (e *env) tellFailed(results []areas.Result) error {
	failed := 0
	for i, r := range results {
		if r.Problem != nil {
			failed++
			e.notef("%s\n", r.Problem.At(int64(i+1), strings.Trim(string(r.ID), `"`)).Text(e.lang))
		}
	}
	if failed > 0 && failed == len(results) {
		return problem.New("OVERLAY_NONE", "%d 个范围都没有算出来", "none of %d shapes could be answered", failed)
	}
	return nil
}

// groupBy asks for a field in every layer asked about that has it.
func groupBy(ix *index.Index, q *areas.Question, field string) error {
	if field == "" {
		return nil
	}
	names := q.Layers
	if len(names) == 0 {
		names = areas.DefaultLayers
	}
	q.GroupBy = map[string][]string{}
	for _, n := range names {
		if l := ix.Layer(n, q.Vintage); l != nil && l.Field(field) >= 0 {
			q.GroupBy[n] = strings.Split(field, ",")
		}
	}
	if len(q.GroupBy) == 0 {
		return problem.New("PARAMETER_FIELD", "所问图层都没有字段 %q", "no layer asked about has the field %q", field)
	}
	return nil
}

func (e *env) overlayPlace(ix *index.Index, q areas.Question, place string) ([]areas.Result, error) {
	var err error
	if q.Shape, err = areas.Place(e.ctx, ix, place, q.Vintage); err != nil {
		return nil, err
	}
	a, err := areas.Ask(e.ctx, ix, q)
	if err != nil {
		return nil, err
	}
	a.Program = programVersion()
	return []areas.Result{{Answer: a, Single: true}}, nil
}

// overlayFile answers for each feature of a file, in order. A GeoJSON geometry
// or Feature gives one answer alone.
func (e *env) overlayFile(ix *index.Index, q areas.Question, path, table, crsName string) ([]areas.Result, error) {
	shapes, many, info, err := e.readShapes(path, table)
	if err != nil {
		return nil, err
	}
	var crs geo.CRS
	if crsName != "" {
		crs, err = areas.ParseCRS(crsName)
	} else {
		crs, err = ingest.SourceCRS(path, info)
	}
	if err != nil {
		return nil, err
	}
	var out []areas.Result
	for _, s := range shapes {
		r, err := e.overlayShape(ix, q, crs, &s)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if !many {
		if out[0].Problem != nil {
			return nil, out[0].Problem.In(path)
		}
		out[0].Single = true
	}
	return out, nil
}

// overlayShape answers for one shape. What is wrong with it is told in the
// result and fails no other.
func (e *env) overlayShape(ix *index.Index, q areas.Question, crs geo.CRS, s *areas.Given) (areas.Result, error) {
	r := areas.Result{ID: s.ID, Properties: s.Properties}
	err := s.Err
	if err == nil {
		q.Shape, err = areas.Shape(s.Polygons, crs)
	}
	if err == nil {
		r.Answer, err = areas.Ask(e.ctx, ix, q)
	}
	if err == nil {
		r.Answer.Program = programVersion()
		return r, nil
	}
	r.Problem = problem.Of(err)
	if e.ctx.Err() != nil || r.Problem == nil {
		return r, err
	}
	return r, nil
}

// readShapes reads the shapes of a file, and what it says of their coordinates.
// Many is false for a GeoJSON geometry or Feature that stands alone.
func (e *env) readShapes(path, table string) (shapes []areas.Given, many bool, crs source.CRSInfo, err error) {
	rd, err := source.Open(e.ctx, path, source.Options{Table: table})
	if err != nil {
		return nil, false, crs, err
	}
	defer func() { _ = rd.Close() }() // only read
	crs = rd.Layer().CRS
	if ending := strings.ToLower(filepath.Ext(path)); ending == ".json" || ending == ".geojson" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, false, crs, err
		}
		if json.Valid(data) { // else a text sequence, which is read below
			shapes, many, err = areas.ParseShapes(data, areas.Limits{})
			return shapes, many, crs, err
		}
	}
	shapes, err = recordShapes(rd)
	return shapes, true, crs, err
}

// recordShapes reads every record as a shape; its id is its number in the file.
func recordShapes(rd source.Reader) ([]areas.Given, error) {
	var out []areas.Given
	for {
		var f source.Feature
		if err := rd.Next(&f); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		props := map[string]any{}
		for i, v := range f.Values {
			props[rd.Layer().Fields[i].Name] = v
		}
		data, err := json.Marshal(props)
		if err != nil {
			return nil, err
		}
		g := areas.Given{ID: strconv.AppendInt(nil, f.Record, 10), Properties: data, Polygons: f.Polygons}
		if f.Problem != nil {
			g.Err = f.Problem
		}
		out = append(out, g)
	}
}

// overlayWriters write results by the ending of the file; "" is standard output.
var overlayWriters = map[string]func(w io.Writer, r []areas.Result, lang problem.Lang) error{
	"": writeOverlayJSON, ".json": writeOverlayJSON,
	".csv":     func(w io.Writer, r []areas.Result, _ problem.Lang) error { return areas.WriteCSV(w, r) },
	".geojson": writeOverlayPieces, ".html": writeOverlayPage,
}

func writeOverlayJSON(w io.Writer, results []areas.Result, _ problem.Lang) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if len(results) == 1 && results[0].Single {
		return enc.Encode(results[0].Answer)
	}
	if results == nil {
		results = []areas.Result{}
	}
	return enc.Encode(results)
}

// writeOverlayPieces writes every piece as a GeoJSON feature.
func writeOverlayPieces(w io.Writer, results []areas.Result, _ problem.Lang) error {
	type feature struct {
		Type       string          `json:"type"`
		Properties map[string]any  `json:"properties"`
		Geometry   json.RawMessage `json:"geometry"`
	}
	out := []feature{}
	for i, r := range results {
		if r.Answer == nil {
			continue
		}
		for _, l := range r.Answer.Layers {
			for _, p := range l.Pieces {
				out = append(out, feature{"Feature", map[string]any{
					"shape": i + 1, "layer": l.Layer, "id": p.ID, "area_m2": p.AreaM2, "area_mu": p.AreaM2 * geo.MuPerM2, "net_m2": p.NetM2,
				}, geo.AppendGeoJSON(nil, p.Shape)})
			}
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"type": "FeatureCollection", "features": out})
}

var overlayPage = template.Must(template.New("overlay").Funcs(template.FuncMap{
	"m2": func(v float64) string { return fmt.Sprintf("%.2f", v) },
	"rec": func(v *float64) string {
		if v == nil {
			return "—"
		}
		return fmt.Sprintf("%.2f", *v)
	},
	"join": func(s []string) string { return strings.Join(s, " + ") },
}).Parse(`<!doctype html><html lang="zh"><meta charset="utf-8"><title>叠加面积 overlay</title>
<style>body{font:14px/1.5 sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #999;padding:2px 8px;text-align:right}td:first-child,th:first-child{text-align:left}</style>
{{range .}}{{if .Problem}}<p>{{.Problem.Error}}</p>{{else}}{{with .Answer}}
<h2>{{m2 .AOI.AreaM2}} m² = {{m2 .AOI.AreaMu}} 亩 = {{m2 .AOI.AreaHa}} ha</h2>
<table><tr><th>图层 layer</th><th>时相</th><th>要素</th><th>m²</th><th>亩</th><th>ha</th><th>图斑面积 m²</th><th>净面积 m²</th></tr>
{{range .Layers}}<tr><td>{{.Layer}}</td><td>{{.Vintage}}</td><td>{{.Count}}</td><td>{{m2 .AreaM2}}</td><td>{{m2 .AreaMu}}</td><td>{{m2 .AreaHa}}</td><td>{{rec .PatchM2}}</td><td>{{rec .NetM2}}</td></tr>{{end}}</table>
<table><tr><th>组合 combination</th><th>m²</th></tr>{{range .Combinations}}<tr><td>{{if .Inside}}{{join .Inside}}{{else}}—{{end}}</td><td>{{m2 .AreaM2}}</td></tr>{{end}}</table>
<p>{{.Formula}} · {{.Tier}} · {{.Generation}} · {{.Program}} · failed: {{len .Failed}}</p>
{{end}}{{end}}{{end}}</html>
`))

func writeOverlayPage(w io.Writer, results []areas.Result, _ problem.Lang) error {
	return overlayPage.Execute(w, results)
}
