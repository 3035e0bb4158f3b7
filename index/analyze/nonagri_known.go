package analyze

import (
	"context"
	"math"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/problem"
)

// alertState is what is to be done with an alert.
type alertState string

const (
	newState      alertState = "new"
	knownState    alertState = "known"
	approvedState alertState = "approved"
)

// pastAlert is an alert that was pushed before.
type pastAlert struct {
	id, firstSeen string
	box           geo.Box
	shape         func(ctx context.Context) (geo.MultiPolygon, error)
}

// pastAlerts are the alerts that were pushed before, approved ones left out: of the answer
// that the question goes on from, and of the edition's layer alert, in all its vintages.
type pastAlerts struct{ list []*pastAlert }

// near returns the alerts whose boxes meet a box.
func (p *pastAlerts) near(b geo.Box) []*pastAlert {
	var out []*pastAlert
	for _, a := range p.list {
		if a.box.Intersects(b) {
			out = append(out, a)
		}
	}
	return out
}

// any tells whether there is one near a box.
func (p *pastAlerts) any(b geo.Box) bool {
	return slices.ContainsFunc(p.list, func(a *pastAlert) bool { return a.box.Intersects(b) })
}

// earlier gathers the alerts that were pushed before.
func (n *nonagriJob) earlier(ctx context.Context) error {
	n.past = &pastAlerts{}
	if n.Previous != nil {
		if err := n.previous(ctx); err != nil {
			return err
		}
	}
	vintages := slices.Clone(n.Index.Vintages("alert"))
	slices.Reverse(vintages) // the first told is the first seen
	for _, v := range vintages {
		l := n.Index.Layer("alert", v)
		id, err := columnOf(l, "alert_id", "ALERT_ID")
		if err != nil {
			return err
		}
		seen, err := columnOf(l, "first_seen", "FIRST_SEEN", "src_batch", "SRC_BATCH")
		if err != nil {
			return err
		}
		state, err := columnOf(l, "state", "STATE")
		if err != nil {
			return err
		}
		for i := range l.Len() {
			if t, err := state.text(i); err != nil {
				return err
			} else if t == string(approvedState) {
				continue
			}
			p := &pastAlert{box: l.Box(i), shape: shapeOf(l, i)}
			if p.id, err = id.text(i); err != nil {
				return err
			}
			if p.firstSeen, err = seen.text(i); err != nil {
				return err
			}
			if p.firstSeen == "" {
				p.firstSeen = v
			}
			n.past.list = append(n.past.list, p)
		}
	}
	return ctx.Err()
}

// previous takes in the alerts of the answer that the question goes on from: those that
// were new or known there.
func (n *nonagriJob) previous(ctx context.Context) error {
	at := slices.IndexFunc(n.Previous.Shapes, func(s *Shapes) bool { return s.Name == "alert" })
	if at < 0 {
		return problem.New("ANALYZE_PREVIOUS", "以前的结果 %.40[1]q 里没有图层 alert", "the earlier answer %.40[1]q has no layer alert", n.Previous.Run).
			Advise("应是本专题的结果", "it should be an answer to this question")
	}
	s := n.Previous.Shapes[at]
	id, seen, state := s.Table.Column("alert_id"), s.Table.Column("first_seen"), s.Table.Column("state")
	if id < 0 || seen < 0 || state < 0 {
		return problem.New("ANALYZE_PREVIOUS", "以前的结果 %.40[1]q 的图层 alert 没有 alert_id、first_seen、state", "the layer alert of the earlier answer %.40[1]q has no alert_id, first_seen and state", n.Previous.Run)
	}
	for row, values := range s.Table.Rows {
		if t, _ := values[state].(string); t == string(approvedState) {
			continue
		}
		shape, err := s.Geometry(ctx, row)
		if err != nil {
			return err
		}
		p := &pastAlert{box: shape.Box(), shape: func(ctx context.Context) (geo.MultiPolygon, error) { return s.Geometry(ctx, row) }}
		p.id, _ = values[id].(string)
		p.firstSeen, _ = values[seen].(string)
		if len(shape) > 0 {
			n.past.list = append(n.past.list, p)
		}
	}
	return nil
}

