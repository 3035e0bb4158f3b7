package geo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What can be wrong with a coordinate system; the Kind of a [CRSError].
var (
	// ErrCRSUnsupported: the system is another than the ones of [CRS], on this
	// datum or, when only a code was given, on any.
	ErrCRSUnsupported = errors.New("coordinate system not supported")
	// ErrCRSDatum: the system stands on another datum.
	ErrCRSDatum = errors.New("datum is not CGCS2000")
	// ErrCRSControlled: the system stands on Beijing 1954, New Beijing or Xi'an
	// 1980, whose transformation parameters are controlled.
	ErrCRSControlled = errors.New("datum with controlled transformation parameters")
	// ErrCRSContradiction: the description says two different things.
	ErrCRSContradiction = errors.New("coordinate system contradicts itself")
	// ErrCRSUnreadable: the description is not understood or lacks a part.
	ErrCRSUnreadable = errors.New("coordinate system not readable")
)

// CRSError tells why a coordinate system is refused. errors.Is finds its Kind.
type CRSError struct {
	// Kind is one of the ErrCRS values.
	Kind error
	// Found is what stood there, in no particular language: a code, a name, or
	// a parameter with its value.
	Found string
}

// Error returns the kind and what was found.
func (e *CRSError) Error() string { return e.Kind.Error() + ": " + e.Found }

// Unwrap returns the kind.
func (e *CRSError) Unwrap() error { return e.Kind }

// Convertible tells whether the data may be brought into CGCS2000 with openly
// known parameters, as by ogr2ogr -t_srs EPSG:4490. It is false for Beijing
// 1954, New Beijing and Xi'an 1980, whose data have to be delivered in CGCS2000,
// and for what could not be understood.
func (e *CRSError) Convertible() bool {
	return errors.Is(e.Kind, ErrCRSUnsupported) || errors.Is(e.Kind, ErrCRSDatum)
}

// crsKind is the method by which a system's coordinates are made.
type crsKind uint8

const (
	kindGeographic crsKind = iota
	kindMercator
	kindGauss6       // 6 degree zone, zone number before the easting
	kindGauss6Centre // 6 degree zone, named by its central meridian
	kindGauss3       // 3 degree zone, zone number before the easting
	kindGauss3Centre // 3 degree zone, named by its central meridian
)

// The codes of the CGCS2000 systems in the EPSG data set.
const (
	codeGeographic    = 4490
	codeWGS84         = 4326
	codeMercator      = 3857
	codeGauss6        = 4491 // zone 13
	codeGauss6Centre  = 4502 // central meridian 75
	codeGauss3        = 4513 // zone 25
	codeGauss3Centre  = 4534 // central meridian 75
	codeAfterGauss    = 4555 // one past the last
	firstZone6        = 13
	firstZone3        = 25
	zones6            = 11
	zones3            = 21
	falseEasting      = 500_000
	zoneNumberFactor  = 1_000_000
	firstMeridian     = 75
	meridiansPerZone6 = 6
	meridiansPerZone3 = 3
)

// CRS is a coordinate system that data come in or go out in: CGCS2000 longitude,
// latitude (EPSG:4490), Web Mercator (EPSG:3857) or one of the CGCS2000
// Gauss-Krueger zones (EPSG:4491 to 4554). Coordinates are always easting or
// longitude first ([XY]), whatever order the EPSG data set gives.
//
// Systems are equal when == says so. The zero value is EPSG:4490.
type CRS struct {
	// code is 0 for 4490, so that the zero value is a valid system.
	code     int32
	kind     crsKind
	meridian float64 // central meridian, degrees
	easting  float64 // false easting, metres
}

// EPSG returns the system with the given code. EPSG:4326 is taken as
// EPSG:4490: the two differ by less than the survey's accuracy and no shift
// between them is run. Any other system is refused with a [*CRSError].
func EPSG(code int) (CRS, error) {
	switch {
	case code == codeGeographic || code == codeWGS84:
		return CRS{}, nil
	case code == codeMercator:
		return CRS{code: codeMercator, kind: kindMercator}, nil
	case code >= codeGauss6 && code < codeAfterGauss:
		return gaussOf(code), nil
	}
	kind := ErrCRSUnsupported
	if controlledCode(code) {
		kind = ErrCRSControlled
	}
	return CRS{}, &CRSError{Kind: kind, Found: "EPSG:" + strconv.Itoa(code)}
}

