package check_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

// boundary is a line of XZQJX.
type boundary struct {
	key    string
	points []geo.XY
}

// boundaries returns the lines of the townships of a country: each side of a square once,
// those between two with the numbers of both.
func (s *squares) boundaries() (lines []boundary, between map[[2]int]int) {
	between = map[[2]int]int{}
	add := func(a, b geo.XY, pair [2]int) {
		if pair[1] >= 0 {
			between[pair] = len(lines)
		}
		lines = append(lines, boundary{fmt.Sprintf("61990126%010d", len(lines)), []geo.XY{a, b}})
	}
	for n, p := range s.townships {
		r := p.rings[0] // south-west, north-west, north-east, south-east
		east, north := n+1, n+s.side
		if n%s.side == 0 {
			add(r[0], r[1], [2]int{n, -1})
		}
		if n < s.side {
			add(r[0], r[3], [2]int{n, -1})
		}
		if n%s.side == s.side-1 {
			east = -1
		}
		if north >= len(s.townships) {
			north = -1
		}
		add(r[3], r[2], [2]int{n, east})
		add(r[1], r[2], [2]int{n, north})
	}
	return lines, between
}

// writeLines writes lines as a shapefile, GeoJSON or VCT, by the ending of name: no writer
// of the program's has lines.
func (s *squares) writeLines(lines []boundary, name string) ingest.Input {
	path := filepath.Join(s.t.TempDir(), name)
	in := ingest.Input{Layer: "xzqjx", Vintage: "2024", Path: path}
	switch filepath.Ext(name) {
	case ".shp":
		s.writePolyLines(lines, path)
	case ".geojson":
		var b strings.Builder
		b.WriteString(`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4524"}},"features":[`)
		for i, l := range lines {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, `{"type":"Feature","properties":{"BSM":%q,"YSDM":"1000600400","JXLX":"660200","JXXZ":"600001"},"geometry":{"type":"LineString","coordinates":[`, l.key)
			for k, p := range l.points {
				if k > 0 {
					b.WriteString(",")
				}
				fmt.Fprintf(&b, "[%.4f,%.4f]", p.X, p.Y)
			}
			b.WriteString("]}}")
		}
		b.WriteString("]}")
		s.put(path, []byte(b.String()))
	case ".vct":
		in.Table = "XZQJX"
		var b, rows strings.Builder
		b.WriteString("HeadBegin\nDataMark:LANDUSE-VCT\nVersion:3.0\nCoordinateSystemType:P\nXAxisDirection:E\nYAxisDirection:N\nXYUnit:M\nSpheroid:CGCS2000,6378137.0,298.257222101\nParameters:108,1,36500000,0,3,36\nSeparator:,\nHeadEnd\n" +
			"FeatureCodeBegin\n1000600400,XZQJX,Line,XZQJX\nFeatureCodeEnd\nTableStructureBegin\nXZQJX,4\nBSM,Char,18\nYSDM,Char,10\nJXLX,Char,6\nJXXZ,Char,6\n0\nTableStructureEnd\nLineBegin\n")
		for i, l := range lines {
			fmt.Fprintf(&b, "%d\n1000600400\nUnknown\n1\n1\n11\n%d\n", i+1, len(l.points))
			for _, p := range l.points {
				fmt.Fprintf(&b, "%.4f,%.4f\n", p.X, p.Y)
			}
			b.WriteString("0\n")
			fmt.Fprintf(&rows, "%d,%s,1000600400,660200,600001\n", i+1, l.key)
		}
		s.put(path, []byte(b.String()+"LineEnd\nPolygonBegin\nPolygonEnd\nAttributeBegin\nXZQJX\n"+rows.String()+"TableEnd\nAttributeEnd\n"))
	}
	return in
}

