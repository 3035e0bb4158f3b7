package ogc

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// CRS84 names longitude, latitude, in which features are answered where no other system
// is asked for (OGC 17-069r4, 7.1); here on CGCS2000.
const CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

// CRS is a coordinate system with the order of its axes.
type CRS struct {
	// URI is its name.
	URI string
	// System has easting or longitude first.
	System geo.CRS
	// NorthFirst tells that the system's definition has northing or latitude first
	// (OGC 18-058r1, 6.2): the geographic systems of EPSG, and the Gauss-Krüger zones.
	NorthFirst bool
}

// DefaultCRS is [CRS84].
func DefaultCRS() CRS { return CRS{URI: CRS84} }

// EPSG returns the system of that code, 4490, 4326, 3857 or a Gauss-Krüger zone; the
// error is a [*geo.CRSError].
func EPSG(code int) (CRS, error) {
	system, err := geo.EPSG(code)
	return CRS{fmt.Sprintf("http://www.opengis.net/def/crs/EPSG/0/%d", code), system, code != 3857}, err
}

// ParseCRS finds the system that a request names, among those that are offered: by URI,
// URN, or as EPSG:4490.
func ParseCRS(name string, offered []CRS) (CRS, error) {
	if name == "" {
		return DefaultCRS(), nil
	}
	want := strings.ToLower(strings.Trim(name, "[]"))
	want = strings.Replace(want, "https://", "http://", 1)
	for _, c := range offered {
		code := c.URI[strings.LastIndexByte(c.URI, '/')+1:]
		forms := []string{c.URI, "EPSG:" + code, "urn:ogc:def:crs:EPSG::" + code}
		if c.URI == CRS84 {
			forms = []string{c.URI, "http://www.opengis.net/def/crs/OGC/0/CRS84", "OGC:CRS84", "CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84"}
		}
		for _, f := range forms {
			if strings.ToLower(f) == want {
				return c, nil
			}
		}
	}
	return CRS{}, problem.New("CRS_UNKNOWN", "这里没有坐标系 %.80q", "the coordinate system %.80q is not offered here", name).
		Advise("crs 列在 collections 里，如 %[1]s", "the collection lists them as crs, such as %[1]s", CRS84)
}

// Offered are the systems that features in a box are offered in: longitude, latitude;
// EPSG's 4490, 4326 and 3857; and the Gauss-Krüger zones that the box meets.
func Offered(box geo.Box) []CRS {
	out := []CRS{DefaultCRS()}
	codes := []int{4490, 4326, 3857}
	west, east := box.Min.LonLat().Lon, box.Max.LonLat().Lon
	for code := firstZone; code <= lastZone && !box.Empty(); code++ {
		if z, err := geo.EPSG(code); err == nil {
			width, _ := z.Zone()
			if m, half := z.CentralMeridian(), float64(width)/2; m-half <= east && west <= m+half {
				codes = append(codes, code)
			}
		}
	}
	for _, code := range codes {
		if c, err := EPSG(code); err == nil { // each is one of ours
			out = append(out, c)
		}
	}
	return out
}

// The first and last Gauss-Krüger zones of CGCS2000 in the EPSG data set.
const (
	firstZone = 4491
	lastZone  = 4554
)

// Given returns a position that is written in the system's order with easting first.
func (c CRS) Given(p geo.XY) geo.XY {
	if c.NorthFirst {
		return geo.XY{X: p.Y, Y: p.X}
	}
	return p
}

// steps are the parts of a degree and of a metre that positions are told in: 1e-10
// degree is 0.01 mm, as features are kept, and a plane's 0.1 mm is the survey's.
const (
	degreeSteps = 1e10
	metreSteps  = 1e4
)

// AppendGeometry appends a geometry as GeoJSON in the system and order of c.
func (c CRS) AppendGeometry(dst []byte, m geo.MultiPolygon) []byte {
	if c.System.Geographic() && !c.NorthFirst {
		return geo.AppendGeoJSON(dst, m)
	}
	rings := func(dst []byte, p geo.Polygon) []byte {
		return appendList(dst, "[]", p, func(dst []byte, r geo.Ring) []byte { return appendList(dst, "[]", r, c.appendPosition) })
	}
	if len(m) == 1 {
		return append(rings(append(dst, `{"type":"Polygon","coordinates":`...), m[0]), '}')
	}
	return append(appendList(append(dst, `{"type":"MultiPolygon","coordinates":`...), "[]", m, rings), '}')
}

// appendList appends what each appends of every element, with commas between and the two
// brackets around.
func appendList[T any](dst []byte, brackets string, list []T, each func([]byte, T) []byte) []byte {
	dst = append(dst, brackets[0])
	for i, x := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = each(dst, x)
	}
	return append(dst, brackets[1])
}

func (c CRS) appendPosition(dst []byte, at geo.Position) []byte {
	return append(c.appendNumbers(append(dst, '['), at, ','), ']')
}

// appendNumbers appends the two numbers of a position with a sign between.
func (c CRS) appendNumbers(dst []byte, at geo.Position, between byte) []byte {
	p, steps := c.System.Forward(at.LonLat()), float64(metreSteps)
	if c.System.Geographic() {
		steps = degreeSteps
	}
	if c.NorthFirst {
		p = geo.XY{X: p.Y, Y: p.X}
	}
	dst = append(appendRounded(dst, p.X, steps), between)
	return appendRounded(dst, p.Y, steps)
}

// appendRounded appends v in whole steps.
func appendRounded(dst []byte, v, steps float64) []byte {
	return strconv.AppendFloat(dst, math.Round(v*steps)/steps, 'f', -1, 64)
}

// WKT returns a geometry as well-known text in the system and order of c.
func (c CRS) WKT(m geo.MultiPolygon) string {
	position := func(dst []byte, at geo.Position) []byte { return c.appendNumbers(dst, at, ' ') }
	rings := func(dst []byte, p geo.Polygon) []byte {
		return appendList(dst, "()", p, func(dst []byte, r geo.Ring) []byte { return appendList(dst, "()", r, position) })
	}
	switch len(m) {
	case 0:
		return "MULTIPOLYGON EMPTY"
	case 1:
		return string(rings([]byte("POLYGON"), m[0]))
	}
	return string(appendList([]byte("MULTIPOLYGON"), "()", m, rings))
}
