package tileserver_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"gengtu/benchmarks/suite"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// kvp is a WMTS query; what change says replaces or, with an empty value, takes
// out.
func kvp(change map[string]string) string {
	w := strings.Split(tileAt(tile.W, 12), "/")
	q := map[string]string{
		"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "cropland", "STYLE": "default", "FORMAT": "image/png",
		"TILEMATRIXSET": "w", "TILEMATRIX": w[0], "TILECOL": w[1], "TILEROW": w[2],
	}
	for k, v := range change {
		q[k] = v
	}
	var out []string
	for k, v := range q {
		if v != "" {
			out = append(out, k+"="+v)
		}
	}
	return strings.Join(out, "&")
}

// gridKVP asks for the landscape's tile of zoom 12 in a grid.
func gridKVP(g tile.Grid, more map[string]string) string {
	z := strings.Split(tileAt(g, 12), "/")
	change := map[string]string{"TILEMATRIXSET": g.String(), "TILEMATRIX": z[0], "TILECOL": z[1], "TILEROW": z[2]}
	for k, v := range more {
		change[k] = v
	}
	return kvp(change)
}

// The tiles of both bindings and of Tianditu's address are those of /tiles, in
// both grids and forms.
func TestWMTSTiles(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	for _, g := range tile.Grids() {
		z := strings.Split(tileAt(g, 12), "/")
		for ending, format := range map[string]string{"png": "image/png", "mvt": "application/vnd.mapbox-vector-tile"} {
			want := s.get(t, fmt.Sprintf("/secure/tiles/cropland/%s/%s.%s", g, tileAt(g, 12), ending), head...)
			if want.StatusCode != http.StatusOK || len(want.body) < 100 {
				t.Fatalf("%s %s: %d with %d bytes", g, ending, want.StatusCode, len(want.body))
			}
			for name, address := range map[string]string{
				"KVP":                        "/secure/wmts?" + gridKVP(g, map[string]string{"FORMAT": format}),
				"KVP with names in any case": "/secure/wmts?" + strings.NewReplacer("TILEMATRIXSET", "TileMatrixSet", "LAYER", "layer", "SERVICE", "Service").Replace(gridKVP(g, map[string]string{"FORMAT": format})),
				"KVP without a style":        "/secure/wmts?" + gridKVP(g, map[string]string{"FORMAT": format, "STYLE": ""}),
				"REST":                       fmt.Sprintf("/secure/wmts/cropland/default/%s/%s/%s/%s.%s", g, z[0], z[2], z[1], ending),
				"Tianditu":                   fmt.Sprintf("/secure/cropland_%s/wmts?%s", g, gridKVP(g, map[string]string{"FORMAT": format})),
			} {
				r := s.get(t, address, head...)
				if r.StatusCode != http.StatusOK || !bytes.Equal(r.body, want.body) || r.Header.Get("Content-Type") != format || r.Header.Get("ETag") != want.Header.Get("ETag") {
					t.Errorf("%s %s by %s: %d %s with %d bytes, want %d", g, ending, name, r.StatusCode, r.Header.Get("Content-Type"), len(r.body), len(want.body))
				}
			}
		}
		// As Tianditu's users write it, with the token in the query.
		r := s.get(t, fmt.Sprintf("/secure/cropland_%s/wmts?%s&tk=%s", g, gridKVP(g, map[string]string{"FORMAT": "tiles"}), s.tokens[edition.Secure]))
		if _, err := png.Decode(bytes.NewReader(r.body)); err != nil || r.Header.Get("Content-Type") != "image/png" {
			t.Errorf("FORMAT=tiles in %s: %d %v", g, r.StatusCode, err)
		}
	}
}

