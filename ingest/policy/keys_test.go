package policy_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/policy"
)

// yamlKeys lists the keys of a struct.
func yamlKeys(v any) []string {
	var out []string
	of := reflect.TypeOf(v)
	for i := range of.NumField() {
		out = append(out, of.Field(i).Tag.Get("yaml"))
	}
	return out
}

// Whatever key differs between two policies is told, and what it was and is, also where a
// tier gets the same by both: there is a row for each key that there is.
func TestCompareEveryKey(t *testing.T) {
	const tier = "name: x\ntiers: {public: {grid_m: 25, max_zoom: 14, KEYS layers: {pbf: {fields: [DLBM], LAYER}}}}"
	seen := map[string]bool{}
	for _, c := range []struct {
		where, key string
		was, is    string // what stands behind the key; "" is nothing
		says       string // what is told of is
	}{
		{"tier", "grid_m", "", "50", "50 m"},
		{"tier", "as_surveyed", "", "true", "gains shapes as fine as they were surveyed"},
		{"tier", "generalise_m", "25", "50", "cells of 50 m"},
		{"tier", "generalise_m", "", "25", "cells of 25 m"},
		{"tier", "precision_m", "5", "6", "6 m"},
		{"tier", "min_patch_m2", "0", "700", "700 m²"},
		{"tier", "small_patches", "merge", "leave_out", "small_patches is written otherwise, to the same effect: leave_out (was: merge)"},
		{"tier", "small_patches", "", "merge", "small_patches is written otherwise, to the same effect: merge (was: —)"},
		{"tier", "min_zoom", "1", "2", "lowest zoom 2"},
		{"tier", "max_zoom", "", "13", "highest zoom 13"},
		{"tier", "place_digits", "6", "9", "9 digits"},
		{"tier", "pieces", "false", "true", "answers with single features"},
		{"tier", "groups", "[A]", "[A, B]", "A, B"},
		{"tier", "groups", "[A, B]", "[B, A]", "changes fields to group by: B, A (was: fields to group by: A, B)"},
		{"tier", "totals_only", "false", "true", "totals alone"},
		{"tier", "round_m2", "0.05", "0.1", "0.1 m²"},
		{"tier", "max_aoi_m2", "1000000", "1000001", "1.000001 km²"},
		{"tier", "min_aoi_m2", "10", "10.5", "10.5 m²"},
		{"tier", "analyses", "none", "[overlay]", "overlay"},
		{"tier", "use", "{zh: 一, en: one}", "{zh: 二, en: one}", "二"},
		{"tier", "disclaimer", "{zh: 一, en: one}", "{zh: 一, en: two}", "two"},
		{"tier", "approval", "", "审1", "审1"},
		{"tier", "approved_by", "[张]", "[张, 李]", "李"},
		{"tier", "document", "", "文1", "文1"},
		{"layer", "dissolve", "", "true", "features' borders"},
		{"layer", "fields", "", "[BSM]", "BSM"},
		{"layer", "fields", "[BSM, TBBH]", "[TBBH, BSM]", "fields is written otherwise, to the same effect: TBBH, BSM (was: BSM, TBBH)"},
		{"layer", "except", "[BZ]", "[BZ, TBBH]", "TBBH"},
		{"layer", "except", "[BZ, LXDH]", "[BZ]", "except is written otherwise, to the same effect: [BZ] (was: [BZ LXDH])"},
		{"layer", "generalise_m", "", "25", "generalise_m is written otherwise, to the same effect: 25 (was: —)"},
		{"layer", "generalise_m", "25", "50", "cells of 50 m (was 25)"},
		{"layer", "min_patch_m2", "0", "900", "900 m²"},
		{"layer", "min_patch_m2", "", "0", "min_patch_m2 is written otherwise"},
		{"layer", "small_patches", "merge", "leave_out", "small_patches is written otherwise"},
		{"layer", "zooms", "[2, 9]", "[2, 10]", "highest zoom 10"},
		{"layer", "zooms", "", "[0, 14]", "zooms is written otherwise, to the same effect: [0 14] (was: [])"},
	} {
		seen[c.where+" "+c.key] = true
		text := func(value string) string {
			keys, layer := "", ""
			switch {
			case value == "":
			case c.where == "tier":
				keys = c.key + ": " + value + ","
			default:
				layer = c.key + ": " + value
			}
			out := strings.NewReplacer("KEYS", keys, "LAYER", layer).Replace(tier)
			switch {
			case value != "" && (c.key == "grid_m" || c.key == "as_surveyed"):
				out = strings.Replace(out, "grid_m: 25,", "", 1)
			case value != "" && c.key == "max_zoom":
				out = strings.Replace(out, "max_zoom: 14,", "", 1)
			case c.key == "dissolve" && value != "" || c.key == "fields" && value != "":
				out = strings.Replace(out, "fields: [DLBM], ", "", 1)
			case c.key == "except":
				out = strings.Replace(out, "[DLBM]", "known", 1)
			}
			return out
		}
		for _, turn := range [][2]string{{c.was, c.is}, {c.is, c.was}} {
			changes := policy.Compare(parse(t, text(turn[0])), parse(t, text(turn[1])), problem.English)
			got := told(changes, edition.Public)
			if turn[1] == c.is && !strings.Contains(got, c.says) || len(changes) != 1 {
				t.Errorf("%s %s: from %q to %q told %q, want %q", c.where, c.key, turn[0], turn[1], got, c.says)
			}
			if strings.Contains(c.says, "same effect") && (len(changes[0].Gains) > 0 || len(changes[0].Loses) > 0) {
				t.Errorf("%s: %+v", c.key, changes)
			}
		}
	}
	for where, keys := range map[string][]string{"tier": yamlKeys(policy.TierRules{}), "layer": yamlKeys(policy.Layer{})} {
		for _, k := range slices.DeleteFunc(keys, func(k string) bool { return k == "layers" }) {
			if !seen[where+" "+k] {
				t.Errorf("no row for %s of a %s", k, where)
			}
		}
	}
}
