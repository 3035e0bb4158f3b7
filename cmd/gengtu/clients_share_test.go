package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// pasted is a piece of code of the panel of services, and the library that it is for.
type pasted struct {
	shared
	library, grid, layers string
}

func (p pasted) String() string { return fmt.Sprintf("%s %s %s", p.ID, p.layers, p.grid) }

// libraryOf is what a program's code needs: iClient for Leaflet and the like are the library
// with more in it, none of which the code uses.
func libraryOf(program string, item shared) string {
	if program == "supermap" {
		return strings.TrimPrefix(item.ID, "share-supermap-")
	}
	return program
}

// offeredCode is all code that the panel offers for the libraries, with the token in it.
func offeredCode(t *testing.T, s *server, v crossView) []pasted {
	t.Helper()
	b := openViewer(t, s, "secure", fmt.Sprintf("map=%d/%v/%v", v.zoom-1, v.lat, v.lon), viewertest.Desktop)
	openShare(t, b)
	b.Click(t, "share-token")
	var all []pasted
	for _, layers := range []string{"cropland", "*all"} {
		for _, grid := range []string{"w", "c"} {
			for _, program := range []string{"maplibre", "openlayers", "leaflet", "cesium", "supermap"} {
				for _, item := range choose(t, b, layers, grid, program) {
					if item.Type == "" {
						all = append(all, pasted{item, libraryOf(program, item), grid, layers})
					}
				}
			}
		}
	}
	return all
}

// setupOf makes the map that code is added to, "" for code that makes its own.
func (p pasted) setupOf(v crossView) string {
	if strings.Contains(p.Text, "new maplibregl.Map") || p.library != "maplibre" {
		return ""
	}
	return fmt.Sprintf("const map = new maplibregl.Map({ container: 'map', style: { version: 8, sources: {}, layers: [] }, center: [%v, %v], zoom: %d });", v.lon, v.lat, v.zoom-1)
}

// Every piece of code that the panel of services offers for a library is pasted into a page
// that has it, to the letter, and draws the layer where it belongs: to a pixel, and in Cesium,
// which looks from the sky, within four of where it says that the corners are.
func TestClientsShare(t *testing.T) {
	if os.Getenv("CLIENTS") == "" {
		t.Skip("needs npm's registry: make clients")
	}
	pages := servePages(t)
	s := serveCross(t, pages)
	v := crossViews[14]
	code := offeredCode(t, s, v)
	ran := map[string]int{}
	for _, p := range code {
		ran[p.library+" "+p.grid]++
		t.Run(p.String(), func(t *testing.T) {
			b := viewertest.Open(t, viewertest.Browser(t), pages+"/paste.html", viewertest.View{Width: viewWidth, Height: viewHeight, Lang: "zh-CN"})
			b.Until(t, "window.paste !== undefined")
			arguments, err := json.Marshal([]string{p.library, p.setupOf(v), p.Text})
			if err != nil {
				t.Fatal(err)
			}
			viewertest.Eval[bool](t, b, "paste(..."+string(arguments)+")")
			err = errors.New("nothing was looked at")
			for end := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(end); <-time.After(200 * time.Millisecond) {
				err = p.look(t, b, v)
			}
			if err != nil {
				b.Picture(t, "share-failed")
				t.Fatalf("%v\nthe page said: %s\n%s", err, strings.Join(b.Said(), "\n"), p.Text)
			}
			if p.layers == "cropland" {
				b.Picture(t, strings.ReplaceAll(p.ID+"-"+p.grid, " ", "-"))
			}
			for _, said := range b.Said() {
				t.Errorf("the page said: %s", said)
			}
		})
	}
	for _, library := range []string{"openlayers w", "openlayers c", "leaflet w", "leaflet c", "cesium w", "cesium c", "maplibre w"} {
		if ran[library] < 2 {
			t.Errorf("%d pieces of code for %s were run", ran[library], library)
		}
	}
}

// look says what the picture lacks.
func (p pasted) look(t *testing.T, b *viewertest.Tab, v crossView) error {
	t.Helper()
	if p.library == "cesium" {
		return fromSky(t, b, v)
	}
	m := v.in(p.grid)
	got, err := m.measure(b.Picture(t, "share-look"))
	if err != nil {
		return err
	}
	for i, want := range m.edges() {
		if math.Abs(got[i]-want) > 1 {
			err = fmt.Errorf("%s is at %.2f, want %.2f", edgeNames[i], got[i], want)
		}
	}
	return err
}

// fromSky says what Cesium's picture of a cross lacks: four pixels within each edge it shows
// the cross, and four beyond the ground.
func fromSky(t *testing.T, b *viewertest.Tab, v crossView) error {
	t.Helper()
	if !viewertest.Eval[bool](t, b, "viewer.scene.globe.tilesLoaded") {
		return errors.New("tiles are on their way")
	}
	north, south, east, west := (armNorth+barNorth)/2, (armSouth+barSouth)/2, (armEast+postEast)/2, (armWest+postWest)/2
	img := b.Picture(t, "share-look")
	at := func(e, n, dx, dy float64) rgb {
		lon, lat := v.at(e, n)
		p := viewertest.Eval[[2]float64](t, b, fmt.Sprintf("(() => { const p = Cesium.SceneTransforms.worldToWindowCoordinates(viewer.scene, Cesium.Cartesian3.fromDegrees(%v, %v)); return [p.x, p.y]; })()", lon, lat))
		return colour(img, int(math.Round(p[0]+dx)), int(math.Round(p[1]+dy)))
	}
	fill, ground := at(0, 0, 0, 0), at(west, north, 0, 0)
	for i, e := range [8][4]float64{
		{armWest, 0, 1, 0}, {armEast, 0, -1, 0}, {postWest, north, 1, 0}, {postEast, south, -1, 0},
		{0, armNorth, 0, 1}, {0, armSouth, 0, -1}, {east, barNorth, 0, 1}, {west, barSouth, 0, -1},
	} {
		in, out := at(e[0], e[1], 4*e[2], 4*e[3]), at(e[0], e[1], -4*e[2], -4*e[3])
		if c := (profile{ground: ground, fill: fill}); c.contrast() < 30*30 || c.nearer(in) != "fill" || c.nearer(out) != "ground" {
			return fmt.Errorf("%s: %v within, %v beyond; the cross is %v, the ground %v", edgeNames[i], in, out, fill, ground)
		}
	}
	return nil
}

// nearer tells which of the two a colour is like.
func (p profile) nearer(c rgb) string {
	g, f := c.minus(p.ground), c.minus(p.fill)
	if f.times(f) < g.times(g) {
		return "fill"
	}
	return "ground"
}
