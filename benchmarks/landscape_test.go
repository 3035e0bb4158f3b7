package benchmarks

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// The landscapes by the number of survey patches that they are made of. About
// 69 in 100 patches are cropland and 83 in 100 of those are basic farmland, so
// landscape has about 321,000 × 266,000 × 4,000 features on 2,890 km².
var landscapes = map[string]int{
	"landscape": 466_200,
	"land100k":  145_000,
	"land32k":   46_200,
	"land10k":   14_500,
	// Those of the race, by the polygons of their three layers together.
	"polygons100k":  79_000,
	"polygons500k":  394_000,
	"polygons2500k": 1_972_000,
}

// landscape is a county of which cropland alone counts some 321,000 parcels. No
// tiles are wanted of it, so it has those of one low zoom.
func landscape(tb testing.TB, name string) *dataset {
	d := county(name, sampled(tb, landscapes[name]))
	d.zooms = "5-5"
	return d
}

// The tenth of a province of 10 million × 7 million parcels: two landscapes side
// by side.
const (
	tenthPatches = 726_000
	tenthApart   = 1.5 // degrees of longitude between the two
	tenthDropped = 15  // of 100 records of basic farmland, at random by number
)

// Where a sample's files have the number and the class of a patch.
const (
	fieldBSM  = 0
	fieldDLBM = 4
)

// renumber gives f a BSM of 18 digits that no other seed's sample has.
func renumber(tb testing.TB, f *source.Feature, seed string) {
	bsm, ok := f.Values[fieldBSM].(string)
	if !ok || len(bsm) != 18 {
		tb.Fatalf("record %d: BSM is %v", f.Record, f.Values[fieldBSM])
	}
	f.Values[fieldBSM] = bsm[:8] + seed + bsm[9:]
}

// tenth is the ground for the extrapolation to 10 million × 7 million parcels:
// about 1,000,000 of cropland and 700,000 of basic farmland, nothing else, for
// landscapes of tenthPatches each.
func tenth(tb testing.TB, name string, patches int) *dataset {
	tb.Helper()
	d := &dataset{name: name, vintage: "2024", zooms: "5-5", asked: []string{"cropland", "pbf"}}
	zone, err := geo.EPSG(4524)
	if err != nil {
		tb.Fatal(err)
	}
	to := filepath.Join(work, name)
	if err := os.MkdirAll(to, 0o755); err != nil {
		tb.Fatal(err)
	}
	for i, seed := range []string{"1", "2"} {
		shift := tenthApart * float64(i)
		from := sampledSeed(tb, patches, seed)
		cropland := delivered{"cropland", filepath.Join(to, "DLTB_"+seed+".fgb")}
		pbf := delivered{"pbf", filepath.Join(to, "YJJBNTTB_"+seed+".fgb")}
		d.files = append(d.files, cropland, pbf)
		if _, err := os.Stat(filepath.Join(work, "edition-"+name, "CURRENT")); err == nil {
			continue
		}
		rewrite(tb, filepath.Join(from, "DLTB.shp"), []delivered{cropland}, []geo.CRS{{}}, func(f *source.Feature) int {
			if code, ok := f.Values[fieldDLBM].(string); !ok || !strings.HasPrefix(code, "01") {
				return -1
			}
			renumber(tb, f, seed)
			move(f, func(p geo.XY) geo.XY {
				q := zone.Inverse(p)
				return geo.XY{X: q.Lon + shift, Y: q.Lat}
			})
			return 0
		})
		rewrite(tb, filepath.Join(from, "YJJBNTTB.gpkg"), []delivered{pbf}, []geo.CRS{{}}, func(f *source.Feature) int {
			if hashed(uint64(f.Record))%100 < tenthDropped {
				return -1
			}
			renumber(tb, f, seed)
			move(f, func(p geo.XY) geo.XY { return geo.XY{X: p.X + shift, Y: p.Y} })
			return 0
		})
	}
	return d
}

func hashed(n uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, n)) // never fails
	return h.Sum64() >> 8
}

// aoi is a set of shapes that one measurement asks about in turn.
type aoi struct {
	name   string
	shapes []geo.MultiPolygon
}

// Sizes of random shapes in km² with the number of each size that rivals are
// asked about as well: the first of randomAOIs.
var sizes = []struct {
	km2   float64
	name  string
	asked int
}{{1, "1km2", 16}, {12, "12km2", 8}, {100, "100km2", 2}, {400, "400km2", 1}}

// randomAOIs is the number of random shapes of each size: 1,000 of four sizes.
const randomAOIs = 250

// random returns the first n of the random shapes of a size in km²: 64 corners,
// some lobes, turned any way, around any feature of cropland. They may reach
// over the landscape's border. Equal arguments give equal shapes.
func (d *dataset) random(km2 float64, n int) []geo.MultiPolygon {
	l := d.ix.Layer("cropland", "")
	rng := rand.New(rand.NewPCG(2024, math.Float64bits(km2)))
	out := make([]geo.MultiPolygon, n)
	for i := range out {
		b := l.Head(rng.IntN(l.Len())).Box
		c := geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2}
		lobes, turn := 2+rng.IntN(5), rng.Float64()*2*math.Pi
		// Half of the integral of r² over a turn, with r = R (1 + 0.2 sin).
		radius := math.Sqrt(km2 * 1e6 / math.Pi / 1.02)
		out[i] = star(c, radius, lobes, turn, 64)
	}
	return out
}

// mixed returns random shapes of all sizes, a size after the other in turn.
func (d *dataset) mixed() []geo.MultiPolygon {
	out := make([]geo.MultiPolygon, len(sizes)*randomAOIs)
	for s, size := range sizes {
		for i, shape := range d.random(size.km2, randomAOIs) {
			out[i*len(sizes)+s] = shape
		}
	}
	return out
}