// exceptions is an ows:ExceptionReport.
type exceptions struct {
	XMLName    xml.Name `xml:"http://www.opengis.net/ows/1.1 ExceptionReport"`
	Version    string   `xml:"version,attr"`
	Exceptions []struct {
		Code    string `xml:"exceptionCode,attr"`
		Locator string `xml:"locator,attr"`
		Text    string `xml:"http://www.opengis.net/ows/1.1 ExceptionText"`
	} `xml:"http://www.opengis.net/ows/1.1 Exception"`
}

// Every fault of the KVP binding is an exception report with the standard's code
// and locator (07-057r7 tables 21, 24 and 30), those that come before WMTS too.
func TestWMTSFaultsKVP(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	cases := []struct {
		name, query   string
		status        int
		code, locator string
	}{
		{"no SERVICE", kvp(map[string]string{"SERVICE": ""}), 400, "MissingParameterValue", "SERVICE"},
		{"another service", kvp(map[string]string{"SERVICE": "WMS"}), 400, "InvalidParameterValue", "SERVICE"},
		{"no REQUEST", kvp(map[string]string{"REQUEST": ""}), 400, "MissingParameterValue", "REQUEST"},
		{"another request", kvp(map[string]string{"REQUEST": "GetMap"}), 501, "OperationNotSupported", "GetMap"},
		{"another version", kvp(map[string]string{"VERSION": "2.0.0"}), 400, "InvalidParameterValue", "VERSION"},
		{"versions without ours", "SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=2.0.0", 400, "VersionNegotiationFailed", ""},
		{"an update sequence to come", "SERVICE=WMTS&REQUEST=GetCapabilities&UPDATESEQUENCE=9999", 400, "InvalidUpdateSequence", ""},
		{"no layer", kvp(map[string]string{"LAYER": ""}), 400, "MissingParameterValue", "LAYER"},
		{"an unknown layer", kvp(map[string]string{"LAYER": "roads"}), 400, "InvalidParameterValue", "LAYER"},
		{"a layer of another tier", kvp(map[string]string{"LAYER": "dltb"}), 400, "InvalidParameterValue", "LAYER"},
		{"an unknown style", kvp(map[string]string{"STYLE": "night"}), 400, "InvalidParameterValue", "STYLE"},
		{"an unknown format", kvp(map[string]string{"FORMAT": "image/jpeg"}), 400, "InvalidParameterValue", "FORMAT"},
		{"no format", kvp(map[string]string{"FORMAT": ""}), 400, "MissingParameterValue", "FORMAT"},
		{"an unknown matrix set", kvp(map[string]string{"TILEMATRIXSET": "m"}), 400, "InvalidParameterValue", "TILEMATRIXSET"},
		{"an unknown matrix", kvp(map[string]string{"TILEMATRIX": "99"}), 400, "InvalidParameterValue", "TILEMATRIX"},
		{"a matrix that is not served", kvp(map[string]string{"TILEMATRIX": "15", "TILECOL": "1", "TILEROW": "1"}), 400, "InvalidParameterValue", "TILEMATRIX"},
		{"a row out of range", kvp(map[string]string{"TILEROW": "4096"}), 400, "TileOutOfRange", "TILEROW"},
		{"a column out of range", kvp(map[string]string{"TILECOL": "4096"}), 400, "TileOutOfRange", "TILECOL"},
		{"a row that is no number", kvp(map[string]string{"TILEROW": "x"}), 400, "InvalidParameterValue", "TILEROW"},
		{"a pixel out of range", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/html", "I": "256", "J": "0"}), 400, "PointIJOutOfRange", "I"},
		{"no pixel", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/html", "I": "1"}), 400, "MissingParameterValue", "J"},
		{"an unknown form of information", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/rtf", "I": "1", "J": "1"}), 400, "InvalidParameterValue", "INFOFORMAT"},
		{"a vintage that is not there", kvp(map[string]string{"vintage": "1999"}), 400, "InvalidParameterValue", "VINTAGE"},
		{"a generation that is gone", kvp(map[string]string{"generation": "g0000000000000000"}), 410, "NoApplicableCode", ""},
		{"a service in lower case", kvp(map[string]string{"SERVICE": "wmts"}), 400, "InvalidParameterValue", "SERVICE"},
		{"nothing", "", 400, "MissingParameterValue", "SERVICE"},
		{"a request in lower case", kvp(map[string]string{"REQUEST": "gettile"}), 501, "OperationNotSupported", "gettile"},
		{"no version", kvp(map[string]string{"VERSION": ""}), 400, "MissingParameterValue", "VERSION"},
		{"a layer in capitals", kvp(map[string]string{"LAYER": "Cropland"}), 400, "InvalidParameterValue", "LAYER"},
		{"two layers", kvp(map[string]string{"LAYER": "cropland,pbf"}), 400, "InvalidParameterValue", "LAYER"},
		{"a layer twice and different", kvp(nil) + "&layer=pbf", 400, "InvalidParameterValue", "LAYER"},
		{"no matrix set", kvp(map[string]string{"TILEMATRIXSET": ""}), 400, "MissingParameterValue", "TILEMATRIXSET"},
		{"no matrix", kvp(map[string]string{"TILEMATRIX": ""}), 400, "MissingParameterValue", "TILEMATRIX"},
		{"no row", kvp(map[string]string{"TILEROW": ""}), 400, "MissingParameterValue", "TILEROW"},
		{"no column", kvp(map[string]string{"TILECOL": ""}), 400, "MissingParameterValue", "TILECOL"},
		{"a matrix by the name of its set", kvp(map[string]string{"TILEMATRIX": "w:12"}), 400, "InvalidParameterValue", "TILEMATRIX"},
		{"zoom 0 of c", gridKVP(tile.C, map[string]string{"TILEMATRIX": "0", "TILEROW": "0", "TILECOL": "0"}), 400, "InvalidParameterValue", "TILEMATRIX"},
		{"a row of w in c", gridKVP(tile.C, map[string]string{"TILEROW": "2048"}), 400, "TileOutOfRange", "TILEROW"},
		{"a negative row", kvp(map[string]string{"TILEROW": "-1"}), 400, "TileOutOfRange", "TILEROW"},
		{"a negative column", kvp(map[string]string{"TILECOL": "-1"}), 400, "TileOutOfRange", "TILECOL"},
		{"a column beyond all numbers", kvp(map[string]string{"TILECOL": "99999999999999999999"}), 400, "TileOutOfRange", "TILECOL"},
		{"a column that is no number", kvp(map[string]string{"TILECOL": "1.5"}), 400, "InvalidParameterValue", "TILECOL"},
		{"a negative pixel", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/html", "I": "0", "J": "-1"}), 400, "PointIJOutOfRange", "J"},
		{"no column of a pixel", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/html", "J": "1"}), 400, "MissingParameterValue", "I"},
		{"a pixel that is no number", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "INFOFORMAT": "text/html", "I": "x", "J": "1"}), 400, "InvalidParameterValue", "I"},
		{"no form of information", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "I": "1", "J": "1"}), 400, "MissingParameterValue", "INFOFORMAT"},
		{"information of an unknown layer", kvp(map[string]string{"REQUEST": "GetFeatureInfo", "LAYER": "roads", "INFOFORMAT": "text/html", "I": "1", "J": "1"}), 400, "InvalidParameterValue", "LAYER"},
		{"a vintage in capitals that is not there", kvp(map[string]string{"VINTAGE": "1999"}), 400, "InvalidParameterValue", "VINTAGE"},
		{"two vintages", kvp(map[string]string{"VINTAGE": "2023"}) + "&vintage=2024", 400, "InvalidParameterValue", "VINTAGE"},
		{"a name of a generation that is none", kvp(map[string]string{"generation": "x"}), 400, "NoApplicableCode", ""},
	}
	suite.Count(t, "wmts-kvp", float64(len(cases)), "faults")
	if len(cases) < 40 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		r := s.get(t, "/public/wmts?"+c.query)
		wantException(t, c.name, r, c.status, c.code, c.locator)
		r = s.get(t, "/public/wmts?"+c.query, "Accept-Language", "zh")
		if !bytes.ContainsFunc(r.body, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
			t.Errorf("%s: no Chinese in %s", c.name, r.body)
		}
	}
	wantException(t, "another grid than the address says", s.get(t, "/public/cropland_c/wmts?"+kvp(nil)), 400, "InvalidParameterValue", "TILEMATRIXSET")
	wantException(t, "another layer than the address says", s.get(t, "/public/cropland_w/wmts?"+kvp(map[string]string{"LAYER": "pbf"})), 400, "InvalidParameterValue", "LAYER")
	wantException(t, "an unknown layer in the address", s.get(t, "/public/roads_w/wmts?"+kvp(nil)), 404, "NoApplicableCode", "")
	r := s.get(t, "/secure/wmts?"+kvp(nil))
	wantException(t, "no token", r, 401, "NoApplicableCode", "")
	if r.Header.Get("WWW-Authenticate") == "" || r.Header.Get("Gengtu-Generation") != "" {
		t.Errorf("without a token the headers are %v", r.Header)
	}
}

