package ingest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// English finds words of English: names of systems and codes have no blanks.
var english = regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)

// spoken holds a problem to be told in each language by its own words, with advice.
func spoken(t *testing.T, what string, err error) {
	t.Helper()
	p := problem.Of(err)
	if p == nil {
		t.Errorf("%s: %v is no problem", what, err)
		return
	}
	if zh := strings.ReplaceAll(p.Found(problem.Chinese)+p.Advice(problem.Chinese), "--swap-xy all", ""); english.MatchString(zh) {
		t.Errorf("%s: English in %q", what, zh)
	}
	if p.Advice(problem.Chinese) == "" || p.Advice(problem.English) == "" {
		t.Errorf("%s: %v has no advice", what, p)
	}
}

// What is wrong with coordinates and their systems is said in Chinese to those who
// read Chinese.
func TestChineseWords(t *testing.T) {
	degrees, err := geo.EPSG(4490)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := geo.EPSG(4524)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		crs geo.CRS
		at  geo.XY
	}{
		"metres taken for degrees": {degrees, geo.XY{X: 36512345, Y: 3850000}},
		"a zone's own metres":      {degrees, geo.XY{X: 512345, Y: 3850000}},
		"degrees taken for metres": {zone, geo.XY{X: 108.5, Y: 34.5}},
		"exchanged":                {degrees, geo.XY{X: 34.5, Y: 108.5}},
		"another zone":             {zone, geo.XY{X: 37512345, Y: 3850000}},
		"out of range":             {degrees, geo.XY{X: 200, Y: 300}},
		"no number":                {degrees, geo.XY{X: math.NaN(), Y: 3}},
	} {
		_, err := c.crs.MultiPolygon([][][]geo.XY{{{c.at, c.at, c.at, c.at}}}, geo.Limits{})
		spoken(t, what, geometryProblem(err))
	}
	for _, kind := range []error{geo.ErrGeometrySyntax, geo.ErrGeometryType, geo.ErrGeometryRing, geo.ErrGeometryCoordinate} {
		spoken(t, fmt.Sprint(kind), geometryProblem(&geo.GeometryError{Kind: kind, Place: geo.Place{Polygon: 1, Ring: 2}, Found: "x"}))
	}
	for what, info := range map[string]source.CRSInfo{
		"nothing": {}, "a code": {EPSG: 28992}, "Beijing 1954": {EPSG: 4214}, "WGS 72": {EPSG: 4322},
		"a name": {Name: "Rauenberg"}, "no WKT": {WKT: "PROJCS["},
	} {
		_, err := SourceCRS("x.shp", info)
		spoken(t, what, err)
	}
	spoken(t, "unmendable", unmendable(errors.New("overlay: a result has the wrong area")))
	spoken(t, "unmendable, and why", unmendable(problem.New("X", "太密", "too dense")))
}
