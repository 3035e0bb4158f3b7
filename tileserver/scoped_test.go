package tileserver_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/png"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// village is the south-west one of the farm, which a token of these tests is bound to.
const village = "610402001200"

var villageBox = lotBox(0, 0, 4, 4)

// issue adds a token for a scope of the secure tier, and returns it.
func (s *service) issue(t testing.TB, name string, scope access.Scope) string {
	t.Helper()
	token, err := access.Add(s.accessFile, access.Token{Name: name, Tier: string(edition.Secure), Scope: &scope})
	if err != nil {
		t.Fatal(err)
	}
	s.Reload()
	return token
}

// inVillage tells whether a lot lies in the village.
func inVillage(x, y int) bool { return x < 4 && y < 4 }

// beyond are texts that no answer to the village's token may hold, in groups of which
// each must be found with a token for all.
func beyond() map[string][]string {
	out := map[string][]string{
		"place":      {"610402002", "610402001201"},
		"place name": {"东镇", "东南村", "东北村", "西镇", "西北村"},
		"longitude":  {"108.705", "108.706", "108.707", "108.708"},
		"latitude":   {"34.305", "34.306", "34.307", "34.308"},
	}
	for y := range lots {
		for x := range lots {
			if !inVillage(x, y) {
				out["business key"] = append(out["business key"], bsm(x, y))
				out["id"] = append(out["id"], fmt.Sprintf(`"id":%d`, 1000+y*lots+x))
			}
		}
	}
	return out
}

