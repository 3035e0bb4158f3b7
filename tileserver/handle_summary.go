package tileserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"math"
	"slices"
	"strconv"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// levels are the digits of a place code at each level.
var levels = map[string]int{"province": 2, "prefecture": 4, "county": 6, "township": 9, "village": 12, "group": 14}

// summaryRow adds up one layer's class in one place: its features, gross.
type summaryRow struct {
	Place    string   `json:"place"`
	Layer    string   `json:"layer"`
	Vintage  string   `json:"vintage"`
	Class    string   `json:"class"`
	Features int      `json:"features"`
	AreaM2   float64  `json:"area_m2"`
	AreaMu   float64  `json:"area_mu"`
	PatchM2  *float64 `json:"patch_m2"`
	NetM2    *float64 `json:"net_m2"`
}

// handleSummary answers with the areas of each layer by place and class. A
// feature without a code so long counts under what it has of it.
func (s *Server) handleSummary(r *request) error {
	by := cmp.Or(r.query("by"), "township")
	digits, ok := levels[by]
	if !ok {
		return problem.New("PARAMETER_BY", "by 是 %.20q", "by is %.20q", by).
			Advise("可用 province、prefecture、county、township、village、group", "there are province, prefecture, county, township, village and group")
	}
	format := cmp.Or(r.query("f"), "json")
	switch format {
	case "json", "csv":
	case "xlsx":
		return errNotHere
	default:
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 csv", "f is %.20q; there are json and csv", format)
	}
	rows, err := s.summaryRows(r, digits)
	if err != nil {
		return err
	}
	if format == "csv" {
		body, err := summaryCSV(rows)
		if err != nil {
			return err
		}
		r.ctx.Response.Header.Set("Content-Disposition", `attachment; filename="summary.csv"`)
		return r.send("text/csv; charset=utf-8", body)
	}
	return r.sendJSON(map[string]any{"generation": r.gen.name, "tier": r.tier, "by": by, "formula": areas.Formula, "rows": rows})
}

// summaryRows goes through every feature once a generation; then it is known.
func (s *Server) summaryRows(r *request, digits int) ([]summaryRow, error) {
	vintage := r.query("vintage")
	var layers []*index.Layer
	for _, n := range shownLayers(r.ix().Manifest) {
		if l := r.ix().Layer(n, vintage); l != nil && n != "region" {
			layers = append(layers, l)
		}
	}
	if len(layers) == 0 && vintage != "" {
		return nil, noVintage(r.ix(), allLayers, vintage)
	}
	return remember(&r.gen.memo, "summary "+strconv.Itoa(digits)+" "+keysOf(layers), func() ([]summaryRow, error) {
		done, err := s.overlays.take()
		if err != nil {
			return nil, err
		}
		defer done()
		ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
		defer cancel()
		rows := []summaryRow{}
		for _, l := range layers {
			more, err := summarise(ctx, l, digits)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
		return rows, nil
	})
}

// sums are a row in the making.
type sums struct {
	row        summaryRow
	patch, net int64 // 0.01 m²
}

// summarise adds up a layer by place and class.
func summarise(ctx context.Context, l *index.Layer, digits int) ([]summaryRow, error) {
	class := l.Field(l.Meta.ClassField)
	type key struct{ place, class string }
	all := map[key]*sums{}
	for i := range l.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h := l.Head(i)
		k := key{place: h.Place[:min(len(h.Place), digits)]}
		if class >= 0 {
			f, err := l.Feature(i)
			if err != nil {
				return nil, err
			}
			k.class, _ = f.Values[class].(string)
		}
		x := all[k]
		if x == nil {
			x = &sums{row: summaryRow{Place: k.place, Layer: l.Meta.Name, Vintage: l.Meta.Vintage, Class: k.class}, patch: index.NoArea, net: index.NoArea}
			all[k] = x
		}
		x.row.Features++
		x.row.AreaM2 += h.AreaM2
		x.patch = addRecord(x.patch, h.Patch)
		x.net = addRecord(x.net, h.Net)
	}
	var out []summaryRow
	for _, x := range all {
		row := x.row
		row.AreaMu = math.Round(row.AreaM2*geo.MuPerM2*1e4) / 1e4
		row.AreaM2 = math.Round(row.AreaM2*1e2) / 1e2
		row.PatchM2, row.NetM2 = recordM2(x.patch), recordM2(x.net)
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b summaryRow) int {
		return cmp.Or(cmp.Compare(a.Place, b.Place), cmp.Compare(a.Class, b.Class))
	})
	return out, nil
}

// addRecord adds areas of record, of which either may be missing.
func addRecord(sum, v int64) int64 {
	switch {
	case v == index.NoArea:
		return sum
	case sum == index.NoArea:
		return v
	}
	return sum + v
}

// recordM2 is a sum of areas of record in m², null when no record has one.
func recordM2(sum int64) *float64 {
	if sum == index.NoArea {
		return nil
	}
	v := float64(sum) / 100
	return &v
}

func summaryCSV(rows []summaryRow) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\uFEFF") // spreadsheets take the text for UTF-8 by it
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	out := [][]string{{"place", "layer", "vintage", "class", "features", "area_m2", "area_mu", "patch_m2", "net_m2"}}
	number := func(v *float64, decimals int) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', decimals, 64)
	}
	for i := range rows {
		r := &rows[i]
		out = append(out, []string{
			r.Place, r.Layer, r.Vintage, r.Class, strconv.Itoa(r.Features),
			number(&r.AreaM2, 2), number(&r.AreaMu, 4), number(r.PatchM2, 2), number(r.NetM2, 2),
		})
	}
	if err := w.WriteAll(out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
