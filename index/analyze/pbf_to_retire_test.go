package analyze_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo"
)

// retiringCounty is a county with all that pbf-to-retire asks about.
func retiringCounty(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 36, 30, 220)
	rnd := rand.New(rand.NewPCG(seed, 62))
	plain := analyzetest.Fields("BSM")
	named := func(int) []any { return []any{""} }
	c.Rectangles(rnd, "fragile@2024", 3, 8, plain, named)
	c.Rectangles(rnd, "arid@2024", 3, 8, plain, named)
	c.Rectangles(rnd, "soil@2024", 6, 6, analyzetest.Fields("TRHJLB"), func(i int) []any { return []any{fmt.Sprint(1 + i%3)} })
	c.Rectangles(rnd, "quality@2024", 20, 20, analyzetest.Fields("GDDJ:integer"), func(i int) []any { return []any{int64(1 + i%10)} })
	reserve := c.Rectangles(rnd, "reserve@2024", 4, 6, analyzetest.Fields("BSM", "GDDJ:integer", "DYZT"), func(i int) []any {
		return []any{fmt.Sprint("R", i), int64(1 + i), []string{"未调用", "已调用"}[i%2]}
	})
	for i := range reserve.Features {
		reserve.Features[i].Patch = int64(math.Round(100 * c.AreaOf(reserve.Features[i].Cells)))
		reserve.Features[i].Net = reserve.Features[i].Patch * 9 / 10
	}
	pbf := c.Layer("pbf", "2024")
	pbf.Fields = append(pbf.Fields, analyzetest.Fields("QSDWDM", "FRDBS")...)
	for i := range pbf.Features {
		f := &pbf.Features[i]
		owner := f.Place[:12] + "0000000"
		if rnd.IntN(10) == 0 {
			owner = "6199019999990000000"
		}
		f.Values = append(f.Values, owner, []string{"", "0", "1"}[rnd.IntN(3)])
		pbf.Set(i, "GDDJ", int64(1+rnd.IntN(10)))
		// Some of it is alone, and some lies in another village than its record says.
		if rnd.IntN(12) == 0 {
			f.Place = "619901101209" + "01"
		}
	}
	// Much is taken away, so that tracts are small.
	pbf.Features = slices.DeleteFunc(pbf.Features, func(analyzetest.Feature) bool { return rnd.IntN(3) > 0 })
	return c
}

