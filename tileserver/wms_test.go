package tileserver_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
)

// getMap is a GetMap of the land, in 1.3.0 and CRS:84; change replaces parameters or, with
// an empty value, takes them out.
func getMap(change map[string]string) string {
	q := map[string]string{
		"VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": "pbf", "CRS": "CRS:84", "BBOX": "108.698,34.298,108.708,34.308", "WIDTH": "200", "HEIGHT": "200", "FORMAT": "image/png",
	}
	for k, v := range change {
		q[k] = v
	}
	out := "wms?SERVICE=WMS"
	for k, v := range q {
		if v != "" {
			out += "&" + k + "=" + v
		}
	}
	return out
}

// wmsPicture asks for a picture.
func wmsPicture(t *testing.T, s *service, change map[string]string) image.Image {
	t.Helper()
	r := s.get(t, "/public/"+getMap(change))
	img, err := png.Decode(bytes.NewReader(r.body))
	if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Fatalf("%v: %d %s %.300s", change, r.StatusCode, r.Header.Get("Content-Type"), r.body)
	}
	return img
}

// A map in any version and system is map.png's.
func TestWMSMapIsMapPNG(t *testing.T) {
	s := serve(t, nil, edition.Public)
	want := mapOf(t, s, "layers=pbf&bbox=108.698,34.298,108.708,34.308&width=200&height=200")
	mercator, err := geo.EPSG(3857)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := mercator.Forward(geo.LonLat{Lon: 108.698, Lat: 34.298}), mercator.Forward(geo.LonLat{Lon: 108.708, Lat: 34.308})
	metres := fmt.Sprintf("%.4f,%.4f,%.4f,%.4f", lo.X, lo.Y, hi.X, hi.Y)
	wantMetres := mapOf(t, s, "layers=pbf&crs=EPSG:3857&bbox="+metres+"&width=200&height=200")
	for name, c := range map[string]struct {
		change map[string]string
		want   image.Image
	}{
		"CRS:84":        {map[string]string{}, want},
		"4490 in 1.3.0": {map[string]string{"CRS": "EPSG:4490", "BBOX": "34.298,108.698,34.308,108.708"}, want},
		"4326 in 1.3.0": {map[string]string{"CRS": "EPSG:4326", "BBOX": "34.298,108.698,34.308,108.708"}, want},
		"4490 in 1.1.1": {map[string]string{"VERSION": "1.1.1", "CRS": "", "SRS": "EPSG:4490"}, want},
		"3857 in 1.3.0": {map[string]string{"CRS": "EPSG:3857", "BBOX": metres}, wantMetres},
		"3857 in 1.1.1": {map[string]string{"VERSION": "1.1.1", "CRS": "", "SRS": "EPSG:3857", "BBOX": metres}, wantMetres},
	} {
		c.change["TRANSPARENT"] = "TRUE"
		if n := differences(c.want, wmsPicture(t, s, c.change), 2); n > 20 || !painted(c.want, 100, 100) {
			t.Errorf("%s: %d pixels differ from map.png", name, n)
		}
	}
	// Clients ask for pictures that reach over the world's edge, where nothing lies.
	for _, box := range []string{"-400,-200,400,200", "200,-80,300,80", "-180,91,180,240"} {
		if img := wmsPicture(t, s, map[string]string{"BBOX": box, "TRANSPARENT": "TRUE", "WIDTH": "400"}); box[0] != '-' && painted(img, 100, 100) {
			t.Errorf("%s has land", box)
		}
	}
}

// The background is white unless another is asked for, and lies under what is painted;
// each picture has a tag of its own.
func TestWMSBackground(t *testing.T) {
	s := serve(t, nil, edition.Public)
	want := wmsPicture(t, s, map[string]string{"TRANSPARENT": "TRUE"})
	for asked, under := range map[string]color.RGBA{"": {0xFF, 0xFF, 0xFF, 0xFF}, "0x336699": {0x33, 0x66, 0x99, 0xFF}} {
		img := wmsPicture(t, s, map[string]string{"BGCOLOR": asked})
		for y := 0; y < 200; y += 7 {
			for x := 0; x < 200; x += 7 {
				r, g, b, a := want.At(x, y).RGBA()
				over := func(c uint32, u uint8) int { return int((c + (0xFFFF-a)*uint32(u)/0xFF) >> 8) }
				gr, gg, gb, ga := img.At(x, y).RGBA()
				for k, d := range []int{over(r, under.R) - int(gr>>8), over(g, under.G) - int(gg>>8), over(b, under.B) - int(gb>>8), 255 - int(ga>>8)} {
					if d > 8 || d < -8 { // a picture with many mixtures has a palette
						t.Fatalf("over %q pixel %d,%d channel %d is %d off", asked, x, y, k, d)
					}
				}
			}
		}
	}
	tags := map[string]bool{}
	for _, change := range []map[string]string{{}, {"TRANSPARENT": "TRUE"}, {"BGCOLOR": "0x336699"}, {"LAYERS": "hsf"}} {
		tags[s.get(t, "/public/"+getMap(change)).Header.Get("ETag")] = true
	}
	if len(tags) != 4 {
		t.Errorf("four pictures have the tags %v", tags)
	}
}

