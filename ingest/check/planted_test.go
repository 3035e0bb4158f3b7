package check_test

import (
	"math"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/check"
)

// planted is how many faults of each rule are planted, at least.
const planted = 2000

func bsmOf(f *check.Fault) string { return f.Key }

func pairOf(f *check.Fault) string { return pairKey(f.Key, f.Other) }

func pairKey(a, b string) string {
	if a > b {
		a, b = b, a
	}
	return a + " " + b
}

// only fails the test for faults of rules that nothing was planted against.
func only(t *testing.T, got map[string][]check.Fault, rules ...string) {
	t.Helper()
	for number, list := range got {
		found := false
		for _, r := range rules {
			found = found || r == number
		}
		if !found {
			t.Errorf("rule %s: %d faults, none was planted: %v", number, len(list), list[0].Problem)
		}
	}
}

// bump is a dent in a border: from a point on it to a tip beside it and back.
type bump struct {
	patch, neighbour int
	at               int
	from, tip, to    geo.XY
	area             float64
}

// findBump looks for an edge of patch n with room for a dent of that area and depth beside
// it: outward into the neighbour, or inward.
func (l *landscape) findBump(n int, area, depth float64, outward bool) (bump, bool) {
	p := l.patches[n]
	r := p.rings[0]
	for i := 1; i < len(r); i++ {
		a, b := r[i-1], r[i]
		m, ok := l.sides[[2]geo.XY{b, a}]
		long := math.Hypot(b.X-a.X, b.Y-a.Y)
		base := 2 * area / depth
		if !ok || m == n || long < base+0.5 {
			continue
		}
		ux, uy := (b.X-a.X)/long, (b.Y-a.Y)/long
		start := 0.25 + (long-base-0.5)*l.rng.Float64()
		along := func(s, aside float64) geo.XY {
			return onGrid(geo.XY{X: a.X + ux*s + uy*aside, Y: a.Y + uy*s - ux*aside})
		}
		side := depth // the right side of the edge
		if (ringArea(r) > 0) != outward {
			side = -depth
		}
		k := bump{patch: n, neighbour: m, at: i, from: along(start, 0), tip: along(start+base*(0.2+0.6*l.rng.Float64()), side), to: along(start+base, 0)}
		room := l.patches[m]
		if !outward {
			room = p
		}
		if roomy(room, &k) {
			k.area = math.Abs(ringArea([]geo.XY{k.from, k.tip, k.to, k.from}))
			return k, true
		}
	}
	return bump{}, false
}

// ringArea returns the signed area of a closed ring in the plane.
func ringArea(r []geo.XY) float64 {
	sum := 0.0
	for i := 1; i < len(r); i++ {
		sum += (r[i-1].X-r[0].X)*(r[i].Y-r[0].Y) - (r[i].X-r[0].X)*(r[i-1].Y-r[0].Y)
	}
	return sum / 2
}

// roomy tells whether the dent lies in a patch with room around it: its tip inside, and no
// border but the one that it stands on nearer than 5 cm to it.
func roomy(p *patch, k *bump) bool {
	in := false
	for _, r := range p.rings {
		for i := 1; i < len(r); i++ {
			a, b := r[i-1], r[i]
			if (a.Y > k.tip.Y) != (b.Y > k.tip.Y) && k.tip.X < a.X+(k.tip.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
				in = !in
			}
			if within(a, b, k.from, k.to) {
				continue
			}
			for _, s := range [][2]geo.XY{{k.from, k.tip}, {k.tip, k.to}} {
				if apart(a, b, s[0], s[1]) < 0.05 {
					return false
				}
			}
		}
	}
	return in
}

// within tells whether from and to lie on the edge a b.
func within(a, b, from, to geo.XY) bool {
	return distance(a, b, from) < 0.001 && distance(a, b, to) < 0.001
}

