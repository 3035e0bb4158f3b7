package pyramidtest

import (
	"math"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// equalArea is the area in m² between the equator and latitude lat, in degrees,
// on one radian of longitude of the ellipsoid of CGCS2000 (Snyder 1987, equation
// 3-12).
func equalArea(lat float64) float64 {
	const a, f = 6378137.0, 1 / 298.257222101
	e2 := f * (2 - f)
	e := math.Sqrt(e2)
	s := math.Sin(lat * math.Pi / 180)
	return a * a * (1 - e2) / 2 * (s/(1-e2*s*s) + math.Atanh(e*s)/e)
}

// point is a place of a plane whose axes stand beside it.
type point struct{ x, y float64 }

// clip returns the part of the ring r where sign·(axis) ≤ sign·at holds, as one
// ring: parts that fall apart are joined along the line, which adds no area.
func clip(r []point, axis int, sign, at float64, dst []point) []point {
	dst = dst[:0]
	value := func(p point) float64 {
		if axis == 0 {
			return sign * (p.x - at)
		}
		return sign * (p.y - at)
	}
	for i, b := range r {
		a := r[(i+len(r)-1)%len(r)]
		va, vb := value(a), value(b)
		if va < 0 && vb > 0 || va > 0 && vb < 0 {
			k := va / (va - vb)
			p := point{a.x + k*(b.x-a.x), a.y + k*(b.y-a.y)}
			if axis == 0 {
				p.x = at
			} else {
				p.y = at
			}
			dst = append(dst, p)
		}
		if vb <= 0 {
			dst = append(dst, b)
		}
	}
	return dst
}

// clipper clips rings to rectangles in memory of its own.
type clipper struct{ a, b []point }

// box returns the part of r in the rectangle, valid until the next call.
func (c *clipper) box(r []point, x0, y0, x1, y1 float64) []point {
	inside := true
	for _, p := range r {
		if p.x < x0 || p.x > x1 || p.y < y0 || p.y > y1 {
			inside = false
			break
		}
	}
	if inside {
		return r
	}
	c.a = clip(r, 0, -1, x0, c.a)
	c.b = clip(c.a, 0, 1, x1, c.b)
	c.a = clip(c.b, 1, -1, y0, c.a)
	c.b = clip(c.a, 1, 1, y1, c.b)
	return c.b
}

// planar is the area of r, positive where x turns to y.
func planar(r []point) float64 {
	sum := 0.0
	for i := 1; i+1 < len(r); i++ {
		sum += (r[i].x-r[0].x)*(r[i+1].y-r[0].y) - (r[i+1].x-r[0].x)*(r[i].y-r[0].y)
	}
	return sum / 2
}

// rows gives ground areas of what the tiles of one row show.
type rows struct {
	grid tile.Grid
	z    uint8
	y    uint32
	// q is the area north of a half unit, as far as it was asked for.
	q    [2*mvt.Extent + 1]float64
	have [2*mvt.Extent + 1]bool
	top  float64
}

func newRows(t tile.Tile) *rows {
	r := &rows{grid: t.Grid, z: t.Z, y: t.Y}
	r.top = r.at(0)
	return r
}

// at is the area in m² between the equator and y units south of the row's north
// border, on one radian of longitude.
func (r *rows) at(y float64) float64 {
	i := int(2 * y)
	exact := float64(i) == 2*y
	if exact && r.have[i] {
		return r.q[i]
	}
	v := equalArea(r.grid.Unproject(tile.World{Y: (float64(r.y) + y/mvt.Extent) * tile.Span(r.z)}).Lat)
	if exact {
		r.q[i], r.have[i] = v, true
	}
	return v
}

// unit is the width of a tile unit in radians of longitude.
func (r *rows) unit() float64 { return 2 * math.Pi * tile.Span(r.z) / mvt.Extent }

// area is the ground in m² of a ring in tile units inside the borders; its edges
// are straight in the tile. Simpson's rule is exact to the fourth power of an
// edge's length by the earth's radius.
func (r *rows) area(ring []point) float64 {
	sum := 0.0
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if a.x == b.x {
			continue
		}
		q := (r.at(a.y) + 4*r.at((a.y+b.y)/2) + r.at(b.y)) / 6
		// An edge to the east has the shell south of it.
		sum += (b.x - a.x) * (q - r.top)
	}
	return sum * r.unit()
}

// square is the ground in m² of a square unit at y.
func (r *rows) square(y float64) float64 {
	y = math.Floor(max(0, min(y, mvt.Extent-1)))
	return (r.at(y) - r.at(y+1)) * r.unit()
}
