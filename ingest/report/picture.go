package report

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// pictures are the drawn parts of a report: the map, and enlarged places.
type pictures struct {
	frame    frame
	coverage []byte // PNG
	labels   []label
	marks    []mark
	dots     []dot
	placed   int              // how many faults the dots stand for
	dotPixel float64          // the side of the squares that one dot stands for
	closeups map[int]*closeup // by the fault's place in Report.Faults
}

// label is the name of a place, in its middle.
type label struct {
	point
	Text  string
	width float64 // of the place, in pixels
}

// mark is a numbered sign on the map: a fault, and how many others are beside it.
type mark struct {
	point
	Fault, More int // Fault: the place in Report.Faults
	grade       int
}

// dot is the true place of a fault, or of all in a small square, of the gravest's grade.
type dot struct {
	point
	grade int
}

// The limits of the map.
const (
	markApart    = 32 // pixels
	maxMarks     = 600
	maxDots      = 4000
	maxLabels    = 120
	labelHeight  = 24 // pixels
	labelLetter  = 17
	leastShownM  = 20 // metres that the map shows at least
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
	if err := p.scatter(r); err != nil {
		return nil, err
	}
	p.settleLabels()
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
	wanted  map[wanted][]*closeup
	byLayer [][]*closeup // by layer
	points  int          // of the enlarged pictures
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
	features, places := 0, 0
	for i, l := range d.rec.layers {
		d.shown[i] = !l.void && latest[l.seen.Layer] == i
		if d.shown[i] && !l.places() {
			features = max(features, l.features)
		} else if d.shown[i] {
			places += l.features
		}
	}
	d.cover.placeWidth = placeWidth
	if places > manyPlaces {
		d.cover.placeWidth = placeThin
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
			d.outline(s)
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

// outline draws the border of a place, and keeps its name.
func (d *drawing) outline(s *stored) {
	d.cover.outline(s.polygons)
	b := s.polygons.Box()
	lo, hi := d.frame.to(b.Min), d.frame.to(b.Max)
	if text := cut(string(s.label), maxLabelText); text != "" {
		d.labels = append(d.labels, label{point{(lo.X + hi.X) / 2, (lo.Y + hi.Y) / 2}, text, hi.X - lo.X})
	}
}

// settleLabels keeps the names of the widest places that have room for them.
func (p *pictures) settleLabels() {
	slices.SortStableFunc(p.labels, func(a, b label) int { return cmp.Compare(b.width, a.width) })
	var out []label
	for _, l := range p.labels {
		half := func(l label) float64 { return labelLetter * float64(utf8.RuneCountInString(l.Text)) / 2 }
		clash := func(o label) bool {
			return math.Abs(l.X-o.X) < half(l)+half(o) && math.Abs(l.Y-o.Y) < labelHeight
		}
		if len(out) < maxLabels && 1.5*half(l) < l.width && !slices.ContainsFunc(out, clash) {
			out = append(out, l)
		}
	}
	p.labels = out
}

// ring returns the points of a ring, open.
func (f *frame) ring(r geo.Ring) []point {
	out := make([]point, 0, len(r))
	for _, v := range r[:max(len(r)-1, 0)] {
		out = append(out, f.to(v))
	}
	return out
}

// scatter puts the places of all faults on the map as dots. Where there are more than
// maxDots those in one small square are one dot, which is drawn as large as the square.
func (p *pictures) scatter(r *Report) error {
	cells := map[[2]int]int{} // the gravest grade in each square of dotPixel
	p.dotPixel = 1
	err := r.eachMapped(func(f *Fault, _ geo.MultiPolygon) error {
		if f.Lon == nil {
			return nil
		}
		at := p.frame.to(geo.PositionOf(geo.LonLat{Lon: *f.Lon, Lat: *f.Lat}))
		join(cells, [2]int{int(math.Floor(at.X / p.dotPixel)), int(math.Floor(at.Y / p.dotPixel))}, r.grade(f))
		p.placed++
		for len(cells) > maxDots {
			wider := map[[2]int]int{}
			for cell, grade := range cells {
				join(wider, [2]int{cell[0] >> 1, cell[1] >> 1}, grade)
			}
			cells, p.dotPixel = wider, 2*p.dotPixel
		}
		return nil
	})
	for cell, grade := range cells {
		p.dots = append(p.dots, dot{point{(float64(cell[0]) + 0.5) * p.dotPixel, (float64(cell[1]) + 0.5) * p.dotPixel}, grade})
	}
	// The gravest on top; the order of a map is none.
	slices.SortFunc(p.dots, func(a, b dot) int {
		return cmp.Or(cmp.Compare(b.grade, a.grade), cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	})
	return err
}

// join notes a fault of a grade in a square.
func join(cells map[[2]int]int, cell [2]int, grade int) {
	if is, ok := cells[cell]; !ok || grade < is {
		cells[cell] = grade
	}
}

// place puts the listed faults on the map as numbered marks, the gravest first, no two of
// which cover each other: a fault beside a mark is counted with it.
func (p *pictures) place(r *Report) {
	var all []mark
	for i := range r.Faults {
		f := &r.Faults[i]
		if f.Lon == nil {
			continue
		}
		at := p.frame.to(geo.PositionOf(geo.LonLat{Lon: *f.Lon, Lat: *f.Lat}))
		all = append(all, mark{point: at, Fault: i, grade: r.grade(f)})
	}
	slices.SortStableFunc(all, func(a, b mark) int { return cmp.Compare(a.grade, b.grade) })
	cells := map[[2]int][]int{} // of the map: the marks in it
	for _, m := range all {
		cell := [2]int{int(math.Floor(m.X / markApart)), int(math.Floor(m.Y / markApart))}
		if i := p.near(cells, cell, m.point); i >= 0 {
			p.marks[i].More++
		} else if len(p.marks) < maxMarks {
			cells[cell] = append(cells[cell], len(p.marks))
			p.marks = append(p.marks, m)
		}
	}
}

// near returns the mark that lies nearer than markApart to a place in the cell, −1 when
// none does.
func (p *pictures) near(cells map[[2]int][]int, cell [2]int, at point) int {
	for x := cell[0] - 1; x <= cell[0]+1; x++ {
		for y := cell[1] - 1; y <= cell[1]+1; y++ {
			for _, i := range cells[[2]int{x, y}] {
				if m := &p.marks[i]; math.Hypot(m.X-at.X, m.Y-at.Y) < markApart {
					return i
				}
			}
		}
	}
	return -1
}

// grade returns the place of a fault's severity among all, 0 for the gravest.
func (r *Report) grade(f *Fault) int {
	return slices.IndexFunc(r.Summary.Severities, func(s Severity) bool { return s.Name == r.Rules[f.rule].Severity })
}
