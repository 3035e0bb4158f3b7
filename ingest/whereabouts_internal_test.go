package ingest

import (
	"errors"
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
)

// lying returns where a square of a tenth of a degree around at, with a province's
// code, lies when it was delivered in one way and is read in another; ok is false when
// it cannot be read so.
func lying(t *testing.T, known *extents, code string, at geo.LonLat, drawn, read reading) (w *whereabouts, ok bool) {
	t.Helper()
	w = &whereabouts{read: read, file: "x.shp", spots: map[string]*spot{}}
	box, ok := read.box(drawn.corners(area{at.Lon - 0.05, at.Lat - 0.05, at.Lon + 0.05, at.Lat + 0.05}))
	if ok {
		w.add(known, code+"0101", geo.Box{
			Min: geo.PositionOf(geo.LonLat{Lon: box[0], Lat: box[1]}), Max: geo.PositionOf(geo.LonLat{Lon: box[2], Lat: box[3]}),
		})
	}
	return w, ok
}

// spots of a province: a grid over the middle of its extent.
func placesOfProvince(p *province) []geo.LonLat {
	var out []geo.LonLat
	for _, f := range []float64{0.2, 0.5, 0.8} {
		for _, g := range []float64{0.2, 0.5, 0.8} {
			out = append(out, geo.LonLat{Lon: p.Extent[0] + f*(p.Extent[2]-p.Extent[0]), Lat: p.Extent[1] + g*(p.Extent[3]-p.Extent[1])})
		}
	}
	return out
}

// In every province, data in any zone that they may be delivered in must not be
// accused; read in any other way they must be, where that puts them outside of the
// province, and the true way be proposed unless too many fit.
func TestJudgePlaces(t *testing.T) {
	known, err := (&Options{}).knownExtents()
	if err != nil {
		t.Fatal(err)
	}
	accused, proposed := 0, 0
	for i := range known.Provinces {
		p := &known.Provinces[i]
		for _, at := range placesOfProvince(p) {
			for _, right := range systems() {
				if !right.near(geo.LonLat{Lon: at.Lon - 0.1, Lat: at.Lat}) || !right.near(geo.LonLat{Lon: at.Lon + 0.1, Lat: at.Lat}) || math.IsNaN(right.delivered(at).X) {
					continue
				}
				if w, ok := lying(t, known, p.Code, at, right, right); ok {
					if q := w.judgeAlone(known); q != nil {
						t.Fatalf("%s in %v is accused: %v", p.En, right, q)
					}
				}
				for _, wrong := range systems() {
					w, ok := lying(t, known, p.Code, at, right, wrong)
					if !ok || alike(right, wrong) || w.spots[p.Code+"0101"].astray == 0 {
						continue
					}
					accused++
					q := w.judgeAlone(known)
					if q == nil || q.Code != CodeAstray || errors.Is(q, errNoFit) {
						t.Fatalf("%s at %v delivered in %v and read in %v: %v", p.En, at, right, wrong, q)
					}
					fits := w.proposals(p.Extent, w.spots[p.Code+"0101"].astrayBox, known.Margin)
					if slices.ContainsFunc(fits, func(r reading) bool { return alike(r, right) }) {
						proposed++
					} else if len(fits) == 0 {
						t.Fatalf("%s at %v delivered in %v and read in %v: nothing fits", p.En, at, right, wrong)
					}
					if q.Advice(problem.Chinese) == "" || q.Advice(problem.English) == "" {
						t.Fatalf("no advice: %v", q)
					}
				}
			}
		}
	}
	t.Logf("%d wrong readings, the true one proposed in %d", accused, proposed)
	if accused < 10_000 || proposed*100 < accused*97 {
		t.Errorf("of %d wrong readings the true one is proposed in %d", accused, proposed)
	}
}

// Where a user's folder of profiles says where a province is, that counts.
func TestOwnExtentsCount(t *testing.T) {
	set, err := profiles.Load(fstest.MapFS{"extents.yaml": {Data: []byte("provinces: [{code: \"61\", zh: 陕西, en: Shaanxi, extent: [80, 20, 81, 21]}]")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, opt := range []*Options{{}, {Profiles: set}} {
		known, err := opt.knownExtents()
		if err != nil {
			t.Fatal(err)
		}
		w := whereabouts{spots: map[string]*spot{}}
		w.add(known, "610402", geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: 108.6, Lat: 34.3}), Max: geo.PositionOf(geo.LonLat{Lon: 108.7, Lat: 34.4})})
		if is, want := w.spots["610402"].astray, 0; opt.Profiles == nil && is != want {
			t.Errorf("%d features are astray, want %d", is, want)
		} else if opt.Profiles != nil && is != 1 {
			t.Error("the user's extents do not count")
		}
	}
}
