package txt

import (
	"math"

	"gengtu/index/geo"
)

// nested groups the rings of a parcel into polygons: a ring that lies in an odd
// number of the others is a hole of the smallest one around it, as the surveyor
// means it; any other is a part. Rings that cross are grouped somehow: reading all
// of them by the even-odd rule gives the same ground.
func nested(rings [][]geo.XY) [][][]geo.XY {
	depth, shell := make([]int, len(rings)), make([]int, len(rings))
	for i, r := range rings {
		shell[i] = -1
		least := 0.0
		for j, o := range rings {
			if i == j || !geo.InRing(o, r[0]) {
				continue
			}
			depth[i]++
			if a := math.Abs(twiceArea(o)); shell[i] < 0 || a < least { // no area of what is too large is below any other
				least, shell[i] = a, j
			}
		}
	}
	place := make([]int, len(rings)) // of each part among the polygons
	var out [][][]geo.XY
	for i, r := range rings {
		if depth[i]%2 == 0 {
			place[i] = len(out)
			out = append(out, [][]geo.XY{r})
		}
	}
	for i, r := range rings {
		switch {
		case depth[i]%2 == 0:
		case depth[shell[i]]%2 == 0:
			k := place[shell[i]]
			out[k] = append(out[k], r)
		default: // rings that cross
			out = append(out, [][]geo.XY{r})
		}
	}
	return out
}

// twiceArea returns twice the area of r, whichever way it runs.
func twiceArea(r []geo.XY) float64 {
	t := 0.0
	for i, a := range r {
		b := r[(i+1)%len(r)]
		t += (a.X-r[0].X)*(b.Y-r[0].Y) - (b.X-r[0].X)*(a.Y-r[0].Y)
	}
	return t
}
