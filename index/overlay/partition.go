package overlay

import (
	"context"
	"slices"
	"sync"

	"gengtu/index/geo"
)

// Frame is the ground that a partition divides: a box in an equal-area plane.
// Cells are halves of halves of it, always across the longer side, so that a
// path of halves names the same cell for whoever divides and whoever follows.
//
// A Frame is a value; it may be copied and used concurrently.
type Frame struct {
	plane          plane
	x0, y0, x1, y1 float64
}

// NewFrame returns the frame of a box, CGCS2000 (EPSG:4490), which must not be
// empty. It is a box of a fixed lattice, the same for all boxes that lie in it and
// in no smaller one, so that ground that grows by a little keeps its frame.
func NewFrame(box geo.Box) Frame {
	box.Min.Lon, box.Max.Lon = latticeSpan(box.Min.Lon, box.Max.Lon)
	box.Min.Lat, box.Max.Lat = latticeSpan(box.Min.Lat, box.Max.Lat)
	f := Frame{plane: newPlane(box)}
	f.x0, f.y0 = f.plane.at(box.Min)
	f.x1, f.y1 = f.plane.at(box.Max)
	return f
}

// latticeSpan returns the smallest span of the lattice around [lo, hi]: 8 steps of
// a power of two, beginning at a multiple of the step. Spans overlap by 7 of their
// 8 steps, so that what is up to 7 steps long lies in one wherever it is.
func latticeSpan(lo, hi int64) (from, to int64) {
	step := int64(1)
	for hi-lo > 7*step {
		step *= 2
	}
	from = lo &^ (step - 1) // rounds down, below zero too
	return from, from + 8*step
}

// Area returns the frame's area in m².
func (f *Frame) Area() float64 { return (f.x1 - f.x0) * (f.y1 - f.y0) }

// Cell is a part of the ground in which the borders of features have been
// divided so far that each piece of one has one face below it and one above.
// Coordinates are metres in the frame's plane.
type Cell struct {
	X0, Y0, X1, Y1 float64
	Vertices       []geo.XY
	// Segments run from left to right; they meet at their ends only, but for the
	// roundings of crossings. Upright borders are not among them: what is left and
	// right of one follows from the segments that end at it and from Bottom.
	Segments []Segment
	// Bottom lists the faces along the lower side from left to right, each from
	// its X to the next one's; the first begins at X0.
	Bottom []BottomFace
	Faces  []Face
}

// Segment is a piece of border between two faces of a cell.
type Segment struct {
	From, To     uint32 // in Vertices
	Below, Above uint32 // in Faces
}

// BottomFace is where a face begins along a cell's lower side.
type BottomFace struct {
	X    float64
	Face uint32
}

// Face is all the ground of a cell that the same features cover.
type Face struct {
	// Area is its area in the cell, in m².
	Area float64
	// Owners are the features that cover it, in rising order; none for bare ground.
	Owners []int32
}

// Ground is where a partition takes its features from. Owners are counted from
// 0. It is used by several goroutines at once.
type Ground interface {
	// Owners returns the number of features.
	Owners() int
	// Extent tells which blocks a feature is in.
	Extent(owner int32) Extent
	// Search visits the features whose boxes meet b, in any order, until visit
	// returns false.
	Search(b geo.Box, visit func(owner int32) bool)
	// Rings appends the rings of a feature to r, directed as stored.
	Rings(owner int32, r *geo.Rings) error
}

const (
	// partitionEdges is the number of edges up to which a cell is not divided: of
	// fewer, more lie across cell borders and are stored twice; with more, a query
	// looks at more of them for each metre of its border.
	partitionEdges = 48
	// blockVertices is the number of vertices up to which a part of the ground is
	// divided at one go, and made anew when something in it changes. A worker holds
	// some 300 bytes for each. Estimates count attributes too, so that a block has
	// some 130 parcels, a third of which lie in another one as well. To change the
	// number is to change the format of editions: updates go by it.
	blockVertices = 1 << 14
	// deepestPath keeps the path of a cell in 64 bits with room for its depth.
	deepestPath = 56
)

// Partitioner finds the cells of blocks. It keeps its memory from block to block
// and is used by one goroutine at a time.
type Partitioner struct {
	frame  Frame
	ground Ground
	splitter
	levels [][2]*node
	root   node
	rings  geo.Rings
	local  []int32 // owners of the block, by the numbers that nodes know them by
	covers []int32
	walls  tracing
	visit  func(path uint64, depth int, c *Cell) error
}

// NewPartitioner returns one for the features of g.
func NewPartitioner(f Frame, g Ground) *Partitioner {
	return &Partitioner{frame: f, ground: g}
}

