// Package cells turns polygons into whole cells of a grid and back: how much of
// each cell a polygon covers, exactly, and the outline of a set of cells.
//
// A grid's cells are unit squares, x to the east and y to the north; what they
// are on the ground is the caller's affair. Outlines of cells have only grid
// points as vertices, so nothing finer than the grid can be won back from them.
package cells

import "math"

// XY is a place in cells: cell (i, j) spans [i, i+1] × [j, j+1].
type XY struct {
	X, Y float64
}

// Raster finds how much of each cell of a window a polygon covers. An edge is
// cut where it leaves a cell; a piece that climbs dy inside a cell, at mean
// distance xm from its left side, covers dy·(1-xm) of the cell and dy of every
// cell to the right of it. The running sum of a row is then the covered share
// of each of its cells. Not for concurrent use.
type Raster struct {
	w, h        int
	sums        []float64 // h rows of w+2
	left, right []int     // of each row, the cells touched
}

// NewRaster returns a raster of a window of w × h cells.
func NewRaster(w, h int) *Raster {
	r := &Raster{w: w, h: h, sums: make([]float64, (w+2)*h), left: make([]int, h), right: make([]int, h)}
	for y := range r.left {
		r.left[y], r.right[y] = w, -1
	}
	return r
}

// Ring adds a ring, in cells from the window's south-west corner; it may be
// open or closed and may reach beyond the window. Rings of one polygon run in
// opposite directions for shell and holes.
func (r *Raster) Ring(ring []XY) {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		r.edge(a, b)
	}
}

// edge adds an edge after cutting it at the window's left and right sides. What
// lies to the left covers whole rows, what lies to the right nothing.
func (r *Raster) edge(a, b XY) {
	w, h := float64(r.w), float64(r.h)
	if a.Y == b.Y || max(a.Y, b.Y) <= 0 || min(a.Y, b.Y) >= h || min(a.X, b.X) >= w {
		return
	}
	if max(a.X, b.X) <= 0 {
		a.X, b.X = 0, 0
	}
	for _, side := range [2]float64{0, w} {
		if (a.X < side) != (b.X < side) && a.X != side && b.X != side {
			m := XY{side, a.Y + (side-a.X)*(b.Y-a.Y)/(b.X-a.X)}
			r.edge(a, m)
			r.edge(m, b)
			return
		}
	}
	slope := (b.X - a.X) / (b.Y - a.Y)
	lo, hi, sign := a, b, 1.0
	if b.Y < a.Y {
		lo, hi, sign = b, a, -1
	}
	y := max(lo.Y, 0)
	for end := min(hi.Y, h); y < end; {
		row := int(y)
		next := min(float64(row+1), end)
		xa, xb := lo.X+(y-lo.Y)*slope, lo.X+(next-lo.Y)*slope
		r.inRow(row, min(max(xa, 0), w), min(max(xb, 0), w), sign*(next-y))
		y = next
	}
}

// inRow adds a piece that runs from xa to xb inside one row while climbing dy.
func (r *Raster) inRow(row int, xa, xb, dy float64) {
	out := r.sums[row*(r.w+2) : (row+1)*(r.w+2)]
	if xa > xb {
		xa, xb = xb, xa // the area does not depend on the direction along x
	}
	first, last := int(xa), int(xb)
	r.left[row], r.right[row] = min(r.left[row], first), max(r.right[row], last+1)
	if first == last {
		xm := (xa+xb)/2 - float64(first)
		out[first] += dy * (1 - xm)
		out[first+1] += dy * xm
		return
	}
	per := dy / (xb - xa)
	for c := first; c <= last; c++ {
		l, e := math.Max(xa, float64(c)), math.Min(xb, float64(c+1))
		d := per * (e - l)
		xm := (l+e)/2 - float64(c)
		out[c] += d * (1 - xm)
		out[min(c+1, r.w+1)] += d * xm
	}
}

// Collect calls visit with every cell that the rings added since the last call
// cover, and the covered share in (0, 1], row by row from the south; it then
// forgets the rings.
func (r *Raster) Collect(visit func(x, y int, share float64)) {
	// least is below what survives the rounding of a running sum.
	const least = 1e-9
	for y := range r.left {
		if r.right[y] < 0 {
			continue
		}
		row := r.sums[y*(r.w+2) : (y+1)*(r.w+2)]
		sum := 0.0
		for x := r.left[y]; x < r.w; x++ {
			sum += row[x]
			if share := min(math.Abs(sum), 1); share > least {
				visit(x, y, share)
			} else if x > r.right[y] {
				break
			}
		}
		clear(row)
		r.left[y], r.right[y] = r.w, -1
	}
}
