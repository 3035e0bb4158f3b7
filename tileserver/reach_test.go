package tileserver_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tile"
)

// token issues a token of the secure tier and has the server read it.
func (s *service) token(t testing.TB, token access.Token) string {
	t.Helper()
	token.Tier = string(edition.Secure)
	plain, err := access.Add(s.accessFile, token)
	if err != nil {
		t.Fatal(err)
	}
	s.Reload()
	return plain
}

// changing are the parts of answers that differ between two editions of equal content.
var changing = regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]*Z|g[0-9a-f]{16}|updateSequence="[^"]*"|"request":"[0-9a-f]*"|gt_[A-Za-z0-9_-]+`)

// lasting is the content of an answer, unpacked, without what changes.
func lasting(t *testing.T, r reply) string {
	t.Helper()
	text := string(r.body)
	if strings.HasPrefix(text, "PK") {
		z, err := zip.NewReader(bytes.NewReader(r.body), int64(len(r.body)))
		if err != nil {
			t.Fatal(err)
		}
		text = ""
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			text += f.Name + string(data)
		}
	}
	return changing.ReplaceAllString(text, "")
}

// What a token does not reach is, on every route, as if the edition did not have it:
// the answers are those of an edition that has nothing else.
func TestLayersBeyondTheTokenAreNotThere(t *testing.T) {
	for _, keep := range [][]string{{"cropland", "region"}, {"cropland"}, {"pbf", "dltb"}, {"nothing"}} {
		t.Run(strings.Join(keep, ","), func(t *testing.T) { testLayersBeyond(t, keep) })
	}
}

func testLayersBeyond(t *testing.T, keep []string) {
	whole := serve(t, nil, edition.Secure)
	part := serve(t, func(c *tileserver.Config) {
		f := newFarm(edition.Secure)
		f.layers = slices.DeleteFunc(f.layers, func(l farmLayer) bool { return !slices.Contains(keep, l.meta.Name) })
		dir := t.TempDir() + "/part"
		f.commit(t, dir, 2)
		c.Editions = []string{dir}
	})
	scoped := whole.token(t, access.Token{Name: "part", Scope: &access.Scope{Layers: keep}})
	addresses := []string{
		"tiles/dltb/w/" + tileAt(tile.W, 13) + ".mvt", "tiles/pbf,cropland/c/" + tileAt(tile.C, 13) + ".png", "tiles/nothing/w/" + tileAt(tile.W, 13) + ".mvt",
		"tiles/hsf/w.json", "tiles/all/c.json", "features/dltb/77", "features/dltb?code=dltb-1", "features/cropland,dltb?code=dltb-1", "features/nothing/77", "features/cropland/1000/lineage", "features/dltb/77/lineage",
		"overlay?place=610402001&layers=pbf", "overlay?place=610402001&layers=cropland,hsf", "overlay?place=610402001&layers=nothing", "overlay?place=610402001&return=features",
		"summary?layers=dltb", "summary?layers=cropland&by=village", "summary?table=hectare&layers=dltb", "diff?layer=cropland", "diff?layer=dltb", "diff?layer=pbf&from=2023&to=2024", "diff",
		"dltb_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "map.png?bbox=108.7,34.3,108.71,34.31&width=100&layers=pbf", "map.png?bbox=108.7,34.3,108.71,34.31&width=100&layers=nothing",
		"catalog?vintage=2023", "catalog?vintage=1999", "tiles/all/w/" + tileAt(tile.W, 17) + ".mvt", "tiles/all/w/" + tileAt(tile.W, 12) + ".mvt?vintage=2023",
		"arcgis/rest/services/all_w/MapServer?f=json", "ogc/tiles/WebMercatorQuad", "ogc/collections?vintage=2023", "ogc/api", "wms?SERVICE=WMS&REQUEST=GetCapabilities",
		"ogc/collections/cropland/items?limit=9&sortby=-area_m2", "ogc/collections/dltb/items", "ogc/collections/hsf/queryables", "legend.png?layer=pbf",
	}
	for a := range data() {
		addresses = append(addresses, a)
	}
	refused, hidden := 0, 0
	for _, a := range addresses {
		address := "/secure/" + a
		// What is remembered of the whole tier must not be told to others.
		all := whole.get(t, address, whole.bearer(edition.Secure)...)
		got := whole.get(t, address, "Authorization", "Bearer "+scoped)
		want := part.get(t, address, part.bearer(edition.Secure)...)
		if refusedAs(got, want, keep) {
			refused, hidden = refused+1, hidden+1
			continue
		}
		if got.StatusCode == http.StatusInternalServerError {
			t.Errorf("%s: %s", address, got.body)
		}
		if g, w := lasting(t, got), lasting(t, want); got.StatusCode != want.StatusCode || g != w {
			t.Errorf("%s: %d %.600q\nwant %d %.600q", address, got.StatusCode, g, want.StatusCode, w)
		}
		if got.StatusCode == http.StatusNotFound {
			refused++
		}
		if all.StatusCode == http.StatusOK && got.StatusCode != http.StatusOK {
			hidden++
		}
	}
	if refused < 10 || hidden < 10 {
		t.Errorf("only %d addresses were not found, %d of them are there", refused, hidden)
	}
	// Another generation is seen as narrowly.
	pinned := "@" + whole.generations[edition.Secure]
	for _, name := range []string{"cropland", "pbf", "hsf", "dltb"} {
		r := whole.get(t, "/secure/diff?layer="+name+"&from=2024"+pinned+"&to=2024"+pinned, "Authorization", "Bearer "+scoped)
		if there := r.StatusCode == http.StatusOK; there != slices.Contains(keep, name) {
			t.Errorf("differences of %s: %d %.200s", name, r.StatusCode, r.body)
		}
	}
}

