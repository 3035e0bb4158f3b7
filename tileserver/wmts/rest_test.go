package wmts_test

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

func TestParseREST(t *testing.T) {
	at := tile.Tile{Grid: tile.C, Z: 14, X: 12889, Y: 2475}
	for _, c := range []struct {
		path string
		want wmts.Request
	}{
		{"1.0.0/WMTSCapabilities.xml", wmts.Request{Operation: wmts.GetCapabilities}},
		{"cropland/default/c/14/2475/12889.png", wmts.Request{Operation: wmts.GetTile, Layer: "cropland", Style: "default", Tile: at}},
		{"耕地/default/c/14/2475/12889.mvt", wmts.Request{Operation: wmts.GetTile, Layer: "耕地", Style: "default", Format: wmts.MVT, Tile: at}},
		{"cropland/default/c/14/2475/12889/7/9.json", wmts.Request{
			Operation: wmts.GetFeatureInfo, Layer: "cropland", Style: "default", Tile: at, J: 7, I: 9,
		}},
		{"cropland/default/c/14/2475/12889/255/0.xml", wmts.Request{
			Operation: wmts.GetFeatureInfo, Layer: "cropland", Style: "default", Tile: at, J: 255, InfoFormat: wmts.XML,
		}},
	} {
		t.Run(c.path, func(t *testing.T) {
			got, fault := wmts.ParseREST(c.path)
			if fault != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, fault, c.want)
			}
		})
	}
}

func TestParseRESTFaults(t *testing.T) {
	for _, c := range []struct {
		path string
		code wmts.Code
	}{
		{"", wmts.InvalidParameterValue},
		{"/", wmts.InvalidParameterValue},
		{"1.0.0/wmtscapabilities.xml", wmts.InvalidParameterValue},
		{"/default/c/14/2475/12889.png", wmts.InvalidParameterValue},
		{"cropland//c/14/2475/12889.png", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889.jpg", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889.PNG", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889.png.png", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889/7.json", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889/7/9.png", wmts.InvalidParameterValue},
		{"cropland/default/c/14/2475/12889/7/9/1.json", wmts.InvalidParameterValue},
		{"cropland/default/d/14/2475/12889.png", wmts.InvalidParameterValue},
		{"cropland/default/c/0/0/0.png", wmts.InvalidParameterValue},
		{"cropland/default/c/14/02475/12889.png", wmts.InvalidParameterValue},
		{"cropland/default/c/14/12889/2475.png", wmts.TileOutOfRange},
		{"cropland/default/w/0/0/1.png", wmts.TileOutOfRange},
		{"cropland/default/w/0/-1/0.png", wmts.TileOutOfRange},
		{"cropland/default/c/14/2475/12889/256/9.json", wmts.PointIJOutOfRange},
		{"cropland/default/c/14/2475/12889/7/256.json", wmts.PointIJOutOfRange},
	} {
		t.Run(c.path, func(t *testing.T) {
			_, fault := wmts.ParseREST(c.path)
			if fault == nil || fault.Code != c.code || fault.Status != 404 {
				t.Errorf("got %+v, want %s and 404", fault, c.code)
			}
		})
	}
}

// What is read prints to the path that it was read from: no tile has two
// addresses.
func FuzzParseREST(f *testing.F) {
	for _, p := range []string{
		"1.0.0/WMTSCapabilities.xml", "cropland/default/c/14/2475/12889.png", "a/b/w/0/0/0.mvt",
		"cropland/default/c/14/2475/12889/7/9.json", "a/b/w/0/0/0/-0/0.html", strings.Repeat("/", 20),
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, fault := wmts.ParseREST(path)
		if fault != nil {
			if fault.Status != 404 || len(fault.XML(problem.English)) > 4000 {
				t.Fatalf("%q: fault %+v", path, fault)
			}
			return
		}
		if r.Operation == wmts.GetCapabilities {
			if path != wmts.CapabilitiesPath {
				t.Fatalf("%q read as the capabilities", path)
			}
			return
		}
		printed := fmt.Sprintf("%s/%s/%s/%d/%d/%d", r.Layer, r.Style, r.Tile.Grid, r.Tile.Z, r.Tile.Y, r.Tile.X)
		if r.Operation == wmts.GetTile {
			printed += "." + r.Format.Extension()
		} else {
			printed += fmt.Sprintf("/%d/%d.%s", r.J, r.I, r.InfoFormat.Extension())
		}
		if printed != path {
			t.Fatalf("%q printed as %q", path, printed)
		}
	})
}
