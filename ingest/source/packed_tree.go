package source

import (
	"encoding/binary"
	"math"
	"slices"
)

// fgbNode is a node of FlatGeobuf's packed R-tree: a box, and the place of a
// feature or of the first child.
type fgbNode struct {
	box    extent
	offset uint64
}

// hilbertOrder returns the numbers of nodes along a Hilbert curve through the
// middles of their boxes, from its end to its beginning as FlatGeobuf's own
// library does; equal places keep their order.
func hilbertOrder(nodes []fgbNode, all extent) []int {
	const steps = math.MaxUint16
	width, height := all.maxX-all.minX, all.maxY-all.minY
	keys := make([]uint32, len(nodes))
	order := make([]int, len(nodes))
	for i, n := range nodes {
		order[i] = i
		var x, y uint32
		if width > 0 {
			x = uint32(steps * ((n.box.minX+n.box.maxX)/2 - all.minX) / width)
		}
		if height > 0 {
			y = uint32(steps * ((n.box.minY+n.box.maxY)/2 - all.minY) / height)
		}
		keys[i] = hilbert(x, y)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case keys[a] > keys[b]:
			return -1
		case keys[a] < keys[b]:
			return 1
		}
		return 0
	})
	return order
}

// hilbert returns the place of x, y, both in [0, 2^16), along the Hilbert curve
// that fills the square, by walking down its quadrants (Hilbert 1891; the
// bitwise form is that of Warren, Hacker's Delight, section 16-2).
func hilbert(x, y uint32) uint32 {
	var d uint32
	for s := uint32(1 << 15); s > 0; s >>= 1 {
		var rx, ry uint32
		if x&s != 0 {
			rx = 1
		}
		if y&s != 0 {
			ry = 1
		}
		d += s * s * ((3 * rx) ^ ry)
		if ry == 0 {
			if rx == 1 {
				x, y = 1<<16-1-x, 1<<16-1-y
			}
			x, y = y, x
		}
	}
	return d
}

// packedTree returns the bytes of the R-tree over the features in order, root
// first, the leaves last. A leaf says where its feature begins behind the index,
// a node above which node is its first child.
func packedTree(leaves []fgbNode, sizes []int64, order []int) []byte {
	counts := []int{len(leaves)} // of the nodes of each level, from the leaves up
	total := len(leaves)
	for n := len(leaves); ; {
		n = (n + fgbNodeSize - 1) / fgbNodeSize
		counts = append(counts, n)
		total += n
		if n == 1 {
			break
		}
	}
	nodes := make([]fgbNode, total)
	level := total - len(leaves) // where the level begins
	var offset uint64
	for i, leaf := range order {
		nodes[level+i] = fgbNode{leaves[leaf].box, offset}
		offset += uint64(sizes[leaf]) //nolint:gosec // sizes are not negative
	}
	for i, n := range counts[1:] {
		above, end := level-n, level+counts[i]
		for k := range n {
			first := level + k*fgbNodeSize
			node := fgbNode{emptyExtent(), uint64(first)} //nolint:gosec // not negative
			for child := first; child < min(first+fgbNodeSize, end); child++ {
				node.box = node.box.union(nodes[child].box)
			}
			nodes[above+k] = node
		}
		level = above
	}
	b := make([]byte, 0, total*fgbNodeBytes)
	for _, n := range nodes {
		b = appendFloats(b, n.box.minX, n.box.minY, n.box.maxX, n.box.maxY)
		b = binary.LittleEndian.AppendUint64(b, n.offset)
	}
	return b
}
