package wmts_test

import (
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

// pairs is a query of names and values in turn.
func pairs(list ...string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i+1 < len(list); i += 2 {
			if !yield(list[i], list[i+1]) {
				return
			}
		}
	}
}

// query splits an encoded query as an HTTP server does, keeping the order.
func query(t *testing.T, s string) iter.Seq2[string, string] {
	t.Helper()
	var list []string
	for part := range strings.SplitSeq(s, "&") {
		k, v, _ := strings.Cut(part, "=")
		for _, e := range []string{k, v} {
			decoded, err := url.QueryUnescape(e)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, decoded)
		}
	}
	return pairs(list...)
}

const (
	tileQuery = "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=cropland&STYLE=default&FORMAT=image/png" +
		"&TILEMATRIXSET=c&TILEMATRIX=14&TILEROW=2475&TILECOL=12889"
	infoQuery = "SERVICE=WMTS&REQUEST=GetFeatureInfo&VERSION=1.0.0&LAYER=cropland&STYLE=default&FORMAT=image/png" +
		"&TILEMATRIXSET=w&TILEMATRIX=14&TILEROW=6456&TILECOL=12889&I=0&J=255&INFOFORMAT=application/json"
)

func TestParseKVP(t *testing.T) {
	theTile := wmts.Request{
		Operation: wmts.GetTile, Layer: "cropland", Style: "default",
		Tile: tile.Tile{Grid: tile.C, Z: 14, X: 12889, Y: 2475},
	}
	vector := theTile
	vector.Format = wmts.MVT
	info := wmts.Request{
		Operation: wmts.GetFeatureInfo, Layer: "cropland", Style: "default",
		Tile: tile.Tile{Grid: tile.W, Z: 14, X: 12889, Y: 6456}, J: 255,
	}
	html, text := info, info
	html.InfoFormat, text.InfoFormat = wmts.HTML, wmts.XML
	world := theTile
	world.Tile = tile.Tile{Grid: tile.W}
	capabilities := wmts.Request{Operation: wmts.GetCapabilities}
	sequence := capabilities
	sequence.UpdateSequence = "7"
	for _, c := range []struct {
		name, query string
		want        wmts.Request
	}{
		{"a picture", tileQuery, theTile},
		{
			"as Tianditu's users write it",
			"SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=cropland&STYLE=default&TILEMATRIXSET=c&FORMAT=tiles" +
				"&TILEMATRIX=14&TILEROW=2475&TILECOL=12889&tk=0123456789", theTile,
		},
		{
			"names in lower and mixed case",
			"service=WMTS&request=GetTile&Version=1.0.0&layer=cropland&style=default&format=tiles" +
				"&tileMatrixSet=c&TileMatrix=14&tileRow=2475&TileCol=12889", theTile,
		},
		{"no style", strings.Replace(tileQuery, "&STYLE=default", "", 1), theTile},
		{"an empty style", strings.Replace(tileQuery, "=default", "=", 1), theTile},
		{"a vector tile", strings.Replace(tileQuery, "image/png", "application%2Fvnd.mapbox-vector-tile", 1), vector},
		{"a parameter twice with one value", tileQuery + "&layer=cropland&TileRow=2475", theTile},
		{"unknown parameters, also twice", tileQuery + "&vintage=2023&vintage=2024&x=1&%D0%BA=%FF", theTile},
		{"the whole world", strings.NewReplacer("SET=c", "SET=w", "=14", "=0", "=2475", "=0", "=12889", "=0").Replace(tileQuery), world},
		{"feature information", infoQuery, info},
		{"feature information as a page", strings.Replace(infoQuery, "application/json", "text/html", 1), html},
		{"feature information as XML", strings.Replace(infoQuery, "application/json", "text/xml", 1), text},
		{"capabilities", "SERVICE=WMTS&REQUEST=GetCapabilities", capabilities},
		{"capabilities with a version", "SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0", capabilities},
		{"capabilities of one of several versions", "SERVICE=WMTS&REQUEST=GetCapabilities&AcceptVersions=1.1.0,1.0.0", capabilities},
		{"capabilities with other negotiation", "SERVICE=WMTS&REQUEST=GetCapabilities&Sections=Contents&AcceptFormats=text/plain", capabilities},
		{"capabilities by sequence", "SERVICE=WMTS&REQUEST=GetCapabilities&updateSequence=7", sequence},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, fault := wmts.ParseKVP(query(t, c.query))
			if fault != nil {
				t.Fatal(fault)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// set returns q with a parameter set to value, which has its place in q.
func set(q, key, value string) string {
	parts := strings.Split(q, "&")
	for i, p := range parts {
		if k, _, _ := strings.Cut(p, "="); k == key {
			parts[i] = key + "=" + value
		}
	}
	return strings.Join(parts, "&")
}

// drop returns q without a parameter.
func drop(q, key string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(q, "&"), func(p string) bool {
		return strings.HasPrefix(p, key+"=")
	}), "&")
}

func TestParseKVPFaults(t *testing.T) {
	type want struct {
		code    wmts.Code
		locator string
	}
	cases := []struct {
		name, query string
		want        want
	}{
		{"nothing", "", want{wmts.MissingParameterValue, "SERVICE"}},
		{"no service", drop(tileQuery, "SERVICE"), want{wmts.MissingParameterValue, "SERVICE"}},
		{"an empty service", set(tileQuery, "SERVICE", ""), want{wmts.MissingParameterValue, "SERVICE"}},
		{"another service", set(tileQuery, "SERVICE", "WMS"), want{wmts.InvalidParameterValue, "SERVICE"}},
		{"a service in lower case", set(tileQuery, "SERVICE", "wmts"), want{wmts.InvalidParameterValue, "SERVICE"}},
		{"a service whose name folds to it", strings.Replace(tileQuery, "SERVICE", "%C5%BFERVICE", 1), want{wmts.MissingParameterValue, "SERVICE"}},

		{"no request", "SERVICE=WMTS", want{wmts.MissingParameterValue, "REQUEST"}},
		{"an empty request", "SERVICE=WMTS&REQUEST=", want{wmts.MissingParameterValue, "REQUEST"}},
		{"an unknown request", "SERVICE=WMTS&REQUEST=GetMap", want{wmts.OperationNotSupported, "GetMap"}},
		{"a request in lower case", "SERVICE=WMTS&REQUEST=gettile", want{wmts.OperationNotSupported, "gettile"}},

		{"no version that is spoken", "SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=1.1.0,2.0.0", want{wmts.VersionNegotiationFailed, ""}},
		{"a version that only begins like it", "SERVICE=WMTS&REQUEST=GetCapabilities&AcceptVersions=1.0.01", want{wmts.VersionNegotiationFailed, ""}},

		{"another version", set(tileQuery, "VERSION", "1.1.0"), want{wmts.InvalidParameterValue, "VERSION"}},
		{"another format", set(tileQuery, "FORMAT", "image/jpeg"), want{wmts.InvalidParameterValue, "FORMAT"}},
		{"a format in upper case", set(tileQuery, "FORMAT", "IMAGE/PNG"), want{wmts.InvalidParameterValue, "FORMAT"}},
		{"another matrix set", set(tileQuery, "TILEMATRIXSET", "EPSG:4326"), want{wmts.InvalidParameterValue, "TILEMATRIXSET"}},
		{"a matrix set in upper case", set(tileQuery, "TILEMATRIXSET", "C"), want{wmts.InvalidParameterValue, "TILEMATRIXSET"}},

		{"c has no matrix 0", set(tileQuery, "TILEMATRIX", "0"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},
		{"a matrix past the last", set(tileQuery, "TILEMATRIX", "19"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},
		{"a matrix with a prefix", set(tileQuery, "TILEMATRIX", "c:14"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},
		{"a matrix with a leading zero", set(tileQuery, "TILEMATRIX", "014"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},
		{"a negative matrix", set(tileQuery, "TILEMATRIX", "-1"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},
		{"a matrix that overflows", set(tileQuery, "TILEMATRIX", "99999999999"), want{wmts.InvalidParameterValue, "TILEMATRIX"}},

		{"a row past the last", set(tileQuery, "TILEROW", "8192"), want{wmts.TileOutOfRange, "TILEROW"}},
		{"a column past the last", set(tileQuery, "TILECOL", "16384"), want{wmts.TileOutOfRange, "TILECOL"}},
		{"a negative row", set(tileQuery, "TILEROW", "-1"), want{wmts.TileOutOfRange, "TILEROW"}},
		{"a negative zero", set(tileQuery, "TILEROW", "-0"), want{wmts.TileOutOfRange, "TILEROW"}},
		{"a negative column", set(tileQuery, "TILECOL", "-1"), want{wmts.TileOutOfRange, "TILECOL"}},
		{"a row that overflows", set(tileQuery, "TILEROW", "4294969771"), want{wmts.TileOutOfRange, "TILEROW"}},
		{"a column that overflows", set(tileQuery, "TILECOL", "18446744073709564505"), want{wmts.TileOutOfRange, "TILECOL"}},
		{"a row that is no number", set(tileQuery, "TILEROW", "1.5"), want{wmts.InvalidParameterValue, "TILEROW"}},
		{"a column that is no number", set(tileQuery, "TILECOL", "x"), want{wmts.InvalidParameterValue, "TILECOL"}},
		{"a column with a space", set(tileQuery, "TILECOL", "+1"), want{wmts.InvalidParameterValue, "TILECOL"}},

		{"I past the last", set(infoQuery, "I", "256"), want{wmts.PointIJOutOfRange, "I"}},
		{"J past the last", set(infoQuery, "J", "256"), want{wmts.PointIJOutOfRange, "J"}},
		{"a negative I", set(infoQuery, "I", "-1"), want{wmts.PointIJOutOfRange, "I"}},
		{"a J that overflows", set(infoQuery, "J", "4294967296"), want{wmts.PointIJOutOfRange, "J"}},
		{"an I that is no number", set(infoQuery, "I", "a"), want{wmts.InvalidParameterValue, "I"}},
		{"another form of information", set(infoQuery, "INFOFORMAT", "text/plain"), want{wmts.InvalidParameterValue, "INFOFORMAT"}},

		{"two layers", tileQuery + "&layer=pbf", want{wmts.InvalidParameterValue, "LAYER"}},
		{"two requests", "REQUEST=GetCapabilities&" + tileQuery, want{wmts.InvalidParameterValue, "REQUEST"}},
		{"a row and an empty row", tileQuery + "&TILEROW=", want{wmts.InvalidParameterValue, "TILEROW"}},
	}
	for _, key := range []string{"VERSION", "LAYER", "FORMAT", "TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL", "I", "J", "INFOFORMAT"} {
		cases = append(cases,
			struct {
				name, query string
				want        want
			}{"no " + key, drop(infoQuery, key), want{wmts.MissingParameterValue, key}},
			struct {
				name, query string
				want        want
			}{"an empty " + key, set(infoQuery, key, ""), want{wmts.MissingParameterValue, key}},
		)
	}
	if len(cases) < 40 {
		t.Errorf("%d cases, want at least 40", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, fault := wmts.ParseKVP(query(t, c.query))
			if fault == nil {
				t.Fatal("no fault")
			}
			if got := (want{fault.Code, fault.Locator}); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if status := statuses[fault.Code]; fault.Status != status {
				t.Errorf("status %d, want %d", fault.Status, status)
			}
			if problem.Of(fault) == nil || fault.Problem.Found(problem.Chinese) == fault.Problem.Found(problem.English) {
				t.Errorf("the fault has no text of its own in both languages: %v", fault)
			}
			if strings.Contains(fault.Error(), "%!") || strings.Contains(fault.Problem.Found(problem.Chinese), "%!") {
				t.Errorf("the text is badly formatted: %v", fault)
			}
		})
	}
}

var statuses = map[wmts.Code]int{
	wmts.MissingParameterValue: 400, wmts.InvalidParameterValue: 400, wmts.TileOutOfRange: 400,
	wmts.PointIJOutOfRange: 400, wmts.VersionNegotiationFailed: 400, wmts.InvalidUpdateSequence: 400,
	wmts.OperationNotSupported: 501, wmts.NoApplicableCode: 500,
}

// A long value is cut before it is repeated, between characters.
func TestFaultTextIsBounded(t *testing.T) {
	_, fault := wmts.ParseKVP(pairs("SERVICE", "WMTS", "REQUEST", "x"+strings.Repeat("耕", 10_000)))
	if fault == nil || len(fault.XML(problem.Chinese)) > 1500 || !utf8.ValidString(fault.Locator) {
		t.Errorf("got %v", fault)
	}
}

// asQuery writes r as a query; what ParseKVP accepts must come back from it.
func asQuery(r wmts.Request) []string {
	info := map[wmts.InfoFormat]string{wmts.JSON: "application/json", wmts.HTML: "text/html", wmts.XML: "text/xml"}
	list := []string{"SERVICE", "WMTS", "REQUEST", string(r.Operation)}
	if r.Operation == wmts.GetCapabilities {
		return append(list, "UPDATESEQUENCE", r.UpdateSequence)
	}
	elements := strings.Split(r.Tile.String(), "/")
	list = append(list, "VERSION", "1.0.0", "LAYER", r.Layer, "STYLE", r.Style, "FORMAT", r.Format.MIME(),
		"TILEMATRIXSET", elements[0], "TILEMATRIX", elements[1], "TILECOL", elements[2], "TILEROW", elements[3])
	if r.Operation == wmts.GetFeatureInfo {
		list = append(list, "I", number(r.I), "J", number(r.J), "INFOFORMAT", info[r.InfoFormat])
	}
	return list
}

func number(n uint32) string {
	return strings.TrimPrefix(tile.Tile{Grid: tile.W, Y: n}.String(), "w/0/0/")
}

// What is read comes back when it is printed and read again, names a tile that
// exists, and what is refused has a code that the standard knows.
func FuzzParseKVP(f *testing.F) {
	for _, q := range []string{
		tileQuery, infoQuery, "", "SERVICE=WMTS", "SERVICE=WMTS&REQUEST=GetCapabilities&ACCEPTVERSIONS=1.0.0",
		"service=WMTS&request=GetCapabilities&updateSequence=%00", set(tileQuery, "TILEROW", "-1"),
		set(infoQuery, "I", "256"), tileQuery + "&LAYER=x", set(tileQuery, "TILEMATRIX", "255"),
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		values, err := url.ParseQuery(q)
		if err != nil {
			return
		}
		var list []string
		for _, k := range slices.Sorted(maps.Keys(values)) {
			for _, v := range values[k] {
				list = append(list, k, v)
			}
		}
		r, fault := wmts.ParseKVP(pairs(list...))
		if fault != nil {
			if statuses[fault.Code] != fault.Status || len(fault.XML(problem.English)) > 4000 {
				t.Fatalf("%q: fault %+v", q, fault)
			}
			return
		}
		if r.Operation != wmts.GetCapabilities {
			if _, err := tile.New(r.Tile.Grid, r.Tile.Z, r.Tile.X, r.Tile.Y); err != nil || r.Tile.Z > wmts.MaxZoom || r.I > 255 || r.J > 255 {
				t.Fatalf("%q: read as %+v: %v", q, r, err)
			}
		}
		again, fault := wmts.ParseKVP(pairs(asQuery(r)...))
		if fault != nil || again != r {
			t.Fatalf("%q: read as %+v, again as %+v, %v", q, r, again, fault)
		}
	})
}
