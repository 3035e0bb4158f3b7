package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/ingest/source"
	"gengtu/tileserver/viewer/viewertest"
)

// work is the directory of everything that the measurements share. The
// environment may name one that stays, so that several runs of one program
// share its editions.
var work string

func TestMain(m *testing.M) {
	work = os.Getenv("BENCH_WORK")
	if work == "" {
		dir, err := os.MkdirTemp("", "gengtu-bench-")
		if err != nil {
			panic(err)
		}
		work = dir
		defer func() { complain(os.RemoveAll(dir)) }()
	}
	m.Run()
	complain(closeDatasets())
	complain(viewertest.Close())
	complain(rivalDatabase.stop())
}

// complain says what went wrong after the last measurement.
func complain(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks: cleaning up:", err)
	}
}

// shared returns a path among the data beside the project, or in the directory
// that the environment names.
func shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	root := os.Getenv("GENGTU_BENCH_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("the data are missing (set GENGTU_BENCH_DATA): %v", err)
	}
	return path
}

var build = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", filepath.Join(work, "gengtu"), "../cmd/gengtu").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
})

// gengtu runs the product's own command, built from this tree.
func gengtu(tb testing.TB, args ...string) {
	tb.Helper()
	if err := build(); err != nil {
		tb.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(work, "gengtu"), args...).CombinedOutput(); err != nil {
		tb.Fatalf("gengtu %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// delivered is one file of a delivery.
type delivered struct{ layer, path string }

// dataset is one kind of data, taken into an edition by the product's command.
type dataset struct {
	name    string
	vintage string
	files   []delivered
	zooms   string   // that are built beforehand
	asked   []string // the layers that overlays ask about, of the latest vintage or LAYER@VINTAGE
	fields  []string // that questions need beside those of tiles
	edition string
	ix      *index.Index
}

// builtZooms are the zooms that editions here have tiles of: the two at which
// parcels are first drawn as themselves. Tiles of others are made on demand.
const builtZooms = "13-14"

// sampleParcels is the size of the landscape of data=sample: twice the
// delivery, so that figures for two sizes stand side by side.
const sampleParcels = 20_000

var datasets = map[string]*dataset{}

// open returns the dataset of that name, made on first use: the delivery, the
// real Dutch parcels (nl), a sample landscape, that landscape moved so that the
// border of two zones runs through it (zones), one of landscapes, or tenth.
func open(tb testing.TB, name string) *dataset {
	tb.Helper()
	if d := datasets[name]; d != nil {
		return d
	}
	var d *dataset
	switch name {
	case "landscape", "land100k", "land32k", "land10k", "polygons100k", "polygons500k", "polygons2500k":
		d = landscape(tb, name)
	case "map": // landscape with the tiles that an ingest builds unless it is told otherwise
		d = landscape(tb, "landscape")
		d.name, d.zooms = name, "5-14"
	case "tenth":
		d = tenth(tb, name, tenthPatches)
	case "delivery":
		d = county(name, shared(tb, "delivery", "2024"))
	case "nl":
		d = &dataset{name: name, vintage: "2020", zooms: builtZooms, asked: []string{"cropland"},
			files: []delivered{{"cropland", shared(tb, "nl_parcels", "fields_4490.gpkg")}}}
	case "sample":
		d = county(name, sampled(tb, sampleParcels))
	case "years", "years10k":
		d = years(tb, name)
	case "zones":
		d = overTwoZones(tb, name, sampled(tb, sampleParcels))
	default:
		tb.Fatalf("no data called %q", name)
	}
	d.ingest(tb)
	datasets[name] = d
	return d
}

// county names the files of a year's delivery.
func county(name, dir string) *dataset {
	return &dataset{name: name, vintage: "2024", zooms: builtZooms, asked: []string{"cropland", "pbf", "hsf"}, files: []delivered{
		{"dltb", filepath.Join(dir, "DLTB.shp")}, {"pbf", filepath.Join(dir, "YJJBNTTB.gpkg")},
		{"hsf", filepath.Join(dir, "GBZNT.geojson")}, {"region", filepath.Join(dir, "XZQ.fgb")},
	}}
}

// sampled returns the folder of the later year of a landscape of that many
// parcels.
func sampled(tb testing.TB, parcels int) string {
	tb.Helper()
	return sampledSeed(tb, parcels, "1")
}

// sampledSeed is sampled with another seed.
func sampledSeed(tb testing.TB, parcels int, seed string) string {
	tb.Helper()
	dir := filepath.Join(work, fmt.Sprintf("sample-%d-%s", parcels, seed))
	if _, err := os.Stat(filepath.Join(dir, "README.txt")); err != nil {
		gengtu(tb, "sample", "--out", dir, "--parcels", fmt.Sprint(parcels), "--seed", seed)
	}
	return filepath.Join(dir, "2024")
}

// main are the inputs of the layer that has the parcels.
func (d *dataset) main() []delivered {
	var out []delivered
	for _, f := range d.files {
		if f.layer == d.files[0].layer {
			out = append(out, f)
		}
	}
	return out
}

// ingest makes the edition, unless an earlier run has, and opens it.
func (d *dataset) ingest(tb testing.TB) {
	tb.Helper()
	d.edition = filepath.Join(work, "edition-"+d.name)
	if _, err := os.Stat(filepath.Join(d.edition, "CURRENT")); err != nil {
		gengtu(tb, d.arguments(d.edition, d.zooms)...)
	}
	var err error
	if d.ix, err = index.Open(d.edition, ""); err != nil {
		tb.Fatal(err)
	}
}

// arguments are those of the command that takes d into an edition.
func (d *dataset) arguments(edition, zooms string) []string {
	args := []string{"ingest", "--out", edition, "--vintage", d.vintage, "--zooms", zooms}
	for _, f := range d.files {
		args = append(args, "--layer", f.layer+"="+f.path)
	}
	return args
}

// layer returns a layer by what asked calls it.
func (d *dataset) layer(asked string) *index.Layer {
	name, vintage, _ := strings.Cut(asked, "@")
	return d.ix.Layer(name, vintage)
}

// table is what rivals call a layer.
func (d *dataset) table(asked string) string {
	return d.name + "_" + strings.ReplaceAll(asked, "@", "_")
}

// export returns a layer as a GeoPackage, as the edition holds it: rivals get
// the features mended.
func (d *dataset) export(tb testing.TB, asked string) string {
	tb.Helper()
	path := filepath.Join(work, d.table(asked)+".gpkg")
	if _, err := os.Stat(path); err != nil {
		name, vintage, _ := strings.Cut(asked, "@")
		gengtu(tb, "export", "--edition", d.edition, "--layer", name, "--vintage", vintage, "--out", path)
	}
	return path
}

func closeDatasets() error {
	var errs []error
	for _, d := range datasets {
		errs = append(errs, d.ix.Close())
	}
	clear(datasets)
	return errors.Join(errs...)
}

// centre is the middle of the cropland.
func (d *dataset) centre() geo.Position {
	b := d.ix.Layer("cropland", "").Extent()
	return geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}
}

// question asks for all that an answer has for the layers of d.
func (d *dataset) question(shape geo.MultiPolygon) areas.Question {
	return areas.Question{Shape: shape, Layers: d.asked, Combinations: true}
}

// parcels returns a shape of 64 corners around the centre that meets close to n
// features of cropland.
func (d *dataset) parcels(tb testing.TB, n int) geo.MultiPolygon {
	tb.Helper()
	lo, hi := 10.0, 50_000.0 // metres
	for range 40 {
		shape := lobed(d.centre(), math.Sqrt(lo*hi))
		a, err := areas.Ask(tb.Context(), d.ix, areas.Question{Shape: shape, Layers: []string{"cropland"}})
		if err != nil {
			tb.Fatal(err)
		}
		switch got := a.Layers[0].Count; {
		case got == n:
			return shape
		case got < n:
			lo = math.Sqrt(lo * hi)
		default:
			hi = math.Sqrt(lo * hi)
		}
	}
	return lobed(d.centre(), hi) // the count steps over n
}

// lobed returns a star-like shape with five lobes and 64 corners, counter-
// clockwise, with a mean radius in metres.
func lobed(c geo.Position, radiusM float64) geo.MultiPolygon {
	return star(c, radiusM, 5, 0, 64)
}

// star returns a shape with that many lobes and corners, turned by an angle,
// counter-clockwise.
func star(c geo.Position, radiusM float64, lobes int, turn float64, corners int) geo.MultiPolygon {
	const metresADegree = 2 * math.Pi * 6378137 / 360
	shrink := math.Cos(float64(c.Lat) / geo.Unit * math.Pi / 180)
	var r geo.Ring
	for i := range corners {
		a := 2 * math.Pi * float64(i) / float64(corners)
		deg := radiusM * (1 + 0.2*math.Sin(float64(lobes)*a+turn)) / metresADegree
		r = append(r, geo.Position{
			Lon: c.Lon + int64(math.Round(deg*math.Cos(a)/shrink*geo.Unit)),
			Lat: c.Lat + int64(math.Round(deg*math.Sin(a)*geo.Unit)),
		})
	}
	return geo.MultiPolygon{{append(r, r[0])}}
}

// village returns the shape of the place that holds the centre; where the data
// have no places, a shape that meets 1,000 parcels.
func (d *dataset) village(tb testing.TB) geo.MultiPolygon {
	tb.Helper()
	l := d.ix.Layer("region", "")
	if l == nil {
		return d.parcels(tb, 1000)
	}
	c := d.centre()
	code := ""
	l.Search(geo.Box{Min: c, Max: c}, func(i int) bool {
		f, err := l.Feature(i)
		if err != nil {
			tb.Fatal(err)
		}
		text, ok := f.Values[l.Field("XZQDM")].(string)
		if ok && (code == "" || text < code) { // boxes may overlap: the first by code
			code = text
		}
		return true
	})
	shape, err := areas.Place(tb.Context(), d.ix, code, "")
	if err != nil {
		tb.Fatal(err)
	}
	return shape
}

// borderLon is the meridian between the 3 degree zones 36 and 37.
const borderLon = 109.5

// overTwoZones moves a delivery along its parallels until borderLon runs through
// its middle, and divides the patches into a file in each zone, as a county on
// the border delivers them. Areas stay what they are.
func overTwoZones(tb testing.TB, name, from string) *dataset {
	tb.Helper()
	to := filepath.Join(work, name)
	if err := os.MkdirAll(to, 0o755); err != nil {
		tb.Fatal(err)
	}
	zone36, err36 := geo.EPSG(4524)
	zone37, err37 := geo.EPSG(4525)
	if err := errors.Join(err36, err37); err != nil {
		tb.Fatal(err)
	}
	d := county(name, to)
	d.files = append([]delivered{{"dltb", filepath.Join(to, "DLTB_36.shp")}, {"dltb", filepath.Join(to, "DLTB_37.shp")}}, d.files[1:]...)
	lon := middle(tb, filepath.Join(from, "DLTB.shp"), zone36)
	shift := math.Round((borderLon-lon)*1e6) / 1e6
	rewrite(tb, filepath.Join(from, "DLTB.shp"), []delivered{d.files[0], d.files[1]}, []geo.CRS{zone36, zone37}, func(f *source.Feature) int {
		into, zone := 0, zone36
		if zone36.Inverse(f.Polygons[0][0][0]).Lon > lon {
			into, zone = 1, zone37
		}
		move(f, func(p geo.XY) geo.XY {
			q := zone36.Inverse(p)
			q.Lon += shift
			return zone.Forward(q)
		})
		return into
	})
	for _, file := range d.files[2:] {
		rewrite(tb, filepath.Join(from, filepath.Base(file.path)), []delivered{file}, []geo.CRS{{}}, func(f *source.Feature) int {
			move(f, func(p geo.XY) geo.XY { return geo.XY{X: p.X + shift, Y: p.Y} })
			return 0
		})
	}
	return d
}

// move changes every position of f.
func move(f *source.Feature, change func(p geo.XY) geo.XY) {
	for _, p := range f.Polygons {
		for _, r := range p {
			for i := range r {
				r[i] = change(r[i])
			}
		}
	}
}

// middle returns the middle longitude of a file's polygons, which are in crs.
func middle(tb testing.TB, path string, crs geo.CRS) float64 {
	tb.Helper()
	least, most := math.Inf(1), math.Inf(-1)
	rewrite(tb, path, nil, nil, func(f *source.Feature) int {
		for _, p := range f.Polygons {
			for _, v := range p[0] {
				lon := crs.Inverse(v).Lon
				least, most = min(least, lon), max(most, lon)
			}
		}
		return -1
	})
	return (least + most) / 2
}

// rewrite reads a file and writes each feature to the output that turn, which
// may change it, returns; -1 drops it.
func rewrite(tb testing.TB, path string, to []delivered, crs []geo.CRS, turn func(f *source.Feature) int) {
	tb.Helper()
	r, err := source.Open(context.Background(), path, source.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var writers []source.Writer
	for i, o := range to {
		l := *r.Layer()
		l.CRS = source.CRSInfo{EPSG: crs[i].EPSG()}
		w, err := source.Create(o.path, &l, source.WriteOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		writers = append(writers, w)
	}
	var f source.Feature
	for {
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
		if f.Problem != nil {
			tb.Fatal(f.Problem)
		}
		if i := turn(&f); i >= 0 {
			if err := writers[i].Write(&f); err != nil {
				tb.Fatal(err)
			}
		}
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}