// thieves are addresses, below the tier, by which somebody may try to reach beyond the
// village; the named routes are those of the table.
func thieves(generation string) map[string]string {
	out := map[string]string{}
	for a := range data() {
		out[a] = ""
	}
	for _, z := range []uint8{0, 5, 10, 11, 12, 13, 14, 16, 18} {
		for _, at := range []geo.Position{lotBox(1, 1, 2, 2).Min, lotBox(6, 6, 7, 7).Min, lotBox(4, 0, 5, 1).Min} {
			t := tile.W.At(at, z)
			for _, end := range []string{"mvt", "png"} {
				out[fmt.Sprintf("tiles/cropland,pbf,hsf,region,dltb/w/%d/%d/%d.%s", z, t.X, t.Y, end)] = ""
			}
			if z > 0 {
				t = tile.C.At(at, z)
				out[fmt.Sprintf("tiles/all/c/%d/%d/%d.mvt?vintage=2024", z, t.X, t.Y)] = ""
			}
		}
	}
	out["verify"] = `{"place":"610402002","receipt":{}}`
	out["keys"] = ""
	bbox := "bbox=108.69,34.29,108.72,34.32"
	at := tile.W.At(lotBox(6, 6, 7, 7).Min, 18)
	for _, a := range []string{
		"features/cropland/1060", "features/cropland/1004", "features/cropland/1060?vintage=2024", "features/cropland?code=" + bsm(7, 7), "features/cropland?code=" + bsm(1, 1), "features/cropland,region?code=" + bsm(7, 7), "features/region,cropland?code=" + bsm(1, 1),
		"features/region?code=610402002", "features/region?code=" + village, "features/cropland/1004/lineage", "features/cropland/1001/lineage", "features/dltb/77", "features/hsf/77",
		"catalog/cropland.xml", "catalog/region.xml", "catalog/hsf.xml?vintage=2024",
		"login", "login/callback?code=1&state=2", "me", "me?generation=" + generation, "places?q=610402002", "places?parent=610402", "places?f=geojson", "overlay?place=610402", "overlay?place=610402002", "overlay?place=610402002200", "overlay?place=" + village,
		"overlay?" + bbox, "overlay?" + bbox + "&return=features", "overlay?point=108.7065,34.3065", "overlay?point=108.7065,34.3065&f=csv", "overlay?" + bbox + "&f=geojson",
		"summary?by=county", "summary?by=village&layers=cropland,pbf,hsf,dltb", "summary?by=village&vintage=2023", "summary?place=610402002", "summary?table=hectare", "summary?f=xlsx&by=village",
		"diff?layer=cropland", "diff?layer=cropland&f=csv", "diff?layer=cropland&from=2023@" + generation + "&to=2024@" + generation, "diff?from=" + generation + "&to=" + generation + "&layer=pbf",
		"changes?since=" + generation, "changes?since=" + generation + "&return=features", "changes?since=g0000000000000000",
		"catalog?vintage=2023", "catalog?generation=" + generation, "catalog?generation=g0000000000000000", "catalog?generation=x", "catalog?vintage=1999", "tiles/nothing/w.json",
		"map.png?" + bbox + "&width=100&height=100", "style.json?vintage=2023", "tiles/region/c.json", "base", "base/vec/5/26/12", "analyses/1", "analyses/1/events",
		fmt.Sprintf("wmts/cropland/default/w/18/%d/%d/5/5.json", at.Y, at.X), fmt.Sprintf("wmts/region/default/w/18/%d/%d/5/5.html", at.Y, at.X),
		"wms?SERVICE=WMS&REQUEST=GetCapabilities", "wms?VERSION=1.1.1&REQUEST=GetMap&SRS=EPSG:4490&FORMAT=image/png&WIDTH=99&HEIGHT=99&LAYERS=cropland,dltb&STYLES=&B" + bbox[1:],
		"wms?VERSION=1.1.1&REQUEST=GetFeatureInfo&SRS=EPSG:4490&FORMAT=image/png&WIDTH=3&HEIGHT=3&LAYERS=cropland,region,dltb&QUERY_LAYERS=cropland,region,dltb&STYLES=&X=1&Y=1&FEATURE_COUNT=9&INFO_FORMAT=application/json&BBOX=108.7065,34.3065,108.7066,34.3066",
		"arcgis/rest/services/all_c/MapServer?f=json", "arcgis/rest/services/dltb_c/MapServer?f=json",
		"wmts?SERVICE=WMTS&REQUEST=GetCapabilities&generation=" + generation, "no/such/path",
		"ogc", "ogc/", "ogc/api", "ogc/conformance", "ogc/collections", "ogc/collections/cropland", "ogc/collections/region", "ogc/collections/dltb/queryables", "ogc/collections/cropland/schema",
		"ogc/collections/cropland/items?limit=1000", "ogc/collections/cropland/items?f=csv&limit=1000", "ogc/collections/region/items", "ogc/collections/hsf/items?" + bbox, "ogc/collections/cropland/items?BSM=" + bsm(7, 7),
		"ogc/collections/cropland/items?filter=BSM%3C%3E%27%27", "ogc/collections/cropland/items?sortby=-BSM&datetime=2023", "ogc/collections/cropland/items/1060", "ogc/collections/cropland/items/1001",
		"ogc/tileMatrixSets", "ogc/tileMatrixSets/c", "ogc/tiles", "ogc/tiles/c", "ogc/map/tiles", "ogc/map/tiles/w", "ogc/collections/cropland/tiles", "ogc/collections/cropland/tiles/w", "ogc/collections/region/map/tiles", "ogc/collections/region/map/tiles/c",
		fmt.Sprintf("ogc/tiles/w/18/%d/%d", at.Y, at.X), fmt.Sprintf("ogc/map/tiles/w/18/%d/%d", at.Y, at.X), fmt.Sprintf("ogc/collections/cropland/tiles/w/18/%d/%d", at.Y, at.X), fmt.Sprintf("ogc/collections/cropland/map/tiles/w/18/%d/%d", at.Y, at.X),
	} {
		out[a] = ""
	}
	out["overlay"] = `{"geometry":{"type":"Polygon","coordinates":[[[108.6,34.2],[108.8,34.2],[108.8,34.4],[108.6,34.4],[108.6,34.2]]]},"layers":["cropland","pbf","hsf","dltb","region"],"return":"features","group_by":{"cropland":["BSM"]}}`
	out["analyses"] = `{}`
	out["reconcile"] = `{"a":"dltb@2023","b":"region@2024"}`
	return out
}

