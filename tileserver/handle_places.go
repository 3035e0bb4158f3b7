package tileserver

import (
	"cmp"
	"slices"
	"strings"

	"gengtu/index"
)

// place is one administrative region in a list.
type place struct {
	Code   string     `json:"code"`
	Name   string     `json:"name"`
	Extent [4]float64 `json:"extent"`
}

// handlePlaces answers `?q=`, a part of a name or the beginning of a code, and
// `?parent=`, the code of the place that places lie in.
func (s *Server) handlePlaces(r *request) error {
	q, parent := strings.TrimSpace(r.query("q")), r.query("parent")
	all, err := r.allPlaces()
	if err != nil {
		return err
	}
	total, out := 0, []place{}
	for _, p := range all {
		if parent != "" && (p.Code == parent || !strings.HasPrefix(p.Code, parent)) {
			continue
		}
		if q != "" && !strings.HasPrefix(p.Code, q) && !strings.Contains(p.Name, q) {
			continue
		}
		if total++; total <= s.cfg.Limits.Features {
			out = append(out, p)
		}
	}
	return r.sendJSON(map[string]any{"generation": r.gen.name, "total": total, "places": out})
}

// allPlaces lists the regions of the edition by code. A region layer without the
// vintage that is asked for gives its latest.
func (r *request) allPlaces() ([]place, error) {
	l := r.ix().Layer("region", r.query("vintage"))
	if l == nil {
		l = r.ix().Layer("region", "")
	}
	if l == nil {
		return nil, nil
	}
	return remember(&r.gen.memo, "places "+l.Meta.Vintage, func() ([]place, error) { return placesOf(l) })
}

func placesOf(l *index.Layer) ([]place, error) {
	var out []place
	for i := range l.Len() {
		h := l.Head(i)
		if h.Place == "" {
			continue
		}
		f, err := l.Feature(i)
		if err != nil {
			return nil, err
		}
		p := place{Code: h.Place}
		if k := l.Field("XZQMC"); k >= 0 {
			p.Name, _ = f.Values[k].(string)
		}
		lo, hi := h.Box.Min.LonLat(), h.Box.Max.LonLat()
		p.Extent = [4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b place) int { return cmp.Compare(a.Code, b.Code) })
	return out, nil
}
