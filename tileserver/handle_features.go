package tileserver

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/codes"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// appendFeature appends f as a GeoJSON Feature. Areas of record that the
// layer's fields do not carry are not added: a feature shows its fields. Areas that no
// field carries are rounded to roundM2; those of fields are, where they were derived.
func appendFeature(dst []byte, l *index.Layer, f *index.Feature, roundM2 float64) ([]byte, error) {
	dst = append(dst, `{"type":"Feature","id":`...)
	dst = strconv.AppendUint(dst, f.ID, 10)
	dst = append(dst, `,"geometry":`...)
	dst = geo.AppendGeoJSON(dst, f.Geometry)
	dst = append(dst, `,"properties":{`...)
	for i, m := range l.Meta.Fields {
		k, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(jsonValue(f.Values[i]))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, k...), ':'), v...)
	}
	areaM2 := areas.RoundedTo(roundM2, f.AreaM2)
	rest, err := json.Marshal(struct {
		Layer   string  `json:"layer"`
		Vintage string  `json:"vintage"`
		AreaM2  float64 `json:"area_m2"`
		AreaMu  float64 `json:"area_mu"`
		// Of a feature whose record has no such area.
		PatchComputed *float64 `json:"patch_computed_m2,omitempty"`
		NetComputed   *float64 `json:"net_computed_m2,omitempty"`
	}{l.Meta.Name, l.Meta.Vintage, areaM2, areaM2 * geo.MuPerM2, computedM2(f.Patch, roundM2), computedM2(f.Net, roundM2)})
	if err != nil {
		return nil, err
	}
	dst = append(dst, '}', ',')
	return append(dst, rest[1:]...), nil
}

// computedM2 is an area that was computed where the record has none, in m², nil
// for any other.
func computedM2(area int64, roundM2 float64) *float64 {
	c, ok := index.ComputedOf(area)
	if !ok {
		return nil
	}
	m2 := areas.RoundedTo(roundM2, geo.Hundredths(c).M2())
	return &m2
}

// jsonValue returns a value that JSON has a word for: NaN and the infinities
// become null.
func jsonValue(v any) any {
	if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return nil
	}
	return v
}

// featureOf finds the feature that the path names.
func (r *request) featureOf() (*index.Layer, int, error) {
	l, err := r.findLayer(r.params["layer"])
	if err != nil {
		return nil, 0, err
	}
	id, err := strconv.ParseUint(r.params["id"], 10, 64)
	if err != nil {
		return nil, 0, problem.New("PARAMETER_ID", "要素标识不是数字：%.40q", "the feature's id is no number: %.40q", r.params["id"])
	}
	i, ok := l.ByID(id)
	if !ok {
		return nil, 0, r.noFeature(l, id)
	}
	return l, i, nil
}

// noFeature says that a layer has no such feature, and in which vintages it has one.
func (r *request) noFeature(l *index.Layer, id uint64) error {
	p := problem.New("NO_FEATURE", "图层 %[1]s 的时相 %[2]s 没有要素 %[3]d", "layer %[1]s has no feature %[3]d in vintage %[2]s", l.Meta.Name, l.Meta.Vintage, id)
	var there []string
	for _, v := range r.ix().Vintages(l.Meta.Name) {
		if _, ok := r.ix().Layer(l.Meta.Name, v).ByID(id); ok {
			there = append(there, v)
		}
	}
	if len(there) > 0 {
		p = p.Advise("它在时相 %[1]s，用 vintage= 指明", "it is in vintage %[1]s: name it with vintage=", strings.Join(there, " "))
	}
	return p
}

// noCode says why no feature of a layer has a code: that it was copied badly, where the
// code itself tells, or in which vintages there is one.
func (r *request) noCode(l *index.Layer, code string) error {
	for i := range l.Meta.Fields {
		if s, ok := codes.ParseScheme(l.Meta.Fields[i].Scheme); ok && len(code) == s.Length() {
			if p := s.Verify(code); p != nil {
				return p
			}
		}
	}
	p := problem.New("NO_FEATURE", "图层 %s 没有编码 %.40q", "layer %s has no code %.40q", l.Meta.Name, code)
	var there []string
	for _, v := range r.ix().Vintages(l.Meta.Name) {
		found, err := r.ix().Layer(l.Meta.Name, v).ByCode(code, 1)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			there = append(there, v)
		}
	}
	if len(there) > 0 {
		p = p.Advise("它在时相 %[1]s，用 vintage= 指明", "it is in vintage %[1]s: name it with vintage=", strings.Join(there, " "))
	}
	return p
}

