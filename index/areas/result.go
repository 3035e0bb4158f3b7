package areas

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gengtu/index/problem"
)

// Result is the answer for one of the shapes of a question.
type Result struct {
	// ID and Properties are the shape's own, as JSON; nil when it has none.
	ID         json.RawMessage
	Properties json.RawMessage
	// Answer is nil when Problem says why there is none.
	Answer  *Answer
	Problem *problem.Problem
	// Single results are of a question about one shape, not of a collection.
	Single bool
}

// columns are those of the table that [WriteCSV] writes.
var columns = []string{
	"row", "id", "status", "layer", "vintage", "class", "features", "area_m2", "area_mu", "area_ha",
	"patch_m2", "net_m2", "net_mu", "gross_area_m2", "generation", "properties",
}

// WriteCSV writes, for each shape in order, a row for the shape itself (layer
// "aoi"), one for each layer, class, feature that could not be measured, and
// combination, in UTF-8 with a byte order mark, which spreadsheets ask for. The
// column row counts shapes from 1; a shape that failed has one row, whose status
// says why. The figures are those of the JSON answer.
func WriteCSV(w io.Writer, results []Result) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(columns); err != nil {
		return err
	}
	for i := range results {
		for _, row := range results[i].rows(i + 1) {
			if err := c.Write(row.cells()); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// tableRow is one row of the table; what is nil or "" is an empty cell.
type tableRow struct {
	number                              int
	id, status, layer, vintage, class   string
	count                               *int
	m2, mu, ha, patch, net, netMu, gros *float64
	generation, properties              string
}

func (t *tableRow) cells() []string {
	count := ""
	if t.count != nil {
		count = strconv.Itoa(*t.count)
	}
	return []string{
		strconv.Itoa(t.number), t.id, t.status, t.layer, t.vintage, t.class, count, number(t.m2, 4), number(t.mu, 4), number(t.ha, 6),
		number(t.patch, 4), number(t.net, 4), number(t.netMu, 4), number(t.gros, 4), t.generation, t.properties,
	}
}

// rows returns the rows of shape n.
func (r *Result) rows(n int) []tableRow {
	base := tableRow{number: n, id: plain(r.ID), status: "ok", properties: compact(r.Properties)}
	if r.Problem != nil {
		base.status = "failed: " + r.Problem.Text(problem.English)
		return []tableRow{base}
	}
	a := r.Answer
	base.generation = a.Generation
	aoi := base
	aoi.layer, aoi.m2, aoi.mu, aoi.ha = "aoi", &a.AOI.AreaM2, &a.AOI.AreaMu, &a.AOI.AreaHa
	for _, p := range a.AOI.Problems {
		aoi.status += "; " + p.Code
	}
	out := []tableRow{aoi}
	for i := range a.Layers {
		l := &a.Layers[i]
		row := base
		row.layer, row.vintage, row.count, row.m2, row.mu, row.ha = l.Layer, l.Vintage, &l.Count, &l.AreaM2, &l.AreaMu, &l.AreaHa
		row.patch, row.net, row.netMu, row.gros = l.PatchM2, l.NetM2, l.NetMu, &l.GrossM2
		out = append(out, row)
		for k := range l.Groups {
			out = append(out, l.Groups[k].row(base, l))
		}
	}
	for _, f := range a.Failed {
		row := base
		row.layer, row.status = f.Layer, fmt.Sprintf("failed: feature %d: %s", f.ID, f.Reason)
		out = append(out, row)
	}
	for i := range a.Combinations {
		k := &a.Combinations[i]
		row := base
		row.layer, row.class, row.m2 = "combination", strings.Join(k.Inside, "+"), &k.AreaM2
		if len(k.Inside) == 0 {
			row.class = "none"
		}
		out = append(out, row)
	}
	return out
}

func (g *Group) row(base tableRow, l *Layer) tableRow {
	var class []string
	for k, f := range g.Fields {
		class = append(class, f+"="+text(g.Values[k]))
	}
	base.layer, base.vintage, base.class = l.Layer, l.Vintage, strings.Join(class, " ")
	base.count, base.m2, base.net = &g.Count, &g.AreaM2, g.NetM2
	return base
}

// plain writes a JSON text without its quotes, and anything else as it stands.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return compact(v)
}

func compact(v json.RawMessage) string {
	var b bytes.Buffer
	if len(v) == 0 || bytes.Equal(v, []byte("null")) || json.Compact(&b, v) != nil {
		return ""
	}
	return b.String()
}

func number(v *float64, decimals int) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', decimals, 64)
}
