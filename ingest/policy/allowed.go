package policy

import (
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
)

// What follows is for those who judge what others derived.

// Allowed lists the fields of a layer that the rule lets through, by their place.
func (r Layer) Allowed(l *edition.Layer) ([]int, error) { return r.allowed(l) }

// ZoomsOf returns the lowest and the highest zoom at which the tier serves the layer of that
// name; those of the tier for a layer that it does not name.
func (t *TierRules) ZoomsOf(layer string) (lo, hi int) { return t.zooms(t.Layers[layer]) }

// Places is how finely the features of a layer may tell of places.
type Places struct {
	codes  placeCodes
	digits int
}

// PlacesOf returns how finely the tier lets the features of l tell of places, whose values
// are those of l's fields. Errors are those of reading profiles.
func (t *TierRules) PlacesOf(l *edition.Layer) (*Places, error) {
	all := make([]int, len(l.Fields))
	for i := range all {
		all[i] = i
	}
	codes, err := placeCodesOf(l, all)
	return &Places{codes, t.PlaceDigits}, err
}

// Finer returns a code of place that f tells and that is finer than may be told, "" for
// none. A publication leaves none in: its codes are cut to as many digits.
func (p *Places) Finer(f *index.Feature) string {
	if len(f.Place) > p.digits {
		return f.Place
	}
	for _, c := range p.codes {
		s, _ := f.Values[c.code].(string)
		if s = strings.TrimSpace(s); len(s) > p.digits && (c.whole == 0 || c.whole > p.digits) {
			return s
		}
	}
	return ""
}
