package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newKey makes a key and returns the paths of its halves.
func newKey(t *testing.T, args ...string) (private, public string) {
	t.Helper()
	private = filepath.Join(t.TempDir(), "key.pem")
	must(t, append([]string{"key", "new", "--out", private}, args...)...)
	return private, private + ".pub"
}

// Whatever an officer signs carries a receipt when that is asked for: overlay answers,
// sums, differences and check reports, in each form. verify-answer needs the public key
// alone; one byte that is another is found, and so is a key that nobody trusts.
func TestSealedReports(t *testing.T) {
	e := theEditions(t)
	shape, other := delivery(t, "delivery", "2024", "GBZNT.geojson"), delivery(t, "delivery", "2024", "XZQ.fgb")
	key, public := newKey(t, "--name", "the county")
	_, stranger := newKey(t)
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"overlay.json":    {"overlay", "--edition", e.Government, shape},
		"overlay.csv":     {"overlay", "--edition", e.Government, shape},
		"overlay.html":    {"overlay", "--edition", e.Government, shape},
		"sums.json":       {"info", e.Government, "--by", "village"},
		"sums.xlsx":       {"info", e.Government, "--by", "village"},
		"hectares.csv":    {"info", e.Secure, "--table", "hectare"},
		"diff.json":       {"diff", e.Government, e.Government, "--layer", "pbf"},
		"diff.flows.csv":  {"diff", e.Government, e.Government, "--layer", "pbf"},
		"report.json":     {"check", shape},
		"folder/report.x": {"check", shape},
	} {
		path := filepath.Join(dir, name)
		flag := "--out"
		if args[0] == "check" {
			flag = "--report"
		}
		out := path
		if strings.HasPrefix(name, "folder/") {
			out, path = filepath.Join(dir, "folder"), filepath.Join(dir, "folder", "report.html")
		}
		if _, errs, code := gengtu(t, append(args, flag, out, "--seal", key)...); code == 2 {
			t.Fatalf("%s: %s", name, errs)
		}
		verified(t, name, "", "--trust", public, path)
		verified(t, name+" by a stranger", "SEAL_UNTRUSTED", "--trust", stranger, path)
		if args[len(args)-1] == shape {
			verified(t, name+" and its shape", "", "--trust", public, "--shape", shape, path)
			verified(t, name+" and another shape", "RECEIPT_SHAPE", "--trust", public, "--shape", other, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path + ".receipt.json"); err == nil && bytes.Contains(text, []byte(filepath.Dir(shape))) {
			t.Errorf("%s: the receipt names folders: %s", name, text)
		}
		at := bytes.LastIndexAny(data[:len(data)/2], "0123456789")
		data[at] = '0' + (data[at]-'0'+1)%10
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		verified(t, name+" altered", "RECEIPT_ALTERED", "--trust", public, path)
	}
	if _, errs, code := gengtu(t, "info", e.Government, "--by", "village", "--seal", key); code != 2 {
		t.Errorf("a receipt without a file: exit code %d %s", code, errs)
	}
	if _, errs, code := gengtu(t, "verify-answer", "--trust", public); code != 2 {
		t.Errorf("no answer: exit code %d %s", code, errs)
	}
}

// verified runs verify-answer, which has to end with a code of problem, "" for genuine.
func verified(t *testing.T, name, want string, args ...string) {
	t.Helper()
	out, errs, code := gengtu(t, append([]string{"verify-answer"}, args...)...)
	if want == "" && (code != 0 || !strings.Contains(out, "genuine")) || want != "" && (code != 1 || !strings.Contains(errs, "["+want+"]") || out != "") {
		t.Errorf("%s: exit code %d, want %s: %s%s", name, code, want, out, errs)
	}
}

// What the catalogue leaves open is listed, and a whole table has no gaps.
func TestCatalogueCheck(t *testing.T) {
	e := theEditions(t)
	out, errs, code := gengtu(t, "catalogue", "check", "--edition", e.Public)
	if code != 1 || !strings.Contains(out, "public  pbf        grade not confirmed, source, contact") || strings.Contains(out, "dltb") || !strings.Contains(errs, "CATALOGUE_GAPS") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	path := filepath.Join(t.TempDir(), "public.yaml")
	table := "tier: public\ndefaults: {confirmed: true, source: a, contact: {organisation: b, phone: \"1\"}}\n"
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := gengtu(t, "catalogue", "check", "--edition", e.Public, path); code != 0 {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if _, errs, code := gengtu(t, "catalogue", "check", "--edition", e.Government, path); code != 1 || !strings.Contains(errs, "CATALOGUE_TIER") {
		t.Errorf("another tier's: %d %s", code, errs)
	}
}

// What `catalogue show` prints for a tier goes into `catalogue check` and `serve` as it
// is; it lists what the edition has, and without an edition it says whose it is.
func TestCatalogueShowIsTaken(t *testing.T) {
	e := theEditions(t)
	var flags []string
	for tier, dir := range map[string]string{"secure": e.Secure, "government": e.Government, "public": e.Public} {
		path := filepath.Join(t.TempDir(), tier+".yaml")
		for _, args := range [][]string{{"--tier", tier}, {"--tier", tier, "--edition", dir}, {"--edition", dir}} {
			table := must(t, append([]string{"catalogue", "show"}, args...)...)
			if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
				t.Fatal(err)
			}
			// That something is still open is what is to be said of it, and nothing else.
			_, errs, code := gengtu(t, "catalogue", "check", "--edition", dir, path)
			if code != 1 || !strings.Contains(errs, "[CATALOGUE_GAPS]") || strings.Count(errs, "\n") != 1 {
				t.Errorf("%v: %d %s", args, code, errs)
			}
			if len(args) > 2 && (!strings.Contains(table, `"pbf": {`) || strings.Contains(table, `"dltb"`) != (tier != "public")) {
				t.Errorf("%v: not the layers of the edition:\n%s", args, table)
			}
		}
		flags = append(flags, "--catalogue", path)
	}
	serveWith(t, flags, e.Secure, e.Government, e.Public)
	table, errs, code := gengtu(t, "catalogue", "show")
	if code != 0 || !strings.Contains(table, "\ntier: public\n") || !strings.Contains(errs, "public tier") {
		t.Errorf("%d %s\n%s", code, errs, table)
	}
	for _, args := range [][]string{{"show", "--tier", "north"}, {"show", "--tier", "secure", "--edition", e.Public}, {"show", "--edition", e.Public, "--edition", e.Secure}, {"check", "--tier", "public", "--edition", e.Public}} {
		if _, errs, code := gengtu(t, append([]string{"catalogue"}, args...)...); code != 2 {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	path := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(path, []byte("tier: public\ndefaults:\n  contact: 数据管理中心数据管理中心\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code = gengtu(t, "catalogue", "check", "--edition", e.Public, path)
	if want := `line 3: defaults.contact is to be a section with the members address email organisation phone; here is "数据管理中心数据管理中心"`; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("%d %s, want %s", code, errs, want)
	}
}
