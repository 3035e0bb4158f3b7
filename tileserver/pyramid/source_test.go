package pyramid_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tidwall/rtree"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/pyramid"
)

// memory is a layer in memory.
type memory struct {
	name     string
	features []pyramid.Feature
	tree     rtree.RTreeG[int]
	extent   geo.Box
}

func newMemory(name string, features []pyramid.Feature) *memory {
	m := &memory{name: name, features: features, extent: geo.EmptyBox()}
	for i, f := range features {
		b := f.Geometry.Box()
		m.extent = m.extent.Union(b)
		m.tree.Insert([2]float64{float64(b.Min.Lon), float64(b.Min.Lat)}, [2]float64{float64(b.Max.Lon), float64(b.Max.Lat)}, i)
	}
	return m
}

func (m *memory) Name() string                           { return m.name }
func (m *memory) Len() int                               { return len(m.features) }
func (m *memory) Extent() geo.Box                        { return m.extent }
func (m *memory) Feature(i int) (pyramid.Feature, error) { return m.features[i], nil }
func (m *memory) Search(b geo.Box, visit func(int) bool) {
	m.tree.Search([2]float64{float64(b.Min.Lon), float64(b.Min.Lat)}, [2]float64{float64(b.Max.Lon), float64(b.Max.Lat)},
		func(_, _ [2]float64, i int) bool { return visit(i) })
}

// landscape makes about n parcels of some 70 m around lon, lat, labelled by class
// in patches: a bent grid whose neighbours share every border vertex, some borders
// with corners on one side only, some parcels with a pond, some missing.
func landscape(n int, lon, lat float64, seed uint64) []pyramid.Feature {
	r := rand.New(rand.NewPCG(seed, 7))
	side := int(math.Sqrt(float64(n)))
	const step = 0.0008 // degrees
	const parts = 4     // pieces of each border
	corner := func(i, j int) geo.Position {
		// i and j count pieces of borders; the bends depend on the place alone.
		x, y := float64(i)/parts, float64(j)/parts
		return geo.PositionOf(geo.LonLat{
			Lon: lon + step*(x+0.3*math.Sin(y*0.7+x*0.31)+0.05*math.Sin(x*13+y*17)),
			Lat: lat + step*(y+0.3*math.Cos(x*0.9-y*0.23)+0.05*math.Cos(x*19-y*11)),
		})
	}
	var out []pyramid.Feature
	for j := range side {
		for i := range side {
			if r.IntN(12) == 0 || math.Hypot(float64(i%40-20), float64(j%40-20)) < 5 {
				continue
			}
			var ring geo.Ring
			for k := range parts {
				ring = append(ring, corner(i*parts+k, j*parts))
			}
			for k := range parts {
				ring = append(ring, corner((i+1)*parts, j*parts+k))
			}
			for k := parts; k > 0; k-- {
				ring = append(ring, corner(i*parts+k, (j+1)*parts))
			}
			for k := parts; k > 0; k-- {
				// A corner on this side only, exactly between two of the others.
				p := corner(i*parts, j*parts+k)
				ring = append(ring, p)
			}
			ring = append(ring, ring[0])
			p := geo.Polygon{ring}
			if r.IntN(30) == 0 {
				c := corner(i*parts+2, j*parts+2)
				const d = 0.0001 * geo.Unit
				p = append(p, geo.Ring{{Lon: c.Lon - d, Lat: c.Lat - d}, {Lon: c.Lon - d, Lat: c.Lat + d}, {Lon: c.Lon + d, Lat: c.Lat + d}, {Lon: c.Lon + d, Lat: c.Lat - d}, {Lon: c.Lon - d, Lat: c.Lat - d}})
			}
			name := fmt.Sprintf("010%d", 1+(i/25+j/18)%3)
			area := math.Round(groundArea(geo.MultiPolygon{p})*100) / 100
			out = append(out, pyramid.Feature{
				ID: uint64(r.Int64N(mvt.MaxID)) + 1, Geometry: geo.MultiPolygon{p}, Class: name,
				Tags: []mvt.Tag{{Key: "DLBM", Value: name}, {Key: "TBMJ", Value: area}}, AreaM2: area, NetM2: math.NaN(),
			})
		}
	}
	return out
}

// delivery reads a layer of the test delivery through GDAL.
func delivery(t testing.TB, file string) []pyramid.Feature {
	t.Helper()
	if _, err := exec.LookPath("ogr2ogr"); err != nil {
		t.Fatal("ogr2ogr is missing: apt-get install gdal-bin")
	}
	path := filepath.Join("../../../shared/data/delivery/2024", file)
	out, err := exec.Command("ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:4490", "-makevalid", "-lco", "COORDINATE_PRECISION=10", "-lco", "RFC7946=NO", "/vsistdout/", path).Output()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var c struct {
		Features []struct {
			Properties struct{ DLBM string }
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatal(err)
	}
	var features []pyramid.Feature
	for i, f := range c.Features {
		var polygons [][][][2]float64
		if f.Geometry.Type == "Polygon" {
			polygons = make([][][][2]float64, 1)
			err = json.Unmarshal(f.Geometry.Coordinates, &polygons[0])
		} else {
			err = json.Unmarshal(f.Geometry.Coordinates, &polygons)
		}
		if err != nil {
			t.Fatal(err)
		}
		var mp geo.MultiPolygon
		for _, p := range polygons {
			var q geo.Polygon
			for k, r := range p {
				q = append(q, oriented(r, k == 0))
			}
			mp = append(mp, q)
		}
		area := groundArea(mp)
		features = append(features, pyramid.Feature{ID: uint64(i + 1), Geometry: mp, Class: f.Properties.DLBM,
			Tags: []mvt.Tag{{Key: "DLBM", Value: f.Properties.DLBM}}, AreaM2: area, NetM2: area * 0.95})
	}
	return features
}

// oriented makes a ring of positions that runs counter-clockwise if shell is set.
func oriented(r [][2]float64, shell bool) geo.Ring {
	var ring geo.Ring
	sum := 0.0
	for i, v := range r {
		ring = append(ring, geo.PositionOf(geo.LonLat{Lon: v[0], Lat: v[1]}))
		w := r[(i+1)%len(r)]
		sum += (v[0]-r[0][0])*(w[1]-r[0][1]) - (w[0]-r[0][0])*(v[1]-r[0][1])
	}
	if (sum > 0) != shell {
		for i, j := 0, len(ring)-1; i < j; i, j = i+1, j-1 {
			ring[i], ring[j] = ring[j], ring[i]
		}
	}
	return ring
}

// groundArea is the area of m on the ellipsoid: the integral of the equal-area
// latitude over longitude, edges straight in longitude and that latitude.
func groundArea(m geo.MultiPolygon) float64 {
	sum := 0.0
	for _, p := range m {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				a, b := r[i-1].LonLat(), r[i].LonLat()
				sum += (a.Lon - b.Lon) * math.Pi / 180 * (equalArea(a.Lat) + equalArea(b.Lat) - 2*equalArea(r[0].LonLat().Lat)) / 2
			}
		}
	}
	return sum
}

// equalArea is the area in m² south of lat, from the equator, of one radian of
// longitude (Snyder 1987, equation 3-12) on the ellipsoid of CGCS2000.
func equalArea(lat float64) float64 {
	const a, f = 6378137.0, 1 / 298.257222101
	e2 := f * (2 - f)
	e := math.Sqrt(e2)
	s := math.Sin(lat * math.Pi / 180)
	return a * a * (1 - e2) / 2 * (s/(1-e2*s*s) + math.Atanh(e*s)/e)
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
