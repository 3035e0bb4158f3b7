package tileserver_test

import (
	"net/http"
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
		"overlay?" + box + "&unitt=mu", "overlay?" + box + "&by=DLBM", "overlay?" + box + "&SRS=EPSG:4490", "summary?format=csv", "summary?group_by=DLBM", "diff?unit=ha",
	} {
		wantProblem(t, at, s.get(t, "/public/"+at), http.StatusBadRequest, "parameter_unknown")
	}
	for _, at := range []string{
		"overlay?" + box + "&_=1732270000&v=2&nocache=1", "summary?utm_source=mail", "map.png?" + box + "&t=7", "style.json?key=x", "legend.json?lang=zh", "style.json?format=x", "overlay?" + box + "&group_by=", "summary?by=county",
		"wmts?SERVICE=WMTS&REQUEST=GetCapabilities&Layer=x&acceptversion=1.0.0", "ogc/tiles?f=json",
	} {
		if r := s.get(t, "/public/"+at); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", at, r.StatusCode, r.body)
		}
	}
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
