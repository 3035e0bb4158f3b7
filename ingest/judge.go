package ingest

import (
	"math"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
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
	areaIn   float64
	mended   bool
	refused  bool
	findings []Finding
}

// find notes a finding. Its place is filled in when the whole feature is judged,
// because the key is not known before.
func (j *judged) find(a Action, p *problem.Problem) {
	j.findings = append(j.findings, Finding{Problem: p, Action: a})
	if a == Refused {
		j.refused = true
	}
}

// judge checks and mends the features of a batch. It touches nothing but the
// batch, so that any number may run at once.
func (l *layerRun) judge(s *sourceRun, b *job) {
	b.judged = make([]judged, len(b.features))
	for i := range b.features {
		f := &b.features[i]
		j := &b.judged[i]
		j.source, j.record = s.number, f.Record
		l.attributes(s, f, j)
		if f.Problem != nil {
			j.find(Refused, f.Problem)
		} else {
			l.geometry(s, f, j)
		}
		for k := range j.findings {
			j.findings[k].Problem = j.findings[k].In(s.in.Path).At(j.record, j.key)
		}
		if !j.refused && !j.leftOut {
			l.identify(j)
		}
	}
}

// attributes maps the values to the layer's fields.
func (l *layerRun) attributes(s *sourceRun, f *source.Feature, j *judged) {
	j.Values = make([]any, len(l.fields))
	for i, c := range s.columns {
		if c.from < 0 || c.from >= len(f.Values) {
			continue
		}
		v, ok := convert(f.Values[c.from], c.kind)
		if text, is := v.(string); is && c.code {
			v = code(text)
		}
		j.Values[i] = v
		if !ok {
			j.find(Noted, problem.New("VALUE_TYPE", "字段 %s 的值 %.60v 不是 %s，原样保留", "field %s holds %.60v, which is no %s; kept as it is",
				l.fields[i].Name, f.Values[c.from], c.kind))
		}
	}
	for _, k := range l.profile.Key {
		if v := l.text(j, k); v != "" {
			j.key, j.keyField = v, k
			break
		}
	}
	for _, p := range l.profile.Place {
		if j.Place = placeOf(l.text(j, p)); j.Place != "" {
			break
		}
	}
	j.class = l.text(j, classField)
	j.leftOut = l.rep.Layer == "cropland" && s.classed && !strings.HasPrefix(j.class, CroplandPrefix)
	j.Patch, j.Net = l.record(j, l.profile.Patch), l.record(j, l.profile.Net)
}

// code returns a code without the blanks around it, and nil for a blank one.
func code(text string) any {
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	return nil
}

// classField is the field that tells cropland from other land.
const classField = "DLBM"

// text returns a value that is a text, or "".
func (l *layerRun) text(j *judged, field string) string {
	i := l.field(field)
	if i < 0 {
		return ""
	}
	s, _ := j.Values[i].(string)
	return s
}

// record returns an area of record in 0.01 m², or index.NoArea.
func (l *layerRun) record(j *judged, field string) int64 {
	i := l.field(field)
	if i < 0 || j.Values[i] == nil {
		return index.NoArea
	}
	a, ok := recordArea(j.Values[i])
	if !ok {
		j.find(Noted, problem.New("RECORD_AREA", "字段 %s 的值 %.60v 不能作面积，原样保留，不计入合计", "field %s holds %.60v, which is no area; kept as it is, in no sum",
			field, j.Values[i]))
	}
	return a
}

// geometry brings the rings to CGCS2000, mends them and measures both states. Of
// what the layer's rule leaves out only the area is wanted.
func (l *layerRun) geometry(s *sourceRun, f *source.Feature, j *judged) {
	if len(f.Polygons) == 0 {
		if !j.leftOut {
			j.find(Refused, problem.New("GEOMETRY_MISSING", "没有图形", "it has no geometry"))
		}
		return
	}
	raw, err := s.crs.MultiPolygon(f.Polygons, geo.Limits{})
	if err != nil {
		j.find(Refused, geometryProblem(err))
		return
	}
	j.areaIn = statedArea(raw)
	if j.leftOut {
		j.AreaM2 = j.areaIn
		return
	}
	fixed, findings, err := overlay.Mend(raw)
	if err != nil {
		j.find(Refused, problem.New("GEOMETRY_UNMENDABLE", "图形修复不了（%v）", "the geometry cannot be mended (%v)", err).Because(err))
		return
	}
	j.Geometry, j.AreaM2 = fixed, geo.Area(fixed)
	if len(findings) == 0 {
		j.areaIn = j.AreaM2 // the same rings in another order: no rounding shows
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
	if len(fixed) == 0 {
		j.find(Refused, problem.New("GEOMETRY_EMPTY", "图形没有面积", "the geometry has no area"))
	}
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
