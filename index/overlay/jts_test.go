package overlay

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/geo"
)

// jtsRoot holds the XML test cases of the JTS project (EDL licence).
const jtsRoot = "../../../shared/data/jts_xml"

type jtsRun struct {
	Cases []jtsCase `xml:"case"`
}

type jtsCase struct {
	Desc  string    `xml:"desc"`
	A     string    `xml:"a"`
	B     string    `xml:"b"`
	Tests []jtsTest `xml:"test"`
}

type jtsTest struct {
	Op struct {
		Name   string `xml:"name,attr"`
		Arg1   string `xml:"arg1,attr"`
		Arg2   string `xml:"arg2,attr"`
		Result string `xml:",chardata"`
	} `xml:"op"`
}

// planar is a polygon as the cases give it.
type planar [][][][2]float64

// parsePlanar reads a POLYGON or MULTIPOLYGON; ok is false for anything else.
func parsePlanar(wkt string) (m planar, ok bool) {
	s := strings.Join(strings.Fields(wkt), " ")
	name, body, _ := strings.Cut(s, "(")
	name = strings.TrimSpace(name)
	switch {
	case name == "POLYGON EMPTY" || name == "MULTIPOLYGON EMPTY":
		return nil, true
	case name == "POLYGON":
		body = "((" + body + ")"
	case name == "MULTIPOLYGON":
		body = "(" + body
	default:
		return nil, false
	}
	depth := 0
	for len(body) > 0 {
		switch body[0] {
		case '(':
			depth++
			if depth == 2 {
				m = append(m, nil)
			}
			if depth == 3 {
				m[len(m)-1] = append(m[len(m)-1], nil)
			}
			body = body[1:]
		case ')':
			depth--
			body = body[1:]
		case ' ', ',':
			body = body[1:]
		default:
			end := strings.IndexAny(body, ",)")
			f := strings.Fields(body[:end])
			if len(f) < 2 {
				return nil, false
			}
			x, errX := strconv.ParseFloat(f[0], 64)
			y, errY := strconv.ParseFloat(f[1], 64)
			if errX != nil || errY != nil || depth != 3 || math.IsNaN(x+y) || math.IsInf(x+y, 0) {
				return nil, false
			}
			p := &m[len(m)-1]
			r := len(*p) - 1
			(*p)[r] = append((*p)[r], [2]float64{x, y})
			body = body[end:]
		}
	}
	return m, true
}

// placing maps the plane of a case to a square of some 100 m at home, by a
// whole factor where that is possible.
type placing struct{ x, y, scale float64 }

func placingOf(ms ...planar) placing {
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, m := range ms {
		for _, p := range m {
			for _, r := range p {
				for _, v := range r {
					for k := range 2 {
						lo[k], hi[k] = min(lo[k], v[k]), max(hi[k], v[k])
					}
				}
			}
		}
	}
	size := max(hi[0]-lo[0], hi[1]-lo[1], 1e-300)
	scale := 1e7 / size
	if scale >= 1 {
		scale = math.Floor(scale)
	}
	return placing{math.Floor(lo[0]), math.Floor(lo[1]), scale}
}

func (p placing) place(m planar) geo.MultiPolygon {
	var out geo.MultiPolygon
	for _, poly := range m {
		var q geo.Polygon
		for _, r := range poly {
			var s geo.Ring
			for _, v := range r {
				s = append(s, geo.Position{
					Lon: homeLon + int64(math.Round((v[0]-p.x)*p.scale)),
					Lat: homeLat + int64(math.Round((v[1]-p.y)*p.scale)),
				})
			}
			q = append(q, s)
		}
		out = append(out, q)
	}
	return out
}

func readJTS(t *testing.T, pattern string) map[string][]jtsCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(jtsRoot, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no test cases (%v)", filepath.Join(jtsRoot, pattern), err)
	}
	out := map[string][]jtsCase{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var run jtsRun
		if err := xml.Unmarshal(data, &run); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[filepath.Base(name)] = run.Cases
	}
	return out
}