// Cells visits the cells of block b in the order of their paths. The cell and
// all that it holds are the partitioner's and valid during the call only. Errors
// are ctx's, the ground's and those of visit.
func (p *Partitioner) Cells(ctx context.Context, b *Block, visit func(path uint64, depth int, c *Cell) error) error {
	p.local, p.visit = b.owners, visit
	p.splitter = p.grow(len(b.owners))
	n := &p.root
	n.reset(b.box[0], b.box[1], b.box[2], b.box[3])
	build := &builder{plane: &p.frame.plane, node: n}
	for i, o := range b.owners {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p.rings.Reset()
		if err := p.ground.Rings(o, &p.rings); err != nil {
			return err
		}
		build.addRings(&p.rings, int32(i))
	}
	p.settle(n, true)
	p.covers = p.covers[:0]
	p.walls.tol = 0x1p-48 * max(p.frame.x1-p.frame.x0, p.frame.y1-p.frame.y0)
	p.walls.ctx, p.walls.err = ctx, nil
	return p.divide(n, b.Path, b.Depth)
}

// grow returns the splitter with room for n owners.
func (p *Partitioner) grow(n int) splitter {
	if n <= len(p.mark) {
		return p.splitter
	}
	return newSplitter(n)
}

func (p *Partitioner) divide(n *node, path uint64, depth int) error {
	above := len(p.covers)
	p.covers = append(p.covers, n.covers...)
	defer func() { p.covers = p.covers[:above] }()
	if len(n.edges) <= partitionEdges || n.stall > stallSplits || depth >= deepestPath {
		c, err := p.walls.cellOf(n, p.covers)
		if err != nil {
			return err
		}
		for i := range c.Faces {
			owners := c.Faces[i].Owners
			for k, o := range owners {
				owners[k] = p.local[o]
			}
			slices.Sort(owners)
		}
		return p.visit(path, depth, c)
	}
	for len(p.levels) <= depth {
		p.levels = append(p.levels, [2]*node{{}, {}})
	}
	lo, hi := p.levels[depth][0], p.levels[depth][1]
	n.split(lo, hi)
	p.settle(lo, true)
	if err := p.divide(lo, path, depth+1); err != nil {
		return err
	}
	p.settle(hi, true)
	return p.divide(hi, path|1<<(63-depth), depth+1)
}

// addRings adds the edges of r, cut to the node's box.
func (b *builder) addRings(r *geo.Rings, owner int32) {
	first := 0
	for _, end := range r.Ends {
		ring := r.Positions[first:end]
		first = int(end)
		if len(ring) < 4 {
			continue
		}
		px, py := b.plane.at(ring[0])
		for _, v := range ring[1:] {
			x, y := b.plane.at(v)
			b.cut(edge{px, py, x, y, owner})
			px, py = x, y
		}
	}
}

// Follow leads aoi down the cells of a partition of f: see [Follower].
//
// aoi is in CGCS2000 (EPSG:4490), valid and directed as [Mend] returns it. What
// of it lies outside of the frame is not visited. root is the reference of the
// whole frame. Errors are v's.
func (f *Frame) Follow(aoi geo.MultiPolygon, root int32, v Follower) error {
	d := descents.Get().(*descent)
	defer descents.Put(d)
	d.follower = v
	n := &d.root
	n.reset(f.x0, f.y0, f.x1, f.y1)
	build := &builder{plane: &f.plane, node: n}
	build.add(aoi, 0)
	if !d.settle(n, false) {
		return nil
	}
	return d.down(n, root, 0)
}

// descents keeps the memory of descents, which grows to some 20 kB.
var descents = sync.Pool{New: func() any { return &descent{splitter: newSplitter(1)} }}

// Follower is told where an AOI lies among the cells of a partition. Cells are
// named by references that it gives out itself.
type Follower interface {
	// Inside is told of a cell that lies wholly in the AOI.
	Inside(cell int32) error
	// Across is told of a cell that the AOI's border may run through. It returns the
	// two halves of a cell that is divided, and false for one that is not.
	Across(cell int32, c *Clip) (lo, hi int32, divided bool, err error)
}

type descent struct {
	splitter
	follower Follower
	root     node
	levels   [][2]*node
	clip     Clip
}

func (d *descent) down(n *node, cell int32, depth int) error {
	if len(n.covers) > 0 {
		return d.follower.Inside(cell)
	}
	d.clip.node = n
	loRef, hiRef, divided, err := d.follower.Across(cell, &d.clip)
	if err != nil || !divided {
		return err
	}
	if depth == len(d.levels) {
		d.levels = append(d.levels, [2]*node{{}, {}})
	}
	lo, hi := d.levels[depth][0], d.levels[depth][1]
	n.split(lo, hi)
	if d.settle(lo, false) {
		if err := d.down(lo, loRef, depth+1); err != nil {
			return err
		}
	}
	if d.settle(hi, false) {
		return d.down(hi, hiRef, depth+1)
	}
	return nil
}