// refusedAs tells whether an answer says that a layer is not granted, in both languages
// naming none but those granted, where an edition without the layer says that there is
// none.
func refusedAs(got, want reply, keep []string) bool {
	if got.StatusCode != http.StatusForbidden || want.StatusCode != http.StatusNotFound && want.StatusCode != http.StatusBadRequest {
		return false
	}
	text := string(got.body)
	return strings.Contains(text, "does not grant the layer") && strings.Contains(text, "it grants: "+strings.Join(keep, " ")) && got.Header.Get("ETag") == ""
}

// operationOf is what the address of a tier asks; "" for looking.
func operationOf(address string) access.Operation {
	for prefix, o := range map[string]access.Operation{
		"tiles/": access.Tiles, "map.png": access.Tiles, "wmts": access.Tiles, "cropland_": access.Tiles, "wms": access.Tiles, "DataServer": access.Tiles, "arcgis/": access.Tiles, "iserver/": access.Tiles, "features/": access.Features, "places": access.Features,
		"diff": access.Features, "overlay": access.Overlay, "summary": access.Overlay, "analyses": access.Analyses, "reconcile": access.Analyses,
	} {
		if strings.HasPrefix(address, prefix) {
			return o
		}
	}
	return ""
}

// A token asks what it may ask, on every route, and its catalogue names nothing else.
func TestOperations(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	addresses := []string{"diff?layer=cropland", "features/cropland/1000/lineage", "analyses/1"}
	for a := range data() {
		addresses = append(addresses, a)
	}
	for _, o := range access.Operations {
		token := s.token(t, access.Token{Name: "only-" + string(o), Scope: &access.Scope{Operations: []access.Operation{o}}})
		for _, a := range addresses {
			r := s.get(t, "/secure/"+a, "Authorization", "Bearer "+token)
			asked := operationOf(a)
			switch info := strings.Contains(a, "GetFeatureInfo") || strings.HasSuffix(a, "/1/1.json"); {
			case asked != "" && asked != o:
				if r.StatusCode != http.StatusForbidden || r.Header.Get("Gengtu-Generation") != "" || r.Header.Get("ETag") != "" {
					t.Errorf("%s asks %s: %d %v", o, a, r.StatusCode, r.Header)
				}
			case info: // features by way of a map
				if r.StatusCode != http.StatusForbidden || !strings.Contains(string(r.body), "features") || !strings.Contains(string(r.body), string(o)) {
					t.Errorf("%s asks %s: %d %.300s", o, a, r.StatusCode, r.body) // it is the token, and says so
				}
			case r.StatusCode == http.StatusForbidden || r.StatusCode >= 400 && o != access.Analyses:
				t.Errorf("%s asks %s: %d %.200s", o, a, r.StatusCode, r.body)
			}
		}
		r := s.get(t, "/secure/catalog?tk="+token)
		for _, m := range regexp.MustCompile(`http://[^"]*?/secure/([^"]*)`).FindAllStringSubmatch(string(r.body), -1) {
			if asked := operationOf(m[1]); asked != o && asked != "" && !strings.Contains(m[1], "style.json") {
				t.Errorf("the catalogue for %s names %s", o, m[1])
			}
		}
	}
	// Single features are no areas.
	token := s.token(t, access.Token{Name: "areas", Scope: &access.Scope{Operations: []access.Operation{access.Overlay}}})
	for _, body := range []string{
		`{"geometry":` + lotPolygon(0, 0, 1, 1) + `,"return":"features"}`,
		`{"geometry":` + lotPolygon(0, 0, 1, 1) + `,"group_by":{"cropland":["BSM"]}}`,
	} {
		wantProblem(t, body, s.post(t, "/secure/overlay", body, "Authorization", "Bearer "+token), http.StatusForbidden, "policy")
	}
	if r := s.post(t, "/secure/overlay", `{"geometry":`+lotPolygon(0, 0, 1, 1)+`}`, "Authorization", "Bearer "+token); r.StatusCode != http.StatusOK {
		t.Errorf("areas: %d %s", r.StatusCode, r.body)
	}
}

