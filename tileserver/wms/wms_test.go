package wms_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wms"
)

var infoFormats = []string{"application/json", "text/html"}

// query splits an encoded query as an HTTP server does, keeping the order.
func query(t testing.TB, s string) iter.Seq2[string, string] {
	t.Helper()
	return func(yield func(string, string) bool) {
		for part := range strings.SplitSeq(s, "&") {
			k, v, _ := strings.Cut(part, "=")
			key, err := url.QueryUnescape(k)
			if err != nil {
				t.Fatal(err)
			}
			value, err := url.QueryUnescape(v)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

const (
	map130  = "SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=cropland,pbf&STYLES=&CRS=EPSG:4490&BBOX=34,108,35,110&WIDTH=400&HEIGHT=200&FORMAT=image/png"
	map111  = "SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=cropland,pbf&STYLES=&SRS=EPSG:4490&BBOX=108,34,110,35&WIDTH=400&HEIGHT=200&FORMAT=image/png"
	info130 = map130 + "&QUERY_LAYERS=pbf&INFO_FORMAT=text/html&I=399&J=0"
	info111 = map111 + "&QUERY_LAYERS=pbf&INFO_FORMAT=text/html&X=399&Y=0"
)

// set returns q with a parameter replaced, put at its end, or with value "" left out.
func set(q, key, value string) string {
	parts := slices.DeleteFunc(strings.Split(q, "&"), func(p string) bool { return strings.HasPrefix(p, key+"=") })
	if value != "" {
		parts = append(parts, key+"="+value)
	}
	return strings.Join(parts, "&")
}

// info is a query for the information of a picture.
func info(q string) string { return strings.Replace(q, "GetMap", "GetFeatureInfo", 1) }

// The picture of a box is the same in every system and version, whichever axis each
// writes first.
func TestAxes(t *testing.T) {
	nw, se := tile.World{X: 0.8, Y: 55.0 / 360}, tile.World{X: 290.0 / 360, Y: 56.0 / 360}
	for name, q := range map[string]string{
		"1.3.0 has latitude first in 4490":                 map130,
		"1.3.0 has latitude first in 4326":                 set(map130, "CRS", "EPSG:4326"),
		"1.3.0 has longitude first in CRS:84":              set(set(map130, "CRS", "CRS:84"), "BBOX", "108,34,110,35"),
		"1.1.1 has longitude first in 4490":                map111,
		"1.1.1 has longitude first in 4326":                set(map111, "SRS", "EPSG:4326"),
		"names in any case":                                strings.NewReplacer("BBOX", "Bbox", "VERSION", "version", "CRS", "crs").Replace(map130),
		"without STYLES and SERVICE":                       set(set(map130, "STYLES", ""), "SERVICE", ""),
		"numbers with exponents":                           set(map111, "BBOX", "1.08e2,34,110,3.5e1"),
		"what is unknown, and what is said twice the same": map111 + "&WIDTH=400&tk=x&MAP_RESOLUTION=96",
	} {
		r, fault := wms.ParseKVP(query(t, q), infoFormats)
		if fault != nil {
			t.Errorf("%s: %v", name, fault)
			continue
		}
		if r.Grid != tile.C || !near(r.NorthWest, nw) || !near(r.SouthEast, se) || r.Canvas.Width != 400 || r.Canvas.Height != 200 {
			t.Errorf("%s: %+v", name, r)
		}
		if diff := cmp.Diff([]string{"default", "default"}, r.Styles); diff != "" {
			t.Errorf("%s: styles %s", name, diff)
		}
	}
	// Mercator's corner against the grid's own projection.
	at := geo.PositionOf(geo.LonLat{Lon: 108, Lat: 35})
	for _, q := range []string{set(set(map130, "CRS", "EPSG:3857"), "BBOX", "12022505.005,4000000,12100000,4163881.144"), set(set(map111, "SRS", "EPSG:3857"), "BBOX", "12022505.005,4000000,12100000,4163881.144")} {
		r, fault := wms.ParseKVP(query(t, q), infoFormats)
		if fault != nil || r.Grid != tile.W || !near(r.NorthWest, tile.W.Project(at)) {
			t.Errorf("%s: %v %+v, want %+v", q, fault, r.NorthWest, tile.W.Project(at))
		}
	}
}

// near is within a hundredth of a millimetre of ground.
func near(a, b tile.World) bool { return math.Abs(a.X-b.X) < 1e-10 && math.Abs(a.Y-b.Y) < 1e-10 }

func TestCanvas(t *testing.T) {
	for q, want := range map[string]wms.Canvas{
		map130:                                {Width: 400, Height: 200, Red: 255, Green: 255, Blue: 255},
		map130 + "&TRANSPARENT=TRUE":          {Width: 400, Height: 200, Transparent: true, Red: 255, Green: 255, Blue: 255},
		map130 + "&TRANSPARENT=false":         {Width: 400, Height: 200, Red: 255, Green: 255, Blue: 255},
		map130 + "&BGCOLOR=0xFF8001":          {Width: 400, Height: 200, Red: 255, Green: 128, Blue: 1},
		set(map111, "WIDTH", "4096"):          {Width: 4096, Height: 200, Red: 255, Green: 255, Blue: 255},
		map111 + "&EXCEPTIONS=INIMAGE":        {Width: 400, Height: 200, Red: 255, Green: 255, Blue: 255},
		map130 + "&EXCEPTIONS=text/xml":       {Width: 400, Height: 200, Red: 255, Green: 255, Blue: 255},
		map130 + "&TRANSPARENT=&BGCOLOR=&I=x": {Width: 400, Height: 200, Red: 255, Green: 255, Blue: 255},
	} {
		r, fault := wms.ParseKVP(query(t, q), infoFormats)
		if diff := cmp.Diff(want, r.Canvas); fault != nil || diff != "" {
			t.Errorf("%s: %v %s", q, fault, diff)
		}
	}
}

func TestInfo(t *testing.T) {
	for _, q := range []string{info130, info111, set(info111, "FORMAT", "")} {
		r, fault := wms.ParseKVP(query(t, info(q)), infoFormats)
		if fault != nil || r.I != 399 || r.J != 0 || r.Count != 1 || r.InfoFormat != "text/html" || !slices.Equal(r.QueryLayers, []string{"pbf"}) {
			t.Errorf("%s: %v %+v", q, fault, r)
		}
		// The middle of the north-east pixel.
		if p := r.Point(); !near(p, tile.World{X: (290 - 2.0/800) / 360, Y: (55 + 1.0/400) / 360}) {
			t.Errorf("%s: the pixel lies at %+v", q, p)
		}
	}
	r, fault := wms.ParseKVP(query(t, info(set(info130, "INFO_FORMAT", "")+"&FEATURE_COUNT=999")), infoFormats)
	if fault != nil || r.InfoFormat != "application/json" || r.Count != wms.MaxFeatures {
		t.Errorf("%v %+v", fault, r)
	}
}

// Each fault has the code of its version's standard, and a text in both languages.
func TestFaults(t *testing.T) {
	type fault struct {
		name, query  string
		code, older  wms.Code // in 1.3.0 and in 1.1.1
		locator      string
		unsupported  bool
		informations bool
	}
	cases := []fault{
		{name: "another service", query: set(map130, "SERVICE", "WMTS"), locator: "SERVICE"},
		{name: "no request", query: set(map130, "REQUEST", ""), locator: "REQUEST"},
		{name: "another request", query: set(map130, "REQUEST", "GetTile"), code: wms.OperationNotSupported, locator: "REQUEST", unsupported: true},
		{name: "capabilities without a service", query: "REQUEST=GetCapabilities", locator: "SERVICE"},
		{name: "no version", query: set(map130, "VERSION", ""), locator: "VERSION"},
		{name: "another version", query: set(map130, "VERSION", "1.1.0"), locator: "VERSION"},
		{name: "a later version", query: set(map130, "VERSION", "2.0.0"), locator: "VERSION"},
		{name: "no layers", query: set(map130, "LAYERS", ""), locator: "LAYERS"},
		{name: "too many layers", query: set(map130, "LAYERS", strings.Repeat("a,", wms.MaxLayers)+"b"), locator: "LAYERS"},
		{name: "too few styles", query: set(set(map130, "LAYERS", "a,b,c"), "STYLES", "default,default"), code: wms.StyleNotDefined, older: wms.StyleNotDefined, locator: "STYLES"},
		{name: "too many styles", query: set(map130, "STYLES", "a,b,c"), code: wms.StyleNotDefined, older: wms.StyleNotDefined, locator: "STYLES"},
		{name: "no system", query: set(map130, "CRS", ""), locator: "CRS"},
		{name: "SRS in 1.3.0", query: set(map130, "CRS", "") + "&SRS=EPSG:4490", locator: "CRS"},
		{name: "an unknown system", query: set(map130, "CRS", "EPSG:4547"), code: wms.InvalidCRS, older: "InvalidSRS", locator: "CRS"},
		{name: "an unknown system in 1.1.1", query: set(map111, "SRS", "EPSG:4547"), code: wms.InvalidCRS, older: "InvalidSRS", locator: "SRS"},
		{name: "CRS:84 in 1.1.1", query: set(map111, "SRS", "CRS:84"), code: wms.InvalidCRS, older: "InvalidSRS", locator: "SRS"},
		{name: "no box", query: set(map130, "BBOX", ""), locator: "BBOX"},
		{name: "a box of three", query: set(map130, "BBOX", "1,2,3"), locator: "BBOX"},
		{name: "a box of five", query: set(map130, "BBOX", "1,2,3,4,5"), locator: "BBOX"},
		{name: "a box of words", query: set(map130, "BBOX", "1,2,3,x"), locator: "BBOX"},
		{name: "a box that is no number", query: set(map130, "BBOX", "1,2,3,NaN"), locator: "BBOX"},
		{name: "an endless box", query: set(map130, "BBOX", "1,2,3,Inf"), locator: "BBOX"},
		{name: "a box beyond all measure", query: set(map130, "BBOX", "1,2,3,1e12"), locator: "BBOX"},
		{name: "a box without width", query: set(map130, "BBOX", "34,108,34,110"), locator: "BBOX"},
		{name: "a box turned round", query: set(map130, "BBOX", "34,110,35,108"), locator: "BBOX"},
		{name: "no width", query: set(map130, "WIDTH", ""), locator: "WIDTH"},
		{name: "no height", query: set(map130, "HEIGHT", ""), locator: "HEIGHT"},
		{name: "a width of nothing", query: set(map130, "WIDTH", "0"), locator: "WIDTH"},
		{name: "a width too large", query: set(map130, "WIDTH", "4097"), locator: "WIDTH"},
		{name: "a height that is no number", query: set(map130, "HEIGHT", "2e2"), locator: "HEIGHT"},
		{name: "a height beyond all numbers", query: set(map130, "HEIGHT", "99999999999999999999"), locator: "HEIGHT"},
		{name: "no format", query: set(map130, "FORMAT", ""), locator: "FORMAT"},
		{name: "another format", query: set(map130, "FORMAT", "image/jpeg"), code: wms.InvalidFormat, older: wms.InvalidFormat, locator: "FORMAT"},
		{name: "half transparent", query: map130 + "&TRANSPARENT=half", locator: "TRANSPARENT"},
		{name: "a colour with a hash", query: map130 + "&BGCOLOR=%23FF0000", locator: "BGCOLOR"},
		{name: "a colour of eight digits", query: map130 + "&BGCOLOR=0xFF000000", locator: "BGCOLOR"},
		{name: "a negative colour", query: map130 + "&BGCOLOR=0x-10000", locator: "BGCOLOR"},
		{name: "unknown exceptions", query: map130 + "&EXCEPTIONS=PARTIAL", locator: "EXCEPTIONS"},
		{name: "a parameter twice", query: map130 + "&Width=401", locator: "WIDTH"},
		{name: "no layers to ask", query: set(info130, "QUERY_LAYERS", ""), locator: "QUERY_LAYERS", informations: true},
		{name: "layers to ask that are not shown", query: set(info130, "QUERY_LAYERS", "hsf"), code: wms.LayerNotDefined, older: wms.LayerNotDefined, locator: "QUERY_LAYERS", informations: true},
		{name: "no pixel", query: set(info130, "I", ""), locator: "I", informations: true},
		{name: "a pixel beside the picture", query: set(info130, "I", "400"), code: wms.InvalidPoint, locator: "I", informations: true},
		{name: "a pixel above the picture", query: set(info130, "J", "-1"), code: wms.InvalidPoint, locator: "J", informations: true},
		{name: "a pixel of 1.3.0 in 1.1.1", query: set(info111, "X", "") + "&I=1", locator: "X", informations: true},
		{name: "no features", query: info130 + "&FEATURE_COUNT=0", locator: "FEATURE_COUNT", informations: true},
		{name: "another form of information", query: set(info130, "INFO_FORMAT", "text/rtf"), code: wms.InvalidFormat, older: wms.InvalidFormat, locator: "INFO_FORMAT", informations: true},
	}
	if len(cases) < 40 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		q := c.query
		if c.informations {
			q = info(q)
		}
		_, f := wms.ParseKVP(query(t, q), infoFormats)
		if f == nil {
			t.Errorf("%s: no fault", c.name)
			continue
		}
		status := 400
		if c.unsupported {
			status = 501
		}
		if f.Code != c.code || f.Locator != c.locator || f.Status != status {
			t.Errorf("%s: %q at %q, %d; want %q at %q", c.name, f.Code, f.Locator, f.Status, c.code, c.locator)
		}
		if zh, en := f.Problem.Found(problem.Chinese), f.Problem.Found(problem.English); zh == en || strings.Contains(zh+en, "%!") {
			t.Errorf("%s: %q and %q", c.name, zh, en)
		}
		for v, want := range map[wms.Version]wms.Code{wms.V130: c.code, wms.V111: c.older} {
			var report struct {
				XMLName   xml.Name
				Version   string `xml:"version,attr"`
				Exception struct {
					Code wms.Code `xml:"code,attr"`
					Text string   `xml:",chardata"`
				} `xml:"ServiceException"`
			}
			if err := xml.Unmarshal(f.Report(v, problem.English), &report); err != nil || report.Version != v.String() || report.Exception.Code != want || report.Exception.Text == "" || (report.XMLName.Space != "") != (v == wms.V130) {
				t.Errorf("%s in %s: %v %+v, want %q", c.name, v, err, report, want)
			}
		}
	}
}

// service offers two layers; one is of several years.
func service() *wms.Capabilities {
	box := geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: 108, Lat: 34}), Max: geo.PositionOf(geo.LonLat{Lon: 109, Lat: 35})}
	return &wms.Capabilities{
		Title: "耕图 <b>", Abstract: "耕地 & 基本农田", UpdateSequence: "2026-01-02T03:04:05Z", Address: "https://example.org/public/wms?tk=a&", InfoFormats: infoFormats,
		Layers: []wms.Layer{
			{
				Name: "cropland", Title: "耕地", Box: box, Queryable: true, Vintages: []string{"2024", "2023"},
				Styles: []wms.Style{{Name: "default", Title: "默认", Legend: "https://example.org/public/legend.png?layer=cropland&tk=a"}, {Name: "slope"}},
			},
			{Name: "pbf", Title: "永久基本农田", Box: geo.EmptyBox()},
		},
	}
}

