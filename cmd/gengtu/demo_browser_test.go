package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/tileserver/viewer/viewertest"
)

// colours counts those of a picture, in steps that the eye tells apart.
func colours(img image.Image) int {
	seen := map[[3]uint32]bool{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 3 {
		for x := b.Min.X; x < b.Max.X; x += 3 {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r >> 11, g >> 11, b >> 11}] = true
		}
	}
	return len(seen)
}

// One command brings up the map: the demo prints an address for each tier, the
// browser draws the layers there, and a polygon drawn on the map shows exactly
// what the service answers for it.
func TestDemoInBrowser(t *testing.T) {
	dir := t.TempDir()
	log := &lockedBuffer{}
	cmd := exec.Command(binary(), "demo", "--data", filepath.Join(dir, "demo"), "--parcels", "2000", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with %v\n%s", err, log.String())
		}
	})
	links := map[string]string{}
	line := regexp.MustCompile(`(?m)^\s+(secure|government|public)\s+(http://\S+)$`)
	for deadline := time.Now().Add(3 * time.Minute); len(links) < 3; {
		for _, m := range line.FindAllStringSubmatch(log.String(), -1) {
			links[m[1]] = m[2]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the demo did not come up:\n%s", log.String())
		}
		<-time.After(100 * time.Millisecond)
	}
	for _, tier := range []string{"public", "government", "secure"} {
		t.Run(tier, func(t *testing.T) { testViewer(t, tier, links[tier]) })
	}
}

func testViewer(t *testing.T, tier, link string) {
	p := viewertest.Open(t, viewertest.Browser(t), link, viewertest.View{Width: 1280, Height: 800, Lang: "zh-CN"})
	viewertest.Eval[bool](t, p, "gengtu.ready.then(() => true)")
	type view struct {
		Drawn  map[string]int
		Centre [2]float64
	}
	v := viewertest.Eval[view](t, p, `new Promise((resolve) => {
		const m = gengtu.map;
		const tell = () => {
			const drawn = {};
			for (const f of m.queryRenderedFeatures()) drawn[f.layer['source-layer']] = (drawn[f.layer['source-layer']] || 0) + 1;
			resolve({Drawn: drawn, Centre: m.getCenter().toArray()});
		};
		m.once('idle', tell); m.triggerRepaint();
	})`)
	for _, layer := range []string{"cropland", "pbf", "hsf", "region"} {
		if v.Drawn[layer] == 0 {
			t.Errorf("nothing of layer %s is drawn: %v", layer, v.Drawn)
		}
	}
	if n := colours(p.Picture(t, "demo-"+tier)); n < 12 {
		t.Errorf("the page shows %d colours: nothing is drawn", n)
	}
	const d = 0.006
	x, y := v.Centre[0], v.Centre[1]
	ring := [][2]float64{{x - d, y - d}, {x + d, y - d/2}, {x + d/2, y + d}, {x - d, y + d/2}}
	drawn, err := json.Marshal(ring)
	if err != nil {
		t.Fatal(err)
	}
	viewertest.Eval[bool](t, p, fmt.Sprintf("gengtu.drawPolygon(%s).then(() => true)", drawn))
	body, err := json.Marshal(map[string]any{
		"geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{append(ring, ring[0])}}, "layers": []string{"cropland", "pbf", "hsf"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := postOverlay(t, link, tier, body)
	for _, l := range want.Layers {
		for unit, figure := range map[string]float64{"mu": l.Mu, "ha": l.Ha, "m2": l.M2} {
			got := viewertest.Eval[string](t, p, fmt.Sprintf("document.querySelector('[data-testid=\"overlay-area-%s-%s\"]').value", l.Layer, unit))
			var shown float64
			if _, err := fmt.Sscan(got, &shown); err != nil || math.Abs(shown-figure) > 1e-9*math.Max(1, figure) {
				t.Errorf("%s: the panel shows %s %s, the service answers %v", l.Layer, got, unit, figure)
			}
		}
		if l.M2 == 0 {
			t.Errorf("%s: the drawn polygon holds nothing", l.Layer)
		}
	}
	colours(p.Picture(t, "demo-"+tier+"-overlay"))
}

type overlayAnswer struct {
	Layers []struct {
		Layer string
		M2    float64 `json:"area_m2"`
		Mu    float64 `json:"area_mu"`
		Ha    float64 `json:"area_ha"`
	}
}

func postOverlay(t *testing.T, link, tier string, body []byte) overlayAnswer {
	t.Helper()
	base, _, _ := strings.Cut(link, "/?")
	req, err := http.NewRequest(http.MethodPost, base+"/"+tier+"/overlay", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, tok, ok := strings.Cut(link, "#tk="); ok {
		req.Header.Set("Authorization", "Bearer "+tok)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var a overlayAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || resp.StatusCode != http.StatusOK || len(a.Layers) != 3 {
		t.Fatalf("overlay: status %d, %v, %+v", resp.StatusCode, err, a)
	}
	return a
}
