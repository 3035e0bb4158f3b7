package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/viewer/viewertest"
)

// shared is a text of the panel of services.
type shared struct{ ID, Text, Type, Added string }

// programsOf are those that the panel offers.
var programsOf = []string{"address", "maplibre", "openlayers", "leaflet", "cesium", "qgis", "supermap", "arcgis"}

// openShare opens the panel.
func openShare(t *testing.T, b *viewertest.Tab) {
	t.Helper()
	b.Click(t, "share-open")
	b.Until(t, `document.querySelector('[data-testid="share-list"] pre') !== null`)
}

// choose sets the panel's layers, grid and program, and returns what it offers.
func choose(t *testing.T, b *viewertest.Tab, layers, grid, program string) []shared {
	t.Helper()
	return viewertest.Eval[[]shared](t, b, fmt.Sprintf(`(() => {
		const at = (id) => document.querySelector('[data-testid="' + id + '"]');
		const select = at('share-layers');
		select.value = %q; select.dispatchEvent(new Event('change'));
		for (const id of ['share-grid-%s', 'share-program-%s']) if (!at(id).checked) at(id).click();
		return [...document.querySelectorAll('[data-testid="share-list"] .share-item')].map((el) => {
			const pre = el.querySelector('pre');
			return {ID: el.dataset.testid, Text: pre.textContent, Type: pre.dataset.type, Added: pre.dataset.added};
		});
	})()`, layers, grid, program))
}

// inCode finds the addresses in a piece of code.
var inCode = regexp.MustCompile(`'(https?://[^']+)'`)

// filled is an address with the numbers of a tile in the place of its braces.
func filled(address string, at tile.Tile) string {
	return strings.NewReplacer("{z}", fmt.Sprint(at.Z), "{level}", fmt.Sprint(at.Z), "{x}", fmt.Sprint(at.X), "{y}", fmt.Sprint(at.Y)).Replace(address)
}

// Every address that the panel offers, plain or in code, is answered with what it is said to
// be, for one layer and for the group, in both grids, in government and public; code parses.
func TestViewerShare(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	for _, tier := range []string{"government", "public"} {
		b := openViewer(t, s, tier, "map=13/34.33/108.64", viewertest.Desktop)
		openShare(t, b)
		var code []string
		asked := map[string]int{}
		for _, layers := range []string{"*all", "*shown", "pbf"} {
			for _, grid := range []string{"w", "c"} {
				for _, program := range programsOf {
					list := choose(t, b, layers, grid, program)
					if len(list) == 0 && (program != "maplibre" || grid != "c") {
						t.Errorf("%s %s %s: nothing is offered", layers, grid, program)
					}
					for _, item := range list {
						if strings.Contains(item.Text, "tk=") || tier == "government" && strings.Contains(item.Text, s.tokens[tier]) {
							t.Errorf("%s %s: the token is in %s", item.ID, grid, item.Text)
						}
						if item.Type == "" {
							code = append(code, item.Text)
						}
						s.checkShared(t, tier, grid, item, asked)
					}
				}
			}
		}
		if asked["image/png"] == 0 || asked["application/vnd.mapbox-vector-tile"] == 0 || asked["text/xml"] == 0 || asked["application/json"] == 0 || len(code) < 60 {
			t.Errorf("%s: answered were %v, of %d pieces of code", tier, asked, len(code))
		}
		t.Logf("%s: %v answers, %d pieces of code", tier, asked, len(code))
		parses(t, code)
		b.Picture(t, "share-"+tier)
	}
}

// checkShared asks for what an item names; asked counts the answers by type.
func (s *server) checkShared(t *testing.T, tier, grid string, item shared, asked map[string]int) {
	t.Helper()
	addresses := [][2]string{{item.Text, item.Type}}
	if item.Type == "" {
		addresses = nil
		for _, m := range inCode.FindAllStringSubmatch(item.Text, -1) {
			addresses = append(addresses, [2]string{m[1], typeInCode(m[1])})
		}
		if len(addresses) != 1 {
			t.Errorf("%s: %d addresses in\n%s", item.ID, len(addresses), item.Text)
		}
	}
	for _, a := range addresses {
		g, err := tile.ParseGrid(grid)
		if err != nil {
			t.Fatal(err)
		}
		address := filled(a[0], g.At(geo.PositionOf(geo.LonLat{Lon: 108.64, Lat: 34.33}), 13))
		switch {
		case item.Added != "" || strings.HasSuffix(address, "/MapServer"):
			address += "?f=json"
		case strings.HasSuffix(address, "/wmts"):
			address += "?SERVICE=WMTS&REQUEST=GetCapabilities"
		}
		path, ok := strings.CutPrefix(address, s.URL)
		if !ok || strings.ContainsAny(path, "{}") {
			t.Errorf("%s: %s is no address of this server", item.ID, address)
			continue
		}
		got := s.do(t, "GET", path, nil)
		kind, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
		if refusedByPolicy := got.Status == 403 && tier == "public" && item.ID == "share-items"; refusedByPolicy {
			continue
		}
		if got.Status != 200 || kind != a[1] || len(got.Body) < 100 {
			t.Errorf("%s: %s is answered with %d %s, %d bytes; want %s", item.ID, address, got.Status, kind, len(got.Body), a[1])
		}
		if strings.HasSuffix(kind, "json") && !json.Valid(got.Body) {
			t.Errorf("%s: %s is no JSON", item.ID, address)
		}
		asked[a[1]]++
	}
}

