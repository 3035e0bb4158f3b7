package areas

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// columns are those of the table that a writer of [CSV] writes.
var columns = []string{
	"row", "id", "status", "layer", "vintage", "class", "piece", "features", "area_m2", "area_mu", "area_ha",
	"patch_m2", "net_m2", "net_mu", "gross_area_m2", "survey_m2", "survey_zone", "generation", "properties", "problems",
}

// csvWriter writes, for each shape in order, a row for the shape itself (layer
// "aoi"), one for each layer, class, piece (by the id of its feature), feature that could
// not be measured, and combination, in UTF-8 with a byte order mark, which spreadsheets ask for. The
// column row counts shapes from 1; a shape that failed has one row, whose status
// says why. What else is to be said of a shape stands in the column problems of its own row, by
// code, a space between. The figures are those of the JSON answer. A text that a spreadsheet
// would take for a formula has an apostrophe before it.
type csvWriter struct {
	w     io.Writer
	scope string // fills a last column, where there is one
	out   *csv.Writer
	n     int
}

// scoped adds the scope to a row, of an answer that has one.
func (c *csvWriter) scoped(row []string, scope string) []string {
	if c.scope == "" {
		return row
	}
	return append(slices.Clip(row), scope)
}

// begin writes the head of the table, once.
func (c *csvWriter) begin() error {
	if c.out != nil {
		return nil
	}
	var err error
	c.out, err = sheet.NewCSV(c.w, c.scoped(columns, "scope"))
	return err
}

// Write implements [ResultWriter].
func (c *csvWriter) Write(r *Result) error {
	if err := c.begin(); err != nil {
		return err
	}
	c.n++
	for _, row := range r.rows(c.n) {
		if err := c.out.Write(c.scoped(row.cells(), c.scope)); err != nil {
			return err
		}
	}
	return nil
}

// Abort implements [ResultWriter]: the last row has no number, and its status
// begins with "aborted".
func (c *csvWriter) Abort(p *problem.Problem) error {
	if err := c.begin(); err != nil {
		return err
	}
	row := make([]string, len(columns))
	row[2] = "aborted: " + p.Text(problem.English)
	if err := c.out.Write(c.scoped(row, c.scope)); err != nil {
		return err
	}
	return c.Close()
}

// Close implements [ResultWriter].
func (c *csvWriter) Close() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.out.Flush()
	return c.out.Error()
}

// tableRow is one row of the table; what is nil or "" is an empty cell.
type tableRow struct {
	number                                   int
	id, status, layer, vintage, class, piece string
	count                                    *int
	m2, mu, ha, patch, net, netMu            *float64
	gross, survey                            *float64
	zone, generation, properties, problems   string
}

func (t *tableRow) cells() []string {
	count := ""
	if t.count != nil {
		count = strconv.Itoa(*t.count)
	}
	return []string{
		strconv.Itoa(t.number), sheet.Harmless(t.id), sheet.Harmless(t.status), sheet.Harmless(t.layer), sheet.Harmless(t.vintage), sheet.Harmless(t.class), t.piece, count,
		number(t.m2, 4), number(t.mu, 4), number(t.ha, 6), number(t.patch, 4), number(t.net, 4), number(t.netMu, 4), number(t.gross, 4),
		number(t.survey, 4), t.zone, t.generation, sheet.Harmless(t.properties), t.problems,
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
	aoi.survey, aoi.zone = a.AOI.SurveyM2, a.AOI.SurveyZone
	aoi.problems = codesOf(a.AOI.Problems)
	out := []tableRow{aoi}
	for i := range a.Layers {
		l := &a.Layers[i]
		row := base
		row.layer, row.vintage, row.count, row.m2, row.mu, row.ha = l.Layer, l.Vintage, &l.Count, &l.AreaM2, &l.AreaMu, &l.AreaHa
		row.patch, row.net, row.netMu, row.gross, row.survey = l.PatchM2, l.NetM2, l.NetMu, &l.GrossM2, l.SurveyM2
		out = append(out, row)
		for k := range l.Groups {
			out = append(out, l.Groups[k].row(base, l))
		}
		for k := range l.Pieces {
			out = append(out, l.Pieces[k].row(base, l))
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
		mu := k.area().mu
		row.layer, row.class, row.m2, row.mu = "combination", k.name(), &k.AreaM2, &mu
		out = append(out, row)
	}
	return out
}

// codesOf are the codes of problems as a cell has them, a space between.
func codesOf(all []*problem.Problem) string {
	var out []string
	for _, p := range all {
		out = append(out, p.Code)
	}
	return strings.Join(out, " ")
}

// name is the layers that the combination lies in.
func (c *Combination) name() string {
	if len(c.Inside) == 0 {
		return "none"
	}
	return strings.Join(c.Inside, "+")
}

func (g *Group) row(base tableRow, l *Layer) tableRow {
	base.layer, base.vintage, base.class = l.Layer, l.Vintage, g.name()
	base.count, base.m2, base.mu = &g.Count, &g.AreaM2, &g.AreaMu
	base.patch, base.net, base.netMu = g.PatchM2, g.NetM2, g.NetMu
	return base
}

func (p *Piece) row(base tableRow, l *Layer) tableRow {
	mu := p.area().mu
	base.layer, base.vintage, base.piece = l.Layer, l.Vintage, strconv.FormatUint(p.ID, 10)
	if p.Code != "" {
		base.class = "code=" + p.Code
	}
	base.m2, base.mu = &p.AreaM2, &mu
	base.patch, base.net, base.netMu, base.survey = p.PatchM2, p.NetM2, muOf(p.NetM2), p.SurveyM2
	return base
}

// name is the class as FIELD=VALUE, for each of its fields.
func (g *Group) name() string {
	var class []string
	for k, f := range g.Fields {
		class = append(class, f+"="+text(g.Values[k]))
	}
	return strings.Join(class, " ")
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
