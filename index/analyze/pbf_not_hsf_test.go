package analyze_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// builtCounty is a county some of whose parcels have no year, or that of their project,
// and with basic farmland that does not meet the conditions.
func builtCounty(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 36, 30, 160)
	rnd := rand.New(rand.NewPCG(seed, 63))
	c.Rectangles(rnd, "pbf_nocond@2024", 3, 9, analyzetest.Fields("BSM"), func(int) []any { return []any{""} })
	hsf := c.Layer("hsf", "2024")
	hsf.Fields = append(hsf.Fields, analyzetest.Fields("XMBH")...)
	for i := range hsf.Features {
		hsf.Features[i].Values = append(hsf.Features[i].Values, []any{"A", "B", ""}[rnd.IntN(3)])
		switch rnd.IntN(4) {
		case 0:
			hsf.Set(i, "JSND", nil)
		case 1:
			hsf.Set(i, "JSND", int64(2025))
		}
		if rnd.IntN(3) == 0 {
			hsf.Set(i, "ZLDJ", "需要提质改造")
		}
	}
	hsf.Set(0, "JSND", int64(2017))
	c.Rectangles(rnd, "hsf-project@2024", 3, 9, analyzetest.Fields("XMBH", "JSND:integer"), func(i int) []any {
		return []any{[]string{"A", "B", "B"}[i], int64(2019 + i)} // B has two years, and so none
	})
	return c
}

// yearOfParcel is what a person would read.
func yearOfParcel(c *analyzetest.County, i int) int {
	hsf := c.Layer("hsf", "2024")
	switch y := hsf.Text(i, "JSND"); {
	case y == "2025":
		return 0
	case y != "":
		var n int
		if _, err := fmt.Sscan(y, &n); err != nil {
			panic(err)
		}
		return n
	case hsf.Text(i, "XMBH") == "A":
		return 2019
	}
	return 0
}

// progressCount is what a count of cells finds of a village, in net m².
type progressCount struct {
	pbf, undated, ineligible, unbuilt float64
	built                             map[int]float64
}

func countProgress(c *analyzetest.County) map[string]*progressCount {
	out := map[string]*progressCount{}
	pbf, hsf, poor := c.Layer("pbf", "2024"), c.Layer("hsf", "2024"), c.Layer("pbf_nocond", "2024")
	for i := range pbf.Features {
		f := &pbf.Features[i]
		p := out[f.Place[:12]]
		if p == nil {
			p = &progressCount{built: map[int]float64{}}
			out[f.Place[:12]] = p
		}
		net := float64(f.Net) / 100
		p.pbf += net
		for _, at := range f.Cells {
			share := net * c.Area(at) / c.AreaOf(f.Cells)
			first, built := 0, false
			for _, h := range hsf.On(at) {
				built = true
				if y := yearOfParcel(c, h); y != 0 && (first == 0 || y < first) {
					first = y
				}
			}
			switch {
			case first != 0:
				p.built[first] += share
			case built:
				p.undated += share
			case len(poor.On(at)) > 0:
				p.ineligible += share
			default:
				p.unbuilt += share
			}
		}
	}
	return out
}

