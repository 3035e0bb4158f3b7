package check_test

import (
	"math"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
)

// Neighbours whose border is parted by less than what joins borders, 0.14 to 0.2 mm, over
// tens to hundreds of metres: all that share 0.01 m² are found with the area that their
// delivered corners have in the plane, but for what chords of 70 m differ from it, and none whose border is parted by
// the grid's rounding alone. A gap goes on
// along several neighbours, and is told of one of them.
func TestThinGround(t *testing.T) {
	l := newLandscape(t)
	l.strips(func(n int) float64 {
		return []float64{0, 0.00013, -0.00013, 0.00017, -0.00017, 0.00019, -0.00019, 0.0001, -0.0001, 0.00007, -0.00007}[n%11]
	})
	must, may, told, can := map[string]float64{}, map[string]float64{}, map[string]float64{}, map[string]float64{}
	var field *patch
	key := ""
	for n, p := range l.patches {
		r := p.rings[0]
		if p == l.patches[0] || r[0] == field.rings[0][3] || math.Hypot(r[0].X-field.rings[0][0].X, r[0].Y-field.rings[0][0].Y) > 3500 {
			field, key = p, l.key(n)
			continue
		}
		from, to := field.rings[0][0], field.rings[0][3]
		aside := func(v geo.XY) float64 { // into the field
			return ((to.X-from.X)*(v.Y-from.Y) - (to.Y-from.Y)*(v.X-from.X)) / math.Hypot(to.X-from.X, to.Y-from.Y)
		}
		a, b, long := aside(r[0]), aside(r[1]), math.Hypot(r[1].X-r[0].X, r[1].Y-r[0].Y)
		area := long * (a + b) / 2
		pair := pairKey(key, l.key(n))
		if a*b >= 0 && math.Abs(area) > 0.0102+0.00007*long && min(math.Abs(a), math.Abs(b)) > 0.00014 {
			must[pair] = area
		}
		if a*b >= 0 && math.Abs(area) > 0.0102+0.00007*long {
			told[pair] = area
		}
		if long*(math.Max(math.Abs(a), math.Abs(b))+0.00007) > 0.0095 {
			can[pair] = area
		}
		if long*(math.Max(math.Abs(a), math.Abs(b))+0.00007) > 0.0095 && math.Max(math.Abs(a), math.Abs(b)) > 0.00007 {
			may[pair] = area
		}
	}
	got := judge(t, l.write(), check.Options{})
	only(t, got, "G4102", "G4103", "G4110")
	rounded(t, got, told, can)
	for sign, list := range map[float64][]check.Fault{1: got["G4102"], -1: got["G4103"]} {
		found := map[string]bool{}
		for i := range list {
			pair := pairOf(&list[i])
			found[pair], found[list[i].Key] = true, true
			area, ok := may[pair]
			if !ok && sign > 0 {
				t.Errorf("%s was not planted: %v", pair, list[i].Problem)
			} else if _, sure := must[pair]; sure && sign > 0 && math.Abs(area-list[i].AreaM2) > 0.002+0.15*math.Abs(area) {
				t.Errorf("%s has %.4f m², planted %.4f", pair, list[i].AreaM2, area)
			}
		}
		count := 0
		for pair, area := range must {
			if area*sign <= 0 {
				continue
			}
			if count++; !found[pair] && (sign > 0 || !found[pair[:18]]) {
				t.Errorf("%s (%.4f m²) is missed", pair, area)
			}
		}
		t.Logf("%d planted, %d found", count, len(list))
	}
}

// rounded tells that what lies between borders is told by one rule or another, whatever
// its width: as an overlap or a gap, or, where the grid explains it, as rounding. told is
// what must be, can what may be, by pairs, rounding and the bow of chords included; areas are of overlaps, or below 0 of gaps.
func rounded(t *testing.T, got map[string][]check.Fault, told, can map[string]float64) {
	t.Helper()
	overlaps, gaps := map[string]bool{}, map[string]bool{}
	for _, f := range got["G4102"] {
		overlaps[pairOf(&f)] = true
	}
	for _, f := range got["G4103"] {
		gaps[pairOf(&f)], gaps[f.Key] = true, true
	}
	fields := map[string]bool{} // that have thin ground along them
	for pair := range can {
		fields[pair[:18]] = true
	}
	for _, f := range got["G4110"] {
		pair := pairOf(&f)
		switch _, planted := can[pair]; {
		case f.AreaM2 < 0.01:
			t.Errorf("%s is told with %.4f m²", pair, f.AreaM2)
		case strings.Contains(f.Problem.Found("en"), "of overlap"):
			if overlaps[pair] || !planted {
				t.Errorf("%s is told twice, or was not planted: %v", pair, f.Problem)
			}
			overlaps[pair] = true
		default:
			if !fields[pair[:18]] {
				t.Errorf("%s was not planted: %v", pair, f.Problem)
			}
			gaps[pair], gaps[f.Key] = true, true
		}
	}
	count := [2]int{}
	for pair, area := range told {
		switch {
		case area > 0:
			if count[0]++; !overlaps[pair] {
				t.Errorf("the overlap of %s (%.4f m²) is told by no rule", pair, area)
			}
		default:
			if count[1]++; !gaps[pair] && !gaps[pair[:18]] {
				t.Errorf("the gap of %s (%.4f m²) is told by no rule", pair, -area)
			}
		}
	}
	t.Logf("%d overlaps and %d gaps of 0.01 m² and more planted, all told", count[0], count[1])
}
