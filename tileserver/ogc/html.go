package ogc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
)

// Page is what a document in HTML has beside its content.
type Page struct {
	Title    string
	Home     string // address of the landing page
	Language string // "zh" or "en"
}

// HTML shows a JSON object as an HTML page: objects and lists of objects as tables,
// addresses as links, everything there that is in the object (17-069r4, 8.2). It has no
// scripts. What it shows nests [maxNesting] deep at most.
func HTML(p Page, object []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	v, err := decodeOrdered(d, 0)
	if err != nil {
		return nil, err
	}
	w := &htmlWriter{}
	title := html.EscapeString(p.Title)
	fmt.Fprintf(&w.Buffer, `<!DOCTYPE html><html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title>`, html.EscapeString(p.Language), title)
	w.WriteString(`<style>body{font:15px sans-serif;margin:1em 2em}table{border-collapse:collapse}th,td{border:1px solid #ccc;padding:.2em .5em;text-align:left;vertical-align:top}th{background:#f4f4f4;font-weight:600}</style></head><body>`)
	fmt.Fprintf(&w.Buffer, `<nav><a href="%s">OGC API</a></nav><h1>%s</h1>`, html.EscapeString(p.Home), title)
	w.value(v)
	w.WriteString("</body></html>\n")
	return w.Bytes(), nil
}

// member is a name and its value; members are an object in the order that it was written.
type member struct {
	name  string
	value any
}

type members []member

func (m members) get(name string) (any, bool) {
	i := slices.IndexFunc(m, func(o member) bool { return o.name == name })
	if i < 0 {
		return nil, false
	}
	return m[i].value, true
}

// maxNesting is deeper than any document of ours.
const maxNesting = 64

var errNesting = errors.New("JSON nests too deep")

// decodeOrdered reads a value; an object as members, a list as []any.
func decodeOrdered(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		m := members{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeOrdered(d, depth+1)
			if err != nil {
				return nil, err
			}
			m = append(m, member{fmt.Sprint(name), v})
		}
		_, err = d.Token()
		return m, err
	case json.Delim('['):
		l := []any{}
		for d.More() {
			v, err := decodeOrdered(d, depth+1)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		_, err = d.Token()
		return l, err
	}
	return t, nil
}

type htmlWriter struct{ bytes.Buffer }

func (w *htmlWriter) text(s string) { w.WriteString(html.EscapeString(s)) }

func (w *htmlWriter) value(v any) {
	switch v := v.(type) {
	case nil:
		w.WriteString("&mdash;")
	case string:
		w.word(v)
	case members:
		w.object(v)
	case []any:
		w.list(v)
	default:
		w.text(fmt.Sprint(v))
	}
}

// word is a text, and a link where it is an address that can be followed.
func (w *htmlWriter) word(s string) {
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") || strings.ContainsAny(s, "{}") {
		w.text(s)
		return
	}
	at := html.EscapeString(s)
	fmt.Fprintf(&w.Buffer, `<a href="%s">%s</a>`, at, at)
}

func (w *htmlWriter) object(m members) {
	if _, ok := m.get("coordinates"); ok {
		w.geometry(m)
		return
	}
	w.WriteString("<table>")
	for _, o := range m {
		w.WriteString("<tr><th>")
		w.text(o.name)
		w.WriteString("</th><td>")
		w.value(o.value)
		w.WriteString("</td></tr>")
	}
	w.WriteString("</table>")
}

// geometry folds its coordinates away.
func (w *htmlWriter) geometry(m members) {
	kind, _ := m.get("type")
	at, _ := m.get("coordinates")
	w.WriteString("<details><summary>")
	w.text(fmt.Sprint(kind))
	w.WriteString("</summary>")
	w.coordinates(at)
	w.WriteString("</details>")
}

func (w *htmlWriter) coordinates(v any) {
	l, ok := v.([]any)
	if !ok {
		w.text(fmt.Sprint(v))
		return
	}
	w.WriteByte('[')
	for i, c := range l {
		if i > 0 {
			w.WriteString(", ")
		}
		w.coordinates(c)
	}
	w.WriteByte(']')
}

// list shows objects as the rows of a table, and other values as items.
func (w *htmlWriter) list(l []any) {
	var rows []members
	var columns []string
	for _, v := range l {
		m, ok := v.(members)
		if !ok {
			break
		}
		m = spread(m)
		for _, o := range m {
			if !slices.Contains(columns, o.name) {
				columns = append(columns, o.name)
			}
		}
		rows = append(rows, m)
	}
	if len(l) == 0 || len(rows) < len(l) {
		w.WriteString("<ul>")
		for _, v := range l {
			w.WriteString("<li>")
			w.value(v)
			w.WriteString("</li>")
		}
		w.WriteString("</ul>")
		return
	}
	w.WriteString("<table><tr>")
	for _, c := range columns {
		w.WriteString("<th>")
		w.text(c)
		w.WriteString("</th>")
	}
	w.WriteString("</tr>")
	for _, m := range rows {
		w.WriteString("<tr>")
		for _, c := range columns {
			w.WriteString("<td>")
			if v, ok := m.get(c); ok {
				w.value(v)
			}
			w.WriteString("</td>")
		}
		w.WriteString("</tr>")
	}
	w.WriteString("</table>")
}

// spread has the properties of a feature stand beside its id.
func spread(m members) members {
	v, _ := m.get("properties")
	properties, ok := v.(members)
	if kind, _ := m.get("type"); !ok || kind != "Feature" {
		return m
	}
	var out members
	for _, o := range m {
		if o.name == "properties" {
			out = append(out, properties...)
			continue
		}
		out = append(out, o)
	}
	return out
}
