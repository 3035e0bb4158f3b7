package main

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// sendAnswer writes an answer to w in a form that ingest's writers make: one GeoPackage,
// or a zip of shapefiles, of all layers of shapes or of the named one. It is for the
// server, which does not know those writers. Files on their way are in dir.
func sendAnswer(ctx context.Context, w io.Writer, r *analyze.Result, form forms.Form, layer, dir string) (err error) {
	dir, err = os.MkdirTemp(dir, ".answer-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, _, err := writeAnswer(ctx, filepath.Join(dir, r.Question.Name+"."+string(form)), r, layer)
	if err != nil {
		return err
	}
	if form == forms.GeoPackage {
		return copyFile(w, files[0])
	}
	z := zip.NewWriter(w)
	for _, path := range files {
		to, err := z.Create(filepath.Base(path))
		if err != nil {
			return err
		}
		if err := copyFile(to, path); err != nil {
			return err
		}
	}
	return z.Close()
}

func copyFile(w io.Writer, path string) error {
	return readWhole(path, func(r io.Reader) error { _, err := io.Copy(w, r); return err })
}

// writeAnswer writes the layers of shapes of an answer, or the named one, to a GeoPackage
// or shapefiles by the ending of path, and returns the files. A GeoPackage has beside
// them the tables without shapes, and one, gengtu_about, that says what all of it is. Of
// several layers there is a shapefile each, the layer's name behind that of path. Every
// row says which answer it is of. What was there is replaced when all is whole.
func writeAnswer(ctx context.Context, path string, r *analyze.Result, layer string) ([]string, []*problem.Problem, error) {
	var shapes []*analyze.Shapes
	for _, s := range r.Shapes {
		if layer == "" || s.Name == layer || s.Table.Name == layer {
			shapes = append(shapes, s)
		}
	}
	geoPackage := strings.EqualFold(filepath.Ext(path), ".gpkg")
	if len(shapes) == 0 && (layer != "" || !geoPackage) {
		_, err := forms.ShapesOf(r, layer)
		return nil, nil, err
	}
	if geoPackage {
		notes, err := writeAnswerPackage(ctx, path, r, shapes, layer == "")
		return []string{path}, notes, err
	}
	return writeAnswerShapefiles(ctx, path, r, shapes)
}

// writeAnswerPackage writes a GeoPackage of layers, with the other tables for a whole answer.
func writeAnswerPackage(ctx context.Context, path string, r *analyze.Result, shapes []*analyze.Shapes, whole bool) ([]*problem.Problem, error) {
	var parts []answerPart
	for _, s := range shapes {
		parts = append(parts, answerPart{name: s.Name, table: s.Table, shapes: s})
	}
	for _, t := range r.Tables {
		if whole && !slices.ContainsFunc(r.Shapes, func(s *analyze.Shapes) bool { return s.Table == t }) {
			parts = append(parts, answerPart{name: t.Name, table: t})
		}
	}
	parts = append(parts, answerPart{name: "gengtu_about", table: forms.About(r), bare: true})
	taken := map[string]bool{}
	var w source.Writer
	for i := range parts {
		p := &parts[i]
		p.name = unlike(taken, p.name, func(s, suffix string) string { return s + suffix })
		err := p.prepare(r, func(name string) string { return name })
		switch {
		case err != nil:
		case w == nil:
			w, err = source.Create(path, p.layer, source.WriteOptions{})
		default:
			err = w.(source.Layered).Next(p.layer)
		}
		if err == nil {
			err = p.write(ctx, w)
		}
		if err != nil {
			return nil, abandon(err, w)
		}
	}
	if err := w.Close(); err != nil {
		return nil, abandon(err, w)
	}
	return w.Notes(), nil
}

// writeAnswerShapefiles writes a shapefile for each layer.
func writeAnswerShapefiles(ctx context.Context, path string, r *analyze.Result, shapes []*analyze.Shapes) (files []string, notes []*problem.Problem, err error) {
	base, ending := path[:len(path)-len(filepath.Ext(path))], filepath.Ext(path)
	var writers []source.Writer
	for _, s := range shapes {
		p := answerPart{name: s.Name, table: s.Table, shapes: s}
		if err := p.prepare(r, dbfNames(p.table)); err != nil {
			return nil, nil, abandon(err, writers...)
		}
		to := base
		if len(shapes) > 1 {
			to += "_" + s.Name
		}
		w, err := source.Create(to+ending, p.layer, source.WriteOptions{Cut: true})
		if err != nil {
			return nil, nil, abandon(err, writers...)
		}
		writers = append(writers, w)
		if err := p.write(ctx, w); err != nil {
			return nil, nil, abandon(err, writers...)
		}
		for _, e := range source.ShapefileEndings() {
			files = append(files, to+e)
		}
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			return nil, nil, abandon(err, writers...)
		}
		notes = append(notes, w.Notes()...)
	}
	return files, notes, nil
}

