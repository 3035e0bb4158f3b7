package tileserver_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/tile"
)

// Each address form of another server answers with the picture of /tiles, in both grids
// where it has both, and refuses as /tiles does.
func TestAliasTiles(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for _, g := range tile.Grids() {
		at := strings.Split(tileAt(g, 12), "/")
		z, col, row := at[0], at[1], at[2]
		want := s.get(t, fmt.Sprintf("/public/tiles/cropland/%s/%s.png", g, tileAt(g, 12)))
		both := s.get(t, fmt.Sprintf("/public/tiles/all/%s/%s.png", g, tileAt(g, 12)))
		arcgis, supermap := "/arcgis/rest/services/%s_%s/MapServer", "/iserver/services/map-a/rest/maps/%s_%s/zxyTileImage"
		forms := map[string]string{
			"Tianditu's":             fmt.Sprintf("/DataServer?T=%%s_%%s&x=%s&y=%s&l=%s", col, row, z),
			"ArcGIS's":               arcgis + fmt.Sprintf("/tile/%s/%s/%s", z, row, col),
			"ArcGIS's with ending":   arcgis + fmt.Sprintf("/tile/%s/%s/%s.png", z, row, col),
			"ArcGIS's WMTS":          arcgis + fmt.Sprintf("/WMTS/tile/1.0.0/any/default/default028mm/%s/%s/%s.png", z, row, col),
			"ArcGIS's WMTS, no .png": arcgis + fmt.Sprintf("/WMTS/tile/1.0.0/any/default/default028mm/%s/%s/%s", z, row, col),
			"SuperMap's query":       supermap + fmt.Sprintf(".png?z=%s&x=%s&y=%s&width=256&height=256&transparent=true", z, col, row),
			"SuperMap's path":        supermap + fmt.Sprintf("/%s/%s/%s.png", z, col, row),
		}
		for name, form := range forms {
			r := s.get(t, "/public"+fmt.Sprintf(form, "cropland", g))
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" || !bytes.Equal(r.body, want.body) || len(want.body) < 200 {
				t.Errorf("%s in %s: %d with %d bytes, want %d", name, g, r.StatusCode, len(r.body), len(want.body))
			}
			if r = s.get(t, "/public"+fmt.Sprintf(form, "all", g)); !bytes.Equal(r.body, both.body) {
				t.Errorf("%s in %s of all layers: %d", name, g, r.StatusCode)
			}
			wantProblem(t, name+" of no layer", s.get(t, "/public"+fmt.Sprintf(form, "roads", g)), http.StatusNotFound, "no_layer")
			wantProblem(t, name+" of no grid", s.get(t, "/public"+fmt.Sprintf(form, "cropland", "m")), http.StatusNotFound, "not_found")
			far := strings.NewReplacer(row, "99999", col, "99999").Replace(form)
			wantProblem(t, name+" out of range", s.get(t, "/public"+fmt.Sprintf(far, "cropland", g)), http.StatusBadRequest, "tile_range")
		}
	}
	wantProblem(t, "no T", s.get(t, "/public/DataServer?x=1&y=1&l=1"), http.StatusBadRequest, "parameter_service")
	wantProblem(t, "no l", s.get(t, "/public/DataServer?T=pbf_c&x=1&y=1"), http.StatusBadRequest, "parameter_tile")
}