// The areas of JTS's overlay results, by Measure, by the pair integral and by the geometry.
func TestOverlayAgainstJTS(t *testing.T) {
	count := 0
	for _, pattern := range []string{"general/TestOverlayAA.xml", "general/TestNGOverlayA.xml", "robust/overlay/*.xml", "misc/TestOverlay.xml"} {
		for file, cases := range readJTS(t, pattern) {
			for i, c := range cases {
				a, okA := parsePlanar(c.A)
				b, okB := parsePlanar(c.B)
				if !okA || !okB {
					continue
				}
				for _, test := range c.Tests {
					name := strings.ToLower(test.Op.Name)
					want, ok := parsePlanar(test.Op.Result)
					if !ok || !strings.EqualFold(test.Op.Arg1, "A") || !strings.EqualFold(test.Op.Arg2, "B") {
						continue
					}
					name = strings.TrimSuffix(strings.TrimSuffix(name, "ng"), "sr")
					if compareWithJTS(t, fmt.Sprintf("%s case %d: %s", file, i+1, name), name, a, b, want) {
						count++
					}
				}
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d results compared", count)
	}
	t.Logf("%d results compared", count)
}

func compareWithJTS(t *testing.T, label, name string, a, b, want planar) bool {
	t.Helper()
	ops := map[string]func(a, b geo.MultiPolygon) (geo.MultiPolygon, error){
		"intersection": Intersection, "union": Union, "difference": Difference,
	}
	op := ops[name]
	if op == nil {
		return false
	}
	at := placingOf(a, b)
	ma, mb := at.place(a), at.place(b)
	p := newPlane(ma.Box().Union(mb.Box()))
	wanted, _ := mustMend(t, at.place(want))
	out, err := op(ma, mb)
	if err != nil {
		t.Errorf("%s: %v", label, err)
		return true
	}
	ma, _ = mustMend(t, ma)
	mb, _ = mustMend(t, mb)
	// Edges are straight in q here and in latitude there: 0.2 mm over 100 m.
	tolerance := 3e-4 * (p.length(ma) + p.length(mb) + 1)
	if got, w := p.area(out), p.area(wanted); math.Abs(got-w) > tolerance {
		t.Errorf("%s: %.6f m², want %.6f", label, got, w)
	}
	if name == "intersection" {
		w := p.area(wanted)
		if got := mustMeasure(t, ma, []Item{{Geometry: mb}}).Items[0]; math.Abs(got-w) > tolerance {
			t.Errorf("%s: measured %.6f m², want %.6f", label, got, w)
		}
		if got := SharedArea(ma, mb); math.Abs(got-w) > tolerance {
			t.Errorf("%s: shared %.6f m², want %.6f", label, got, w)
		}
	}
	return true
}

// What JTS calls valid has no findings, what it calls invalid has some.
func TestMendAgainstJTSValidity(t *testing.T) {
	count := 0
	for _, pattern := range []string{"general/TestValid*.xml", "misc/TestValid.xml", "misc/TestInvalidA.xml"} {
		for file, cases := range readJTS(t, pattern) {
			for i, c := range cases {
				m, ok := parsePlanar(c.A)
				if !ok || len(m) == 0 || placingOf(m).scale < 1e-6 {
					continue // a box with sides of 1e15 leaves nothing to look at
				}
				for _, test := range c.Tests {
					if !strings.EqualFold(test.Op.Name, "isValid") {
						continue
					}
					valid := strings.TrimSpace(test.Op.Result) == "true"
					_, found := checkMended(t, placingOf(m).place(m))
					broken := 0
					for _, f := range found {
						if f.Rule != RepeatedPosition { // which JTS allows
							broken++
						}
					}
					if (broken == 0) != valid {
						t.Errorf("%s case %d (%s): valid is %v, found %v", file, i+1, strings.TrimSpace(c.Desc), valid, found)
					}
					count++
				}
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d cases compared", count)
	}
	t.Logf("%d cases compared", count)
}
