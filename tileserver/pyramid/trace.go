package pyramid

import (
	"slices"

	"gengtu/tileserver/mvt"
)

// marginCells is how many cells a tile's margin is wide.
const marginCells = marginUnits / cellUnits

// traceSide is the side of the traced grid: a tile's cells and its margin.
const traceSide = tileCells + 2*marginCells

// corners is the number of cell corners along a side.
const corners = traceSide + 1

// tracer turns cells into polygons. Cells that share a side are one piece, cells
// that meet in a corner are not, so every ring can be made simple: where a walk
// along a border comes to a corner again, the loop in between is a ring of its
// own.
type tracer struct {
	cells   [traceSide * traceSide]uint16
	pieces  [traceSide * traceSide]int32 // number of each cell's piece, from 1
	walked  [traceSide * traceSide]bool  // whether the cell's north side was walked along
	patched [traceSide * traceSide]bool  // whether the cell has a patch
	seen    [corners * corners]int32     // where the walk had this corner, from 1
	runs    []run
	path    []int32
}

// trace returns for each of n classes the polygons of t.cells and of patches, in
// tile units. Places of patches are those of the traced cells.
func (t *tracer) trace(patches []patch, n int) [][]mvt.Polygon {
	clear(t.pieces[:])
	clear(t.walked[:])
	clear(t.patched[:])
	for _, p := range patches {
		t.patched[int(p.y)*traceSide+int(p.x)] = true
	}
	pieces, classOf := t.label()
	polygons := make([]mvt.Polygon, pieces+1)
	for start, c := range t.cells {
		if c != 0 && !t.walked[start] && (start < traceSide || t.cells[start-traceSide] != c) {
			t.walk(start, polygons)
		}
	}
	out := make([][]mvt.Polygon, n)
	for _, p := range patches {
		piece := t.pieces[int(p.y)*traceSide+int(p.x)]
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

// run is a piece's cells in one row: as many as go on without a break.
type run struct {
	from, to int32 // in t.cells
	parent   int32 // a run of the same piece with a lower number, or itself
}

// label numbers the pieces in the order of their first cells, and returns how
// many there are and the class of each.
func (t *tracer) label() (int, []uint16) {
	t.runs = t.runs[:0]
	above := 0 // the first run of the row to the north that may touch
	for y := range traceSide {
		begin := len(t.runs)
		row := t.cells[y*traceSide:][:traceSide]
		for x := 0; x < traceSide; {
			c := row[x]
			from := x
			for x++; x < traceSide && row[x] == c; x++ {
			}
			if c == 0 {
				continue
			}
			n := int32(len(t.runs))
			t.runs = append(t.runs, run{int32(y*traceSide + from), int32(y*traceSide + x), n})
			for ; above < begin && t.runs[above].to+traceSide <= int32(y*traceSide+from); above++ {
			}
			for i := above; i < begin && t.runs[i].from+traceSide < int32(y*traceSide+x); i++ {
				if t.cells[t.runs[i].from] == c {
					t.join(int32(i), n)
				}
			}
		}
		above = begin
	}
	n := 0
	classOf := []uint16{0}
	for i := range t.runs {
		r := &t.runs[i]
		if r.parent == int32(i) {
			n++
			classOf = append(classOf, t.cells[r.from])
			t.number(r, int32(n))
			continue
		}
		t.number(r, t.pieces[t.runs[t.root(int32(i))].from])
	}
	return n, classOf
}

// number gives r's cells the number of their piece.
func (t *tracer) number(r *run, piece int32) {
	cells := t.pieces[r.from:r.to]
	for i := range cells {
		cells[i] = piece
	}
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
var steps = [4]int32{east: 1, south: corners, west: -1, north: -corners}

// aheads holds, for each direction and the corner that it leads to, the cells
// ahead on the left and on the right, relative to that corner.
var aheads = [4][2][2]int{
	east:  {{0, -1}, {0, 0}},
	south: {{0, 0}, {-1, 0}},
	west:  {{-1, 0}, {-1, -1}},
	north: {{-1, -1}, {0, -1}},
}

// walk goes once along a border, its piece on the right hand, from the north
// side of the cell start eastwards, and adds the rings to the piece's polygon.
func (t *tracer) walk(start int, polygons []mvt.Polygon) {
	c, piece := t.cells[start], t.pieces[start]
	begin := int32(start/traceSide*corners + start%traceSide)
	at, direction := begin, east
	t.path = t.path[:0]
	for {
		if direction == east {
			x, y := int(at)%corners, int(at)/corners
			t.walked[y*traceSide+x] = true
		}
		at += steps[direction]
		left, right := t.at(at, aheads[direction][0]), t.at(at, aheads[direction][1])
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
		if direction == east && t.walked[int(at)/corners*traceSide+int(at)%corners] {
			break
		}
	}
	t.ring(t.path, piece, polygons)
	for _, p := range t.path {
		t.seen[p] = 0
	}
}

// at returns the cell that lies by d from the corner at, 0 outside the grid.
func (t *tracer) at(at int32, d [2]int) uint16 {
	x, y := int(at)%corners+d[0], int(at)/corners+d[1]
	if x < 0 || y < 0 || x >= traceSide || y >= traceSide {
		return 0
	}
	return t.cells[y*traceSide+x]
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

// cornerUnits returns the place of corner i along a side in tile units.
func cornerUnits(i int) int32 {
	return int32(i-marginCells) * cellUnits
}
