package pyramid

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"gengtu/index/geo"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Reader is a [Source] that reads features without taking memory for each, and
// knows what they take.
type Reader interface {
	Source
	// Read reads feature i into r, whose fields it sets all.
	Read(i int, r *Reading) error
	// Size is about the bytes that feature i has: a quarter of what it takes while
	// tiles are made of it.
	Size(i int) int
}

// Reading is a feature that is being read. Its memory is used again for the next.
type Reading struct {
	ID     uint64
	Class  string
	AreaM2 float64 // as in [Feature]
	NetM2  float64
	// Alone tells that the feature is known to share no ground with another one
	// of its layer.
	Alone bool
	// Rings are the feature's, in CGCS2000 (EPSG:4490), shells counter-clockwise.
	Rings geo.Rings
	// Cells are set to the attributes, one for each of Values.Columns, or Tags are.
	Cells []mvt.Cell
	Tags  []mvt.Tag
	// Values makes cells. Whoever reads sets Columns, the same for all features.
	Values *mvt.Values

	classes map[string]string
}

// ClassOf returns name as a string, the same one each time; of one that is longer than
// any class's name the beginning.
func (r *Reading) ClassOf(name []byte) string {
	if len(name) > maxClassName {
		name = bytes.ToValidUTF8(name[:maxClassName], nil)
	}
	s, ok := r.classes[string(name)]
	if !ok {
		if r.classes == nil {
			r.classes = map[string]string{}
		}
		s = string(name)
		r.classes[s] = s
	}
	return s
}

// plain reads the features of a [Source] that is no [Reader].
type plain struct{ Source }

func (s plain) Read(i int, r *Reading) error {
	f, err := s.Feature(i)
	if err != nil {
		return err
	}
	r.ID, r.Class, r.AreaM2, r.NetM2, r.Alone = f.ID, r.ClassOf([]byte(f.Class)), f.AreaM2, f.NetM2, f.Alone
	r.Cells, r.Tags = r.Cells[:0], append(r.Tags[:0], f.Tags...)
	r.Rings.Reset()
	r.Rings.Append(f.Geometry)
	return nil
}

// Size is that of some twenty corners and attributes.
func (s plain) Size(int) int { return 400 }

func readerOf(s Source) Reader {
	if r, ok := s.(Reader); ok {
		return r
	}
	return plain{s}
}

// loader reads the features of one job after another into the same memory.
type loader struct {
	raw    Reading
	values mvt.Values
	all    slab[loaded]
	tags   slab[mvt.Tag]
	cells  slab[mvt.Cell]
	points slab[tile.World]
	ends   slab[int]
	of     [3][]*loaded // by grid, in the order of ids
	order  []orderedFeature
	loaded []*loaded // in the order of loading
}

// slab hands out slices of memory that is used again after reset.
type slab[T any] struct {
	chunks [][]T
	at     int // the chunk in use
	used   int // of it
}

func (s *slab[T]) reset() { s.at, s.used = 0, 0 }

// take returns n elements, which hold what was there before.
func (s *slab[T]) take(n int) []T {
	const least = 4096
	for ; s.at < len(s.chunks); s.at, s.used = s.at+1, 0 {
		if c := s.chunks[s.at]; len(c)-s.used >= n {
			s.used += n
			return c[s.used-n : s.used : s.used]
		}
	}
	s.chunks = append(s.chunks, make([]T, max(n, least)))
	s.used = n
	return s.chunks[s.at][:n:n]
}

// load reads the features of those numbers onto the planes of grids, holds
// telling which layers want them. Features of the last call are gone.
func (l *loader) load(ctx context.Context, s Reader, numbers []int, grids []tile.Grid, holds func(i int) uint64) error {
	l.values.Reset()
	l.values.Columns = nil
	l.all.reset()
	l.tags.reset()
	l.cells.reset()
	l.points.reset()
	l.ends.reset()
	for g := range l.of {
		l.of[g] = l.of[g][:0]
	}
	l.raw.Values = &l.values
	for n, i := range numbers {
		if n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		in := holds(i)
		if in == 0 {
			continue
		}
		if err := s.Read(i, &l.raw); err != nil {
			return err
		}
		l.keep(grids, in)
	}
	l.sort(grids)
	return nil
}

// orderedFeature is a feature by its id and its place in an order of loading.
type orderedFeature struct {
	id uint64
	at int
}

// sort puts features into the order of their ids, in which the index has no part.
func (l *loader) sort(grids []tile.Grid) {
	l.order = l.order[:0]
	for i, f := range l.of[grids[0]] {
		l.order = append(l.order, orderedFeature{f.ID, i})
	}
	slices.SortFunc(l.order, func(a, b orderedFeature) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at)) })
	for _, g := range grids {
		l.loaded = append(l.loaded[:0], l.of[g]...)
		for i, o := range l.order {
			l.of[g][i] = l.loaded[o.at]
		}
	}
}

// keep puts the feature that was read on the planes of grids.
func (l *loader) keep(grids []tile.Grid, layers uint64) {
	r := &l.raw
	if len(r.Rings.Positions) == len(r.Rings.Ends) {
		return
	}
	tags, cells := l.tags.take(len(r.Tags)), l.cells.take(len(r.Cells))
	copy(tags, r.Tags)
	copy(cells, r.Cells)
	for _, g := range grids {
		f := &l.all.take(1)[0]
		*f = loaded{
			Feature: Feature{ID: r.ID, Class: r.Class, Tags: tags, AreaM2: r.AreaM2, NetM2: r.NetM2, Alone: r.Alone},
			row:     mvt.Row{Table: &l.values, Cells: cells},
			ends:    l.ends.take(len(r.Rings.Ends))[:0], layers: layers,
		}
		f.project(g, &r.Rings, l.points.take(len(r.Rings.Positions)-len(r.Rings.Ends)))
		l.of[g] = append(l.of[g], f)
	}
}

// boxAround returns the ground under t and the margin of a tile of zoom z.
func boxAround(t tile.Tile, z uint8) geo.Box {
	o, span := t.Origin(), tile.Span(t.Z)
	// One unit more than what [reachOf] takes in covers the rounding to positions.
	margin := tile.Span(z) * (marginUnits + 2) / mvt.Extent
	nw := geo.PositionOf(t.Grid.Unproject(tile.World{X: o.X - margin, Y: o.Y - margin}))
	se := geo.PositionOf(t.Grid.Unproject(tile.World{X: o.X + span + margin, Y: o.Y + span + margin}))
	return geo.Box{Min: geo.Position{Lon: nw.Lon, Lat: se.Lat}, Max: geo.Position{Lon: se.Lon, Lat: nw.Lat}}
}

// within returns the numbers of the features whose boxes meet b, rising.
func within(s Source, b geo.Box) []int {
	var numbers []int
	s.Search(b, func(i int) bool { numbers = append(numbers, i); return true })
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// anyIn tells whether a feature's box meets t.
func anyIn(s Source, t tile.Tile) bool {
	found := false
	s.Search(boxAround(t, tile.MaxZoom), func(int) bool { found = true; return false })
	return found
}