// What the edition and the token refuse is a report in the version of the request; what is
// refused for the request's own sake is tested in package wms.
func TestWMSFaults(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	for _, c := range []struct {
		name        string
		change      map[string]string
		tier        string
		status      int
		code, older string // in 1.3.0 and 1.1.1
	}{
		{"an unknown layer", map[string]string{"LAYERS": "roads"}, "public", 400, "LayerNotDefined", "LayerNotDefined"},
		{"a layer of another tier", map[string]string{"LAYERS": "dltb"}, "public", 400, "LayerNotDefined", "LayerNotDefined"},
		{"an unknown style", map[string]string{"STYLES": "night"}, "public", 400, "StyleNotDefined", "StyleNotDefined"},
		{"a layer twice", map[string]string{"LAYERS": "pbf,pbf"}, "public", 400, "", ""},
		{"an unknown vintage", map[string]string{"DIM_VINTAGE": "1066"}, "public", 400, "InvalidDimensionValue", "InvalidDimensionValue"},
		{"two vintages", map[string]string{"dim_vintage": "2023", "vintage": "2024"}, "public", 400, "InvalidDimensionValue", "InvalidDimensionValue"},
		{"pixels much too small", map[string]string{"BBOX": "108.7,34.3,108.70000001,34.30000001"}, "public", 400, "", ""},
		{"pixels much too long", map[string]string{"BBOX": "108,34.3,109,34.301"}, "public", 400, "", ""},
		{"an unknown system", map[string]string{"CRS": "EPSG:4526", "SRS": "EPSG:4526"}, "public", 400, "InvalidCRS", "InvalidSRS"},
		{"no token", nil, "secure", 401, "", ""},
		{"a generation that is gone", map[string]string{"generation": "g0000000000000000"}, "public", 410, "", ""},
		{"a request that is none", map[string]string{"REQUEST": "DescribeLayer"}, "public", 501, "OperationNotSupported", ""},
		{"a legend of no layer", map[string]string{"REQUEST": "GetLegendGraphic", "LAYER": "roads"}, "public", 400, "LayerNotDefined", "LayerNotDefined"},
		{"a legend of no style", map[string]string{"REQUEST": "GetLegendGraphic", "LAYER": "pbf", "STYLE": "night"}, "public", 400, "StyleNotDefined", "StyleNotDefined"},
	} {
		for version, code := range map[string]string{"1.3.0": c.code, "1.1.1": c.older} {
			change := map[string]string{"VERSION": version, "SRS": "EPSG:4490"}
			for k, v := range c.change {
				change[k] = v
			}
			contentType := map[string]string{"1.3.0": "text/xml; charset=utf-8", "1.1.1": "application/vnd.ogc.se_xml; charset=utf-8"}[version]
			r := s.get(t, "/"+c.tier+"/"+getMap(change))
			var e struct {
				Version   string `xml:"version,attr"`
				Exception struct {
					Code string `xml:"code,attr"`
					Text string `xml:",chardata"`
				} `xml:"ServiceException"`
			}
			if err := xml.Unmarshal(r.body, &e); err != nil || r.StatusCode != c.status || e.Version != version || e.Exception.Code != code || e.Exception.Text == "" ||
				r.Header.Get("Content-Type") != contentType || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" {
				t.Errorf("%s in %s: %v %d %s %+v, want %d %s", c.name, version, err, r.StatusCode, r.Header.Get("Content-Type"), e, c.status, code)
			}
		}
	}
}

// Who wants a picture of a fault has one of the size asked for, with the text or without;
// a refusal by token stays one.
func TestWMSFaultPictures(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	colours := func(change map[string]string) map[color.Color]int {
		change["LAYERS"] = "roads"
		img := wmsPicture(t, s, change)
		out := map[color.Color]int{}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				out[color.NRGBAModel.Convert(img.At(x, y))]++
			}
		}
		return out
	}
	if found := colours(map[string]string{"EXCEPTIONS": "BLANK", "BGCOLOR": "0x102030"}); found[color.NRGBA{0x10, 0x20, 0x30, 0xFF}] != 200*200 {
		t.Errorf("blank: %v", found)
	}
	if found := colours(map[string]string{"EXCEPTIONS": "BLANK", "TRANSPARENT": "TRUE"}); found[color.NRGBA{}] != 200*200 {
		t.Errorf("blank and transparent: %v", found)
	}
	for _, name := range []string{"INIMAGE", "application/vnd.ogc.se_inimage"} {
		if found := colours(map[string]string{"EXCEPTIONS": name}); len(found) != 2 || found[color.NRGBA{0xC0, 0, 0, 0xFF}] < 200 {
			t.Errorf("%s: %v", name, found)
		}
	}
	for _, side := range []string{"1", "4096"} { // a word has no room, or much
		colours(map[string]string{"EXCEPTIONS": "INIMAGE", "WIDTH": side, "HEIGHT": "5"})
	}
	r := s.get(t, "/secure/"+getMap(map[string]string{"EXCEPTIONS": "INIMAGE"}))
	if r.StatusCode != http.StatusUnauthorized || !bytes.Contains(r.body, []byte("ServiceException")) {
		t.Errorf("without a token: %d %.200s", r.StatusCode, r.body)
	}
}

