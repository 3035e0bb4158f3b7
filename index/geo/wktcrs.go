package geo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Keywords of WKT 1 and 2 that mean the same.
var (
	wktGeographic = []string{"GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS", "BASEGEOGCRS", "BASEGEODCRS"}
	wktProjected  = []string{"PROJCS", "PROJCRS", "PROJECTEDCRS"}
	wktCompound   = []string{"COMPD_CS", "COMPOUNDCRS"}
	wktDatum      = []string{"DATUM", "GEODETICDATUM", "TRF", "ENSEMBLE"}
	wktEllipsoid  = []string{"SPHEROID", "ELLIPSOID"}
	wktPrime      = []string{"PRIMEM", "PRIMEMERIDIAN"}
)

// Tolerances for numbers in a description, which writers print with 10 to 17
// digits: 1e-9 of an inverse flattening of 298 is 3e-7, of a metre or degree
// less than any data show.
const wktTolerance = 1e-9

// ParseWKT reads the description of a system in well-known text, version 1 (OGC
// or ESRI, as .prj files have it) or 2. It decides by the ellipsoid and the
// datum, the projection, its meridian, false easting and scale; the name only
// tells a 6 degree from a 3 degree zone where nothing else does, and a code
// (AUTHORITY, ID) has to agree. WGS 84 longitude, latitude is taken as CGCS2000.
// Of a compound or bound system the horizontal source is taken. The order of
// axes is ignored, as it is in files.
//
// What is not one of the systems of [CRS] is refused with a [*CRSError] of any
// kind.
func ParseWKT(text string) (CRS, error) {
	n, err := parseWKTNode(text)
	if err != nil {
		return CRS{}, &CRSError{Kind: ErrCRSUnreadable, Found: strings.TrimPrefix(err.Error(), errWKT.Error()+": ")}
	}
	for n.is("BOUNDCRS") || n.is(wktCompound...) {
		inner := n.child(append(wktProjected, wktGeographic...)...)
		if n.is("BOUNDCRS") {
			source := n.child("SOURCECRS")
			if source == nil || len(source.children) != 1 {
				return CRS{}, crsUnreadable(n, "SOURCECRS")
			}
			inner = source.children[0]
		} else if bound := n.child("BOUNDCRS"); inner == nil && bound != nil {
			inner = bound
		}
		if inner == nil {
			return CRS{}, crsUnreadable(n, "PROJCS, GEOGCS")
		}
		n = inner
	}
	var c CRS
	switch {
	case n.is(wktProjected...):
		c, err = projectedOf(n)
	case n.is(wktGeographic...):
		err = checkGeographic(n) // all that pass are EPSG:4490
	default:
		return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: describe(n)}
	}
	if err != nil {
		return CRS{}, err
	}
	return c.agreeing(n)
}

// is tells whether the keyword is one of those given.
func (n *wktNode) is(keywords ...string) bool {
	for _, k := range keywords {
		if n.keyword == k {
			return true
		}
	}
	return false
}

// maxFound bounds what a [CRSError] repeats of a name.
const maxFound = 80

// describe returns keyword and name of a node.
func describe(n *wktNode) string {
	name := n.name()
	if len(name) > maxFound {
		name = strings.ToValidUTF8(name[:maxFound], "") + "…"
	}
	return fmt.Sprintf("%.20s[%q]", n.keyword, name)
}

func crsUnreadable(n *wktNode, missing string) error {
	return &CRSError{Kind: ErrCRSUnreadable, Found: describe(n) + ": " + missing + "?"}
}

// datumClass is what a geographic system stands on.
type datumClass uint8

const (
	datumCGCS2000 datumClass = iota
	datumWGS84
)

// checkGeographic refuses a geographic system that cannot be taken as EPSG:4490.
func checkGeographic(n *wktNode) error {
	if _, err := datumOf(n); err != nil {
		return err
	}
	if cs := n.child("CS"); cs != nil && !strings.EqualFold(cs.name(), "ellipsoidal") {
		return &CRSError{Kind: ErrCRSUnsupported, Found: describe(n) + " CS = " + strconv.Quote(cs.name())}
	}
	return nil
}