// openly returns what an answer says, in a form that can be searched: headers and body,
// workbooks unpacked, tiles with their ids and values.
func openly(t testing.TB, address string, r reply) string {
	t.Helper()
	var b strings.Builder
	if err := r.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	body := r.body
	switch {
	case bytes.HasPrefix(body, []byte("PK")):
		z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(address, err)
		}
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(&b, in); err != nil {
				t.Fatal(err)
			}
			_ = in.Close() // only read
		}
	case strings.HasSuffix(r.Header.Get("Content-Type"), "mapbox-vector-tile"):
		layers, err := mvt.Decode(body)
		if err != nil {
			t.Fatal(address, err)
		}
		for _, l := range layers {
			for _, f := range l.Features {
				fmt.Fprintf(&b, "%s \"id\":%d %v\n", l.Name, f.ID, f.Tags)
			}
		}
	default:
		b.Write(body)
	}
	return b.String()
}

// with asks for an address of the secure tier, with a body if there is one.
func (s *service) with(t testing.TB, address, body, token string) reply {
	t.Helper()
	head := []string{"Authorization", "Bearer " + token, "Accept-Language", "zh"}
	if body != "" {
		return s.post(t, "/secure/"+address, body, head...)
	}
	return s.get(t, "/secure/"+address, head...)
}

// found returns which of the groups of secrets stand in the answers to a token.
func (s *service) found(t testing.TB, token string) map[string]string {
	t.Helper()
	secrets := beyond()
	out := map[string]string{}
	for address, body := range thieves(s.generations[edition.Secure]) {
		r := s.with(t, address, body, token)
		if r.StatusCode >= 500 && r.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s: %d %s", address, r.StatusCode, r.body)
		}
		text := openly(t, address, r)
		if asked, err := url.QueryUnescape(address); err == nil {
			text = strings.ReplaceAll(text, asked, "") // what is asked may be repeated
		}
		for group, values := range secrets {
			for _, v := range values {
				if strings.Contains(text, v) && !strings.Contains(address, v) {
					out[group] = fmt.Sprintf("%q in the answer %d to %s", v, r.StatusCode, address)
				}
			}
		}
	}
	return out
}

// A thief with the token of a village goes over all routes: nothing of the rest of the
// farm is in any answer, and the same search finds all of it with a token for the tier.
func TestScopedThief(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	all := s.found(t, s.tokens[edition.Secure])
	for group := range beyond() {
		if all[group] == "" {
			t.Errorf("%s: the search finds none where all may be seen", group)
		}
	}
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	for _, where := range s.found(t, token) {
		t.Error(where)
	}
	if r := s.get(t, "/metrics"); strings.Contains(string(r.body), village) || strings.Contains(string(r.body), "village") {
		t.Error("the metrics tell the scope")
	}
	// Each route of the tier was tried.
	for _, p := range tileserver.Patterns(s.Server) {
		rest, ok := strings.CutPrefix(p, "/{tier}/")
		if !ok {
			continue
		}
		one := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(rest), `[^/]+`)
		route := regexp.MustCompile(`^` + strings.ReplaceAll(one, `\*`, `.+`) + `$`)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(thieves("g"))), func(a string) bool {
			path, _, _ := strings.Cut(a, "?")
			return route.MatchString(path)
		}) {
			t.Errorf("no thief has tried %s", p)
		}
	}
}

