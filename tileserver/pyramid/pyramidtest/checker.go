package pyramidtest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Checker judges the tiles of one layer in one grid.
type Checker struct {
	ground *Ground
	grid   tile.Grid
	layer  string
	class  string
	shares map[uint8]shares
	own    map[uint64]own
}

// own is what a feature should show: the area of its piece in m², its perimeter in
// units of zoom 0, and where it lies.
type own struct {
	area, perimeter float64
	box             region
}

// NewChecker prepares the truth for zooms up to deepest. class is the key under
// which tiles carry a feature's class, "" for none.
func NewChecker(g *Ground, grid tile.Grid, layer, class string, deepest uint8) *Checker {
	c := &Checker{ground: g, grid: grid, layer: layer, class: class, shares: map[uint8]shares{}, own: map[uint64]own{}}
	s := g.sharesAt(grid, deepest)
	for z := deepest; ; z-- {
		c.shares[z] = s
		if z == grid.MinZoom() {
			break
		}
		s = s.up()
	}
	for _, f := range g.Pieces {
		o := own{area: areaOf(f.Geometry)}
		for _, p := range f.Geometry {
			o.perimeter += perimeter(grid, p)
		}
		b := f.Geometry.Box()
		o.box.low = grid.Project(geo.Position{Lon: b.Min.Lon, Lat: b.Max.Lat})
		o.box.high = grid.Project(geo.Position{Lon: b.Max.Lon, Lat: b.Min.Lat})
		c.own[f.ID] = o
	}
	return c
}

func perimeter(g tile.Grid, p geo.Polygon) float64 {
	sum := 0.0
	for _, r := range p {
		for i := 1; i < len(r); i++ {
			a, b := g.Project(r[i-1]), g.Project(r[i])
			sum += math.Hypot(a.X-b.X, a.Y-b.Y) * mvt.Extent
		}
	}
	return sum
}

// reachOf is how far from the input's outline gaps and strays are looked for: a
// parcel's corners may move to the nearest unit and its edges with them; merged
// ground is drawn as coarser cells.
const (
	reachOfParcels = 2
	reachOfMerged  = 16
)

// Zoom judges all tiles of zoom z; they are of the checker's grid, and each has
// the checker's layer alone or is empty. ctx stops it.
func (c *Checker) Zoom(ctx context.Context, z uint8, tiles []Tile) (*Zoom, error) {
	truth, ok := c.shares[z]
	if !ok {
		return nil, fmt.Errorf("zoom %d is deeper than the checker was made for", z)
	}
	w := &judging{c: c, z: &Zoom{Z: z, WorstRatio: 1, Classes: map[string][2]float64{}}, shown: map[uint64]float64{}, views: map[tile.Tile]*view{}}
	w.z.Tiles = len(tiles)
	w.z.UnitM2 = c.unit(z)
	if err := w.decode(tiles); err != nil {
		return nil, err
	}
	w.z.Reach = reachOfMerged
	if w.z.Parcels > 0 && w.z.Merged == 0 {
		w.z.Reach = reachOfParcels
	}
	o := newOutlines(c.grid, z, c.ground.Outline, w.z.Reach+2)
	order := make([]*view, 0, len(w.views))
	for _, v := range w.views {
		order = append(order, v)
	}
	slices.SortFunc(order, func(a, b *view) int {
		return cmp.Or(cmp.Compare(a.at.Y, b.at.Y), cmp.Compare(a.at.X, b.at.X))
	})
	if err := w.each(ctx, order, o); err != nil {
		return nil, err
	}
	for _, v := range order {
		w.collect(v)
	}
	w.total(truth)
	return w.z, nil
}

// unit is the ground of a square unit in the middle of the layer.
func (c *Checker) unit(z uint8) float64 {
	b := geo.EmptyBox()
	for _, f := range c.ground.Pieces {
		b = b.Union(f.Geometry.Box())
	}
	if b.Empty() {
		return 0
	}
	p := c.grid.Project(geo.Position{Lon: (b.Min.Lon + b.Max.Lon) / 2, Lat: (b.Min.Lat + b.Max.Lat) / 2})
	t := tile.Tile{Grid: c.grid, Z: z, Y: uint32(p.Y / tile.Span(z))}
	return newRows(t).square((p.Y/tile.Span(z) - float64(t.Y)) * mvt.Extent)
}

// view is what a stranger sees of one tile.
type view struct {
	at       tile.Tile
	features []mvt.Feature
	areas    []float64 // of features, inside the borders, in m²
	classes  []string
	keys     []string
	margin   int

	overlap, gap, stray, excess float64
	torn                        float64
	overlapAt, gapAt, tornAt    string
	tornPairs, pairs            int
}

// judging is the work on one zoom.
type judging struct {
	c     *Checker
	z     *Zoom
	shown map[uint64]float64
	views map[tile.Tile]*view
}

