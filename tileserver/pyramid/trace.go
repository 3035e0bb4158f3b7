package pyramid

import (
	"cmp"
	"slices"

	"gengtu/tileserver/mvt"
)

// marginCells is how many cells a tile's margin is wide.
const marginCells = marginUnits / cellUnits

// traceSide is the side of the traced grid: a tile's cells and its margin.
const traceSide = tileCells + 2*marginCells

// traceRow is how far apart cells are in memory that lie above each other. Around
// the grid there is an empty cell on each side, so that a walk need not ask where it
// is. A corner has the number of the cell south-east of it.
const (
	traceRow   = traceSide + 2
	traceFirst = traceRow + 1 // the first cell of the grid
)

// tracer turns cells into polygons. Cells that share a side are one piece, cells
// that meet in a corner are not, so every ring can be made simple: where a walk
// along a border comes to a corner again, the loop in between is a ring of its
// own.
type tracer struct {
	cells   [traceRow * traceRow]uint16
	walked  [traceRow * traceRow]bool  // whether the cell's north side was walked along
	patched [traceRow * traceRow]bool  // whether the cell has a patch
	seen    [traceRow * traceRow]int32 // where the walk had this corner, from 1
	runs    []run
	rows    [traceSide + 1]int32 // the first run of each row
	path    []int32
	corners []mvt.Point // of the ring under way, see outline
	points  []mvt.Point // of rings, the newest chunk
}

// trace returns for each of n classes the polygons of t.cells and of patches, in
// tile units. Places of patches are those of the traced cells.
func (t *tracer) trace(patches []patch, n int) [][]mvt.Polygon {
	clear(t.walked[:])
	clear(t.patched[:])
	for _, p := range patches {
		t.patched[traceFirst+p.y*traceRow+p.x] = true
	}
	pieces, classOf := t.label()
	polygons := make([]mvt.Polygon, pieces+1)
	for i := range t.runs {
		r := &t.runs[i]
		c := t.cells[r.from]
		for at := r.from; at < r.to; at++ {
			if t.cells[at-traceRow] != c && !t.walked[at] {
				t.walk(at, r.piece, polygons)
			}
		}
	}
	out := make([][]mvt.Polygon, n)
	for _, p := range patches {
		piece := t.pieceAt(p.x, p.y)
		p.x, p.y = p.x-marginCells, p.y-marginCells
		shell := p.ring()
		if piece > 0 {
			hole := slices.Clone(shell)
			slices.Reverse(hole[1:])
			polygons[piece] = append(polygons[piece], hole)
		}
		if p.holder > 0 {
			out[p.holder-1] = append(out[p.holder-1], mvt.Polygon{shell})
		}
	}
	for i := 1; i <= pieces; i++ {
		k := classOf[i] - 1
		out[k] = append(out[k], polygons[i])
	}
	return out
}

// pieceAt returns the number of the piece that has a cell of the grid, or 0.
func (t *tracer) pieceAt(x, y int32) int32 {
	at := traceFirst + y*traceRow + x
	row := t.runs[t.rows[y]:t.rows[y+1]]
	i, _ := slices.BinarySearchFunc(row, at, func(r run, at int32) int { return cmp.Compare(r.to, at+1) })
	if i < len(row) && row[i].from <= at {
		return row[i].piece
	}
	return 0
}

// run is a piece's cells in one row: as many as go on without a break.
type run struct {
	from, to int32 // in t.cells
	parent   int32 // a run of the same piece with a lower number, or itself
	piece    int32 // its number, from 1
}