func TestCheck(t *testing.T) {
	c := service()
	for q, want := range map[string]wms.Code{
		map130: "", map130 + "&TRANSPARENT=TRUE": "", info(info130): wms.LayerNotQueryable, info(set(info130, "QUERY_LAYERS", "cropland")): "",
		set(map130, "LAYERS", "roads"): wms.LayerNotDefined, set(map130, "STYLES", "slope,"): "", set(map130, "STYLES", ",slope"): wms.StyleNotDefined,
		"SERVICE=WMS&REQUEST=GetCapabilities&UPDATESEQUENCE=2027": wms.InvalidUpdateSequence, "SERVICE=WMS&REQUEST=GetCapabilities&UPDATESEQUENCE=2025": "",
	} {
		r, fault := wms.ParseKVP(query(t, q), infoFormats)
		if fault != nil {
			t.Errorf("%s: %v", q, fault)
			continue
		}
		if f := c.Check(r); (f == nil) != (want == "") || f != nil && f.Code != want {
			t.Errorf("%s: %v, want %q", q, f, want)
		}
	}
}

// The version of capabilities is that which was asked for, or the nearest below.
func TestNegotiation(t *testing.T) {
	for asked, want := range map[string]wms.Version{"": wms.V130, "1.3.0": wms.V130, "1.1.1": wms.V111, "1.0.0": wms.V111, "1.2.0": wms.V111, "2.0.0": wms.V130} {
		r, fault := wms.ParseKVP(query(t, "SERVICE=WMS&REQUEST=GetCapabilities&VERSION="+asked), nil)
		if fault != nil || r.Version != want {
			t.Errorf("%q: %v %v, want %v", asked, fault, r.Version, want)
		}
	}
}

