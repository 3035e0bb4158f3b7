package pyramid

import "math/bits"

// pixels are the unit squares around the whole units of the frame, which hold
// their west and north sides. Those that are hot are what edges are bent to: a
// bit for each, row by row.
type pixels struct {
	hot   []uint64
	ranks []int32  // for each word with a hot pixel, how many come before it
	lit   []uint64 // a bit for each word with a hot pixel
}

// A row of pixels begins on a word's border.
const (
	frameSide = frameHigh - frameLow + 1
	rowWords  = (frameSide + 63) / 64
	rowBits   = rowWords * 64
	allWords  = rowWords * frameSide
)

// pixelAt returns the number of the pixel around the whole unit x, y.
func pixelAt(x, y int32) int32 { return (y-frameLow)*rowBits + x - frameLow }

// middleOf returns the whole unit in the middle of pixel p.
func middleOf(p int32) (x, y int32) { return p%rowBits + frameLow, p/rowBits + frameLow }

// light makes the pixel around the whole unit x, y hot, if it is the frame's.
func (p *pixels) light(x, y int32) {
	if uint32(x-frameLow) >= frameSide || uint32(y-frameLow) >= frameSide {
		return
	}
	b := pixelAt(x, y)
	if p.hot[b>>6] == 0 {
		p.lit[b>>12] |= 1 << (b >> 6 & 63)
	}
	p.hot[b>>6] |= 1 << (b & 63)
}

// cool makes all pixels cold.
func (p *pixels) cool() {
	if p.hot == nil {
		p.hot = make([]uint64, allWords)
		p.ranks = make([]int32, allWords)
		p.lit = make([]uint64, (allWords+63)/64)
	}
	for i, l := range p.lit {
		for ; l != 0; l &= l - 1 {
			p.hot[i<<6+bits.TrailingZeros64(l)] = 0
		}
		p.lit[i] = 0
	}
}

// number gives the hot pixels numbers, row by row, appends them in this order to
// list, and returns it. The numbers hold until a pixel is lit.
func (p *pixels) number(list []int32) []int32 {
	for i, l := range p.lit {
		for ; l != 0; l &= l - 1 {
			w := i<<6 + bits.TrailingZeros64(l)
			p.ranks[w] = int32(len(list))
			for h := p.hot[w]; h != 0; h &= h - 1 {
				list = append(list, int32(w<<6+bits.TrailingZeros64(h)))
			}
		}
	}
	return list
}

// rank returns the number of hot pixel b.
func (p *pixels) rank(b int32) int32 {
	return p.ranks[b>>6] + int32(bits.OnesCount64(p.hot[b>>6]&(1<<(b&63)-1)))
}

// forward appends the hot pixels from pixel i to pixel j of a row, both
// included, from west to east.
func (p *pixels) forward(i, j int32, out []int32) []int32 {
	mask := ^uint64(0) << (i & 63)
	for w := i >> 6; ; w++ {
		word := p.hot[w] & mask
		if w == j>>6 {
			word &= ^uint64(0) >> (63 - j&63)
		}
		for ; word != 0; word &= word - 1 {
			out = append(out, w<<6+int32(bits.TrailingZeros64(word)))
		}
		if w >= j>>6 {
			return out
		}
		mask = ^uint64(0)
	}
}

// backward appends the hot pixels from pixel i to pixel j of a row, both
// included, from east to west.
func (p *pixels) backward(i, j int32, out []int32) []int32 {
	mask := ^uint64(0) >> (63 - i&63)
	for w := i >> 6; ; w-- {
		word := p.hot[w] & mask
		if w == j>>6 {
			word &= ^uint64(0) << (j & 63)
		}
		for word != 0 {
			top := int32(63 - bits.LeadingZeros64(word))
			out = append(out, w<<6+top)
			word &^= 1 << top
		}
		if w <= j>>6 {
			return out
		}
		mask = ^uint64(0)
	}
}

// through appends the hot pixels that the edge from a to b runs through, in
// order. The edge lies in the frame and goes down, or along a row eastwards.
func (p *pixels) through(a, b spot32, out []int32) []int32 {
	x0, y0 := (a.x+halfUnit)>>subShift, (a.y+halfUnit)>>subShift
	x1, y1 := (b.x+halfUnit)>>subShift, (b.y+halfUnit)>>subShift
	row := pixelAt(0, y0)
	if y0 < y1 {
		// The edge leaves its first row at column whole, in x with half a unit
		// added, and each further row step columns on; what is left over counts in
		// parts of a unit times dy.
		dx, dy := int64(b.x-a.x), int64(b.y-a.y)
		den := dy << subShift
		num := (int64(a.x)+halfUnit)*dy + ((int64(y0)<<subShift)+halfUnit-int64(a.y))*dx
		whole := floorDiv(num, den)
		rest := num - whole*den
		step := floorDiv(dx, dy)
		over := (dx - step*dy) << subShift
		at := int64(x0)
		for ; y0 < y1; y0++ {
			switch {
			case dx < 0:
				out = p.backward(row+int32(at), row+int32(whole), out)
			case dx > 0 && rest == 0:
				// It leaves through the corner of the column's first pixel, which is
				// the next row's.
				out = p.forward(row+int32(at), row+int32(whole)-1, out)
			default:
				out = p.forward(row+int32(at), row+int32(whole), out)
			}
			at = whole
			whole += step
			if rest += over; rest >= den {
				rest -= den
				whole++
			}
			row += rowBits
		}
		x0 = int32(at)
	}
	if x0 <= x1 {
		return p.forward(row+x0, row+x1, out)
	}
	return p.backward(row+x0, row+x1, out)
}

// floorDiv returns a/b, rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
