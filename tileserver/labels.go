package tileserver

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/styles"
	"gengtu/tileserver/glyph"
	"gengtu/tileserver/raster"
	"gengtu/tileserver/tile"
)

// labelled is a name with its place on a picture plane: X and Y are of its middle,
// in CSS pixels of the whole grid at the zoom of the plane.
type labelled struct {
	text          string
	x, y          float64
	width, height float64 // with the room around it
	size          float64
}

// labelPadding is the least way between two names, in CSS pixels on each side: that
// of style.json.
const labelPadding = styles.LabelPadding

// labelLook is how the names of places stand on a picture of layers; nil where none
// do: the regions are not among the layers, or their tiles do not carry names. regions
// is their layer.
func labelLook(layers []*index.Layer, look *styles.Sheet) (regions *index.Layer, label *styles.Label) {
	i := slices.IndexFunc(layers, func(l *index.Layer) bool { return l.Meta.Name == edition.Region })
	label = look.Layer(edition.Region).Label
	if i < 0 || label == nil {
		return nil, nil
	}
	if k := layers[i].Field(label.Field); k < 0 || !layers[i].Meta.Fields[k].Tile {
		return nil, nil
	}
	return layers[i], label
}

// lay chooses the names that stand on a plane, where on says at which CSS pixels a
// place lies, or false for places without a name there: places of higher rank come
// first, and a name that would touch one that stands is left out. Which names stand
// depends on the edition and the plane alone, so that pictures of neighbouring parts
// agree.
func lay(all []place, label *styles.Label, styleZoom float64, on func(geo.Position) (x, y float64, ok bool)) ([]labelled, error) {
	if styleZoom < float64(label.MinZoom) {
		return nil, nil
	}
	size := label.Size.At(styleZoom)
	type candidate struct {
		labelled
		code string
	}
	var wanted []candidate
	for _, p := range all {
		if p.Name == "" || !label.ShownAt(len(p.Code), styleZoom) {
			continue
		}
		x, y, ok := on(p.at)
		if !ok {
			continue
		}
		ems, err := glyph.Width(p.Name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, candidate{labelled{
			text: p.Name, x: x, y: y, size: size,
			width: ems*size + 2*labelPadding, height: 1.2*size + 2*labelPadding,
		}, p.Code})
	}
	slices.SortStableFunc(wanted, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(len(a.code), len(b.code)), cmp.Compare(a.code, b.code))
	})
	var out []labelled
	taken := newShelves()
	for _, c := range wanted {
		if taken.put(&c.labelled, len(out), out) {
			out = append(out, c.labelled)
		}
	}
	return out, nil
}

// touches tells whether the room of l and b overlaps.
func (l *labelled) touches(b *labelled) bool {
	return math.Abs(l.x-b.x)*2 < l.width+b.width && math.Abs(l.y-b.y)*2 < l.height+b.height
}

// shelfSide is the side of the squares by which names are found, in CSS pixels.
const shelfSide = 256

// shelves find names by the squares of the plane that they reach into; a square's
// number is that of a tile of 256 CSS pixels.
type shelves map[[2]int32][]int32

func newShelves() shelves { return shelves{} }

// squares calls visit for each square that l reaches into.
func (l *labelled) squares(visit func([2]int32)) {
	number := func(v float64) int32 { return int32(math.Floor(v / shelfSide)) }
	for y := number(l.y - l.height/2); y <= number(l.y+l.height/2); y++ {
		for x := number(l.x - l.width/2); x <= number(l.x+l.width/2); x++ {
			visit([2]int32{x, y})
		}
	}
}

// put keeps l under number n unless it touches one of out that is kept already.
func (s shelves) put(l *labelled, n int, out []labelled) bool {
	free := true
	l.squares(func(q [2]int32) {
		free = free && !slices.ContainsFunc(s[q], func(i int32) bool { return l.touches(&out[i]) })
	})
	if free {
		l.squares(func(q [2]int32) { s[q] = append(s[q], int32(n)) })
	}
	return free
}

// plane is what stands on the plane of one zoom of a grid.
type plane struct {
	labels []labelled
	byTile shelves
}

// tilePlane returns the names of the plane of t's zoom. Style zooms count tiles of
// 512 CSS pixels, a picture has 256.
func (r *request) tilePlane(t tile.Tile, regions *index.Layer, label *styles.Label, style string) (*plane, error) {
	all, err := r.placesIn(regions)
	if err != nil {
		return nil, err
	}
	key := "labels " + regions.Meta.Vintage + " " + style + " " + t.Grid.String() + strconv.Itoa(int(t.Z))
	return remember(&r.gen.memo, key, func() (*plane, error) {
		side := raster.TileSize / tile.Span(t.Z)
		labels, err := lay(all, label, float64(t.Z)-1, func(p geo.Position) (x, y float64, ok bool) {
			at := t.Grid.Project(p)
			return at.X * side, at.Y * side, true
		})
		if err != nil {
			return nil, err
		}
		p := &plane{labels: labels, byTile: newShelves()}
		for i := range labels {
			labels[i].squares(func(q [2]int32) { p.byTile[q] = append(p.byTile[q], int32(i)) })
		}
		return p, nil
	})
}

// tileLabels returns the names that reach into t, as they stand on its picture of
// side pixels.
func (r *request) tileLabels(layers []*index.Layer, t tile.Tile, side int, look *styles.Sheet) ([]raster.Text, error) {
	regions, label := labelLook(servedAt(layers, t), look)
	if label == nil {
		return nil, nil
	}
	p, err := r.tilePlane(t, regions, label, look.Name)
	if err != nil {
		return nil, err
	}
	ratio := float64(side) / raster.TileSize
	var out []raster.Text
	for _, i := range p.byTile[[2]int32{int32(t.X), int32(t.Y)}] {
		l := &p.labels[i]
		out = append(out, l.write(label, l.x-float64(t.X)*raster.TileSize, l.y-float64(t.Y)*raster.TileSize, ratio))
	}
	return out, nil
}

// write returns l as it stands with its middle at x, y CSS pixels of a picture.
func (l *labelled) write(label *styles.Label, x, y, ratio float64) raster.Text {
	return raster.Text{
		String: l.text, X: (x - l.width/2 + labelPadding) * ratio, Y: y * ratio, Size: l.size * ratio,
		HaloWidth: label.HaloWidth * ratio, Color: label.Color, Halo: label.Halo,
	}
}

// mapLabels returns the names that stand on a map, each as a whole: a map has no
// neighbour that would show the rest.
func (r *request) mapLabels(v *mapView) ([]raster.Text, error) {
	regions, label := labelLook(v.layers, v.look)
	if label == nil {
		return nil, nil
	}
	all, err := r.placesIn(regions)
	if err != nil {
		return nil, err
	}
	w, h := v.pixel()
	labels, err := lay(all, label, v.styleZoom(), func(p geo.Position) (x, y float64, ok bool) {
		at := v.grid.Project(p)
		x, y = (at.X-v.min.X)/w, (at.Y-v.min.Y)/h
		return x, y, x > 0 && y > 0 && x < float64(v.width) && y < float64(v.height)
	})
	if err != nil {
		return nil, err
	}
	var out []raster.Text
	for _, l := range labels {
		if l.x < l.width/2 || l.y < l.height/2 || l.x+l.width/2 > float64(v.width) || l.y+l.height/2 > float64(v.height) {
			continue
		}
		out = append(out, l.write(label, l.x, l.y, 1))
	}
	return out, nil
}
