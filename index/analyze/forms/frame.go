package forms

import (
	"math"
	"strconv"

	"gengtu/index/geo"
)

// frame puts places on the map of a page: metres in the equal-area plane around the middle
// of what is shown, north up, from its north-west corner, in pixels.
type frame struct {
	plane         geo.EqualAreaPlane
	west, north   float64 // metres
	scale         float64 // pixels a metre
	width, height float64 // pixels
}

// The map's size in pixels, of which a page is mapWidth wide, and the least it shows.
const (
	mapWidth, mapHeight = 1000, 760
	leastHeight         = 360
	mapMargin           = 0.03 // of its size, on each side
	leastShownM         = 50
)

// frameOf returns the frame that shows a box.
func frameOf(box geo.Box) frame {
	f := frame{plane: geo.NewEqualAreaPlane(geo.Position{Lon: box.Min.Lon/2 + box.Max.Lon/2, Lat: box.Min.Lat/2 + box.Max.Lat/2}), width: mapWidth}
	lo, hi := f.plane.To(box.Min), f.plane.To(box.Max)
	w, h := max(hi.X-lo.X, leastShownM)*(1+2*mapMargin), max(hi.Y-lo.Y, leastShownM)*(1+2*mapMargin)
	f.scale = min(mapWidth/w, mapHeight/h)
	f.height = max(math.Ceil(h*f.scale), leastHeight)
	f.west, f.north = (lo.X+hi.X)/2-f.width/f.scale/2, (lo.Y+hi.Y)/2+f.height/f.scale/2
	return f
}

// to returns where p is on the map.
func (f *frame) to(p geo.Position) point {
	m := f.plane.To(p)
	return point{(m.X - f.west) * f.scale, (f.north - m.Y) * f.scale}
}

// corners returns the north-west and the south-east corner.
func (f *frame) corners() (nw, se geo.LonLat) {
	east, south := f.west+f.width/f.scale, f.north-f.height/f.scale
	return f.plane.From(geo.XY{X: f.west, Y: f.north}).LonLat(), f.plane.From(geo.XY{X: east, Y: south}).LonLat()
}

// point is a place on a map, in pixels, y down.
type point struct{ X, Y float64 }

// ruler is a bar of a round length.
type ruler struct {
	Pixels float64
	Label  string
}

// ruler returns the longest bar of 1, 2 or 5 times a power of ten metres that is at most a
// fifth of the width.
func (f *frame) ruler() ruler {
	most := f.width / 5 / f.scale
	long := math.Pow(10, math.Floor(math.Log10(most)))
	for _, k := range [...]float64{5, 2} {
		if long*k <= most {
			long *= k
			break
		}
	}
	r := ruler{Pixels: long * f.scale, Label: strconv.FormatFloat(long, 'f', -1, 64) + " m"}
	if long >= 1000 {
		r.Label = strconv.FormatFloat(long/1000, 'f', -1, 64) + " km"
	}
	return r
}