func (s *Server) handleFeature(r *request) error {
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	l, i, err := r.featureOf()
	if err != nil {
		return err
	}
	f, err := l.Feature(i)
	if err != nil {
		return err
	}
	r.askFeatures(1)
	body, err := appendFeature(nil, l, &f, r.policy().RoundM2)
	if err != nil {
		return err
	}
	if body, err = r.withScope(body); err != nil {
		return err
	}
	return r.send("application/geo+json", body)
}

// handleFeatures answers `?code=` with the feature of that code, or a
// collection when there are several. A comma list of layers is answered with a
// collection, empty or not.
func (s *Server) handleFeatures(r *request) error {
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	code, list := r.query("code"), strings.Contains(r.params["layer"], ",")
	if code == "" {
		return problem.New("PARAMETER_CODE", "缺少 code=", "code= is missing").
			Advise("给出标识码（BSM）或空间码", "give a BSM or 空间码")
	}
	layers, err := r.layersByName(list)
	if err != nil {
		return err
	}
	found, missing, err := s.findCode(r, layers, code)
	switch {
	case err != nil:
		return err
	case !list && len(found) == 0:
		return missing[0].why
	}
	r.askFeatures(len(found))
	body, err := r.featuresBody(found, missing, list)
	if err != nil {
		return err
	}
	if body, err = r.withScope(body); err != nil {
		return err
	}
	return r.send("application/geo+json", body)
}

// layersByName are the layers that the path names: one, or with list several.
func (r *request) layersByName(list bool) ([]*index.Layer, error) {
	if list {
		return r.layersOf(r.params["layer"])
	}
	l, err := r.findLayer(r.params["layer"])
	return []*index.Layer{l}, err
}

// foundFeature is a feature of a layer by its ordinal, missingCode why a layer has none.
type (
	foundFeature struct {
		l *index.Layer
		i int
	}
	missingCode struct {
		l   *index.Layer
		why error
	}
)

// findCode returns the features of layers that have a code, and why the other layers
// have none.
func (s *Server) findCode(r *request, layers []*index.Layer, code string) (found []foundFeature, missing []missingCode, err error) {
	limit := s.cfg.Limits.Features
	for _, l := range layers {
		at, err := l.ByCode(code, limit+1)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range at {
			found = append(found, foundFeature{l, i})
		}
		if len(found) > limit {
			return nil, nil, problem.New("TOO_LARGE_LIST", "这个编码有 %d 个以上的要素", "more than %d features have this code", limit)
		}
		if len(at) == 0 {
			missing = append(missing, missingCode{l, r.noCode(l, code)})
		}
	}
	return found, missing, nil
}

// featuresBody is a feature alone, or a collection of them; with list a collection that
// says in `missing` why layers have none.
func (r *request) featuresBody(found []foundFeature, missing []missingCode, list bool) (body []byte, err error) {
	many := list || len(found) > 1
	if many {
		body = append(body, `{"type":"FeatureCollection","features":[`...)
	}
	for n := range found {
		f, err := found[n].l.Feature(found[n].i)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			body = append(body, ',')
		}
		if body, err = appendFeature(body, found[n].l, &f, r.policy().RoundM2); err != nil {
			return nil, err
		}
	}
	if !many {
		return body, nil
	}
	body = append(body, ']')
	if list {
		if body, err = r.appendMissing(append(body, `,"missing":`...), missing); err != nil {
			return nil, err
		}
	}
	return append(body, '}'), nil
}

// appendMissing appends why layers have no feature of a code.
func (r *request) appendMissing(dst []byte, missing []missingCode) ([]byte, error) {
	type why struct {
		Layer  string `json:"layer"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Advice string `json:"advice,omitempty"`
	}
	out := make([]why, 0, len(missing))
	for _, m := range missing {
		p := problem.Of(m.why)
		if p == nil { // a fault of ours, not of the code
			return nil, m.why
		}
		out = append(out, why{m.l.Meta.Name, strings.ToLower(p.Code), p.Found(r.lang()), p.Advice(r.lang())})
	}
	data, err := json.Marshal(out)
	return append(dst, data...), err
}
