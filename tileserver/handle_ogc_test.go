package tileserver_test

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/tile"
)

// itemsDoc is a page of features.
type itemsDoc struct {
	NumberMatched, NumberReturned int
	Generation                    string
	Links                         []struct{ Href, Rel string }
	Features                      []struct {
		ID       uint64
		Geometry struct {
			Type        string
			Coordinates [][][2]float64
		}
		Properties map[string]any
	}
}

func (d *itemsDoc) ids() (out []uint64) {
	for _, f := range d.Features {
		out = append(out, f.ID)
	}
	return out
}

func (d *itemsDoc) link(rel string) string {
	for _, l := range d.Links {
		if l.Rel == rel {
			return strings.TrimPrefix(l.Href, "http://gengtu.test")
		}
	}
	return ""
}

// items asks for features of cropland in the secure tier.
func (s *service) items(t *testing.T, query string) itemsDoc {
	t.Helper()
	r := s.get(t, "/secure/ogc/collections/cropland/items?"+query, s.bearer(edition.Secure)...)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", query, r.StatusCode, r.body)
	}
	return decode[itemsDoc](t, r)
}

// Pages that follow each other's links hold each feature once, in either direction, and
// go on with the generation that they began with.
func TestItemsPages(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	for _, query := range []string{"limit=7", "limit=5&sortby=-DLBM,BSM", "limit=3&filter=" + url.QueryEscape("DLBM <> '0102'"), "limit=4&bbox=108.7,34.3,108.705,34.303", "limit=64"} {
		var all []uint64
		page := s.items(t, query)
		first := page
		for n := 0; ; n++ {
			all = append(all, page.ids()...)
			if page.NumberMatched != first.NumberMatched || page.NumberReturned != len(page.Features) || page.Generation != first.Generation {
				t.Errorf("%s, page %d: %d matched, %d of %d returned by %s", query, n, page.NumberMatched, page.NumberReturned, len(page.Features), page.Generation)
			}
			next := page.link("next")
			if next == "" {
				break
			}
			if n == 0 {
				s.variant(t, edition.Secure, fmt.Sprintf("v%d", len(query)), 9) // comes into force while pages are read
				s.wake <- struct{}{}
			}
			r := s.get(t, next, s.bearer(edition.Secure)...)
			if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
				t.Fatalf("%s: %d %s %s", next, r.StatusCode, r.Header.Get("Cache-Control"), r.body)
			}
			before := page
			page = decode[itemsDoc](t, r)
			back := decode[itemsDoc](t, s.get(t, page.link("prev"), s.bearer(edition.Secure)...))
			if !slices.Equal(back.ids(), before.ids()) {
				t.Errorf("%s: prev of page %d is another page", query, n+1)
			}
		}
		slices.Sort(all)
		if n := len(all); n != first.NumberMatched || n == 0 || len(slices.Compact(all)) != n {
			t.Errorf("%s: %d features on all pages, %d of them different, %d matched", query, n, len(slices.Compact(all)), first.NumberMatched)
		}
	}
}

