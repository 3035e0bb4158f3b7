package pyramid

import (
	"slices"
	"sync"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
)

// neighbours are the covers of a tile, at 4, and of those around it: row by row,
// from west to east. Nil stands for nothing, and for what lies beyond the grid.
type neighbours [9]*cover

// drawer draws covers as whole cells. Inside a block the error of each class is
// carried from tract to tract along a Hilbert curve, so that as many cells are drawn
// as the area asks for and each close to the ground that it stands for. What is
// left at the block's end, less than a cell, is exchanged between classes, and
// with empty ground, as small shapes inside single cells; and tracts that have less
// than a cell are drawn as such shapes alone, at their size.
type drawer struct {
	block  blockDrawer
	tracer tracer
	patch  []patch
}

// drawn is what is drawn of a cover: block by block, as far as it was asked for.
type drawn struct {
	plan   sync.Once
	units  [][tileBlocks * tileBlocks]int64 // what each class is to have of each block
	blocks [tileBlocks * tileBlocks]drawnBlock
}

type drawnBlock struct {
	once  sync.Once
	sheet *sheet // nil where nothing is drawn
}

// sheet is a drawn block.
type sheet struct {
	owner   [blockCells * blockCells]uint16 // 0 for empty ground, or a class's number from 1
	patches []patch                         // places count from the block's first cell
}

// sheet returns what is drawn of block i of cover n of those around, drawn by d if
// need be. It is the same for every tile that shows the block: what it depends on
// beyond its own cover lies in blocks beside it, which all of them have around.
func (d *drawer) sheet(around *neighbours, n, i int) *sheet {
	c := around[n]
	c.plan()
	b := &c.drawn.blocks[i]
	b.once.Do(func() { b.sheet = d.block.draw(around, n, i) })
	return b.sheet
}

// plan decides how many units each class is to have of each block.
func (c *cover) plan() {
	c.drawn.plan.Do(func() { c.drawn.units = allot(c) })
}

// draw returns the features that show a tile, one for each class that shows in it
// or in its margin, where it shows what the neighbours draw there. It is nil for a
// tile that has nothing itself. Errors are those of [openCover].
func (d *drawer) draw(around *neighbours, tell telling) ([]mvt.Feature, error) {
	own := around[4]
	if own == nil || len(own.classes) == 0 {
		return nil, nil
	}
	own.plan()
	most, total := own.most()
	if total == 0 {
		return nil, nil
	}
	return d.shapes(around, around, most, tell)
}

// shapes returns one feature for each class that covers draw in a tile, each block of
// them with what surrounds it. What stands for a class that is too small to show is
// the class most.
func (d *drawer) shapes(covers, surroundings *neighbours, most string, tell telling) ([]mvt.Feature, error) {
	classes, numbers := merged(covers)
	clear(d.tracer.cells[:])
	d.patch = d.patch[:0]
	for n, c := range covers {
		if c != nil {
			d.take(surroundings, n, numbers[n])
		}
	}
	for _, c := range covers {
		if c != nil && c.bad.Load() {
			return nil, damaged("格网", "its cells")
		}
	}
	shapes := d.tracer.trace(d.patch, len(classes))
	if largest, ok := slices.BinarySearchFunc(classes, most, byName); ok {
		for i := range classes {
			if len(shapes[i]) == 0 {
				classes[largest].join(&classes[i])
			}
		}
	}
	var features []mvt.Feature
	for i := range classes {
		if len(shapes[i]) > 0 {
			features = append(features, mvt.Feature{Polygons: shapes[i], Tags: classes[i].tags(tell)})
		}
	}
	return features, nil
}

// most returns the name of the class that most is drawn of, and how many units
// are drawn altogether.
func (c *cover) most() (name string, total int64) {
	best := int64(0)
	for k, units := range c.drawn.units {
		sum := int64(0)
		for _, n := range units {
			sum += n
		}
		if total += sum; sum > best {
			best, name = sum, c.classes[k].name
		}
	}
	return name, total
}