// gaussOf returns the Gauss-Krueger zone of a code in [4491, 4554].
func gaussOf(code int) CRS {
	c := CRS{code: int32(code)}
	switch {
	case code >= codeGauss3Centre:
		c.kind = kindGauss3Centre
		c.meridian = firstMeridian + float64(meridiansPerZone3*(code-codeGauss3Centre))
		c.easting = falseEasting
	case code >= codeGauss3:
		c.kind = kindGauss3
		c.meridian = firstMeridian + float64(meridiansPerZone3*(code-codeGauss3))
		c.easting = float64((code-codeGauss3+firstZone3)*zoneNumberFactor + falseEasting)
	case code >= codeGauss6Centre:
		c.kind = kindGauss6Centre
		c.meridian = firstMeridian + float64(meridiansPerZone6*(code-codeGauss6Centre))
		c.easting = falseEasting
	default:
		c.kind = kindGauss6
		c.meridian = firstMeridian + float64(meridiansPerZone6*(code-codeGauss6))
		c.easting = float64((code-codeGauss6+firstZone6)*zoneNumberFactor + falseEasting)
	}
	return c
}

// controlledCode tells whether code stands on Beijing 1954, New Beijing or
// Xi'an 1980; the ranges are those of the EPSG data set.
func controlledCode(code int) bool {
	for _, r := range [...][2]int{
		{4214, 4214}, {2401, 2442}, {21413, 21423}, {21453, 21463}, {21473, 21483}, // Beijing 1954
		{4555, 4555}, {4568, 4589}, {4652, 4656}, {4766, 4800}, {4812, 4812}, {4822, 4822}, // New Beijing
		{4610, 4610}, {2327, 2390}, // Xi'an 1980
	} {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return false
}

// EPSG returns the system's code in the EPSG data set.
func (c CRS) EPSG() int {
	if c.code == 0 {
		return codeGeographic
	}
	return int(c.code)
}

// Geographic tells whether the coordinates are longitude and latitude in
// degrees; otherwise they are easting and northing in metres.
func (c CRS) Geographic() bool { return c.kind == kindGeographic }

// GaussKrueger tells whether the system is one of the Gauss-Krueger zones.
func (c CRS) GaussKrueger() bool { return c.kind >= kindGauss6 }

// CentralMeridian returns the longitude, in degrees, on which eastings equal
// the false easting; 0 for a system that is no Gauss-Krueger zone.
func (c CRS) CentralMeridian() float64 { return c.meridian }

// FalseEasting returns the easting on the central meridian, metres; 0 for a system
// that is no Gauss-Krueger zone.
func (c CRS) FalseEasting() float64 { return c.easting }

// Zone returns the width of the zone, 3 or 6 degrees, and its number, whether it
// stands before eastings or not; 0, 0 for a system that is no Gauss-Krueger zone.
func (c CRS) Zone() (width, number int) {
	switch c.kind {
	case kindGauss6, kindGauss6Centre:
		return meridiansPerZone6, (int(c.meridian) + meridiansPerZone6/2) / meridiansPerZone6
	case kindGauss3, kindGauss3Centre:
		return meridiansPerZone3, int(c.meridian) / meridiansPerZone3
	}
	return 0, 0
}

// zoneNumber returns the number that stands before the system's eastings, or 0.
func (c CRS) zoneNumber() int {
	if c.kind == kindGauss6 || c.kind == kindGauss3 {
		return int(c.easting) / zoneNumberFactor
	}
	return 0
}

// Name returns the system's name as .prj files have it:
// CGCS2000_3_Degree_GK_Zone_36.
func (c CRS) Name() string {
	switch c.kind {
	case kindMercator:
		return "WGS_1984_Web_Mercator_Auxiliary_Sphere"
	case kindGauss6:
		return fmt.Sprintf("CGCS2000_GK_Zone_%d", c.zoneNumber())
	case kindGauss6Centre:
		return fmt.Sprintf("CGCS2000_GK_CM_%.0fE", c.meridian)
	case kindGauss3:
		return fmt.Sprintf("CGCS2000_3_Degree_GK_Zone_%d", c.zoneNumber())
	case kindGauss3Centre:
		return fmt.Sprintf("CGCS2000_3_Degree_GK_CM_%.0fE", c.meridian)
	default:
		return "GCS_China_Geodetic_Coordinate_System_2000"
	}
}

// String returns the code as EPSG:4524.
func (c CRS) String() string { return "EPSG:" + strconv.Itoa(c.EPSG()) }

// crsNamePrefixes stand before an EPSG code in names of systems, lower case.
// The text between an authority and the code (a version) may be anything.
var crsNamePrefixes = [...]string{
	"epsg:",
	"urn:ogc:def:crs:epsg:",
	"urn:x-ogc:def:crs:epsg:",
	"http://www.opengis.net/def/crs/epsg/",
	"https://www.opengis.net/def/crs/epsg/",
	"http://www.opengis.net/gml/srs/epsg.xml#",
}

// maxCRSName bounds what [ParseCRSName] looks at; the longest name in use, a
// URL, has 49 characters.
const maxCRSName = 256

// ParseCRSName reads the name of a system: EPSG:4524, 4524,
// urn:ogc:def:crs:EPSG::4490, http://www.opengis.net/def/crs/EPSG/0/4490, the
// same for OGC's CRS84, CGCS2000, or a name as [CRS.Name] gives it. Case does
// not matter. Coordinates are taken easting or longitude first under every name.
// Any other name is refused with a [*CRSError].
func ParseCRSName(name string) (CRS, error) {
	s := strings.ToLower(strings.TrimSpace(name))
	if len(s) > maxCRSName {
		return CRS{}, &CRSError{Kind: ErrCRSUnreadable, Found: fmt.Sprintf("%q…", name[:40])}
	}
	if code, err := strconv.ParseUint(s, 10, 31); err == nil {
		return EPSG(int(code))
	}
	for _, prefix := range crsNamePrefixes {
		rest, found := strings.CutPrefix(s, prefix)
		if !found {
			continue
		}
		code, err := strconv.ParseUint(rest[strings.LastIndexAny(rest, ":/")+1:], 10, 31)
		if err != nil {
			return CRS{}, &CRSError{Kind: ErrCRSUnreadable, Found: strconv.Quote(name)}
		}
		return EPSG(int(code))
	}
	if crs84(s) {
		return CRS{}, nil
	}
	if c, ok := crsByName(normalised(s)); ok {
		return c, nil
	}
	kind := ErrCRSUnreadable
	if controlledName(normalised(s)) {
		kind = ErrCRSControlled
	}
	return CRS{}, &CRSError{Kind: kind, Found: strconv.Quote(name)}
}

// crs84 tells whether s, lower case, names OGC's WGS 84 longitude, latitude.
func crs84(s string) bool {
	switch s {
	case "crs84", "ogc:crs84", "urn:ogc:def:crs:ogc::crs84", "urn:ogc:def:crs:ogc:1.3:crs84",
		"http://www.opengis.net/def/crs/ogc/1.3/crs84", "https://www.opengis.net/def/crs/ogc/1.3/crs84",
		"http://www.opengis.net/def/crs/ogc/0/crs84", "https://www.opengis.net/def/crs/ogc/0/crs84":
		return true
	}
	return false
}

// crsByName finds the system whose name, normalised, is given.
func crsByName(name string) (CRS, bool) {
	if name == "cgcs2000" || name == normalised(CRS{}.Name()) {
		return CRS{}, true
	}
	for code := codeGauss6; code < codeAfterGauss; code++ {
		if c := gaussOf(code); name == normalised(c.Name()) {
			return c, true
		}
	}
	return CRS{}, false
}

// normalised returns the letters and digits of s in lower case, so that names
// that differ in spelling alone become equal. Bytes above ASCII stay.
func normalised(s string) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		switch {
		case ch >= 'A' && ch <= 'Z':
			b.WriteByte(ch + 'a' - 'A')
		case ch >= 'a' && ch <= 'z', ch >= '0' && ch <= '9', ch >= 0x80:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

// controlledName tells whether a normalised name is one of the older Chinese
// datums.
func controlledName(name string) bool {
	for _, part := range [...]string{"beijing", "北京", "xian1980", "xian80", "西安"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
