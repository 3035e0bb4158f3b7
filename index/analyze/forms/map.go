package forms

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// Outline is a place that the map of a page shows under the shapes.
type Outline struct {
	Code, Name string
	Shape      geo.MultiPolygon
}

// mapView is the map as the template draws it.
type mapView struct {
	Width, Height        float64
	Places               template.HTMLAttr // the path of all outlines
	Layers               []layerView
	Labels               []labelView
	Ruler                ruler
	NorthWest, SouthEast string
}

// layerView is a layer of shapes on the map, or a kind of its shapes.
type layerView struct {
	Title edition.Title
	Class string // of style
	Path  template.HTMLAttr
	Count int
}

type labelView struct {
	point
	Text string
	wide float64 // of the place
}

// lookClose is how many times larger the places may be than what lies in them, before the
// map shows that alone with what is around it.
const lookClose = 4

// colours is how many styles there are for layers.
const colours = 8

// The limits of a map: shapes are drawn on a lattice, so that what is drawn does not grow
// without end; a shape that is less than a step of it is a dot.
const (
	latticeStep  = 0.5 // pixels
	dotSide      = 1.6 // pixels
	labelLetter  = 15  // pixels
	labelHeight  = 20
	maxLabels    = 80
	maxLabelRune = 12
)

// drawMap draws the layers of shapes of an answer over outlines of places; nil where there
// is neither.
func drawMap(ctx context.Context, r *analyze.Result, places []Outline) (*mapView, error) {
	box := geo.EmptyBox()
	for _, s := range r.Shapes {
		err := eachShape(ctx, s, func(_ int, m geo.MultiPolygon) { box = box.Union(m.Box()) })
		if err != nil {
			return nil, err
		}
	}
	around := geo.EmptyBox()
	for i := range places {
		around = around.Union(places[i].Shape.Box())
	}
	switch {
	case box.Empty():
		box = around
	case around.Empty() || lookClose*max(box.Max.Lon-box.Min.Lon, box.Max.Lat-box.Min.Lat) < max(around.Max.Lon-around.Min.Lon, around.Max.Lat-around.Min.Lat):
		w, h := (box.Max.Lon-box.Min.Lon)/2, (box.Max.Lat-box.Min.Lat)/2
		box.Min.Lon, box.Min.Lat, box.Max.Lon, box.Max.Lat = box.Min.Lon-w, box.Min.Lat-h, box.Max.Lon+w, box.Max.Lat+h
	default:
		box = box.Union(around)
	}
	if box.Empty() {
		return nil, nil
	}
	f := frameOf(box)
	v := &mapView{Width: f.width, Height: f.height, Ruler: f.ruler()}
	nw, se := f.corners()
	v.NorthWest, v.SouthEast = fmt.Sprintf("%.4f°E %.4f°N", nw.Lon, nw.Lat), fmt.Sprintf("%.4f°E %.4f°N", se.Lon, se.Lat)
	p := pen{frame: f}
	for i := range places {
		p.add(places[i].Shape)
		v.label(&f, &places[i])
	}
	v.Places = p.path()
	v.settle()
	for _, s := range r.Shapes {
		layers, err := drawLayer(ctx, &f, s, len(v.Layers))
		if err != nil {
			return nil, err
		}
		v.Layers = append(v.Layers, layers...)
	}
	return v, nil
}

// eachShape calls the function with each row that has a shape.
func eachShape(ctx context.Context, s *analyze.Shapes, do func(row int, m geo.MultiPolygon)) error {
	for i := range s.Table.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := s.Geometry(ctx, i)
		if err != nil {
			return err
		}
		if len(m) > 0 {
			do(i, m)
		}
	}
	return nil
}

// telling are the columns by which the shapes of a layer are shown apart, the first that
// its table has.
var telling = []string{"verdict", "kind", "eligible", "proposal"}

// mostKinds is how many kinds a layer is shown in; of more it is shown as one.
const mostKinds = 6

// kindsOf returns what tells the rows of a layer apart, by row, nil where nothing does.
func kindsOf(t *analyze.Table) func(row int) edition.Title {
	for _, name := range telling {
		c := t.Column(name)
		if c < 0 {
			continue
		}
		title := t.Columns[c].Title
		kind := func(row int) edition.Title {
			switch v := t.Rows[row][c].(type) {
			case string:
				told := analyze.Told(t.Name, t.Columns[c].Name, v)
				return edition.Title{Zh: visible(told.Zh), En: visible(told.En)}
			case bool:
				mark := edition.Title{Zh: "否", En: "no"}
				if v {
					mark = edition.Title{Zh: "是", En: "yes"}
				}
				return edition.Title{Zh: title.Zh + "：" + mark.Zh, En: title.En + ": " + mark.En}
			}
			if t.Columns[c].Kind == analyze.Truth {
				return edition.Title{Zh: title.Zh + "：未定", En: title.En + ": open"}
			}
			return edition.Title{Zh: title.Zh + "：无", En: title.En + ": none"}
		}
		seen := map[edition.Title]bool{}
		for row := range t.Rows {
			seen[kind(row)] = true
		}
		if len(seen) <= mostKinds {
			return kind
		}
	}
	return nil
}