// merged returns the classes of a tile and of those around it in the order of
// their names, with the figures of the tile alone, and for each cover the number,
// from 1, of each of its classes.
func merged(around *neighbours) ([]class, [9][]uint16) {
	var classes []class
	for _, c := range around {
		if c == nil {
			continue
		}
		for _, k := range c.classes {
			if i, ok := slices.BinarySearchFunc(classes, k.name, byName); !ok {
				classes = slices.Insert(classes, i, class{name: k.name})
			}
		}
	}
	// Class numbers are 16 bits; more classes than that are not told apart.
	classes = classes[:min(len(classes), 1<<16-2)]
	var numbers [9][]uint16
	for n, c := range around {
		if c == nil {
			continue
		}
		for _, k := range c.classes {
			i, _ := slices.BinarySearchFunc(classes, k.name, byName)
			i = min(i, len(classes)-1)
			numbers[n] = append(numbers[n], uint16(i+1))
			if n == 4 {
				classes[i].join(k)
			}
		}
	}
	return classes, numbers
}

// telling is how the figures of merged shapes are told: their class by this key, areas in
// multiples of step, in 0.01 m²; 0 is as they are.
type telling struct {
	classKey string
	step     int64
}

func (l *Layer) telling() telling {
	return telling{l.ClassKey, int64(geo.HundredthsOf(l.RoundM2))}
}

// m2 is an area in 0.01 m² as it is told.
func (t telling) m2(area int64) float64 {
	if t.step > 0 {
		area = (area + t.step/2) / t.step * t.step
	}
	return geo.Hundredths(area).M2()
}

// tags returns the attributes of k's shape.
func (k *class) tags(tell telling) []mvt.Tag {
	var tags []mvt.Tag
	if tell.classKey != "" && k.name != "" {
		tags = append(tags, mvt.Tag{Key: tell.classKey, Value: k.name})
	}
	tags = append(tags, mvt.Tag{Key: "count", Value: k.count})
	if k.hasArea {
		tags = append(tags, mvt.Tag{Key: "area_m2", Value: tell.m2(k.area)})
	}
	if k.hasNet {
		tags = append(tags, mvt.Tag{Key: "net_m2", Value: tell.m2(k.net)})
	}
	return tags
}

// take copies to the traced cells what is seen of cover n of those around. numbers
// holds the number of each of its classes.
func (d *drawer) take(around *neighbours, n int, numbers []uint16) {
	column, row := n%3, n/3
	x0, x1 := seen(column)
	y0, y1 := seen(row)
	for by := y0 / blockCells; by*blockCells < y1; by++ {
		for bx := x0 / blockCells; bx*blockCells < x1; bx++ {
			s := d.sheet(around, n, by*tileBlocks+bx)
			if s == nil {
				continue
			}
			// From the block's cells to the traced ones.
			dx := (column-1)*tileCells + bx*blockCells + marginCells
			dy := (row-1)*tileCells + by*blockCells + marginCells
			left, right := max(x0-bx*blockCells, 0), min(x1-bx*blockCells, blockCells)
			for y := max(y0-by*blockCells, 0); y < min(y1-by*blockCells, blockCells); y++ {
				owners := s.owner[y*blockCells+left : y*blockCells+right]
				out := d.tracer.cells[traceFirst+(y+dy)*traceRow+dx+left:][:len(owners)]
				for x, k := range owners {
					if k > 0 {
						out[x] = numbers[k-1]
					}
				}
			}
			for _, p := range s.patches {
				if x, y := int(p.x)+bx*blockCells, int(p.y)+by*blockCells; x < x0 || x >= x1 || y < y0 || y >= y1 {
					continue
				}
				p.x, p.y = p.x+int32(dx), p.y+int32(dy)
				if p.holder > 0 {
					p.holder = numbers[p.holder-1]
				}
				d.patch = append(d.patch, p)
			}
		}
	}
}

// seen returns which cells along one side are seen of the tiles to the west, in
// the middle and to the east, numbered 0 to 2.
func seen(at int) (from, to int) {
	switch at {
	case 0:
		return tileCells - marginCells, tileCells
	case 1:
		return 0, tileCells
	default:
		return 0, marginCells
	}
}