// bbox= chooses the lots that the box meets, borders included, in each system's order.
func TestItemsBox(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	whole := s.items(t, "limit=1000")
	for _, b := range []geo.Box{lotBox(1, 1, 3, 2), lotBox(0, 0, 8, 8), lotBox(20, 20, 21, 21), {Min: lotBox(1, 1, 2, 2).Min, Max: lotBox(1, 1, 2, 2).Min}} {
		var want []uint64
		for _, f := range whole.Features {
			x, y := int(f.ID-1000)%lots, int(f.ID-1000)/lots
			if lotBox(x, y, x+1, y+1).Intersects(b) {
				want = append(want, f.ID)
			}
		}
		lo, hi := b.Min.LonLat(), b.Max.LonLat()
		for crs, north := range map[string]bool{"OGC/1.3/CRS84": false, "EPSG/0/4490": true, "EPSG/0/4326": true} {
			box := fmt.Sprintf("%v,%v,%v,%v", lo.Lon, lo.Lat, hi.Lon, hi.Lat)
			if north {
				box = fmt.Sprintf("%v,%v,%v,%v", lo.Lat, lo.Lon, hi.Lat, hi.Lon)
			}
			got := s.items(t, "limit=1000&bbox="+box+"&bbox-crs=http://www.opengis.net/def/crs/"+crs)
			if g := got.ids(); !slices.Equal(g, want) {
				t.Errorf("%s in %s: %v, want %v", box, crs, g, want)
			}
			filter := fmt.Sprintf("S_INTERSECTS(geometry, BBOX(%s))", box)
			got = s.items(t, "limit=1000&filter="+url.QueryEscape(filter)+"&filter-crs=http://www.opengis.net/def/crs/"+crs)
			if g := got.ids(); !slices.Equal(g, want) {
				t.Errorf("%s in %s: %v, want %v", filter, crs, g, want)
			}
		}
	}
	// A hair inside of the lots around it, in planes.
	b := lotBox(2, 2, 4, 4)
	for _, code := range []int{3857, 4524, 4545} {
		system, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := system.Forward(b.Min.LonLat()), system.Forward(b.Max.LonLat())
		box := fmt.Sprintf("%.3f,%.3f,%.3f,%.3f", lo.X+5, lo.Y+5, hi.X-5, hi.Y-5)
		if code != 3857 {
			box = fmt.Sprintf("%.3f,%.3f,%.3f,%.3f", lo.Y+5, lo.X+5, hi.Y-5, hi.X-5)
		}
		got := s.items(t, fmt.Sprintf("limit=1000&bbox=%s&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/%d", box, code))
		if g := got.ids(); len(g) != 4 {
			t.Errorf("EPSG:%d: %v", code, g)
		}
	}
}

// crs= answers in that system, its first axis first, and says so.
func TestItemsCRS(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	at := geo.PositionOf(geo.LonLat{Lon: 108.7, Lat: 34.3}).LonLat()
	for code, want := range map[int][2]float64{4490: {at.Lat, at.Lon}, 4326: {at.Lat, at.Lon}, 3857: {}, 4524: {}, 4497: {}} {
		system, err := geo.EPSG(code)
		if err != nil {
			t.Fatal(err)
		}
		if p := system.Forward(at); want == [2]float64{} {
			want = [2]float64{p.Y, p.X}
			if code == 3857 {
				want = [2]float64{p.X, p.Y}
			}
		}
		uri := fmt.Sprintf("http://www.opengis.net/def/crs/EPSG/0/%d", code)
		for _, resource := range []string{"items/1000", "items?BSM=" + bsm(0, 0)} {
			sign := "?"
			if strings.Contains(resource, "?") {
				sign = "&"
			}
			r := s.get(t, "/secure/ogc/collections/cropland/"+resource+sign+"crs="+uri, s.bearer(edition.Secure)...)
			if r.Header.Get("Content-Crs") != "<"+uri+">" {
				t.Errorf("%s: Content-Crs %s", uri, r.Header.Get("Content-Crs"))
			}
			var got [2]float64
			if strings.HasPrefix(resource, "items/") {
				got = decode[struct {
					Geometry struct{ Coordinates [][][2]float64 }
				}](t, r).Geometry.Coordinates[0][0]
			} else {
				d := decode[itemsDoc](t, r)
				got = d.Features[0].Geometry.Coordinates[0][0]
			}
			if math.Abs(got[0]-want[0]) > 1e-4 || math.Abs(got[1]-want[1]) > 1e-4 {
				t.Errorf("%s %s: %v, want %v", uri, resource, got, want)
			}
		}
	}
}

