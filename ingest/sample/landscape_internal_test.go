package sample

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// twice returns the doubled area of r in squared units of the grid, exactly:
// the landscapes of these tests are below 2^31 units wide and 2^63 in area.
func (l *landscape) twice(r ring) int64 {
	sum := int64(0)
	o := l.spots[r[0]]
	for i, v := range r {
		a, b := l.spots[v], l.spots[r[(i+1)%len(r)]]
		sum += int64(a.x-o.x)*int64(b.y-o.y) - int64(b.x-o.x)*int64(a.y-o.y)
	}
	return sum
}

// coverage returns what is wrong with l as a coverage without gaps or overlaps:
// each edge belongs to one patch on either side or to the outline, every patch
// has an area, and the areas add up to the outline's, in integers.
func (l *landscape) coverage() error {
	sides := map[side]int{}
	whole := int64(0)
	walk := func(r ring, n int) error {
		for k, v := range r {
			s := side{v, r[(k+1)%len(r)]}
			if s.from == s.to {
				return fmt.Errorf("patch %d: an edge without length", n)
			}
			if other, ok := sides[s]; ok {
				return fmt.Errorf("patches %d and %d lie on the same side of an edge", n, other)
			}
			sides[s] = n
		}
		return nil
	}
	for n, p := range l.patches {
		if err := walk(p.shell, n); err != nil {
			return err
		}
		ground := l.twice(p.shell)
		for _, h := range p.holes {
			back := slices.Clone(h)
			slices.Reverse(back)
			if err := walk(back, n); err != nil {
				return err
			}
			ground -= l.twice(h)
		}
		if ground <= 0 {
			return fmt.Errorf("patch %d has no area: %d", n, ground)
		}
		whole += ground
	}
	outside := make(ring, len(l.border))
	copy(outside, l.border)
	slices.Reverse(outside)
	if err := walk(outside, nobody); err != nil {
		return err
	}
	for s, n := range sides {
		if _, ok := sides[side{s.to, s.from}]; !ok {
			return fmt.Errorf("patch %d: an edge has nothing on its other side", n)
		}
	}
	if want := l.twice(l.border); whole != want {
		return fmt.Errorf("patches have the doubled area %d, the outline %d", whole, want)
	}
	return nil
}

func landscapeOf(t *testing.T, parcels int, seed uint64) *landscape {
	t.Helper()
	l, err := newLandscape(context.Background(), parcels, seed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLandscapeIsCoverage(t *testing.T) {
	t.Parallel()
	type size struct {
		parcels int
		seeds   uint64
	}
	for _, s := range []size{{100, 30}, {137, 20}, {400, 12}, {1000, 6}, {4000, 2}, {10_000, 1}} {
		for seed := range s.seeds {
			l := landscapeOf(t, s.parcels, seed)
			if len(l.patches) != s.parcels {
				t.Errorf("%d parcels, seed %d: has %d", s.parcels, seed, len(l.patches))
			}
			if err := l.coverage(); err != nil {
				t.Errorf("%d parcels, seed %d: %v", s.parcels, seed, err)
			}
			for n := range l.patches {
				if l.patches[n].village < 0 {
					t.Errorf("%d parcels, seed %d: patch %d belongs to no village", s.parcels, seed, n)
				}
			}
		}
	}
}

func TestCoverageFindsFaults(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(l *landscape){
		"a vertex that the neighbour lacks": func(l *landscape) {
			p := &l.patches[500]
			p.shell = append(p.shell, l.add(mix(l.at(p.shell[len(p.shell)-1]), l.at(p.shell[0]), 0.5)))
		},
		"a patch that is not there": func(l *landscape) { l.patches = slices.Delete(l.patches, 700, 701) },
		"a hole that nothing fills": func(l *landscape) {
			p := &l.patches[500]
			p.holes = append(p.holes, l.drawPond(l.middle(500), 3))
		},
		"a patch twice":              func(l *landscape) { l.patches = append(l.patches, l.patches[3]) },
		"a vertex exchanged":         func(l *landscape) { s := l.patches[600].shell; s[0], s[1] = s[1], s[0] },
		"a ring the wrong way round": func(l *landscape) { slices.Reverse(l.patches[600].shell) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := landscapeOf(t, 1000, 1)
			if err := l.coverage(); err != nil {
				t.Fatal(err)
			}
			spoil(l)
			if l.coverage() == nil {
				t.Error("not found")
			}
		})
	}
}

func TestLandscapeIsFarmland(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		l := landscapeOf(t, 10_000, seed)
		ground := map[string]float64{}
		whole, crop, protected, changed, standard := 0.0, 0.0, 0.0, 0.0, 0.0
		holed := 0
		covered := map[int]bool{}
		gross := 0.0
		for _, p := range l.plots {
			g := l.cover(p, covered)
			standard += g
			gross += l.cover(p, map[int]bool{})
		}
		to := map[class]bool{}
		for n, p := range l.patches {
			a := l.net(n)
			whole += a
			ground[classes[p.class].code] += a
			if len(p.holes) > 0 {
				holed++
			}
			if p.protected && !p.class.cropland() {
				t.Errorf("seed %d: %s is protected", seed, classes[p.class].code)
			}
			if !p.class.cropland() {
				continue
			}
			crop += a
			if p.protected {
				protected += a
			}
			if p.changed != p.class {
				changed += a
				to[p.changed] = true
			}
		}
		for _, c := range []struct {
			what             string
			got, least, most float64
		}{
			{"cropland", crop / whole, 0.75, 0.9},
			{"settlements", ground["0702"] / whole, 0.02, 0.08},
			{"roads", (ground["1003"] + ground["1006"]) / whole, 0.015, 0.06},
			{"river", ground["1101"] / whole, 0.003, 0.02},
			{"woods", ground["0301"] / whole, 0.01, 0.08},
			{"protected of cropland", protected / crop, 0.849, 0.852},
			{"changed of cropland", changed / crop, 0.0149, 0.0155},
			{"standard of cropland", standard / crop, 0.395, 0.42},
			{"standard counted double", gross/standard - 1, 0.005, 0.15},
			{"patches with holes", float64(holed) / float64(len(l.patches)), 0.029, 0.031},
			{"cropland in a plot", gross / float64(len(l.plots)) / meanPatch, 20, 80},
		} {
			if c.got < c.least || c.got > c.most {
				t.Errorf("seed %d: %s %.4f, want [%v, %v]", seed, c.what, c.got, c.least, c.most)
			}
		}
		for _, c := range []string{"0101", "0102", "0103", "0201", "0201K", "0404", "1004", "1104", "1107", "1202"} {
			if ground[c] == 0 {
				t.Errorf("seed %d: no %s", seed, c)
			}
		}
		if len(to) != 4 || !to[house] || !to[wood] || !to[pond] || !to[orchardK] {
			t.Errorf("seed %d: cropland changes to %v", seed, to)
		}
		if len(l.faulty) != faults {
			t.Errorf("seed %d: %d rings cross themselves", seed, len(l.faulty))
		}
	}
}