// datumOf returns what the geographic system n stands on; an error when it is
// neither CGCS2000 nor WGS 84, or not in degrees from Greenwich.
func datumOf(n *wktNode) (datumClass, error) {
	datum := n.child(wktDatum...)
	ellipsoid := datum.child(wktEllipsoid...)
	axis, okAxis := ellipsoid.number(1)
	inverse, okInverse := ellipsoid.number(2)
	if !okAxis || !okInverse {
		return 0, crsUnreadable(n, "DATUM, SPHEROID")
	}
	found := fmt.Sprintf("%s %s %s %v", describe(n), describe(datum), strconv.FormatFloat(axis, 'f', -1, 64), inverse)
	names := normalised(n.name()) + " " + normalised(datum.name()) + " " + normalised(ellipsoid.name())
	class, err := classify(names, axis, inverse)
	if err != nil {
		return 0, &CRSError{Kind: err, Found: found}
	}
	if shifted(datum) {
		return 0, &CRSError{Kind: ErrCRSDatum, Found: found + " TOWGS84"}
	}
	if prime, ok := n.child(wktPrime...).number(1); ok && math.Abs(prime) > wktTolerance {
		return 0, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf("%s PRIMEM = %v", describe(n), prime)}
	}
	if unit, ok := angleUnit(n); ok && math.Abs(unit-degree) > wktTolerance*degree {
		return 0, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf("%s UNIT = %v", describe(n), unit)}
	}
	return class, nil
}

// angleUnit returns the unit of a geographic system in radians, from the system
// or from its coordinate system's axes.
func angleUnit(n *wktNode) (float64, bool) {
	for _, holder := range append([]*wktNode{n}, n.all("AXIS")...) {
		if unit, ok := holder.child("UNIT", "ANGLEUNIT").number(1); ok {
			return unit, true
		}
	}
	return 0, false
}

// shifted tells whether the datum is bound to WGS 84 by a shift that is not
// zero.
func shifted(datum *wktNode) bool {
	shift := datum.child("TOWGS84")
	if shift == nil {
		return false
	}
	for i := range shift.values {
		if f, ok := shift.number(i); !ok || f != 0 {
			return true
		}
	}
	return false
}

// classify decides what datum a system has by its normalised names and its
// ellipsoid, or returns the kind of refusal.
func classify(names string, axis, inverse float64) (datumClass, error) {
	is := func(a, f float64) bool {
		return math.Abs(axis-a) <= wktTolerance*a && math.Abs(inverse-f) <= wktTolerance*f
	}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(names, p) {
				return true
			}
		}
		return false
	}
	cgcs := has("cgcs2000", "china2000", "chinageodetic", "chinesegeodetic", "国家大地坐标系")
	wgs := has("wgs84", "wgs1984", "worldgeodeticsystem1984")
	switch {
	case controlledName(names):
		return 0, ErrCRSControlled
	case is(6378140, 298.257), is(6378245, 298.3) && !has("pulkovo", "s42", "afgooye", "hungarian", "dealul"):
		// Xi'an 1980 alone has the first ellipsoid; the second, Krassovsky's, means
		// Beijing 1954 unless another country's datum is named.
		if cgcs || wgs {
			return 0, ErrCRSContradiction
		}
		return 0, ErrCRSControlled
	case is(semiMajor, 1/flattening) && cgcs:
		return datumCGCS2000, nil
	case is(semiMajor, 298.257223563) && wgs && !cgcs:
		return datumWGS84, nil
	case cgcs, wgs:
		return 0, ErrCRSContradiction
	default:
		return 0, ErrCRSDatum
	}
}

// projection is what a projected system's parameters say.
type projection struct {
	meridian, latitude, easting, northing, scale float64
	hasMeridian, hasEasting                      bool
}

