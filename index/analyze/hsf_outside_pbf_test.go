package analyze_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/geo"
)

// restrictedCounty is a county with all that hsf-outside-pbf asks about.
func restrictedCounty(seed uint64) *analyzetest.County { return restricted(seed, 36, 30, 160) }

func restricted(seed uint64, w, h, patches int) *analyzetest.County {
	c := analyzetest.New(seed, w, h, patches)
	rnd := rand.New(rand.NewPCG(seed, 61))
	plain := analyzetest.Fields("BSM")
	named := func(int) []any { return []any{""} }
	c.Rectangles(rnd, "redline@2024", max(2, patches/50), 6, plain, named)
	c.Rectangles(rnd, "urban@2024", max(2, patches/50), 5, plain, named)
	c.Rectangles(rnd, "approval@2024", max(3, patches/30), 3, plain, named)
	c.Rectangles(rnd, "soil@2024", max(6, patches/8), 6, analyzetest.Fields("TRHJLB"), func(i int) []any { return []any{fmt.Sprint(1 + i%3)} })
	c.Rectangles(rnd, "quality@2024", 12, 12, analyzetest.Fields("GDDJ:integer"), func(i int) []any { return []any{int64(1 + i%10)} })
	hsf := c.Layer("hsf", "2024")
	states := []string{"符合", "基本符合", "需要提质改造", "不明", ""}
	for i := range hsf.Features {
		hsf.Set(i, "ZLDJ", states[rnd.IntN(len(states))])
		hsf.Set(i, "STAGE", []string{"验收", "验收", "验收", "申报", ""}[rnd.IntN(5)])
	}
	hsf.Set(0, "STAGE", "验收")
	return c
}

