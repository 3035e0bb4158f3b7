package analyze

import (
	"context"

	"gengtu/index/contiguity"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// tracts are the components of a layer at one gap, with the ellipsoidal area of each.
type tracts struct {
	ground     *contiguity.Ground
	components *contiguity.Components
	area       []int64 // by component, 0.01 m²
}

// tracts finds the components of all features of a layer at a gap in metres.
func (j *Job) tracts(ctx context.Context, cover pieces.Cover, gapM float64) (*tracts, error) {
	t := &tracts{ground: contiguity.New([]pieces.Cover{cover}, nil, nil)}
	var err error
	t.components, err = t.ground.Components(ctx, []float64{gapM}, contiguity.Options{Workers: j.Workers, Tell: j.tell("连片分析", "finding tracts")})
	if err != nil {
		return nil, err
	}
	t.area = t.components.Sums(0, func(m int32) int64 {
		return int64(geo.HundredthsOf(cover.Layer.Area(int(t.ground.Owner(m).Feature))))
	})
	return t, nil
}

// of returns the area of the tract that a feature is in; 0 for one that takes no part.
func (t *tracts) of(feature int) Area {
	m, ok := t.ground.Member(0, feature)
	if !ok {
		return 0
	}
	return Area(t.area[t.components.Of(0, m)])
}

// joined returns the area of all tracts that a shape with these neighbours would join.
func (t *tracts) joined(near []contiguity.Neighbour) Area {
	sum := Area(0)
	for _, k := range t.components.Joined(0, near) {
		sum += Area(t.area[k])
	}
	return sum
}