// Each parameter does what it says, and what is none is refused.
func TestItemsParameters(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.Features = 20 }, edition.Secure)
	for query, want := range map[string][2]int{
		"limit=5": {64, 5}, "limit=5000": {64, 20}, "DLBM=0101": {21, 20}, "BSM=" + bsm(3, 3): {1, 1}, "filter=KD%20IS%20NULL": {64, 20}, "filter=area_m2%3E0&filter-lang=cql2-text": {64, 20},
		"datetime=2023": {56, 20}, "datetime=2023-06-01T00:00:00Z": {56, 20}, "datetime=2023-01-01/..": {64, 20}, "datetime=../2022": {0, 0}, "datetime=1999": {0, 0}, "offset=60": {64, 4}, "offset=9999": {64, 0},
		"bbox=108.7,34.3,0,108.7,34.3,9": {1, 1}, "bbox=179,34,-179,35": {0, 0}, "DLBM=0101&filter=" + url.QueryEscape("BSM < '"+bsm(0, 1)+"'"): {3, 3},
	} {
		got := s.items(t, query)
		if got.NumberMatched != want[0] || got.NumberReturned != want[1] {
			t.Errorf("%s: %d matched, %d returned, want %v", query, got.NumberMatched, got.NumberReturned, want)
		}
	}
	d := s.items(t, "properties=DLBM,vintage&sortby=-BSM&limit=1&datetime=2023")
	if p := d.Features[0].Properties; len(p) != 2 || p["vintage"] != "2023" || d.Features[0].ID != 1000+(lots-1)*lots-1 {
		t.Errorf("properties and sortby: %+v", d.Features[0])
	}
	for query, code := range map[string]string{
		"limit=0": "parameter_limit", "limit=x": "parameter_limit", "offset=-1": "parameter_offset", "bbox=1,2,3": "parameter_number", "bbox=2,2,1,3&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4490": "parameter_bbox",
		"crs=EPSG:2000": "crs_unknown", "bbox=1,2,3,4&bbox-crs=EPSG:9": "crs_unknown", "nothing=1": "parameter_query", "filter=(": "parameter_filter", "filter=TRUE&filter-lang=cql2-json": "parameter_filter", "sortby=nothing": "parameter_sortby",
		"properties=nothing": "parameter_properties", "f=xml": "parameter_f", "limit=": "parameter_empty", "bbox=": "parameter_empty", "limit=1&limit=2": "parameter_twice", "bbox-crs=EPSG:9": "crs_unknown", "filter-crs=EPSG:9": "crs_unknown", "datetime=soon": "parameter_datetime", "datetime=2024/2023": "parameter_datetime", "datetime=2023&vintage=2023": "parameter_twice", "bbox=500000,3700000,500001,3700001": "crs_mismatch",
	} {
		wantProblem(t, query, s.get(t, "/secure/ogc/collections/cropland/items?"+query, s.bearer(edition.Secure)...), 400, code)
	}
}

// The table has what the features have.
func TestItemsCSV(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	r := s.get(t, "/secure/ogc/collections/cropland/items?limit=3&filter="+url.QueryEscape("DLBM='0102'"), append(s.bearer(edition.Secure), "Accept", "text/csv")...)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(r.body), "\uFEFF"))).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v: %s", len(rows), err, r.body)
	}
	want := s.items(t, "limit=3&filter="+url.QueryEscape("DLBM='0102'"))
	for i, f := range want.Features {
		row := rows[i+1]
		if row[0] != fmt.Sprint(f.ID) || row[1] != f.Properties["BSM"] || row[2] != "0102" || !strings.HasPrefix(row[len(row)-1], "POLYGON((108.7") {
			t.Errorf("row %d is %q", i, row)
		}
	}
	if r.Header.Get("OGC-NumberMatched") != fmt.Sprint(want.NumberMatched) || !strings.Contains(strings.Join(r.Header.Values("Link"), ","), `rel="next"`) {
		t.Errorf("headers %v", r.Header)
	}
}

