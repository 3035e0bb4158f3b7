package wmts_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

// site answers both bindings with one picture for every tile, and remembers
// which tiles it was asked for and what it refused.
type site struct {
	service *wmts.Capabilities
	picture []byte

	mu      sync.Mutex
	asked   map[tile.Tile]bool
	refused []string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var request wmts.Request
	var fault *wmts.Fault
	if r.URL.Path == "/government/wmts" {
		var list []string
		for k, values := range r.URL.Query() {
			for _, v := range values {
				list = append(list, k, v)
			}
		}
		request, fault = wmts.ParseKVP(pairs(list...))
	} else {
		request, fault = wmts.ParseREST(strings.TrimPrefix(r.URL.Path, "/government/wmts/"))
	}
	if fault == nil {
		fault = s.service.Check(request)
	}
	if fault != nil || request.Operation != wmts.GetTile || r.URL.Query().Get("tk") != "a&b" {
		s.refused = append(s.refused, fmt.Sprintf("%s: %v", r.URL, fault))
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	s.asked[request.Tile] = true
	w.Header().Set("Content-Type", request.Format.MIME())
	if _, err := w.Write(s.picture); err != nil {
		s.refused = append(s.refused, err.Error())
	}
}

// tiles returns the tiles that were asked for since it was last called.
func (s *site) tiles() map[tile.Tile]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = map[tile.Tile]bool{}
	return asked
}

// window returns the four corners that gdal_translate wants for the ground of
// a, a metre inside its borders, in the coordinates of a's grid.
func window(a tile.Tile) []string {
	o, span := a.Origin(), tile.Span(a.Z)
	left, right := o.X, o.X+span
	top, foot := o.Y, o.Y+span
	x := func(v float64) float64 { return v*360 - 180 }
	y := func(v float64) float64 { return 90 - v*360 }
	inset := 1e-5
	if a.Grid == tile.W {
		// π·6378137, half the edge of the mercator square.
		const half = 20037508.342789244
		x = func(v float64) float64 { return (v*2 - 1) * half }
		y = func(v float64) float64 { return (1 - v*2) * half }
		inset = 1
	}
	var list []string
	for _, v := range []float64{x(left) + inset, y(top) - inset, x(right) - inset, y(foot) + inset} {
		list = append(list, fmt.Sprintf("%.9f", v))
	}
	return list
}

// gdal runs one of GDAL's programs in dir and returns what it printed.
func gdal(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need(t, program, "gdal-bin"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GDAL_ENABLE_WMS_CACHE=NO", "no_proxy=*", "GDAL_PAM_ENABLED=NO")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// GDAL is the independent client: it lists the layers, and the tiles that it
// fetches for a place are those that the grids give for it.
func TestGDALReadsTiles(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 256, 256))); err != nil {
		t.Fatal(err)
	}
	c := service()
	c.Query = "tk=a%26b"
	c.Layers = c.Layers[:1]
	s := &site{service: c, picture: picture.Bytes(), asked: map[tile.Tile]bool{}}
	server := httptest.NewServer(s)
	defer server.Close()
	c.Base = server.URL + "/government/wmts"

	document := c.Document(wmts.Request{})
	t.Run("RESTful", func(t *testing.T) { s.check(t, document) })
	t.Run("KVP", func(t *testing.T) {
		// Without templates GDAL has only the address of the operation.
		var lines [][]byte
		for line := range bytes.Lines(document) {
			if !bytes.Contains(line, []byte("<ResourceURL ")) {
				lines = append(lines, line)
			}
		}
		s.check(t, bytes.Join(lines, nil))
	})
}

// check lets GDAL read document and, by it, tiles of several zooms of both grids.
func (s *site) check(t *testing.T, document []byte) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "capabilities.xml")
	if err := os.WriteFile(file, document, 0o644); err != nil {
		t.Fatal(err)
	}
	list := gdal(t, dir, "gdalinfo", "WMTS:"+file)
	for _, g := range tile.Grids() {
		if want := "layer=cropland,tilematrixset=" + g.String(); !strings.Contains(list, want) {
			t.Errorf("gdalinfo does not list %s:\n%s", want, list)
		}
		for z := uint8(5); z <= 14; z += 3 {
			place := g.At(geo.PositionOf(geo.LonLat{Lon: 108, Lat: 35}), z)
			args := append([]string{"-q", "-of", "PNG", "-projwin"}, window(place)...)
			gdal(t, dir, "gdal_translate", append(args,
				fmt.Sprintf("WMTS:%s,layer=cropland,tilematrixset=%s,tilematrix=%d", file, g, z), g.String()+".png")...)
			if diff := cmp.Diff(map[tile.Tile]bool{place: true}, s.tiles()); diff != "" {
				t.Errorf("%v: the tiles that GDAL asked for (-want +got):\n%s", place, diff)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) > 0 {
		t.Errorf("requests that were refused: %q", s.refused)
	}
}