// projectedOf reads a projected system.
func projectedOf(n *wktNode) (CRS, error) {
	base := n.child(wktGeographic...)
	if base == nil {
		return CRS{}, crsUnreadable(n, "GEOGCS")
	}
	class, err := datumOf(base)
	if err != nil {
		return CRS{}, err
	}
	holder := n
	if conversion := n.child("CONVERSION"); conversion != nil {
		holder = conversion
	}
	method := holder.child("PROJECTION", "METHOD")
	if method == nil {
		return CRS{}, crsUnreadable(n, "PROJECTION")
	}
	if err := metresEastNorth(n); err != nil {
		return CRS{}, err
	}
	switch normalised(method.name()) {
	case "gausskruger", "gausskrueger", "transversemercator", "transversemercatorcomplex":
		p, err := gaussParameters(n, holder)
		if err != nil {
			return CRS{}, err
		}
		if class != datumCGCS2000 {
			return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: describe(n) + " " + describe(base)}
		}
		return gaussBy(n, p)
	case "popularvisualisationpseudomercator", "mercatorauxiliarysphere":
		return mercatorBy(n, holder)
	case "mercator1sp":
		// WKT 1 has no name for Web Mercator; GDAL writes it as an ordinary Mercator
		// whose true form stands in an extension.
		if strings.Contains(n.child("EXTENSION").lastValue(), "+a=6378137 +b=6378137") {
			return mercatorBy(n, holder)
		}
	}
	return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: describe(n) + " " + describe(method)}
}

func (n *wktNode) lastValue() string {
	if n == nil || len(n.values) == 0 {
		return ""
	}
	return n.values[len(n.values)-1]
}

// metresEastNorth refuses a projected system whose unit is not the metre or
// whose axes point neither east nor north.
func metresEastNorth(n *wktNode) error {
	for _, axis := range n.all("AXIS") {
		switch strings.ToUpper(axis.lastValue()) {
		case "EAST", "NORTH", "UP", "OTHER":
		default:
			return &CRSError{Kind: ErrCRSUnsupported, Found: describe(n) + " AXIS = " + strconv.Quote(axis.lastValue())}
		}
	}
	for _, holder := range append([]*wktNode{n}, n.all("AXIS")...) {
		if unit, ok := holder.child("UNIT", "LENGTHUNIT").number(1); ok && math.Abs(unit-1) > wktTolerance {
			return &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf("%s UNIT = %v", describe(n), unit)}
		}
	}
	return nil
}

// gaussParameters reads the parameters of a transverse Mercator projection.
func gaussParameters(n, holder *wktNode) (projection, error) {
	p := projection{scale: 1}
	for _, parameter := range holder.all("PARAMETER") {
		value, ok := parameter.number(1)
		if !ok {
			return p, crsUnreadable(n, describe(parameter))
		}
		if unit, ok := parameter.child("ANGLEUNIT").number(1); ok {
			value *= unit / degree
		}
		if unit, ok := parameter.child("LENGTHUNIT").number(1); ok {
			value *= unit
		}
		switch normalised(parameter.name()) {
		case "centralmeridian", "longitudeofnaturalorigin", "longitudeoforigin":
			p.meridian, p.hasMeridian = value, true
		case "latitudeoforigin", "latitudeofnaturalorigin":
			p.latitude = value
		case "falseeasting":
			p.easting, p.hasEasting = value, true
		case "falsenorthing":
			p.northing = value
		case "scalefactor", "scalefactoratnaturalorigin":
			p.scale = value
		default:
			return p, &CRSError{Kind: ErrCRSUnsupported, Found: describe(n) + " " + describe(parameter)}
		}
	}
	if !p.hasMeridian || !p.hasEasting {
		return p, crsUnreadable(n, "Central_Meridian, False_Easting")
	}
	return p, nil
}

// near tells whether two parameters in metres or degrees are the same.
func near(a, b float64) bool { return math.Abs(a-b) <= wktTolerance*max(1, math.Abs(b)) }