func wantException(t *testing.T, at string, r reply, status int, code, locator string) {
	t.Helper()
	var e exceptions
	if err := xml.Unmarshal(r.body, &e); err != nil || len(e.Exceptions) != 1 || e.Version != "1.1.0" {
		t.Errorf("%s: %v in %.300s", at, err, r.body)
		return
	}
	x := e.Exceptions[0]
	if r.StatusCode != status || x.Code != code || x.Locator != locator || x.Text == "" || r.Header.Get("Content-Type") != "text/xml; charset=utf-8" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %d %s %q %q, want %d %s %q", at, r.StatusCode, x.Code, x.Locator, x.Text, status, code, locator)
	}
}

// Faults of the RESTful binding are plain HTTP: 404, and 406 when the client
// does not take what is there.
func TestWMTSFaultsREST(t *testing.T) {
	s := serve(t, nil, edition.Public)
	z := strings.Split(tileAt(tile.W, 12), "/")
	good := fmt.Sprintf("/public/wmts/cropland/default/w/%s/%s/%s", z[0], z[2], z[1])
	for name, address := range map[string]string{
		"a layer":     strings.Replace(good, "cropland", "roads", 1) + ".png",
		"a style":     strings.Replace(good, "default", "night", 1) + ".png",
		"a grid":      strings.Replace(good, "/w/", "/m/", 1) + ".png",
		"a format":    good + ".jpeg",
		"no format":   good,
		"a matrix":    strings.Replace(good, "/12/", "/15/", 1) + ".png",
		"a row":       fmt.Sprintf("/public/wmts/cropland/default/w/12/4096/%s.png", z[1]),
		"a pixel":     good + "/0/256.json",
		"information": good + "/0/0.rtf",

		"a vintage":             strings.Replace(good, "default", "default/1066", 1) + ".png",
		"a vintage of a pixel":  strings.Replace(good, "default", "default/1066", 1) + "/0/0.json",
		"a style of a vintage":  strings.Replace(good, "default", "night/default", 1) + ".png",
		"a row of a vintage":    fmt.Sprintf("/public/wmts/cropland/default/default/w/12/4096/%s.png", z[1]),
		"a column":              fmt.Sprintf("/public/wmts/cropland/default/w/12/%s/4096.png", z[2]),
		"a negative column":     fmt.Sprintf("/public/wmts/cropland/default/w/12/%s/-1.png", z[2]),
		"a zoom of c":           "/public/wmts/cropland/default/c/0/0/0.png",
		"a row that is a word":  fmt.Sprintf("/public/wmts/cropland/default/w/12/x/%s.png", z[1]),
		"a row of a pixel":      good + "/256/0.json",
		"a layer of a tier":     strings.Replace(good, "cropland", "dltb", 1) + ".png",
		"an ending twice":       good + ".png.png",
		"an ending in capitals": good + ".PNG",
	} {
		suite.Count(t, "wmts-rest", 1, "faults")
		if r := s.get(t, address); r.StatusCode != http.StatusNotFound || r.Header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
			t.Errorf("%s that does not exist: %d %s", name, r.StatusCode, r.body)
		}
	}
	for _, c := range []struct {
		address, accept string
		status          int
	}{
		{good + ".png", "image/png", 200}, {good + ".png", "image/*;q=0.5, text/html", 200}, {good + ".png", "*/*", 200}, {good + ".png", "", 200},
		{good + ".png", "text/html", 406}, {good + ".png", "image/png;q=0, */*", 406}, {good + ".mvt", "image/png", 406},
		{"/public/wmts/1.0.0/WMTSCapabilities.xml", "application/xml", 200}, {"/public/wmts/1.0.0/WMTSCapabilities.xml", "text/xml;q=0.1", 200},
		{"/public/wmts/1.0.0/WMTSCapabilities.xml", "image/png", 406}, {good + "/0/0.html", "application/json", 406}, {good + "/0/0.html", "text/html", 200},
	} {
		r := s.get(t, c.address, "Accept", c.accept)
		if r.StatusCode != c.status {
			t.Errorf("%s accepting %q: %d, want %d", c.address, c.accept, r.StatusCode, c.status)
		}
		if c.status == 406 {
			wantProblem(t, c.address, r, 406, "not_acceptable")
		}
	}
}

