package analyze

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// alternative is one way to lay out a project.
type alternative struct {
	name  string
	files []string
	plots []*plot
	// shape is the ground of all plots that can be read, nil for none; area its area.
	shape   geo.MultiPolygon
	area    Area
	mask    *overlay.Mask
	found   []*themeFound // parallel to the themes
	base    *themeFound   // the first of them
	outside Area          // of the base's features
	crop    Area
	// noCrop counts features of cropland whose record has no net area.
	noCrop      int
	grade       any // float64, the mean of gradedM2
	gradedM2    Area
	verdict     verdict
	reasons     []edition.Title
	notJudged   []string
	pareto      any // bool
	dominatedBy []string
}

// plot is one shape of an alternative.
type plot struct {
	given        *areas.Given
	order        int // among the shapes of the request
	number, name string
	properties   map[string]any
	shape        geo.MultiPolygon // mended, nil where it cannot be read
	area         float64
}

// The levels of corrections: what must be corrected, what should be looked at, and what
// is told only.
const (
	levelError   = "error"
	levelWarning = "warning"
	levelInfo    = "information"
)

// correction is something to be corrected.
type correction struct {
	alt           *alternative
	plot          *plot
	level         string
	stated, found string
	what          *problem.Problem
}

func (s *sitingJob) correct(a *alternative, p *plot, level string, what *problem.Problem) *correction {
	if what.Advice(problem.Chinese) == "" {
		what = what.Advise("请在文件里更正这一处，重新报送", "correct this in the file, and send it again")
	}
	s.corrections = append(s.corrections, correction{alt: a, plot: p, level: level, what: what})
	return &s.corrections[len(s.corrections)-1]
}

// gather makes alternatives of the shapes, in the order in which they come first.
func (s *sitingJob) gather() {
	byName := map[string]*alternative{}
	how := s.Parameter("alternatives")
	files := map[string]string{}
	for i := range s.Shapes {
		p := &plot{given: &s.Shapes[i], order: i + 1}
		p.describe(s.rules)
		letter, ok := files[p.given.File]
		if !ok {
			letter = letters(len(files))
			files[p.given.File] = letter
		}
		name := letter
		if how == "plot" {
			name = letters(i)
		}
		if v := textProperty(p.properties, s.rules.AltFields); how == "auto" && v != "" {
			name = v
		}
		a := byName[name]
		if a == nil {
			a = &alternative{name: name}
			byName[name] = a
			s.alts = append(s.alts, a)
		}
		a.plots = append(a.plots, p)
		if f := p.given.File; f != "" && !slices.Contains(a.files, f) {
			a.files = append(a.files, f)
		}
	}
}

// letters names the n-th alternative, from 0: A … Z, AA ….
func letters(n int) string {
	if n < 26 {
		return string(rune('A' + n))
	}
	return letters(n/26-1) + string(rune('A'+n%26))
}

// describe reads the properties of a plot.
func (p *plot) describe(rules *SitingRules) {
	d := json.NewDecoder(bytes.NewReader(p.given.Properties))
	d.UseNumber()
	if d.Decode(&p.properties) != nil {
		p.properties = nil // there are none, or they are no object: nothing is stated
	}
	p.number = textProperty(p.properties, rules.NumberFields)
	var id any
	if p.number == "" && json.Unmarshal(p.given.ID, &id) == nil && id != nil {
		p.number = plainText(id)
	}
	p.name = textProperty(p.properties, []string{"name", "DKMC", "地块名称"})
}