// drawLayer draws a layer, each kind of its shapes in a colour, in the order of the rows.
func drawLayer(ctx context.Context, f *frame, s *analyze.Shapes, before int) ([]layerView, error) {
	kind := kindsOf(s.Table)
	var out []layerView
	var pens []*pen
	err := eachShape(ctx, s, func(row int, m geo.MultiPolygon) {
		title := s.Title
		if kind != nil {
			of := kind(row)
			title = edition.Title{Zh: title.Zh + "，" + of.Zh, En: title.En + ", " + of.En}
		}
		i := slices.IndexFunc(out, func(v layerView) bool { return v.Title == title })
		if i < 0 {
			i = len(out)
			out = append(out, layerView{Title: title, Class: "k" + strconv.Itoa((before+i)%colours)})
			pens = append(pens, &pen{frame: *f})
		}
		out[i].Count++
		pens[i].add(m)
	})
	for i := range out {
		out[i].Path = pens[i].path()
	}
	return out, err
}

// pen draws shapes as the path of an SVG. Shapes that touch are drawn alike along their
// border: every vertex lies on one lattice.
type pen struct {
	frame frame
	data  []byte
	dots  map[[2]int]bool
	ring  [][2]int
}

// add draws a shape. Its rings are wound as they are: a hole goes against its shell, so the
// path is to be filled by the rule nonzero.
func (p *pen) add(m geo.MultiPolygon) {
	for _, polygon := range m {
		for i, ring := range polygon {
			p.snap(ring)
			switch {
			case len(p.ring) >= 3:
				p.draw()
			case i == 0 && len(p.ring) > 0:
				if p.dots == nil {
					p.dots = map[[2]int]bool{}
				}
				p.dots[p.ring[0]] = true
			}
		}
	}
}

// snap puts the vertices of a ring on the lattice, without those that fall together or lie
// between their neighbours on a line.
func (p *pen) snap(ring geo.Ring) {
	p.ring = p.ring[:0]
	for _, v := range ring[:max(len(ring)-1, 0)] {
		at := p.frame.to(v)
		c := [2]int{int(math.Round(at.X / latticeStep)), int(math.Round(at.Y / latticeStep))}
		n := len(p.ring)
		if n > 0 && p.ring[n-1] == c {
			continue
		}
		if n > 1 && between(p.ring[n-2], p.ring[n-1], c) {
			p.ring[n-1] = c
			if p.ring[n-2] == c {
				p.ring = p.ring[:n-1]
			}
			continue
		}
		p.ring = append(p.ring, c)
	}
	for n := len(p.ring); n > 1 && p.ring[n-1] == p.ring[0]; n-- {
		p.ring = p.ring[:n-1]
	}
}

// between tells whether b lies on the line from a to c.
func between(a, b, c [2]int) bool {
	return (b[0]-a[0])*(c[1]-a[1]) == (c[0]-a[0])*(b[1]-a[1])
}

// draw appends the ring that was put on the lattice.
func (p *pen) draw() {
	for i, c := range p.ring {
		lead := byte(' ')
		switch i {
		case 0:
			lead = 'M'
		case 1:
			lead = 'L'
		}
		p.data = append(p.data, lead)
		p.data = strconv.AppendFloat(p.data, float64(c[0])*latticeStep, 'f', -1, 64)
		p.data = append(p.data, ' ')
		p.data = strconv.AppendFloat(p.data, float64(c[1])*latticeStep, 'f', -1, 64)
	}
	p.data = append(p.data, 'Z')
}

// path returns the data of the path, the dots last.
func (p *pen) path() template.HTMLAttr {
	dots := make([][2]int, 0, len(p.dots))
	for c := range p.dots {
		dots = append(dots, c)
	}
	slices.SortFunc(dots, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, c := range dots {
		p.data = fmt.Appendf(p.data, "M%g %gh%gv%gh-%gZ", float64(c[0])*latticeStep-dotSide/2, float64(c[1])*latticeStep-dotSide/2, dotSide, dotSide, dotSide)
	}
	return template.HTMLAttr(p.data) //nolint:gosec // digits and the letters of paths alone
}

// label keeps the name of a place, in the middle of the box of its largest part.
func (v *mapView) label(f *frame, o *Outline) {
	text := o.Name
	if text == "" {
		text = o.Code
	}
	if r := []rune(text); len(r) > maxLabelRune {
		text = string(r[:maxLabelRune-1]) + "…"
	}
	var best labelView
	for i := range o.Shape {
		b := o.Shape[i : i+1].Box()
		lo, hi := f.to(b.Min), f.to(b.Max)
		if wide := hi.X - lo.X; wide > best.wide {
			best = labelView{point{(lo.X + hi.X) / 2, (lo.Y + hi.Y) / 2}, text, wide}
		}
	}
	v.Labels = append(v.Labels, best)
}

// settle keeps the names of the widest places that have room for them.
func (v *mapView) settle() {
	slices.SortStableFunc(v.Labels, func(a, b labelView) int { return cmp.Compare(b.wide, a.wide) })
	half := func(l *labelView) float64 { return labelLetter * float64(utf8.RuneCountInString(l.Text)) / 2 }
	var out []labelView
	for _, l := range v.Labels {
		clash := func(o labelView) bool {
			return math.Abs(l.X-o.X) < half(&l)+half(&o) && math.Abs(l.Y-o.Y) < labelHeight
		}
		inside := l.X > 0 && l.X < v.Width && l.Y > labelHeight && l.Y < v.Height
		if len(out) < maxLabels && l.Text != "" && inside && 1.3*half(&l) < l.wide && !slices.ContainsFunc(out, clash) {
			out = append(out, l)
		}
	}
	v.Labels = out
}
