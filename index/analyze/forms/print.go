// Package forms writes answers of package analyze as files: JSON, which is also read
// back ([Read]), CSV, a workbook, GeoJSON, and a page to print and to attach to a file.
//
// In goes a [analyze.Result], out come bytes that depend on nothing else: no clock, no
// machine. An area is an integer of 0.01 m² in all of them, told exactly as m² with 2
// decimals, mu with 4 and hectares with 2, the last two rounded half away from zero. Rows go out one
// by one; nothing holds a table twice.
//
// GeoPackages and shapefiles are not written here: that is for whoever may use ingest's
// writers, by the fields and cells of [Fields] and [Field.Text].
package forms

import (
	"bufio"
	"context"
	"io"

	"gengtu/index/analyze"
	"gengtu/index/problem"
)

// Form is a form in which an answer is written.
type Form string

// The forms.
const (
	JSON    Form = "json"    // the whole answer; see [Read]
	CSV     Form = "csv"     // one table
	XLSX    Form = "xlsx"    // a sheet for each table, and one that says what they are
	GeoJSON Form = "geojson" // one layer of shapes, with the rows of its table
	HTML    Form = "html"    // a page for A4
)

// The forms that ingest's writers make, not [Write]. A shapefile that is sent is a zip of
// those of all layers.
const (
	GeoPackage Form = "gpkg"
	Shapefile  Form = "shp"
)

// Forms are the forms that [Write] writes.
var Forms = []Form{JSON, CSV, XLSX, GeoJSON, HTML}

// MediaType is what the form is sent as.
func (f Form) MediaType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case GeoJSON:
		return "application/geo+json"
	case HTML:
		return "text/html; charset=utf-8"
	case GeoPackage:
		return "application/geopackage+sqlite3"
	case Shapefile:
		return "application/zip"
	}
	return "application/json"
}

// Options are choices of a form; the zero value is what most want.
type Options struct {
	// Table names the table of [CSV], or the layer of [GeoJSON] by its own name or its
	// table's; "" is the first.
	Table string
	// Geometry puts the shapes into [JSON], too: what is read back then has them.
	Geometry bool
	// Places are what the map of [HTML] shows under the shapes; see [Outlines].
	Places []Outline
}

// Write writes an answer in a form. Errors are w's, ctx's, those of reading shapes, and
// problems: ANSWER_TABLE for a table or a layer that the answer does not have,
// ANSWER_VALUE for what no file can hold.
func Write(ctx context.Context, w io.Writer, r *analyze.Result, form Form, opt Options) error {
	b := bufio.NewWriterSize(w, 1<<16)
	var err error
	switch form {
	case JSON:
		err = writeJSON(ctx, b, r, opt)
	case CSV:
		var t *analyze.Table
		if t, err = TableOf(r, opt.Table); err == nil {
			err = writeCSV(ctx, b, r, t)
		}
	case XLSX:
		err = writeBook(ctx, b, r)
	case GeoJSON:
		var s *analyze.Shapes
		if s, err = ShapesOf(r, opt.Table); err == nil {
			err = writeGeoJSON(ctx, b, r, s)
		}
	case HTML:
		err = writePage(ctx, b, r, opt)
	default:
		err = problem.New("FORMAT_UNKNOWN", "不认识格式 %.40q", "the format %.40q is not known", string(form)).
			Advise("可用 json csv xlsx geojson html", "there are json, csv, xlsx, geojson and html")
	}
	if err != nil {
		return err
	}
	return b.Flush()
}
