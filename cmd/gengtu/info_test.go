package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that is no edition is pointed to the check of deliveries, verbs are listed and
// have their help, and what is printed has heads in the language.
func TestInfoSaysWhatIsThere(t *testing.T) {
	_, errs, code := gengtu(t, "info", t.TempDir())
	if code != 1 || !strings.Contains(errs, "gengtu check --delivery") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	help := must(t, "help")
	for _, verb := range []string{"analyze", "pack", "unpack"} {
		_, errs, code := gengtu(t, verb, "--help")
		if listed := strings.Contains(help, "\n  "+verb+" "); !listed || code != 0 {
			t.Errorf("%s: listed %v, exit code %d: %s", verb, listed, code, errs)
		}
	}
	e := theEditions(t)
	for _, args := range [][]string{{"--by", "county"}, {"--table", "hectare"}} {
		for lang, head := range map[string]string{"en": "code ", "zh": "代码"} {
			line, _, _ := strings.Cut(must(t, append([]string{"info", e.Secure, "--lang", lang}, args...)...), "\n")
			chinese := strings.ContainsFunc(line, func(r rune) bool { return r > 0x2E80 })
			if !strings.HasPrefix(line, head) || chinese != (lang == "zh") {
				t.Errorf("%v in %s begins %q", args, lang, line)
			}
		}
	}
}

// A hectare table is leveled to the control area that is given, and closes all the same.
func TestHectareTableOfControl(t *testing.T) {
	e := theEditions(t)
	before := info(t, e.Secure, "--table", "hectare")[0]
	for _, more := range []int64{-3, 1, 250} {
		want := fixedHectares(cents(t, before["total_ha"]) + more)
		rows := info(t, e.Secure, "--table", "hectare", "--control", before["place"]+"="+want)
		villages := int64(0)
		for _, r := range rows {
			if r["level"] == "village" {
				villages += cents(t, r["total_ha"])
			}
		}
		if rows[0]["total_ha"] != want || villages != cents(t, want) {
			t.Errorf("the county has %s ha, its villages %d, want %s", rows[0]["total_ha"], villages, want)
		}
	}
	for _, wrong := range []string{before["place"] + "=" + fixedHectares(2*cents(t, before["total_ha"])), "999999=1.00"} {
		if _, errs, code := gengtu(t, "info", e.Secure, "--table", "hectare", "--control", wrong); code != 1 || !strings.Contains(errs, "[CONTROL_AREA]") {
			t.Errorf("%s: exit code %d: %s", wrong, code, errs)
		}
	}
	out := filepath.Join(t.TempDir(), "o.json")
	must(t, "info", e.Secure, "--table", "hectare", "--control", before["place"]+"="+before["total_ha"], "--out", out)
	for _, wrong := range [][]string{{"--table", "hectare", "--control", "x"}, {"--by", "county", "--control", "610402=1"}} {
		if _, _, code := gengtu(t, append([]string{"info", e.Secure}, wrong...)...); code != 2 {
			t.Errorf("%v: exit code %d", wrong, code)
		}
	}
}

// fixedHectares writes areas of 0.01 ha.
func fixedHectares(a int64) string { return fmt.Sprintf("%d.%02d", a/100, a%100) }
