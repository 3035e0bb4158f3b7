package tileserver

import (
	"context"
	"slices"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/compare"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// relative is a feature of the vintage before or after that ground of one came from or
// went to.
type relative struct {
	// Layer is where the feature is: the layer asked about or, of cropland that is a
	// part of dltb, dltb for what was or became other land.
	Layer   string `json:"layer"`
	Vintage string `json:"vintage"`
	// ID is null for ground that came from or went to what the layer does not hold.
	ID  *uint64 `json:"id"`
	Key string  `json:"key,omitempty"`
	// Class is the feature's class, where the layer has one.
	Class string `json:"class,omitempty"`
	// AreaM2 is the ground that both share, ellipsoidal; RecordM2 what the update
	// package says, where there was one and the tier has areas of record.
	AreaM2   *float64 `json:"area_m2"`
	AreaMu   *float64 `json:"area_mu"`
	RecordM2 *float64 `json:"record_m2"`
	// Source is "record" when the update package says so, "geometry" when it follows
	// from shared ground.
	Source string `json:"source"`
}

// mayTellLineage refuses what single features came from where the policy does not let it be
// told: POLICY.
func (r *request) mayTellLineage() error {
	if err := r.mayAsk(askLineage); err != nil {
		return err
	}
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	if r.ix().Manifest.Policy.Pieces {
		return nil
	}
	return problem.New("POLICY", "本版不提供逐个要素的沿革", "this edition does not answer with the lineage of single features").
		Advise("用 diff 取两个时相的合计", "take the sums of two vintages from diff")
}

// handleLineage answers with what a feature came from in the vintage before and what
// became of it in the one after, see [relative].
func (s *Server) handleLineage(r *request) error {
	if err := r.mayTellLineage(); err != nil {
		return err
	}
	l, i, err := r.featureOf()
	if err != nil {
		return err
	}
	done, err := s.overlays.Take(r.asker()) // a long feature is measured against all along it
	if err != nil {
		return err
	}
	defer done()
	f, err := l.Feature(i)
	if err != nil {
		return err
	}
	doc := map[string]any{
		"generation": r.gen.Name(), "tier": r.tier, "layer": l.Meta.Name, "vintage": l.Meta.Vintage, "id": f.ID, "key": compare.Key(l.Meta, &f),
		"vintage_before": nil, "vintage_after": nil, "predecessors": []relative{}, "successors": []relative{},
	}
	vintages := r.ix().Vintages(l.Meta.Name) // latest first
	at := slices.Index(vintages, l.Meta.Vintage)
	for _, side := range []struct {
		at              int
		vintage, member string
		links           func(other string) []told
	}{
		{at + 1, "vintage_before", "predecessors", func(other string) []told {
			return predecessors(r.ix().Lineage(l, other, l.Meta.Vintage), f.ID)
		}},
		{at - 1, "vintage_after", "successors", func(other string) []told {
			return successors(r.ix().Lineage(l, l.Meta.Vintage, other), f.ID)
		}},
	} {
		if side.at < 0 || side.at >= len(vintages) {
			continue
		}
		other := vintages[side.at]
		found, err := r.relatives(l, i, other, side.links(other))
		if err != nil {
			return err
		}
		for k := range found {
			found[k].round(r.policy().RoundM2)
		}
		doc[side.vintage], doc[side.member] = other, found
	}
	return r.sendJSON(doc)
}

// told is what an update package says of a feature: the other one, 0 for none that the
// layer holds, and the area of record.
type told struct {
	id   uint64
	area int64
}

func predecessors(g *index.Lineage, id uint64) (out []told) {
	if g != nil {
		for _, k := range g.Predecessors(id) {
			out = append(out, told{k.From, k.Area})
		}
	}
	return out
}

func successors(g *index.Lineage, id uint64) (out []told) {
	if g != nil {
		for _, k := range g.Successors(id) {
			out = append(out, told{k.To, k.Area})
		}
	}
	return out
}

// family is where the relatives of a layer's features are in another vintage: shown is
// the layer itself, other the one that it is a view of, or itself.
type family struct{ shown, other *index.Layer }

// relatives lists the features of another vintage that feature i of l shares ground
// with, or those that an update package named where there was one. The caller holds a
// place among the overlays.
func (r *request) relatives(l *index.Layer, i int, vintage string, said []told) ([]relative, error) {
	in := family{r.ix().Layer(l.Meta.Name, vintage), r.ix().Layer(l.Meta.Name, vintage)}
	if v := l.Meta.View; v != nil {
		// Without the layer that it is a view of, the rest of that is not told.
		if whole := r.ix().Layer(v.Of, vintage); whole != nil {
			in.other = whole
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.server.cfg.Limits.Overlay)
	defer cancel()
	kin, err := compare.KinOf(ctx, l, i, in.other)
	if err != nil {
		return nil, err
	}
	if limit := r.server.cfg.Limits.Features; max(len(kin), len(said)) > limit {
		return nil, problem.New("TOO_LARGE_LIST", "要素与 %d 个以上的要素有共同地面", "the feature shares ground with more than %d features", limit).
			Advise("用 gengtu diff 取两个时相的比较", "compare the two vintages with gengtu diff")
	}
	if len(said) > 0 {
		return in.said(said, kin)
	}
	out := []relative{}
	for _, k := range kin {
		x, err := in.at(k.At)
		if err != nil {
			return nil, err
		}
		x.Source = "geometry"
		x.measure(k.AreaM2)
		out = append(out, x)
	}
	return out, nil
}

// said lists what an update package says.
func (in family) said(list []told, kin []compare.Kin) ([]relative, error) {
	out := []relative{}
	for _, k := range list {
		x := relative{Layer: in.other.Meta.Name, Vintage: in.other.Meta.Vintage}
		if k.id != 0 {
			at, ok := in.other.ByID(k.id)
			if !ok {
				continue // an update has taken it away since, or the token does not reach it
			}
			var err error
			if x, err = in.at(at); err != nil {
				return nil, err
			}
			for _, c := range kin {
				if c.At == at {
					x.measure(c.AreaM2)
				}
			}
		}
		x.Source = "record"
		if k.area != index.NoArea {
			m2 := geo.Hundredths(k.area).M2()
			x.RecordM2 = &m2
		}
		out = append(out, x)
	}
	return out, nil
}

// at returns the relative with that ordinal.
func (in family) at(i int) (relative, error) {
	f, err := in.other.Feature(i)
	if err != nil {
		return relative{}, err
	}
	m := in.other.Meta
	x := relative{Layer: m.Name, Vintage: m.Vintage, ID: &f.ID, Key: compare.Key(m, &f)}
	if in.shown.Holds(i) {
		x.Layer = in.shown.Meta.Name
	}
	if k := in.other.Field(m.ClassField); k >= 0 {
		x.Class, _ = f.Values[k].(string)
	}
	return x, nil
}

// round rounds what is told of areas to a step in m², as the policy wants it.
func (x *relative) round(step float64) {
	if x.AreaM2 != nil {
		x.measure(areas.RoundedTo(step, *x.AreaM2))
	}
	if x.RecordM2 != nil {
		m2 := areas.RoundedTo(step, *x.RecordM2)
		x.RecordM2 = &m2
	}
}

// measure fills in the ground that is shared.
func (x *relative) measure(areaM2 float64) {
	mu := areaM2 * geo.MuPerM2
	x.AreaM2, x.AreaMu = &areaM2, &mu
}
