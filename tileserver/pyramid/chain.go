package pyramid

import (
	"math/bits"
	"slices"
)

// chains are what edges become when they are bent: for each the hot pixels that
// it runs through, in the order of the ring that brought it.
type chains struct {
	marks  []mark // of all chains, one after another
	list   []chain
	counts []counts // of each kept block
}

type chain struct {
	end   int32 // where it ends in marks; it begins where the one before it ends
	flips flips
}

// counts hold, for each pixel of a block a bit, whether as many ends of links are
// there, and whether an arc ends there.
type counts struct{ one, two, more, arcs uint64 }

// reset makes room for blocks of pixels.
func (c *chains) reset(blocks int) {
	c.marks, c.list = c.marks[:0], c.list[:0]
	c.counts = zeroed(c.counts, blocks)
}

// close makes a chain of the marks behind those of the last one, turned round if
// asked to. A single one, as there is along the frame, has no link.
func (c *chains) close(turned bool, d flips) {
	from := 0
	if n := len(c.list); n > 0 {
		from = int(c.list[n-1].end)
	}
	marks := c.marks[from:]
	if len(marks) < 2 {
		c.marks = c.marks[:from]
		return
	}
	if turned {
		slices.Reverse(marks)
	}
	c.list = append(c.list, chain{int32(len(c.marks)), d})
	c.end(marks[0])
	for _, m := range marks[1 : len(marks)-1] {
		n, bit := &c.counts[m.block()], m.bit()
		n.more |= n.one & bit
		n.two |= bit
		n.one |= bit
	}
	c.end(marks[len(marks)-1])
}

// end counts one end of a link.
func (c *chains) end(m mark) {
	n, bit := &c.counts[m.block()], m.bit()
	n.more |= n.two & bit
	n.two |= n.one & bit
	n.one |= bit
}

// arcs makes g's arcs from the chains.
func (c *chains) arcs(g *graph) {
	g.arcs, g.path = g.arcs[:0], g.path[:0]
	from := int32(0)
	before, last := mark{slot: none}, mark{slot: none} // the end of the arc under way
	for i := range c.list {
		l := &c.list[i]
		marks := c.marks[from:l.end]
		from = l.end
		if marks[0].slot != last.slot || !c.passed(before, last, marks[1]) {
			g.begin(marks[0], l.flips)
		}
		before, last = marks[0], marks[1]
		for _, next := range marks[2:] {
			g.extend(last.node)
			if !c.passed(before, last, next) {
				g.end(last)
				g.begin(last, l.flips)
			}
			before, last = last, next
		}
		g.extend(last.node)
		g.end(last)
	}
	c.number(g)
}

// passed tells whether an arc goes on through the pixel at, where it comes from
// before and goes to next: where no other link ends, unless both lie further south,
// or east in its row, because the first node of a piece of the graph must end an arc.
func (c *chains) passed(before, at, next mark) bool {
	n := &c.counts[at.block()]
	return n.two&^n.more&at.bit() != 0 && before.slot != next.slot && (before.node < at.node || next.node < at.node)
}

// number gives the pixels where arcs end numbers of their own, block by block.
func (c *chains) number(g *graph) {
	for i := range g.arcs {
		for _, slot := range g.arcs[i].ends {
			c.counts[slot>>6].arcs |= 1 << (uint(slot) & 63)
		}
	}
	sum := uint64(0)
	for i := range c.counts {
		n := &c.counts[i]
		n.one = sum // from here on how many come before
		sum += uint64(bits.OnesCount64(n.arcs))
	}
	g.nodes = slices.Grow(g.nodes[:0], int(sum))[:sum]
	g.starts = zeroed(g.starts, int(sum)+1)
	for i := range g.arcs {
		a := &g.arcs[i]
		for k, n := range [2]node{g.path[a.from], g.path[a.to-1]} {
			in := &c.counts[a.ends[k]>>6]
			number := int32(in.one) + int32(bits.OnesCount64(in.arcs&(1<<(uint(a.ends[k])&63)-1)))
			a.ends[k] = number
			g.nodes[number] = n
			g.starts[number]++
		}
	}
	total := int32(0)
	for i, n := range g.starts {
		total += n
		g.starts[i] = total
	}
}
