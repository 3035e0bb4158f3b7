package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

// Whatever is not understood is refused, with its line, in both languages.
func TestParse(t *testing.T) {
	good := string(policy.DefaultText())
	change := func(old, now string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the embedded policy has no %q", old)
		}
		return strings.Replace(good, old, now, 1)
	}
	line := func(of string) string {
		return fmt.Sprint("line ", 1+strings.Count(good[:strings.Index(good, of)], "\n"))
	}
	for name, c := range map[string]struct{ text, says string }{
		"empty":                                 {"", "empty"},
		"no tier":                               {"name: x\n", "names no tier"},
		"a word misspelt":                       {change("max_zoom: 14", "max_zom: 14"), line("max_zoom: 14")},
		"a layer's word misspelt":               {change("{dissolve: true}", "{disolve: true}"), line("{dissolve: true}")},
		"no YAML":                               {"a: [", "line 1"},
		"a second document":                     {good + "\n---\nname: y\n", "second document"},
		"a key twice":                           {change("max_zoom: 14", "grid_m: 0"), "stands in line"},
		"another tier":                          {change("  public:\n", "  secure:\n"), "tiers.secure"},
		"a negative grid":                       {change("grid_m: 25", "grid_m: -1"), line("grid_m: 25") + ": tiers.public.grid_m"},
		"a grid that is no number":              {change("grid_m: 25", "grid_m: .nan"), "tiers.public.grid_m"},
		"a grid of centimetres":                 {change("grid_m: 25", "grid_m: 0.01"), "tiers.public.grid_m"},
		"an endless area":                       {change("max_aoi_m2: 25000000", "max_aoi_m2: .inf"), "max_aoi_m2"},
		"areas the wrong way":                   {change("max_aoi_m2: 25000000\n    min_aoi_m2: 0", "max_aoi_m2: 25000000\n    min_aoi_m2: 1e10"), "min_aoi_m2"},
		"a grid finer than it says":             {change("grid_m: 25", "grid_m: 24"), line("precision_m: 10") + ": tiers.public.precision_m: a grid of 24 m has a mean error of 9.8 m, not of 10 m: grid_m must be 25 at least"},
		"a precision of no grid":                {change("precision_m: 0", "precision_m: 1"), "tiers.government.precision_m"},
		"cells that are no multiple":            {change("generalise_m: 0", "generalise_m: 30"), "tiers.public.generalise_m"},
		"a layer's cells too fine":              {change("cropland: {dissolve: true}", "cropland: {dissolve: true, generalise_m: 12.5}"), "layers.cropland.generalise_m"},
		"small patches of no grid":              {change("min_patch_m2: 0", "min_patch_m2: 10"), "tiers.government.min_patch_m2"},
		"small patches misspelt":                {change("small_patches: merge", "small_patches: drop"), "small_patches"},
		"a layer's zooms beyond":                {change("region: {fields: [XZQDM, XZQMC]}", "region: {zooms: [5, 15]}"), "tiers.public.layers.region.zooms: the zooms are [5 15]; write [0, 14]"},
		"one zoom":                              {change("region: {fields: [XZQDM, XZQMC]}", "region: {zooms: [5]}"), "layers.region.zooms"},
		"a grid left open":                      {"tiers: {public: {max_zoom: 14, grid_m: , layers: {hsf: {}}}}", "line 1: tiers.public.grid_m: nothing stands behind it"},
		"groups left open":                      {change("groups: any", "groups:"), line("groups: any") + ": tiers.government.groups"},
		"an exception left open":                {change("soil: {fields: known, except: [BZ]}", "soil: {fields: known, except: }"), "layers.soil.except"},
		"zooms the wrong way":                   {change("min_zoom: 0\n    max_zoom: 14", "min_zoom: 15\n    max_zoom: 14"), "tiers.public.min_zoom"},
		"a step of half a cent":                 {change("round_m2: 0", "round_m2: 0.005"), "round_m2"},
		"totals and pieces":                     {change("totals_only: false", "totals_only: true"), "tiers.government.totals_only"},
		"totals and groups":                     {change("JSND, JCND, XZQDM, XZQMC]\n    totals_only: false", "JSND]\n    totals_only: true"), "tiers.public.totals_only"},
		"groups of another word":                {change("groups: any", "groups: all"), "any, none"},
		"an analysis that is none":              {change("analyses: any", "analyses: [Over lay]"), "analyses.Over lay"},
		"an approver without a name":            {change("approved_by: []", `approved_by: [""]`), "approved_by"},
		"a zoom too high":                       {change("max_zoom: 14", "max_zoom: 19"), "max_zoom"},
		"ten digits":                            {change("place_digits: 9", "place_digits: 10"), "place_digits"},
		"fields of another word":                {change("dltb: {fields: known", "dltb: {fields: all"), "known or a list"},
		"a personal field":                      {change("fields: [XMMC,", "fields: [LXDH,"), "layers.hsf.fields.LXDH"},
		"a personal field elsewhere":            {change("region: {fields: [XZQDM, XZQMC]}", "soil: {fields: [LXDH]}"), "layers.soil.fields.LXDH"},
		"no standard field":                     {change("fields: [XMMC,", "fields: [XMMD,"), "layers.hsf.fields.XMMD"},
		"an exception misspelt":                 {change("except: [LXR, LXDH]", "except: [LXR, LXDJ]"), "except.LXDJ"},
		"an exception from a list":              {change("fields: [XMMC,", "except: [XMLX], fields: [XMMC,"), "except"},
		"dissolved with fields":                 {change("{dissolve: true}", "{dissolve: true, fields: [BSM]}"), "fields"},
		"dissolved without grid":                {change("grid_m: 25\n    precision_m: 10", "as_surveyed: true\n    precision_m: 0"), "tiers.public.min_patch_m2"},
		"dissolved without any":                 {"tiers: {public: {max_zoom: 14, layers: {cropland: {dissolve: true}}}}", "line 1: tiers.public.layers.cropland.dissolve"},
		"public without a word on geometry":     {"name: x\ntiers:\n  public:\n    max_zoom: 14\n    layers: {hsf: {}}\n", "line 3: tiers.public: without a grid public would be as fine as it was surveyed: write grid_m (such as grid_m: 25 and precision_m: 10), or as_surveyed: true"},
		"public of no grid":                     {"tiers: {public: {max_zoom: 14, grid_m: 0, layers: {hsf: {}}}}", "line 1: tiers.public: without a grid"},
		"public said not to be as surveyed":     {"tiers: {public: {max_zoom: 14, as_surveyed: false, layers: {hsf: {}}}}", "tiers.public: without a grid"},
		"government without a word on geometry": {"tiers: {government: {max_zoom: 14, layers: {hsf: {}}}}", "line 1: tiers.government: nothing says how fine shapes are"},
		"as surveyed on a grid":                 {change("precision_m: 10", "precision_m: 10\n    as_surveyed: true"), "tiers.public.as_surveyed"},
		"a layer named all":                     {change("cropland: {dissolve", "all: {dissolve"), "layers.all"},
		"too long":                              {strings.Repeat("#", 2<<20), "limit"},
	} {
		_, err := policy.Parse("p.yaml", []byte(c.text))
		p := problem.Of(err)
		if p == nil || p.Code != "POLICY_FILE" || p.File != "p.yaml" {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if !strings.Contains(p.Text(problem.English), c.says) || strings.Contains(p.Text(problem.Chinese)+p.Text(problem.English), "%!") {
			t.Errorf("%s: it says %s", name, p.Text(problem.English))
		}
	}
	p, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tiers) != 2 || p.Tiers[edition.Public].GridM != 25 || p.Tiers[edition.Government].GridM != 0 || !p.Tiers[edition.Public].Layers["cropland"].Dissolve {
		t.Errorf("the embedded policy is %+v", p)
	}
	if e := policy.Everything(); !e.Pieces || e.GridM != 0 {
		t.Errorf("secure holds %+v", e)
	}
}