// typeInCode is what an address in code is answered with.
func typeInCode(address string) string {
	path, _, _ := strings.Cut(address, "?")
	switch {
	case strings.HasSuffix(path, ".png") || strings.Contains(address, "REQUEST=GetTile"):
		return "image/png"
	case strings.HasSuffix(path, ".mvt"):
		return "application/vnd.mapbox-vector-tile"
	case strings.Contains(path, "wmts"):
		return "text/xml"
	}
	return "application/json"
}

// parses lets Node parse pieces of code, and shows it one that is none.
func parses(t *testing.T, code []string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed: apt-get install -y nodejs")
	}
	data, err := json.Marshal(append(code, "const = 1;"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `
		const vm = require('node:vm');
		const bad = [];
		JSON.parse(require('node:fs').readFileSync(0, 'utf8')).forEach((text, i) => { try { new vm.Script(text); } catch (e) { bad.push(i + ' ' + e.message); } });
		console.log(bad.join('\n'));`)
	cmd.Stdin = strings.NewReader(string(data))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); !strings.HasPrefix(got, fmt.Sprint(len(code))+" ") {
		t.Errorf("what does not parse, beside the last that must not: %s", got)
	}
}

// The token comes into the texts when it is ticked, with a warning, and such an address
// opens the tier by itself; it is not ticked when the panel is opened again, and the link
// holds it never. What is copied is what stands there.
func TestViewerShareToken(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government, e.Public)
	b := openViewer(t, s, "government", "map=13/34.33/108.64", viewertest.Desktop)
	openShare(t, b)
	viewertest.Eval[bool](t, b, `(() => { window.copied = []; Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) => { copied.push(text); return Promise.resolve(); }}}); return true; })()`)
	if got := b.Text(t, "share-none"); !strings.Contains(got, "不含令牌") {
		t.Errorf("without the token: %q", got)
	}
	b.Click(t, "share-token")
	if got := b.Text(t, "share-warning"); !strings.Contains(got, "令牌等于您的权限") {
		t.Errorf("the warning is %q", got)
	}
	b.Picture(t, "share-token")
	for _, item := range choose(t, b, "pbf", "w", "address") {
		if !strings.Contains(item.Text, "tk="+s.tokens["government"]) {
			t.Errorf("%s has no token: %s", item.ID, item.Text)
		}
	}
	viewertest.Eval[bool](t, b, `(document.querySelector('[data-testid="share-tilejson"] button').click(), document.querySelector('[data-testid="share-link"]').click(), true)`)
	b.Until(t, "copied.length === 2")
	copied := viewertest.Eval[[]string](t, b, "copied")
	if a, err := http.Get(copied[0]); err != nil || a.StatusCode != http.StatusOK || a.Body.Close() != nil {
		t.Errorf("%s without a header: %v %v", copied[0], a, err)
	}
	if strings.Contains(copied[1], s.tokens["government"]) || !strings.Contains(copied[1], "tier=government") || !strings.Contains(copied[1], "map=13.00/34.33") {
		t.Errorf("the link is %s", copied[1])
	}
	b.Click(t, "side-close")
	openShare(t, b)
	if viewertest.Eval[bool](t, b, `document.querySelector('[data-testid="share-token"]').checked || [...document.querySelectorAll('[data-testid="share-list"] pre')].some((pre) => pre.textContent.includes('tk='))`) {
		t.Error("the token is still ticked")
	}
	b.Quiet(t, s.URL)
}

// The code for MapLibre draws the tier, run with the MapLibre of the page itself; on a phone
// and in English the panel holds what is said of grid c.
func TestViewerShareRuns(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	b := openViewer(t, s, "public", "map=13/34.33/108.64", viewertest.View{Width: 390, Height: 844, Lang: "en-US", Mobile: true})
	openShare(t, b)
	code := map[string]string{}
	for _, item := range choose(t, b, "pbf", "w", "maplibre") {
		code[item.ID] = item.Text
	}
	b.Picture(t, "share-phone")
	drawn := viewertest.Eval[[]int](t, b, `import(document.querySelector('link[href*="maplibre-gl.mjs"]').href).then((maplibregl) => new Promise((done, failed) => {
		const own = document.createElement('div');
		own.id = 'other'; own.style.cssText = 'position:fixed;inset:0;z-index:99';
		document.body.append(own);
		`+strings.Replace(code["share-maplibre-style"], "'map'", "'other'", 1)+`
		map.on('error', (e) => failed(e.error));
		map.once('load', () => {
			`+code["share-maplibre-source"]+code["share-maplibre-png"]+`
			map.once('idle', () => done(['pbf-fill', 'gengtu-pbf'].map((layer) => map.queryRenderedFeatures({layers: [layer]}).length)));
		});
	}))`)
	if len(drawn) != 2 || drawn[0] == 0 || drawn[1] == 0 {
		t.Errorf("drawn are %v features of the style and of the source", drawn)
	}
	b.Picture(t, "share-maplibre")
	viewertest.Eval[bool](t, b, "(document.getElementById('other').remove(), true)")
	choose(t, b, "pbf", "c", "maplibre")
	if got := b.Text(t, "share-limit"); !strings.Contains(got, "cannot show tiles of grid c") {
		t.Errorf("grid c of MapLibre: %q", got)
	}
	b.Picture(t, "share-limit-phone")
	if wide := viewertest.Eval[int](t, b, "document.documentElement.scrollWidth"); wide > 390 {
		t.Errorf("the page is %d pixels wide", wide)
	}
}
