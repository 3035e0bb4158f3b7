package raster

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"sync"
)

// exactColors is how many of a picture's most frequent colours keep their exact
// value when it has more than a palette holds: those of the areas. The others
// are mixtures along borders.
const exactColors = 64

// PNG returns the picture as a PNG with a palette: exact when it has up to 256
// colours; otherwise the most frequent colours are exact and the mixtures along
// borders are moved to a near colour. An RGBA picture takes twice as long to
// encode and 2.8 times the room (see the benchmark).
func (c *Canvas) PNG() ([]byte, error) {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: buffers{}}
	if err := enc.Encode(&b, quantize(c.img)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// buffers lends the encoder its memory.
type buffers struct{}

var encoderBuffers sync.Pool

// Get returns a buffer, or nil when there is none.
func (buffers) Get() *png.EncoderBuffer {
	b, _ := encoderBuffers.Get().(*png.EncoderBuffer)
	return b
}

// Put takes a buffer back.
func (buffers) Put(b *png.EncoderBuffer) { encoderBuffers.Put(b) }

// rgba is a premultiplied colour, R in the highest byte.
type rgba uint32

func (c rgba) parts() [4]int {
	return [4]int{int(c >> 24), int(c >> 16 & 255), int(c >> 8 & 255), int(c & 255)}
}

// counted is a colour with its number of pixels.
type counted struct {
	color rgba
	n     int
}

// quantize returns img with a palette.
func quantize(img *image.RGBA) *image.Paletted {
	counts := countColors(img)
	// Colours by frequency; equal ones by value, so that the order is fixed.
	slices.SortFunc(counts, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.color, b.color))
	})
	entries := make([]rgba, 0, 256)
	for _, c := range counts[:min(len(counts), 256)] {
		entries = append(entries, c.color)
	}
	if len(counts) > 256 {
		entries = append(entries[:exactColors], cells(counts[exactColors:], 256-exactColors)...)
	}
	index := make(map[rgba]uint8, len(counts))
	for i, e := range entries {
		index[e] = uint8(i)
	}
	if len(counts) > 256 {
		near := newNearest(entries)
		for _, c := range counts {
			if _, ok := index[c.color]; !ok {
				index[c.color] = near.of(c.color)
			}
		}
	}
	out := image.NewPaletted(img.Rect, make(color.Palette, len(entries)))
	for i, e := range entries {
		p := e.parts()
		c, _ := color.NRGBAModel.Convert(color.RGBA{R: uint8(p[0]), G: uint8(p[1]), B: uint8(p[2]), A: uint8(p[3])}).(color.NRGBA)
		out.Palette[i] = c
	}
	known := newRecent()
	for i := range out.Pix {
		c := pixel(img.Pix[4*i:])
		slot := known.slot(c)
		if slot.n == 0 || slot.color != c {
			*slot = counted{c, int(index[c]) + 1}
		}
		out.Pix[i] = uint8(slot.n - 1)
	}
	return out
}

func pixel(p []uint8) rgba {
	_ = p[3]
	return rgba(p[0])<<24 | rgba(p[1])<<16 | rgba(p[2])<<8 | rgba(p[3])
}

// countColors returns the colours of img in no order.
func countColors(img *image.RGBA) []counted {
	counts := make([]counted, 0, 1024)
	where := make(map[rgba]int, 1024)
	known := newRecent()
	for i := 0; i < len(img.Pix); {
		c, run := pixel(img.Pix[i:]), 0
		for ; i < len(img.Pix) && pixel(img.Pix[i:]) == c; i += 4 {
			run++
		}
		slot := known.slot(c)
		if slot.n == 0 || slot.color != c {
			k, ok := where[c]
			if !ok {
				k = len(counts)
				where[c] = k
				counts = append(counts, counted{color: c})
			}
			*slot = counted{c, k + 1}
		}
		counts[slot.n-1].n += run
	}
	return counts
}

// recent remembers a number for each of the colours that were seen last, one more than
// it is; 0 is none. Most pixels have a colour of those around them, and to look into a
// map for each takes a fifth of the time of a picture.
type recent []counted

// recentBits is so many that a tile's colours have mostly slots of their own.
const recentBits = 12

func newRecent() recent { return make(recent, 1<<recentBits) }

// slot is where c is, if it is there.
func (r recent) slot(c rgba) *counted {
	const spread = 0x9E3779B1 // the golden ratio of 32 bits (Knuth, 6.4)
	return &r[uint32(c)*spread>>(32-recentBits)]
}

// cells returns up to n colours that stand for counts: the means of the fullest
// cells of the colour space, 16 steps a channel.
func cells(counts []counted, n int) []rgba {
	type cell struct {
		key rgba
		sum [4]int
		n   int
	}
	where := map[rgba]int{}
	var all []cell
	for _, c := range counts {
		key := c.color & 0xf0f0f0f0
		k, ok := where[key]
		if !ok {
			k = len(all)
			where[key] = k
			all = append(all, cell{key: key})
		}
		for i, v := range c.color.parts() {
			all[k].sum[i] += v * c.n
		}
		all[k].n += c.n
	}
	slices.SortFunc(all, func(a, b cell) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.key, b.key)) })
	var out []rgba
	for _, c := range all[:min(len(all), n)] {
		var mean rgba
		for _, s := range c.sum {
			mean = mean<<8 | rgba((s+c.n/2)/c.n)
		}
		out = append(out, mean)
	}
	return out
}

// nearest finds the entry closest to a colour, by the sum of squared differences
// of the premultiplied channels; the first of equals. Entries are in the order of their
// first channel, so that those that differ too much in it alone are not looked at.
type nearest []nearestEntry

type nearestEntry struct {
	parts [4]int
	at    int
}

func newNearest(entries []rgba) nearest {
	n := make(nearest, len(entries))
	for i, e := range entries {
		n[i] = nearestEntry{e.parts(), i}
	}
	slices.SortFunc(n, func(a, b nearestEntry) int {
		return cmp.Or(cmp.Compare(a.parts[0], b.parts[0]), cmp.Compare(a.at, b.at))
	})
	return n
}

func (n nearest) of(c rgba) uint8 {
	p := c.parts()
	from, _ := slices.BinarySearchFunc(n, p[0], func(e nearestEntry, v int) int { return cmp.Compare(e.parts[0], v) })
	best, at := math.MaxInt, 0
	// look takes an entry, and tells whether those behind it can be as near.
	look := func(e *nearestEntry) bool {
		d0 := p[0] - e.parts[0]
		if d0*d0 > best {
			return false
		}
		d1, d2, d3 := p[1]-e.parts[1], p[2]-e.parts[2], p[3]-e.parts[3]
		if d := d0*d0 + d1*d1 + d2*d2 + d3*d3; d < best || d == best && e.at < at {
			best, at = d, e.at
		}
		return true
	}
	for i := from; i < len(n) && look(&n[i]); i++ { // look does the work
	}
	for i := from - 1; i >= 0 && look(&n[i]); i-- { // look does the work
	}
	return uint8(at)
}