func (w *judging) decode(tiles []Tile) error {
	seen := map[uint64]bool{}
	for _, t := range tiles {
		if w.views[t.At] != nil || t.At.Grid != w.c.grid || t.At.Z != w.z.Z {
			return fmt.Errorf("%s is there twice or of another grid or zoom", t.At)
		}
		w.z.Packed += int64(t.Packed)
		w.z.Largest = max(w.z.Largest, t.Packed)
		layers, err := mvt.Decode(t.Data)
		if verr := mvt.Validate(t.Data); verr != nil || err != nil {
			w.z.Invalid++
			w.z.Fault = fmt.Sprintf("%s: %v", t.At, cmp.Or(verr, err))
		}
		if err != nil {
			continue
		}
		v := &view{at: t.At}
		w.views[t.At] = v
		for _, l := range layers {
			if l.Name != w.c.layer || len(l.Features) == 0 {
				w.z.Invalid++
				w.z.Fault = fmt.Sprintf("%s: a layer %q with %d features", t.At, l.Name, len(l.Features))
			}
			v.features = append(v.features, l.Features...)
		}
		for i := range v.features {
			w.figures(v, &v.features[i])
			if id := v.features[i].ID; id != 0 {
				seen[id] = true
			} else {
				w.z.Merged++
			}
		}
	}
	w.z.Parcels = len(seen)
	return nil
}

// figures reads the attributes of a feature.
func (w *judging) figures(v *view, f *mvt.Feature) {
	class, key := "", strings.Builder{}
	for _, t := range f.Tags {
		if w.c.class != "" && t.Key == w.c.class {
			class, _ = t.Value.(string)
		}
		figure, count := 0.0, int64(0)
		switch n := t.Value.(type) {
		case int64:
			figure, count = float64(n), n
		case float64:
			figure = n
		}
		switch {
		case f.ID != 0:
		case t.Key == "count":
			w.z.Count += count
		case t.Key == "area_m2":
			w.z.AreaM2 += figure
		case t.Key == "net_m2":
			w.z.NetM2 += figure
		default:
			fmt.Fprintf(&key, "%s=%v ", t.Key, t.Value)
		}
	}
	if f.ID != 0 {
		fmt.Fprintf(&key, "%d", f.ID)
	}
	v.classes, v.keys = append(v.classes, class), append(v.keys, key.String())
	for _, p := range f.Polygons {
		for _, r := range p {
			for _, q := range r {
				v.margin = max(v.margin, -int(q.X), -int(q.Y), int(q.X)-mvt.Extent, int(q.Y)-mvt.Extent)
			}
		}
	}
}

// each measures the views, a tile at a time on every processor.
func (w *judging) each(ctx context.Context, order []*view, o *outlines) error {
	for _, v := range order {
		w.z.Margin = max(w.z.Margin, v.margin)
	}
	todo := make(chan *view)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			m := &measurer{w: w, outlines: o, core: new(core)}
			for v := range todo {
				m.tile(v)
			}
		})
	}
	err := ctx.Err()
	for _, v := range order {
		if err = ctx.Err(); err != nil {
			break
		}
		todo <- v
	}
	close(todo)
	wg.Wait()
	return err
}

// collect adds a view to the zoom.
func (w *judging) collect(v *view) {
	for i, a := range v.areas {
		w.z.DrawnM2 += a
		k := w.z.Classes[v.classes[i]]
		k[1] += a
		w.z.Classes[v.classes[i]] = k
		if id := v.features[i].ID; id != 0 {
			w.shown[id] += a
		}
	}
	w.z.UnionM2 -= v.excess
	w.z.Overlap += v.overlap
	w.z.Gap += v.gap
	w.z.Stray += v.stray
	w.z.OverlapTiles += one(v.overlap)
	w.z.GapTiles += one(v.gap)
	w.z.StrayTiles += one(v.stray)
	w.z.Torn += v.torn
	w.z.TornPairs += v.tornPairs
	w.z.Pairs += v.pairs
	w.z.OverlapAt = cmp.Or(w.z.OverlapAt, v.overlapAt)
	w.z.GapAt = cmp.Or(w.z.GapAt, v.gapAt)
	w.z.TornAt = cmp.Or(w.z.TornAt, v.tornAt)
}

func one(v float64) int {
	if v > 0 {
		return 1
	}
	return 0
}

// total compares with the truth.
func (w *judging) total(truth shares) {
	w.z.UnionM2 += w.z.DrawnM2
	for t, classes := range truth {
		sum, drawn := 0.0, 0.0
		for k, a := range classes {
			sum += a
			v := w.z.Classes[k]
			v[0] += a
			w.z.Classes[k] = v
		}
		w.z.TrueM2 += sum
		if v := w.views[t]; v != nil {
			for _, a := range v.areas {
				drawn += a
			}
		}
		r := newRows(t)
		if sum < 0.05*(r.at(0)-r.at(mvt.Extent))*r.unit()*mvt.Extent {
			continue
		}
		ratio := drawn / sum
		if math.Abs(ratio-1) > 0.01 {
			w.z.OffTiles++
		}
		if math.Abs(ratio-1) > math.Abs(w.z.WorstRatio-1) {
			w.z.WorstRatio, w.z.WorstTile = ratio, t
		}
	}
	if w.z.Parcels == 0 {
		return
	}
	merged := w.merged()
	for id, o := range w.c.own {
		if slices.ContainsFunc(merged, o.box.meets) {
			w.z.Hidden++
			continue
		}
		off := math.Abs(w.shown[id]-o.area) / w.z.UnitM2
		share := off / math.Ldexp(o.perimeter, int(w.z.Z))
		if share > w.z.WorstParcel || share == w.z.WorstParcel && id < w.z.WorstID {
			w.z.WorstParcel, w.z.WorstID = share, id
		}
		w.z.OffParcels += one(share - 1)
		if _, ok := w.shown[id]; !ok && o.area > w.z.UnitM2 {
			w.z.Missing++
		}
	}
}
