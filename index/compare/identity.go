package compare

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// Identity returns what names the content of a feature: SHA-256 over its geometry in
// canonical form and the values of its fields by their names. The feature's id, its
// layer and its vintage are no part of it, nor are fields without a value and those
// ignored; so the same content has the same name in every edition.
func Identity(l *edition.Layer, f *index.Feature, ignored []string) [32]byte {
	b := appendCanonical(nil, f.Geometry)
	order := make([]int, 0, len(f.Values))
	for i, v := range f.Values {
		if v != nil && v != "" && !slices.Contains(ignored, l.Fields[i].Name) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(l.Fields[a].Name, l.Fields[b].Name) })
	for _, i := range order {
		text := fmt.Sprint(plain(f.Values[i]))
		for _, s := range []string{l.Fields[i].Name, text} {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return sha256.Sum256(b)
}

// GeometryIdentity returns SHA-256 over the canonical form of m.
func GeometryIdentity(m geo.MultiPolygon) [32]byte { return sha256.Sum256(appendCanonical(nil, m)) }

// appendCanonical appends m in a form that does not depend on where its rings begin,
// in which direction they run, or in which order holes and polygons stand: each ring
// from its least position on, shells counter-clockwise and holes clockwise, sorted.
// Positions are integers of 1e-10 degree.
func appendCanonical(dst []byte, m geo.MultiPolygon) []byte {
	polygons := make([][]byte, 0, len(m))
	for _, p := range m {
		rings := make([][]byte, len(p))
		for i, r := range p {
			rings[i] = canonicalRing(r, i == 0)
		}
		if len(rings) > 1 {
			slices.SortFunc(rings[1:], bytes.Compare)
		}
		b := binary.AppendUvarint(nil, uint64(len(rings)))
		for _, r := range rings {
			b = append(binary.AppendUvarint(b, uint64(len(r))), r...)
		}
		polygons = append(polygons, b)
	}
	slices.SortFunc(polygons, bytes.Compare)
	dst = binary.AppendUvarint(dst, uint64(len(polygons)))
	for _, p := range polygons {
		dst = append(dst, p...)
	}
	return dst
}

// canonicalRing returns a closed ring's positions from the least on, as a shell or as
// a hole runs.
func canonicalRing(r geo.Ring, shell bool) []byte {
	if len(r) > 1 && r[0] == r[len(r)-1] {
		r = r[:len(r)-1]
	}
	n := len(r)
	first := 0
	for i, p := range r {
		if p.Lon < r[first].Lon || p.Lon == r[first].Lon && p.Lat < r[first].Lat {
			first = i
		}
	}
	step := 1
	if (turn(r) > 0) != shell {
		step = n - 1 // backwards
	}
	b := binary.AppendUvarint(nil, uint64(n))
	for i, at := 0, first; i < n; i, at = i+1, (at+step)%n {
		b = binary.AppendVarint(binary.AppendVarint(b, r[at].Lon), r[at].Lat)
	}
	return b
}

// turn returns twice the area of an open ring on the lattice, above 0 when it runs
// counter-clockwise. Differences to the first position keep the products exact enough
// for the sign.
func turn(r geo.Ring) float64 {
	sum := 0.0
	for i := range r {
		a, b := r[i], r[(i+1)%len(r)]
		ax, ay := float64(a.Lon-r[0].Lon), float64(a.Lat-r[0].Lat)
		bx, by := float64(b.Lon-r[0].Lon), float64(b.Lat-r[0].Lat)
		sum += float64(ax*by) - float64(bx*ay)
	}
	return sum
}

// nearUnits is how far a position may lie from its partner, along either axis, and
// still be the same: 0.1 mm of latitude, the survey's own grid. A delivery that was
// carried through another format or zone comes back so near, not to the last bit.
const nearUnits = 10

// sameRings tells whether two shapes have the same rings, position by position within
// nearUnits, wherever each begins.
func sameRings(a, b *geo.Rings) bool {
	if len(a.Positions) != len(b.Positions) || len(a.Ends) != len(b.Ends) {
		return false
	}
	taken := make([]bool, len(b.Ends))
	start := int32(0)
	for i, end := range a.Ends {
		if !findRing(a.Positions[start:end], b, taken, i) {
			return false
		}
		start = end
	}
	return true
}

// maxStray bounds how far from its place a ring is looked for: shapes with very many
// holes have them in the same order, or are another shape.
const maxStray = 64

// findRing marks the ring of b that is r as taken; false when there is none.
func findRing(r []geo.Position, b *geo.Rings, taken []bool, i int) bool {
	for d := range 2 * maxStray {
		k := i + (d+1)/2
		if d%2 == 1 {
			k = i - (d+1)/2
		}
		if k < 0 || k >= len(taken) || taken[k] {
			continue
		}
		from := int32(0)
		if k > 0 {
			from = b.Ends[k-1]
		}
		if sameRing(r, b.Positions[from:b.Ends[k]]) {
			taken[k] = true
			return true
		}
	}
	return false
}

// sameRing tells whether two closed rings are the same from some position on.
func sameRing(a, b []geo.Position) bool {
	if len(a) != len(b) {
		return false
	}
	n := len(a) - 1
	if n <= 0 {
		return n < 0 || near(a[0], b[0])
	}
	for first := range n {
		if !near(a[0], b[first]) {
			continue
		}
		i := 1
		for i < n && near(a[i], b[(first+i)%n]) {
			i++
		}
		if i == n {
			return true
		}
	}
	return false
}

func near(a, b geo.Position) bool {
	d := func(x, y int64) bool { return x-y <= nearUnits && y-x <= nearUnits }
	return d(a.Lon, b.Lon) && d(a.Lat, b.Lat)
}

// sameValue tells whether two values say the same: a blank text is no value, and
// numbers are compared as numbers whatever they are stored as.
func sameValue(a, b *index.RawValue) bool {
	if blank(a) || blank(b) {
		return blank(a) && blank(b)
	}
	if a.Kind == b.Kind {
		switch a.Kind {
		case index.RawText:
			return bytes.Equal(a.Text, b.Text)
		case index.RawReal:
			return a.Real == b.Real || a.Real != a.Real && b.Real != b.Real
		}
		return a.Int == b.Int
	}
	return rawText(a) == rawText(b)
}

func blank(v *index.RawValue) bool {
	return v.Kind == index.RawNil || v.Kind == index.RawText && len(v.Text) == 0
}

// rawText returns a value as [plain] prints it.
func rawText(v *index.RawValue) string {
	switch v.Kind {
	case index.RawText:
		return string(v.Text)
	case index.RawInteger:
		return fmt.Sprint(v.Int)
	case index.RawReal:
		return fmt.Sprint(plain(v.Real))
	case index.RawBool:
		return fmt.Sprint(v.Int == 1)
	}
	return ""
}

// plain returns a value as it is told: a whole number without a fraction, and what
// JSON has no word for as nothing.
func plain(v any) any {
	f, ok := v.(float64)
	switch {
	case !ok:
		return v
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return int64(f)
	}
	return f
}
