package overlay

import (
	"math"

	"gengtu/index/geo"
)

// poleUnits and turnUnits bound the coordinates that a plane looks at, so that
// positions off the Earth cannot overflow.
const (
	poleUnits = 90 * geo.Unit
	turnUnits = 360 * geo.Unit
)

// plane is the equal-area plane round the middle of a box.
type plane struct {
	geo.EqualAreaPlane
}

// newPlane returns the plane for box; an empty box counts as a point.
func newPlane(box geo.Box) plane {
	if box.Empty() {
		box = geo.Box{}
	}
	low, high := clamped(box.Min), clamped(box.Max)
	return plane{geo.NewEqualAreaPlane(geo.Position{
		Lon: low.Lon + (high.Lon-low.Lon)/2,
		Lat: low.Lat + (high.Lat-low.Lat)/2,
	})}
}

func clamped(v geo.Position) geo.Position {
	return geo.Position{
		Lon: min(max(v.Lon, -turnUnits), turnUnits),
		Lat: min(max(v.Lat, -poleUnits), poleUnits),
	}
}

// at maps v; x and y are metres from the plane's origin.
func (p *plane) at(v geo.Position) (x, y float64) {
	xy := p.To(clamped(v))
	return xy.X, xy.Y
}

// area returns the area of m in m², shells counted positive and holes negative
// by the direction they run in.
func (p *plane) area(m geo.MultiPolygon) float64 {
	var t sum
	for _, poly := range m {
		for _, r := range poly {
			t.add(p.ringArea(r))
		}
	}
	return t.value()
}

// ringArea returns the area of r in m², positive when r runs counter-clockwise.
func (p *plane) ringArea(r geo.Ring) float64 {
	if len(r) < 3 {
		return 0
	}
	ox, oy := p.at(r[0])
	t, px, py := 0.0, 0.0, 0.0
	for _, v := range r[1:] {
		x, y := p.at(v)
		x, y = x-ox, y-oy
		t += px*y - x*py
		px, py = x, y
	}
	return t / 2
}

// length returns the length of m's rings in m.
func (p *plane) length(m geo.MultiPolygon) float64 {
	t := 0.0
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				ax, ay := p.at(r[i-1])
				bx, by := p.at(r[i])
				t += math.Hypot(bx-ax, by-ay)
			}
		}
	}
	return t
}
