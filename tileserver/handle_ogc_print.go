package tileserver

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/sheet"
	"gengtu/tileserver/ogc"
)

// The forms of answers, as f= names them, and their media types.
const (
	formJSON     = "json"
	formCSV      = "csv"
	formHTML     = "html"
	mediaJSON    = "application/json"
	mediaGeoJSON = "application/geo+json"
	mediaHTML    = "text/html"
)

// mediaTypes are those of features.
var mediaTypes = map[string]string{formJSON: mediaGeoJSON, formCSV: "text/csv", formHTML: mediaHTML}

// ogcColumn is one property of features: its name, and its value.
type ogcColumn struct {
	name  string
	value func(f *index.Feature) any
}

// ogcColumns are the properties that properties= chooses of a layer's, in the layer's
// order; all of them without it.
func (q *itemsRequest) ogcColumns(l *index.Layer) ([]ogcColumn, error) {
	all := layerColumns(l, q.policy().RoundM2)
	names := commaList(q.query("properties"))
	if names == nil {
		return all, nil
	}
	for _, n := range names {
		if !slices.ContainsFunc(all, func(c ogcColumn) bool { return c.name == n }) {
			return nil, problem.New("PARAMETER_PROPERTIES", "properties：没有字段 %.40q", "properties: there is no property %.40q", n)
		}
	}
	return slices.DeleteFunc(all, func(c ogcColumn) bool { return !slices.Contains(names, c.name) }), nil
}

// layerColumns are the properties of a layer's features: its fields, and what /features
// tells beside them.
func layerColumns(l *index.Layer, roundM2 float64) []ogcColumn {
	var out []ogcColumn
	for i, f := range l.Meta.Fields {
		out = append(out, ogcColumn{f.Name, func(f *index.Feature) any { return jsonValue(f.Values[i]) }})
	}
	area := func(f *index.Feature) float64 { return areas.RoundedTo(roundM2, f.AreaM2) }
	for _, c := range []ogcColumn{
		{"layer", func(*index.Feature) any { return l.Meta.Name }},
		{"vintage", func(*index.Feature) any { return l.Meta.Vintage }},
		{areaProperty, func(f *index.Feature) any { return area(f) }},
		{"area_mu", func(f *index.Feature) any { return area(f) * geo.MuPerM2 }},
	} {
		if l.Field(c.name) < 0 {
			out = append(out, c)
		}
	}
	return out
}

// appendFeature appends f as GeoJSON in the system that is asked for.
func (q *itemsRequest) appendFeature(dst []byte, f *index.Feature, links []ogc.Link) ([]byte, error) {
	dst = append(dst, `{"type":"Feature","id":`...)
	dst = strconv.AppendUint(dst, f.ID, 10)
	dst = append(dst, `,"geometry":`...)
	dst = q.crs.AppendGeometry(dst, f.Geometry)
	dst = append(dst, `,"properties":{`...)
	for i, c := range q.columns {
		k, err := json.Marshal(c.name)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(c.value(f))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, k...), ':'), v...)
	}
	dst = append(dst, '}')
	if links != nil {
		text, err := json.Marshal(links)
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, `,"links":`...), text...)
	}
	return append(dst, '}'), nil
}

// ogcPrinter prints a page.
type ogcPrinter interface {
	add(f *index.Feature) error
	// body is what is printed so far.
	body() []byte
	// close returns the whole page.
	close(p *ogcPage) ([]byte, error)
}

func newOGCPrinter(q *itemsRequest) ogcPrinter {
	if q.format == formCSV {
		return &csvPrinter{q: q}
	}
	return &geoJSONPrinter{q: q}
}

// geoJSONPrinter prints a FeatureCollection.
type geoJSONPrinter struct {
	q   *itemsRequest
	out []byte
}

func (p *geoJSONPrinter) add(f *index.Feature) (err error) {
	if len(p.out) > 0 {
		p.out = append(p.out, ',')
	}
	p.out, err = p.q.appendFeature(p.out, f, nil)
	return err
}

func (p *geoJSONPrinter) body() []byte { return p.out }

func (p *geoJSONPrinter) close(page *ogcPage) ([]byte, error) {
	head, err := json.Marshal(struct {
		Type       string     `json:"type"`
		Matched    int        `json:"numberMatched"`
		Returned   int        `json:"numberReturned"`
		Generation string     `json:"generation"`
		Links      []ogc.Link `json:"links"`
	}{"FeatureCollection", page.matched, page.returned, p.q.gen.Name(), page.links})
	if err != nil {
		return nil, err
	}
	head = append(head[:len(head)-1], `,"features":[`...)
	return append(append(head, p.out...), "]}"...), nil
}

// csvPrinter prints a table: id, properties, and the geometry as well-known text in the
// order of the system's axes.
type csvPrinter struct {
	q     *itemsRequest
	out   bytes.Buffer
	table *csv.Writer
}

func (p *csvPrinter) begin() (err error) {
	if p.table != nil {
		return nil
	}
	names := []string{"id"}
	for _, c := range p.q.columns {
		names = append(names, sheet.Harmless(c.name))
	}
	p.table, err = sheet.NewCSV(&p.out, append(names, ogc.GeometryName))
	return err
}

func (p *csvPrinter) add(f *index.Feature) error {
	if err := p.begin(); err != nil {
		return err
	}
	row := []string{strconv.FormatUint(f.ID, 10)}
	for _, c := range p.q.columns {
		row = append(row, csvText(c.value(f)))
	}
	if err := p.table.Write(append(row, p.q.crs.WKT(f.Geometry))); err != nil {
		return err
	}
	p.table.Flush()
	return p.table.Error()
}

// csvText is a value as a cell has it; null is empty.
func csvText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return sheet.Harmless(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func (p *csvPrinter) body() []byte { return p.out.Bytes() }

func (p *csvPrinter) close(*ogcPage) ([]byte, error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	p.table.Flush()
	return p.out.Bytes(), p.table.Error()
}
