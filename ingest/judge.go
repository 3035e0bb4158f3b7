package ingest

import (
	"math"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// judged is a feature after checking and mending, with what was found.
type judged struct {
	index.Feature
	source   int32 // which of the layer's files it is from
	record   int64
	key      string
	keyField string
	class    string
	leftOut  bool // by the layer's rule
	noArea   bool // of a layer of lines, or without a shape in one that may have none
	areaIn   float64
	box      geo.Box // of the geometry
	mended   bool
	refused  bool
	findings []Finding
	broken   []overlay.Finding
	seen     *Seen // nil when nobody looks
	stored   index.Encoded
}

// find notes a finding. Its place is filled in when the whole feature is judged,
// because the key is not known before.
func (j *judged) find(a Action, p *problem.Problem) {
	j.findings = append(j.findings, Finding{Problem: p, Action: a})
	if a == Refused {
		j.refused = true
	}
}

// judge is a worker that checks and mends features. Any number may be at work at
// once on one layer.
type judge struct {
	*layerRun
	source  *sourceRun
	scratch source.Scratch
	encoder *index.Encoder
}

// batch parses, checks and mends the features of a batch.
func (w *judge) batch(b *source.Batch) []judged {
	features := b.Features(&w.scratch)
	out := make([]judged, len(features))
	n := len(w.fields)
	values := make([]any, n*len(features))
	for i := range features {
		f := &features[i]
		j := &out[i]
		j.source, j.record = w.source.number, f.Record
		j.Values = values[i*n : (i+1)*n : (i+1)*n]
		w.attributes(f, j)
		if w.hasNoArea(f) {
			j.noArea = true
		} else if f.Problem != nil {
			j.find(Refused, f.Problem)
		} else {
			w.geometry(w.source, f, j)
		}
		j.box = j.Geometry.Box()
		for k := range j.findings {
			j.findings[k].Problem = j.findings[k].In(w.source.in.Path).At(j.record, strings.Clone(j.key))
		}
		if w.inspector != nil {
			w.look(f.Polygons, j)
		}
		if !j.refused && !j.leftOut && !j.noArea {
			w.compute(w.source.crs, j)
			w.identify(j)
			j.stored = w.encoder.Encode(&j.Feature)
		}
	}
	return out
}

// hasNoArea tells whether the layer's profile expects of a feature that it is a line
// or has no shape: there is nothing to store, and nothing wrong.
func (l *layerRun) hasNoArea(f *source.Feature) bool {
	switch l.profile.Geometry {
	case profiles.Line:
		return f.Problem == nil || f.Problem.Code == source.NotPolygon
	case profiles.Table, profiles.Optional:
		return f.Problem == nil && len(f.Polygons) == 0
	}
	return false
}

// attributes maps the values to the layer's fields.
func (w *judge) attributes(f *source.Feature, j *judged) {
	for _, t := range w.source.joins {
		if len(f.Values) == 0 {
			break
		}
		var told *problem.Problem
		if f.Values, told = t.extend(f.Values); told != nil {
			j.find(Noted, told)
		}
	}
	for i, c := range w.source.columns {
		if c.from < 0 || c.from >= len(f.Values) {
			continue
		}
		v, ok := convert(f.Values[c.from], c.kind)
		if c.code {
			v = code(v)
		}
		j.Values[i] = v
		if !ok {
			j.find(Noted, problem.New("VALUE_TYPE", "字段 %s 的值 %s 不是 %s，原样保留", "field %s holds %s, which is no %s; kept as it is",
				w.fields[i].Name, problem.Shown(f.Values[c.from]), c.kind))
		}
	}
	for k, at := range w.places.key {
		if v := j.text(at); v != "" {
			j.key, j.keyField = v, w.profile.Key[k]
			break
		}
	}
	for _, at := range w.places.place {
		if j.Place = placeOf(j.text(at)); j.Place != "" {
			break
		}
	}
	j.class = j.text(w.places.class)
	j.leftOut = w.rep.Layer == edition.Cropland && w.source.classed && !edition.IsCropland(j.class)
	j.Patch, j.Net = w.record(j, w.places.patch), w.record(j, w.places.net)
}

// code returns a code without the blanks around it, and nil for a blank one. What
// is no text stays.
func code(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	switch trimmed := strings.TrimSpace(text); trimmed {
	case text:
		if text == "" {
			return nil
		}
		return v
	case "":
		return nil
	default:
		return trimmed
	}
}

// classField is the field that tells cropland from other land.
const classField = "DLBM"

// text returns value i when it is a text, or "".
func (j *judged) text(i int) string {
	if i < 0 {
		return ""
	}
	s, _ := j.Values[i].(string)
	return s
}

// record returns value i, an area of record, in 0.01 m², or index.NoArea.
func (l *layerRun) record(j *judged, i int) int64 {
	if i < 0 || j.Values[i] == nil {
		return index.NoArea
	}
	a, ok := recordArea(j.Values[i])
	if !ok {
		j.find(Noted, problem.New("RECORD_AREA", "字段 %s 的值 %s 不能作面积，原样保留，不计入合计", "field %s holds %s, which is no area; kept as it is, in no sum",
			l.fields[i].Name, problem.Shown(j.Values[i])))
	}
	return a
}

// geometry brings the rings to CGCS2000, mends them and measures both states. Of
// what the layer's rule leaves out only the area is wanted.
func (l *layerRun) geometry(s *sourceRun, f *source.Feature, j *judged) {
	if len(f.Polygons) == 0 {
		if !j.leftOut {
			j.find(Refused, problem.New("GEOMETRY_MISSING", "没有图形", "it has no geometry").
				Advise("请补上图形，或删去这条记录", "add its geometry, or delete the record"))
		}
		return
	}
	if s.swapped {
		exchange(f.Polygons)
	}
	raw, err := s.crs.MultiPolygon(f.Polygons, geo.Limits{})
	if err != nil {
		j.find(Refused, geometryProblem(err))
		return
	}
	if j.leftOut {
		j.areaIn = statedArea(raw)
		j.AreaM2 = j.areaIn
		return
	}
	fixed, findings, err := overlay.Mend(raw)
	if err != nil {
		j.areaIn = statedArea(raw)
		j.find(Refused, unmendable(err))
		return
	}
	if as := drawn(s.crs, f.Polygons); len(as) > 0 {
		findings = append(as, findings...)
	}
	j.Geometry, j.AreaM2, j.broken = fixed, geo.Area(fixed), findings
	if len(findings) == 0 {
		j.areaIn = j.AreaM2 // the same rings in another order: no rounding shows
	} else {
		j.areaIn = statedArea(raw)
	}
	for _, g := range findings {
		if g.Rule == overlay.NothingLeft {
			continue // said below
		}
		act := Mended
		if l.run.opt.Strict {
			act = Refused
		}
		j.find(act, g.Problem())
		if !j.mended {
			last := &j.findings[len(j.findings)-1]
			last.AreaBefore, last.AreaAfter = j.areaIn, j.AreaM2
		}
		j.mended = true
	}
	l.ringOrder(s, f.Polygons, j)
	if len(fixed) == 0 {
		j.find(Refused, problem.New("GEOMETRY_EMPTY", "图形没有面积", "the geometry has no area").
			Advise("请核对该要素的界址点，更正后重新提交；若是碎线，请删去", "check the feature's corners, correct it and deliver again; if it is a scrap, delete it"))
	}
}

// unmendable is why a geometry is refused that could not be mended.
func unmendable(err error) *problem.Problem {
	zh, en := "修复的结果与原面积不符", "what mending gives has another area"
	if p := problem.Of(err); p != nil {
		zh, en = p.Found(problem.Chinese), p.Found(problem.English)
	}
	return problem.New("GEOMETRY_UNMENDABLE", "图形修复不了（%[1]s）", "the geometry cannot be mended (%[2]s)", zh, en).Because(err).
		Advise("请在制图软件里修复或拆分该图形，再重新提交", "mend or divide it in a mapping program and deliver again")
}

// identify gives a feature its id, and its place where the attributes name none.
func (l *layerRun) identify(j *judged) {
	if j.key != "" {
		j.ID = KeyID(l.rep.Layer, j.key)
	} else {
		j.ID = contentID(l.rep.Layer, l.fields, &j.Feature)
	}
	if j.Place == "" {
		j.Place = placeIn(l.regions, j.Geometry)
	}
}

// statedArea is the area that the rings claim as they are: the first of each
// polygon less the others, whatever their direction. Where rings cross, it is
// not the ground that they cover.
func statedArea(m geo.MultiPolygon) float64 {
	sum := 0.0
	for _, p := range m {
		for i, r := range p {
			a := math.Abs(geo.RingArea(r))
			if i > 0 {
				a = -a
			}
			sum += a
		}
	}
	return math.Abs(sum)
}
