package reconcile_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/geo"
	"gengtu/index/reconcile"
)

// blocksTruth counts the bridge from the net area of cropland to the area of HSF blocks
// cell by cell.
func (c *county) blocksTruth() map[string]int64 {
	type share struct{ line, other string }
	crop, block := map[string]map[share]float64{}, map[string]map[share]float64{}
	add := func(m map[string]map[share]float64, key string, s share, v float64) {
		if m[key] == nil {
			m[key] = map[share]float64{}
		}
		m[key][s] += v
	}
	for _, cell := range cells(c.to, c.blocks, c.tagged()) {
		var parcel, ground string
		for _, p := range c.to {
			if !p.rect.has(cell.x0, cell.y0) {
				continue
			}
			if ground = p.key; strings.HasPrefix(p.class, "01") {
				parcel = p.key
			}
		}
		var on []string
		for _, b := range c.blocks {
			if b.rect.has(cell.x0, cell.y0) {
				on = append(on, b.key)
			}
		}
		slices.SortFunc(on, func(x, y string) int { return int(idOf(x)%1e18) - int(idOf(y)%1e18) })
		line := ""
		for _, g := range c.tags {
			if g.rect.has(cell.x0, cell.y0) {
				line = g.line
			}
		}
		holder := ""
		if len(on) > 0 {
			holder = on[0]
		}
		if parcel != "" {
			s := share{"ridges", holder}
			if holder == "" {
				s = share{line, ""}
			}
			add(crop, parcel, s, cell.m2())
		}
		for k, b := range on {
			s := share{"ridges", parcel}
			switch {
			case k > 0:
				s = share{"doubled", ""}
			case parcel == "":
				s = share{"not-cropland", ground}
			}
			add(block, b, s, cell.m2())
		}
	}
	out := map[string]int64{}
	for n, m := range []map[string]map[share]float64{crop, block} {
		for key, shares := range m {
			var whole int64
			if n == 0 {
				_, whole = find(c.to, key).record()
			} else {
				whole = find(c.blocks, key).ell()
			}
			var list []share
			for s := range shares {
				list = append(list, s)
			}
			slices.SortFunc(list, func(x, y share) int { return strings.Compare(x.line+x.other, y.line+y.other) })
			var w []float64
			for _, s := range list {
				w = append(w, shares[s])
			}
			for i, v := range geo.LargestRemainder(geo.Hundredths(whole), w) {
				out[list[i].line] += []int64{-1, 1}[n] * int64(v)
			}
		}
	}
	return out
}

// Net cropland against HSF blocks goes by way of ridges; non-cropland inside, blocks on one
// another and a strip that a block leaves of a parcel are what was planted, to 0.01 m².
func TestBlocks(t *testing.T) {
	t.Parallel()
	c := newCounty()
	c.blocks[1].rect.y1 = 6*plotH - 9 // leaves 1 m of the parcels
	// This one reaches 1 m into what is no cropland: not the band, however narrow.
	c.blocks = append(c.blocks, plot{key: "h3", rect: rect{100, 7*plotH + 50, plotW + 9, 8*plotH - 50}, place: villageC})
	c.tag(rect{-1000, -1000, 100000, 100000}, "ground")
	for x := 4; x < 8; x++ {
		c.tag(rect{x * plotW, 6*plotH - 9, (x + 1) * plotW, 6 * plotH}, "band")
	}
	ix := c.open(t)
	got := lineSums(t, ask(t, ix, "cropland@2024", "hsf@2024", nil))
	want := c.blocksTruth()
	for _, line := range reconcile.Lines {
		// Of shares with equal remainders the first gets the hundredth, here and there another.
		if d := want[string(line)] - got[string(line)]; d < -1 || d > 1 {
			t.Errorf("line %s has %d, planted %d", line, got[string(line)], want[string(line)])
		}
	}
	for _, line := range []string{"ground", "ridges", "doubled", "not-cropland", "band"} {
		if got[line] == 0 {
			t.Errorf("line %s shows nothing", line)
		}
	}
	// The other way round every line has the other sign.
	back := lineSums(t, ask(t, ix, "hsf@2024", "cropland@2024", nil))
	for line, v := range got {
		if d := v + back[line]; d < -8 || d > 8 {
			t.Errorf("line %s is %d one way and %d the other", line, v, back[line])
		}
	}
}

// Ground counted once differs from ground added up by what lies twice, and nothing else.
func TestGroundOnce(t *testing.T) {
	t.Parallel()
	c := newCounty()
	ix := c.open(t)
	r := ask(t, ix, "hsf@2024", "hsf@2024", func(q *reconcile.Question) { q.A.Figure, q.B.Figure = reconcile.Area, reconcile.Ground })
	both := rect{4 * plotW, 2*plotH + 40, 5*plotW - 57, 3*plotH - 31}
	if got := lineSums(t, r); len(got) != 1 || math.Abs(float64(got["doubled"])+both.m2()*100) > 1 {
		t.Errorf("%v, want -%.2f m² twice", got, both.m2())
	}
}

