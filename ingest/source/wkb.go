package source

import (
	"encoding/binary"
	"math"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Geometry types of well-known binary (OGC 06-103r4 table 7).
const (
	wkbPolygon      = 3
	wkbMultiPolygon = 6
	wkbCollection   = 7
)

// geometryNames names the geometry types of WKB and FlatGeobuf in messages.
var geometryNames = map[uint32]string{
	0: "Geometry", 1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString",
	6: "MultiPolygon", 7: "GeometryCollection", 8: "CircularString", 9: "CompoundCurve", 10: "CurvePolygon",
	11: "MultiCurve", 12: "MultiSurface", 13: "Curve", 14: "Surface", 15: "PolyhedralSurface", 16: "TIN", 17: "Triangle",
}

// geometryName returns the name of a geometry type, or its number.
func geometryName(typ uint32) string {
	if name, ok := geometryNames[typ]; ok {
		return name
	}
	return "type " + strconv.FormatUint(uint64(typ), 10)
}

// maxNesting is how deep collections may lie in collections.
const maxNesting = 8

// badBlob is the problem of a geometry whose bytes make no sense.
func badBlob(zh, en string, args ...any) *problem.Problem {
	return problem.New("GPKG_GEOMETRY", zh, en, args...)
}

// parseGeoPackageBlob adds the polygons of a GeoPackage geometry (12-128r18
// clause 2.1.3) to s: "GP", version, flags, srs id, an envelope of 0, 32, 48 or
// 64 bytes, then WKB. srsID is the table's coordinate system, which a geometry
// must not contradict.
func parseGeoPackageBlob(s *shape, b []byte, srsID int64) *problem.Problem {
	if len(b) < 8 || b[0] != 'G' || b[1] != 'P' {
		return badBlob("几何没有 GP 标记", "the geometry lacks the mark GP")
	}
	flags := b[3]
	var order binary.ByteOrder = binary.BigEndian
	if flags&1 == 1 {
		order = binary.LittleEndian
	}
	if flags&0x20 != 0 {
		return notPolygon("ExtendedGeoPackageBinary")
	}
	sizes := [...]int{0, 32, 48, 48, 64}
	envelope := int(flags >> 1 & 7)
	if envelope >= len(sizes) || 8+sizes[envelope] > len(b) {
		return badBlob("几何的外包框标志 %d 不成立", "envelope flag %d makes no sense", envelope)
	}
	// The bits are a signed number; -1 and 0 mean that none is given.
	if id := int64(int32(order.Uint32(b[4:]))); id != srsID && id > 0 { //nolint:gosec // see above
		return badBlob("几何的坐标系 %d 与图层的 %d 不同", "coordinate system %d of the geometry is not the layer's %d", id, srsID)
	}
	w := wkbParser{rest: b[8+sizes[envelope]:], shape: s}
	return w.geometry(0)
}

// wkbParser reads WKB, ISO and extended (PostGIS), from rest.
type wkbParser struct {
	rest  []byte
	order binary.ByteOrder
	shape *shape
}

// truncated is the problem of a geometry that ends too early.
func (w *wkbParser) truncated() *problem.Problem {
	return badBlob("几何数据不完整，剩 %d 字节", "the geometry ends too early, %d bytes are left", len(w.rest))
}

// count reads a number of things that take at least size bytes each.
func (w *wkbParser) count(size int) (int, *problem.Problem) {
	if len(w.rest) < 4 {
		return 0, w.truncated()
	}
	n := int64(w.order.Uint32(w.rest))
	w.rest = w.rest[4:]
	if n*int64(size) > int64(len(w.rest)) {
		return 0, w.truncated()
	}
	return int(n), nil
}

// geometry reads one geometry, which lies in depth collections.
func (w *wkbParser) geometry(depth int) *problem.Problem {
	if len(w.rest) < 5 {
		return w.truncated()
	}
	switch w.rest[0] {
	case 0:
		w.order = binary.BigEndian
	case 1:
		w.order = binary.LittleEndian
	default:
		return badBlob("WKB 字节序标志是 %d", "WKB byte order is %d", w.rest[0])
	}
	code := w.order.Uint32(w.rest[1:])
	w.rest = w.rest[5:]
	typ, size := wkbType(code)
	if code&0x20000000 != 0 { // an SRID follows
		if len(w.rest) < 4 {
			return w.truncated()
		}
		w.rest = w.rest[4:]
	}
	switch typ {
	case wkbPolygon:
		return w.polygon(size)
	case wkbMultiPolygon, wkbCollection:
		if depth == maxNesting {
			return badBlob("几何嵌套超过 %d 层", "the geometry is nested more than %d deep", maxNesting)
		}
		n, p := w.count(5)
		for ; n > 0 && p == nil; n-- {
			p = w.geometry(depth + 1)
		}
		return p
	}
	return notPolygon(geometryName(typ))
}

// wkbType returns the plain type of a WKB type code and the bytes of a point:
// ISO adds 1000, 2000 or 3000 for Z, M or both, PostGIS sets high bits.
func wkbType(code uint32) (typ uint32, size int) {
	typ = code & 0x0FFFFFFF
	size = 16
	if code&0x80000000 != 0 {
		size += 8
	}
	if code&0x40000000 != 0 {
		size += 8
	}
	switch typ / 1000 {
	case 1, 2:
		size += 8
	case 3:
		size += 16
	case 0:
		return typ, size
	default:
		return typ, size
	}
	return typ % 1000, size
}

// polygon reads the rings of a polygon whose points take size bytes.
func (w *wkbParser) polygon(size int) *problem.Problem {
	rings, p := w.count(4)
	for ; rings > 0 && p == nil; rings-- {
		var points int
		if points, p = w.count(size); p != nil {
			break
		}
		for ; points > 0; points-- {
			w.shape.points = append(w.shape.points, geo.XY{
				X: math.Float64frombits(w.order.Uint64(w.rest)),
				Y: math.Float64frombits(w.order.Uint64(w.rest[8:])),
			})
			w.rest = w.rest[size:]
		}
		w.shape.endRing()
	}
	w.shape.endPolygon()
	return p
}
