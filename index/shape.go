package index

import (
	"encoding/binary"
	"slices"

	"gengtu/index/geo"
)

// A stored geometry is the number of its polygons, and of each the number of its
// rings and then the rings. A ring is the number of its positions, the width of a
// difference in bytes, its first position as varints from the ring before, and
// the differences from position to position, longitude before latitude, as signed
// integers of that width, little-endian. Equal geometries have equal bytes.
//
// With a fixed width in a ring a reader has no branch in its loop; three bytes
// reach 93 m along a meridian, so that hardly a parcel needs more, and are no
// longer than varints would be.

// The widths of a difference: what a difference may be at most, in bits.
const (
	narrowWidth = 3
	middleWidth = 4
	wideWidth   = 8
)

// slack is the number of bytes behind a ring that a reader of narrow differences
// may look at: it takes eight at a time. A record has more of them behind its
// geometry.
const slack = 2

func appendGeometry(dst []byte, m geo.MultiPolygon) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	var last geo.Position
	for _, p := range m {
		dst = binary.AppendUvarint(dst, uint64(len(p)))
		for _, r := range p {
			dst = appendRing(dst, r, &last)
		}
	}
	return dst
}

// appendRing appends r, which follows a ring that began at last, and renews last.
func appendRing(dst []byte, r geo.Ring, last *geo.Position) []byte {
	width := widthOf(r)
	dst = append(binary.AppendUvarint(dst, uint64(len(r))), byte(width))
	if len(r) == 0 {
		return dst
	}
	dst = binary.AppendVarint(dst, r[0].Lon-last.Lon)
	dst = binary.AppendVarint(dst, r[0].Lat-last.Lat)
	*last = r[0]
	at, end := len(dst), len(dst)+2*width*(len(r)-1)
	// Each difference is written with eight bytes, of which the next one keeps width.
	dst = slices.Grow(dst, end-at+wideWidth)[:end+wideWidth]
	for i := 1; i < len(r); i++ {
		binary.LittleEndian.PutUint64(dst[at:], uint64(r[i].Lon-r[i-1].Lon))
		binary.LittleEndian.PutUint64(dst[at+width:], uint64(r[i].Lat-r[i-1].Lat))
		at += 2 * width
	}
	return dst[:end]
}

// widthOf returns the bytes that the ring's differences need.
func widthOf(r geo.Ring) int {
	var widest uint64
	for i := 1; i < len(r); i++ {
		for _, d := range [2]int64{r[i].Lon - r[i-1].Lon, r[i].Lat - r[i-1].Lat} {
			widest |= uint64(d ^ d>>63)
		}
	}
	switch {
	case widest < 1<<(8*narrowWidth-1):
		return narrowWidth
	case widest < 1<<(8*middleWidth-1):
		return middleWidth
	default:
		return wideWidth
	}
}

// shape returns a decoder of the geometry that d stands at, and passes over it.
func (d *decoder) shape() decoder { return decode(d.Take(d.Uvarint())) }

// ring is a ring that is to be read: its first position, and the differences.
type ring struct {
	n, width int
	first    geo.Position
	rest     []byte // the differences, and slack
}

// ring leaves d behind the next ring, which follows one that began at last. It has
// no position when d has met a fault.
func (d *decoder) ring(last geo.Position) ring {
	n := d.Uvarint()
	width := d.Take(1)
	if width == nil || n == 0 {
		d.Fail()
		return ring{}
	}
	r := ring{width: int(width[0])}
	r.first = geo.Position{Lon: last.Lon + d.Varint(), Lat: last.Lat + d.Varint()}
	if r.width != narrowWidth && r.width != middleWidth && r.width != wideWidth || n-1 > uint64(len(d.Data)/(2*r.width)) {
		d.Fail()
		return ring{}
	}
	need := int(n-1) * 2 * r.width
	if cap(d.Data) < need+slack {
		d.Fail()
		return ring{}
	}
	r.n, r.rest, d.Data = int(n), d.Data[:need+slack], d.Data[need:]
	return r
}

// read fills in to, which is as long as the ring.
func (r *ring) read(to []geo.Position) {
	if len(to) == 0 {
		return
	}
	at := r.first
	to[0] = at
	to, rest := to[1:], r.rest
	switch r.width {
	case narrowWidth:
		for i := range to {
			v := int64(binary.LittleEndian.Uint64(rest[6*i:]))
			at.Lon += v << 40 >> 40
			at.Lat += v << 16 >> 40
			to[i] = at
		}
	case middleWidth:
		for i := range to {
			v := int64(binary.LittleEndian.Uint64(rest[8*i:]))
			at.Lon += v << 32 >> 32
			at.Lat += v >> 32
			to[i] = at
		}
	default:
		for i := range to {
			at.Lon += int64(binary.LittleEndian.Uint64(rest[16*i:]))
			at.Lat += int64(binary.LittleEndian.Uint64(rest[16*i+8:]))
			to[i] = at
		}
	}
}

// geometry reads a geometry, which is the caller's own.
func (d *decoder) geometry() geo.MultiPolygon {
	m := make(geo.MultiPolygon, d.Count(1))
	var last geo.Position
	for i := range m {
		m[i] = make(geo.Polygon, d.Count(leastRing))
		for j := range m[i] {
			r := d.ring(last)
			m[i][j] = make(geo.Ring, r.n)
			r.read(m[i][j])
			last = r.first
		}
	}
	return m
}

// leastRing is the length of the shortest ring.
const leastRing = 4

// rings reads a geometry as [decoder.geometry] does, into to.
func (d *decoder) rings(to *geo.Rings) {
	var last geo.Position
	for range d.Count(1) {
		for range d.Count(leastRing) {
			r := d.ring(last)
			n := len(to.Positions)
			to.Positions = slices.Grow(to.Positions, r.n)[:n+r.n]
			r.read(to.Positions[n:])
			to.Ends = append(to.Ends, int32(n+r.n))
			last = r.first
		}
	}
}

// vertices counts the positions of a geometry as [geo.MultiPolygon.Vertices] does.
func (d *decoder) vertices() int {
	n := 0
	var last geo.Position
	for range d.Count(1) {
		for range d.Count(leastRing) {
			r := d.ring(last)
			n += r.n
			last = r.first
		}
	}
	return n
}
