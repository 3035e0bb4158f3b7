package ingest

import (
	"math"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// judged is a feature after checking and mending, with what was found.
type judged struct {
	index.Feature
	file     string
	record   int64
	key      string
	keyField string
	keyID    uint64
	areaIn   float64
	mended   bool
	refused  bool
	findings []Finding
}

func (j *judged) find(a Action, p *problem.Problem) {
	j.findings = append(j.findings, Finding{Problem: p.In(j.file).At(j.record, j.key), Action: a})
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
		j.file, j.record = s.in.Path, f.Record
		if f.Problem != nil {
			j.find(Refused, f.Problem)
			continue
		}
		l.attributes(s, f, j)
		l.geometry(s, f, j)
		if !j.refused {
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
		j.Values[i] = v
		if !ok {
			defer j.find(Noted, problem.New("VALUE_TYPE", "字段 %s 的值 %.60v 不是 %s，原样保留", "field %s holds %.60v, which is no %s; kept as it is",
				l.fields[i].Name, v, c.kind))
		}
	}
	for _, k := range l.profile.Key {
		if i := l.field(k); i >= 0 {
			if v, ok := j.Values[i].(string); ok && v != "" {
				j.key, j.keyField = v, k
				break
			}
		}
	}
	j.Patch, j.Net = index.NoArea, index.NoArea
	if i := l.field(l.profile.Patch); i >= 0 {
		j.Patch = recordArea(j.Values[i])
	}
	if i := l.field(l.profile.Net); i >= 0 {
		j.Net = recordArea(j.Values[i])
	}
	if i := l.field(l.profile.Place); i >= 0 {
		j.Place = placeOf(j.Values[i])
	}
}

// geometry brings the rings to CGCS2000, mends them and measures both states.
func (l *layerRun) geometry(s *sourceRun, f *source.Feature, j *judged) {
	if len(f.Polygons) == 0 {
		j.find(Refused, problem.New("GEOMETRY_MISSING", "没有图形", "it has no geometry"))
		return
	}
	raw, bad := positions(s.crs, f.Polygons)
	if bad != nil {
		j.find(Refused, bad)
		return
	}
	j.areaIn = math.Abs(statedArea(raw))
	fixed, findings, err := overlay.Mend(raw)
	if err != nil {
		j.find(Refused, problem.New("GEOMETRY_UNMENDABLE", "图形修复不了（%v）", "the geometry cannot be mended (%v)", err).Because(err))
		return
	}
	j.Geometry = fixed
	j.AreaM2 = geo.Area(fixed)
	for _, g := range findings {
		if g.Rule == overlay.NothingLeft {
			continue // said below
		}
		j.mended = true
		act := Mended
		if l.run.opt.Strict {
			act = Refused
		}
		j.find(act, g.Problem())
		last := &j.findings[len(j.findings)-1]
		last.AreaBefore, last.AreaAfter = j.areaIn, j.AreaM2
	}
	if len(fixed) == 0 {
		j.find(Refused, problem.New("GEOMETRY_EMPTY", "图形没有面积", "the geometry has no area"))
	}
}

// positions brings rings to CGCS2000, or says which coordinate does not fit.
func positions(crs geo.CRS, polygons [][][]geo.XY) (geo.MultiPolygon, *problem.Problem) {
	m := make(geo.MultiPolygon, 0, len(polygons))
	for _, p := range polygons {
		poly := make(geo.Polygon, 0, len(p))
		for _, r := range p {
			for _, v := range r {
				if err := crs.Check(v); err != nil {
					return nil, problem.New("COORDINATE", "坐标 %v %v 不在坐标系 %s 内", "the coordinate %v %v does not lie in %s", v.X, v.Y, crs.Name()).
						Advise("请核对坐标系和东、北坐标的次序", "check the coordinate system and the order of easting and northing").Because(err)
				}
			}
			poly = append(poly, crs.Ring(r))
		}
		m = append(m, poly)
	}
	return m, nil
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
	return sum
}
