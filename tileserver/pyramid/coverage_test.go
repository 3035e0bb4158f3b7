package pyramid_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// span is a part of a row that a feature covers.
type span struct {
	from, to float64
	id       uint64
}

// rows of a tile: what features cover of the middle of each row of units.
type rows [mvt.Extent][]span

// cover adds what the rings surround.
func (r *rows) cover(id uint64, rings [][][2]float64) {
	var xs [mvt.Extent][]float64
	low, high := mvt.Extent, 0
	for _, ring := range rings {
		for i, a := range ring {
			b := ring[(i+1)%len(ring)]
			if a[1] > b[1] {
				a, b = b, a
			}
			// Rows whose middle lies in [a, b).
			from, to := max(0, int(math.Ceil(a[1]-0.5))), min(mvt.Extent, int(math.Ceil(b[1]-0.5)))
			for y := from; y < to; y++ {
				low, high = min(low, y), max(high, y+1)
				xs[y] = append(xs[y], a[0]+(float64(y)+0.5-a[1])*(b[0]-a[0])/(b[1]-a[1]))
			}
		}
	}
	for y := low; y < high; y++ {
		slices.Sort(xs[y])
		for i := 0; i+1 < len(xs[y]); i += 2 {
			if from, to := max(xs[y][i], 0), min(xs[y][i+1], mvt.Extent); from < to {
				r[y] = append(r[y], span{from, to, id})
			}
		}
	}
}

// settle sorts the rows and returns what is covered, each place once, what is
// covered twice, and for each row what nothing covers.
func (r *rows) settle() (once, twice float64, gaps [mvt.Extent][]span) {
	for y := range r {
		slices.SortFunc(r[y], func(a, b span) int { return cmp.Compare(a.from, b.from) })
		end := 0.0
		for _, s := range r[y] {
			if s.from > end {
				gaps[y] = append(gaps[y], span{end, s.from, 0})
			}
			once += max(0, s.to-max(end, s.from))
			twice += max(0, min(end, s.to)-s.from)
			end = max(end, s.to)
		}
		if end < mvt.Extent {
			gaps[y] = append(gaps[y], span{end, mvt.Extent, 0})
		}
	}
	return once, twice, gaps
}

// ringsIn returns the rings of f in units of tl, without the last point of each.
func ringsIn(tl tile.Tile, f pyramid.Feature) (out [][][2]float64) {
	o, unit := tl.Origin(), tile.Span(tl.Z)/mvt.Extent
	for _, p := range f.Geometry {
		for _, r := range p {
			var ring [][2]float64
			for _, q := range r[1:] {
				w := tl.Grid.Project(q)
				ring = append(ring, [2]float64{(w.X - o.X) / unit, (w.Y - o.Y) / unit})
			}
			out = append(out, ring)
		}
	}
	return out
}

// area and perimeter of rings that surround ground the one way and holes the
// other, and whether all lie inside the tile.
func shape(rings [][][2]float64) (area, perimeter float64, inside bool) {
	inside = true
	for _, r := range rings {
		for i, a := range r {
			b := r[(i+1)%len(r)]
			area += (a[0]*b[1] - b[0]*a[1]) / 2
			perimeter += math.Hypot(b[0]-a[0], b[1]-a[1])
			inside = inside && min(a[0], a[1]) > 0 && max(a[0], a[1]) < mvt.Extent
		}
	}
	return math.Abs(area), perimeter, inside
}

