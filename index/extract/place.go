package extract

import (
	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/overlay"
)

// strays tells whether the place of a feature in the scope may lie outside of it: one
// that was found by where most of the feature lies, which was cut since, or a larger one.
func (c *cutting) strays(place string, is fate, told bool) bool {
	switch {
	case c.from.Meta.Name == edition.Region || !c.scope.local():
		return false
	case len(c.scope.Places) > 0:
		return !within(place, c.scope.Places)
	}
	return is == across && !told
}

// settle gives f the place in the scope in which most of it lies.
func (c *cutting) settle(f *index.Feature) error {
	places := c.scope.Places
	regions := c.extraction.from.Regions(c.from.Meta.Vintage)
	best, most := "", 0.0
	if regions == nil {
		f.Place = best
		return nil
	}
	var failed error
	regions.Search(f.Geometry.Box(), func(i int) bool {
		code := regions.Head(i).Place
		if len(code) < len(best) || len(places) > 0 && !within(code, places) {
			return true
		}
		r, err := regions.Feature(i)
		if err != nil {
			failed = err
			return false
		}
		ground := overlay.SharedArea(r.Geometry, f.Geometry)
		if !overlay.SharesGround(ground, f.AreaM2) {
			return true
		}
		// The smallest places tell most; of equal ones the first in the order of codes.
		if len(code) > len(best) || ground > most || ground == most && code < best {
			best, most = code, ground
		}
		return true
	})
	f.Place = best
	return failed
}