// A point finds the feature it lies in, in every form, with the edition's fields
// and no others.
func TestWMTSFeatureInfo(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	for _, g := range tile.Grids() {
		for _, lotAt := range [][2]int{{0, 0}, {3, 5}, {7, 7}} {
			b := lotBox(lotAt[0], lotAt[1], lotAt[0]+1, lotAt[1]+1)
			p := geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}
			at := g.At(p, 16)
			w, o := g.Project(p), at.Origin()
			i, j := int((w.X-o.X)/tile.Span(16)*256), int((w.Y-o.Y)/tile.Span(16)*256)
			query := func(format string) string {
				return "/government/wmts?" + kvp(map[string]string{
					"REQUEST": "GetFeatureInfo", "TILEMATRIXSET": g.String(), "TILEMATRIX": "16", "TILECOL": fmt.Sprint(at.X), "TILEROW": fmt.Sprint(at.Y),
					"I": fmt.Sprint(i), "J": fmt.Sprint(j), "INFOFORMAT": format,
				})
			}
			type info struct {
				Features []struct {
					ID         uint64
					Properties map[string]any
				}
			}
			want := uint64(1000 + lotAt[1]*lots + lotAt[0])
			got := decode[info](t, s.get(t, query("application/json"), head...))
			if len(got.Features) != 1 || got.Features[0].ID != want || got.Features[0].Properties["BSM"] != bsm(lotAt[0], lotAt[1]) || got.Features[0].Properties["QSDWMC"] != nil {
				t.Errorf("%s lot %v: %+v, want %d", g, lotAt, got, want)
			}
			for _, format := range []string{"text/html", "text/xml"} {
				r := s.get(t, query(format), head...)
				if r.StatusCode != http.StatusOK || !bytes.Contains(r.body, []byte(bsm(lotAt[0], lotAt[1]))) || bytes.Contains(r.body, []byte("张村")) || !strings.HasPrefix(r.Header.Get("Content-Type"), format) {
					t.Errorf("%s lot %v as %s: %d %s", g, lotAt, format, r.StatusCode, r.body)
				}
			}
			rest := s.get(t, fmt.Sprintf("/government/wmts/cropland/default/%s/16/%d/%d/%d/%d.json", g, at.Y, at.X, j, i), head...)
			if kvp := s.get(t, query("application/json"), head...); !bytes.Equal(rest.body, kvp.body) {
				t.Errorf("%s lot %v by REST: %d %s", g, lotAt, rest.StatusCode, rest.body)
			}
		}
	}
	// Beside the land there is nothing, and that is an answer.
	r := s.get(t, "/government/wmts?"+kvp(map[string]string{"REQUEST": "GetFeatureInfo", "TILEMATRIX": "5", "TILECOL": "0", "TILEROW": "0", "I": "0", "J": "0", "INFOFORMAT": "application/json"}), head...)
	if r.StatusCode != http.StatusOK || !bytes.Contains(r.body, []byte(`"features":[]`)) {
		t.Errorf("beside the land: %d %s", r.StatusCode, r.body)
	}
}

