package reconcile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// parseSaved reads a saved answer: JSON of an analysis or a reconciliation, of a
// summary by place, or of an overlay.
func (t *Table) parseSaved(data []byte) error {
	var kind struct {
		Question string          `json:"question"`
		Tables   json.RawMessage `json:"tables"`
		Rows     json.RawMessage `json:"rows"`
		Layers   json.RawMessage `json:"layers"`
		AOI      json.RawMessage `json:"aoi"`
	}
	err := json.Unmarshal(data, &kind)
	switch {
	case err == nil && kind.Question != "" && kind.Tables != nil:
		return t.savedAnalysis(data)
	case err == nil && kind.Rows != nil:
		return t.savedSummary(data)
	case err == nil && kind.AOI != nil && kind.Layers != nil:
		return t.savedOverlay(data)
	}
	return problem.New("FIGURES_READ", "不是保存的答案：要分析、对账、汇总或叠加的 JSON", "it is no saved answer: it may be JSON of an analysis, a reconciliation, a summary or an overlay").Because(err)
}

// savedAnalysis reads an answer of package analyze.
func (t *Table) savedAnalysis(data []byte) error {
	r, err := forms.Read(bytes.NewReader(data))
	if err != nil {
		return err
	}
	t.take(r)
	return nil
}

// TableOf returns the figures of an answer.
func TableOf(r *analyze.Result) (*Table, error) {
	sum := sha256.Sum256([]byte(r.Run))
	t := &Table{Name: r.Question.Name + " " + r.Run, Digest: hex.EncodeToString(sum[:])}
	t.take(r)
	t.merge()
	return t, t.check()
}

// take takes the areas of every table of an answer that tells places.
func (t *Table) take(r *analyze.Result) {
	t.About = " " + r.Question.Name + " " + r.Run + " " + r.Generation
	for _, table := range r.Tables {
		place := table.Column("xzqdm")
		if place < 0 {
			continue
		}
		level, states := finest(table), statesOf(table)
		text := func(row []any, names ...string) string {
			for _, name := range names {
				if k := table.Column(name); k >= 0 {
					s, _ := row[k].(string)
					return s
				}
			}
			return ""
		}
		for _, row := range table.Rows {
			code, _ := row[place].(string)
			if level != "" && text(row, "level") != level || !edition.IsPlace(code) {
				continue
			}
			for k, c := range table.Columns {
				if v, ok := row[k].(analyze.Area); ok {
					t.Rows = append(t.Rows, Row{Place: code, Layer: text(row, "layer"), Class: text(row, "class", "dlbm"), Area: v, Half: 0.5, Column: table.Name + "." + c.Name + states(row)})
				}
			}
		}
	}
}

// statesOf tells the rows of a table apart that has several years, or gaps of contiguity,
// side by side: their figures are of the same ground, so that they are columns of their
// own ("@2024") and no sum.
func statesOf(t *analyze.Table) func(row []any) string {
	for _, name := range []string{"year", "gap_m"} {
		k := t.Column(name)
		if k >= 0 && slices.ContainsFunc(t.Rows, func(row []any) bool { return row[k] != t.Rows[0][k] }) {
			return func(row []any) string { return fmt.Sprintf("@%v", row[k]) }
		}
	}
	return func([]any) string { return "" }
}

// finest returns the finest level of places that a table has rows of, "" where it has no
// column of levels.
func finest(t *analyze.Table) string {
	k, best := t.Column("level"), -1
	if k < 0 {
		return ""
	}
	for _, row := range t.Rows {
		s, _ := row[k].(string)
		best = max(best, slices.Index(areas.Levels, areas.Level(s)))
	}
	if best < 0 {
		return ""
	}
	return string(areas.Levels[best])
}

// savedFigures are the areas of an answer's row in m².
type savedFigures struct {
	Layer   string   `json:"layer"`
	Vintage string   `json:"vintage"`
	AreaM2  *float64 `json:"area_m2"`
	PatchM2 *float64 `json:"patch_m2"`
	NetM2   *float64 `json:"net_m2"`
	GrossM2 *float64 `json:"gross_area_m2"`
}

// add adds the figures of one row under the names of kinds.
func (t *Table) addSaved(x *savedFigures, place, class string) {
	gross, ground := x.AreaM2, (*float64)(nil)
	if x.GrossM2 != nil {
		gross, ground = x.GrossM2, x.AreaM2
	}
	for _, c := range []struct {
		kind Figure
		m2   *float64
	}{{Net, x.NetM2}, {Patch, x.PatchM2}, {Area, gross}, {Ground, ground}} {
		if c.m2 != nil {
			t.Rows = append(t.Rows, Row{Place: place, Layer: x.Layer, Class: class, Area: analyze.Area(hundredths(*c.m2)), Half: 0.5, Column: string(c.kind)})
		}
	}
}

func (t *Table) savedSummary(data []byte) error {
	var s struct {
		Generation string `json:"generation"`
		Rows       []struct {
			savedFigures
			Place string `json:"place"`
			Class string `json:"class"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return problem.New("FIGURES_READ", "汇总读不出来（%v）", "the summary cannot be read (%v)", err).Because(err)
	}
	t.About = " summary " + s.Generation
	for i := range s.Rows {
		x := &s.Rows[i]
		if edition.IsPlace(x.Place) {
			t.addSaved(&x.savedFigures, x.Place, x.Class)
		}
	}
	return nil
}

// savedOverlay takes the layers of an overlay: figures of no place, which stand for all.
func (t *Table) savedOverlay(data []byte) error {
	var s struct {
		Generation string         `json:"generation"`
		Layers     []savedFigures `json:"layers"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return problem.New("FIGURES_READ", "叠加的答案读不出来（%v）", "the answer of an overlay cannot be read (%v)", err).Because(err)
	}
	t.About = " overlay " + s.Generation
	for i := range s.Layers {
		t.addSaved(&s.Layers[i], "", "")
	}
	return nil
}

// Choose returns the table with the rows of one column alone: TABLE.COLUMN of a saved
// analysis, COLUMN of its first table that has it, or a kind of figure of a summary or an
// overlay.
func (t *Table) Choose(column string) (*Table, error) {
	out := *t
	out.Rows = nil
	full := ""
	for _, r := range t.Rows {
		if r.Column == column || strings.HasSuffix(r.Column, "."+column) {
			if full == "" {
				full = r.Column
			}
			if r.Column == full {
				r.Column = ""
				out.Rows = append(out.Rows, r)
			}
		}
	}
	if len(out.Rows) == 0 {
		return nil, t.noColumn(column)
	}
	return &out, out.check()
}

// columns lists the columns that rows are of; none of a plain table.
func (t *Table) columns() []string {
	var out []string
	for i := range t.Rows {
		if c := t.Rows[i].Column; c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (t *Table) noColumn(column string) error {
	return problem.New("FIGURES_COLUMN", "有几列面积，不知取哪一列：%.60s", "of several columns of areas it is not known which is meant: %.60s", column).In(t.Name).
		Advise("写作 文件#列，有 %[1]s", "write FILE#COLUMN; there are %[1]s", strings.Join(t.columns(), " "))
}

// settled returns the table with one column: that which there is alone, or that of the
// kind of figure that the other side is of.
func (t *Table) settled(want Figure) (*Table, error) {
	columns := t.columns()
	switch {
	case len(columns) == 0:
		return t, nil
	case len(columns) == 1:
		return t.Choose(columns[0])
	case slices.Contains(columns, string(want)):
		return t.Choose(string(want))
	}
	return nil, t.noColumn(string(want))
}