// Documents are well-formed, and name boxes in the order of their axes.
func TestDocument(t *testing.T) {
	type box struct {
		CRS  string  `xml:"CRS,attr"`
		SRS  string  `xml:"SRS,attr"`
		MinX float64 `xml:"minx,attr"`
		MinY float64 `xml:"miny,attr"`
		MaxX float64 `xml:"maxx,attr"`
		MaxY float64 `xml:"maxy,attr"`
	}
	for _, v := range []wms.Version{wms.V130, wms.V111} {
		data := service().Document(v)
		d := xml.NewDecoder(strings.NewReader(string(data)))
		for {
			if _, err := d.Token(); err != nil {
				if err != io.EOF {
					t.Errorf("%s: %v", v, err)
				}
				break
			}
		}
		var doc struct {
			Version string `xml:"version,attr"`
			Layers  []struct {
				Name  string `xml:"Name"`
				Boxes []box  `xml:"BoundingBox"`
			} `xml:"Capability>Layer>Layer"`
		}
		if err := xml.Unmarshal(data, &doc); err != nil || doc.Version != v.String() || len(doc.Layers) != 2 {
			t.Fatalf("%s: %v %+v", v, err, doc)
		}
		for _, b := range doc.Layers[0].Boxes {
			got := fmt.Sprintf("%v,%v,%v,%v", b.MinX, b.MinY, b.MaxX, b.MaxY)
			want := "108,34,109,35"
			switch name := b.CRS + b.SRS; {
			case name == "EPSG:3857": // by PROJ: cs2cs EPSG:4326 EPSG:3857
				got, want = fmt.Sprintf("%.2f,%.2f,%.2f,%.2f", b.MinX, b.MinY, b.MaxX, b.MaxY), "12022505.01,4028802.03,12133824.50,4163881.14"
			case v == wms.V130 && name != "CRS:84":
				want = "34,108,35,109"
			}
			if got != want {
				t.Errorf("%s %s%s: %s, want %s", v, b.CRS, b.SRS, got, want)
			}
		}
		if n := map[wms.Version]int{wms.V130: 4, wms.V111: 3}[v]; len(doc.Layers[0].Boxes) != n {
			t.Errorf("%s: %d boxes", v, len(doc.Layers[0].Boxes))
		}
	}
}

