package tileserver

import (
	"bytes"
	"encoding/csv"
	"sort"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// place is one administrative region in a list.
type place struct {
	Code   string     `json:"code"`
	Name   string     `json:"name"`
	Extent [4]float64 `json:"extent"`
}

// handlePlaces answers `?q=`, a part of a name or the beginning of a code, and
// `?parent=`, the code that places lie under.
func (s *Server) handlePlaces(r *request) error {
	q, parent := strings.TrimSpace(r.query("q")), r.query("parent")
	out := []place{}
	l := r.ix().Layer("region", "")
	total := 0
	for i := 0; l != nil && i < l.Len(); i++ {
		h := l.Head(i)
		if h.Place == "" || !strings.HasPrefix(h.Place, parent) {
			continue
		}
		f, err := l.Feature(i)
		if err != nil {
			return err
		}
		name := ""
		if k := l.Field("XZQMC"); k >= 0 {
			name, _ = f.Values[k].(string)
		}
		if q != "" && !strings.HasPrefix(h.Place, q) && !strings.Contains(name, q) {
			continue
		}
		total++
		lo, hi := h.Box.Min.LonLat(), h.Box.Max.LonLat()
		out = append(out, place{h.Place, name, [4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}})
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Code < out[b].Code })
	out = out[:min(len(out), s.cfg.Limits.Features)]
	return r.sendJSON("application/json", map[string]any{"generation": r.gen.name, "total": total, "places": out})
}

// levels are the digits of a place code at each level.
var levels = map[string]int{"province": 2, "prefecture": 4, "county": 6, "township": 9, "village": 12, "group": 14}

// summaryRow adds up one layer's class in one place.
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

func (s *Server) handleSummary(r *request) error {
	by := r.query("by")
	if by == "" {
		by = "township"
	}
	digits, ok := levels[by]
	if !ok {
		return problem.New("PARAMETER_BY", "by 是 %.20q", "by is %.20q", by).
			Advise("可用 province、prefecture、county、township、village、group", "there are province, prefecture, county, township, village and group")
	}
	rows := []summaryRow{}
	for _, n := range shownLayers(r.ix().Manifest) {
		l := r.ix().Layer(n, r.query("vintage"))
		if l == nil || n == "region" {
			continue
		}
		more, err := summarise(l, digits)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	switch f := r.query("f"); f {
	case "", "json":
		return r.sendJSON("application/json", map[string]any{"generation": r.gen.name, "tier": r.tier, "by": by, "formula": "ellipsoidal CGCS2000", "rows": rows})
	case "csv":
		body, err := summaryCSV(rows)
		if err != nil {
			return err
		}
		return r.send("text/csv; charset=utf-8", body)
	case "xlsx":
		return errNotHere
	default:
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 csv", "f is %.20q; there are json and csv", f)
	}
}

// summarise adds up a layer by place and class.
func summarise(l *index.Layer, digits int) ([]summaryRow, error) {
	class := l.Field(l.Meta.ClassField)
	type key struct{ place, class string }
	type sums struct {
		row        summaryRow
		patch, net int64
	}
	all := map[key]*sums{}
	for i := range l.Len() {
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
			x = &sums{row: summaryRow{Place: k.place, Layer: l.Meta.Name, Vintage: l.Meta.Vintage, Class: k.class}}
			all[k] = x
		}
		x.row.Features++
		x.row.AreaM2 += h.AreaM2
		if h.Patch != index.NoArea {
			x.patch += h.Patch
		}
		if h.Net != index.NoArea {
			x.net += h.Net
		}
	}
	var out []summaryRow
	for _, x := range all {
		row := x.row
		row.AreaMu = row.AreaM2 * geo.MuPerM2
		if l.Meta.PatchM2 != nil {
			v := float64(x.patch) / 100
			row.PatchM2 = &v
		}
		if l.Meta.NetM2 != nil {
			v := float64(x.net) / 100
			row.NetM2 = &v
		}
		out = append(out, row)
	}
	sort.Slice(out, func(a, b int) bool {
		return out[a].Place < out[b].Place || out[a].Place == out[b].Place && out[a].Class < out[b].Class
	})
	return out, nil
}

func summaryCSV(rows []summaryRow) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\uFEFF")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	out := [][]string{{"place", "layer", "vintage", "class", "features", "area_m2", "area_mu", "patch_m2", "net_m2"}}
	num := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', 2, 64)
	}
	for _, r := range rows {
		out = append(out, []string{r.Place, r.Layer, r.Vintage, r.Class, strconv.Itoa(r.Features), num(&r.AreaM2), strconv.FormatFloat(r.AreaMu, 'f', 4, 64), num(r.PatchM2), num(r.NetM2)})
	}
	if err := w.WriteAll(out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
