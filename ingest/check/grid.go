package check

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gengtu/index/geo"
)

// grid finds edges by where they are: each stands in every cell that it comes within a
// margin of. Cells are squares of units.
type grid struct {
	edges  []edge
	size   int64
	margin int64
	cells  []cellEdge // in the order of cells
	rows   map[int64]rowLine
}

type cellEdge struct {
	cell cellAt
	edge int32
}

// cellAt is a cell: its row, then its column, both from 0 at −180°, −90° and below 2³¹.
type cellAt uint64

func cellOf(row, column int64) cellAt { return cellAt(row<<32 | column) }

// The origin of rows and columns.
const (
	westmost  = -181 * geo.Unit
	southmost = -91 * geo.Unit
)

// newGrid puts edges, which stay the caller's, into cells about as long as edges
// are, so that there are a few in each. marginM is in metres.
func newGrid(edges []edge, marginM float64) *grid {
	g := &grid{edges: edges, size: 1 << 14}
	if len(edges) == 0 {
		return g
	}
	sum, lat := 0.0, int64(0)
	lengths := make([]int64, len(edges))
	for i := range edges {
		e := &edges[i]
		lengths[i] = max(abs(e.b.Lon-e.a.Lon), abs(e.b.Lat-e.a.Lat))
		sum += float64(lengths[i])
		lat = max(lat, abs(e.a.Lat), abs(e.b.Lat))
	}
	slices.Sort(lengths)
	// Long edges among many short ones must not stand in cells without number.
	const most = 8 // cells an edge in the mean
	long := max(lengths[len(lengths)/2], int64(sum/float64(most*len(edges))))
	g.size = min(max(long, 1<<12), 1<<36) // 0.05 m to 7°
	g.margin = int64(math.Ceil(marginM/metresAt(min(lat, 89*geo.Unit)).x)) + 1
	g.cells = make([]cellEdge, 0, 2*len(edges))
	for i := range edges {
		g.spread(&edges[i], func(row, from, to int64) {
			for c := from; c <= to; c++ {
				g.cells = append(g.cells, cellEdge{cellOf(row, c), int32(i)})
			}
		})
	}
	slices.SortFunc(g.cells, func(a, b cellEdge) int {
		if a.cell != b.cell {
			return cmp.Compare(a.cell, b.cell)
		}
		return cmp.Compare(a.edge, b.edge)
	})
	g.rows = map[int64]rowLine{}
	for i := 0; i < len(g.cells); {
		from, row := i, g.cells[i].cell>>32
		for i < len(g.cells) && g.cells[i].cell>>32 == row {
			i++
		}
		g.rows[int64(row)] = rowLine{int32(from), int32(i)}
	}
	return g
}

func (g *grid) row(lat int64) int64    { return (lat - southmost) / g.size }
func (g *grid) column(lon int64) int64 { return (lon - westmost) / g.size }

// spread calls visit with each row that e comes near to, and the columns there.
func (g *grid) spread(e *edge, visit func(row, from, to int64)) {
	low, high := e.a, e.b // by latitude
	if low.Lat > high.Lat {
		low, high = high, low
	}
	first, last := g.row(low.Lat-g.margin), g.row(high.Lat+g.margin)
	for r := first; r <= last; r++ {
		west, east := min(low.Lon, high.Lon), max(low.Lon, high.Lon)
		if first != last && high.Lat > low.Lat {
			a := lonAt(low, high, southmost+r*g.size-2*g.margin)
			b := lonAt(low, high, southmost+(r+1)*g.size+2*g.margin)
			west, east = max(west, min(a, b)-1), min(east, max(a, b)+1)
		}
		visit(r, g.column(west-g.margin), g.column(east+g.margin))
	}
}

// lonAt returns where the edge from low to high is at a latitude, to a unit; at one
// beyond an end, the end.
func lonAt(low, high geo.Position, lat int64) int64 {
	switch {
	case lat <= low.Lat:
		return low.Lon
	case lat >= high.Lat:
		return high.Lon
	}
	f := float64(lat-low.Lat) / float64(high.Lat-low.Lat)
	return low.Lon + int64(math.Round(f*float64(high.Lon-low.Lon)))
}

// pairs calls visit with every two edges whose boxes come within the margin of each
// other; with some more than once.
func (g *grid) pairs(visit func(e, f int32)) {
	for i := 0; i < len(g.cells); {
		k := i + 1
		for k < len(g.cells) && g.cells[k].cell == g.cells[i].cell {
			k++
		}
		for a := i; a < k; a++ {
			e := &g.edges[g.cells[a].edge]
			box := boxOf(e, g.margin)
			for b := a + 1; b < k; b++ {
				if box.Intersects(boxOf(&g.edges[g.cells[b].edge], 0)) {
					visit(g.cells[a].edge, g.cells[b].edge)
				}
			}
		}
		i = k
	}
}

// boxOf returns the box around an edge, margin wider on all sides.
func boxOf(e *edge, margin int64) geo.Box {
	return geo.Box{
		Min: geo.Position{Lon: min(e.a.Lon, e.b.Lon) - margin, Lat: min(e.a.Lat, e.b.Lat) - margin},
		Max: geo.Position{Lon: max(e.a.Lon, e.b.Lon) + margin, Lat: max(e.a.Lat, e.b.Lat) + margin},
	}
}

// cell returns the edges in a cell.
func (g *grid) cell(row, column int64) []cellEdge {
	line := g.rows[row]
	list, at := g.cells[line.from:line.to], cellOf(row, column)
	from := sort.Search(len(list), func(i int) bool { return list[i].cell >= at })
	to := from
	for to < len(list) && list[to].cell == at {
		to++
	}
	return list[from:to]
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}
