package catalog_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/catalog"
)

// has is two editions of one layer each.
var has = map[edition.Tier][]string{edition.Government: {"cropland"}, edition.Public: {"pbf"}}

const edited = `tier: government
defaults:
  update: monthly
  contact: {organisation: 县局, phone: "1"}
layers:
  cropland:
    grade: core
    confirmed: true
    source: 变更调查 <&"
`

// The embedded table gives every layer a grade that nobody confirmed, the three
// layers of the product the ministry's classes, and public data the least grade.
func TestDefault(t *testing.T) {
	table, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, class := range map[string]string{"cropland": "耕地资源", "pbf": "永久基本农田", "something else": ""} {
		r := table.Of(edition.Government, name)
		if r.Class != class || r.Grade != catalog.Important || r.Confirmed || r.Net != edition.Government || !slices.Contains(catalog.Frequencies, r.Update) {
			t.Errorf("%s: %+v", name, r)
		}
		if r := table.Of(edition.Public, name); r.Grade != catalog.General || r.Confirmed {
			t.Errorf("%s in public: %+v", name, r)
		}
	}
	if _, err := catalog.Parse("x", []byte("defaults: {grade: core}\n"), has); err == nil {
		t.Error("a table is taken without its tier")
	}
}

// What a table says goes before the embedded one, and what it does not say stays.
func TestParse(t *testing.T) {
	table, err := catalog.Parse("x", []byte(edited), has)
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Record{
		Namespace: "gengtu", Group: "现状", Theme: "耕地资源", Class: "耕地资源", Net: edition.Government, Grade: catalog.Core, Confirmed: true,
		Source: `变更调查 <&"`, Update: "monthly", Topic: "farming", Department: "自然资源", Contact: catalog.Contact{Organisation: "县局", Phone: "1"},
	}
	if diff := cmp.Diff(want, table.Of(edition.Government, "cropland")); diff != "" {
		t.Error(diff)
	}
	if r := table.Of(edition.Government, "pbf"); r.Class != "永久基本农田" || r.Confirmed || r.Update != "monthly" {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct{ from, to, line string }{
		"a tier that is none":     {"tier: government", "tier: north", "line 1"},
		"another tier's layers":   {"tier: government", "tier: public", "line 6"},
		"a layer it has not":      {"  cropland:", "  soil:", "line 6"},
		"a grade that is none":    {"grade: core", "grade: high", "line 7"},
		"a topic that is none":    {"update: monthly", "topic: fields", "line 3"},
		"a cycle that is none":    {"update: monthly", "update: often", "line 3"},
		"a text that is too long": {"变更调查", strings.Repeat("长", 2001), "line 9"},
		"a key that is none":      {"source:", "sauce:", "line 9"},
	} {
		_, err := catalog.Parse("x", []byte(strings.Replace(edited, c.from, c.to, 1)), has)
		p := problem.Of(err)
		if p == nil || p.Code != "CATALOGUE_FILE" || !strings.Contains(p.Text(problem.English), c.line) {
			t.Errorf("%s: %v, want %s", name, err, c.line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(edited)
	f.Add("defaults: {grade: core}\n")
	f.Add("tier: government\nlayers: {cropland: {contact: }}")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := catalog.Parse("x", []byte(text), has)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		data := sheet(table.Of(edition.Government, "cropland")).ISO()
		wellFormed(t, data)
		if err := inOrder(data); err != nil {
			t.Fatal(err)
		}
	})
}

func sheet(r catalog.Record) *catalog.Sheet {
	return &catalog.Sheet{
		Record: r, Generation: "g0123", Created: "2026-02-28T23:59:59.5Z", Thumbnail: "http://x/map.png?a=1&b=2",
		Layer: &edition.Layer{
			Name: "cropland", Title: edition.Title{Zh: "耕地", En: "Cropland"}, Vintage: "2024", Features: 7, AreaM2: 12.345,
			Extent: &[4]float64{108.7, 34.25, 108.75, 34.3},
		},
		Policy:   edition.Policy{GridM: 25, Use: edition.Title{Zh: "内部使用"}, Disclaimer: edition.Title{Zh: "不作依据"}, Approval: "陕S（2026）1号"},
		Services: []catalog.Service{{Name: "wmts_c", Protocol: "OGC:WMTS", URL: "http://x/cropland_c/wmts?a=1&b=2"}},
	}
}

// wellFormed reads XML to its end and returns the texts by the path of their
// elements without prefixes.
func wellFormed(t *testing.T, data []byte) map[string][]string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(data)))
	texts := map[string][]string{}
	var path []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		switch v := token.(type) {
		case xml.StartElement:
			path = append(path, v.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) > 1 {
				texts[path[len(path)-2]] = append(texts[path[len(path)-2]], string(v))
			}
		}
	}
}

