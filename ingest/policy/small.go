package policy

import (
	"cmp"
	"math"
	"slices"

	"gengtu/index/cells"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// smallRule is what becomes of patches smaller than the least that is shown.
type smallRule struct {
	leastM2 float64
	rule    Small
}

// smallTold tells what became of small patches.
type smallTold struct {
	// Merged are patches that went to a neighbour, LeftOut those that are not shown;
	// none is counted twice, also where one went to a neighbour that was small itself and
	// was left out with it. A feature may have many patches: parts of it that hang together.
	Merged    int     `json:"merged"`
	MergedM2  float64 `json:"merged_m2"`
	LeftOut   int     `json:"left_out"`
	LeftOutM2 float64 `json:"left_out_m2"`
	// Vanished are the features all of whose patches went to others or were left out.
	Vanished int `json:"features_vanished"`
}

// maxPatchCells bounds the cells of a layer whose small patches are looked for: all of
// them are held sorted, 20 bytes each, 2 GB. On a grid of 25 m they cover 62,500 km².
const maxPatchCells = 100_000_000

// patches are the parts of a layer's features that hang together by the sides of cells.
type patches struct {
	grid  grid
	cells []ownedCell // by row, then column
	part  []int32     // of each cell, a cell's number that stands for the part
	size  map[int32]float64
	took  map[int32]taken   // of small parts: what they took from others before they went
	rows  map[int32]float64 // area of a cell by row, m²
}

// taken are parts that went to a part: how many, and what they had in m².
type taken struct {
	parts int
	m2    float64
}

type ownedCell struct {
	cells.Cell
	owner int32
}

func compareOwned(a, b ownedCell) int {
	return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
}

// settleSmall gives the cells of patches that are smaller than the least shown to their
// neighbours, or to none. A patch is a part of a feature that hangs together by sides.
// The smallest is settled first, of equal ones the one that lies lowest, then most to
// the left; what it goes to grows by it, and need not be small any more.
//
// It changes owned, which lists the cells of each owner, and tells what it did. The
// result depends on the cells alone.
func settleSmall(g grid, owned map[int32][]cells.Cell, rule smallRule) (smallTold, error) {
	var told smallTold
	n := 0
	for _, set := range owned {
		n += len(set)
	}
	p := &patches{grid: g, size: map[int32]float64{}, took: map[int32]taken{}, rows: map[int32]float64{}}
	if rule.leastM2 == 0 || !p.anySmaller(owned, rule.leastM2) {
		return told, nil
	}
	if n > maxPatchCells {
		return told, problem.New("POLICY_GRID_FINE", "网格太细：图层有 %d 个网格，找小图斑时上限 %d", "the grid is too fine: the layer has %d cells, the limit is %d where small patches are looked for", n, maxPatchCells).
			Advise("请加大策略中的 grid_m 或 generalise_m，或令 min_patch_m2 为 0", "raise grid_m or generalise_m in the policy, or set min_patch_m2 to 0")
	}
	p.cells = make([]ownedCell, 0, n)
	for owner, set := range owned {
		for _, c := range set {
			p.cells = append(p.cells, ownedCell{c, owner})
		}
	}
	slices.SortFunc(p.cells, compareOwned)
	p.join()
	p.settle(rule, &told)
	before := len(owned)
	clear(owned)
	for _, c := range p.cells {
		if c.owner >= 0 {
			owned[c.owner] = append(owned[c.owner], c.Cell)
		}
	}
	told.Vanished = before - len(owned)
	return told, nil
}

// anySmaller tells whether a single cell is smaller than the least patch: if none is,
// no patch is. The smallest lie in the first row or in the last.
func (p *patches) anySmaller(owned map[int32][]cells.Cell, leastM2 float64) bool {
	first, last := int32(math.MaxInt32), int32(math.MinInt32)
	for _, set := range owned {
		for _, c := range set {
			first, last = min(first, c.Y), max(last, c.Y)
		}
	}
	return first <= last && min(p.cellM2(first), p.cellM2(last)) < leastM2
}

// cellM2 is the area of a cell of a row.
func (p *patches) cellM2(y int32) float64 {
	a, ok := p.rows[y]
	if !ok {
		lo := geo.Position{Lat: int64(y) * p.grid.lat}
		a = geo.CellArea(lo.LonLat(), geo.Position{Lon: p.grid.lon, Lat: lo.Lat + p.grid.lat}.LonLat())
		p.rows[y] = a
	}
	return a
}

// at returns the number of the cell there, or -1.
func (p *patches) at(x, y int32) int32 {
	i, ok := slices.BinarySearchFunc(p.cells, ownedCell{Cell: cells.Cell{X: x, Y: y}}, compareOwned)
	if !ok {
		return -1
	}
	return int32(i)
}

// find returns what stands for the part of cell i.
func (p *patches) find(i int32) int32 {
	for p.part[i] != i {
		p.part[i] = p.part[p.part[i]]
		i = p.part[i]
	}
	return i
}

// join finds the parts. Of two that become one the lower number stands for both, so
// that it is that of their first cell.
func (p *patches) join() {
	p.part = make([]int32, len(p.cells))
	for i := range p.part {
		p.part[i] = int32(i)
	}
	below := 0 // the first cell that is not below and to the left of cell i
	for i, c := range p.cells {
		if i > 0 && p.cells[i-1].Y == c.Y && p.cells[i-1].X == c.X-1 {
			p.unite(int32(i), int32(i-1))
		}
		under := ownedCell{Cell: cells.Cell{X: c.X, Y: c.Y - 1}}
		for below < i && compareOwned(p.cells[below], under) < 0 {
			below++
		}
		if b := p.cells[below]; b.X == c.X && b.Y == c.Y-1 {
			p.unite(int32(i), int32(below))
		}
	}
	for i, c := range p.cells {
		p.size[p.find(int32(i))] += p.cellM2(c.Y)
	}
}

// unite makes two cells of one owner one part.
func (p *patches) unite(i, k int32) {
	if p.cells[i].owner == p.cells[k].owner {
		a, b := p.find(i), p.find(k)
		p.part[max(a, b)] = min(a, b)
	}
}

// settle goes through the small parts.
func (p *patches) settle(rule smallRule, told *smallTold) {
	members := map[int32][]int32{}
	for i := range p.cells {
		if r := p.find(int32(i)); p.size[r] < rule.leastM2 {
			members[r] = append(members[r], int32(i))
		}
	}
	order := make([]int32, 0, len(members))
	for r := range members {
		order = append(order, r)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(p.size[a], p.size[b]), cmp.Compare(a, b)) })
	for _, r := range order {
		if p.find(r) != r || p.size[r] >= rule.leastM2 {
			continue // it has gone to another, or has grown
		}
		to := int32(-1)
		if rule.rule == Merge {
			to = p.neighbour(r, members[r])
		}
		if to < 0 {
			with := p.took[r]
			told.Merged, told.MergedM2 = told.Merged-with.parts, told.MergedM2-with.m2
			told.LeftOut, told.LeftOutM2 = told.LeftOut+1+with.parts, told.LeftOutM2+p.size[r]
			for _, i := range members[r] {
				p.cells[i].owner = -1
			}
			continue
		}
		told.Merged, told.MergedM2 = told.Merged+1, told.MergedM2+p.size[r]-p.took[r].m2
		p.give(r, to, members)
	}
}

// give adds part r to part to.
func (p *patches) give(r, to int32, members map[int32][]int32) {
	for _, i := range members[r] {
		p.cells[i].owner = p.cells[to].owner
	}
	p.part[r] = to
	p.size[to] += p.size[r]
	p.took[to] = taken{p.took[to].parts + 1 + p.took[r].parts, p.took[to].m2 + p.size[r]}
	if of, small := members[to]; small {
		members[to] = append(of, members[r]...)
	}
	delete(members, r)
}

// neighbour returns the part with which part r, of these cells, shares most sides; of
// equal ones the one whose number is least; -1 where it has none.
func (p *patches) neighbour(r int32, members []int32) int32 {
	sides := map[int32]int{}
	best := int32(-1)
	for _, i := range members {
		c := p.cells[i]
		for _, d := range [4][2]int32{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			k := p.at(c.X+d[0], c.Y+d[1])
			if k < 0 || p.cells[k].owner < 0 {
				continue
			}
			o := p.find(k)
			if o == r {
				continue
			}
			sides[o]++
			if best < 0 || sides[o] > sides[best] || sides[o] == sides[best] && o < best {
				best = o
			}
		}
	}
	return best
}