// The capabilities are valid against OGC's schema, in every tier, in every form
// of address, and list no layer of another tier.
func TestWMTSCapabilities(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for _, address := range []string{
		"/public/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/public/wmts/1.0.0/WMTSCapabilities.xml", "/public/cropland_w/wmts?service=WMTS&request=GetCapabilities",
		"/secure/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=2.0.0,1.0.0&tk=" + s.tokens[edition.Secure],
	} {
		r := s.get(t, address)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", address, r.StatusCode)
			continue
		}
		if strings.HasPrefix(address, "/public") && bytes.Contains(r.body, []byte("dltb")) {
			t.Errorf("%s names a layer of another tier", address)
		}
		if strings.Contains(address, "cropland_w") == bytes.Contains(r.body, []byte("<ows:Identifier>pbf<")) {
			t.Errorf("%s: wrong layers", address)
		}
		validate(t, r.body)
	}
}

// validate checks a document with xmllint against the WMTS schema, whose parts
// are found by the catalogue beside it.
func validate(t *testing.T, doc []byte) {
	t.Helper()
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Fatal("xmllint is missing: apt-get install libxml2-utils")
	}
	const xsd = "../../shared/data/wmts_xsd"
	cmd := exec.CommandContext(t.Context(), lint, "--nonet", "--noout", "--schema", xsd+"/wmts/1.0/wmtsGetCapabilities_response.xsd", "-")
	cmd.Stdin, cmd.Env = bytes.NewReader(doc), append(os.Environ(), "XML_CATALOG_FILES="+xsd+"/catalog.xml")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("not valid: %v %.600s", err, out)
	}
}