// The metadata hold what the layer and its record say, by a plain reader of XML.
func TestISO(t *testing.T) {
	table, err := catalog.Parse("x", []byte(edited), has)
	if err != nil {
		t.Fatal(err)
	}
	got := wellFormed(t, sheet(table.Of(edition.Government, "cropland")).ISO())
	for name, want := range map[string][]string{
		"fileIdentifier": {"gengtu:government:cropland@2024"}, "dateStamp": {"2026-02-28"}, "title": {"耕地 2024"},
		"keyword":            {"现状", "耕地资源", "net:government", "grade:core"},
		"westBoundLongitude": {"108.7"}, "eastBoundLongitude": {"108.75"}, "southBoundLatitude": {"34.25"}, "northBoundLatitude": {"34.3"},
		"statement": {`变更调查 <&"`}, "linkage": {"http://x/cropland_c/wmts?a=1&b=2"}, "otherConstraints": {"陕S（2026）1号"},
		"maintenanceAndUpdateFrequency": {"monthly"}, "organisationName": {"县局", "县局"}, "fileName": {"http://x/map.png?a=1&b=2"},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// debianPython is the Python that Debian's packages are installed for; another one may
// come first on the path.
const debianPython = "/usr/bin/python3"

// readISO reads metadata with OWSLib, which knows the places of ISO 19139.
const readISO = `
import json, sys
from owslib.iso import MD_Metadata
from owslib.etree import etree
m = MD_Metadata(etree.parse(sys.argv[1]).getroot())
i = m.identification[0] if isinstance(m.identification, list) else m.identification
k = i.keywords[0]
print(json.dumps({"id": m.identifier, "crs": m.referencesystem.code, "contact": m.contact[0].organization, "title": i.title,
  "keywords": k["keywords"] if isinstance(k, dict) else [getattr(w, "name", w) for w in k.keywords], "topic": i.topiccategory,
  "bbox": [float(v) for v in (i.bbox.minx, i.bbox.miny, i.bbox.maxx, i.bbox.maxy)], "online": [o.url for o in m.distribution.online],
  "use": i.uselimitation, "lineage": m.dataquality.lineage}))
`

// Another implementation finds everything where the standard puts it.
func TestISOByOWSLib(t *testing.T) {
	if exec.CommandContext(t.Context(), debianPython, "-c", "import owslib.iso").Run() != nil {
		t.Fatal("OWSLib is needed: apt-get install -y python3-owslib")
	}
	table, err := catalog.Parse("x", []byte(edited), has)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.xml")
	if err := os.WriteFile(path, sheet(table.Of(edition.Government, "cropland")).ISO(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), debianPython, "-c", readISO, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": "gengtu:government:cropland@2024", "crs": "4490", "contact": "县局", "title": "耕地 2024",
		"keywords": []any{"现状", "耕地资源", "net:government", "grade:core"}, "topic": []any{"farming"},
		"bbox": []any{108.7, 34.25, 108.75, 34.3}, "online": []any{"http://x/cropland_c/wmts?a=1&b=2"},
		"use": []any{"不作依据"}, "lineage": `变更调查 <&"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
