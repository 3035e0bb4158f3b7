package forms

import (
	"context"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
)

// mostOutlines is how many places of one level a map may show.
const mostOutlines = 150

// Outlines returns the places that the map of an answer's page is to show, of the region
// layer in the vintage asked about or its latest: those of the finest level of which there
// are not too many inside of the place asked about. There are none without a region layer.
// Errors are ctx's and those of reading.
func Outlines(ctx context.Context, ix *index.Index, r *analyze.Result) ([]Outline, error) {
	l := ix.Regions(r.Request.Vintage)
	if l == nil {
		return nil, nil
	}
	byLength := map[int][]int{}
	for i := range l.Len() {
		if code := l.Head(i).Place; code != "" && strings.HasPrefix(code, r.Request.Place) {
			byLength[len(code)] = append(byLength[len(code)], i)
		}
	}
	var chosen []int
	for length, places := range byLength {
		if chosen == nil || better(length, len(places), len(l.Head(chosen[0]).Place), len(chosen)) {
			chosen = places
		}
	}
	slices.SortFunc(chosen, func(a, b int) int { return strings.Compare(l.Head(a).Place, l.Head(b).Place) })
	field := l.Field("XZQMC")
	var out []Outline
	for _, i := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := l.Feature(i)
		if err != nil {
			return nil, err
		}
		o := Outline{Code: l.Head(i).Place, Shape: f.Geometry}
		if field >= 0 {
			o.Name, _ = f.Values[field].(string)
		}
		out = append(out, o)
	}
	return out, nil
}

// better tells whether the places of a level, whose codes have so many digits, are rather
// shown than those of another.
func better(digits, count, thanDigits, thanCount int) bool {
	if fits, other := count <= mostOutlines, thanCount <= mostOutlines; fits != other {
		return fits
	} else if fits {
		return digits > thanDigits
	}
	return digits < thanDigits
}