// textProperty returns the first of the properties that is there, as text.
func textProperty(properties map[string]any, names []string) string {
	for _, n := range names {
		if t := plainText(properties[n]); t != "" {
			return t
		}
	}
	return ""
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// numberProperty returns the first of the properties that is a number from 0.
func numberProperty(properties map[string]any, names []string) (v float64, text string, ok bool) {
	for _, n := range names {
		text = plainText(properties[n])
		if v, err := strconv.ParseFloat(text, 64); err == nil && v >= 0 && !math.IsInf(v, 0) {
			return v, text, true
		}
	}
	return 0, "", false
}

// validate looks at each plot of an alternative, lists what is to be corrected, and makes
// the alternative's shape of the plots that can be read.
func (s *sitingJob) validate(ctx context.Context, a *alternative) error {
	numbers := map[string]*plot{}
	var shapes []geo.MultiPolygon
	for _, p := range a.plots {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.readPlot(a, p)
		if other := numbers[p.number]; p.number != "" && other != nil {
			s.correct(a, p, levelError, problem.New("PLOT_NUMBER", "地块编号 %.40q 与第 %d 个图形的相同", "the number %.40q is that of shape %d, too", p.number, other.order).
				Advise("同一方案内地块编号不得重复", "numbers of plots are to be different in one alternative"))
		}
		numbers[p.number] = p
		if p.shape != nil {
			shapes = append(shapes, p.shape)
		}
	}
	s.overlaps(a)
	if len(shapes) == 0 {
		return nil
	}
	var err error
	if a.shape, err = overlay.Dissolve(ctx, shapes); err != nil {
		return err
	}
	if allow := areas.Allowance(&s.Index.Manifest.Policy); allow != nil {
		if err := allow(ctx, a.shape); err != nil {
			return err
		}
	}
	a.area = areaOf(geo.Area(a.shape))
	a.mask, err = overlay.NewMask(a.shape)
	return err
}

// readPlot brings a plot onto the ground.
func (s *sitingJob) readPlot(a *alternative, p *plot) {
	g := p.given
	if g.Err != nil {
		s.correct(a, p, levelError, problemOf(g.Err))
	}
	for _, n := range g.Notes {
		s.correct(a, p, levelWarning, n)
	}
	if g.Err != nil {
		return
	}
	s.closure(a, p)
	s.points(a, p)
	raw, err := areas.ShapeWithin(g.Polygons, g.CRS, maxSiteVertices)
	if err != nil {
		s.correct(a, p, levelError, problemOf(areas.Propose(err, s.Index, []areas.Given{*g})))
		return
	}
	shape, findings, err := overlay.Mend(raw)
	for _, f := range findings {
		if f.Rule == overlay.RingNotClosed {
			continue // told of the rings as they were given
		}
		level := levelError
		switch f.Rule {
		case overlay.RepeatedPosition, overlay.RingSpike, overlay.RingTouchesSelf, overlay.RingsShareEdge, overlay.InteriorSplit:
			level = levelWarning
		}
		c := s.correct(a, p, level, f.Problem())
		if at := g.CRS.Forward(f.At.LonLat()); g.CRS.GaussKrueger() {
			c.found = fmt.Sprintf("X=%.3f, Y=%.3f", at.Y, at.X)
		}
	}
	if err != nil {
		s.correct(a, p, levelError, problemOf(err))
		return
	}
	if len(shape) == 0 {
		if len(findings) == 0 {
			s.correct(a, p, levelError, problem.New("AOI_EMPTY", "地块没有面积", "the plot has no area"))
		}
		return
	}
	p.shape, p.area = shape, geo.Area(shape)
	s.stated(a, p)
	s.astray(a, p)
}

// problemOf is an error as a problem.
func problemOf(err error) *problem.Problem {
	if p := problem.Of(err); p != nil {
		return p
	}
	return problem.New("GEOMETRY_REFUSED", "图形不能用（%[1]v）", "the shape cannot be used (%[1]v)", err).Because(err)
}

// closure tells which rings do not end where they begin.
func (s *sitingJob) closure(a *alternative, p *plot) {
	for i, polygon := range p.given.Polygons {
		for k, ring := range polygon {
			if n := len(ring); n > 0 && ring[0] != ring[n-1] {
				c := s.correct(a, p, levelWarning, problem.New("RING_NOT_CLOSED", "第 %d 部分第 %d 圈没有闭合：末点不是起点", "part %d, ring %d is not closed: it does not end where it begins", i+1, k+1).
					Advise("请重复起点（J1）以闭合；这里按直线闭合计算", "repeat the first point; here it is closed by a straight line"))
				c.stated, c.found = pointText(ring[0]), pointText(ring[n-1])
			}
		}
	}
}

func pointText(p geo.XY) string { return fmt.Sprintf("X=%.3f, Y=%.3f", p.Y, p.X) }

// points compares the number of points that the properties state; what a TXT states is
// compared when it is read.
func (s *sitingJob) points(a *alternative, p *plot) {
	v, text, ok := numberProperty(p.properties, s.rules.PointFields)
	if !ok {
		return
	}
	all, closing := 0, 0
	for _, polygon := range p.given.Polygons {
		for _, ring := range polygon {
			all += len(ring)
			if n := len(ring); n > 1 && ring[0] == ring[n-1] {
				closing++
			}
		}
	}
	if int(v) == all || int(v) == all-closing {
		return
	}
	c := s.correct(a, p, levelWarning, problem.New("PLOT_POINTS", "写 %s 个界址点，实有 %d 个（另有 %d 个闭合点）", "%s points are stated, there are %d (and %d that close rings)", text, all-closing, closing).
		Advise("请核对有没有漏点", "check whether points are missing"))
	c.stated, c.found = text, strconv.Itoa(all-closing)
}

// stated compares the area that is stated with that on the ellipsoid, and with that in the
// plane, which some programs write.
func (s *sitingJob) stated(a *alternative, p *plot) {
	st := p.given.Stated
	if st == nil {
		if ha, _, ok := numberProperty(p.properties, s.rules.HaFields); ok {
			st = &areas.StatedArea{M2: ha * 1e4}
		} else if m2, _, ok := numberProperty(p.properties, s.rules.M2Fields); ok {
			st = &areas.StatedArea{M2: m2}
		} else if v, ok := p.properties["stated_ha"]; ok && v == nil {
			s.correct(a, p, levelWarning, problem.New("PLOT_AREA_MISSING", "没有写明面积", "no area is stated").
				Advise("请补写面积（公顷）", "state the area, in hectares"))
			return
		} else {
			return
		}
		if p.given.CRS.GaussKrueger() {
			st.PlaneM2 = planeM2(p.given.Polygons)
		}
	}
	allowed := max(s.rules.AreaToleranceHa.Value*1e4, st.StepM2/2) * (1 + 1e-9)
	if math.Abs(st.M2-p.area) <= allowed {
		return
	}
	level, zh, en := levelError, "写明面积与计算面积相差 %.4f 公顷，超过 %.4g 公顷", "the stated area is off by %.4f ha, which is more than %.4g ha"
	code := "AREA_STATED"
	if st.PlaneM2 > 0 && math.Abs(st.M2-st.PlaneM2) <= allowed {
		level, code = levelWarning, "AREA_PLANE"
		zh, en = zh+"；它与平面面积相符", en+"; it is that in the plane"
	}
	c := s.correct(a, p, level, problem.New(code, zh, en, (st.M2-p.area)/1e4, allowed/1e4).Advise("面积应为椭球面积；请核对界址点和面积", "areas are those on the ellipsoid; check the points and the area"))
	c.stated, c.found = fmt.Sprintf("%.4f ha", st.M2/1e4), fmt.Sprintf("%.4f ha", p.area/1e4)
}

// planeM2 is the area of polygons, shells first, in their plane.
func planeM2(polygons [][][]geo.XY) float64 {
	sum := 0.0
	for _, polygon := range polygons {
		for k, r := range polygon {
			twice := 0.0
			for i := 1; i+1 < len(r); i++ {
				twice += (r[i].X-r[0].X)*(r[i+1].Y-r[0].Y) - (r[i+1].X-r[0].X)*(r[i].Y-r[0].Y)
			}
			if k == 0 {
				sum += math.Abs(twice) / 2
			} else {
				sum -= math.Abs(twice) / 2
			}
		}
	}
	return sum
}

// astray tells that a plot lies off the ground of the edition altogether, and in which
// zone it would not.
func (s *sitingJob) astray(a *alternative, p *plot) {
	ground := geo.EmptyBox()
	for _, n := range s.Index.Names() {
		ground = ground.Union(s.Index.Layer(n, "").Extent())
	}
	if ground.Intersects(p.shape.Box()) {
		return
	}
	at := p.shape.Box().Min.LonLat()
	what := problem.New("SITE_ASTRAY", "坐标落在本版范围之外（%.5f, %.5f）", "the coordinates lie off the ground of this edition (%.5f, %.5f)", at.Lon, at.Lat)
	var words []string
	if g := p.given; g.CRS.GaussKrueger() && len(g.Polygons) > 0 {
		for _, z := range geo.ZonesOnGround(g.Polygons[0][0], ground) {
			words = append(words, z.String()+"（"+z.Name()+"）")
		}
	}
	if len(words) > 0 {
		what = what.Advise("按 %[1]s 则落在本版范围内：请核对带号", "by %[1]s they lie on it: check the zone", strings.Join(words, " "))
	} else {
		what = what.Advise("请核对坐标、带号和坐标次序", "check the coordinates, their zone and their order")
	}
	c := s.correct(a, p, levelError, what)
	c.found = p.given.CRS.Name()
}

// overlaps tells which plots of an alternative lie on each other.
func (s *sitingJob) overlaps(a *alternative) {
	for i, p := range a.plots {
		for _, q := range a.plots[:i] {
			if p.shape == nil || q.shape == nil || !p.shape.Box().Intersects(q.shape.Box()) {
				continue
			}
			if m2 := overlay.SharedArea(p.shape, q.shape); m2 >= 0.01 {
				c := s.correct(a, p, levelError, problem.New("PLOTS_OVERLAP", "与第 %d 个图形（%.40s）重叠 %.2f m²，合计只计一次", "it overlaps shape %d (%.40s) by %.2f m², which count once", q.order, cmp.Or(q.number, q.name, "—"), m2).
					Advise("同一方案的地块不得重叠", "plots of one alternative are not to overlap"))
				c.found = fmt.Sprintf("%.2f m²", m2)
			}
		}
	}
}
