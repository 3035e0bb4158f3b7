package tileserver

import (
	"cmp"
	"encoding/json"
	"slices"
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
	// Label is where the place's name may stand: longitude and latitude of a
	// point inside of it.
	Label [2]float64 `json:"label"`

	at geo.Position // Label
}

// handlePlaces answers `?q=`, a part of a name or the beginning of a code, and
// `?parent=`, the code of the place that places lie in. With `f=geojson` it
// answers with a point for each place, for labels.
func (s *Server) handlePlaces(r *request) error {
	q, parent := strings.TrimSpace(r.query("q")), r.query("parent")
	all, err := r.allPlaces()
	if err != nil {
		return err
	}
	r.askPlace(parent)
	points := r.query("f") == "geojson"
	if f := r.query("f"); f != "" && f != "json" && !points {
		return problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 geojson", "f is %.20q; there are json and geojson", f)
	}
	total, out := 0, []place{}
	for _, p := range all {
		if parent != "" && (p.Code == parent || !strings.HasPrefix(p.Code, parent)) {
			continue
		}
		if q != "" && !strings.HasPrefix(p.Code, q) && !strings.Contains(p.Name, q) {
			continue
		}
		if total++; points || total <= s.cfg.Limits.Features {
			out = append(out, p)
		}
	}
	r.askFeatures(len(out))
	if points {
		return r.sendPoints(out)
	}
	return r.sendJSON(map[string]any{"generation": r.gen.Name(), "total": total, "places": out})
}

// sendPoints answers with the places' label points as GeoJSON.
func (r *request) sendPoints(all []place) error {
	type feature struct {
		Type       string            `json:"type"`
		Properties map[string]string `json:"properties"`
		Geometry   map[string]any    `json:"geometry"`
	}
	features := make([]feature, 0, len(all))
	for _, p := range all {
		features = append(features, feature{
			"Feature", map[string]string{"code": p.Code, "name": p.Name},
			map[string]any{"type": "Point", "coordinates": p.Label},
		})
	}
	data, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		return err
	}
	if data, err = r.withScope(data); err != nil {
		return err
	}
	return r.send("application/geo+json", data)
}

// allPlaces lists the regions of the edition by code. A region layer without the
// vintage that is asked for gives its latest.
func (r *request) allPlaces() ([]place, error) {
	l := r.ix().Regions(r.query("vintage"))
	if l == nil {
		return nil, nil
	}
	return r.placesIn(l)
}

// placesIn lists the regions of a layer by code.
func (r *request) placesIn(l *index.Layer) ([]place, error) {
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
		p.at = labelPoint(f.Geometry)
		at := p.at.LonLat()
		p.Label = [2]float64{at.Lon, at.Lat}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b place) int { return cmp.Compare(a.Code, b.Code) })
	return out, nil
}

// labelPoint returns a point inside of m with room for a name around it: the
// middle of the longest stretch inside of m among a few parallels, those near
// the middle of m before those near its ends.
func labelPoint(m geo.MultiPolygon) geo.Position {
	const parallels = 15
	box := m.Box()
	best, longest := box.Min, int64(-1)
	for k := range int64(parallels) {
		lat := box.Min.Lat + (box.Max.Lat-box.Min.Lat)*(k+1)/(parallels+1)
		at := crossings(m, lat)
		for i := 0; i+1 < len(at); i += 2 {
			w := at[i+1] - at[i]
			if score := w * min(k+1, parallels-k); score > longest {
				best, longest = geo.Position{Lon: at[i] + w/2, Lat: lat}, score
			}
		}
	}
	return best
}

// crossings returns the longitudes at which the borders of m cross a parallel,
// from west to east; m lies between each pair of them.
func crossings(m geo.MultiPolygon, lat int64) []int64 {
	var at []int64
	for _, p := range m {
		for _, ring := range p {
			for i := 1; i < len(ring); i++ {
				a, b := ring[i-1], ring[i]
				if (a.Lat > lat) != (b.Lat > lat) {
					t := float64(lat-a.Lat) / float64(b.Lat-a.Lat)
					at = append(at, a.Lon+int64(t*float64(b.Lon-a.Lon)))
				}
			}
		}
	}
	slices.Sort(at)
	return at
}
