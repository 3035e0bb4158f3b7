package analyze

import (
	"context"

	"gengtu/index"
	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/pieces"
)

// findEnclaves finds the small tracts of one village that no ground of that village
// borders on (R4). The ground is that of the survey's patches, or of cropland where there
// is no survey.
func (w *retireWork) findEnclaves(ctx context.Context) error {
	w.enclaves = map[int32]bool{}
	around := w.Maybe("dltb")
	if around == nil {
		around = w.Maybe("cropland")
	}
	if around == nil {
		w.r.note("没有 dltb 或 cropland 图层：未判断被其他村包围的插花地", "there is no layer dltb or cropland: whether other villages surround a tract is not judged")
		return nil
	}
	small, members := w.smallTracts()
	ground := contiguity.New([]pieces.Cover{{Layer: around}}, nil, nil)
	found := make([]bool, len(small))
	err := inChunks(ctx, w.Job, len(small), w.tell("插花地分析", "finding enclaves"), ground.Seeker, func(_ context.Context, s *contiguity.Seeker, i int) error {
		var err error
		found[i], err = w.surrounded(s, around, members[i])
		return err
	})
	for i, component := range small {
		if found[i] {
			w.enclaves[component] = true
		}
	}
	return err
}

// smallTracts returns the tracts that are small enough for an enclave, in order, and
// the patches of each.
func (w *retireWork) smallTracts() (components []int32, members [][]int) {
	at := map[int32]int{}
	for f := range w.pbf.Len() {
		m, ok := w.tract.ground.Member(0, f)
		if !ok || geo.Hundredths(w.tract.of(f)).M2() >= w.Rules.Retire.EnclaveM2.Value {
			continue
		}
		k := w.tract.components.Of(0, m)
		i, known := at[k]
		if !known {
			i = len(components)
			at[k] = i
			components, members = append(components, k), append(members, nil)
		}
		members[i] = append(members[i], f)
	}
	return components, members
}

// surrounded tells whether patches are of one village, and whatever touches them and is
// not wholly their own ground is of others.
func (w *retireWork) surrounded(s *contiguity.Seeker, around *index.Layer, patches []int) (bool, error) {
	village := villageOf(w.pbf, patches[0])
	var ground geo.MultiPolygon
	for _, f := range patches {
		if v := villageOf(w.pbf, f); v == "" || v != village {
			return false, nil
		}
		feature, err := w.pbf.Feature(f)
		if err != nil {
			return false, err
		}
		ground = append(ground, feature.Geometry...)
	}
	// Patches of basic farmland that overlap are no valid shape together.
	ground, _, err := overlay.MendBy(overlay.NonZero, ground)
	if err != nil {
		return false, err
	}
	near, err := s.Near(ground, 0)
	if err != nil {
		return false, err
	}
	others := 0
	for _, n := range near {
		i := int(n.Member)
		f, err := around.Feature(i)
		if err != nil {
			return false, err
		}
		if f.AreaM2-overlay.SharedArea(ground, f.Geometry) < w.Rules.Slivers.AreaM2.Value {
			continue // their own ground
		}
		if villageOf(around, i) == village {
			return false, nil
		}
		others++
	}
	return others > 0, nil
}

// villageOf returns the code of the village that a feature is in; "" where its place is
// wider.
func villageOf(l *index.Layer, i int) string {
	place := l.Head(i).Place
	if len(place) < villageDigits {
		return ""
	}
	return place[:villageDigits]
}
