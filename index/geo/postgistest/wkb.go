package postgistest

import (
	"encoding/binary"
	"encoding/hex"
	"math"

	"gengtu/index/geo"
)

// WKB returns m as little-endian well-known binary in hexadecimal: a MultiPolygon whose
// positions are longitude, latitude in degrees, the float64 nearest to each.
func WKB(m geo.MultiPolygon) string {
	b := header(nil, 6, len(m))
	for _, p := range m {
		b = header(b, 3, len(p))
		for _, r := range p {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(r)))
			for _, v := range r {
				at := v.LonLat()
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(at.Lon))
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(at.Lat))
			}
		}
	}
	return hex.EncodeToString(b)
}

// header appends the head of a geometry of a type (OGC 06-103r4, 8.2.3: 3 is a Polygon, 6 a
// MultiPolygon) with n parts.
func header(b []byte, kind uint32, n int) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, 1), kind)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}
