package check

import (
	"math"

	"gengtu/index/geo"
)

// line makes a line ready to be held against borders, and asks whether it is a scrap.
func (j *judging) line() {
	crs := j.layer.seen.Files[j.f.File].CRS
	var parts geo.Polygon
	long := 0.0
	for _, points := range j.f.Lines {
		for _, p := range points {
			if err := crs.Check(p); err != nil {
				j.find("unreadable", "%[1]v", "%[1]v", err)
				return
			}
		}
		part := pathOf(crs, points)
		for i := 1; i < len(part); i++ {
			long += metresAt(part[i].Lat).apart(part[i-1], part[i])
		}
		if len(part) > 1 {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		j.find("unreadable", "线只有一个点", "the line is a point")
		return
	}
	for _, r := range j.layer.rules["short-edge"] {
		if limit := r.threshold("below_m"); long < limit {
			j.note.found = append(j.note.found, found{rule: r, place: place{at: parts[0][0]}, areaM2: math.NaN(),
				zh: "线长 %.4f m，小于 %v m", en: "the line has %.4f m, below %v m", args: []any{long, limit}})
		}
	}
	j.note.line = pack(&part{file: j.f.File, record: j.f.Record, key: j.f.Key, shape: geo.MultiPolygon{parts}})
}

// pathOf returns a line as positions, long edges divided as those of rings are: there and
// back it is a ring, half of which is the line.
func pathOf(crs geo.CRS, points []geo.XY) geo.Ring {
	if len(points) == 0 {
		return nil
	}
	round := make([]geo.XY, 0, 2*len(points)-1)
	round = append(round, points...)
	for i := len(points) - 2; i >= 0; i-- {
		round = append(round, points[i])
	}
	r := crs.Ring(round)
	return r[:(len(r)+1)/2]
}

// lengthOf returns how long an edge is, in metres.
func lengthOf(e *edge) float64 { return metresAt(e.a.Lat).apart(e.a, e.b) }

// placeAlong returns how far along e a position is and how far left of it, in metres.
func placeAlong(e *edge, p geo.Position) (along, aside float64) {
	k := metresAt(e.a.Lat)
	dx, dy := k.x*float64(e.b.Lon-e.a.Lon), k.y*float64(e.b.Lat-e.a.Lat)
	x, y := k.x*float64(p.Lon-e.a.Lon), k.y*float64(p.Lat-e.a.Lat)
	long := math.Hypot(dx, dy)
	return (x*dx + y*dy) / long, (y*dx - x*dy) / long
}

// alongside returns the stretch of e that f runs along, no farther than nearM from it.
func alongside(e, f *edge, nearM float64) (span, bool) {
	s, h := placeAlong(e, f.a)
	t, i := placeAlong(e, f.b)
	low, high := 0.0, 1.0 // of f, where it is near
	if d := i - h; d != 0 {
		p, q := (-nearM-h)/d, (nearM-h)/d
		low, high = max(low, min(p, q)), min(high, max(p, q))
	} else if math.Abs(h) > nearM {
		return span{}, false
	}
	if low >= high {
		return span{}, false
	}
	a, b := s+low*(t-s), s+high*(t-s)
	out := span{max(0, min(a, b)), min(lengthOf(e), max(a, b))}
	return out, out.to > out.from
}

// apartFrom returns how far p is from e, in metres.
func apartFrom(e *edge, p geo.Position) float64 {
	along, aside := placeAlong(e, p)
	return math.Hypot(aside, along-max(0, min(lengthOf(e), along)))
}

// at returns the place in the middle of a stretch of e.
func (s span) at(e *edge) geo.Position {
	f := (s.from + s.to) / 2 / lengthOf(e)
	return geo.Position{
		Lon: e.a.Lon + int64(math.Round(f*float64(e.b.Lon-e.a.Lon))),
		Lat: e.a.Lat + int64(math.Round(f*float64(e.b.Lat-e.a.Lat))),
	}
}
