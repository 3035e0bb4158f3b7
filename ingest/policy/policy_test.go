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
		"empty":                      {"", "empty"},
		"no tier":                    {"name: x\n", "names no tier"},
		"a word misspelt":            {change("max_zoom: 14", "max_zom: 14"), line("max_zoom: 14")},
		"a layer's word misspelt":    {change("{dissolve: true}", "{disolve: true}"), line("{dissolve: true}")},
		"no YAML":                    {"a: [", "line 1"},
		"a second document":          {good + "\n---\nname: y\n", "second document"},
		"a key twice":                {change("max_zoom: 14", "grid_m: 0"), "already defined"},
		"another tier":               {change("  public:\n", "  secure:\n"), "tiers.secure"},
		"a negative grid":            {change("grid_m: 25", "grid_m: -1"), line("grid_m: 25") + ": tiers.public.grid_m"},
		"a grid that is no number":   {change("grid_m: 25", "grid_m: .nan"), "tiers.public.grid_m"},
		"a grid of centimetres":      {change("grid_m: 25", "grid_m: 0.01"), "tiers.public.grid_m"},
		"an endless area":            {change("max_aoi_m2: 25000000", "max_aoi_m2: .inf"), "max_aoi_m2"},
		"areas the wrong way":        {change("min_aoi_m2: 0", "min_aoi_m2: 1e10"), "min_aoi_m2"},
		"a zoom too high":            {change("max_zoom: 14", "max_zoom: 19"), "max_zoom"},
		"ten digits":                 {change("place_digits: 9", "place_digits: 10"), "place_digits"},
		"fields of another word":     {change("dltb: {fields: known", "dltb: {fields: all"), "known or a list"},
		"a personal field":           {change("fields: [XMMC,", "fields: [LXDH,"), "layers.hsf.fields.LXDH"},
		"a personal field elsewhere": {change("region: {fields: [XZQDM, XZQMC]}", "soil: {fields: [LXDH]}"), "layers.soil.fields.LXDH"},
		"no standard field":          {change("fields: [XMMC,", "fields: [XMMD,"), "layers.hsf.fields.XMMD"},
		"an exception misspelt":      {change("except: [LXR, LXDH]", "except: [LXR, LXDJ]"), "except.LXDJ"},
		"an exception from a list":   {change("fields: [XMMC,", "except: [XMLX], fields: [XMMC,"), "except"},
		"dissolved with fields":      {change("{dissolve: true}", "{dissolve: true, fields: [BSM]}"), "fields"},
		"dissolved without grid":     {change("grid_m: 25", "grid_m: 0"), line("{dissolve: true}") + ": tiers.public.layers.cropland.dissolve"},
		"a layer named all":          {change("cropland: {dissolve", "all: {dissolve"), "layers.all"},
		"too long":                   {strings.Repeat("#", 2<<20), "limit"},
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
