package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// info tells of a delivery what each field becomes before anything is stored, by the
// embedded profiles and by the user's.
func TestInfoMapping(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "承包地块.geojson")
	text := `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[108.6,34.3],[108.61,34.3],[108.61,34.31],[108.6,34.3]]]},` +
		`"properties":{"dkbm":"6104022110010100001","DKMC":"东坡","DKLB":"10","DLDJ":"03","SCMJ":423.5,"ZJRXM":"虚构","YJXX":7}}]}`
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Layer   string
		Score   float64
		Missing []string `json:"missing_fields"`
		Unknown []string `json:"unknown_fields"`
		Secret  []string `json:"personal_fields"`
		Mapping []struct {
			From, To, As, Title string
			Known, Personal     bool
		}
	}
	if err := json.Unmarshal([]byte(must(t, "info", path, "--json")), &got); err != nil || len(got) != 1 {
		t.Fatal(err, got)
	}
	d := got[0]
	if d.Layer != "contract" || d.Score < 0.6 || strings.Join(d.Missing, " ") != "TDYT" || strings.Join(d.Unknown, " ") != "YJXX" || strings.Join(d.Secret, " ") != "ZJRXM" {
		t.Errorf("%+v", d)
	}
	for _, m := range d.Mapping {
		known, personal := m.From != "YJXX", m.From == "ZJRXM"
		if m.Known != known || m.Personal != personal || m.To != strings.ToUpper(m.From) || (m.Title != "") != known {
			t.Errorf("%+v", m)
		}
	}
	out := must(t, "info", path, "--lang", "en")
	for _, want := range []string{"looks like layer contract (contract parcels)", "dkbm", "→ DKBM", "地块代码", "missing fields TDYT", "(kept in secure only) YJXX", "(kept in secure only) ZJRXM"} {
		if !strings.Contains(out, want) {
			t.Errorf("info does not say %q:\n%s", want, out)
		}
	}

	// The user's file knows the field more, and requires another.
	folder := filepath.Join(dir, "profiles")
	mine := "name: contract\nlike: contract\nfields:\n  - {name: YJXX, zh: 县里的一项, type: integer, source: 县里, required: true}\n"
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "contract.yaml"), []byte(mine), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "info", path, "--lang", "zh", "--profiles", folder); strings.Contains(out, "标准之外") || !strings.Contains(out, "县里的一项") {
		t.Errorf("info by the user's profile:\n%s", out)
	}
	edition := filepath.Join(dir, "secure")
	out = must(t, "ingest", "--lang", "en", "--out", edition, "--layer", "contract@2024="+path, "--zooms", "10-10", "--profiles", folder)
	if strings.Contains(out, "outside the standard") || !strings.Contains(out, "missing fields TDYT") {
		t.Errorf("ingest by the user's profile:\n%s", out)
	}
	if out, _, _ := gengtu(t, "check", "--lang", "en", path, "--profiles", folder); out == "" || strings.Contains(out, "outside the standard") {
		t.Errorf("check by the user's profile:\n%s", out)
	}

	// A word too many is refused with its line, and nothing is stored.
	if err := os.WriteFile(filepath.Join(folder, "contract.yaml"), []byte(strings.Replace(mine, "required", "reqired", 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{
		{"info", path}, {"check", path}, {"ingest", "--out", filepath.Join(dir, "none"), "--layer", "contract@2024=" + path},
		{"update", "--edition", edition, "--layer", "contract@2024=" + path}, {"profile", "list"},
	} {
		_, stderr, code := gengtu(t, append(verb, "--lang", "en", "--profiles", folder)...)
		if code != 1 || !strings.Contains(stderr, "contract.yaml") || !strings.Contains(stderr, "line 4: reqired is not known") || !strings.Contains(stderr, "[PROFILE_FILE]") {
			t.Errorf("%v: exit %d, %s", verb, code, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none", "CURRENT")); err == nil {
		t.Error("a run with a wrong profile stored something")
	}
	if _, stderr, code := gengtu(t, "info", path, "--profiles", filepath.Join(dir, "nowhere"), "--lang", "en"); code != 1 || !strings.Contains(stderr, "[PROFILE_FOLDER]") {
		t.Errorf("a folder that is not there: exit %d, %s", code, stderr)
	}
}

// The embedded profiles can be read, changed and given back.
func TestProfileShow(t *testing.T) {
	folder := t.TempDir()
	list := must(t, "profile", "list", "--lang", "en")
	for _, name := range append([]string{"domains", "other"}, strings.Fields(firstColumn(list))...) {
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(must(t, "profile", "show", name)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if again := must(t, "profile", "list", "--lang", "en", "--profiles", folder); again != list {
		t.Errorf("%s\nwant %s", again, list)
	}
	if _, stderr, code := gengtu(t, "profile", "show", "nix", "--lang", "en"); code != 2 || !strings.Contains(stderr, "[PROFILE_UNKNOWN]") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if _, _, code := gengtu(t, "profile", "show"); code != 2 {
		t.Errorf("exit %d", code)
	}
}

func firstColumn(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 {
			b.WriteString(f[0] + " ")
		}
	}
	return b.String()
}
