package analyze_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
)

// years is a county with PBF and HSF of both years, a layer of targets, and records that
// have no net area.
func years(seed uint64) *analyzetest.County {
	c := analyzetest.New(seed, 24, 16, 60)
	rnd := rand.New(rand.NewPCG(seed, 9))
	pbf, hsf := *c.Layer("pbf", "2024"), *c.Layer("hsf", "2024")
	pbf.Vintage, pbf.Features = "2023", slices.Clone(pbf.Features[3:])
	hsf.Vintage, hsf.Features = "2023", slices.Clone(hsf.Features[:2])
	target := &analyzetest.Layer{Name: "target", Vintage: "2024", Fields: analyzetest.Fields("BSM", "DLBM", "ZLDWDM")}
	for _, f := range c.Layer("pbf", "2024").Features {
		target.Features = append(target.Features, analyzetest.Feature{ID: f.ID + 5_000_000, Cells: f.Cells, Patch: f.Patch, Net: f.Net, Place: f.Place, Values: []any{fmt.Sprint(f.ID), "0102", f.Place}})
	}
	c.Layers = append(c.Layers, &pbf, &hsf, target)
	// Patches that lie on those of other villages, whose ground counts once.
	for _, vintage := range []string{"2023", "2024"} {
		l := c.Layer("dltb", vintage)
		for i := range 12 {
			set := append(slices.Clone(l.Features[i].Cells), l.Features[i+20].Cells...)
			l.Features[i].Cells = slices.Compact(slices.Sorted(slices.Values(set)))
		}
	}
	for range 3 {
		c.Layer("dltb", "2024").Features[rnd.IntN(40)].Net = index.NoArea
	}
	return c
}

// standingOf adds a layer up from its cells and records: net, patch and features' areas in
// 0.01 m², and ground once in m².
func standingOf(c *analyzetest.County, name, vintage string, digits int) (net, patch, gross map[string]analyze.Area, once map[string]float64) {
	net, patch, gross, once = map[string]analyze.Area{}, map[string]analyze.Area{}, map[string]analyze.Area{}, map[string]float64{}
	prefix := ""
	if name == "cropland" {
		name, prefix = "dltb", "01"
	}
	l := c.Layer(name, vintage)
	least := map[int]int{}
	for i := range l.Features {
		f := &l.Features[i]
		if prefix != "" && !strings.HasPrefix(l.Text(i, "DLBM"), prefix) {
			continue
		}
		p := f.Place[:min(len(f.Place), digits)]
		if f.Net != index.NoArea {
			net[p] += analyze.Area(f.Net)
		}
		patch[p] += analyze.Area(f.Patch)
		gross[p] += analyze.Area(math.Round(c.AreaOf(f.Cells) * 100))
		for _, cell := range f.Cells {
			if k, ok := least[cell]; !ok || f.ID < l.Features[k].ID {
				least[cell] = i
			}
		}
	}
	for cell, i := range least {
		p := l.Features[i].Place
		once[p[:min(len(p), digits)]] += c.Area(cell)
	}
	return net, patch, gross, once
}

// columnOf returns a column of areas by place, of the rows of a year.
func columnOf(t testing.TB, x *analyze.Table, column, year string) map[string]analyze.Area {
	t.Helper()
	out := map[string]analyze.Area{}
	for _, row := range x.Rows {
		if v, ok := row[x.Column(column)].(analyze.Area); ok && row[x.Column("year")] == year {
			out[row[0].(string)] = v
		}
	}
	return out
}

// roundings are what sums of many features' areas, each of 0.01 m², may be off by.
var roundings = map[string]int{"61": 9, "619901": 9}

func TestSummaryAgainstRecords(t *testing.T) {
	for seed := range uint64(4) {
		c := years(seed)
		for _, ix := range []*index.Index{c.Index(t), c.Partitioned(t)} {
			for _, level := range []areas.Level{"province", "county", "village", "group"} {
				r := ask(t, ix, analyze.Request{Question: "summary", By: level}, analyze.Options{})
				x, trend := tableOf(t, r, "dash_area"), tableOf(t, r, "dash_trend")
				var before map[string]analyze.Area
				for _, year := range []string{"2023", "2024"} {
					net, patch, _, once := standingOf(c, "cropland", year, level.Digits())
					for _, v := range []struct {
						column string
						want   map[string]analyze.Area
					}{{"crop", net}, {"crop_patch", patch}} {
						if d := cmp.Diff(v.want, columnOf(t, x, v.column, year), noZeros); d != "" {
							t.Errorf("seed %d, %s of %s by %s (-records +table):\n%s", seed, v.column, year, level, d)
						}
					}
					near(t, "ground of cropland", columnOf(t, x, "crop_area", year), once, roundings)
					bnet, _, _, _ := standingOf(c, "pbf", year, level.Digits())
					if d := cmp.Diff(bnet, columnOf(t, x, "pbf", year), noZeros); d != "" {
						t.Errorf("seed %d, pbf of %s by %s (-records +table):\n%s", seed, year, level, d)
					}
					_, _, gross, ground := standingOf(c, "hsf", year, level.Digits())
					near(t, "ground of HSF", columnOf(t, x, "hsf_area", year), ground, roundings)
					if d := cmp.Diff(gross, columnOf(t, x, "hsf_gross", year), noZeros); d != "" {
						t.Errorf("seed %d, HSF of %s by %s (-records +table):\n%s", seed, year, level, d)
					}
					if year == "2024" {
						delta := map[string]analyze.Area{}
						for p, v := range net {
							delta[p] = v - before[p]
						}
						if d := cmp.Diff(delta, columnOf(t, trend, "crop_delta", year), noZeros); d != "" {
							t.Errorf("seed %d, change of cropland by %s:\n%s", seed, level, d)
						}
					}
					before = net
				}
			}
		}
	}
}