func (s *squares) put(path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// writePolyLines writes a shapefile of lines: its table by the program, its shapes by hand
// after the ESRI Shapefile Technical Description (1998, "PolyLine").
func (s *squares) writePolyLines(lines []boundary, path string) {
	fields := []source.Field{{Name: "BSM", Width: 18}, {Name: "YSDM", Width: 10}, {Name: "JXLX", Width: 6}, {Name: "JXXZ", Width: 6}}
	w, err := source.Create(path, &source.Layer{Fields: fields, CRS: source.CRSInfo{EPSG: s.epsg}}, source.WriteOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	shp, shx := make([]byte, 100), make([]byte, 100)
	le, be := binary.LittleEndian, binary.BigEndian
	for i, l := range lines {
		if err := w.Write(&source.Feature{Record: int64(i + 1), Polygons: [][][]geo.XY{{box(36_500_000, 3_800_000, 1, 1)}}, Values: []any{l.key, "1000600400", "660200", "600001"}}); err != nil {
			s.t.Fatal(err)
		}
		c := make([]byte, 48, 48+16*len(l.points))
		le.PutUint32(c, 3)
		le.PutUint32(c[36:], 1)
		le.PutUint32(c[40:], uint32(len(l.points)))
		for _, p := range l.points {
			c = le.AppendUint64(c, math.Float64bits(p.X))
			c = le.AppendUint64(c, math.Float64bits(p.Y))
		}
		shx = be.AppendUint32(be.AppendUint32(shx, uint32(len(shp)/2)), uint32(len(c)/2))
		shp = be.AppendUint32(be.AppendUint32(shp, uint32(i+1)), uint32(len(c)/2))
		shp = append(shp, c...)
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	for ending, b := range map[string][]byte{".shp": shp, ".shx": shx} {
		be.PutUint32(b, 9994)
		be.PutUint32(b[24:], uint32(len(b)/2))
		le.PutUint32(b[28:], 1000)
		le.PutUint32(b[32:], 3)
		s.put(strings.TrimSuffix(path, ".shp")+ending, b)
	}
}

// Boundary lines that are what they should be have no faults, in whatever format; what is
// planted against each rule is found and nothing else.
func TestPlantedLines(t *testing.T) {
	const side = 46
	nan := math.NaN()
	for name, plant := range map[string]func(s *squares, lines []boundary, between map[[2]int]int, want func(rule, key string)) []boundary{
		"none": func(_ *squares, lines []boundary, _ map[[2]int]int, _ func(rule, key string)) []boundary {
			return lines
		},
		"missing, off the border": func(s *squares, lines []boundary, between map[[2]int]int, want func(rule, key string)) []boundary {
			gone := map[string]bool{}
			for n := range s.townships {
				if i, ok := between[[2]int{n, n + 1}]; ok { // the line has a corner beside the border
					l := &lines[i]
					p, q := l.points[0], l.points[1]
					l.points = []geo.XY{p, onGrid(geo.XY{X: p.X + s.logUniform(0.02, 5), Y: (p.Y + q.Y) / 2}), q}
					want("G4301", l.key)
					want("G4302", pairKey(s.townships[n].values[0].(string), s.townships[n+1].values[0].(string)))
				}
				if i, ok := between[[2]int{n, n + s.side}]; ok {
					gone[lines[i].key] = true
					want("G4302", pairKey(s.townships[n].values[0].(string), s.townships[n+s.side].values[0].(string)))
				}
			}
			var out []boundary
			for _, l := range lines {
				if !gone[l.key] {
					out = append(out, l)
				}
			}
			return out
		},
		"dangling": func(s *squares, lines []boundary, between map[[2]int]int, want func(rule, key string)) []boundary {
			for n := range s.townships {
				i, ok := between[[2]int{n, n + 1}]
				if !ok {
					continue
				}
				l := &lines[i]
				p, q := l.points[0], l.points[1]
				l.points = []geo.XY{p, onGrid(geo.XY{X: p.X, Y: q.Y - s.logUniform(0.05, 30)})} // it ends before the corner
				want("G4303", l.key)
				want("G4302", pairKey(s.townships[n].values[0].(string), s.townships[n+1].values[0].(string)))
			}
			return lines
		},
		"twice, scraps": func(s *squares, lines []boundary, between map[[2]int]int, want func(rule, key string)) []boundary {
			for n := range s.townships {
				i, ok := between[[2]int{n, n + 1}]
				if !ok {
					continue
				}
				p, q := lines[i].points[0], lines[i].points[1]
				key := fmt.Sprintf("61990127%010d", n)
				from := onGrid(geo.XY{X: p.X, Y: p.Y + 30*s.rng.Float64()})
				lines = append(lines, boundary{key, []geo.XY{from, q}})
				want("G4304", key)
				key = fmt.Sprintf("61990128%010d", n)
				lines = append(lines, boundary{key, []geo.XY{p, {X: p.X, Y: p.Y + 0.005}}})
				want("4701", key)
			}
			return lines
		},
	} {
		for _, file := range []string{"XZQJX.shp", "XZQJX.geojson", "XZQJX.vct"} {
			if file != "XZQJX.shp" && name != "none" && name != "dangling" {
				continue
			}
			t.Run(name+" "+file, func(t *testing.T) {
				s := newSquares(t, side)
				lines, between := s.boundaries()
				want := map[string]map[string]float64{}
				lines = plant(s, lines, between, func(rule, key string) {
					if want[rule] == nil {
						want[rule] = map[string]float64{}
					}
					want[rule][key] = nan
				})
				got := judge(t, append(s.write(), s.writeLines(lines, file)), check.Options{})
				var rules []string
				for rule, set := range want {
					name := bsmOf
					if rule == "G4302" {
						name = pairOf
					}
					compare(t, rule, set, got[rule], name)
					if len(set) < planted {
						t.Errorf("rule %s: %d planted", rule, len(set))
					}
					rules = append(rules, rule)
				}
				only(t, got, rules...)
			})
		}
	}
}
