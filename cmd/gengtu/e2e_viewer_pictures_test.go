package main_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// The pictures of the page that the documents show, each of a moment, and where they lie.
var shownMoments = []struct {
	file, moment string
	view         viewertest.View
}{
	{"viewer.png", "report", viewertest.Desktop},
	{"pictures/map.png", "themes", viewertest.Desktop},
	{"pictures/swipe.png", "swipe", viewertest.Desktop},
	{"pictures/alternatives.png", "alternatives", viewertest.Desktop},
	{"pictures/answer.png", "answer", viewertest.English},
	{"pictures/chart.png", "chart", viewertest.Desktop},
	{"pictures/dashboard.png", "trend", viewertest.Desktop},
	{"pictures/flow.png", "flow", viewertest.English},
	{"pictures/addresses.png", "addresses", viewertest.English},
	{"pictures/phone.png", "report", viewertest.Phone},
	{"pictures/login.png", "login", viewertest.Desktop},
	{"pictures/watermark.png", "watermark", viewertest.Desktop},
}

// pictureBytes is the most that a picture may have.
const pictureBytes = 250_000

var viewerDir = filepath.Join("..", "..", "tileserver", "viewer")

// The pictures of the documents are there and small, and VIEWER.md shows each. With
// PICTURES=REGEXP those whose file it fits are made anew (make pictures: all of them): from
// the binary, over the delivery, to be looked at before they are committed.
func TestViewerPictures(t *testing.T) {
	if wanted := os.Getenv("PICTURES"); wanted != "" {
		makePictures(t, regexp.MustCompile(wanted))
	}
	text, err := os.ReadFile(filepath.Join(viewerDir, "VIEWER.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, m := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllSubmatch(text, -1) {
		shown = append(shown, string(m[1]))
	}
	for _, p := range shownMoments {
		if !slices.Contains(shown, p.file) {
			t.Errorf("VIEWER.md does not show %s", p.file)
		}
		f, err := os.Open(filepath.Join(viewerDir, filepath.FromSlash(p.file)))
		if err != nil {
			t.Errorf("%v: make pictures", err)
			continue
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		head, err := png.DecodeConfig(f)
		if err != nil || int64(head.Width) != p.view.Width || int64(head.Height) != p.view.Height || info.Size() > pictureBytes {
			t.Errorf("%s: %d × %d, %d bytes, %v; want %d × %d and at most %d bytes", p.file, head.Width, head.Height, info.Size(), err, p.view.Width, p.view.Height, pictureBytes)
		}
	}
	if len(shown) != len(shownMoments) {
		t.Errorf("VIEWER.md shows %q", shown)
	}
}

func makePictures(t *testing.T, wanted *regexp.Regexp) {
	s := theStages(t)
	for _, p := range shownMoments {
		if !wanted.MatchString(p.file) {
			continue
		}
		i := slices.IndexFunc(moments, func(m moment) bool { return m.name == p.moment })
		if i < 0 {
			t.Fatalf("%s: there is no moment %q", p.file, p.moment)
		}
		b := s.open(t, moments[i], p.view)
		b.Until(t, "!gengtu.map || gengtu.map.areTilesLoaded() && !gengtu.map.isMoving()")
		file := filepath.Join(viewerDir, filepath.FromSlash(p.file))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, smallPNG(t, b.Picture(t, "doc-"+p.moment)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// smallPNG writes a picture in 128 colours, or in as many fewer as make it small enough.
func smallPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	for most := 128; ; most -= 8 {
		var out bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&out, fewColours(img, most)); err != nil {
			t.Fatal(err)
		}
		if out.Len() <= pictureBytes || most <= 64 {
			return out.Bytes()
		}
	}
}

// nearColour tells whether two colours are so alike that one will do.
func nearColour(a, b color.RGBA) bool {
	const least = 10
	d := func(x, y uint8) int { return (int(x) - int(y)) * (int(x) - int(y)) }
	return d(a.R, b.R)+d(a.G, b.G)+d(a.B, b.B) < least*least
}

// fewColours returns a picture in the colours, at most so many, that it has most of and that are not near
// each other, so that thin lines keep theirs; each other as the nearest of these.
func fewColours(img image.Image, most int) *image.Paletted {
	count := map[color.RGBA]int{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	all := make([]color.RGBA, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(uint32(a.R)<<16|uint32(a.G)<<8|uint32(a.B), uint32(b.R)<<16|uint32(b.G)<<8|uint32(b.B)))
	})
	palette := make(color.Palette, 0, most)
	for _, c := range all {
		if len(palette) < cap(palette) && !slices.ContainsFunc(palette, func(p color.Color) bool { return nearColour(p.(color.RGBA), c) }) {
			palette = append(palette, c)
		}
	}
	out := image.NewPaletted(b, palette)
	nearest := map[color.RGBA]uint8{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
