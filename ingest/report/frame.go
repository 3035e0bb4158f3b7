package report

import (
	"math"
	"strconv"

	"gengtu/index/geo"
)

// frame puts places on a picture: metres in the equal-area plane around the middle of
// what is shown, north up, from its north-west corner, in pixels.
type frame struct {
	plane         geo.EqualAreaPlane
	west, north   float64 // metres
	scale         float64 // pixels a metre
	width, height float64 // pixels
}

// frameOf returns the frame that shows box within width × height pixels, with a margin
// of a part of its size around it. side is the least length shown, in metres.
func frameOf(box geo.Box, width, height, margin, side float64) frame {
	f := frame{plane: geo.NewEqualAreaPlane(geo.Position{Lon: box.Min.Lon/2 + box.Max.Lon/2, Lat: box.Min.Lat/2 + box.Max.Lat/2})}
	lo, hi := f.plane.To(box.Min), f.plane.To(box.Max)
	w, h := max(hi.X-lo.X, side), max(hi.Y-lo.Y, side)
	w, h = w*(1+2*margin), h*(1+2*margin)
	f.scale = min(width/w, height/h)
	f.width, f.height = math.Ceil(w*f.scale), math.Ceil(h*f.scale)
	f.west, f.north = (lo.X+hi.X)/2-f.width/f.scale/2, (lo.Y+hi.Y)/2+f.height/f.scale/2
	return f
}

// to returns where p is on the picture.
func (f *frame) to(p geo.Position) point {
	m := f.plane.To(p)
	return point{(m.X - f.west) * f.scale, (f.north - m.Y) * f.scale}
}

// box returns the box around what the frame shows.
func (f *frame) box() geo.Box {
	b := geo.EmptyBox()
	east, south := f.west+f.width/f.scale, f.north-f.height/f.scale
	for _, p := range [...]geo.XY{{X: f.west, Y: f.north}, {X: east, Y: f.north}, {X: f.west, Y: south}, {X: east, Y: south}} {
		b.Extend(f.plane.From(p))
	}
	return b
}

// point is a place on a picture, in pixels, y down.
type point struct{ X, Y float64 }

// ruler is a bar of a round length.
type ruler struct {
	Pixels float64
	Label  string
}

// ruler returns the longest bar of 1, 2 or 5 times a power of ten that is at most part of
// the width.
func (f *frame) ruler(part float64) ruler {
	most := f.width * part / f.scale
	long := math.Pow(10, math.Floor(math.Log10(most)))
	for _, k := range [...]float64{5, 2} {
		if long*k <= most {
			long *= k
			break
		}
	}
	r := ruler{Pixels: long * f.scale}
	switch {
	case long >= 1000:
		r.Label = strconv.FormatFloat(long/1000, 'g', 6, 64) + " km"
	case long >= 1:
		r.Label = strconv.FormatFloat(long, 'g', 6, 64) + " m"
	case long >= 0.01:
		r.Label = strconv.FormatFloat(long*100, 'g', 3, 64) + " cm"
	default:
		r.Label = strconv.FormatFloat(long*1000, 'g', 3, 64) + " mm"
	}
	return r
}

// path appends the outline of a ring to d, the data of an SVG path: only points that are
// at least step pixels from the one before. It counts the points.
func path(d []byte, ring []point, step float64) ([]byte, int) {
	n := 0
	var last point
	for _, p := range ring {
		if n > 0 && math.Abs(p.X-last.X) < step && math.Abs(p.Y-last.Y) < step {
			continue
		}
		if n == 0 {
			d = append(d, 'M')
		} else if n == 1 {
			d = append(d, 'L')
		} else {
			d = append(d, ' ')
		}
		d = strconv.AppendFloat(d, math.Round(p.X*10)/10, 'f', -1, 64)
		d = append(d, ' ')
		d = strconv.AppendFloat(d, math.Round(p.Y*10)/10, 'f', -1, 64)
		last = p
		n++
	}
	if n > 0 {
		d = append(d, 'Z')
	}
	return d, n
}

// clip returns the part of a ring inside a rectangle, by the method of Sutherland and
// Hodgman (1974): where the ring leaves it, it runs along its edge.
func clip(ring []point, lo, hi point) []point {
	edges := [...]struct {
		inside func(point) bool
		cross  func(a, b point) point
	}{
		{func(p point) bool { return p.X >= lo.X }, func(a, b point) point { return atX(a, b, lo.X) }},
		{func(p point) bool { return p.X <= hi.X }, func(a, b point) point { return atX(a, b, hi.X) }},
		{func(p point) bool { return p.Y >= lo.Y }, func(a, b point) point { return atY(a, b, lo.Y) }},
		{func(p point) bool { return p.Y <= hi.Y }, func(a, b point) point { return atY(a, b, hi.Y) }},
	}
	for _, e := range edges {
		var out []point
		for i, b := range ring {
			a := ring[(i+len(ring)-1)%len(ring)]
			if e.inside(a) != e.inside(b) {
				out = append(out, e.cross(a, b))
			}
			if e.inside(b) {
				out = append(out, b)
			}
		}
		ring = out
	}
	return ring
}

func atX(a, b point, x float64) point {
	return point{x, a.Y + (b.Y-a.Y)*(x-a.X)/(b.X-a.X)}
}

func atY(a, b point, y float64) point {
	return point{a.X + (b.X-a.X)*(y-a.Y)/(b.Y-a.Y), y}
}
