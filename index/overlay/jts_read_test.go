package overlay

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"io/fs"
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
	Precision struct {
		Scale string `xml:"scale,attr"`
	} `xml:"precisionModel"`
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
		Arg3   string `xml:"arg3,attr"`
		Result string `xml:",chardata"`
	} `xml:"op"`
}

// readJTS returns the runs by file, named from jtsRoot.
func readJTS(t *testing.T) map[string]jtsRun {
	t.Helper()
	out := map[string]jtsRun{}
	err := filepath.WalkDir(jtsRoot, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".xml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var run jtsRun
		if err := xml.Unmarshal(data, &run); err != nil {
			return err
		}
		name, err := filepath.Rel(jtsRoot, path)
		out[filepath.ToSlash(name)] = run
		return err
	})
	if err != nil || len(out) < 60 {
		t.Fatalf("%s: %d files, %v", jtsRoot, len(out), err)
	}
	return out
}

// planar is the areal part of a geometry as the cases give it.
type planar [][][][2]float64

// jtsGeometry is a geometry in which points and lines are only known to be there.
type jtsGeometry struct {
	areal planar
	other bool
}

// parseJTS reads WKT or WKB in hexadecimal.
func parseJTS(s string) (g jtsGeometry, ok bool) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "0") {
		data, err := hex.DecodeString(s)
		if err != nil {
			return g, false
		}
		p := wkbReader{data: data, ok: true}
		p.geometry(&g)
		return g, p.ok && len(p.data) == 0
	}
	p := wktReader{rest: s, ok: s != ""}
	p.geometry(&g)
	return g, p.ok && strings.TrimSpace(p.rest) == ""
}

// wktReader takes what it reads off rest.
type wktReader struct {
	rest string
	ok   bool
}

// word returns the next name, number or mark.
func (p *wktReader) word() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest == "" {
		p.ok = false
		return ""
	}
	n := strings.IndexAny(p.rest, " \t\r\n(),")
	if n < 0 {
		n = len(p.rest)
	}
	w := p.rest[:max(n, 1)]
	p.rest = p.rest[len(w):]
	return w
}

func (p *wktReader) geometry(g *jtsGeometry) {
	kind := strings.ToUpper(p.word())
	open := strings.ToUpper(p.word())
	if open == "Z" || open == "M" || open == "ZM" {
		open = strings.ToUpper(p.word())
	}
	if open == "EMPTY" {
		return
	}
	if open != "(" {
		p.ok = false
		return
	}
	switch kind {
	case "POLYGON":
		g.areal = append(g.areal, p.rings())
	case "MULTIPOLYGON":
		p.list(func() {
			if p.word() == "(" {
				g.areal = append(g.areal, p.rings())
			}
		})
	case "GEOMETRYCOLLECTION":
		p.list(func() { p.geometry(g) })
	default:
		g.other = true
		for depth := 1; depth > 0 && p.ok; {
			switch p.word() {
			case "(":
				depth++
			case ")":
				depth--
			}
		}
	}
}

// list reads items with commas between them up to the closing mark.
func (p *wktReader) list(item func()) {
	for p.ok {
		item()
		switch p.word() {
		case ",":
		case ")":
			return
		default:
			p.ok = false
		}
	}
}

func (p *wktReader) rings() (rs [][][2]float64) {
	p.list(func() {
		var r [][2]float64
		switch p.word() {
		case "EMPTY":
			return
		case "(":
		default:
			p.ok = false
		}
		p.list(func() { r = append(r, [2]float64{p.number(), p.number()}); p.skipNumbers() })
		rs = append(rs, r)
	})
	return rs
}

func (p *wktReader) number() float64 {
	v, err := strconv.ParseFloat(p.word(), 64)
	p.ok = p.ok && err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	return v
}

// skipNumbers passes over heights.
func (p *wktReader) skipNumbers() {
	for p.ok {
		p.rest = strings.TrimLeft(p.rest, " \t\r\n")
		if p.rest == "" || strings.ContainsRune(",)", rune(p.rest[0])) {
			return
		}
		p.word()
	}
}

// wkbReader takes what it reads off data.
type wkbReader struct {
	data []byte
	ok   bool
}

func (p *wkbReader) take(n int) []byte {
	if n < 0 || n > len(p.data) {
		p.ok = false
		return make([]byte, 8)
	}
	b := p.data[:n]
	p.data = p.data[n:]
	return b
}

func (p *wkbReader) geometry(g *jtsGeometry) {
	var order binary.ByteOrder = binary.BigEndian
	if p.take(1)[0] == 1 {
		order = binary.LittleEndian
	}
	count := func() int { return int(order.Uint32(p.take(4))) }
	kind := uint32(count())
	if kind&0x20000000 != 0 { // with an SRID
		p.take(4)
	}
	size := 2
	if kind&0x80000000 != 0 || kind&0xffff >= 1000 {
		size = 3
	}
	points := func() (r [][2]float64) {
		for n := count(); n > 0 && p.ok; n-- {
			x, y := p.take(8), p.take(8)
			r = append(r, [2]float64{math.Float64frombits(order.Uint64(x)), math.Float64frombits(order.Uint64(y))})
			p.take(8 * (size - 2))
		}
		return r
	}
	switch kind & 0xffff % 1000 {
	case 1:
		g.other = true
		p.take(8 * size)
	case 2:
		g.other = points() != nil || g.other
	case 3:
		var rs [][][2]float64
		for n := count(); n > 0 && p.ok; n-- {
			rs = append(rs, points())
		}
		if len(rs) > 0 {
			g.areal = append(g.areal, rs)
		}
	case 4, 5, 6, 7:
		for n := count(); n > 0 && p.ok; n-- {
			p.geometry(g)
		}
	default:
		p.ok = false
	}
}

// placing maps the plane of a case into the equal-area plane at home, where
// lines that are straight in the case are straight, by a factor that makes the
// case size metres wide.
type placing struct {
	x, y, scale float64
	onGrid      bool // scale is in units, of longitude and of latitude alike
}

// gridPlacing maps the plane of a case to a square of 1e7 units, by a whole factor
// where that is possible: what touches goes on touching.
func gridPlacing(m planar) placing {
	p := placingOf(1e7, m)
	p.onGrid, p.x, p.y = true, math.Floor(p.x), math.Floor(p.y)
	if p.scale >= 1 {
		p.scale = math.Floor(p.scale)
	}
	return p
}

func placingOf(size float64, ms ...planar) placing {
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
	if lo[0] > hi[0] {
		return placing{scale: 1}
	}
	return placing{x: (lo[0] + hi[0]) / 2, y: (lo[1] + hi[1]) / 2, scale: size / max(hi[0]-lo[0], hi[1]-lo[1], 1e-300)}
}

func (p placing) place(m planar) geo.MultiPolygon {
	home := geo.NewEqualAreaPlane(geo.Position{Lon: homeLon, Lat: homeLat})
	var out geo.MultiPolygon
	for _, poly := range m {
		var q geo.Polygon
		for _, r := range poly {
			var s geo.Ring
			for _, v := range r {
				x, y := (v[0]-p.x)*p.scale, (v[1]-p.y)*p.scale
				if p.onGrid {
					s = append(s, geo.Position{Lon: homeLon + int64(math.Round(x)), Lat: homeLat + int64(math.Round(y))})
					continue
				}
				s = append(s, home.From(geo.XY{X: x, Y: y}))
			}
			q = append(q, s)
		}
		out = append(out, q)
	}
	return out
}
