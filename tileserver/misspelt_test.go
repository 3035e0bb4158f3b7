package tileserver_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// A slip in a parameter's name is refused rather than answered as if it were not there;
// names that are like none of ours, and those of others' protocols, are let be.
func TestMisspeltParameters(t *testing.T) {
	s := serve(t, nil, edition.Public)
	box := "bbox=108.70,34.30,108.71,34.31"
	for _, at := range []string{
		"overlay?" + box + "&vintge=2023", "overlay?" + box + "&Vintage=2023", "overlay?" + box + "&VINTAGE=2023", "summary?vintag=2023", "summary?Layers=pbf",
		"map.png?" + box + "&stile=plain", "tiles/cropland/w/3/6/3.png?stile=plain", "tiles/cropland/w/3/6/3.mvt?generaton=x", "style.json?styl=plain", "catalog?vintagee=2024",
		"overlay?" + box + "&Units=mu", "overlay?" + box + "&fromat=csv", "summary?Precision=2", "summary?year=2023", "overlay?" + box + "&by=DLBM", "overlay?" + box + "&SRS=EPSG:4490", "summary?format=csv", "summary?group_by=DLBM", "diff?unit=ha",
	} {
		wantProblem(t, at, s.get(t, "/public/"+at), http.StatusBadRequest, "parameter_unknown")
	}
	for _, at := range []string{
		"overlay?" + box + "&_=1732270000&v=2&nocache=1", "summary?utm_source=mail", "summary?uniq=1732270000", "summary?unix=1732270000", "overlay?" + box + "&grid=w&round=1&event=7&unitt=mu", "map.png?" + box + "&t=7", "style.json?key=x", "legend.json?lang=zh", "style.json?format=x", "overlay?" + box + "&group_by=", "summary?by=county",
		"wmts?SERVICE=WMTS&REQUEST=GetCapabilities&Layer=x&acceptversion=1.0.0", "ogc/tiles?f=json",
	} {
		if r := s.get(t, "/public/"+at); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", at, r.StatusCode, r.body)
		}
	}
	for _, at := range []string{"diff?grid=w&uniq=1", "changes?round=1&unix=1732270000"} { // which miss others
		if r := s.get(t, "/public/"+at); bytes.Contains(r.body, []byte("parameter_unknown")) {
			t.Errorf("%s: %d %.200s", at, r.StatusCode, r.body)
		}
	}
}

// What an address reads of its query, as the sources have it, and what the documents write
// into addresses is refused nowhere as a name that is not known.
func TestParametersReadAreKnown(t *testing.T) {
	s := serve(t, nil, edition.Public)
	read := regexp.MustCompile(`\b(?:query|truth)\("(\w+)"\)`)
	written := regexp.MustCompile(`/(overlay|summary|diff|changes)\?([\w=&|,.\\:-]+)`)
	names := map[[2]string]bool{}
	for _, file := range files(t, "*.go") {
		for _, m := range read.FindAllStringSubmatch(file, -1) {
			for _, route := range []string{"overlay", "summary", "diff", "changes"} {
				names[[2]string{route, m[1]}] = true
			}
		}
	}
	if len(names) < 4*30 {
		t.Fatalf("the sources read %d names, fewer than they do", len(names)/4)
	}
	// Either address has the other's name for it.
	delete(names, [2]string{"overlay", "by"})
	delete(names, [2]string{"summary", "group_by"})
	inDocuments := 0
	for _, file := range files(t, "*.md", "*/*.md", "../*.md", "../index/*/*.md") {
		for _, m := range written.FindAllStringSubmatch(file, -1) {
			for _, pair := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '&' || r == '|' }) {
				if name, _, ok := strings.Cut(pair, "="); ok {
					names[[2]string{m[1], name}] = true
					inDocuments++
				}
			}
		}
	}
	if inDocuments < 10 {
		t.Fatalf("the documents write %d parameters, fewer than they do", inDocuments)
	}
	for n := range names {
		if r := s.get(t, "/public/"+n[0]+"?"+n[1]+"="); bytes.Contains(r.body, []byte("parameter_unknown")) {
			t.Errorf("%s?%s= is refused: %s", n[0], n[1], r.body)
		}
	}
}

// files returns the texts of the files of these patterns.
func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var out []string
	for _, p := range patterns {
		paths, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
	}
	return out
}

// Where names of parameters count in any case the token's does, too.
func TestTokenInCapitals(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	for _, at := range []string{"wmts?SERVICE=WMTS&REQUEST=GetCapabilities&TK=", "wms?SERVICE=WMS&REQUEST=GetCapabilities&Tk=", "cropland_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&TK="} {
		if r := s.get(t, "/secure/"+at+s.tokens[edition.Secure]); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", at, r.StatusCode, r.body)
		}
		if r := s.get(t, "/secure/"+at+"wrong"); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("a wrong one, %s: %d", at, r.StatusCode)
		}
	}
	if r := s.get(t, "/secure/catalog?TK="+s.tokens[edition.Secure]); r.StatusCode == http.StatusOK {
		t.Error("elsewhere names count to the letter")
	}
}
