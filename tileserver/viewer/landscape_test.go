package viewer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"gengtu/tileserver/mvt"
)

// The test landscape: parcels in a crooked grid around 108.64°E 34.33°N, with
// permanent basic farmland on most of them, high-standard blocks across them and
// four villages. Parcels share their corners.
const (
	landscapeSide = 48
	cellDeg       = 0.0012
	west, south   = 108.6000, 34.3000
	east          = west + landscapeSide*cellDeg
	north         = south + landscapeSide*cellDeg
)

// position is a place in degrees, longitude first.
type position [2]float64

// shape is one feature of the landscape: a ring, open, counterclockwise.
type shape struct {
	layer string
	id    uint64
	ring  []position
	tags  []mvt.Tag
}

// landscape returns all features, in drawing order.
func landscape() []shape {
	rnd := rand.New(rand.NewPCG(1, 2))
	corner := make([][]position, landscapeSide+1)
	for i := range corner {
		for j := range landscapeSide + 1 {
			p := position{west + float64(i)*cellDeg, south + float64(j)*cellDeg}
			if i > 0 && i < landscapeSide && j > 0 && j < landscapeSide {
				p[0] += (rnd.Float64() - 0.5) * cellDeg * 0.6
				p[1] += (rnd.Float64() - 0.5) * cellDeg * 0.6
			}
			corner[i] = append(corner[i], p)
		}
	}
	var cropland, pbf []shape
	for i := range landscapeSide {
		for j := range landscapeSide {
			n := i*landscapeSide + j
			if n%29 == 7 {
				continue // A pond, a road, a house: no cropland.
			}
			ring := []position{corner[i][j], corner[i+1][j], corner[i+1][j+1], corner[i][j+1]}
			cropland = append(cropland, croplandAt(n, i, j, ring))
			if rnd.Float64() < 0.8 && i > 4 {
				pbf = append(pbf, pbfAt(n, ring))
			}
		}
	}
	all := append(cropland, pbf...)
	for k := range 4 {
		all = append(all, hsfAt(k))
	}
	for k := range 4 {
		all = append(all, regionAt(k))
	}
	return all
}

func croplandAt(n, i, j int, ring []position) shape {
	class := []string{"0102", "0101", "0103"}[int(1.5+1.5*math.Sin(float64(i)/5)*math.Cos(float64(j)/7))%3]
	name := map[string]string{"0101": "水田", "0102": "水浇地", "0103": "旱地"}[class]
	return shape{"cropland", uint64(1<<52 + n), ring, []mvt.Tag{
		{Key: "BSM", Value: fmt.Sprintf("610402200100%06d", n+1)},
		{Key: "DLBM", Value: class}, {Key: "DLMC", Value: name},
		{Key: "TBMJ", Value: 12345.67 + float64(n)}, {Key: "TBDLMJ", Value: 12098.76 + float64(n)},
	}}
}

func pbfAt(n int, ring []position) shape {
	return shape{"pbf", uint64(1<<51 + n), ring, []mvt.Tag{
		{Key: "BSM", Value: fmt.Sprintf("610402200500%06d", n+1)},
		{Key: "YJJBNTTBBH", Value: fmt.Sprint(n + 1)}, {Key: "YJJBNTMJ", Value: 11987.65},
	}}
}

func hsfAt(k int) shape {
	w, s := west+(0.17+0.42*float64(k%2))*(east-west), south+(0.12+0.45*float64(k/2))*(north-south)
	d := 0.29 * (east - west)
	ring := []position{{w, s}, {w + d, s + d*0.1}, {w + d*0.9, s + d}, {w - d*0.1, s + d*0.8}}
	return shape{"hsf", uint64(1<<50 + k), ring, []mvt.Tag{
		{Key: "XMBH", Value: fmt.Sprintf("GBZ2023%02d", k)}, {Key: "XMMC", Value: fmt.Sprintf("高标准农田建设项目%d", k+1)},
		{Key: "JCND", Value: int64(2019 + k)},
	}}
}

