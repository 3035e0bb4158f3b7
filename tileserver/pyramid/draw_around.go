package pyramid

// surroundings are the covers around a block, which begins at block x, y of the 24
// by 24 of nine tiles. Only what lies beside the block is read, so that every tile
// that shows it finds the same.
type surroundings struct {
	around *neighbours
	x, y   int
}

// block returns the cover that has the block dx columns and dy rows from the
// middle one, and its number there; nil where nothing is known.
func (s *surroundings) block(dx, dy int) (*cover, int) {
	x, y := s.x+dx, s.y+dy
	if x < 0 || y < 0 || x >= 3*tileBlocks || y >= 3*tileBlocks {
		return nil, 0
	}
	return s.around[y/tileBlocks*3+x/tileBlocks], y%tileBlocks*tileBlocks + x%tileBlocks
}

// tract sums what is covered of a tract in another block: u and v count from the
// block's first tract and are at least -1 and at most blockTracts.
func (s *surroundings) tract(u, v int) int64 {
	c, i := s.block((u+blockTracts)/blockTracts-1, (v+blockTracts)/blockTracts-1)
	if c == nil {
		return 0
	}
	tract := (v+blockTracts)%blockTracts*blockTracts + (u+blockTracts)%blockTracts
	sum := int64(0)
	for _, k := range c.classes {
		if b := c.cells(k, i); b != nil {
			for j := range tractCells * tractCells {
				sum += int64(b[cellOf(tract, j)])
			}
		}
	}
	return sum
}

// cell sums what is covered of a cell: x and y count from the block's first cell
// and are at least -1 and at most blockCells.
func (s *surroundings) cell(x, y int) int64 {
	c, i := s.block((x+blockCells)/blockCells-1, (y+blockCells)/blockCells-1)
	if c == nil {
		return 0
	}
	cell := (y+blockCells)%blockCells*blockCells + (x+blockCells)%blockCells
	sum := int64(0)
	for _, k := range c.classes {
		if b := c.cells(k, i); b != nil {
			sum += int64(b[cell])
		}
	}
	return sum
}

// edge finds the cell of owner that has no patch and least around it, if it lies
// at an edge: it or a cell beside it is not covered.
func (d *blockDrawer) edge(owner uint16) (int, bool) {
	best, least := -1, int64(0)
	for cell, o := range d.sheet.owner {
		if o != owner || d.patched(cell) {
			continue
		}
		sum, covered := int64(0), true
		x, y := cell%blockCells, cell/blockCells
		for v := y - 1; v <= y+1; v++ {
			for u := x - 1; u <= x+1; u++ {
				here := d.surroundings.cell(u, v)
				sum += here
				covered = covered && here >= d.near
			}
		}
		if !covered && (best < 0 || sum < least) {
			best, least = cell, sum
		}
	}
	return best, best >= 0
}