// look decides of each alert whether it is a sliver, approved, known or new.
func (n *nonagriJob) look(ctx context.Context) error {
	tell := n.tell("比对以前的推送", "comparing with what was pushed")
	return inChunks(ctx, n.Job, len(n.alerts), tell, func() struct{} { return struct{}{} }, func(ctx context.Context, _ struct{}, i int) error {
		return n.decide(ctx, n.alerts[i])
	})
}

// decide decides of one alert. One whose shape cannot be made is new: it is to be looked at.
func (n *nonagriJob) decide(ctx context.Context, a *alert) error {
	least := n.Rules.Slivers.least()
	switch {
	case a.area() < least:
		a.sliver = true
		return nil
	case a.left() < least:
		a.state = approvedState
		return nil
	}
	a.state = newState
	box := n.subject.Box(a.feature)
	if !n.past.any(box) {
		if thin, err := n.mayBeThin(a, box); err != nil || !thin {
			return err
		}
	}
	shape, err := n.shape(ctx, a)
	if err != nil {
		if ctx.Err() == nil && problem.Of(err) != nil {
			a.why = err
			return nil //nolint:nilerr // kept in why, and told
		}
		return err
	}
	around := perimeter(shape)
	if around == 0 || n.Rules.Slivers.narrow(geo.Area(shape), around) {
		a.sliver = true
		return nil
	}
	past := n.past.near(shape.Box())
	if len(past) == 0 {
		return nil
	}
	return n.compare(ctx, a, shape, past)
}

// mayBeThin tells whether an alert may be narrow, without making its shape: its border is
// made of the borders of what it is cut from, and not longer than they are together
// within its feature's box.
func (n *nonagriJob) mayBeThin(a *alert, box geo.Box) (bool, error) {
	var rings geo.Rings
	around := 0.0
	add := func(l *index.Layer, i int) error {
		rings.Reset()
		err := l.Rings(i, &rings)
		around += borderLength(&rings, &box)
		return err
	}
	if err := add(n.subject, a.feature); err != nil {
		return false, err
	}
	for _, c := range n.covers[alertCrop:] {
		var failed error
		c.Layer.Search(box, func(i int) bool {
			if c.Only == nil || c.Only(i) {
				failed = add(c.Layer, i)
			}
			return failed == nil
		})
		if failed != nil {
			return false, failed
		}
	}
	return geo.Hundredths(2*a.left()).M2() < around*n.Rules.Slivers.WidthM.Value, nil
}

// compare holds an alert against those that were pushed before: it is known where more
// than the rules' share of it lies in them together, and then goes on from the one that has
// most of it.
func (n *nonagriJob) compare(ctx context.Context, a *alert, shape geo.MultiPolygon, past []*pastAlert) error {
	var shapes []geo.MultiPolygon
	most := 0.0
	for _, p := range past {
		m, err := p.shape(ctx)
		if err != nil {
			return err
		}
		common := overlay.SharedArea(shape, m)
		if common < overlay.MinShared {
			continue
		}
		shapes = append(shapes, m)
		if common > most+0.01 || math.Abs(common-most) <= 0.01 && a.earlier != nil && strings.Compare(p.id, a.earlier.id) < 0 {
			most, a.earlier = common, p
		}
	}
	if len(shapes) == 0 {
		return nil
	}
	together, err := overlay.Dissolve(ctx, shapes)
	if err != nil {
		return err
	}
	if overlay.SharedArea(shape, together) > n.rules.KnownShare.Value*geo.Area(shape) {
		a.state = knownState
	} else {
		a.earlier = nil
	}
	return nil
}
