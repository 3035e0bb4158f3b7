package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// KeyID returns the id of the feature of a layer with that business key: the
// first 53 bits of SHA-256 over layer, a zero byte and key. It is never 0.
func KeyID(layer, key string) uint64 {
	return first53([]byte(layer + "\x00" + key))
}

func first53(data []byte) uint64 {
	sum := sha256.Sum256(data)
	return max(binary.BigEndian.Uint64(sum[:])>>11, 1)
}

// contentID returns the id of a feature without a key: the hash of its geometry
// and attributes. Neither the order of the fields nor fields without a value
// count, so that another file in the layer changes nothing.
func contentID(layer string, fields []edition.Field, f *index.Feature) uint64 {
	var order []int
	for i, v := range f.Values {
		if v != nil {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(fields[a].Name, fields[b].Name) })
	b := []byte(layer + "\x00\x00")
	for _, i := range order {
		b = fmt.Appendf(b, "%s\x00%T:%v\x00", fields[i].Name, f.Values[i], f.Values[i])
	}
	return first53(appendShape(b, f.Geometry))
}

// sharedID returns the id of a feature whose weak key others have too, as the
// parts of one region: the hash of key and geometry.
func sharedID(layer, key string, m geo.MultiPolygon) uint64 {
	return first53(appendShape([]byte(layer+"\x00"+key+"\x00"), m))
}

// appendShape appends the positions of m, which is in canonical form.
func appendShape(b []byte, m geo.MultiPolygon) []byte {
	for _, p := range m {
		for _, r := range p {
			for _, v := range r {
				b = binary.AppendVarint(b, v.Lon)
				b = binary.AppendVarint(b, v.Lat)
			}
			b = append(b, 0)
		}
		b = append(b, 1)
	}
	return b
}