// retireRules are the embedded rules with a gap of 0 m and tracts below 2,500 m² small;
// confirmed are the names of thresholds that an officer answers for.
func retireRules(t testing.TB, confirmed ...string) *analyze.Rules {
	t.Helper()
	text := string(analyze.RulesText())
	for _, name := range []string{"enclave_m2", "fragment_m2"} {
		text = strings.Replace(text, name+": {value: 3333.33", name+": {value: 2500", 1)
	}
	at := strings.Index(text, "pbf-to-retire:")
	text = text[:at] + strings.Replace(text[at:], "gap_m: {value: 20", "gap_m: {value: 0", 1)
	lines := strings.Split(text, "\n")
	for i := range lines {
		for _, name := range confirmed {
			if strings.HasPrefix(strings.TrimSpace(lines[i]), name+":") {
				lines[i] = strings.Replace(lines[i], "confirmed: false", "confirmed: true", 1)
			}
		}
	}
	r, err := analyze.ParseRules("rules.yaml", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tractsByCells returns of each patch of basic farmland the number of its tract, and the
// cells of each tract: cells that touch, at corners too, hang together.
func tractsByCells(c *analyzetest.County) (of []int, tracts []map[int]bool) {
	pbf := c.Layer("pbf", "2024")
	of = make([]int, len(pbf.Features))
	for i := range of {
		of[i] = -1
	}
	for i := range of {
		if of[i] >= 0 {
			continue
		}
		set := map[int]bool{}
		stack := []int{i}
		of[i] = len(tracts)
		for len(stack) > 0 {
			f := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, at := range pbf.Features[f].Cells {
				set[at] = true
				for _, n := range touching(c, at) {
					for _, k := range pbf.On(n) {
						if of[k] < 0 {
							of[k] = len(tracts)
							stack = append(stack, k)
						}
					}
				}
			}
		}
		tracts = append(tracts, set)
	}
	return of, tracts
}

// touching returns a cell and those that touch it.
func touching(c *analyzetest.County, at int) []int {
	var out []int
	for y := max(at/c.W-1, 0); y <= min(at/c.W+1, c.H-1); y++ {
		for x := max(at%c.W-1, 0); x <= min(at%c.W+1, c.W-1); x++ {
			out = append(out, y*c.W+x)
		}
	}
	return out
}

// enclaveByCells tells whether a tract is of one village, and the patches of the survey
// that touch it and are not wholly on it of others.
func enclaveByCells(c *analyzetest.County, tract map[int]bool, members []int) bool {
	pbf, d := c.Layer("pbf", "2024"), c.Layer("dltb", "2024")
	village := pbf.Features[members[0]].Place[:12]
	for _, k := range members {
		if pbf.Features[k].Place[:12] != village {
			return false
		}
	}
	others := 0
	for at := range tract {
		for _, n := range touching(c, at) {
			for _, k := range d.On(n) {
				if !slices.ContainsFunc(d.Features[k].Cells, func(x int) bool { return !tract[x] }) {
					continue
				}
				if d.Features[k].Place[:12] == village {
					return false
				}
				others++
			}
		}
	}
	return others > 0
}

// Each row's flags and shares are those of a count of cells.
func TestPBFToRetireByCells(t *testing.T) {
	rules := retireRules(t)
	seen := map[string]int{}
	for seed := range uint64(12) {
		c := retiringCounty(seed)
		pbf, d := c.Layer("pbf", "2024"), c.Layer("dltb", "2024")
		of, tracts := tractsByCells(c)
		members := make([][]int, len(tracts))
		for i, k := range of {
			members[k] = append(members[k], i)
		}
		want := map[string]string{}
		for i := range pbf.Features {
			f := &pbf.Features[i]
			var off, fragile, arid, soil float64
			for _, at := range f.Cells {
				a := c.Area(at)
				if k := d.On(at); len(k) == 0 || d.Text(k[0], "DLBM")[:2] != "01" {
					off += a
				}
				if len(c.Layer("fragile", "2024").On(at)) > 0 {
					fragile += a
				}
				if len(c.Layer("arid", "2024").On(at)) > 0 {
					arid += a
				}
				for _, k := range c.Layer("soil", "2024").On(at) {
					if c.Layer("soil", "2024").Text(k, "TRHJLB") == "3" {
						soil += a
						break
					}
				}
			}
			all := c.AreaOf(f.Cells)
			set := make([]int, 0, len(tracts[of[i]]))
			for at := range tracts[of[i]] {
				set = append(set, at)
			}
			small := c.AreaOf(set) < 2500
			r4 := pbf.Text(i, "QSDWDM")[:12] != f.Place[:12] || pbf.Text(i, "FRDBS") == "1" || small && enclaveByCells(c, tracts[of[i]], members[of[i]])
			flags := func(soil bool) string {
				s := fmt.Sprint(off/all >= 0.1, fragile/all >= 0.5, arid/all >= 0.5, soil, r4, small)
				if s == "false false false false false false" {
					return ""
				}
				return s
			}
			code := pbf.Text(i, "BSM")
			switch {
			case soil == 0:
				want[code] = flags(false)
			case soil > all-1:
				want[code] = flags(true)
			default:
				want[code+"-R3"], want[code+"-1"] = flags(true), flags(false)
			}
		}
		r := run(t, c.Index(t), analyze.Request{Question: "pbf-to-retire"}, analyze.Options{Rules: rules})
		list := table(t, r, "pbf_retire")
		for i := range list.Rows {
			id := cell(list, i, "piece_id").(string)
			got := ""
			for _, n := range []string{"r0", "r1", "r2", "r3", "r4", "r5"} {
				got += " " + fmt.Sprint(cell(list, i, n))
				if cell(list, i, n) == true {
					seen[n]++
				}
			}
			if why, ok := cell(list, i, "r4_why").(string); ok && strings.Contains(why, "enclave") {
				seen["enclave"]++
			}
			if got[1:] != want[id] {
				t.Errorf("seed %d: %s is flagged %s, want %s (%v)", seed, id, got, want[id], cell(list, i, "r4_why"))
			}
			if p := cell(list, i, "proposal"); p != nil {
				t.Errorf("seed %d: %s is proposed %v, though no rule is confirmed", seed, id, p)
			}
			delete(want, id)
		}
		for id, flags := range want {
			if flags != "" {
				t.Errorf("seed %d: %s is not listed, want %s", seed, id, flags)
			}
		}
	}
	for _, n := range []string{"r0", "r1", "r2", "r3", "r4", "r5", "enclave"} {
		if seen[n] == 0 {
			t.Errorf("%s was not tried: %v", n, seen)
		}
	}
}

// What is proposed keeps the balance: as much comes in, the mean grade gets no worse, no
// violation and no unconfirmed rule is behind it, and shapes have their rows' areas.
func TestPBFToRetireBalance(t *testing.T) {
	rules := retireRules(t, "fragile_share", "strict_soil", "fragment_m2", "gap_m")
	proposed, refused := 0, 0
	for seed := range uint64(10) {
		r := run(t, retiringCounty(seed).Index(t), analyze.Request{Question: "pbf-to-retire"}, analyze.Options{Rules: rules})
		list, sum := table(t, r, "pbf_retire"), table(t, r, "pbf_balance")
		out := analyze.Area(0)
		for i := range list.Rows {
			p, sure := cell(list, i, "proposal"), cell(list, i, "r1") == true || cell(list, i, "r3") == true || cell(list, i, "r5") == true
			if p != nil && (!sure || cell(list, i, "r0") == true) {
				t.Errorf("seed %d: %v is proposed %v without a confirmed rule, or though it is a violation", seed, cell(list, i, "piece_id"), p)
			}
			if sure && p == nil && cell(list, i, "r0") == false {
				t.Errorf("seed %d: %v is left open", seed, cell(list, i, "piece_id"))
			}
			switch p {
			case true:
				proposed++
				out += cell(list, i, "crop").(analyze.Area)
			case false:
				refused++
			}
			g, err := r.Shapes[0].Geometry(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := geo.Area(g), float64(cell(list, i, "area").(analyze.Area))/100; math.Abs(got-want) > 0.01 {
				t.Errorf("seed %d: the shape of %v has %.3f m², the row %.2f", seed, cell(list, i, "piece_id"), got, want)
			}
		}
		if len(sum.Rows) != 1 {
			t.Fatalf("%d counties", len(sum.Rows))
		}
		get := func(name string) analyze.Area { return cell(sum, 0, name).(analyze.Area) }
		if get("out") != out || get("net") != get("in")+get("reserve")-out || get("net") < 0 {
			t.Errorf("seed %d: %v does not balance, %d are proposed", seed, sum.Rows[0], out)
		}
		if get("in") > get("in_available") || get("reserve") > get("reserve_available") {
			t.Errorf("seed %d: more comes in than there is: %v", seed, sum.Rows[0])
		}
		if before, after := cell(sum, 0, "mean_grade_before").(float64), cell(sum, 0, "mean_grade_after").(float64); after > before+1e-12 {
			t.Errorf("seed %d: the mean grade gets worse, %v to %v", seed, before, after)
		}
		if out > 0 && get("contiguity_before") == get("contiguity_after") {
			t.Errorf("seed %d: %d retire and the mesh is as before", seed, out)
		}
	}
	if proposed < 5 || refused < 5 {
		t.Errorf("%d proposed, %d refused: nothing was tried", proposed, refused)
	}
}

// A county into which nothing can come, without a reserve and with no high-standard
// farmland that would be accepted, lets nothing retire.
func TestPBFToRetireWithoutSupply(t *testing.T) {
	rules := retireRules(t, "fragile_share", "strict_soil", "fragment_m2", "gap_m")
	refused := 0
	for seed := range uint64(4) {
		c := retiringCounty(seed)
		c.Layer("reserve", "2024").Features = nil
		c.Layer("hsf", "2024").Features = nil
		r := run(t, c.Index(t), analyze.Request{Question: "pbf-to-retire"}, analyze.Options{Rules: rules})
		list, sum := table(t, r, "pbf_retire"), table(t, r, "pbf_balance")
		for i := range list.Rows {
			sure := cell(list, i, "r0") == false && (cell(list, i, "r1") == true || cell(list, i, "r3") == true || cell(list, i, "r5") == true)
			switch p := cell(list, i, "proposal"); {
			case sure && p == false:
				refused++
			case sure || p != nil:
				t.Errorf("seed %d: %v is proposed %v, though nothing comes in for it", seed, cell(list, i, "piece_id"), p)
			}
		}
		for i := range sum.Rows {
			for _, name := range []string{"out", "in", "reserve", "net", "in_available", "reserve_available"} {
				if v := cell(sum, i, name); v != analyze.Area(0) {
					t.Errorf("seed %d: %s is %v", seed, name, v)
				}
			}
			if before, after := cell(sum, i, "contiguity_before"), cell(sum, i, "contiguity_after"); before != after {
				t.Errorf("seed %d: nothing retires and the mesh goes from %v to %v", seed, before, after)
			}
		}
	}
	if refused < 5 {
		t.Errorf("%d refused: nothing was tried", refused)
	}
}
