package tileserver_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/tile"
)

// relay makes a service that listens in memory reachable for other programs, and returns
// its address.
func relay(t *testing.T, s *service) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(context.Background())
		out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", "gengtu.test"
		res, err := s.Do(out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		var b bytes.Buffer
		if _, err := b.ReadFrom(res.Body); err == nil {
			_, _ = w.Write(b.Bytes()) // who asks may have gone
		}
	})}
	go func() { _ = at.Serve(ln) }() // ends with Close
	t.Cleanup(func() { _ = at.Close() })
	return "http://" + ln.Addr().String()
}

// gdal runs one of GDAL's programs and returns what it prints.
func gdal(t *testing.T, program string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install gdal-bin", program)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GDAL_ENABLE_WMS_CACHE=NO", "no_proxy=*", "GDAL_PAM_ENABLED=NO", "GDAL_HTTP_TIMEOUT=20")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// pictureFile reads a PNG file.
func pictureFile(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}

// differences counts the pixels of which a channel differs by more than some, in what both
// show; a transparent pixel has no colour.
func differences(a, b image.Image, tolerance int) int {
	n := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, a1 := a.At(x, y).RGBA()
			r2, g2, b2, a2 := b.At(x, y).RGBA()
			for _, d := range []int{int(r1) - int(r2), int(g1) - int(g2), int(b1) - int(b2), int(a1) - int(a2)} {
				if d > tolerance*257 || -d > tolerance*257 {
					n++
					break
				}
			}
		}
	}
	return n
}

// tileCorners are the corners of a tile in the coordinates of its grid: west, north, east,
// south.
func tileCorners(g tile.Grid, z uint8, col, row uint32) [4]float64 {
	side := g.Resolution(z) * tile.PixelsPerTile
	west, north := -180.0, 90.0
	if g == tile.W {
		west, north = -20037508.342789244, 20037508.342789244
	}
	return [4]float64{west + float64(col)*side, north - float64(row)*side, west + float64(col+1)*side, north - float64(row+1)*side}
}

// GDAL's WMS driver finds the layers of either version and, by what they say, fetches a
// picture that is that of map.png: the axes are where the client looks for them.
func TestGDALReadsWMS(t *testing.T) {
	s := serve(t, nil, edition.Public)
	base := relay(t, s)
	b := lotBox(-2, -2, 6, 5)
	lo, hi := b.Min.LonLat(), b.Max.LonLat()
	for _, version := range []string{"1.3.0", "1.1.1"} {
		list := gdal(t, "gdalinfo", "WMS:"+base+"/public/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION="+version)
		for _, layer := range []string{"cropland", "pbf", "hsf"} {
			if !strings.Contains(list, "LAYERS="+layer+"&") {
				t.Errorf("%s: gdalinfo lists no %s:\n%s", version, layer, list)
			}
		}
		key, systems := "SRS", []string{"EPSG:4490", "EPSG:4326"}
		if version == "1.3.0" {
			key, systems = "CRS", []string{"EPSG:4490", "EPSG:4326", "CRS:84"}
		}
		for _, system := range systems {
			north := "no"
			if version == "1.3.0" && system != "CRS:84" {
				north = "yx"
			}
			order := "xy"
			if north == "yx" {
				order = "yx"
			}
			file := filepath.Join(t.TempDir(), "map.png")
			description := fmt.Sprintf("<GDAL_WMS><Service name=\"WMS\"><Version>%s</Version><ServerUrl>%s/public/wms?</ServerUrl><%s>%s</%s><BBoxOrder>%s</BBoxOrder><ImageFormat>image/png</ImageFormat><Layers>cropland,pbf</Layers><Styles></Styles><Transparent>TRUE</Transparent></Service>"+
				"<DataWindow><UpperLeftX>%v</UpperLeftX><UpperLeftY>%v</UpperLeftY><LowerRightX>%v</LowerRightX><LowerRightY>%v</LowerRightY><SizeX>400</SizeX><SizeY>300</SizeY></DataWindow><BandsCount>4</BandsCount><BlockSizeX>400</BlockSizeX><BlockSizeY>300</BlockSizeY><OverviewCount>0</OverviewCount></GDAL_WMS>",
				version, strings.ReplaceAll(base, "&", "&amp;"), key, system, key, map[string]string{"xy": "xyXY", "yx": "yxYX"}[order], lo.Lon, hi.Lat, hi.Lon, lo.Lat)
			gdal(t, "gdal_translate", "-q", "-of", "PNG", description, file)
			want := mapOf(t, s, fmt.Sprintf("bbox=%v,%v,%v,%v&width=400&height=300&layers=cropland,pbf", lo.Lon, lo.Lat, hi.Lon, hi.Lat))
			if n := differences(want, pictureFile(t, file), 3); n > 60 || !painted(want, 200, 150) {
				t.Errorf("%s %s: %d pixels differ from map.png", version, system, n)
			}
		}
	}
}

// GDAL's WMTS driver reads each layer in each grid from our capabilities: the pixels are
// those of the PNG tile, also of a layer with a dimension.
func TestGDALReadsOurTiles(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	base, tk := relay(t, s), "tk="+s.tokens[edition.Secure]
	for _, layer := range []string{"cropland", "pbf", "hsf"} {
		for _, g := range tile.Grids() {
			for _, address := range []string{"wmts/1.0.0/WMTSCapabilities.xml?" + tk, fmt.Sprintf("%s_%s/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&%s", layer, g, tk)} {
				at := g.At(lotBox(3, 3, 4, 4).Min, 16)
				c := tileCorners(g, 16, at.X, at.Y)
				file := filepath.Join(t.TempDir(), "tile.png")
				gdal(t, "gdal_translate", "-q", "-of", "PNG", "-projwin", fmt.Sprint(c[0]), fmt.Sprint(c[1]), fmt.Sprint(c[2]), fmt.Sprint(c[3]),
					fmt.Sprintf("WMTS:%s/secure/%s,layer=%s,tilematrixset=%s,tilematrix=16", base, address, layer, g), file)
				want, err := png.Decode(bytes.NewReader(s.get(t, fmt.Sprintf("/secure/tiles/%s/%s/16/%d/%d.png?%s", layer, g, at.X, at.Y, tk)).body))
				if err != nil {
					t.Fatal(err)
				}
				// GDAL shows a layer within its box, so not the outer half of its outline.
				got, seen, wrong := pictureFile(t, file), 0, 0
				for y := range 256 {
					for x := range 256 {
						if _, _, _, a := got.At(x, y).RGBA(); a > 0 {
							seen++
							if color.NRGBAModel.Convert(got.At(x, y)) != color.NRGBAModel.Convert(want.At(x, y)) {
								wrong++
							}
						}
					}
				}
				if seen < 5000 || wrong > 0 {
					t.Errorf("%s in %s by %s: of %d pixels %d differ", layer, g, address, seen, wrong)
				}
			}
		}
	}
}
