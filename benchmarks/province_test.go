package benchmarks

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// A province is as many copies of one county as it takes, side by side: each has
// the county's shapes and attributes, keys of its own and a file of its own for each
// layer, as counties deliver them. The county has provincePatches survey patches,
// which are about 100,000 polygons of cropland, PBF and HSF, on a square.
const (
	provincePatches = 79_000
	provinceGap     = 1e-6 // degrees between two counties: a decimetre
	provinceMost    = 1000 // copies: three digits of a BSM tell them apart
)

// countyCopy is one county's layers, in degrees of CGCS2000 (EPSG:4490).
type countyCopy struct {
	layers        []countyLayer
	minX, minY    float64
	width, height float64
}

// countyLayer is a layer of a county with all its features.
type countyLayer struct {
	name     string
	info     source.Layer
	features []source.Feature
}

// readCounty reads the county that is copied.
func readCounty(tb testing.TB) *countyCopy {
	tb.Helper()
	from := sampled(tb, provincePatches)
	zone, err := geo.EPSG(4524)
	if err != nil {
		tb.Fatal(err)
	}
	c := &countyCopy{minX: math.Inf(1), minY: math.Inf(1)}
	maxX, maxY := math.Inf(-1), math.Inf(-1)
	for _, in := range []delivered{{"cropland", "DLTB.shp"}, {"pbf", "YJJBNTTB.gpkg"}, {"hsf", "GBZNT.geojson"}} {
		l := readLayer(tb, filepath.Join(from, in.path))
		l.name = in.layer
		kept := l.features[:0]
		for i := range l.features {
			f := &l.features[i]
			if in.layer == "cropland" {
				if class, ok := f.Values[fieldDLBM].(string); !ok || !strings.HasPrefix(class, "01") {
					continue
				}
				move(f, func(p geo.XY) geo.XY {
					q := zone.Inverse(p)
					return geo.XY{X: q.Lon, Y: q.Lat}
				})
			}
			move(f, func(p geo.XY) geo.XY {
				c.minX, c.minY = min(c.minX, p.X), min(c.minY, p.Y)
				maxX, maxY = max(maxX, p.X), max(maxY, p.Y)
				return p
			})
			kept = append(kept, *f)
		}
		l.features = kept
		l.info.CRS, l.info.Count = source.CRSInfo{EPSG: 4490}, int64(len(kept))
		c.layers = append(c.layers, l)
	}
	c.width, c.height = maxX-c.minX+provinceGap, maxY-c.minY+provinceGap
	return c
}

// readLayer reads a file whole.
func readLayer(tb testing.TB, path string) countyLayer {
	tb.Helper()
	r, err := source.Open(tb.Context(), path, source.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	l := countyLayer{info: *r.Layer()}
	for {
		var f source.Feature
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return l
		} else if err != nil {
			tb.Fatal(err)
		}
		if f.Problem != nil {
			tb.Fatal(f.Problem)
		}
		l.features = append(l.features, f)
	}
}

// polygons is the number of features of all layers.
func (c *countyCopy) polygons() int {
	n := 0
	for i := range c.layers {
		n += len(c.layers[i].features)
	}
	return n
}

// province writes that many copies into dir, row by row of a square, and returns
// the files. Equal arguments give equal files.
func (c *countyCopy) province(tb testing.TB, dir string, copies int) []delivered {
	tb.Helper()
	if copies > provinceMost {
		tb.Fatalf("%d copies: a BSM has room for %d", copies, provinceMost)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	columns := int(math.Ceil(math.Sqrt(float64(copies))))
	var files []delivered
	for k := range copies {
		dx, dy := float64(k%columns)*c.width, float64(k/columns)*c.height
		for i := range c.layers {
			l := &c.layers[i]
			path := filepath.Join(dir, fmt.Sprintf("%s-%03d.fgb", l.name, k))
			l.write(tb, path, k, geo.XY{X: dx, Y: dy})
			files = append(files, delivered{l.name, path})
		}
	}
	return files
}

// write writes copy number k, moved by a distance in degrees.
func (l *countyLayer) write(tb testing.TB, path string, k int, by geo.XY) {
	tb.Helper()
	w, err := source.Create(path, &l.info, source.WriteOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range l.features {
		f := l.features[i]
		f.Values = append([]any{ownKey(tb, &f, k)}, f.Values[1:]...)
		f.Polygons = moved(f.Polygons, by)
		if err := w.Write(&f); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

// ownKey returns f's BSM as copy number k has it: the first three digits of the
// eight that count the features, which a county of this size does not need.
func ownKey(tb testing.TB, f *source.Feature, k int) string {
	bsm, ok := f.Values[fieldBSM].(string)
	if !ok || len(bsm) != 18 || bsm[10:13] != "000" {
		tb.Fatalf("record %d: BSM is %v", f.Record, f.Values[fieldBSM])
	}
	return bsm[:10] + fmt.Sprintf("%03d", k) + bsm[13:]
}

// moved returns polygons moved by a distance.
func moved(polygons [][][]geo.XY, by geo.XY) [][][]geo.XY {
	out := make([][][]geo.XY, len(polygons))
	for i, rings := range polygons {
		out[i] = make([][]geo.XY, len(rings))
		for k, ring := range rings {
			r := make([]geo.XY, len(ring))
			for n, p := range ring {
				r[n] = geo.XY{X: p.X + by.X, Y: p.Y + by.Y}
			}
			out[i][k] = r
		}
	}
	return out
}