func distance(a, b, p geo.XY) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	t := math.Max(0, math.Min(1, ((p.X-a.X)*dx+(p.Y-a.Y)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(a.X+t*dx-p.X, a.Y+t*dy-p.Y)
}

func apart(a, b, c, d geo.XY) float64 {
	side := func(p, q, r geo.XY) bool { return (q.X-p.X)*(r.Y-p.Y)-(q.Y-p.Y)*(r.X-p.X) > 0 }
	if side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b) {
		return 0
	}
	return min(distance(a, b, c), distance(a, b, d), distance(c, d, a), distance(c, d, b))
}

// dent gives a patch the dent.
func (l *landscape) dent(k *bump) {
	p := l.patches[k.patch]
	r := p.rings[0]
	out := append([]geo.XY{}, r[:k.at]...)
	out = append(out, k.from, k.tip, k.to)
	p.rings[0] = append(out, r[k.at:]...)
	l.book(p)
}

// logUniform returns a number between low and high, each order of magnitude as likely.
func (l *landscape) logUniform(low, high float64) float64 {
	return low * math.Pow(high/low, l.rng.Float64())
}

// decoys puts vertices on straight edges of one of two neighbours, as drawn on the survey's
// grid: no fault, however the edges are divided.
func (l *landscape) decoys() int {
	count := 0
	for n, p := range l.patches {
		if n%3 != 0 {
			continue
		}
		r := p.rings[0]
		for i := 1; i < len(r); i++ {
			a, b := r[i-1], r[i]
			if math.Hypot(b.X-a.X, b.Y-a.Y) < 3 {
				continue
			}
			f := 0.1 + 0.8*l.rng.Float64()
			v := onGrid(geo.XY{X: a.X + f*(b.X-a.X), Y: a.Y + f*(b.Y-a.Y)})
			p.rings[0] = append(append(append([]geo.XY{}, r[:i]...), v), r[i:]...)
			l.book(p)
			count++
			break
		}
	}
	return count
}

// A landscape whose neighbours draw their straight borders through different vertices has
// no faults; nor is an overlap or a gap below 0.01 m² one.
func TestClean(t *testing.T) {
	l := newLandscape(t)
	count := l.decoys()
	l.index()
	small := 0
	for _, n := range l.rng.Perm(len(l.patches)) {
		if k, ok := l.findBump(n, l.logUniform(0.001, 0.008), 0.05, small%2 == 0); ok && l.take(n) {
			l.dent(&k)
			small++
		}
	}
	got := judge(t, l.write(), check.Options{})
	only(t, got)
	t.Logf("%d vertices on others' edges, %d dents below 0.01 m²", count, small)
}

// Every overlap from 0.01 m² on is found, with its area, and nothing else.
func TestPlantedOverlaps(t *testing.T) {
	for _, c := range []struct {
		rule      string
		low, high float64
	}{{"G4102", 0.0105, 0.98}, {"G4101", 1.02, 30}} {
		l := newLandscape(t)
		l.decoys()
		l.index()
		want := map[string]float64{}
		for _, n := range l.rng.Perm(len(l.patches)) {
			area := l.logUniform(c.low, c.high)
			k, ok := l.findBump(n, area, max(math.Sqrt(area)*l.logUniform(0.05, 1), 0.002), true)
			if !ok || k.area < c.low || k.area > c.high || l.used[n] || l.used[k.neighbour] {
				continue
			}
			l.used[n], l.used[k.neighbour] = true, true
			l.dent(&k)
			want[pairKey(l.key(n), l.key(k.neighbour))] = k.area
		}
		got := judge(t, l.write(), check.Options{})
		compare(t, c.rule, want, got[c.rule], pairOf)
		only(t, got, c.rule)
		enough(t, want)
	}
}

// key returns the BSM of patch n.
func (l *landscape) key(n int) string { return l.value(l.patches[n], "BSM").(string) }

func enough(t *testing.T, sets ...map[string]float64) {
	t.Helper()
	for _, s := range sets {
		if len(s) < planted {
			t.Errorf("%d faults planted, fewer than %d", len(s), planted)
		}
	}
}

// Every gap from 0.01 m² on is found.
func TestPlantedGaps(t *testing.T) {
	l := newLandscape(t)
	l.decoys()
	l.index()
	want := map[string]float64{}
	for _, n := range l.rng.Perm(len(l.patches)) {
		area := l.logUniform(0.0105, 30)
		k, ok := l.findBump(n, area, max(math.Sqrt(area)*l.logUniform(0.05, 1), 0.002), false)
		if !ok || k.area < 0.0102 || l.used[n] || l.used[k.neighbour] {
			continue
		}
		l.used[n], l.used[k.neighbour] = true, true
		l.dent(&k)
		want[pairKey(l.key(n), l.key(k.neighbour))] = k.area
	}
	got := judge(t, l.write(), check.Options{})
	compare(t, "G4103", want, got["G4103"], pairOf)
	only(t, got, "G4103")
	enough(t, want)
}

// A vertex that one of two neighbours has elsewhere, by 0.5 mm to 20 cm, makes overlaps or
// gaps on both edges beside it: all of 0.01 m² and more are found.
func TestPlantedVertices(t *testing.T) {
	l := newLandscape(t)
	l.index()
	overlaps, gaps := map[string]float64{}, map[string]float64{}
	for _, n := range l.rng.Perm(len(l.patches)) {
		r := l.patches[n].rings[0]
		for i := 1; i+1 < len(r); i++ {
			a, v, b := r[i-1], r[i], r[i+1]
			m, ok := l.sides[[2]geo.XY{v, a}]
			if k, also := l.sides[[2]geo.XY{b, v}]; !ok || !also || k != m || l.used[n] || l.used[m] || len(l.at[v]) != 2 {
				continue
			}
			long := math.Hypot(b.X-a.X, b.Y-a.Y)
			step := l.logUniform(0.0005, 0.2) * (1 - 2*float64(l.rng.IntN(2)))
			w := onGrid(geo.XY{X: v.X + step*(b.Y-a.Y)/long, Y: v.Y - step*(b.X-a.X)/long})
			area := ringArea([]geo.XY{a, w, b, v, a}) // what the patch gains, with its ring's sign
			if ringArea(r) < 0 {
				area = -area
			}
			k := bump{from: a, tip: w, to: b}
			room := l.patches[m]
			if area < 0 {
				room = l.patches[n]
			}
			if math.Abs(area) < 0.0105 || math.Hypot(v.X-a.X, v.Y-a.Y) < 1 || math.Hypot(v.X-b.X, v.Y-b.Y) < 1 || !l.free(room, v, &k) {
				continue
			}
			l.used[n], l.used[m] = true, true
			p := l.patches[n]
			p.rings[0] = append(append(append([]geo.XY{}, r[:i]...), w), r[i+1:]...)
			l.book(p)
			if area > 0 {
				overlaps[pairKey(l.key(n), l.key(m))] = area
			} else {
				gaps[pairKey(l.key(n), l.key(m))] = -area
			}
			break
		}
	}
	got := judge(t, l.write(), check.Options{})
	compare(t, "overlaps", overlaps, append(got["G4101"], got["G4102"]...), pairOf)
	compare(t, "gaps", gaps, got["G4103"], pairOf)
	only(t, got, "G4101", "G4102", "G4103")
	enough(t, overlaps, gaps)
}

// free tells whether moving the vertex v of a border to k.tip meets no border of p but
// those that end in v.
func (l *landscape) free(p *patch, v geo.XY, k *bump) bool {
	for _, r := range p.rings {
		for i := 1; i < len(r); i++ {
			if r[i-1] == v || r[i] == v {
				continue
			}
			for _, s := range [][2]geo.XY{{k.from, k.tip}, {k.tip, k.to}} {
				ends := r[i-1] == s[0] || r[i] == s[0] || r[i-1] == s[1] || r[i] == s[1]
				if d := distance(r[i-1], r[i], k.tip); d < 0.3 || !ends && apart(r[i-1], r[i], s[0], s[1]) < 0.01 {
					return false
				}
			}
		}
	}
	return true
}