// All columns of areas of finer places add up to those of wider ones, to the last unit.
func TestSummaryRollsUp(t *testing.T) {
	ix := years(2).Index(t)
	fine := tableOf(t, ask(t, ix, analyze.Request{Question: "summary", By: "group"}, analyze.Options{}), "dash_area")
	for _, level := range areas.Levels[:5] {
		wide := tableOf(t, ask(t, ix, analyze.Request{Question: "summary", By: level}, analyze.Options{}), "dash_area")
		for _, column := range []string{"crop", "crop_patch", "crop_area", "pbf", "pbf_patch", "pbf_area", "hsf_area", "hsf_gross"} {
			if d := cmp.Diff(sums(t, fine, column, level.Digits(), "xzqdm", "year"), sums(t, wide, column, 14, "xzqdm", "year"), noZeros); d != "" {
				t.Errorf("%s by %s (-groups +%[2]s):\n%s", column, level, d)
			}
		}
	}
}

// A target of the rules goes before that of the layer; both name where they come from.
func TestSummaryTargets(t *testing.T) {
	ix := years(1).Index(t)
	rules, err := ruled("summary", `
  targets:
    - {place: "619901", layer: cropland, mu: 120, source: 文件甲, confirmed: true}
    - {place: "619901", layer: pbf, mu: 60, source: 文件乙, confirmed: false}
  breaks:
    - {first: "2024", zh: 换了调查, source: test, confirmed: true}`)
	if err != nil {
		t.Fatal(err)
	}
	req := analyze.Request{Question: "summary", By: "county"}
	r := ask(t, ix, req, analyze.Options{Rules: rules})
	x := tableOf(t, r, "dash_area")
	row := x.Rows[len(x.Rows)-1]
	at := func(name string) any { return row[x.Column(name)] }
	if at("crop_target") != analyze.Area(80000*100) || at("crop_target_source") != "文件甲" || at("pbf_target") != analyze.Area(40000*100) || at("pbf_target_source") != "文件乙（未确认）" {
		t.Errorf("the targets of the rules are told as %v", row)
	}
	if got, want := at("crop_of_target"), float64(at("crop").(analyze.Area))/8e6; got != want {
		t.Errorf("cropland is %v of its target, it is %v", got, want)
	}
	trend := tableOf(t, r, "dash_trend")
	for i, want := range []any{nil, "换了调查"} {
		if got := trend.Rows[i][trend.Column("break")]; got != want {
			t.Errorf("row %d has the break %v, it should have %v", i, got, want)
		}
	}
	x = tableOf(t, ask(t, ix, req, analyze.Options{}), "dash_area")
	row = x.Rows[len(x.Rows)-1]
	want, _, _, _ := standingOf(years(1), "target", "2024", 6)
	if at("crop_target") != want["619901"] || at("pbf_target") != nil || !strings.Contains(at("crop_target_source").(string), "target@2024") {
		t.Errorf("the targets of the layer are told as %v", row)
	}
}

func TestSummaryRulesRefused(t *testing.T) {
	for _, bad := range []string{
		`{place: "61990", layer: cropland, mu: 1, source: x}`, `{place: "61990a", layer: cropland, mu: 1, source: x}`, `{place: "619901", layer: hsf, mu: 1, source: x}`,
		`{place: "619901", layer: pbf, mu: 0, source: x}`, `{place: "619901", layer: pbf, mu: .nan, source: x}`, `{place: "619901", layer: pbf, mu: 1}`,
		"{place: \"61\", layer: pbf, mu: 1, source: x}\n    - {place: \"61\", layer: pbf, mu: 2, source: x}",
	} {
		_, err := ruled("summary", "\n  targets:\n    - "+bad)
		if err == nil || !strings.Contains(err.Error(), "ANALYZE_RULES") || !strings.Contains(err.Error(), "line ") {
			t.Errorf("the target %s is answered by %v", bad, err)
		}
	}
	if _, err := ruled("summary", ` {targets: [{place: "61", layer: pbf, mu: 1, source: x}]}`); err != nil {
		t.Errorf("a target that is right: %v", err)
	}
}

// ruled returns the embedded rules with another section.
func ruled(section, text string) (*analyze.Rules, error) {
	lines := strings.Split(string(analyze.RulesText()), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, section+":") })
	end := first + 1
	for end < len(lines) && (strings.HasPrefix(lines[end], " ") || lines[end] == "") {
		end++
	}
	lines = slices.Replace(lines, first, end, section+":"+text)
	return analyze.ParseRules("rules.yaml", []byte(strings.Join(lines, "\n")))
}
