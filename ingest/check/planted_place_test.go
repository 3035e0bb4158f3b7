package check_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/source"
)

// squares is a country of squares of 40 m: townships of 2 × 2 of them, villages of 2 × 1,
// patches of 1. The three layers draw their borders with their own corners alone.
type squares struct {
	*landscape
	side                int // townships in a row
	townships, villages []*patch
	towns, hamlets      []source.Field
}

const squareM = 40

func newSquares(t *testing.T, side int) *squares {
	l := newLandscape(t)
	s := &squares{landscape: l, side: side}
	template := l.patches[0].values
	l.patches = nil
	s.towns = []source.Field{{Name: "BSM", Width: 18}, {Name: "YSDM", Width: 10}, {Name: "XZQDM", Width: 12}, {Name: "XZQMC", Width: 100}, {Name: "DCMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "JSMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "MSSM", Width: 2}}
	s.hamlets = []source.Field{{Name: "BSM", Width: 18}, {Name: "YSDM", Width: 10}, {Name: "ZLDWDM", Width: 19}, {Name: "ZLDWMC", Width: 60}, {Name: "DCMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "JSMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "MSSM", Width: 2}}
	for n := range side * side {
		x, y := float64(36_540_000+2*squareM*(n%side)), float64(3_790_000+2*squareM*(n/side))
		// Townships in six counties, since a county has at most 999.
		town := fmt.Sprintf("6199%02d%03d", 1+n/900, 1+n%900)
		area := geo.Hundredths(0)
		for v := range 2 {
			village := town + fmt.Sprintf("%03d", 200+v)
			sum := geo.Hundredths(0)
			for k := range 2 {
				values := append([]any{}, template...)
				p := &patch{rings: [][]geo.XY{box(x+float64(squareM*k), y+float64(squareM*v), squareM, squareM)}, values: values}
				id := len(l.patches)
				for f, v := range map[string]any{"BSM": fmt.Sprintf("61990120%010d", id), "TBBH": fmt.Sprint(1 + k), "ZLDWDM": village + "0000000"} {
					values[l.column(f)] = v
				}
				l.book(p)
				sum += geo.HundredthsOf(l.value(p, "TBMJ").(float64))
				l.patches = append(l.patches, p)
			}
			ring := [][]geo.XY{box(x, y+float64(squareM*v), 2*squareM, squareM)}
			s.villages = append(s.villages, &patch{rings: ring, values: []any{fmt.Sprintf("61990121%010d", len(s.villages)), "2001020200", village + "0000000", "村", sum.M2(), s.survey(ring), "00"}})
			area += sum
		}
		ring := [][]geo.XY{box(x, y, 2*squareM, 2*squareM)}
		s.townships = append(s.townships, &patch{rings: ring, values: []any{fmt.Sprintf("61990122%010d", n), "2001020100", town, "乡", area.M2(), s.survey(ring), "00"}})
	}
	return s
}

func (s *squares) survey(rings [][]geo.XY) float64 {
	a, err := geo.AreaSurvey(s.crs, [][][]geo.XY{rings})
	if err != nil {
		s.t.Fatal(err)
	}
	return a.M2()
}

