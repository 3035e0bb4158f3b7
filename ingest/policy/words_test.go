package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

// Each change of a policy is told as what it is to the tier that it is made for: gained,
// lost, or otherwise than it was; made the other way round, gains are losses.
func TestCompare(t *testing.T) {
	good := string(policy.DefaultText())
	for _, c := range []struct {
		old, now string
		tier     edition.Tier
		says     string // "gains …", "loses …" or "changes …", a part of the words
	}{
		{"grid_m: 25", "grid_m: 50", edition.Public, "loses vertices on a grid of 50 m"},
		{"generalise_m: 0", "generalise_m: 100", edition.Public, "loses shapes are made of cells of 100 m"},
		{"precision_m: 10", "precision_m: 5", edition.Public, "gains positions are no better than 5 m"},
		{"min_patch_m2: 600", "min_patch_m2: 5000", edition.Public, "loses patches below 5000 m²"},
		{"small_patches: merge", "small_patches: leave_out", edition.Public, "changes patches below 600 m² are left out"},
		{"min_zoom: 0\n    max_zoom: 14", "min_zoom: 3\n    max_zoom: 14", edition.Public, "loses lowest zoom 3"},
		{"max_zoom: 14", "max_zoom: 16", edition.Public, "gains highest zoom 16"},
		{"place_digits: 9", "place_digits: 12", edition.Public, "gains codes of place of 12 digits"},
		{"pieces: true", "pieces: false", edition.Government, "loses overlay does not answer with single features"},
		{"groups: any", "groups: [DLBM]", edition.Government, "loses fields to group by: DLBM"},
		{"groups: [XMMC, ", "groups: [GDDB, XMMC, ", edition.Public, "gains fields to group by: GDDB, XMMC"},
		{"groups: [XMMC, ", "groups: [GDDB, ", edition.Public, "changes fields to group by: GDDB"},
		{"pieces: true", "pieces: false\n    totals_only: true", edition.Government, "loses answers are totals alone"},
		{"round_m2: 0", "round_m2: 100", edition.Government, "loses areas are rounded to 100 m²"},
		{"max_aoi_m2: 25000000", "max_aoi_m2: 1000000", edition.Public, "loses shapes asked about have 1 km² at most"},
		{"max_aoi_m2: 25000000", "max_aoi_m2: 0", edition.Public, "gains shapes asked about may be of any size"},
		{"min_aoi_m2: 0", "min_aoi_m2: 500", edition.Government, "loses shapes asked about have 500 m² at least"},
		{"analyses: any", "analyses: [overlay]", edition.Government, "loses questions answered: overlay"},
		{"approval: \"\"", "approval: 陕S（2026）001号", edition.Government, "changes map approval number: 陕S（2026）001号"},
		{"approved_by: []", "approved_by: [张三]", edition.Government, "changes publishing needs the approval of one of 张三"},
		{"document: \"\"", "document: 陕自然资〔2026〕1号", edition.Government, "changes publishing asks for nobody's approval, document 陕自然资〔2026〕1号"},
		{"pbf: {fields: [YJJBNTTBBH, YJJBNTMJ]}", "pbf: {fields: [YJJBNTTBBH, YJJBNTMJ, DLBM]}", edition.Public, "gains layer pbf: fields DLBM"},
		{"pbf: {fields: [YJJBNTTBBH, YJJBNTMJ]}", "pbf: {fields: [YJJBNTTBBH]}", edition.Public, "loses layer pbf: fields YJJBNTMJ"},
		{"soil: {fields: known, except: [BZ]}", "soil: {fields: known}", edition.Government, "gains layer soil: fields BZ"},
		{"cropland: {dissolve: true}", "cropland: {}", edition.Public, "gains layer cropland: features' borders and ids"},
		{"cropland: {dissolve: true}", "cropland: {dissolve: true, generalise_m: 50}", edition.Public, "loses layer cropland: cells of 50 m (was 25)"},
		{"cropland: {dissolve: true}", "cropland: {dissolve: true, min_patch_m2: 0}", edition.Public, "gains layer cropland: smallest patch of 0 m² (was 600)"},
		{"region: {fields: [XZQDM, XZQMC]}", "region: {fields: [XZQDM, XZQMC], zooms: [3, 14]}", edition.Public, "loses layer region: lowest zoom 3 (was 0)"},
		{"region: {fields: [XZQDM, XZQMC]}", "region: {fields: [XZQDM, XZQMC], zooms: [0, 10]}", edition.Public, "loses layer region: highest zoom 10 (was 14)"},
		{"      region: {fields: [XZQDM, XZQMC]}\n", "", edition.Public, "loses layer region"},
		{"      soil: {fields: known, except: [BZ]}\n", "", edition.Government, "loses layer soil"},
		{"disclaimer: {zh: 政务版, en: government edition}", "disclaimer: {zh: 内部, en: internal}", edition.Government, "changes disclaimer: internal"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("the embedded policy has no %q", c.old)
		}
		// Where the pieces of a test stand in both tiers the first is government.
		text := strings.Replace(good, c.old, c.now, 1)
		if strings.Contains(c.now, "totals_only: true") {
			text = strings.Replace(text, "totals_only: false", "", 1)
		}
		b, found, err := policy.Judge("p", []byte(text))
		if err != nil || len(found) > 0 {
			t.Fatalf("%s: %v %v", c.now, err, found)
		}
		a := parse(t, "")
		kind, words, _ := strings.Cut(c.says, " ")
		if got := told(policy.Compare(a, b, problem.English), c.tier); !strings.Contains(got, kind+" "+words) {
			t.Errorf("%q → %q: told %q, want %q", c.old, c.now, got, c.says)
		}
		back := map[string]string{"gains": "loses ", "loses": "gains ", "changes": "changes "}[kind]
		if got := told(policy.Compare(b, a, problem.English), c.tier); !strings.Contains(got, "\n"+back) || strings.Contains(got, "\n"+kind+" ") && kind != "changes" {
			t.Errorf("%q → %q: the other way round told %q", c.old, c.now, got)
		}
		for _, x := range policy.Compare(a, b, problem.Chinese) {
			if s := fmt.Sprint(x.Gains, x.Loses, x.Changes); strings.Contains(s, "%!") {
				t.Error(s)
			}
		}
	}
	if c := policy.Compare(parse(t, ""), parse(t, ""), problem.English); len(c) > 0 {
		t.Errorf("a policy differs from itself: %+v", c)
	}
}