// run answers a question of an index.
func run(t testing.TB, ix *index.Index, req analyze.Request, opt analyze.Options) *analyze.Result {
	t.Helper()
	r, err := analyze.Run(t.Context(), ix, req, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// table returns a table of an answer.
func table(t testing.TB, r *analyze.Result, name string) *analyze.Table {
	t.Helper()
	for _, x := range r.Tables {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no table %s", name)
	return nil
}

// cell returns a value of a table.
func cell(t *analyze.Table, row int, column string) any { return t.Rows[row][t.Column(column)] }

// total adds a column of areas up.
func total(t *analyze.Table, column string) analyze.Area {
	sum := analyze.Area(0)
	for i := range t.Rows {
		if v, ok := cell(t, i, column).(analyze.Area); ok {
			sum += v
		}
	}
	return sum
}

// outsidePiece is what a count of cells finds of a patch with some flags.
type outsidePiece struct {
	flags             string
	state             string
	grade             any
	area, patch, crop analyze.Area
	cells             []int
}

// countOutside counts cells: the pieces by patch code, and the net cropland in accepted
// parcels, of that in PBF, and outside, by county.
func countOutside(c *analyzetest.County) (list map[string][]outsidePiece, hsf, inside, outside analyze.Area) {
	list = map[string][]outsidePiece{}
	d, pbf, built := c.Layer("dltb", "2024"), c.Layer("pbf", "2024"), c.Layer("hsf", "2024")
	order := []string{"", "符合", "基本符合", "需要提质改造", "不明"}
	type kind struct {
		in, pbf      bool
		flags        string
		grade, state int
	}
	for i := range d.Features {
		if d.Text(i, "DLBM")[:2] != "01" {
			continue
		}
		f := &d.Features[i]
		ground, cells := map[kind]float64{}, map[string][]int{}
		for _, at := range f.Cells {
			k := kind{}
			for _, h := range built.On(at) {
				if built.Text(h, "STAGE") == "验收" {
					k.in = true
					k.state = max(k.state, slices.Index(order, built.Text(h, "ZLDJ")))
				}
			}
			k.pbf = k.in && len(pbf.On(at)) > 0
			if k.in && !k.pbf {
				k.flags, k.grade = flagsOf(c, at, d.Text(i, "GDPDJB"))
			}
			if !k.in || k.pbf {
				k.state = 0
			}
			ground[k] += c.Area(at)
			if k.in && !k.pbf {
				cells[k.flags] = append(cells[k.flags], at)
			}
		}
		kinds := slices.SortedFunc(maps.Keys(ground), func(a, b kind) int {
			return cmp.Or(cmp.Compare(a.flags, b.flags), cmp.Compare(a.grade, b.grade), cmp.Compare(a.state, b.state), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
		})
		weights := make([]float64, len(kinds))
		for n, k := range kinds {
			weights[n] = ground[k]
		}
		area := geo.LargestRemainder(geo.HundredthsOf(c.AreaOf(f.Cells)), weights)
		patch := geo.LargestRemainder(geo.Hundredths(f.Patch), weights)
		net := geo.LargestRemainder(geo.Hundredths(f.Net), weights)
		pieces := map[string]*outsidePiece{}
		byGrade := map[string]*[11]geo.Hundredths{}
		for n, k := range kinds {
			if k.in {
				hsf += analyze.Area(net[n])
			}
			if k.pbf {
				inside += analyze.Area(net[n])
			}
			if !k.in || k.pbf {
				continue
			}
			outside += analyze.Area(net[n])
			p := pieces[k.flags]
			if p == nil {
				p = &outsidePiece{flags: k.flags, cells: cells[k.flags]}
				pieces[k.flags], byGrade[k.flags] = p, &[11]geo.Hundredths{}
			}
			p.area += analyze.Area(area[n])
			p.patch += analyze.Area(patch[n])
			p.crop += analyze.Area(net[n])
			byGrade[k.flags][k.grade] += area[n]
			if k.state > slices.Index(order, p.state) {
				p.state = order[k.state]
			}
		}
		for _, name := range slices.Sorted(maps.Keys(pieces)) {
			most := geo.Hundredths(0)
			for grade := 10; grade > 0; grade-- {
				if v := byGrade[name][grade]; v > most {
					pieces[name].grade, most = int64(grade), v
				}
			}
			list[d.Text(i, "BSM")] = append(list[d.Text(i, "BSM")], *pieces[name])
		}
	}
	return list, hsf, inside, outside
}

func flagsOf(c *analyzetest.County, at int, slope string) (flags string, grade int) {
	for _, l := range []struct{ layer, flag string }{{"redline", " in_redline"}, {"urban", " in_ugb"}, {"soil", " soil_strict"}, {"approval", " approved_use"}} {
		for _, k := range c.Layer(l.layer, "2024").On(at) {
			if l.layer != "soil" || c.Layer("soil", "2024").Text(k, "TRHJLB") == "3" {
				flags += l.flag
				break
			}
		}
	}
	if slope == "5" {
		flags += " slope5"
	}
	q := c.Layer("quality", "2024")
	for _, k := range q.On(at) {
		grade = max(grade, int(q.Features[k].Values[0].(int64)))
	}
	if flags != "" {
		flags = flags[1:]
	}
	return flags, grade
}

// same tells whether two pieces are one to 0.01 m²: the last hundredth that two parts of
// equal size contend for goes to either.
func same(a, b outsidePiece) bool {
	for _, d := range []analyze.Area{a.area - b.area, a.patch - b.patch, a.crop - b.crop} {
		if d < -1 || d > 1 {
			return false
		}
	}
	return a.flags == b.flags && a.state == b.state && a.grade == b.grade
}

// Every piece, flag, grade and sum is what a count of cells finds, to 0.01 m².
func TestHSFOutsidePBFByCells(t *testing.T) {
	pieces, flagged := 0, 0
	for seed := range uint64(25) {
		c := restrictedCounty(seed)
		want, hsf, inside, outside := countOutside(c)
		r := run(t, c.Index(t), analyze.Request{Question: "hsf-outside-pbf"}, analyze.Options{})
		list, sum := table(t, r, "hsf_not_pbf"), table(t, r, "hsf_not_pbf_sum")
		got := map[string][]outsidePiece{}
		for i := range list.Rows {
			p := outsidePiece{grade: cell(list, i, "gddj"), area: cell(list, i, "area").(analyze.Area), patch: cell(list, i, "patch").(analyze.Area), crop: cell(list, i, "crop").(analyze.Area)}
			p.flags, _ = cell(list, i, "flags").(string)
			p.state, _ = cell(list, i, "zldj").(string)
			if eligible := cell(list, i, "eligible").(bool); eligible != (p.flags == "") {
				t.Errorf("seed %d: eligible is %v with flags %q", seed, eligible, p.flags)
			}
			code := cell(list, i, "bsm").(string)
			got[code] = append(got[code], p)
			pieces++
			if p.flags != "" {
				flagged++
			}
		}
		for code := range got {
			slices.SortFunc(got[code], func(a, b outsidePiece) int { return cmp.Compare(a.flags, b.flags) })
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d patches have pieces, want %d", seed, len(got), len(want))
		}
		for code := range want {
			if !slices.EqualFunc(got[code], want[code], same) {
				t.Errorf("seed %d, patch %s: %+v, want %+v", seed, code, got[code], want[code])
			}
		}
		for _, x := range []struct {
			name      string
			got, want analyze.Area
		}{{"hsf_crop", total(sum, "hsf_crop"), hsf}, {"pbf_crop", total(sum, "pbf_crop"), inside}, {"crop", total(sum, "crop"), outside}, {"listed", total(list, "crop"), outside}} {
			if off := x.got - x.want; off < -3 || off > 3 {
				t.Errorf("seed %d: %s is %d, want %d", seed, x.name, x.got, x.want)
			}
		}
		if len(r.Identities) == 0 || hsf != inside+outside {
			t.Errorf("seed %d: %d identities; %d is not %d and %d", seed, len(r.Identities), hsf, inside, outside)
		}
	}
	if pieces < 100 || flagged < 20 {
		t.Errorf("only %d pieces, %d with flags: nothing was tried", pieces, flagged)
	}
}

// At a gap of 0 m, what a piece joins is the tracts whose cells its own touch, and the
// border that it shares is the sides between the two. Rows come by eligibility, grade
// and gain.
func TestHSFOutsidePBFGainByCells(t *testing.T) {
	text := strings.Replace(string(analyze.RulesText()), "gap_m: {value: 20", "gap_m: {value: 0", 1)
	rules, err := analyze.ParseRules("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	alone, joined := 0, 0
	for seed := range uint64(8) {
		c := retiringCounty(seed)
		for _, name := range []string{"redline", "urban", "approval"} {
			c.Layers = append(c.Layers, &analyzetest.Layer{Name: name, Vintage: "2024", Fields: analyzetest.Fields("BSM")})
		}
		for i := range c.Layer("hsf", "2024").Features {
			c.Layer("hsf", "2024").Set(i, "STAGE", "验收")
		}
		want, _, _, _ := countOutside(c)
		of, tracts := tractsByCells(c)
		pbf := c.Layer("pbf", "2024")
		r := run(t, c.Index(t), analyze.Request{Question: "hsf-outside-pbf"}, analyze.Options{Rules: rules})
		list := table(t, r, "hsf_not_pbf")
		last := []float64{0, 0, 0}
		for i := range list.Rows {
			flags, _ := cell(list, i, "flags").(string)
			pieces := want[cell(list, i, "bsm").(string)]
			p := pieces[slices.IndexFunc(pieces, func(p outsidePiece) bool { return p.flags == flags })]
			touched := map[int]bool{}
			shared := 0.0
			for _, at := range p.cells {
				for _, n := range touching(c, at) {
					for _, k := range pbf.On(n) {
						touched[of[k]] = true
					}
					if len(pbf.On(n)) > 0 {
						shared += sideM(c, at, n)
					}
				}
			}
			gain := 0.0
			for k := range touched {
				for at := range tracts[k] {
					gain += c.Area(at)
				}
			}
			if got := float64(cell(list, i, "gain").(analyze.Area)) / 100; math.Abs(got-gain) > 0.5 {
				t.Errorf("seed %d: %v joins %.2f m², want %.2f", seed, cell(list, i, "piece_id"), got, gain)
			}
			if got := cell(list, i, "shared_len_m").(float64); math.Abs(got-shared) > 0.01+1e-3*shared {
				t.Errorf("seed %d: %v shares %.3f m, want %.3f", seed, cell(list, i, "piece_id"), got, shared)
			}
			if cell(list, i, "comp_area_after") != cell(list, i, "gain").(analyze.Area)+cell(list, i, "area").(analyze.Area) {
				t.Errorf("seed %d: the tract after is not the gain and the piece", seed)
			}
			if gain == 0 {
				alone++
			} else {
				joined++
			}
			key := []float64{0, 11, -gain}
			if flags != "" {
				key[0] = 1
			}
			if g, ok := cell(list, i, "gddj").(int64); ok {
				key[1] = float64(g)
			}
			if i > 0 && (key[0] < last[0] || key[0] == last[0] && (key[1] < last[1] || key[1] == last[1] && key[2] < last[2]-1)) || cell(list, i, "rank") != int64(i+1) {
				t.Errorf("seed %d: row %d, %v, comes after %v", seed, i, key, last)
			}
			last = key
		}
	}
	if alone < 3 || joined < 20 {
		t.Errorf("%d pieces alone, %d joined: nothing was tried", alone, joined)
	}
}

// sideM is the length of the side that two cells share, in metres; 0 for a corner.
func sideM(c *analyzetest.County, a, b int) float64 {
	at := geo.Position{Lon: analyzetest.West + int64(a%c.W)*analyzetest.Step, Lat: analyzetest.South + int64(max(a/c.W, b/c.W))*analyzetest.Step}
	plane := geo.NewEqualAreaPlane(at)
	switch {
	case a%c.W == b%c.W && a != b:
		return plane.To(geo.Position{Lon: at.Lon + analyzetest.Step, Lat: at.Lat}).X
	case a/c.W == b/c.W && a != b:
		return plane.To(geo.Position{Lon: at.Lon, Lat: at.Lat + analyzetest.Step}).Y
	}
	return 0
}

// Sums of places add up to those of the places above them, and the list's parts of a
// place to the place's.
func TestHSFOutsidePBFByPlace(t *testing.T) {
	ix := restrictedCounty(3).Index(t)
	sums := map[areas.Level]analyze.Area{}
	for _, by := range areas.Levels {
		r := run(t, ix, analyze.Request{Question: "hsf-outside-pbf", By: by}, analyze.Options{})
		sum := table(t, r, "hsf_not_pbf_sum")
		sums[by] = total(sum, "crop")
		for i := range sum.Rows {
			place := cell(sum, i, "xzqdm").(string)
			part := run(t, ix, analyze.Request{Question: "hsf-outside-pbf", By: by, Place: place}, analyze.Options{})
			of := table(t, part, "hsf_not_pbf_sum")
			if len(of.Rows) != 1 || fmt.Sprint(of.Rows[0]) != fmt.Sprint(sum.Rows[i]) {
				t.Errorf("%s alone is %v, among the others %v", place, of.Rows, sum.Rows[i])
			}
		}
		if most := map[areas.Level]int{"province": 1, "prefecture": 1, "county": 1, "township": 2, "village": 4, "group": 8}[by]; len(sum.Rows) > most || 2*len(sum.Rows) <= most {
			t.Errorf("%d places by %s", len(sum.Rows), by)
		}
	}
	for by, sum := range sums {
		if sum != sums["county"] || sum == 0 {
			t.Errorf("by %s the sum is %d, by county %d", by, sum, sums["county"])
		}
	}
}

// Shapes have the areas of their rows, and neither share ground with each other nor
// leave any of it out.
func TestHSFOutsidePBFShapes(t *testing.T) {
	for seed := range uint64(6) {
		r := run(t, restrictedCounty(seed).Index(t), analyze.Request{Question: "hsf-outside-pbf"}, analyze.Options{})
		s := r.Shapes[0]
		if len(s.Table.Rows) == 0 {
			t.Fatal("no rows")
		}
		for i := range s.Table.Rows {
			g, err := s.Geometry(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := geo.Area(g), float64(cell(s.Table, i, "area").(analyze.Area))/100; math.Abs(got-want) > 0.01 {
				t.Errorf("seed %d: the shape of %v has %.3f m², the row %.2f", seed, cell(s.Table, i, "piece_id"), got, want)
			}
		}
	}
}

// The questions have the same answers for any number of workers.
func TestPBFSame(t *testing.T) {
	for question, c := range map[string]*analyzetest.County{"hsf-outside-pbf": restrictedCounty(5), "pbf-not-hsf": builtCounty(5), "pbf-to-retire": retiringCounty(5)} {
		ix := c.Index(t)
		rules := retireRules(t, "fragile_share", "fragment_m2", "gap_m")
		first := ""
		for _, workers := range []int{1, 2, 7} {
			r := run(t, ix, analyze.Request{Question: question, By: "village"}, analyze.Options{Workers: workers, Rules: rules})
			text := fmt.Sprint(r.Run, r.Notes, r.Identities, r.Layers)
			for _, x := range r.Tables {
				text += fmt.Sprintf("%q", x.Rows)
			}
			if first == "" {
				first = text
			}
			if text != first {
				t.Errorf("%s: %d workers have another answer", question, workers)
			}
		}
	}
}

// A context that has ended ends the questions.
func TestPBFCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ix := retiringCounty(5).Index(t)
	for _, question := range []string{"hsf-outside-pbf", "pbf-not-hsf", "pbf-to-retire"} {
		if _, err := analyze.Run(ctx, ix, analyze.Request{Question: question}, analyze.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", question, err)
		}
	}
}

// Layers that are not there leave their flags open, and are told.
func TestHSFOutsidePBFMissing(t *testing.T) {
	c := analyzetest.New(4, 20, 20, 60)
	r := run(t, c.Index(t), analyze.Request{Question: "hsf-outside-pbf"}, analyze.Options{})
	list := table(t, r, "hsf_not_pbf")
	for i := range list.Rows {
		for _, flag := range []string{"in_redline", "in_ugb", "soil_strict", "approved_use", "unstable", "gddj"} {
			if v := cell(list, i, flag); v != nil {
				t.Fatalf("%s is %v without a layer", flag, v)
			}
		}
		if cell(list, i, "slope5") == nil {
			t.Fatal("slope5 is open though GDPDJB is there")
		}
	}
	missing := []string{}
	for _, l := range r.Layers {
		if l.Missing {
			missing = append(missing, l.Layer)
		}
	}
	if !slices.Equal(missing, []string{"redline", "urban", "soil", "approval", "quality"}) {
		t.Errorf("missing are %v", missing)
	}
}
