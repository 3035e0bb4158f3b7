package areas

import (
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
	ID         json.RawMessage
	Properties json.RawMessage
	// Answer is nil when Problem says why there is none.
	Answer  *Answer
	Problem *problem.Problem
	// Single results are of a question about one shape, not of a collection.
	Single bool
}

// MarshalJSON writes the answer with the shape's own id, properties and status.
func (r Result) MarshalJSON() ([]byte, error) {
	head := struct {
		ID         json.RawMessage  `json:"id"`
		Properties json.RawMessage  `json:"properties"`
		Status     string           `json:"status"`
		Problem    *problem.Problem `json:"problem,omitempty"`
	}{orNull(r.ID), orNull(r.Properties), "ok", r.Problem}
	if r.Problem != nil {
		head.Status = "failed"
	}
	out, err := json.Marshal(head)
	if err != nil || r.Answer == nil {
		return out, err
	}
	rest, err := json.Marshal(r.Answer)
	if err != nil {
		return nil, err
	}
	return append(append(out[:len(out)-1], ','), rest[1:]...), nil
}

func orNull(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("null")
	}
	return v
}

// WriteCSV writes one row for each shape, layer and class, and one for each
// combination, in UTF-8 with a byte order mark, which spreadsheets ask for.
func WriteCSV(w io.Writer, results []Result) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	rows := [][]string{{"row", "id", "status", "layer", "vintage", "class", "features", "area_m2", "area_mu", "area_ha", "patch_m2", "net_m2", "net_mu", "gross_area_m2", "generation"}}
	for i, r := range results {
		rows = append(rows, r.rows(i+1)...)
	}
	if err := c.WriteAll(rows); err != nil {
		return err
	}
	return c.Error()
}

func (r *Result) rows(n int) [][]string {
	id := strings.Trim(string(r.ID), `"`)
	if r.Problem != nil {
		return [][]string{{strconv.Itoa(n), id, "failed: " + r.Problem.Error(), "", "", "", "", "", "", "", "", "", "", "", ""}}
	}
	a := r.Answer
	row := func(layer, vintage, class, count string, m2 float64, patch, net, gross *float64) []string {
		return []string{strconv.Itoa(n), id, "ok", layer, vintage, class, count,
			number(&m2, 4), number(scaled(&m2, 0.0015), 4), number(scaled(&m2, 1e-4), 6), number(patch, 4), number(net, 4), number(scaled(net, 0.0015), 4), number(gross, 4), a.Generation}
	}
	out := [][]string{row("aoi", "", "", "", a.AOI.AreaM2, nil, nil, nil)}
	for _, l := range a.Layers {
		out = append(out, row(l.Layer, l.Vintage, "", strconv.Itoa(l.Count), l.AreaM2, l.PatchM2, l.NetM2, &l.GrossM2))
		for _, g := range l.Groups {
			var class []string
			for k, f := range g.Fields {
				class = append(class, f+"="+text(g.Values[k]))
			}
			out = append(out, row(l.Layer, l.Vintage, strings.Join(class, " "), strconv.Itoa(g.Count), g.AreaM2, nil, g.NetM2, nil))
		}
	}
	for _, k := range a.Combinations {
		name := "+" + strings.Join(k.Inside, "+")
		if len(k.Inside) == 0 {
			name = "-"
		}
		out = append(out, row("combination", "", name, "", k.AreaM2, nil, nil, nil))
	}
	return out
}

func scaled(v *float64, f float64) *float64 {
	if v == nil {
		return nil
	}
	x := *v * f
	return &x
}

func number(v *float64, decimals int) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.*f", decimals, *v)
}
