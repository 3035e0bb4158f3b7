package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
)

// closeup is an enlarged picture of one fault: the features that it is about, the ground
// at fault, and what lies around.
type closeup struct {
	frame  frame
	window geo.Box
	layer  int
	ground geo.MultiPolygon // at fault; nil when the rule is about none
	at     geo.Position
	first  wanted
	other  wanted

	boxes  geo.Box // of the features that the fault is about
	points int
	total  *int // of the points of all pictures
	paths  [closeupParts][]byte
}

// The parts of an enlarged picture, in the order in which they are drawn.
const (
	partAround = iota
	partOther
	partFirst
	partPlaces // outlines of places
	partGround
	closeupParts
)

// The limits of enlarged pictures.
const (
	closeupPixels = 240
	closeupsFew   = 6 // pictures a rule,
	closeupsMany  = 3 // where more rules than manyRules are broken
	manyRules     = 12
	closeupPoints = 4000   // of a ring, and of all that lies around
	allPoints     = 60_000 // of all pictures: what lies around ends there
	closeupStep   = 0.3    // pixels; more in rings of more points
	leastWindowM  = 2
	bareWindowM   = 40 // where nothing but a place is known
)

// wanted names a feature that a picture shows: by file and record, or by its key, where
// the file is −1.
type wanted struct {
	layer, file int
	record      int64
	key         string
}

// named tells whether there is such a feature at all.
func (w wanted) named() bool { return w.record > 0 || w.key != "" }

// closeups begins the pictures of the first faults of each rule that have a place.
func (d *drawing) closeups(r *Report) map[int]*closeup {
	d.wanted, d.byLayer = map[wanted][]*closeup{}, make([][]*closeup, len(d.rec.layers))
	out := map[int]*closeup{}
	most := closeupsFew
	if r.Summary.Violated > manyRules {
		most = closeupsMany
	}
	drawn := map[int]int{}
	for i := range r.Faults {
		rule, f := r.Faults[i].rule, r.Faults[i].found
		if f == nil || f.At == (geo.Position{}) || drawn[rule] >= most {
			continue
		}
		layer := d.layerOf(f.Layer, f.Vintage)
		if layer < 0 {
			continue
		}
		drawn[rule]++
		c := &closeup{layer: layer, ground: f.Shape, at: f.At, boxes: geo.EmptyBox(), total: &d.points}
		c.first, c.other = d.features(layer, f)
		for _, w := range [...]wanted{c.first, c.other} {
			if w.named() {
				d.wanted[w] = append(d.wanted[w], c)
			}
		}
		d.byLayer[layer] = append(d.byLayer[layer], c)
		out[i] = c
	}
	return out
}

// features returns what names the features that a fault is about. Its Other is a key, or
// "#", a record, and the file where that is another.
func (d *drawing) features(layer int, f *check.Fault) (first, other wanted) {
	fileOf := func(path string) int {
		return max(0, slices.IndexFunc(d.rec.layers[layer].seen.Files, func(s ingest.FileSeen) bool { return s.Path == path }))
	}
	first = wanted{layer: layer, file: fileOf(f.File), record: f.Record}
	other = wanted{layer: layer, file: -1, key: f.Other}
	if text, ok := strings.CutPrefix(f.Other, "#"); ok {
		number, path, elsewhere := strings.Cut(text, " ")
		n, _ := strconv.ParseInt(number, 10, 64) // no number names no record
		other = wanted{layer: layer, file: first.file, record: n}
		if elsewhere {
			other.file = fileOf(path)
		}
	}
	return first, other
}

// layerOf returns a layer's place in what was recorded, −1 when it is not there.
func (d *drawing) layerOf(name, vintage string) int {
	for i, l := range d.rec.layers {
		if !l.void && l.seen.Layer == name && l.seen.Vintage == vintage {
			return i
		}
	}
	return -1
}

// names returns what a feature may be wanted by.
func (s *stored) names() [2]wanted {
	return [2]wanted{{layer: s.layer, file: s.file, record: s.record}, {layer: s.layer, file: -1, key: string(s.key)}}
}

// role tells which of the fault's features s is: partFirst, partOther or partAround.
func (c *closeup) role(s *stored) int {
	part := partAround
	for _, w := range s.names() {
		switch w {
		case c.first:
			return partFirst
		case c.other:
			part = partOther
		}
	}
	return part
}

// meet learns where a feature of the fault lies.
func (c *closeup) meet(s *stored) { c.boxes = c.boxes.Union(s.polygons.Box()) }

// windows settles what each picture shows, when its features are known: the ground at
// fault and enough of the features around it, or the features, or a little ground.
func (d *drawing) windows() {
	for _, list := range d.byLayer {
		for _, c := range list {
			c.settle()
		}
	}
}

func (c *closeup) settle() {
	box, side := c.ground.Box(), float64(leastWindowM)
	switch {
	case len(c.ground) > 0:
		long := longSide(box)
		side = max(side, 2*long)
		if !c.boxes.Empty() {
			side = max(side, min(1.2*longSide(c.boxes), 7*long))
		}
	case !c.boxes.Empty():
		box = c.boxes
		side = max(side, 1.25*longSide(box))
	default:
		box = geo.EmptyBox()
		box.Extend(c.at)
		side = bareWindowM
	}
	c.frame = frameOf(box, closeupPixels, closeupPixels, 0, side)
	c.window = c.frame.box()
}

// longSide returns the longer side of a box, in metres.
func longSide(b geo.Box) float64 {
	plane := geo.NewEqualAreaPlane(b.Min)
	far := plane.To(b.Max)
	return max(math.Abs(far.X), math.Abs(far.Y))
}

// second draws a feature into the pictures that it reaches: into those of its own layer,
// a place into those of other layers too, and a patch of the map into those of places.
func (d *drawing) second(s *stored) {
	places := d.rec.layers[s.layer].places()
	for layer, list := range d.byLayer {
		switch {
		case layer == s.layer:
			d.into(list, s, -1)
		case places && d.shown[s.layer]:
			d.into(list, s, partPlaces)
		case s.layer == d.base && d.rec.layers[layer].places():
			d.into(list, s, partAround)
		}
	}
}

// into draws a feature into those of list that it reaches; as the part, or as what it is
// of the fault for −1.
func (d *drawing) into(list []*closeup, s *stored, part int) {
	box := s.polygons.Box()
	for _, c := range list {
		if !c.window.Intersects(box) {
			continue
		}
		as := part
		if as < 0 {
			as = c.role(s)
			if d.rec.layers[s.layer].places() {
				as = partPlaces // what lies in it is to be seen
			}
		}
		c.add(s.polygons, as)
	}
}

// add draws polygons as a part of the picture. What lies around ends at a number of
// points; a ring of too many is drawn with fewer.
func (c *closeup) add(m geo.MultiPolygon, part int) {
	const beyond = 12 // pixels; borders along the edge of the cut are not seen
	lo, hi := point{-beyond, -beyond}, point{c.frame.width + beyond, c.frame.height + beyond}
	around := part == partAround || part == partPlaces
	for _, p := range m {
		for _, r := range p {
			if around && (c.points >= closeupPoints || *c.total >= allPoints) {
				return
			}
			ring := clip(c.frame.ring(r), lo, hi)
			for step := closeupStep; ; step *= 2 {
				d, n := path(c.paths[part], ring, step)
				if n <= closeupPoints {
					c.paths[part] = d
					c.points, *c.total = c.points+n, *c.total+n
					break
				}
			}
		}
	}
}

// finish draws the ground at fault.
func (c *closeup) finish() {
	c.add(c.ground, partGround)
	c.ground = nil
}