// The strips of neighbouring blocks run in different directions, and no block's
// patches are all alike.
func TestFieldsDiffer(t *testing.T) {
	t.Parallel()
	l := landscapeOf(t, 10_000, 1)
	blocks := map[int32][]int{}
	for n, p := range l.patches {
		if p.class.cropland() {
			blocks[p.block] = append(blocks[p.block], n)
		}
	}
	directions := map[int]int{}
	alike := 0
	for _, b := range blocks {
		if len(b) < 8 {
			continue
		}
		angle, _ := grain(l.points(l.patches[b[0]].shell))
		directions[int(math.Floor(angle/0.08))]++
		mean, square := 0.0, 0.0
		for _, n := range b {
			mean += l.net(n) / float64(len(b))
			square += l.net(n) * l.net(n) / float64(len(b))
		}
		if math.Sqrt(square-mean*mean) < 0.03*mean {
			alike++
		}
	}
	if len(directions) < 12 || alike > len(blocks)/20 {
		t.Errorf("%d directions of fields, %d of %d blocks with patches all alike", len(directions), alike, len(blocks))
	}
}

func TestDissolve(t *testing.T) {
	t.Parallel()
	l := landscapeOf(t, 2000, 3)
	sum := 0.0
	for v, patches := range l.members {
		ground := 0.0
		for _, n := range patches {
			ground += l.net(n)
		}
		got := 0.0
		polygons := l.dissolve(patches)
		for _, rings := range polygons {
			for _, r := range rings {
				got += l.area(r)
				seen := slices.Clone(r)
				slices.Sort(seen)
				if len(slices.Compact(seen)) != len(r) {
					t.Errorf("village %d: a ring meets itself", v)
				}
			}
		}
		if math.Abs(got-ground) > 1e-6*ground {
			t.Errorf("village %d: %.3f m² of %.3f", v, got, ground)
		}
		sum += got
	}
	if want := l.area(l.border); math.Abs(sum-want) > 1e-6*want {
		t.Errorf("villages have %.3f m² of %.3f", sum, want)
	}

	// A patch in a hole, left out, leaves a hole.
	for n, p := range l.patches {
		if len(p.holes) == 0 {
			continue
		}
		got := l.dissolve([]int{n})
		if len(got) != 1 || len(got[0]) != 1+len(p.holes) {
			t.Errorf("patch %d with %d holes gives %v", n, len(p.holes), got)
		}
		break
	}
}

func TestDeduct(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		patch    geo.Hundredths
		ratio    float64
		deducted geo.Hundredths
	}{
		{0, 0.5, 0},
		{100_00, 0, 0},
		{100_00, 0.0312, 3_12},
		{33, 0.5, 17}, // 0.165 m² rounds up
		{1, 0.4999, 0},
		{499_738, 0.0936, 46775}, // 467.754768
	} {
		deducted, net := deduct(c.patch, c.ratio)
		if deducted != c.deducted || net != c.patch-c.deducted {
			t.Errorf("deduct(%v, %v) = %v, %v; want %v", c.patch, c.ratio, deducted, net, c.deducted)
		}
	}
}