// The village's token gets all of the village: the same areas as are found in it by who
// sees the whole tier, of blocks what lies inside.
func TestScopedAnswers(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	type layers struct {
		Layers []struct {
			Layer, Name string
			Features    int
			AreaM2      float64  `json:"area_m2"`
			NetM2       *float64 `json:"net_m2"`
			Extent      [4]float64
		}
	}
	const question = "overlay?bbox=108.69,34.29,108.72,34.32&layers=cropland,pbf,hsf,dltb"
	got := decode[layers](t, s.with(t, question, "", token))
	want := decode[layers](t, s.with(t, "overlay?place="+village+"&layers=cropland,pbf,hsf,dltb", "", s.tokens[edition.Secure]))
	for i, l := range want.Layers {
		if g := got.Layers[i]; g.Features != l.Features || math.Abs(g.AreaM2-l.AreaM2) > 2e-3 || l.NetM2 != nil && math.Abs(*g.NetM2-*l.NetM2) > 0.02 || g.Features == 0 {
			t.Errorf("%s: %+v, want %+v", l.Layer, g, l)
		}
	}
	hsf := got.Layers[2]
	if w := lotArea(2, 2, 4, 4); math.Abs(hsf.AreaM2-w) > 2e-3 {
		t.Errorf("hsf has %v m², want %v", hsf.AreaM2, w)
	}
	r := s.with(t, "catalog", "", token)
	if g := r.Header.Get("Gengtu-Generation"); g != s.generations[edition.Secure] {
		t.Errorf("the generation is %s, want %s", g, s.generations[edition.Secure])
	}
	lo, hi := villageBox.Min.LonLat(), villageBox.Max.LonLat()
	for _, l := range decode[layers](t, r).Layers {
		e := l.Extent
		if e[0] < lo.Lon-1e-9 || e[1] < lo.Lat-1e-9 || e[2] > hi.Lon+1e-9 || e[3] > hi.Lat+1e-9 {
			t.Errorf("%s reaches to %v", l.Name, e)
		}
	}
	if !strings.Contains(r.Header.Get("Vary"), "Authorization") {
		t.Errorf("Vary %q", r.Header.Get("Vary"))
	}
	// A tile east of the village is empty, as vectors and painted; one of it is not.
	for x, empty := range map[int]bool{1: false, 6: true} {
		at := tile.W.At(lotBox(x, 1, x+1, 2).Min, 17)
		address := fmt.Sprintf("tiles/cropland,pbf,hsf,dltb,region/w/17/%d/%d", at.X+1, at.Y)
		if r := s.with(t, address+".mvt", "", token); (r.StatusCode == http.StatusNoContent) != empty {
			t.Errorf("%s.mvt: %d", address, r.StatusCode)
		}
		img, err := png.Decode(bytes.NewReader(s.with(t, address+".png", "", token).body))
		if err != nil {
			t.Fatal(err)
		}
		painted := 0
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if _, _, _, a := img.At(x, y).RGBA(); a > 0 {
					painted++
				}
			}
		}
		if (painted == 0) != empty {
			t.Errorf("%s.png has %d pixels", address, painted)
		}
	}
}

// An area is a scope as a place is.
func TestScopedArea(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	box := lotBox(2, 2, 5, 6)
	token := s.issue(t, "area", access.Scope{Area: string(geo.AppendGeoJSON(nil, geo.MultiPolygon{box.Polygon()})), Layers: []string{"cropland", "hsf"}})
	got := decode[struct {
		Layers []struct {
			Layer  string
			AreaM2 float64 `json:"area_m2"`
		}
	}](t, s.with(t, "overlay?bbox=108.69,34.29,108.72,34.32&layers=cropland,hsf", "", token))
	if len(got.Layers) != 2 || math.Abs(got.Layers[0].AreaM2-lotArea(2, 2, 5, 6)) > 2e-3 || math.Abs(got.Layers[1].AreaM2-lotArea(2, 2, 5, 6)) > 2e-3 {
		t.Errorf("got %+v, want %v", got, lotArea(2, 2, 5, 6))
	}
	for _, layer := range []string{"pbf", "dltb", "region"} {
		if r := s.with(t, "features/"+layer+"/77", "", token); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers %d", layer, r.StatusCode)
		}
	}
}

// A scope that has nothing of the edition reaches nothing.
func TestScopedNothing(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.issue(t, "elsewhere", access.Scope{Places: []string{"999999"}})
	for _, a := range []string{"catalog", "places", "overlay?place=999999"} {
		wantProblem(t, a, s.with(t, a, "", token), http.StatusForbidden, "token_refused")
	}
}