// Tiles beyond the token's zooms are not served by any protocol, and no document says
// that there are any.
func TestZooms(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.token(t, access.Token{Name: "low", Scope: &access.Scope{MinZoom: 11, MaxZoom: 12}})
	bearer := []string{"Authorization", "Bearer " + token}
	for z := range 19 {
		w, c := tileAt(tile.W, uint8(z)), ""
		if z > 0 {
			c = tileAt(tile.C, uint8(z))
		}
		xy := strings.Split(w, "/")
		kvp := fmt.Sprintf("wmts?SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=cropland&STYLE=default&FORMAT=tiles&TILEMATRIXSET=w&TILEMATRIX=%s&TILECOL=%s&TILEROW=%s", xy[0], xy[1], xy[2])
		all := []string{"tiles/all/w/" + w + ".mvt", "tiles/cropland/w/" + w + ".png", fmt.Sprintf("wmts/cropland/default/w/%s/%s/%s.png", xy[0], xy[2], xy[1]), kvp, "cropland_w/" + kvp}
		if c != "" {
			all = append(all, "tiles/all/c/"+c+"@2x.png")
		}
		for _, a := range all {
			r := s.get(t, "/secure/"+a, bearer...)
			if served := r.StatusCode == http.StatusOK; served != (z == 11 || z == 12) || !served && (r.StatusCode != http.StatusForbidden || !strings.Contains(string(r.body), fmt.Sprintf("does not grant zoom %d, it grants 11 to 12", z))) {
				t.Errorf("%s: %d %.200s", a, r.StatusCode, r.body)
			}
		}
	}
	type zooms struct {
		MinZoom int `json:"minzoom"`
		MaxZoom int `json:"maxzoom"`
	}
	if z := decode[zooms](t, s.get(t, "/secure/tiles/all/w.json", bearer...)); z != (zooms{11, 12}) {
		t.Errorf("TileJSON: %+v", z)
	}
	for _, l := range decode[struct{ Layers []zooms }](t, s.get(t, "/secure/catalog", bearer...)).Layers {
		if l != (zooms{11, 12}) {
			t.Errorf("catalogue: %+v", l)
		}
	}
	// However near the map looks, it is drawn from tiles of the last zoom.
	near := "/secure/map.png?bbox=108.7,34.3,108.701,34.301&width=300"
	if a, b := s.get(t, near, bearer...), s.get(t, near, s.bearer(edition.Secure)...); a.StatusCode != http.StatusOK || string(a.body) == string(b.body) {
		t.Errorf("map: %d, the same as with all zooms: %t", a.StatusCode, string(a.body) == string(b.body))
	}
	if r := s.get(t, "/secure/map.png?bbox=90,20,130,50&width=300", bearer...); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a map of lower zooms: %d", r.StatusCode)
	}
}

// A token that is used too often waits, and says for how long.
func TestTokenRate(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	token := s.token(t, access.Token{Name: "slow", Bounds: access.Bounds{Rate: 0.01, Burst: 3}})
	for range 3 {
		if r := s.get(t, "/secure/catalog?tk="+token); r.StatusCode != http.StatusOK {
			t.Fatalf("%d", r.StatusCode)
		}
	}
	r := s.get(t, "/secure/catalog?tk="+token)
	wantProblem(t, "beyond the rate", r, http.StatusTooManyRequests, "too_many")
	if after := r.Header.Get("Retry-After"); after != "100" && after != "99" {
		t.Errorf("Retry-After %q", after)
	}
	if r := s.get(t, "/secure/catalog", s.bearer(edition.Secure)...); r.StatusCode != http.StatusOK {
		t.Errorf("another token: %d", r.StatusCode)
	}
}