// gaussBy returns the zone with the parameters p of the system n.
func gaussBy(n *wktNode, p projection) (CRS, error) {
	name := normalised(n.name())
	six := !strings.Contains(name, "3degree") &&
		(strings.Contains(name, "gkcm") || strings.Contains(name, "gausskrugercm"))
	var found []CRS
	for code := codeGauss6; code < codeAfterGauss; code++ {
		c := gaussOf(code)
		if near(p.meridian, c.meridian) && near(p.easting, c.easting) &&
			near(p.latitude, 0) && near(p.northing, 0) && near(p.scale, 1) {
			found = append(found, c)
		}
	}
	// A central meridian of a 6 degree zone is also one of a 3 degree zone; the
	// systems by meridian are then the same but for their names.
	switch {
	case len(found) == 0:
		return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf(
			"%s Central_Meridian = %v, False_Easting = %v, False_Northing = %v, Scale_Factor = %v, Latitude_Of_Origin = %v",
			describe(n), p.meridian, p.easting, p.northing, p.scale, p.latitude)}
	case six:
		return found[0], nil
	default:
		return found[len(found)-1], nil
	}
}

// mercatorBy returns Web Mercator when every parameter has its neutral value.
func mercatorBy(n, holder *wktNode) (CRS, error) {
	for _, parameter := range holder.all("PARAMETER") {
		value, ok := parameter.number(1)
		if !ok {
			return CRS{}, crsUnreadable(n, describe(parameter))
		}
		neutral := 0.0
		if strings.HasPrefix(normalised(parameter.name()), "scalefactor") {
			neutral = 1
		}
		if !near(value, neutral) {
			return CRS{}, &CRSError{Kind: ErrCRSUnsupported, Found: fmt.Sprintf(
				"%s %s = %v", describe(n), describe(parameter), value)}
		}
	}
	return EPSG(codeMercator)
}

// agreeing returns c, or the system that the code on n names when it is the
// same in all but name; a contradiction when it is another. Codes of other
// authorities and codes that mean nothing here are ignored.
func (c CRS) agreeing(n *wktNode) (CRS, error) {
	id := n.child("AUTHORITY", "ID")
	if !strings.EqualFold(id.name(), "EPSG") || len(id.values) < 2 {
		return c, nil
	}
	code, err := strconv.Atoi(id.values[1])
	if err != nil {
		return c, nil //nolint:nilerr // a code that is no number names nothing, and the parameters have decided.
	}
	named, err := EPSG(code)
	contradiction := &CRSError{Kind: ErrCRSContradiction, Found: fmt.Sprintf("%s EPSG:%d, %v", describe(n), code, c)}
	switch {
	case err == nil && named.kind != c.kind && (named.kind < kindGauss6 || c.kind < kindGauss6),
		err == nil && (named.meridian != c.meridian || named.easting != c.easting),
		err != nil && controlledCode(code):
		return CRS{}, contradiction
	case err == nil:
		return named, nil
	default:
		return c, nil
	}
}

// WKT returns the system as ESRI's well-known text, the content of a .prj file.
// [ParseWKT] gives the same system for it.
func (c CRS) WKT() string {
	const china = `GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",` +
		`SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
	const world = `GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",` +
		`SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
	switch c.kind {
	case kindGeographic:
		return china
	case kindMercator:
		return `PROJCS["` + c.Name() + `",` + world + `,PROJECTION["Mercator_Auxiliary_Sphere"],` +
			`PARAMETER["False_Easting",0.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",0.0],` +
			`PARAMETER["Standard_Parallel_1",0.0],PARAMETER["Auxiliary_Sphere_Type",0.0],UNIT["Meter",1.0]]`
	default:
		return fmt.Sprintf(`PROJCS["%s",%s,PROJECTION["Gauss_Kruger"],`+
			`PARAMETER["False_Easting",%.1f],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",%.1f],`+
			`PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`,
			c.Name(), china, c.easting, c.meridian)
	}
}