// slope is the least-squares slope by the normal equations.
func slope(y []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i, v := range y {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	n := float64(len(y))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// Every village and year has what a count of cells finds, but for the hundredths of each
// patch.
func TestPBFNotHSFByCells(t *testing.T) {
	undated, poor, on := 0.0, 0.0, map[bool]int{}
	for seed := range uint64(20) {
		c := builtCounty(seed)
		want := countProgress(c)
		r := run(t, c.Index(t), analyze.Request{Question: "pbf-not-hsf", By: "village"}, analyze.Options{})
		progress := table(t, r, "pbf_hsf_progress")
		for i := range progress.Rows {
			p := want[cell(progress, i, "xzqdm").(string)]
			year := int(cell(progress, i, "year").(int64))
			built := func(to int) float64 {
				sum := 0.0
				for y, v := range p.built {
					if y <= to {
						sum += v
					}
				}
				return sum
			}
			gap := p.pbf - p.ineligible - p.undated - built(year)
			var last []float64
			for y := year - 4; y <= year; y++ {
				last = append(last, built(y))
			}
			for _, x := range []struct {
				column string
				want   float64
			}{{"pbf", p.pbf}, {"ineligible", p.ineligible}, {"undated", p.undated}, {"built", built(year)}, {"gap", gap}, {"need_per_year", gap / float64(2035-year)}, {"trend_per_year", slope(last)}} {
				if got := float64(cell(progress, i, x.column).(analyze.Area)) / 100; math.Abs(got-x.want) > 0.3 {
					t.Errorf("seed %d, %v in %d: %s is %.2f, want %.2f", seed, cell(progress, i, "xzqdm"), year, x.column, got, x.want)
				}
			}
			if due := p.pbf - p.ineligible; math.Abs(cell(progress, i, "share").(float64)-(due-gap)/due) > 1e-6 {
				t.Errorf("seed %d: share is %v, want %v", seed, cell(progress, i, "share"), (due-gap)/due)
			}
			track := cell(progress, i, "on_track").(bool)
			if need := gap / float64(2035-year); track != (slope(last) >= need) && math.Abs(slope(last)-need) > 0.3 {
				t.Errorf("seed %d: on_track is %v, the trend %v, the need %v", seed, track, slope(last), need)
			}
			on[track]++
			undated += p.undated
			poor += p.ineligible
		}
		if len(progress.Rows) == 0 || cell(progress, len(progress.Rows)-1, "year") != int64(2024) {
			t.Errorf("seed %d: the years do not end with 2024", seed)
		}
		sum := 0.0
		for _, p := range want {
			sum += p.unbuilt + p.ineligible
		}
		if got := float64(total(table(t, r, "pbf_not_hsf"), "crop")) / 100; math.Abs(got-sum) > 0.5 {
			t.Errorf("seed %d: %.2f m² are listed, want %.2f", seed, got, sum)
		}
	}
	if undated == 0 || poor == 0 || on[true] == 0 || on[false] == 0 {
		t.Errorf("undated %v, without conditions %v, on track %v: nothing was tried", undated, poor, on)
	}
}

// Shapes have the areas of their rows.
func TestPBFNotHSFShapes(t *testing.T) {
	split := 0
	for seed := range uint64(5) {
		r := run(t, builtCounty(seed).Index(t), analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{})
		s := r.Shapes[0]
		for i := range s.Table.Rows {
			g, err := s.Geometry(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := geo.Area(g), float64(cell(s.Table, i, "area").(analyze.Area))/100; math.Abs(got-want) > 0.01 {
				t.Errorf("seed %d: the shape of %v has %.3f m², the row %.2f", seed, cell(s.Table, i, "piece_id"), got, want)
			}
			if cell(s.Table, i, "piece_id") != cell(s.Table, i, "bsm") {
				split++
			}
		}
	}
	if split == 0 {
		t.Error("no patch was split")
	}
}

// The order is by grade, then by the size of the tract; tracts are those that cells make.
func TestPBFNotHSFRank(t *testing.T) {
	r := run(t, builtCounty(2).Index(t), analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{})
	list := table(t, r, "pbf_not_hsf")
	type key struct {
		poor  int
		grade int64
		tract analyze.Area
	}
	var keys []key
	for i := range list.Rows {
		k := key{grade: 11, tract: -cell(list, i, "comp_area").(analyze.Area)}
		if !cell(list, i, "eligible").(bool) {
			k.poor = 1
		}
		if g, ok := cell(list, i, "gddj").(int64); ok {
			k.grade = g
		}
		keys = append(keys, k)
	}
	if !slices.IsSortedFunc(keys, func(a, b key) int {
		return slices.Compare([]int64{int64(a.poor), a.grade, int64(a.tract)}, []int64{int64(b.poor), b.grade, int64(b.tract)})
	}) {
		t.Error("rows are out of order")
	}
}

// Parcels without any year, and vintages that name none, leave years open.
func TestPBFNotHSFWithoutYears(t *testing.T) {
	c := analyzetest.New(6, 20, 20, 60)
	hsf := c.Layer("hsf", "2024")
	for i := range hsf.Features {
		hsf.Set(i, "JSND", nil)
	}
	r := run(t, c.Index(t), analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{})
	progress := table(t, r, "pbf_hsf_progress")
	if len(progress.Rows) != 1 {
		t.Fatalf("%d rows", len(progress.Rows))
	}
	if cell(progress, 0, "built") != analyze.Area(0) || cell(progress, 0, "undated").(analyze.Area) == 0 {
		t.Errorf("a year was guessed: %v", progress.Rows[0])
	}
	if pbf, undated, gap := cell(progress, 0, "pbf").(analyze.Area), cell(progress, 0, "undated").(analyze.Area), cell(progress, 0, "gap").(analyze.Area); pbf != undated+gap {
		t.Errorf("%d is not %d and %d", pbf, undated, gap)
	}
}

// A year field that there is not is refused.
func TestPBFNotHSFParameter(t *testing.T) {
	ix := analyzetest.New(6, 20, 20, 60).Index(t)
	_, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "pbf-not-hsf", Parameters: map[string]string{"year": "JSDN"}}, analyze.Options{})
	if err == nil {
		t.Fatal("the field JSDN was taken")
	}
}

// A patch of basic farmland without an area of record is told, and in no sum.
func TestPBFNotHSFUnrecorded(t *testing.T) {
	c := analyzetest.New(6, 20, 20, 60)
	pbf := c.Layer("pbf", "2024")
	pbf.Features[0].Net, pbf.Features[1].Net = index.NoArea, index.Computed(123)
	want := analyze.Area(0)
	for i := range pbf.Features {
		want += analyze.Area(max(pbf.Features[i].Net, 0))
	}
	progress := table(t, run(t, c.Index(t), analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{}), "pbf_hsf_progress")
	if got := cell(progress, 0, "pbf").(analyze.Area); got != want || cell(progress, 0, "n_unrecorded") != int64(2) {
		t.Errorf("the sum is %d of %v patches without, want %d of 2", got, cell(progress, 0, "n_unrecorded"), want)
	}
}

// Where the layer has no JSND its JCND is taken, which is told; a field that is asked for
// is taken whatever there is.
func TestPBFNotHSFYearField(t *testing.T) {
	c := analyzetest.New(6, 20, 20, 60)
	hsf := c.Layer("hsf", "2024")
	want := total(table(t, run(t, c.Index(t), analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{}), "pbf_hsf_progress"), "built")
	for i := range hsf.Fields {
		if hsf.Fields[i].Name == "JSND" {
			hsf.Fields[i].Name = "JCND"
		}
	}
	ix := c.Index(t)
	r := run(t, ix, analyze.Request{Question: "pbf-not-hsf"}, analyze.Options{})
	if got := total(table(t, r, "pbf_hsf_progress"), "built"); got != want || want == 0 {
		t.Errorf("by JCND %d is built, by JSND %d", got, want)
	}
	if !slices.ContainsFunc(r.Notes, func(n edition.Title) bool { return strings.Contains(n.Zh, "JCND") && strings.Contains(n.En, "JCND") }) {
		t.Errorf("JCND is not told: %v", r.Notes)
	}
	r = run(t, ix, analyze.Request{Question: "pbf-not-hsf", Parameters: map[string]string{"year": "JSND"}}, analyze.Options{})
	if got := total(table(t, r, "pbf_hsf_progress"), "built"); got != 0 {
		t.Errorf("by a field that there is not %d is built", got)
	}
}