func regionAt(k int) shape {
	w, s := west+float64(k%2)*(east-west)/2, south+float64(k/2)*(north-south)/2
	e, n := w+(east-west)/2, s+(north-south)/2
	return shape{"region", uint64(1<<49 + k), []position{{w, s}, {e, s}, {e, n}, {w, n}}, []mvt.Tag{
		{Key: "XZQDM", Value: places[k].Code}, {Key: "XZQMC", Value: places[k].Name},
	}}
}

// place is an element of the answer of places.
type place struct {
	Code   string     `json:"code"`
	Name   string     `json:"name"`
	Extent [4]float64 `json:"extent"`
}

var places = []place{
	{"610402000001", "东渠村", [4]float64{west, south, (west + east) / 2, (south + north) / 2}},
	{"610402000002", "西渠村", [4]float64{(west + east) / 2, south, east, (south + north) / 2}},
	{"610402001000", "北塬村", [4]float64{west, (south + north) / 2, (west + east) / 2, north}},
	{"610402001001", "柳林村", [4]float64{(west + east) / 2, (south + north) / 2, east, north}},
}

// tileOf returns the vector tile z/x/y of the named layers (a comma list), nil
// when nothing lies in it. Below zoom 12 features have no id, a count and areas,
// as merged ones have.
func tileOf(all []shape, names string, z, x, y int) ([]byte, error) {
	var data []byte
	for name := range strings.SplitSeq(names, ",") {
		layer := mvt.Layer{Name: name}
		for _, s := range all {
			if s.layer != name {
				continue
			}
			ring := clip(toTile(s.ring, z, x, y))
			if len(ring) < 3 {
				continue
			}
			f := mvt.Feature{ID: s.id, Tags: s.tags, Polygons: []mvt.Polygon{{ring}}}
			if z < 12 {
				f.ID, f.Tags = 0, []mvt.Tag{
					{Key: "count", Value: int64(1234)}, {Key: "area_m2", Value: 7654321.5}, {Key: "net_m2", Value: 7001234.25},
				}
			}
			layer.Features = append(layer.Features, f)
		}
		var err error
		if data, err = mvt.Append(data, &layer); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// toTile projects a ring to tile units of z/x/y, clockwise on the screen.
func toTile(ring []position, z, x, y int) [][2]float64 {
	world := float64(uint64(1) << z)
	out := make([][2]float64, 0, len(ring))
	for k := range ring {
		p := ring[len(ring)-1-k]
		lat := p[1] * math.Pi / 180
		out = append(out, [2]float64{
			((p[0]+180)/360*world - float64(x)) * mvt.Extent,
			((1-math.Asinh(math.Tan(lat))/math.Pi)/2*world - float64(y)) * mvt.Extent,
		})
	}
	return out
}

// clip cuts a ring to the tile and a margin of 64 units (Sutherland and Hodgman
// 1974) and rounds it.
func clip(ring [][2]float64) mvt.Ring {
	const margin = 64
	for side := range 4 {
		axis, limit, sign := side%2, float64(-margin), 1.0
		if side > 1 {
			limit, sign = mvt.Extent+margin, -1
		}
		inside := func(p [2]float64) bool { return sign*(p[axis]-limit) >= 0 }
		var out [][2]float64
		for k, p := range ring {
			q := ring[(k+1)%len(ring)]
			if inside(p) {
				out = append(out, p)
			}
			if inside(p) != inside(q) {
				f := (limit - p[axis]) / (q[axis] - p[axis])
				out = append(out, [2]float64{p[0] + f*(q[0]-p[0]), p[1] + f*(q[1]-p[1])})
			}
		}
		ring = out
	}
	var points mvt.Ring
	for _, p := range ring {
		q := mvt.Point{X: int32(math.Round(p[0])), Y: int32(math.Round(p[1]))}
		if len(points) == 0 || points[len(points)-1] != q {
			points = append(points, q)
		}
	}
	for len(points) > 1 && points[0] == points[len(points)-1] {
		points = points[:len(points)-1]
	}
	return points
}
