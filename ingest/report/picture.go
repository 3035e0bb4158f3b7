package report

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// pictures are the drawn parts of a report: the map, and enlarged places.
type pictures struct {
	frame    frame
	coverage []byte // PNG
	outlines []outline
	labels   []label
	marks    []mark
	dots     []dot
	closeups map[int]*closeup // by the fault's place in Report.Faults
}

// outline is the border of a place, as the data of an SVG path.
type outline struct {
	Class string // the layer
	Path  string
}

type label struct {
	point
	Text string
}

// mark is a numbered sign on the map: the gravest fault in a cell of it, and how many
// others are there.
type mark struct {
	point
	Fault, More int // Fault: the place in Report.Faults
	grade       int
}

// dot is the true place of one listed fault.
type dot struct {
	point
	grade int
}

// The limits of the map.
const (
	markCell     = 26 // pixels
	maxMarks     = 600
	maxDots      = 6000
	maxOutline   = 60_000 // points
	maxLabels    = 120
	outlineStep  = 0.8 // pixels
	leastLabel   = 46  // pixels that a place with a label is wide
	leastShownM  = 20  // metres that the map shows at least
	maxLabelText = 24
)

// draw makes the pictures of a report from what the run kept.
func draw(ctx context.Context, r *Report, rec *recorder) (*pictures, error) {
	box := geo.EmptyBox()
	for _, l := range rec.layers {
		if !l.void {
			box = box.Union(l.box)
		}
	}
	if box.Empty() {
		return nil, nil
	}
	p := &pictures{frame: frameOf(box, mapWidth, mapHeight, mapMargin, leastShownM)}
	d := drawing{pictures: p, rec: rec, cover: coverage{frame: p.frame}}
	d.choose()
	p.closeups = d.closeups(r)
	if err := rec.each(ctx, d.first); err != nil {
		return nil, err
	}
	d.windows()
	if err := rec.each(ctx, d.second); err != nil {
		return nil, err
	}
	for _, c := range p.closeups {
		c.finish()
	}
	p.place(r)
	var err error
	p.coverage, err = d.cover.png()
	return p, err
}

// drawing is the making of pictures: two passes over the shapes, the first for the map
// and to find the features that faults are about, the second for what is around those.
type drawing struct {
	*pictures
	rec     *recorder
	cover   coverage
	base    int // the layer whose classes the map shows, −1 for none
	shown   []bool
	points  int // of outlines
	wanted  map[wanted][]*closeup
	byLayer map[int][]*closeup
}

// choose decides what the map shows: the classes of the latest dltb, or of cropland where
// there is none; the outlines of the latest places; and the ground of the others.
func (d *drawing) choose() {
	latest := map[string]int{}
	for i, l := range d.rec.layers {
		k, ok := latest[l.seen.Layer]
		if !l.void && (!ok || edition.CompareVintages(d.rec.layers[k].seen.Vintage, l.seen.Vintage) < 0) {
			latest[l.seen.Layer] = i
		}
	}
	d.shown = make([]bool, len(d.rec.layers))
	d.base = -1
	for _, name := range [...]string{"cropland", "dltb"} {
		if i, ok := latest[name]; ok {
			d.base = i
		}
	}
	d.cover.overlay = 0.8
	if d.base >= 0 {
		d.cover.overlay = 0.3
	}
	features := 0
	for i, l := range d.rec.layers {
		d.shown[i] = !l.void && latest[l.seen.Layer] == i
		if d.shown[i] && !l.places() {
			features = max(features, l.features)
		}
	}
	area := d.frame.width * d.frame.height
	d.cover.borders = features > 0 && math.Sqrt(area/float64(features)) >= leastParcel
}

// first draws a feature on the map and tells the enlarged places where their features
// are.
func (d *drawing) first(s *stored) {
	if d.shown[s.layer] {
		l := d.rec.layers[s.layer]
		switch {
		case l.places():
			d.outline(s, l.seen.Layer)
		case s.layer == d.base:
			d.cover.add(s.polygons, kindOf(s.class))
		case d.base < 0 || l.seen.Layer != "cropland":
			d.cover.add(s.polygons, kindOverlay)
		}
	}
	for _, w := range s.names() {
		for _, c := range d.wanted[w] {
			c.meet(s)
		}
	}
}

// outline adds the border of a place, and its name where there is room.
func (d *drawing) outline(s *stored, layer string) {
	var data []byte
	for _, p := range s.polygons {
		for _, r := range p {
			if d.points >= maxOutline {
				break
			}
			var n int
			data, n = path(data, d.frame.ring(r), outlineStep)
			d.points += n
		}
	}
	d.outlines = append(d.outlines, outline{layer, string(data)})
	b := s.polygons.Box()
	lo, hi := d.frame.to(b.Min), d.frame.to(b.Max)
	if text := cut(string(s.label), maxLabelText); text != "" && hi.X-lo.X >= leastLabel && len(d.labels) < maxLabels {
		d.labels = append(d.labels, label{point{(lo.X + hi.X) / 2, (lo.Y + hi.Y) / 2}, text})
	}
}

// ring returns the points of a ring, open.
func (f *frame) ring(r geo.Ring) []point {
	out := make([]point, 0, len(r))
	for _, v := range r[:max(len(r)-1, 0)] {
		out = append(out, f.to(v))
	}
	return out
}

// place puts the listed faults on the map: a dot each, and a numbered mark in each cell
// of it that has faults.
func (p *pictures) place(r *Report) {
	cells := map[[2]int]*mark{}
	var marks []*mark
	for i := range r.Faults {
		f := &r.Faults[i]
		if f.Lon == nil {
			continue
		}
		at := p.frame.to(geo.PositionOf(geo.LonLat{Lon: *f.Lon, Lat: *f.Lat}))
		grade := r.grade(f)
		if len(p.dots) < maxDots {
			p.dots = append(p.dots, dot{at, grade})
		}
		cell := [2]int{int(math.Floor(at.X / markCell)), int(math.Floor(at.Y / markCell))}
		m, ok := cells[cell]
		switch {
		case !ok:
			m = &mark{point: at, Fault: i, grade: grade}
			cells[cell] = m
			marks = append(marks, m)
		case grade < m.grade:
			m.point, m.Fault, m.grade, m.More = at, i, grade, m.More+1
		default:
			m.More++
		}
	}
	slices.SortStableFunc(marks, func(a, b *mark) int { return cmp.Or(cmp.Compare(a.grade, b.grade), cmp.Compare(a.Fault, b.Fault)) })
	for _, m := range marks[:min(len(marks), maxMarks)] {
		p.marks = append(p.marks, *m)
	}
	slices.Reverse(p.marks) // the gravest are drawn last, over the others
}

// grade returns the place of a fault's severity among all, 0 for the gravest.
func (r *Report) grade(f *Fault) int {
	return slices.IndexFunc(r.Summary.Severities, func(s Severity) bool { return s.Name == r.Rules[f.rule].Severity })
}
