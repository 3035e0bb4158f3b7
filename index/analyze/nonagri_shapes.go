package analyze

import (
	"context"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// leastSharedM2 is what features must share to be cut with each other: what is less is
// noise of touching borders, and shown by no figure.
const leastSharedM2 = 1e-5

// shape returns the ground of an alert that is not approved, or all of it where nothing
// is left. A feature that lies on cropland or farmland as a whole is not cut.
func (n *nonagriJob) shape(ctx context.Context, a *alert) (geo.MultiPolygon, error) {
	f, err := n.subject.Feature(a.feature)
	if err != nil {
		return nil, err
	}
	s := &alertShape{nonagriJob: n, subject: f, prepared: overlay.Prepare(f.Geometry)}
	all := f.Geometry
	if a.area() != areaOf(n.subject.Area(a.feature)) {
		if all, err = s.onFarmland(ctx, a); err != nil {
			return nil, err
		}
	}
	if a.approved() == 0 || a.state == approvedState || len(all) == 0 {
		return all, nil
	}
	err = s.each(ctx, alertApproval, func(g geo.MultiPolygon) (err error) {
		all, err = overlay.Difference(all, g)
		return err
	})
	return all, err
}

// alertShape makes the shape of one alert.
type alertShape struct {
	*nonagriJob
	subject  index.Feature
	prepared *overlay.Prepared
	work     overlay.Workspace
	rings    geo.Rings
}

// onFarmland returns the ground of the subject on cropland and PBF, or for planting on
// PBF alone that is listed.
func (s *alertShape) onFarmland(ctx context.Context, a *alert) (geo.MultiPolygon, error) {
	var parts []geo.MultiPolygon
	meet := func(g geo.MultiPolygon) error {
		both, err := overlay.Intersection(s.subject.Geometry, g)
		if err == nil && len(both) > 0 {
			parts = append(parts, both)
		}
		return err
	}
	if !(a.kind == plantingNote && s.Parameter("planting") == "pbf") {
		if err := s.each(ctx, alertCrop, meet); err != nil {
			return nil, err
		}
	}
	if err := s.each(ctx, alertPBF, meet); err != nil || len(parts) == 0 {
		return nil, err
	}
	return overlay.Dissolve(ctx, parts)
}

// each visits the features of a cover that share ground with the subject, in rising order.
func (s *alertShape) each(ctx context.Context, cover int, visit func(geo.MultiPolygon) error) error {
	if cover >= len(s.covers) {
		return nil
	}
	c := s.covers[cover]
	for _, i := range within(c, s.subject.Box) {
		s.rings.Reset()
		if err := c.Layer.Rings(i, &s.rings); err != nil {
			return err
		}
		if s.prepared.Shared(&s.work, &s.rings) < leastSharedM2 {
			continue // a neighbour
		}
		g, err := c.Layer.Feature(i)
		if err != nil {
			return err
		}
		if err := visit(g.Geometry); err != nil {
			return err
		}
	}
	return ctx.Err()
}