// write writes the three layers.
func (s *squares) write() []ingest.Input {
	out := s.landscape.write()
	dir := s.t.TempDir()
	for _, layer := range []struct {
		name, file string
		fields     []source.Field
		list       []*patch
	}{{"region", "XZQ.shp", s.towns, s.townships}, {"cjdcq", "CJDCQ.shp", s.hamlets, s.villages}} {
		path := filepath.Join(dir, layer.file)
		w, err := source.Create(path, &source.Layer{Fields: layer.fields, CRS: source.CRSInfo{EPSG: s.epsg}}, source.WriteOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		for i, p := range layer.list {
			if err := w.Write(&source.Feature{Record: int64(i + 1), Polygons: [][][]geo.XY{p.rings}, Values: p.values}); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, ingest.Input{Layer: layer.name, Vintage: "2024", Path: path})
	}
	return out
}

// spike gives a rectangle of the country a triangle of that area beyond its western side,
// or a dent for a negative one.
func spike(p *patch, area float64) {
	r := p.rings[0] // from the south-western corner north
	d := 2 * math.Abs(area) / 10
	if area > 0 {
		d = -d
	}
	at := func(x, y float64) geo.XY { return onGrid(geo.XY{X: r[0].X + x, Y: r[0].Y + y}) }
	p.rings = [][]geo.XY{append([]geo.XY{r[0], at(0, 15), at(d, 20), at(0, 25)}, r[1:]...)}
}

// Patches, villages and townships that do not fit each other are found: as ground and as
// sums.
func TestPlantedPlaces(t *testing.T) {
	const side = 46 // 2,116 townships
	only(t, judge(t, newSquares(t, side).write(), check.Options{}))
	type sets map[string]map[string]float64
	for name, plant := range map[string]func(s *squares, n int, want func(rule, key string, area float64)){
		"sums": func(s *squares, n int, want func(rule, key string, area float64)) {
			v, town := s.villages[2*n], s.townships[n]
			d := math.Round(100*s.logUniform(0.1, 100)) / 100 * float64(1-2*(n&1))
			v.values[4] = v.values[4].(float64) + d
			want("G5102", v.values[0].(string), -d)
			want("G5104", town.values[0].(string), d)
			e := d + 1000
			town.values[4] = town.values[4].(float64) + e
			want("G5103", town.values[0].(string), -e)
			want("G5104", town.values[0].(string), d-e)
			town.values[5] = town.values[5].(float64) + 0.06 + math.Abs(d)
			want("G5105", town.values[0].(string), 0.06+math.Abs(d))
		},
		"villages beyond their township": func(s *squares, n int, want func(rule, key string, area float64)) {
			if n%side == 0 {
				return
			}
			v := s.villages[2*n]
			a := s.logUniform(0.0105, 50)
			spike(v, a)
			v.values[5] = s.survey(v.rings)
			want("G4108", v.values[0].(string), a)
			want("overlap", pairKey(v.values[0].(string), s.villages[2*n-2].values[0].(string)), a)
		},
		"villages that leave ground": func(s *squares, n int, want func(rule, key string, area float64)) {
			if n%side == 0 {
				return
			}
			v := s.villages[2*n]
			a := s.logUniform(0.0105, 50)
			spike(v, -a)
			v.values[5] = s.survey(v.rings)
			want("G4109", s.townships[n].values[0].(string), a)
			want("G4106", s.landscape.key(4*n), a)
			want("gap", pairKey(v.values[0].(string), s.villages[2*n-2].values[0].(string)), a)
		},
		"patches that leave ground": func(s *squares, n int, want func(rule, key string, area float64)) {
			if n%side == 0 {
				return
			}
			p := s.patches[4*n]
			a := s.logUniform(0.0105, 50)
			spike(p, -a)
			s.book(p)
			want("G4105", s.townships[n].values[0].(string), a)
			want("G4107", s.villages[2*n].values[0].(string), a)
			want("gap", pairKey(s.landscape.key(4*n), s.landscape.key(4*n-3)), a)
		},
		"townships that leave ground": func(s *squares, n int, want func(rule, key string, area float64)) {
			if n%side == 0 {
				return
			}
			v := s.townships[n]
			a := s.logUniform(0.0105, 50)
			spike(v, -a)
			v.values[5] = s.survey(v.rings)
			want("G4104", s.landscape.key(4*n), a)
			want("G4108", s.villages[2*n].values[0].(string), a)
			want("gap", pairKey(v.values[0].(string), s.townships[n-1].values[0].(string)), a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSquares(t, side)
			want := sets{}
			for n := range s.townships {
				plant(s, n, func(rule, key string, area float64) {
					if want[rule] == nil {
						want[rule] = map[string]float64{}
					}
					want[rule][key] = area
				})
			}
			got := judge(t, s.write(), check.Options{})
			got["overlap"], got["gap"] = append(got["G4101"], got["G4102"]...), got["G4103"]
			for _, r := range []string{"G4101", "G4102", "G4103"} {
				delete(got, r)
			}
			for rule, set := range want {
				key := bsmOf
				if rule == "overlap" || rule == "gap" {
					key = pairOf
				}
				compare(t, rule, set, got[rule], key)
				enough(t, set)
			}
			for rule := range got {
				if want[rule] == nil && len(got[rule]) > 0 && name != "sums" && rule[:2] != "G5" {
					t.Errorf("rule %s: %d faults, none was planted: %v", rule, len(got[rule]), got[rule][0].Problem)
				}
			}
		})
	}
}