// label numbers the pieces in the order of their first cells, and returns how
// many there are and the class of each.
func (t *tracer) label() (int, []uint16) {
	t.runs = t.runs[:0]
	above := 0 // the first run of the row to the north that may touch
	for y := range traceSide {
		begin := len(t.runs)
		t.rows[y] = int32(begin)
		first := int32(traceFirst + y*traceRow)
		row := t.cells[first:][:traceSide]
		for x := 0; x < traceSide; {
			c := row[x]
			from := x
			for x++; x < traceSide && row[x] == c; x++ {
			}
			if c == 0 {
				continue
			}
			n := int32(len(t.runs))
			r := run{from: first + int32(from), to: first + int32(x), parent: n}
			t.runs = append(t.runs, r)
			for ; above < begin && t.runs[above].to+traceRow <= r.from; above++ {
			}
			for i := above; i < begin && t.runs[i].from+traceRow < r.to; i++ {
				if t.cells[t.runs[i].from] == c {
					t.join(int32(i), n)
				}
			}
		}
		above = begin
	}
	t.rows[traceSide] = int32(len(t.runs))
	n := int32(0)
	classOf := []uint16{0}
	for i := range t.runs {
		r := &t.runs[i]
		if r.parent == int32(i) {
			n++
			classOf = append(classOf, t.cells[r.from])
			r.piece = n
			continue
		}
		r.piece = t.runs[t.root(int32(i))].piece
	}
	return int(n), classOf
}

// join makes runs a and b one piece.
func (t *tracer) join(a, b int32) {
	a, b = t.root(a), t.root(b)
	t.runs[max(a, b)].parent = min(a, b)
}

// root returns the first run of run i's piece.
func (t *tracer) root(i int32) int32 {
	for t.runs[i].parent != i {
		t.runs[i].parent = t.runs[t.runs[i].parent].parent
		i = t.runs[i].parent
	}
	return i
}

// The directions of a walk; turning right adds one.
const (
	east = iota
	south
	west
	north
)

// steps holds, for each direction, the way to the next corner.
var steps = [4]int32{east: 1, south: traceRow, west: -1, north: -traceRow}

// aheads holds, for each direction and the corner that it leads to, the cells
// ahead on the left and on the right, relative to that corner.
var aheads = [4][2]int32{
	east:  {-traceRow, 0},
	south: {0, -1},
	west:  {-1, -traceRow - 1},
	north: {-traceRow - 1, -traceRow},
}

// walk goes once along a border, its piece on the right hand, from the north
// side of the cell start eastwards, and adds the rings to the piece's polygon.
func (t *tracer) walk(start, piece int32, polygons []mvt.Polygon) {
	c := t.cells[start]
	at, direction := start, east
	t.path = t.path[:0]
	for {
		if direction == east {
			t.walked[at] = true
		}
		at += steps[direction]
		ahead := &aheads[direction]
		left, right := t.cells[at+ahead[0]], t.cells[at+ahead[1]]
		switch {
		case right != c:
			direction = (direction + 1) % 4
		case left == c:
			direction = (direction + 3) % 4
		default:
			continue
		}
		if k := t.seen[at]; k > 0 {
			t.ring(t.path[k-1:], piece, polygons)
			for _, p := range t.path[k:] {
				t.seen[p] = 0
			}
			t.path = t.path[:k]
		} else {
			t.path = append(t.path, at)
			t.seen[at] = int32(len(t.path))
		}
		// The walk is over when it would leave its first cell's north side as it
		// began. A border's north side belongs to one walk alone.
		if direction == east && t.walked[at] {
			break
		}
	}
	t.ring(t.path, piece, polygons)
	for _, p := range t.path {
		t.seen[p] = 0
	}
}

// ring adds the ring through path to the piece's polygon, the shell in front.
func (t *tracer) ring(path []int32, piece int32, polygons []mvt.Polygon) {
	if len(path) < 4 {
		return
	}
	r := t.outline(path)
	polygons[piece] = append(polygons[piece], r)
	if last := len(polygons[piece]) - 1; r.Area2() > 0 {
		polygons[piece][0], polygons[piece][last] = polygons[piece][last], polygons[piece][0]
	}
}

// room returns memory for n points, which nothing else has.
func (t *tracer) room(n int) []mvt.Point {
	const chunk = 4096
	if len(t.points) < n {
		t.points = make([]mvt.Point, max(chunk, n))
	}
	out := t.points[:0:n]
	t.points = t.points[n:]
	return out
}

// cornerUnits returns the place of corner i along a side in tile units.
func cornerUnits(i int32) int32 { return (i - marginCells) * cellUnits }