// What says how fine shapes are is sound, files from before there was as_surveyed, too.
func TestSaysHowFine(t *testing.T) {
	for _, text := range []string{
		"tiers: {public: {max_zoom: 14, as_surveyed: true, layers: {hsf: {}}}}",
		"tiers: {public: {max_zoom: 14, grid_m: 1, layers: {hsf: {}}}}",
		"tiers: {government: {max_zoom: 14, grid_m: 0, layers: {hsf: {}}}}",
		"tiers: {government: &g {max_zoom: 14, grid_m: 25, layers: {hsf: {}}}, public: *g}",
		"tiers: {government: &g {max_zoom: 14, grid_m: 0, layers: {hsf: {}}}, public: {<<: *g, grid_m: 25}}",
		"tiers: {public: &g {max_zoom: 14, grid_m: 25, layers: {hsf: {}}}, government: {<<: *g, grid_m: 0}}",
		"tiers: {public: &g {max_zoom: 14, grid_m: 25, layers: {hsf: {}}}, government: {<<: [*g]}}",
	} {
		if _, err := policy.Parse("p.yaml", []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// All that is wrong is told at once, each with its own line, and what is right with none.
func TestJudge(t *testing.T) {
	text := strings.NewReplacer("grid_m: 25", "grid_m: -1", "max_zoom: 18", "max_zoom: 19", "[XMMC, JSND, JCND]}", "[XMMC, LXDH, ODD]}").Replace(string(policy.DefaultText()))
	_, found, err := policy.Judge("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		place, _, _ := strings.Cut(p.Found(problem.English), ": tiers")
		at := 0
		if _, err := fmt.Sscanf(place, "line %d", &at); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(strings.Split(text, "\n")[at-1]))
	}
	want := []string{
		"max_zoom: 19", "grid_m: -1", "precision_m: 10",
		"hsf: {fields: [XMMC, LXDH, ODD]}", "hsf: {fields: [XMMC, LXDH, ODD]}",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if _, found, err := policy.Judge("p.yaml", policy.DefaultText()); err != nil || len(found) > 0 {
		t.Errorf("the embedded policy: %v, %v", found, err)
	}
}
