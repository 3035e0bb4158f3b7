package tileset

import (
	"maps"
	"math"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// firstParcels is the first zoom at which l's features are drawn as themselves.
func firstParcels(l *index.Layer) int {
	z := l.Meta.ParcelZoom
	if z == 0 {
		z = pyramid.DefaultParcelZoom
	}
	return max(z, 0)
}

// VectorLayer describes l in tiles of zooms [minZoom, maxZoom]. Below the parcel
// zoom a shape stands for many parcels and carries their number, areas and class;
// from it on each parcel carries the fields of the policy.
func VectorLayer(l *index.Layer, description string, minZoom, maxZoom int) archive.VectorLayer {
	v := archive.VectorLayer{ID: l.Meta.Name, Description: description, MinZoom: minZoom, MaxZoom: maxZoom, Fields: map[string]string{}}
	parcels := firstParcels(l)
	add := func(lo, hi int, fields map[string]string) {
		if lo > hi {
			return
		}
		v.ZoomFields = append(v.ZoomFields, archive.ZoomFields{MinZoom: lo, MaxZoom: hi, Fields: fields})
		maps.Copy(v.Fields, fields)
	}
	add(minZoom, min(maxZoom, parcels-1), mergedFields(l))
	add(max(minZoom, parcels), maxZoom, parcelFields(l))
	return v
}

// parcelFields are the attributes of features that are drawn as themselves.
func parcelFields(l *index.Layer) map[string]string {
	fields := map[string]string{}
	for _, f := range l.Meta.Fields {
		if f.Tile {
			fields[f.Name] = tileJSONType(f.Kind)
		}
	}
	return fields
}

// mergedFields are the attributes of shapes that stand for many features.
func mergedFields(l *index.Layer) map[string]string {
	const number = "Number"
	fields := map[string]string{"count": number, "area_m2": number}
	if l.Meta.NetM2 != nil {
		fields["net_m2"] = number
	}
	if l.Field(l.Meta.ClassField) >= 0 {
		fields[l.Meta.ClassField] = "String"
	}
	return fields
}

func tileJSONType(kind edition.FieldKind) string {
	switch kind {
	case edition.Integer, edition.Real:
		return "Number"
	case edition.Bool:
		return "Boolean"
	}
	return "String"
}

// CenterZoom returns the zoom in [minZoom, maxZoom] at which a map shows all of box
// at once: the deepest one at which it is no wider or higher than two tiles.
func CenterZoom(g tile.Grid, box geo.Box, minZoom, maxZoom int) int {
	const tiles = 2
	a, b := g.Project(box.Min), g.Project(box.Max)
	side := max(math.Abs(b.X-a.X), math.Abs(b.Y-a.Y))
	z := maxZoom
	for z > minZoom && math.Ldexp(side, z) > tiles {
		z--
	}
	return z
}

// ExtentOf returns the box around layers; empty when all of them are.
func ExtentOf(layers []*index.Layer) geo.Box {
	box := geo.EmptyBox()
	for _, l := range layers {
		box = box.Union(l.Extent())
	}
	return box
}
