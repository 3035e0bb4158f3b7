package analyze

import (
	"cmp"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
)

// share gives links their shares of the areas of either feature: by ground, or of areas of
// record as the update package told, where it told of the feature.
func (s *states) share(parts []part) []link {
	links := make([]link, len(parts))
	for n, p := range parts {
		none := [2]int64{index.NoArea, index.NoArea}
		links[n] = link{from: p.from, to: p.to, counted: p.counted, key: p.key, areaM2: p.area, cut: true, area: none}
	}
	for side := range 2 {
		of := func(n int) int32 {
			if side == 0 {
				return links[n].from
			}
			return links[n].to
		}
		order := make([]int, 0, len(links))
		for n := range links {
			if of(n) >= 0 && links[n].counted[side] {
				order = append(order, n)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(of(a), of(b)) })
		for first := 0; first < len(order); {
			end := first
			for end < len(order) && of(order[end]) == of(order[first]) {
				end++
			}
			s.allot(links, order[first:end], side, int(of(order[first])))
			first = end
		}
	}
	return links
}

// allot divides the areas of feature i of a side among its links.
func (s *states) allot(links []link, mine []int, side, i int) {
	r := s.of[side].layer.Record(i)
	ground := make([]float64, len(mine))
	for k, n := range mine {
		ground[k] = max(links[n].areaM2, 0)
	}
	for k, v := range geo.LargestRemainder(geo.HundredthsOf(r.AreaM2), ground) {
		links[mine[k]].area[side] = int64(v)
	}
	whole := recordOf(r)
	if !whole.there {
		return
	}
	// Ridges apart, so that no share has more of them than the feature, or less than none.
	record := s.told(links, mine, side, i, ground)
	main, ridge := geo.LargestRemainder(geo.Hundredths(whole.main), record), geo.LargestRemainder(geo.Hundredths(whole.ridge), record)
	for k, n := range mine {
		links[n].record[side] = recorded{int64(main[k]), int64(ridge[k]), true, whole.patched}
	}
}

// told returns by what weights a feature's areas of record are divided: what the update
// package says of its links, or else its ground.
func (s *states) told(links []link, mine []int, side, i int, ground []float64) []float64 {
	if s.lineage == nil {
		return ground
	}
	id := s.of[side].layer.Head(i).ID
	said := s.lineage.Successors(id)
	if side == 1 {
		said = s.lineage.Predecessors(id)
	}
	if len(said) == 0 {
		return ground
	}
	by := map[int32]float64{} // by the ordinal on the other side
	other := s.of[1-side].layer
	sum := 0.0
	for _, k := range said {
		if k.Area == index.NoArea {
			return ground
		}
		at, oid := int32(-1), k.To
		if side == 1 {
			oid = k.From
		}
		if o, ok := other.ByID(oid); ok {
			at = int32(o)
		}
		by[at] += float64(k.Area)
		sum += float64(k.Area)
	}
	if sum == 0 {
		return ground
	}
	end := func(n int) int32 {
		if side == 0 {
			return links[n].to
		}
		return links[n].from
	}
	// Links of one pair that other covers part have theirs by ground.
	shared, count := map[int32]float64{}, map[int32]float64{}
	for k, n := range mine {
		shared[end(n)] += ground[k]
		count[end(n)]++
	}
	weights := make([]float64, len(mine))
	for k, n := range mine {
		at := end(n)
		if shared[at] > 0 {
			weights[k] = by[at] * ground[k] / shared[at]
		} else {
			weights[k] = by[at] / count[at]
		}
	}
	return weights
}
