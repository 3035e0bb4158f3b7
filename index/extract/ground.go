package extract

import (
	"context"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// Ground is where a scope lies. Safe for concurrent use; it holds nothing of the edition
// that it was found in.
type Ground struct {
	border  *border
	places  []string        // those of the scope
	regions map[string]bool // of an area, by code: whether all of the region lies in it
}

// GroundOf finds the ground of scope in the edition that its own is made of: of places as
// the regions of the vintage, or else of their latest, have them. Errors are ctx's, those
// of the file, and of regions that cannot be put together.
func GroundOf(ctx context.Context, from *index.Index, scope Scope, vintage string) (*Ground, error) {
	x := &extraction{ctx: ctx, from: from, scope: &scope}
	area, err := x.area(vintage)
	if err != nil {
		return nil, err
	}
	g := &Ground{places: scope.Places, regions: map[string]bool{}}
	if g.border, err = newBorder(area); err != nil || len(scope.Places) > 0 {
		return g, err
	}
	regions := from.Regions(vintage)
	if regions == nil {
		return g, nil
	}
	return g, g.find(ctx, regions)
}

// find finds the regions that lie in the scope.
func (g *Ground) find(ctx context.Context, regions *index.Layer) error {
	for i := range regions.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		code := regions.Head(i).Place
		if in, ok := g.regions[code]; ok && !in {
			continue // another part of it lies outside
		}
		g.regions[code] = false
		if g.border.side(regions.Box(i)) == outside {
			continue
		}
		f, err := regions.Feature(i)
		if err != nil {
			return err
		}
		g.regions[code] = g.Holds(f.Geometry)
	}
	return nil
}

// Holds tells whether a shape, by the even-odd rule, lies in the scope but for a touching
// border. What cannot be drawn, and what lies in places whose outline no region tells, is
// taken for what does not.
func (g *Ground) Holds(shape geo.MultiPolygon) bool {
	if g.border == nil {
		return false
	}
	switch g.border.side(shape.Box()) {
	case whole:
		return true
	case outside:
		return false
	}
	mended, _, err := overlay.Mend(shape)
	if err != nil || len(mended) == 0 {
		return false
	}
	piece, err := g.border.mask.Piece(mended)
	if err != nil {
		return false
	}
	area := geo.Area(mended)
	return !overlay.SharesGround(area-geo.Area(piece), area)
}

// Place tells whether all of a place lies in the scope: it is one of the scope's places
// or in one; in an area it, or what it lies in, does by its outline, or where no region
// tells that, all of the regions in it.
func (g *Ground) Place(code string) bool {
	if len(g.places) > 0 {
		return within(code, g.places)
	}
	if in, ok := g.regions[code]; ok {
		return in
	}
	all := false
	for other, in := range g.regions {
		switch {
		case other == "" || code == "":
		case strings.HasPrefix(code, other) && in:
			return true
		case strings.HasPrefix(other, code) && !in:
			return false
		case strings.HasPrefix(other, code):
			all = true
		}
	}
	return all
}