// Where totals alone may be told there are no items, and public ones have no fields.
func TestItemsPolicy(t *testing.T) {
	totals := serveUnder(t, func(p *edition.Policy) { p.TotalsOnly, p.Pieces = true, false })
	wantProblem(t, "items", totals.ask(t, "/ogc/collections/cropland/items"), 403, "policy")
	wantProblem(t, "item", totals.ask(t, "/ogc/collections/cropland/items/1000"), 403, "policy")
	click := totals.ask(t, "/"+getMap(map[string]string{"REQUEST": "GetFeatureInfo", "QUERY_LAYERS": "pbf", "INFO_FORMAT": "application/json", "I": "100", "J": "100"}))
	if click.StatusCode < 400 || !strings.Contains(string(click.body), "ServiceException") {
		t.Errorf("a click: %d %s", click.StatusCode, click.body)
	}
	rounded := serveUnder(t, func(p *edition.Policy) { p.RoundM2 = 1000 })
	d := decode[itemsDoc](t, rounded.ask(t, "/ogc/collections/cropland/items?filter="+url.QueryEscape("area_m2 = 10000")))
	if d.NumberMatched != 64 || d.Features[0].Properties["area_m2"] != 10000.0 {
		t.Errorf("a filter tells areas finer than the policy: %d chosen", d.NumberMatched)
	}
	s := serve(t, nil, edition.Public)
	r := s.get(t, "/public/ogc/collections/cropland/items?limit=1")
	if e := r.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(e, "Gengtu-Generation") || !strings.Contains(e, "Content-Crs, Link, OGC-NumberMatched") {
		t.Errorf("scripts of other sites see %s", e)
	}
	d = decode[itemsDoc](t, r)
	if _, ok := d.Features[0].Properties["DLBM"]; ok || d.NumberMatched != 64 {
		t.Errorf("public: %+v", d)
	}
	wantProblem(t, "a field", s.get(t, "/public/ogc/collections/cropland/items?DLBM=0101"), 400, "parameter_query")
}

// Tiles are those of the other addresses, row before column; beyond the matrix is nothing.
func TestOGCTiles(t *testing.T) {
	s := serve(t, nil, edition.Public)
	for _, g := range tile.Grids() {
		p := strings.Split(tileAt(g, 12), "/")
		for ogc, own := range map[string]string{"tiles/%s/%s/%s/%s": "tiles/all/%s/%s/%s/%s.mvt", "map/tiles/%s/%s/%s/%s": "tiles/all/%s/%s/%s/%s.png", "collections/pbf/tiles/%s/%s/%s/%s": "tiles/pbf/%s/%s/%s/%s.mvt"} {
			got := s.get(t, "/public/ogc/"+fmt.Sprintf(ogc, g, p[0], p[2], p[1]))
			want := s.get(t, "/public/"+fmt.Sprintf(own, g, p[0], p[1], p[2]))
			if got.StatusCode != http.StatusOK || string(got.body) != string(want.body) || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
				t.Errorf("%s %s: %d, %d bytes, want %d", ogc, g, got.StatusCode, len(got.body), len(want.body))
			}
		}
	}
	for address, status := range map[string]int{
		"tiles/w/12/0/0": 404, "map/tiles/w/12/0/0": 404, "tiles/WebMercatorQuad/12/0/0": 404, "tiles/w?f=xml": 400, "tiles?f=html": 200, "tiles/w/3/8/0": 404, "tiles/w/19/0/0": 404, "tiles/w/3/x/0": 400, "tiles/q/3/0/0": 404, "tiles/w/3/0/0?f=png": 400, "tiles/w/3/0/0?x=1": 400,
		"tiles/w?collections=cropland,pbf": 200, "tiles/w?collections=http://gengtu.test/public/ogc/collections/cropland,pbf": 200, "tiles/w?collections=http://gengtu.test/public/ogc/collections/nothing": 404, "tiles/w/12/0/0?collections=nothing": 404, "collections/nothing/tiles": 404, "tileMatrixSets/q": 404, "collections/cropland/items/x": 404,
	} {
		if r := s.get(t, "/public/ogc/"+address); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", address, r.StatusCode, status)
		}
	}
}