// Over whole tiles of real and delivered parcels: no ground is drawn twice; where
// the input has no gap there is none; the ground that is covered keeps its area;
// a parcel keeps its own; and every tile shows in its margin what its neighbour
// shows there.
func TestParcelsCoverage(t *testing.T) {
	for _, c := range []struct {
		name, file string
		disjoint   bool // whether no parcel overlaps another
		zooms      [2]int
		grids      []tile.Grid
	}{
		{"patches", "DLTB.shp", true, [2]int{13, 14}, tile.Grids()},
		{"pbf", "YJJBNTTB.gpkg", false, [2]int{13, 14}, []tile.Grid{tile.W}},
		{"fields", "../../nl_parcels/fields_4490.gpkg", false, [2]int{12, 13}, []tile.Grid{tile.C}},
	} {
		for _, g := range c.grids {
			t.Run(c.name+"/"+g.String(), func(t *testing.T) {
				t.Parallel()
				features := delivery(t, c.file)
				tiles, stats := build(t, g, newMemory("a", features), pyramid.Options{MinZoom: c.zooms[0], MaxZoom: c.zooms[1], ParcelZoom: c.zooms[0]})
				decoded := map[tile.Tile][]mvt.Feature{}
				for tl, data := range tiles {
					if err := mvt.Validate(data); err != nil {
						t.Fatalf("%s: %v", tl, err)
					}
					layers, err := mvt.Decode(data)
					if err != nil {
						t.Fatal(err)
					}
					decoded[tl] = layers[0].Features
				}
				lines := 0
				for tl := range decoded {
					checkTile(t, tl, decoded[tl], features, c.disjoint)
					right, below := tl, tl
					right.X++
					below.Y++
					lines += pyramid.CheckMargins(t, decoded[tl], decoded[right], false)
					lines += pyramid.CheckMargins(t, decoded[tl], decoded[below], true)
				}
				t.Logf("%+v, %d places in margins", stats, lines)
				if lines == 0 {
					t.Error("no margins were compared")
				}
			})
		}
	}
}

// checkTile compares one tile with the features that it was made from.
func checkTile(t *testing.T, tl tile.Tile, drawn []mvt.Feature, features []pyramid.Feature, disjoint bool) {
	t.Helper()
	input, columns, output := &rows{}, &rows{}, &rows{}
	shown := map[uint64]float64{}
	for _, f := range drawn {
		var rings [][][2]float64
		for _, p := range f.Polygons {
			for _, r := range p {
				var ring [][2]float64
				for _, v := range r {
					ring = append(ring, [2]float64{float64(v.X), float64(v.Y)})
				}
				rings = append(rings, ring)
			}
			shown[f.ID] += float64(p.Area2()) / 2
		}
		output.cover(f.ID, rings)
	}
	box := tl.Box()
	for _, f := range features {
		if !f.Geometry.Box().Intersects(box) {
			continue
		}
		rings := ringsIn(tl, f)
		input.cover(f.ID, rings)
		columns.cover(f.ID, turned(rings))
		area, perimeter, inside := shape(rings)
		if disjoint && inside && math.Abs(shown[f.ID]-area) > perimeter {
			t.Errorf("%s: parcel %d has %.1f units², drawn %.1f, perimeter %.1f", tl, f.ID, area, shown[f.ID], perimeter)
		}
	}
	want, over, wantGaps := input.settle()
	_, _, columnGaps := columns.settle()
	got, twice, gotGaps := output.settle()
	if twice > 1e-6 {
		t.Errorf("%s: %.3f units² are drawn twice", tl, twice)
	}
	if math.Abs(got-want) > 2e-3*want+128 {
		t.Errorf("%s: %.1f units² are drawn, %.1f are covered", tl, got, want)
	}
	if !disjoint {
		t.Logf("%s: %.0f units² are covered, %.0f more often, %.0f are drawn", tl, want, over, got)
	}
	opened := 0
	for y := range gotGaps {
		for _, d := range gotGaps[y] {
			// A gap that lies along a row may show in columns only.
			across := span{float64(y), float64(y) + 1, 0}
			if d.to-d.from > 1e-9 && !near(d, y, &wantGaps) && !near(across, int((d.from+d.to)/2), &columnGaps) {
				opened++
			}
		}
	}
	if opened > 0 {
		t.Errorf("%s: in %d places a gap is drawn where there is none", tl, opened)
	}
}

func turned(rings [][][2]float64) (out [][][2]float64) {
	for _, r := range rings {
		var ring [][2]float64
		for _, p := range r {
			ring = append(ring, [2]float64{p[1], p[0]})
		}
		out = append(out, ring)
	}
	return out
}

// near tells whether there is a gap no further than a unit and a half from d.
func near(d span, y int, gaps *[mvt.Extent][]span) bool {
	for r := max(0, y-2); r <= min(mvt.Extent-1, y+2); r++ {
		for _, w := range gaps[r] {
			if w.to-w.from > 1e-7 && w.from < d.to+1.5 && w.to > d.from-1.5 {
				return true
			}
		}
	}
	return false
}
