package check_test

import (
	"fmt"
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
)

// yard puts features of any shape beside the landscape, each on ground of its own.
type yard struct {
	*landscape
	count int
}

// add adds a feature whose rings are metres from its own corner, with areas of record as
// the survey books them, and returns its BSM.
func (y *yard) add(parts ...[][]geo.XY) string {
	const (
		west, south, room = 36_600_000, 3_801_000, 60
		columns           = 200
	)
	x, z := float64(west+room*(y.count%columns)), float64(south+room*(y.count/columns))
	key := fmt.Sprintf("619901209999%06d", y.count)
	values := append([]any{}, y.patches[0].values...)
	values[y.column("BSM")], values[y.column("TBBH")] = key, fmt.Sprint(10_000_000+y.count)
	var placed [][][]geo.XY
	for _, p := range parts {
		var rings [][]geo.XY
		for _, r := range p {
			var ring []geo.XY
			for _, v := range r {
				ring = append(ring, onGrid(geo.XY{X: x + v.X, Y: z + v.Y}))
			}
			rings = append(rings, ring)
		}
		placed = append(placed, rings)
	}
	p := &patch{rings: placed[0], parts: placed[1:], values: values}
	y.book(p)
	if y.value(p, "TBMJ").(float64) < 1 { // of a ring that crosses itself
		y.set(p, "TBMJ", 200.0)
		y.set(p, "TBDLMJ", 200.0)
	}
	y.patches = append(y.patches, p)
	y.count++
	return key
}

// box returns a closed rectangle, clockwise as shapefiles have shells.
func box(x, y, w, h float64) []geo.XY {
	return []geo.XY{{X: x, Y: y}, {X: x, Y: y + h}, {X: x + w, Y: y + h}, {X: x + w, Y: y}, {X: x, Y: y}}
}

// Every rule about one feature's shape finds what is planted and nothing else.
func TestPlantedShapes(t *testing.T) {
	y := &yard{landscape: newLandscape(t)}
	want := map[string]map[string]float64{}
	plant := func(rule, key string, area float64) {
		if want[rule] == nil {
			want[rule] = map[string]float64{}
		}
		want[rule][key] = area
	}
	nan := math.NaN()
	for range planted {
		size := y.logUniform(1.1, 3.1)
		plant("4601", y.add([][]geo.XY{box(0, 0, size, size)}), nan)
		y.add([][]geo.XY{box(0, 0, 3.2, 3.2)}) // 10.24 m²
		wide := y.logUniform(0.27, 0.48)
		plant("G4602", y.add([][]geo.XY{box(0, 0, 45, wide)}), nan)
		y.add([][]geo.XY{box(0, 0, 45, 0.55)})

		short := math.Round(y.logUniform(0.0002, 0.0095)*1e4) / 1e4
		plant("4701", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 0, Y: 20}, {X: short, Y: 20}, {X: 20, Y: 15}, {X: 20, Y: 0}, {X: 0, Y: 0}}}), nan)
		angle := y.logUniform(0.2, 0.97) * math.Pi / 360
		plant("G4603", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 0, Y: 20}, {X: 20, Y: 20}, {X: 20, Y: 10}, {X: 50, Y: 10 - 30*math.Tan(angle)}, {X: 20, Y: 10 - 60*math.Tan(angle)}, {X: 20, Y: 0}, {X: 0, Y: 0}}}), nan)
		plant("G4201", y.add([][]geo.XY{box(0, 0, 10, 10)}, [][]geo.XY{box(20, 0, 10, 10)}), nan)

		twice := y.add([][]geo.XY{box(0, 0, 12, 12)})
		first := y.patches[len(y.patches)-1]
		again := &patch{rings: first.rings, values: append([]any{}, first.values...)}
		key := fmt.Sprintf("619901208888%06d", y.count)
		again.values[y.column("BSM")], again.values[y.column("TBBH")] = key, fmt.Sprint(20_000_000+y.count)
		y.patches = append(y.patches, again)
		plant("G4202", key, nan)
		plant("G4101", pairKey(twice, key), nan) // they do overlap

		plant("G4203", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 0, Y: 15}, {X: 0, Y: 15}, {X: 15, Y: 15}, {X: 15, Y: 0}, {X: 0, Y: 0}}}), nan)
		plant("G4204", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 0, Y: 20}, {X: 10, Y: 10}, {X: 20, Y: 20}, {X: 20, Y: 0}, {X: 10, Y: 10}, {X: 0, Y: 0}}}), nan)
		plant("G4205", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 20, Y: 18}, {X: 20, Y: 0}, {X: 0, Y: 20}, {X: 0, Y: 0}}}), nan)
		plant("G4206", y.add([][]geo.XY{{{X: 0, Y: 0}, {X: 0, Y: 20}, {X: 10, Y: 20}, {X: 10, Y: 30}, {X: 10, Y: 20}, {X: 20, Y: 20}, {X: 20, Y: 0}, {X: 0, Y: 0}}}), nan)
	}
	got := judge(t, y.write(), check.Options{})
	var rules []string
	for rule, set := range want {
		name := bsmOf
		if rule == "G4101" {
			name = pairOf
		}
		compare(t, rule, set, got[rule], name)
		enough(t, set)
		rules = append(rules, rule)
	}
	only(t, got, rules...)
}