// What is read can be painted and answered: its picture has room, its pixel lies in it, and
// the same query tells the same form of refusal.
func FuzzParseKVP(f *testing.F) {
	for _, q := range []string{map130, map111, info(info130), info(info111), "", "SERVICE=WMS&REQUEST=GetCapabilities", map130 + "&EXCEPTIONS=BLANK&BGCOLOR=0x000001", set(map130, "BBOX", "-1e9,-1e9,1e9,1e9")} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		values, err := url.ParseQuery(q)
		if err != nil {
			return
		}
		pairs := func(yield func(string, string) bool) {
			for k, list := range values {
				for _, v := range list {
					if !yield(k, v) {
						return
					}
				}
			}
		}
		form := wms.FormOf(pairs)
		if form.Exceptions != wms.XML && (form.Canvas.Width < 1 || form.Canvas.Width > wms.MaxSide || form.Canvas.Height < 1 || form.Canvas.Height > wms.MaxSide) {
			t.Fatalf("%q: %+v", q, form)
		}
		r, fault := wms.ParseKVP(pairs, infoFormats)
		if fault != nil {
			if fault.Status != 400 && fault.Status != 501 || len(fault.Report(form.Version, problem.Chinese)) > 4000 {
				t.Fatalf("%q: %+v", q, fault)
			}
			return
		}
		if r.Operation == wms.GetCapabilities {
			return
		}
		p := r.Point()
		if n := len(r.Layers); n < 1 || n > wms.MaxLayers || len(r.Styles) != n || r.Canvas.Width < 1 || r.Canvas.Height > wms.MaxSide ||
			!(p.X > r.NorthWest.X-1e-3 && p.X < r.SouthEast.X+1e-3 && math.Abs(p.Y) < 1e8) || r.I < 0 || r.I >= r.Canvas.Width {
			t.Fatalf("%q: %+v", q, r)
		}
	})
}
