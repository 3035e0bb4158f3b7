package change

import (
	"cmp"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// toleranceM is how wide, along the borders of patches, ground may be that is in one
// state alone: the survey's grid of 0.1 mm. A new corner on an old border lies up to
// half of that beside it.
const toleranceM = 1e-4

// leastGround is what may differ whatever the borders' length, in m².
const leastGround = 0.01

// group is a part of the package whose patches have nothing to do with those of
// others: what its patches covered and cover must be the same ground.
type group struct {
	before, after []geo.MultiPolygon
	borderM       float64
	first         *flow
	placeless     *flow // ground from or to elsewhere whose record has no shape
	lost, gained  float64
}

// checkGround holds the ground of each group before against that after. A package
// whose records are wrong is not measured.
func (a *applying) checkGround() error {
	if a.report.FaultsFound > 0 {
		return nil
	}
	groups := a.groups()
	a.report.Groups = len(groups)
	work, ctx := errgroup.WithContext(a.ctx)
	work.SetLimit(cmp.Or(max(a.opt.Workers, 0), runtime.GOMAXPROCS(0)))
	for _, g := range groups {
		work.Go(func() error {
			for _, side := range []struct {
				a, b []geo.MultiPolygon
				to   *float64
			}{{g.before, g.after, &g.lost}, {g.after, g.before, &g.gained}} {
				m, err := overlay.DifferenceOfLayers(ctx, side.a, side.b)
				if err != nil {
					return err
				}
				*side.to = geo.Area(m)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for _, g := range groups {
		a.judge(g)
	}
	if err := a.checkPieces(); err != nil {
		return err
	}
	return a.ctx.Err()
}

// judge tells what is wrong with a group's ground.
func (a *applying) judge(g *group) {
	limit := toleranceM*g.borderM + leastGround
	a.report.WorstM2 = max(a.report.WorstM2, g.lost, g.gained)
	sum := func(ms []geo.MultiPolygon) float64 {
		s := 0.0
		for _, m := range ms {
			s += geo.Area(m)
		}
		return s
	}
	switch double := sum(g.after) - sum(g.before); {
	case g.placeless != nil:
		a.fault(g.placeless.problem("PACKAGE_PLACELESS", "调入或调出的记录没有图形，无从核对", "ground from or to elsewhere has no geometry to be held against"))
	case g.lost > limit:
		a.fault(g.first.problem("PACKAGE_GROUND_LOST", "变更前的地面有 %.4f m² 不在变更后的图斑里（允许 %.4f）", "%.4f m² of the ground before are in no patch after (%.4f are allowed)", g.lost, limit))
	case g.gained > limit:
		a.fault(g.first.problem("PACKAGE_GROUND_GAINED", "变更后的图斑有 %.4f m² 不是变更前的地面（允许 %.4f）", "%.4f m² of the patches after were not the ground before (%.4f are allowed)", g.gained, limit))
	case math.Abs(double) > 2*limit:
		a.fault(g.first.problem("PACKAGE_GROUND_DOUBLE", "变更后的图斑互相重叠 %.4f m²（允许 %.4f）", "patches after overlap each other by %.4f m² (%.4f are allowed)", double, 2*limit))
	}
}

// groups joins the patches that flows lead from and to.
func (a *applying) groups() []*group {
	parent := map[*state]*state{}
	root := func(s *state) *state {
		for parent[s] != nil {
			if up := parent[parent[s]]; up != nil {
				parent[s] = up
			}
			s = parent[s]
		}
		return s
	}
	for i := range a.flows {
		f := &a.flows[i]
		if f.kind != inside {
			continue
		}
		if x, y := root(a.old[f.from]), root(a.now[f.to]); x != y {
			parent[x] = y
		}
	}
	of := map[*state]*group{}
	var list []*group
	get := func(s *state) *group {
		r := root(s)
		if of[r] == nil {
			of[r] = &group{}
			list = append(list, of[r])
		}
		return of[r]
	}
	for _, bsm := range sorted(a.old) {
		s := a.old[bsm]
		g := get(s)
		g.first = cmp.Or(g.first, &a.flows[s.flows[0]])
		g.before = append(g.before, s.feature.Geometry)
		g.borderM += border(s.feature.Geometry)
	}
	for _, bsm := range sorted(a.now) {
		s := a.now[bsm]
		g := get(s)
		g.first = cmp.Or(g.first, &a.flows[s.flows[0]])
		g.after = append(g.after, s.feature.Geometry)
		g.borderM += border(s.feature.Geometry)
	}
	for i := range a.flows {
		f := &a.flows[i]
		switch f.kind {
		case inside:
			continue
		case comesIn:
			g := get(a.now[f.to])
			g.before = append(g.before, f.shape)
			g.lacks(f)
		case goesOut:
			g := get(a.old[f.from])
			g.after = append(g.after, f.shape)
			g.lacks(f)
		}
	}
	return list
}

// lacks notes a flow to or from elsewhere without a shape.
func (g *group) lacks(f *flow) {
	if len(f.shape) == 0 {
		g.placeless = cmp.Or(g.placeless, f)
	}
}

// checkPieces holds the shapes of the flows, where they have any, against what the
// patches before and after share.
func (a *applying) checkPieces() error {
	type ends struct{ from, to string }
	pieces := map[ends][]*flow{}
	var order []ends
	for i := range a.flows {
		f := &a.flows[i]
		if f.kind != inside || len(f.shape) == 0 {
			continue
		}
		k := ends{f.from, f.to}
		if pieces[k] == nil {
			order = append(order, k)
		}
		pieces[k] = append(pieces[k], f)
	}
	slices.SortFunc(order, func(a, b ends) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, k := range order {
		from, to := a.old[k.from].feature.Geometry, a.now[k.to].feature.Geometry
		drawn, common, borders := 0.0, overlay.SharedArea(from, to), border(from)+border(to)
		for _, f := range pieces[k] {
			drawn += geo.Area(f.shape)
		}
		if limit := toleranceM*borders + leastGround; math.Abs(drawn-common) > limit {
			a.fault(pieces[k][0].problem("PACKAGE_PIECE", "图形有 %.4f m²，而图斑 %s 与 %s 共有 %.4f m²（允许差 %.4f）", "its geometry has %.4f m², and the patches %s and %s share %.4f m² (%.4f may differ)",
				drawn, k.from, k.to, common, limit))
		}
		if err := a.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// border returns the length of the borders of m in metres, to some 1 %.
func border(m geo.MultiPolygon) float64 {
	const metres = 111_000 / geo.Unit // of a degree of latitude
	sum := 0.0
	for _, p := range m {
		for _, r := range p {
			for i := 1; i < len(r); i++ {
				narrow := math.Cos(float64(r[i].Lat) / geo.Unit * math.Pi / 180)
				sum += math.Hypot(float64(r[i].Lon-r[i-1].Lon)*narrow, float64(r[i].Lat-r[i-1].Lat)) * metres
			}
		}
	}
	return sum
}