// Tiles of every zoom hold the village and nothing else: as single lots those of the
// village, as merged shapes its area, drawn within a few cells of its border.
func TestScopedTiles(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	want := map[uint64]bool{}
	for y := range 4 {
		for x := range 4 {
			want[uint64(1000+y*lots+x)] = true
		}
	}
	merged := 0
	for _, g := range tile.Grids() {
		for z := g.MinZoom(); z <= 18; z++ {
			ids, sum, drawn := map[uint64]bool{}, 0.0, geo.EmptyBox()
			x0, y0, x1, y1 := g.Range(lotBox(0, 0, lots, lots), z)
			for x := x0; x <= x1; x++ {
				for y := y0; y <= y1; y++ {
					r := s.with(t, fmt.Sprintf("tiles/cropland/%s/%d/%d/%d.mvt", g, z, x, y), "", token)
					layers, err := mvt.Decode(r.body)
					if err != nil {
						t.Fatal(err)
					}
					at := tile.Tile{Grid: g, Z: z, X: x, Y: y}
					for _, l := range layers {
						for _, f := range l.Features {
							drawn = drawn.Union(groundOf(at, &f))
							for _, tag := range f.Tags {
								if m2, ok := tag.Value.(float64); ok && tag.Key == "area_m2" {
									sum += m2
								}
							}
							if f.ID != 0 {
								ids[f.ID] = true
							}
						}
					}
				}
			}
			// Merged shapes are drawn in cells of 1/512 of a tile, small ones several cells wide.
			slack := int64(tile.Span(z) / 512 * 8 * 360 * geo.Unit)
			out := geo.Box{Min: geo.Position{Lon: villageBox.Min.Lon - slack, Lat: villageBox.Min.Lat - slack}, Max: geo.Position{Lon: villageBox.Max.Lon + slack, Lat: villageBox.Max.Lat + slack}}
			if !drawn.Empty() && !out.Contains(drawn) {
				t.Errorf("%s %d reaches to %v", g, z, drawn)
			}
			if len(ids) > 0 && !maps.Equal(ids, want) {
				t.Errorf("%s %d: lots %v", g, z, ids)
			}
			if len(ids) == 0 {
				merged++
				if w := lotArea(0, 0, 4, 4); math.Abs(sum-w) > 0.01*w {
					t.Errorf("%s %d: merged shapes have %v m², want %v", g, z, sum, w)
				}
			}
		}
	}
	if merged == 0 {
		t.Error("no zoom has merged shapes")
	}
}

// groundOf returns the box around a feature of a tile, on the ground.
func groundOf(at tile.Tile, f *mvt.Feature) geo.Box {
	box := geo.EmptyBox()
	o, span := at.Origin(), tile.Span(at.Z)
	for _, p := range f.Polygons {
		for _, r := range p {
			for _, v := range r {
				g := geo.PositionOf(at.Grid.Unproject(tile.World{X: o.X + float64(v.X)/4096*span, Y: o.Y + float64(v.Y)/4096*span}))
				box = box.Union(geo.Box{Min: g, Max: g})
			}
		}
	}
	return box
}

// What lies beyond the village is not in the files that its token is answered from, as
// raw bytes; it is in those of the whole tier.
func TestScopedFiles(t *testing.T) {
	cache := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.CacheDir = cache }, edition.Secure)
	token := s.issue(t, "village", access.Scope{Places: []string{village}})
	for address, body := range thieves(s.generations[edition.Secure]) {
		s.with(t, address, body, token)
	}
	s.stop()
	read := func(dir string) []byte {
		var out []byte
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			out = append(append(out, path...), data...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	part, whole := read(filepath.Join(cache, "scoped")), read(s.dirs[edition.Secure])
	for _, group := range []string{"place", "place name", "business key"} {
		for _, v := range beyond()[group] {
			if !bytes.Contains(whole, []byte(v)) {
				t.Errorf("%s %q: the search does not find it in the whole edition", group, v)
			}
			if bytes.Contains(part, []byte(v)) {
				t.Errorf("%s %q lies in the files of the scope", group, v)
			}
		}
	}
	if !bytes.Contains(part, []byte(bsm(1, 1))) {
		t.Error("the village's own lots are not found")
	}
}
