package ingest

import (
	"bytes"
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// loadRegionsOf takes the places of an edition in, for features that do not say
// where they lie.
func (r *run) loadRegionsOf(base *index.Base) error {
	for i := range base.Manifest.Layers {
		m := &base.Manifest.Layers[i]
		if m.Name != edition.Region || m.View != nil {
			continue
		}
		err := base.Each(m.Key(), func(f *index.Feature) error {
			if f.Place != "" {
				r.addRegion(m.Vintage, regionOf(f))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func regionOf(f *index.Feature) regionShape { return regionShape{f.Place, f.Geometry, f.Box} }

// changeRegions makes the places of a vintage those that the update leaves, and
// notes where they are others than before. touched are the ids of the regions that
// come or go.
func (u *update) changeRegions(l *layerRun, touched map[uint64]bool) error {
	vintage := l.rep.Vintage
	delete(u.regions, vintage)
	was := map[uint64]regionShape{}
	err := u.base.Each(u.base.Layer(l.rep.Layer, vintage).Key(), func(f *index.Feature) error {
		switch {
		case f.Place == "":
		case touched[f.ID]:
			was[f.ID] = regionOf(f)
		default:
			u.addRegion(vintage, regionOf(f))
		}
		return nil
	})
	if err == nil {
		err = l.out.Each(func(f *index.Feature) error {
			if f.Place == "" {
				return nil
			}
			is := regionOf(f)
			u.addRegion(vintage, is)
			if old, ok := was[f.ID]; !ok || !old.equal(&is) {
				u.move(vintage, is.box)
			} else {
				delete(was, f.ID)
			}
			return nil
		})
	}
	for _, old := range was {
		u.move(vintage, old.box)
	}
	return err
}

func (u *update) move(vintage string, box geo.Box) {
	if u.moved == nil {
		u.moved = map[string][]geo.Box{}
	}
	u.moved[vintage] = append(u.moved[vintage], box)
}

// equal tells whether two places are one.
func (g *regionShape) equal(o *regionShape) bool {
	return g.code == o.code && bytes.Equal(appendShape(nil, g.shape), appendShape(nil, o.shape))
}

// placeAnew places the stored features anew that no attribute places and that lie
// where regions have changed: the edition is to be the one that an ingest of all
// makes.
func (u *update) placeAnew(ctx context.Context) error {
	if len(u.moved) == 0 {
		return nil
	}
	for i := range u.base.Manifest.Layers {
		m := &u.base.Manifest.Layers[i]
		if m.Name == edition.Region || m.View != nil {
			continue
		}
		before, now := regionVintage(u.placed, m.Vintage), regionVintage(u.regions, m.Vintage)
		if before == now && len(u.moved[now]) == 0 {
			continue
		}
		meets := func(b geo.Box) bool {
			return before != now || slices.ContainsFunc(u.moved[now], b.Intersects)
		}
		l := u.runs[m.Key()]
		if l == nil {
			var err error
			if l, err = u.begin([]Input{{Layer: m.Name, Vintage: m.Vintage}}); err != nil {
				return err
			}
			u.deltas = append(u.deltas, index.Delta{Layer: m, Put: l.out})
		}
		if err := u.placeLayer(ctx, l, meets); err != nil {
			return err
		}
	}
	return nil
}

// placeLayer places the stored features of a layer anew whose boxes meet what has
// changed.
func (u *update) placeLayer(ctx context.Context, l *layerRun, meets func(b geo.Box) bool) error {
	m := u.base.Layer(l.rep.Layer, l.rep.Vintage)
	touched := u.touched[m.Key()]
	return u.base.Each(m.Key(), func(f *index.Feature) error {
		if touched[f.ID] || !meets(f.Box) || l.placeNamed(f.Values) {
			return ctx.Err()
		}
		place := placeIn(u.regionsFor(m.Vintage), f.Geometry)
		if place == f.Place {
			return ctx.Err()
		}
		f.Place = place
		l.rep.Update.Placed++
		return l.out.Add(f)
	})
}

// placeNamed tells whether an attribute names the place.
func (l *layerRun) placeNamed(values []any) bool {
	return slices.ContainsFunc(l.profile.Place, func(name string) bool {
		i := l.field(name)
		if i < 0 || i >= len(values) {
			return false
		}
		s, _ := values[i].(string)
		return placeOf(s) != ""
	})
}