// abandon takes back what was written, and returns why.
func abandon(err error, writers ...source.Writer) error {
	for _, w := range writers {
		if w != nil {
			err = errors.Join(err, w.Abort())
		}
	}
	return err
}

// answerPart is a table of an answer on its way into a file, with shapes or without.
type answerPart struct {
	name   string
	table  *analyze.Table
	shapes *analyze.Shapes // nil for a table
	bare   bool            // rows do not say which answer they are of
	layer  *source.Layer
	fields []forms.Field
	origin []any
}

// prepare makes the layer that a writer is told of; the fields of the table are called as
// the function says.
func (p *answerPart) prepare(r *analyze.Result, called func(name string) string) error {
	var err error
	if p.fields, err = forms.Fields(p.table); err != nil {
		return err
	}
	p.layer = &source.Layer{Table: p.name, Count: int64(len(p.table.Rows)), CRS: source.CRSInfo{EPSG: 4490}, NoGeometry: p.shapes == nil}
	for i := range p.fields {
		f := &p.fields[i]
		out := source.Field{Name: called(f.Name), Kind: source.Real, Decimals: f.Decimals()}
		switch f.Kind {
		case analyze.Text, analyze.Code:
			out.Kind, out.Decimals = source.Text, 0
		case analyze.Count:
			out.Kind = source.Integer
		case analyze.Truth:
			out.Kind, out.Decimals = source.Bool, 0
		}
		p.layer.Fields = append(p.layer.Fields, out)
	}
	if p.bare {
		return nil
	}
	names, values := forms.Origin(r)
	for i := range names {
		p.layer.Fields = append(p.layer.Fields, source.Field{Name: called(names[i]), Kind: source.Text})
		p.origin = append(p.origin, values[i])
	}
	return nil
}

// write writes the rows.
func (p *answerPart) write(ctx context.Context, w source.Writer) error {
	for i, row := range p.table.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := source.Feature{Record: int64(i + 1), Values: make([]any, 0, len(p.layer.Fields))}
		for k := range p.fields {
			v, err := answerValue(&p.fields[k], row)
			if err != nil {
				return err
			}
			f.Values = append(f.Values, v)
		}
		f.Values = append(f.Values, p.origin...)
		if p.shapes != nil {
			var m geo.MultiPolygon
			var err error
			if m, err = p.shapes.Geometry(ctx, i); err != nil {
				return err
			}
			f.Polygons = degrees(m)
		}
		if err := w.Write(&f); err != nil {
			return err
		}
	}
	return nil
}

// answerValue is a cell as writers take it: a number is that of the digits that other
// forms have.
func answerValue(f *forms.Field, row []any) (any, error) {
	switch v := row[f.Column].(type) {
	case nil, string, bool, int64:
		return v, nil
	}
	text, err := f.Text(row)
	if err != nil {
		return nil, err
	}
	return strconv.ParseFloat(text, 64)
}

// dbfNameBytes is how long the name of a field of a dbf may be.
const dbfNameBytes = 10

// dbfNames names the fields of a table so that a dbf can hold them: what is cut keeps
// the unit behind it, and what is the same then gets a number.
func dbfNames(t *analyze.Table) func(name string) string {
	taken := map[string]bool{}
	return func(name string) string {
		stem, unit := name, ""
		if at := strings.LastIndexByte(name, '_'); len(name) > dbfNameBytes && at > 0 && slices.Contains([]string{"_m2", "_mu", "_ha"}, name[at:]) && t.Column(name[:at]) >= 0 {
			stem, unit = name[:at], name[at:]
		}
		return unlike(taken, stem, func(s, suffix string) string {
			return fitted(s, dbfNameBytes-len(unit)-len(suffix)) + suffix + unit
		})
	}
}

// fitted returns as many whole characters of s as fit into n bytes of GBK, where what is
// not ASCII has two.
func fitted(s string, n int) string {
	for i, r := range s {
		if n--; r > 127 {
			n--
		}
		if n < 0 {
			return strings.TrimRight(s[:i], "_")
		}
	}
	return s
}

// unlike returns what is made of a name with an empty suffix, or with the first number
// that makes it unlike those taken, in whatever case.
func unlike(taken map[string]bool, name string, made func(name, suffix string) string) string {
	out := made(name, "")
	for n := 2; taken[strings.ToLower(out)]; n++ {
		out = made(name, "_"+strconv.Itoa(n))
	}
	taken[strings.ToLower(out)] = true
	return out
}