// A token of one page is refused to others, and the refusal does not tell of which it is.
func TestTokenOfPage(t *testing.T) {
	const page = "https://farm.example.org"
	s := serve(t, nil, edition.Secure, edition.Government)
	token := s.token(t, access.Token{Name: "page", Bounds: access.Bounds{Origins: []string{page}}})
	for origin, want := range map[string]int{page: 200, "https://evil.example": 403, "": 403, origin: 403} {
		head := []string{"Origin", origin}
		if origin == "" {
			head = nil
		}
		r := s.get(t, "/secure/catalog?tk="+token, head...)
		if r.StatusCode != want {
			t.Errorf("from %q: %d, want %d", origin, r.StatusCode, want)
		}
		if want == 403 && (strings.Contains(string(r.body), page) || origin != "" && origin != "origin" && !strings.Contains(string(r.body), origin)) {
			t.Errorf("from %q: %s", origin, r.body)
		}
	}
	if got := s.do(t, http.MethodOptions, "/secure/catalog", nil, "Origin", page).Header.Get("Access-Control-Allow-Origin"); got != page {
		t.Errorf("the page may read answers to %q", got)
	}
}

// Who tries tokens is slowed, then refused; who has a right one is not, from the same
// address.
func TestGuessing(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	var group sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for n := range 60 {
		group.Go(func() {
			r := s.get(t, fmt.Sprintf("/secure/catalog?tk=gt_%043d", n))
			mu.Lock()
			defer mu.Unlock()
			seen[r.StatusCode]++
		})
	}
	group.Wait()
	if seen[http.StatusUnauthorized] < 30 || seen[http.StatusTooManyRequests] < 20 || len(seen) != 2 {
		t.Errorf("answers by status: %v", seen)
	}
	if r := s.get(t, "/secure/catalog", s.bearer(edition.Secure)...); r.StatusCode != http.StatusOK {
		t.Errorf("a right token from the same address: %d %s", r.StatusCode, r.body)
	}
	r := s.get(t, "/secure/catalog?tk=gt_wrong")
	wantProblem(t, "a wrong one", r, http.StatusTooManyRequests, "too_many")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// A picture is the one that a token is to have, whoever asked for the tile before: from
// which zoom borders are drawn depends on all layers that are reached.
func TestPicturesOfTokens(t *testing.T) {
	differ := 0
	dir := t.TempDir() + "/edition"
	f := newFarm(edition.Secure)
	for i := range f.layers {
		f.layers[i].meta.ParcelZoom = 8
		if f.layers[i].meta.Name == "pbf" {
			f.layers[i].meta.ParcelZoom = 13
		}
	}
	f.commit(t, dir, 2)
	one := func(c *tileserver.Config) { c.Editions = []string{dir} }
	for _, keep := range []string{"region", "cropland"} {
		first := map[bool]*service{true: serve(t, one, edition.Secure), false: serve(t, one, edition.Secure)}
		for z := uint8(6); z <= 14; z++ {
			address := "/secure/tiles/" + keep + "/w/" + tileAt(tile.W, z) + ".png"
			got := map[bool][2]string{}
			for scopedFirst, s := range first {
				scoped := []string{"Authorization", "Bearer " + s.token(t, access.Token{Name: fmt.Sprint("part", z), Scope: &access.Scope{Layers: []string{keep}}})}
				var pair [2]string
				for n := range 2 {
					if (n == 0) == scopedFirst {
						pair[0] = string(s.get(t, address, scoped...).body)
					} else {
						pair[1] = string(s.get(t, address, s.bearer(edition.Secure)...).body)
					}
				}
				got[scopedFirst] = pair
			}
			if got[true] != got[false] {
				t.Errorf("%s: what is painted depends on who asked first", address)
			}
			if got[true][0] != got[true][1] {
				differ++
			}
		}
	}
	if differ == 0 {
		t.Error("no picture of a token differs from another's: nothing is tested")
	}
}