// A picture shows what its vector tile holds: where the tile is covered there is
// colour, where it is not there is none.
func TestPictureAgreesWithTile(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for _, g := range tile.Grids() {
		at := tileAt(g, 12)
		layers, err := mvt.Decode(s.get(t, fmt.Sprintf("/public/tiles/pbf/%s/%s.mvt", g, at)).body)
		if err != nil || len(layers) != 1 {
			t.Fatal(err, len(layers))
		}
		img, err := png.Decode(bytes.NewReader(s.get(t, fmt.Sprintf("/public/tiles/pbf/%s/%s.png", g, at)).body))
		if err != nil {
			t.Fatal(err)
		}
		covered := 0
		for y := range 256 {
			for x := range 256 {
				if _, _, _, a := img.At(x, y).RGBA(); a > 0x2000 {
					covered++
				}
			}
		}
		var area2 int64
		for _, f := range layers[0].Features {
			for _, p := range f.Polygons {
				area2 += p.Area2()
			}
		}
		want := float64(area2) / 2 / 256
		if float64(covered) < want*0.8-40 || float64(covered) > want*1.3+80 {
			t.Errorf("%s: %d pixels are painted, the tile covers %.0f", g, covered, want)
		}
	}
	if r := s.do(t, http.MethodGet, "/public/tiles/pbf/w/12/0/0.png", nil, "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
		t.Error("a picture is compressed twice")
	}
}