// told is all that is told of a tier, a line each.
func told(changes []policy.TierChange, tier edition.Tier) string {
	out := "\n"
	for _, c := range changes {
		if c.Tier != tier {
			out += "another tier: "
		}
		for kind, list := range map[string][]string{"gains": c.Gains, "loses": c.Loses, "changes": c.Changes} {
			for _, w := range list {
				out += kind + " " + w + "\n"
			}
		}
	}
	return out
}

// A tier that one policy alone names is gained or lost as a whole.
func TestCompareTiers(t *testing.T) {
	both := parse(t, "")
	one := parse(t, rules("public", 25, "{hsf: {}}"))
	c := policy.Compare(both, one, problem.English)
	if len(c) != 2 || c[0].Tier != edition.Government || len(c[0].Loses) != 1 || !strings.Contains(fmt.Sprint(c[1].Loses), "layer pbf") {
		t.Errorf("%+v", c)
	}
	c = policy.Compare(one, both, problem.English)
	if len(c) != 2 || !strings.Contains(fmt.Sprint(c[0].Gains), "layer dltb: fields BSM") {
		t.Errorf("%+v", c)
	}
}

// What a tier gets is said of everything that the policy names, in both languages.
func TestWords(t *testing.T) {
	for lang, want := range map[problem.Lang][]string{
		problem.English: {"grid of 25 m, whose mean error is 10.2 m", "highest zoom 14", "layer pbf: fields YJJBNTTBBH YJJBNTMJ", "layer cropland: dissolved", "25 km² at most", "layer region: fields XZQDM XZQMC; XZQDM cut to 9 digits"},
		problem.Chinese: {"25 米网格", "最高级别 14", "图层 pbf：字段 YJJBNTTBBH YJJBNTMJ", "图层 cropland：融合", "最大 25 km²"},
	} {
		words := parse(t, "").Words(lang)
		if len(words) != 2 || words[0].Tier != edition.Government || words[1].Tier != edition.Public {
			t.Fatalf("%+v", words)
		}
		all := strings.Join(words[1].Says, "\n")
		for _, w := range want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: nothing says %q", lang, w)
			}
		}
		if strings.Contains(all, "%!") || strings.Contains(strings.Join(words[0].Says, " "), "LXDH") {
			t.Errorf("%s: %s", lang, all)
		}
	}
}