// A picture of a fault is painted where maps are painted, and for nobody whose token has
// not been looked at.
func TestWMSFaultPicturesAreWork(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	blank := map[string]string{"LAYERS": "roads", "EXCEPTIONS": "BLANK"}
	free := s.Server.HoldPlaces()
	r := s.get(t, "/public/"+getMap(blank))
	if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" || !bytes.Contains(r.body, []byte("ServiceException")) {
		t.Errorf("while all paint: %d %.200s", r.StatusCode, r.body)
	}
	free()
	// Each is wrong in itself, which is told before a token is asked for by no tier.
	for path, status := range map[string]int{
		"/secure/" + getMap(blank) + "&vintage=2023&DIM_VINTAGE=2024": http.StatusUnauthorized, "/secure/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&VINTAGE=1&vintage=2": http.StatusUnauthorized,
		"/government/" + getMap(blank) + "&vintage=2023&DIM_VINTAGE=2024": http.StatusNotFound,
	} {
		if r := s.get(t, path); r.StatusCode != status || !bytes.Contains(r.body, []byte("Exception")) {
			t.Errorf("%s: %d %.200s", path, r.StatusCode, r.body)
		}
	}
	if r := s.get(t, "/secure/"+getMap(blank)+"&vintage=2023&DIM_VINTAGE=2024", s.bearer(edition.Secure)...); r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("with a token: %d %.200s", r.StatusCode, r.body)
	}
}

// A pixel finds the feature it lies in, with the edition's fields; the number asked for
// bounds the layers together.
func TestWMSFeatureInfo(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	b := lotBox(3, 5, 4, 6)
	lo, hi := b.Min.LonLat(), b.Max.LonLat()
	for version, key := range map[string][2]string{"1.3.0": {"I", "J"}, "1.1.1": {"X", "Y"}} {
		ask := func(more map[string]string) reply {
			change := map[string]string{
				"VERSION": version, "REQUEST": "GetFeatureInfo", "LAYERS": "cropland,pbf,region", "QUERY_LAYERS": "cropland,region", "SRS": "EPSG:4326",
				"INFO_FORMAT": "application/json", "BBOX": fmt.Sprintf("%v,%v,%v,%v", lo.Lon, lo.Lat, hi.Lon, hi.Lat), "WIDTH": "101", "HEIGHT": "101", key[0]: "50", key[1]: "50",
			}
			for k, v := range more {
				change[k] = v
			}
			return s.get(t, "/government/"+getMap(change), head...)
		}
		type info struct {
			Features []struct {
				Layer      string
				Properties map[string]any
			}
		}
		got := decode[info](t, ask(nil))
		if len(got.Features) != 1 || got.Features[0].Properties["BSM"] != bsm(3, 5) || got.Features[0].Properties["QSDWMC"] != nil {
			t.Errorf("%s: %+v", version, got)
		}
		if got = decode[info](t, ask(map[string]string{"FEATURE_COUNT": "10"})); len(got.Features) < 2 || got.Features[len(got.Features)-1].Layer != "region" {
			t.Errorf("%s: %+v", version, got)
		}
		for _, format := range []string{"text/html", "text/xml"} {
			if r := ask(map[string]string{"INFO_FORMAT": format}); r.StatusCode != http.StatusOK || !bytes.Contains(r.body, []byte(bsm(3, 5))) || r.Header.Get("Content-Type") != format+"; charset=utf-8" {
				t.Errorf("%s %s: %d %s", version, format, r.StatusCode, r.body)
			}
		}
		// Beside the world lies nothing, and that is an answer.
		if got = decode[info](t, ask(map[string]string{"BBOX": "200,34,201,35"})); len(got.Features) != 0 {
			t.Errorf("%s: beside the world %+v", version, got)
		}
	}
}

// The legend of WMS is that of legend.png.
func TestWMSLegend(t *testing.T) {
	s := serve(t, nil, edition.Public)
	want := s.get(t, "/public/legend.png?layer=cropland")
	r := s.get(t, "/public/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetLegendGraphic&LAYER=cropland&FORMAT=image/png&WIDTH=20&HEIGHT=20")
	if r.StatusCode != http.StatusOK || !bytes.Equal(r.body, want.body) || len(want.body) < 100 {
		t.Errorf("%d with %d bytes, want %d", r.StatusCode, len(r.body), len(want.body))
	}
}