// ArcGIS's document has the tiles of a layer where they lie: a tile's corner reckoned from
// origin, resolution, row and column is the grid's own.
func TestMapServer(t *testing.T) {
	s := serve(t, nil, edition.Public)
	type document struct {
		SpatialReference struct{ WKID, LatestWKID int }
		TileInfo         struct {
			Rows, Cols, DPI int
			Origin          struct{ X, Y float64 }
			LODs            []struct {
				Level             int
				Resolution, Scale float64
			}
		}
		FullExtent          struct{ XMin, YMin, XMax, YMax float64 }
		SingleFusedMapCache bool
		CopyrightText       string
	}
	for _, g := range tile.Grids() {
		doc := decode[document](t, s.get(t, fmt.Sprintf("/public/arcgis/rest/services/pbf_%s/MapServer?f=json", g)))
		if doc.SpatialReference.LatestWKID != g.EPSG() || doc.TileInfo.Rows != 256 || doc.TileInfo.Cols != 256 || doc.TileInfo.DPI != 96 || !doc.SingleFusedMapCache {
			t.Errorf("%s: %+v", g, doc)
		}
		box := lotBox(0, 0, 4, 4) // of pbf
		if len(doc.TileInfo.LODs) < 10 || doc.TileInfo.LODs[0].Level != int(g.MinZoom()) {
			t.Errorf("%s has the levels %+v", g, doc.TileInfo.LODs)
		}
		for _, l := range doc.TileInfo.LODs {
			// Resolution and scale of level 1 in reference 3.
			first := map[tile.Grid]float64{tile.C: 0.703125, tile.W: 78271.51696402048}[g]
			if want := first / math.Exp2(float64(l.Level-1)); math.Abs(l.Resolution/want-1) > 1e-12 || math.Abs(l.Scale*math.Exp2(float64(l.Level-1))/295829355.45456564-1) > 1e-12 {
				t.Errorf("%s level %d: %v and %v", g, l.Level, l.Resolution, l.Scale)
			}
			at := g.At(box.Min, uint8(l.Level))
			c := tileCorners(g, at.Z, at.X, at.Y)
			side := l.Resolution * 256
			if x, y := doc.TileInfo.Origin.X+float64(at.X)*side, doc.TileInfo.Origin.Y-float64(at.Y)*side; math.Abs(x-c[0]) > side*1e-9 || math.Abs(y-c[1]) > side*1e-9 {
				t.Errorf("%s level %d: the tile is at %v %v, want %v", g, l.Level, x, y, c)
			}
		}
		lo, hi := box.Min.LonLat(), box.Max.LonLat()
		want := []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
		e := doc.FullExtent
		got := []float64{e.XMin, e.YMin, e.XMax, e.YMax}
		if g == tile.W { // back to degrees by the sphere's formula
			for i, v := range got {
				if got[i] = v / 20037508.342789244 * 180; i%2 == 1 {
					got[i] = (2*math.Atan(math.Exp(v/6378137)) - math.Pi/2) * 180 / math.Pi
				}
			}
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-8 {
				t.Errorf("%s extends over %v, want %v", g, got, want)
				break
			}
		}
	}
	wantProblem(t, "as a page", s.get(t, "/public/arcgis/rest/services/pbf_w/MapServer"), http.StatusBadRequest, "parameter_f")
}

// matrixSets are the tile matrix sets of capabilities.
type matrixSets struct {
	Layers []struct {
		Dimensions []struct {
			ID      string   `xml:"Identifier"`
			Default string   `xml:"Default"`
			Values  []string `xml:"Value"`
		} `xml:"Dimension"`
		Resources []struct {
			Template string `xml:"template,attr"`
		} `xml:"ResourceURL"`
	} `xml:"Contents>Layer"`
	Sets []struct {
		ID       string `xml:"Identifier"`
		CRS      string `xml:"SupportedCRS"`
		Matrices []struct {
			ID          string  `xml:"Identifier"`
			Denominator float64 `xml:"ScaleDenominator"`
			Corner      string  `xml:"TopLeftCorner"`
		} `xml:"TileMatrix"`
	} `xml:"Contents>TileMatrixSet"`
}

