package forms

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// crsName is the coordinate system of every shape in an answer.
const crsName = "EPSG:4490"

// head is what an answer says beside its tables, in the order in which it stands there.
type head struct {
	Run        string                 `json:"run"`
	Question   string                 `json:"question"`
	Title      edition.Title          `json:"title"`
	About      edition.Title          `json:"about"`
	Request    analyze.Request        `json:"request"`
	Previous   string                 `json:"previous,omitempty"` // the run that it goes on from
	Generation string                 `json:"generation"`
	Program    string                 `json:"program"`
	Tier       edition.Tier           `json:"tier"`
	Formula    string                 `json:"formula"`
	CRS        string                 `json:"crs"`
	Rules      analyze.Version        `json:"rules"`
	Layers     []analyze.LayerVersion `json:"layers"`
	Identities []identity             `json:"identities"`
	Notes      []edition.Title        `json:"notes"`
	Sources    []edition.Title        `json:"sources"`
	Policy     edition.Policy         `json:"policy"`
}

// identity is an identity with both its sides.
type identity struct {
	Name       string        `json:"name"`
	Title      edition.Title `json:"title"`
	Left       json.Number   `json:"left_m2"`
	Right      json.Number   `json:"right_m2"`
	Difference json.Number   `json:"difference_m2"`
}

// column is a column in the head of a table.
type column struct {
	Name  string        `json:"name"`
	Title edition.Title `json:"title"`
	Kind  analyze.Kind  `json:"kind"`
	Unit  Unit          `json:"unit,omitempty"`
	// Values are what the codes of the column are called, where they are of the question's own.
	Values []analyze.Choice `json:"values,omitempty"`
}

// headOf returns what an answer says beside its tables.
func headOf(r *analyze.Result) *head {
	h := &head{
		Run: r.Run, Question: r.Question.Name, Title: r.Question.Title, About: r.Question.About, Request: r.Request,
		Generation: r.Generation, Program: r.Program, Tier: r.Tier, Formula: r.Formula, CRS: crsName, Rules: r.Rules,
		Layers: orEmpty(r.Layers), Identities: []identity{}, Notes: orEmpty(r.Notes), Sources: orEmpty(r.Question.Sources), Policy: r.Policy,
	}
	if r.Request.Previous != nil {
		h.Previous = r.Request.Previous.Run
	}
	for i := range r.Identities {
		x := &r.Identities[i]
		number := func(a analyze.Area) json.Number { return json.Number(areaText(a, M2)) }
		h.Identities = append(h.Identities, identity{x.Name, x.Title, number(x.Left), number(x.Right), number(x.Left - x.Right)})
	}
	return h
}

// orEmpty returns a list that is written as one, not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// reserved are the members of the JSON that no extra may be called.
var reserved = []string{
	"run", "question", "title", "about", "request", "previous", "generation", "program", "tier", "formula", "crs", "rules", "layers",
	"identities", "notes", "sources", "policy", "tables", "shapes",
}

// jsonOf returns a value as JSON, on one line, with characters as they are.
func jsonOf(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// writeJSON writes the answer as one object: what it is, then extras by name, then the
// tables, a row on each line, then the layers of shapes.
func writeJSON(ctx context.Context, w *bufio.Writer, r *analyze.Result, opt Options) error {
	data, err := jsonOf(headOf(r))
	if err != nil {
		return err
	}
	if _, err := w.Write(data[:len(data)-1]); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		if slices.Contains(reserved, name) {
			return problem.New("ANSWER_VALUE", "附加内容不能叫 %.40s", "no extra of an answer may be called %.40s", name)
		}
		if err := member(w, name, r.Extra[name]); err != nil {
			return err
		}
	}
	if _, err := w.WriteString(",\n\"tables\":["); err != nil {
		return err
	}
	for i, t := range r.Tables {
		if err := separate(w, i); err != nil {
			return err
		}
		if err := writeTable(ctx, w, t); err != nil {
			return err
		}
	}
	if _, err := w.WriteString("],\n\"shapes\":["); err != nil {
		return err
	}
	for i, s := range r.Shapes {
		if err := separate(w, i); err != nil {
			return err
		}
		if err := writeShapes(ctx, w, s, opt.Geometry); err != nil {
			return err
		}
	}
	_, err = w.WriteString("]}\n")
	return err
}

