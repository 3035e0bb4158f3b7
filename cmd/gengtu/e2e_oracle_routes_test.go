package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/mvt"
)

// gridded are three editions of two years, of which the lower ones have grids, the
// public one once with rounded areas, too.
type gridded struct{ secure, government, public, rounded string }

// The grids of their policy, and the last zooms.
const (
	governmentGrid, publicGrid = 10.0, 25.0
	griddedZoom                = 16
)

// make makes them. The lower ones have two generations.
func (e *gridded) make(t *testing.T) {
	t.Helper()
	sample, policy, rounding := twoYears(t, "400"), filepath.Join(t.TempDir(), "policy.yaml"), filepath.Join(t.TempDir(), "rounding.yaml")
	text := fmt.Sprintf("name: grids\ntiers:\n  government: {grid_m: %g, max_zoom: %d, pieces: true, layers: {cropland: {fields: known}, pbf: {fields: known}, region: {fields: known}}}\n"+
		"  public: {grid_m: %g, max_zoom: %[2]d, layers: {cropland: {dissolve: true}, pbf: {fields: known}}}\n", governmentGrid, griddedZoom, publicGrid)
	for file, content := range map[string]string{policy: text, rounding: strings.Replace(text, "public: {", "public: {round_m2: 100, ", 1)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	publish := func() {
		must(t, "publish", "--from", e.secure, "--tier", "government", "--policy", policy, "--out", e.government)
		must(t, "publish", "--from", e.secure, "--tier", "public", "--policy", policy, "--out", e.public)
	}
	must(t, slices.Concat([]string{"ingest", "--zooms", "10-14", "--out", e.secure}, yearOf(sample, "2024", "dltb", "pbf", "hsf", "region"))...)
	publish()
	must(t, slices.Concat([]string{"ingest", "--add", "--out", e.secure}, yearOf(sample, "2023", "dltb", "pbf", "hsf", "region"))...)
	publish()
	must(t, "publish", "--from", e.secure, "--tier", "public", "--policy", rounding, "--out", e.rounded)
}

// filesHaveNone hunts in the files of the gridded editions for the secure ground.
func (e *gridded) filesHaveNone(t *testing.T) {
	t.Helper()
	h := newHunt(nil, nil)
	h.hideGround(t, e.secure)
	found := map[secret]bool{}
	h.searchBytes(bytesOf(t, e.secure), found)
	least(t, "secure files", found, map[string]int{huntPositions: 100, huntEdges: 1000, huntTileLines: 300})
	for _, dir := range []string{e.government, e.public} {
		c := all{dir, filepath.Base(dir), h, h.own(t, dir)}
		c.searchFiles(t, map[secret]bool{})
	}
}

// otherRoutes asks all that tells of borders beside overlay's areas.
func (o *oracle) otherRoutes(t *testing.T, dir string, grid float64, truth *ground) (faults []string) {
	t.Helper()
	o.formsAgree(t)
	judged := func(route string, got []metres, slack float64) {
		if len(got) < 100 {
			t.Errorf("%s %s: %s gave %d vertices: the search does not work", o.tier, o.layer, route, len(got))
			return
		}
		faults = append(faults, o.judge(route, got, slack, grid, truth)...)
	}
	const unit = 360.0 / (1 << griddedZoom) / mvt.Extent // of a tile, in degrees
	judged("tiles", o.tileVertices(t), 0.8*unit*o.kx)
	faults = append(faults, o.bordersByProbe(t, "point", grid)...)
	faults = append(faults, o.bordersByProbe(t, "featureinfo", grid)...)
	faults = append(faults, o.pictureBorders(t, grid)...)
	kept, err := edition.History(dir)
	if err != nil {
		t.Fatal(err)
	}
	if o.tier == "government" {
		// To the decimals that are written.
		judged("pieces", o.positionsIn(t, fmt.Sprintf("/overlay?bbox=%s&layers=%s&return=features&combinations=false", o.around(), o.layer)), 0.1)
		judged("diff", o.positionsIn(t, "/diff?layer="+o.layer+"&f=geojson"), 0.1)
		judged("changes", o.positionsIn(t, "/changes?return=features&layer="+o.layer+"&since="+kept[len(kept)-1].Generation), 0.1)
	}
	if o.tier == "government" || o.layer == "pbf" {
		ids, _ := idsOf(t, dir)
		var got []metres
		for _, id := range ids[o.layer+"@2024"] {
			got = append(got, o.positionsIn(t, fmt.Sprintf("/features/%s/%d", o.layer, id))...)
		}
		judged("features", got, 0.1)
	}
	return faults
}

// around is a box around the whole edition.
func (o *oracle) around() string {
	const beside = 0.01
	return fmt.Sprintf("%f,%f,%f,%f", o.lon-beside, o.lat-beside, o.lon+o.width/o.kx+beside, o.lat+o.high/o.ky+beside)
}

var positionText = regexp.MustCompile(`\[(\d+\.\d+),(\d+\.\d+)\]`)

// positionsIn are the positions that an answer's geometries have.
func (o *oracle) positionsIn(t *testing.T, path string) (out []metres) {
	t.Helper()
	for _, m := range positionText.FindAllSubmatch(o.s.get(t, 200, "/"+o.tier+path).Body, -1) {
		out = append(out, o.at(number(t, string(m[1])), number(t, string(m[2]))))
	}
	return out
}

// at is a place in the oracle's metres.
func (o *oracle) at(lon, lat float64) metres {
	return metres{(lon - o.lon) * o.kx, (lat - o.lat) * o.ky}
}

// formsAgree asks about shapes in each form: CSV and xlsx have no figure that JSON has
// not, to fewer digits.
func (o *oracle) formsAgree(t *testing.T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(6, 28))
	var b bytes.Buffer
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	const shapes = 1000
	for i := range shapes {
		if i > 0 {
			b.WriteByte(',')
		}
		x, y := o.lon+rng.Float64()*o.width/o.kx, o.lat+rng.Float64()*o.high/o.ky
		fmt.Fprintf(&b, `{"type":"Feature","properties":null,"geometry":{"type":"Polygon","coordinates":[[[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f]]]}}`, x, y, x+1e-4, y, x, y+1e-4, x, y)
	}
	b.WriteString("]}")
	path := "/" + o.tier + "/overlay?combinations=false&layers=" + o.layer
	var answers any
	decode(t, o.s.do(t, "POST", path, b.Bytes()).Body, &answers)
	var known []float64
	for i := range 3 * shapes {
		known = append(known, float64(i)) // rows and counts
	}
	eachNumber(answers, func(v float64) { known = append(known, v) })
	slices.Sort(known)
	check := func(form string, texts []string) {
		strange := 0
		for _, text := range texts {
			if v, err := strconv.ParseFloat(text, 64); err == nil && !rounded(v, text, known) {
				strange++
			}
		}
		if strange > 0 || len(texts) < shapes {
			t.Errorf("%s %s: %d of %d figures in %s are not those of JSON", o.tier, o.layer, strange, len(texts), form)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(o.s.do(t, "POST", path+"&f=csv", b.Bytes()).Body, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i, name := range rows[0] {
		if name == "area_m2" || name == "gross_area_m2" || name == "patch_m2" || name == "net_m2" {
			for _, row := range rows[1:] {
				texts = append(texts, row[i])
			}
		}
	}
	check("CSV", texts)
	texts = nil
	for _, m := range cellNumber.FindAllSubmatch(unpackedSheet(t, o.s.do(t, "POST", path+"&f=xlsx", b.Bytes()).Body), -1) {
		texts = append(texts, string(m[1]))
	}
	check("xlsx", texts)
}

var cellNumber = regexp.MustCompile(`<v>([^<]+)</v>`)

// rounded tells whether v, which stands as text, is one of some sorted numbers to the
// decimals that it has.
func rounded(v float64, text string, known []float64) bool {
	_, decimals, _ := strings.Cut(text, ".")
	off := 0.501 * math.Pow10(-len(decimals)) // ties go either way
	i, _ := slices.BinarySearch(known, v-off)
	return i < len(known) && known[i] <= v+off
}

// eachNumber visits all numbers of decoded JSON.
func eachNumber(v any, visit func(float64)) {
	switch v := v.(type) {
	case float64:
		visit(v)
	case []any:
		for _, x := range v {
			eachNumber(x, visit)
		}
	case map[string]any:
		for _, x := range v {
			eachNumber(x, visit)
		}
	}
}

// tileVertices are the vertices of the last zoom's tiles, but for those that are cut
// along a tile's border.
func (o *oracle) tileVertices(t *testing.T) (out []metres) {
	t.Helper()
	x0, y0, x1, y1 := tileRange("w", griddedZoom, [4]float64{o.lon, o.lat, o.lon + o.width/o.kx, o.lat + o.high/o.ky})
	n := math.Exp2(griddedZoom)
	for x := x0; x <= x1; x++ {
		for y := y0; y <= y1; y++ {
			a := o.s.do(t, "GET", fmt.Sprintf("/%s/tiles/%s/w/%d/%d/%d.mvt", o.tier, o.layer, griddedZoom, x, y), nil, "Accept-Encoding", "identity")
			layers, err := mvt.Decode(a.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range layers {
				for _, f := range l.Features {
					for _, p := range slices.Concat(f.Polygons...) {
						for _, v := range p {
							if min(v.X, v.Y) <= 0 || max(v.X, v.Y) >= mvt.Extent {
								continue
							}
							lon := (float64(x)+float64(v.X)/mvt.Extent)/n*360 - 180
							lat := math.Atan(math.Sinh(math.Pi*(1-2*(float64(y)+float64(v.Y)/mvt.Extent)/n))) * 180 / math.Pi
							out = append(out, o.at(lon, lat))
						}
					}
				}
			}
		}
	}
	return out
}

// probe tells whether the layer is at a place, and how exactly it tells where, in metres.
func (o *oracle) probe(t *testing.T, route string, p metres) bool {
	t.Helper()
	lon, lat := o.lon+p.x/o.kx, o.lat+p.y/o.ky
	if route == "point" {
		var a struct{ Layers []struct{ Features int } }
		decode(t, o.s.get(t, 200, fmt.Sprintf("/%s/overlay?layers=%s&combinations=false&point=%.10f,%.10f", o.tier, o.layer, lon, lat)).Body, &a)
		return a.Layers[0].Features > 0
	}
	const pixels = 256
	n := math.Exp2(griddedZoom)
	x, y := (lon+180)/360*n, (1-math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi)/2*n
	var a struct{ Features []json.RawMessage }
	decode(t, o.s.get(t, 200, fmt.Sprintf("/%s/wmts/%s/default/w/%d/%d/%d/%d/%d.json", o.tier, o.layer, griddedZoom, int(y), int(x), int((y-math.Floor(y))*pixels), int((x-math.Floor(x))*pixels))).Body, &a)
	return len(a.Features) > 0
}

// bordersByProbe narrows borders down along lines to the east and to the north, which
// cross borders along the grid's lines.
func (o *oracle) bordersByProbe(t *testing.T, route string, grid float64) (faults []string) {
	t.Helper()
	gridLon, gridLat := o.grid(grid)
	exact, steps := 0.02, 13
	if route == "featureinfo" {
		exact, steps = 360.0/(1<<griddedZoom)/256*o.kx, 5 // a pixel
	}
	rng := rand.New(rand.NewPCG(1, 2))
	found := 0
	for i := 0; i < 80 && found < 16; i++ {
		a := metres{rng.Float64() * o.width, rng.Float64() * o.high}
		along := []metres{{1, 0}, {0, 1}}[i%2]
		b := a.plus(along, 60)
		ia := o.probe(t, route, a)
		if ia == o.probe(t, route, b) {
			continue
		}
		for range steps {
			mid := metres{(a.x + b.x) / 2, (a.y + b.y) / 2}
			if o.probe(t, route, mid) == ia {
				a = mid
			} else {
				b = mid
			}
		}
		line := (o.lon + a.x/o.kx) / gridLon
		metresApart := gridLon * o.kx
		if i%2 == 1 {
			line, metresApart = (o.lat+a.y/o.ky)/gridLat, gridLat*o.ky
		}
		if d := math.Abs(line-math.Round(line)) * metresApart; d > exact+60/math.Exp2(float64(steps)) {
			faults = append(faults, fmt.Sprintf("%s %s by %s: a border %.3f m off the grid", o.tier, o.layer, route, d))
		}
		found++
	}
	if found < 8 {
		t.Errorf("%s %s: %s found %d borders", o.tier, o.layer, route, found)
	}
	return faults
}

// pictureBorders looks at pictures of half a metre a pixel: where paint ends, a line of
// the grid runs, to within the width of the lines that are painted there.
func (o *oracle) pictureBorders(t *testing.T, grid float64) (faults []string) {
	t.Helper()
	gridLon, _ := o.grid(grid)
	const pixel, side, wide = 0.5, 800, 3.0 // metres, pixels, pixels of paint beside a border
	changes, off := 0, 0
	for _, share := range []float64{.3, .6} {
		west, south := o.lon+share*o.width/o.kx, o.lat+share*o.high/o.ky
		east, north := west+side*pixel/o.kx, south+side*pixel/o.ky
		a := o.s.get(t, 200, fmt.Sprintf("/%s/map.png?layers=%s&width=%d&height=%d&bbox=%.8f,%.8f,%.8f,%.8f", o.tier, o.layer, side, side, west, south, east, north))
		img, err := png.Decode(bytes.NewReader(a.Body))
		if err != nil {
			t.Fatal(err)
		}
		const imprint = 70 // rows at the lower edge, in which the policy's words stand
		in := func(x, y int) bool { _, _, _, alpha := img.At(x, y).RGBA(); return alpha > 0x2000 }
		for y := range side - imprint {
			for x := 1; x < side; x++ {
				if in(x-1, y) == in(x, y) {
					continue
				}
				line := (west + float64(x)*pixel/o.kx) / gridLon
				// Borders that run east meet the row somewhere in a slant of the paint.
				if above, below := in(x, max(y-6, 0)) == in(x, y), in(x, min(y+6, side-1)) == in(x, y); !above || !below {
					continue
				}
				changes++
				if math.Abs(line-math.Round(line))*gridLon*o.kx > (wide+1)*pixel {
					off++
				}
			}
		}
	}
	o.told = append(o.told, fmt.Sprintf("%s %s by pictures: paint ends at %d pixels, %d of them off the grid", o.tier, o.layer, changes, off))
	if changes < 500 {
		t.Errorf("%s %s: paint ends at %d pixels", o.tier, o.layer, changes)
	}
	if off > 0 {
		faults = append(faults, o.told[len(o.told)-1])
	}
	return faults
}