// Tianditu's numbers are in the documents of the compatibility address alone, which has
// one grid and the tiles of all others.
func TestTiandituDialect(t *testing.T) {
	s := serve(t, nil, edition.Public)
	read := func(address string) (m matrixSets) {
		t.Helper()
		r := s.get(t, "/public/"+address)
		if err := xml.Unmarshal(r.body, &m); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", address, r.StatusCode, err)
		}
		validate(t, r.body)
		return m
	}
	for _, g := range tile.Grids() {
		m := read(fmt.Sprintf("cropland_%s/tianditu/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", g))
		if len(m.Sets) != 1 || m.Sets[0].ID != g.String() || len(m.Layers) != 1 || len(m.Layers[0].Resources) != 0 {
			t.Fatalf("%s: %+v", g, m)
		}
		for _, x := range m.Sets[0].Matrices {
			if x.ID == "1" && math.Abs(x.Denominator/2.958293554545656e8-1) > 1e-9 { // as Tianditu's document has it
				t.Errorf("%s: level 1 has %v", g, x.Denominator)
			}
		}
		want := s.get(t, fmt.Sprintf("/public/tiles/cropland/%s/%s.png", g, tileAt(g, 12)))
		if r := s.get(t, fmt.Sprintf("/public/cropland_%s/tianditu/wmts?%s", g, gridKVP(g, map[string]string{"FORMAT": "tiles"}))); !bytes.Equal(r.body, want.body) {
			t.Errorf("%s: another tile: %d", g, r.StatusCode)
		}
		wantException(t, "the other grid", s.get(t, fmt.Sprintf("/public/cropland_%s/tianditu/wmts?%s", g, gridKVP(tile.W+tile.C-g, nil))), 400, "InvalidParameterValue", "TILEMATRIXSET")
	}
	for _, address := range []string{"wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "wmts/1.0.0/WMTSCapabilities.xml", "cropland_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"} {
		for _, set := range read(address).Sets {
			for _, x := range set.Matrices {
				if x.ID == "1" && math.Abs(x.Denominator/279541132.0143589-1) > 1e-12 || strings.Contains(set.CRS, "900913") || x.Corner == "20037508.3427892 -20037508.3427892" {
					t.Errorf("%s: %s has %+v of %s", address, set.ID, x, set.CRS)
				}
			}
		}
	}
}

// A layer of several years has them as a dimension, and each of its values, in either
// binding and any case, answers with that year's tile.
func TestWMTSVintages(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	var m matrixSets
	r := s.get(t, "/secure/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", head...)
	validate(t, r.body)
	if err := xml.Unmarshal(r.body, &m); err != nil {
		t.Fatal(err)
	}
	dated := 0
	for _, l := range m.Layers {
		for _, d := range l.Dimensions {
			dated++
			if d.ID != "vintage" || d.Default != "2024" || !slices.Equal(d.Values, []string{"2024", "2023"}) {
				t.Errorf("%+v", d)
			}
		}
		for _, x := range l.Resources {
			if strings.Contains(x.Template, "{vintage}") != (len(l.Dimensions) > 0) {
				t.Errorf("%s with %d dimensions", x.Template, len(l.Dimensions))
			}
		}
	}
	if dated != 1 {
		t.Errorf("%d dimensions", dated)
	}
	if pinned := s.get(t, "/secure/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&VINTAGE=2023", head...); bytes.Contains(pinned.body, []byte("Dimension")) || !bytes.Contains(pinned.body, []byte("vintage=2023")) {
		t.Error("an address that names the vintage has the dimension")
	}
	z := strings.Split(tileAt(tile.W, 12), "/")
	for _, year := range []string{"2023", "2024", "default"} {
		query := ""
		if year != "default" {
			query = "?vintage=" + year
		}
		want := s.get(t, "/secure/tiles/cropland/w/"+tileAt(tile.W, 12)+".mvt"+query, head...)
		const mvt = "application/vnd.mapbox-vector-tile"
		for _, address := range []string{
			"wmts?" + kvp(map[string]string{"VINTAGE": year, "FORMAT": mvt}), "wmts?" + kvp(map[string]string{"Vintage": year, "FORMAT": mvt}), "cropland_w/wmts?" + kvp(map[string]string{"vintage": year, "FORMAT": mvt}),
			fmt.Sprintf("wmts/cropland/default/%s/w/%s/%s/%s.mvt", year, z[0], z[2], z[1]),
		} {
			if r := s.get(t, "/secure/"+address, head...); r.StatusCode != http.StatusOK || !bytes.Equal(r.body, want.body) || len(want.body) < 100 {
				t.Errorf("%s: %d with %d bytes, want %d", address, r.StatusCode, len(r.body), len(want.body))
			}
		}
	}
	wantException(t, "a layer without the year", s.get(t, "/secure/wmts?"+kvp(map[string]string{"VINTAGE": "2023", "LAYER": "pbf"}), head...), 400, "InvalidParameterValue", "VINTAGE")
}