// member writes a comma and a member of an object.
func member(w *bufio.Writer, name string, value any) error {
	key, err := jsonOf(name)
	if err != nil {
		return err
	}
	data, err := jsonOf(value)
	if err != nil {
		return err
	}
	_, err = w.Write(slices.Concat([]byte(",\n"), key, []byte(":"), data))
	return err
}

// separate begins element i of a list on a line of its own.
func separate(w *bufio.Writer, i int) error {
	lead := ",\n"
	if i == 0 {
		lead = "\n"
	}
	_, err := w.WriteString(lead)
	return err
}

// writeTable writes a table with its columns before its rows.
func writeTable(ctx context.Context, w *bufio.Writer, t *analyze.Table) error {
	fields, err := Fields(t)
	if err != nil {
		return err
	}
	columns := make([]column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = column{Name: c.Name, Title: c.Title, Kind: c.Kind, Values: analyze.Values(t.Name, c.Name)}
		switch c.Kind {
		case analyze.Areas:
			columns[i].Unit = M2
		case analyze.Length:
			columns[i].Unit = M
		}
	}
	data, err := jsonOf(struct {
		Name    string        `json:"name"`
		Title   edition.Title `json:"title"`
		Columns []column      `json:"columns"`
	}{t.Name, t.Title, columns})
	if err != nil {
		return err
	}
	if _, err := w.Write(append(data[:len(data)-1], `,"rows":[`...)); err != nil {
		return err
	}
	keys, err := memberNames(fields)
	if err != nil {
		return err
	}
	var line []byte
	for i, row := range t.Rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := separate(w, i); err != nil {
			return err
		}
		if line, err = appendRow(line[:0], fields, keys, row); err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	_, err = w.WriteString("]}")
	return err
}

// memberNames returns the names of fields as they begin members.
func memberNames(fields []Field) ([]string, error) {
	keys := make([]string, len(fields))
	for i := range fields {
		key, err := jsonOf(fields[i].Name)
		if err != nil {
			return nil, err
		}
		keys[i] = string(key) + ":"
	}
	return keys, nil
}

// appendRow appends a row as an object with a member for each field.
func appendRow(dst []byte, fields []Field, keys []string, row []any) ([]byte, error) {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, keys[i]...)
		text, err := fields[i].Text(row)
		switch v := row[fields[i].Column].(type) {
		case nil:
			dst = append(dst, "null"...)
		case string:
			var data []byte
			data, err = jsonOf(v)
			dst = append(dst, data...)
		default:
			dst = append(dst, text...)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// writeShapes writes a layer of shapes: what it is, and the geometry of each row of its
// table where that is asked for.
func writeShapes(ctx context.Context, w *bufio.Writer, s *analyze.Shapes, geometry bool) error {
	data, err := jsonOf(struct {
		Name  string        `json:"name"`
		Title edition.Title `json:"title"`
		Table string        `json:"table"`
	}{s.Name, s.Title, s.Table.Name})
	if err != nil || !geometry {
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}
	if _, err := w.Write(append(data[:len(data)-1], `,"geometries":[`...)); err != nil {
		return err
	}
	var line []byte
	for i := range s.Table.Rows {
		m, err := s.Geometry(ctx, i)
		if err != nil {
			return err
		}
		if err := separate(w, i); err != nil {
			return err
		}
		if _, err := w.Write(appendGeometry(line[:0], m)); err != nil {
			return err
		}
	}
	_, err = w.WriteString("]}")
	return err
}

// appendGeometry appends a shape as GeoJSON, null for none.
func appendGeometry(dst []byte, m geo.MultiPolygon) []byte {
	if len(m) == 0 {
		return append(dst, "null"...)
	}
	return geo.AppendGeoJSON(dst, m)
}