// Records that are all on a coarser step differ by rounding; on few features that may be
// chance, and is not taken for it.
func TestRounded(t *testing.T) {
	t.Parallel()
	for _, few := range []bool{false, true} {
		rules, err := analyze.DefaultRules()
		if err != nil {
			t.Fatal(err)
		}
		own := *rules
		if few {
			own.Reconcile.StepFeatures.Value = 1000
		}
		c := newCounty()
		want := int64(0)
		for i := range c.to {
			p := &c.to[i]
			was := *p
			p.step = 100
			if strings.HasPrefix(p.class, "01") {
				_, before := was.record()
				_, after := p.record()
				want += after - before
			}
		}
		ix := c.open(t)
		r, err := reconcile.Run(t.Context(), reconcile.Question{A: operand(t, ix, "cropland@2023"), B: operand(t, ix, "cropland@2024")}, reconcile.Options{Rules: &own})
		if err != nil {
			t.Fatal(err)
		}
		got := lineSums(t, r)
		sum := int64(0)
		for _, v := range got {
			sum += v
		}
		if sum != want || !few && (len(got) != 1 || got["rounding"] != want) || few && got["record"]+got["ridges"] == 0 {
			t.Errorf("few %v: %v, the records differ by %d", few, got, want)
		}
	}
}

// A strip is in the band if it is narrower than the width, whatever its length, straight or
// bent, or all around; a bite is not.
func TestWidth(t *testing.T) {
	t.Parallel()
	ring := func(b geo.Box, clockwise bool) geo.Ring {
		r := b.Polygon()[0]
		if clockwise {
			slices.Reverse(r)
		}
		return r
	}
	strip := rect{0, 0, 4000, 10}
	h := rect{0, 0, 10, 10}
	high := math.Sqrt(h.m2() * h.m2() / (widthX() * widthX())) // of 10 units of latitude
	for name, x := range map[string]struct {
		p    geo.Polygon
		want float64
	}{
		"a long strip":  {strip.box().Polygon(), high},
		"a short strip": {rect{0, 0, 30, 10}.box().Polygon(), high},
		"all around":    {geo.Polygon{ring(rect{0, 0, 4000, 4000}.box(), false), ring(rect{11, 10, 3989, 3990}.box(), true)}, (high + 1.1*widthX()) / 2},
		"a bite":        {rect{0, 0, 400, 300}.box().Polygon(), 30 * high},
	} {
		if got := reconcile.WidthM(x.p); math.Abs(got/x.want-1) > 0.03 {
			t.Errorf("%s is %.4f m wide, want %.4f", name, got, x.want)
		}
	}
}

// widthX is the width of 10 units of longitude in metres at the corner.
func widthX() float64 {
	plane := geo.NewEqualAreaPlane(corner)
	return plane.To(geo.Position{Lon: corner.Lon + 10*lattice, Lat: corner.Lat}).X
}

// The band ends at the width that is asked for, and everything else stays closed.
func TestBandLimits(t *testing.T) {
	t.Parallel()
	c := newCounty()
	c.at(1, 3).rect.x1 += 11
	c.at(2, 3).rect.x0 += 11
	ix := c.open(t)
	wide := 11 * widthX() / 10
	for _, w := range []float64{0, wide * 0.999, wide * 1.001, 100} {
		got := lineSums(t, ask(t, ix, "cropland@2023", "cropland@2024", func(q *reconcile.Question) { q.WidthM = &w }))
		if band := got["band"] != 0; band != (w > wide) || (got["reclassed"] != 0) == band {
			t.Errorf("a strip of %.4f m with w = %.4f m: %v", wide, w, got)
		}
	}
}

// A strip at one side and a bite at another of one parcel are told apart.
func TestStripAndBite(t *testing.T) {
	t.Parallel()
	c := newCounty()
	// Plot 1,3 is cropland; 2,3 to its right is not. The bite is taken out of its left
	// by a new pond, the strip by its neighbour.
	p := c.at(1, 3)
	pond := plot{key: c.key(), rect: rect{p.rect.x0, p.rect.y0, p.rect.x0 + 100, p.rect.y1}, class: "1104", place: p.place}
	p.rect.x0 += 100
	p.rect.x1 -= 11
	c.at(2, 3).rect.x0 -= 11
	c.to = append(c.to, pond)
	c.tag(rect{plotW, 3 * plotH, plotW + 100, 4 * plotH}, "reclassed")
	c.tag(rect{2*plotW - 11, 3 * plotH, 2 * plotW, 4 * plotH}, "band")
	want, _ := c.truth()
	got := lineSums(t, ask(t, c.open(t), "cropland@2023", "cropland@2024", nil))
	if got["band"] != want["band"] || got["reclassed"] != want["reclassed"] || got["band"] == 0 || got["reclassed"] == 0 {
		t.Errorf("found %v, planted %v", got, want)
	}
}