// Each document is shown as HTML to browsers, and to whom asks for it, with all of its
// links; JSON stays what everybody else gets. The two name each other.
func TestOGCHTML(t *testing.T) {
	s := serve(t, nil, edition.Public)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, resource := range []string{"", "/conformance", "/collections", "/collections/cropland", "/collections/cropland/queryables", "/collections/cropland/schema", "/collections/cropland/items?limit=2", "/collections/cropland/items/1000", "/api", "/tiles", "/tiles/c", "/map/tiles", "/tileMatrixSets", "/tileMatrixSets/c"} {
		plain := s.get(t, "/public/ogc"+resource)
		page := s.get(t, "/public/ogc"+resource, "Accept", browser)
		sign := "?"
		if strings.Contains(resource, "?") {
			sign = "&"
		}
		asked := s.get(t, "/public/ogc"+resource+sign+"f=html", "Accept", "application/json")
		if !strings.Contains(plain.Header.Get("Content-Type"), "json") || !strings.Contains(plain.Header.Get("Vary"), "Accept") {
			t.Errorf("%s: %s, varies by %s", resource, plain.Header.Get("Content-Type"), plain.Header.Get("Vary"))
		}
		for _, r := range []reply{page, asked} {
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Fatalf("%s: %d %v", resource, r.StatusCode, r.Header)
			}
			d := xml.NewDecoder(strings.NewReader(string(r.body)))
			d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", resource, err)
				}
			}
		}
		if strings.Contains(string(plain.body), `"rel":"self"`) {
			for _, want := range []string{`"rel":"self","type":"application/`, `"rel":"alternate","type":"text/html"`} {
				if !strings.Contains(string(plain.body), want) {
					t.Errorf("%s: no %s in %.400s", resource, want, plain.body)
				}
			}
			for _, l := range decode[itemsDoc](t, plain).Links {
				if l.Rel != "self" && l.Rel != "alternate" && !strings.Contains(l.Href, "{") && !strings.Contains(string(page.body), `<a href="`+html.EscapeString(l.Href)+`"`) {
					t.Errorf("%s: the page does not link to %s", resource, l.Href)
				}
			}
		}
	}
}

// An address that makes a shape of very many vertices waits for one of the places of long
// answers before it is worked on, and all shapes of a request together are bounded.
func TestItemsLargeShapes(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.OverlayAtOnce, c.Limits.AOIVertices = 1, 20_000 }, edition.Public)
	// Of a year without features, so that nothing else takes a place.
	const address = "/public/ogc/collections/cropland/items?datetime=1990&filter-crs=EPSG:4524&filter="
	shape := func(km int) string {
		side := km * 1000
		return fmt.Sprintf("S_INTERSECTS(geometry,POLYGON((3700000 36300000,3700000 %[1]d,%[2]d %[1]d,3700000 36300000)))", 36300000+side, 3700000+side)
	}
	large := s.get(t, address+url.QueryEscape(shape(100)))
	if large.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", large.StatusCode, large.body)
	}
	free := s.Server.HoldPlaces()
	wantProblem(t, "a large shape while others compute", s.get(t, address+url.QueryEscape(shape(100))), 429, "too_many")
	free()
	wantProblem(t, "many shapes", s.get(t, address+url.QueryEscape(strings.Repeat(shape(100)+" OR ", 9)+shape(100))), 413, "too_large_shapes")
	line := strings.ReplaceAll(strings.ReplaceAll(shape(100), "POLYGON((", "LINESTRING("), ")))", "))")
	wantProblem(t, "many lines", s.get(t, address+url.QueryEscape(strings.Repeat(line+" OR ", 9)+line)), 413, "too_large_shapes")
	free = s.Server.HoldPlaces() // blocks as long as one is taken
	free()
}

// A page is made in a place, as other long answers are, and tells so who finds none: a
// thousand connections that ask for pages of a thousand features must not keep others
// waiting.
func TestItemsTakeAPlace(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.OverlayAtOnce = 1 }, edition.Secure)
	free := s.HoldPlaces()
	for _, query := range []string{"limit=1", "limit=1&DLBM=0102", "limit=1&sortby=BSM"} {
		r := s.get(t, "/secure/ogc/collections/cropland/items?"+query, s.bearer(edition.Secure)...)
		wantProblem(t, query, r, http.StatusTooManyRequests, "too_many")
	}
	free()
	s.items(t, "limit=1")
}

// What chooses features is bounded: a property stands in the address once.
func TestItemsPropertyOnce(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	r := s.get(t, "/secure/ogc/collections/cropland/items?"+strings.Repeat("DLBM=0102&", 1000), s.bearer(edition.Secure)...)
	wantProblem(t, "a thousand conditions", r, http.StatusBadRequest, "parameter_twice")
}
