package compare

import (
	"math"
	"slices"

	"gengtu/index/geo"
)

// coarse rounds the figures of a result to multiples of a step in m².
type coarse float64

func (c coarse) figure(n geo.Hundredths) float64 { return math.Round(float64(n)*float64(c)*100) / 100 }

func (c coarse) count(m2 float64) geo.Hundredths {
	return geo.Hundredths(math.Floor(m2/float64(c) + 0.5))
}

// near rounds a figure that may be missing to the nearest step. Others may hold the same
// pointer: it gets one of its own.
func (c coarse) near(m2 **float64) {
	if *m2 != nil {
		v := c.figure(c.count(**m2))
		*m2 = &v
	}
}

// spread shares total, which has been rounded, out among parts as they were; what is
// missing stays so.
func (c coarse) spread(total *float64, parts []**float64) {
	parts = slices.DeleteFunc(parts, func(p **float64) bool { return *p == nil })
	if total == nil {
		return
	}
	values := make([]float64, len(parts))
	for i, p := range parts {
		values[i] = **p
	}
	for i, n := range geo.LargestRemainder(c.count(*total), values) {
		v := c.figure(n)
		*parts[i] = &v
	}
}

// coarsen rounds all areas of r to multiples of step, for which 0 does nothing. Ground is
// rounded flow by flow, by largest remainder, so that flows still add up to rows, columns
// and whatever else there is of ground; areas of record add up as they did, classes to
// their state and flows to their class.
func (r *Result) coarsen(step float64) {
	c := coarse(step)
	if c == 0 {
		return
	}
	r.RoundedM2 = step
	m := &r.Matrix
	c.flows(m)
	for s, state := range []*State{&r.From, &r.To} {
		totals := [][]Total{m.Rows, m.Columns}[s]
		gross := &state.GrossM2
		c.near(&gross)
		state.GrossM2, state.GroundM2 = *gross, 0
		c.near(&state.PatchM2)
		c.near(&state.NetM2)
		var patches, nets []**float64
		for i := range totals {
			t := &totals[i]
			state.GroundM2 = round(state.GroundM2 + t.AreaM2)
			patches, nets = append(patches, &t.PatchM2), append(nets, &t.NetM2)
		}
		c.spread(state.PatchM2, patches)
		c.spread(state.NetM2, nets)
		for i := range totals {
			t := &totals[i]
			patches, nets = nil, nil
			for k := range m.Flows {
				f := &m.Flows[k]
				switch {
				case s == 0 && f.From != nil && *f.From == t.Class:
					patches, nets = append(patches, &f.FromPatchM2), append(nets, &f.FromNetM2)
				case s == 1 && f.To != nil && *f.To == t.Class:
					patches, nets = append(patches, &f.ToPatchM2), append(nets, &f.ToNetM2)
				}
			}
			c.spread(t.PatchM2, patches)
			c.spread(t.NetM2, nets)
		}
	}
}

// flows rounds the ground of a matrix.
func (c coarse) flows(m *Matrix) {
	parts, sum := make([]float64, len(m.Flows)), 0.0
	for i := range m.Flows {
		parts[i] = m.Flows[i].AreaM2
		sum += parts[i]
	}
	for i, n := range geo.LargestRemainder(c.count(sum), parts) {
		f := &m.Flows[i]
		f.AreaM2 = c.figure(n)
		f.AreaMu = round(f.AreaM2 * geo.MuPerM2)
	}
	m.SameM2, m.MovedM2, m.LostM2, m.GainedM2 = 0, 0, 0, 0
	total := func(list []Total, class *string, m2 float64) {
		for i := range list {
			if class != nil && list[i].Class == *class {
				list[i].AreaM2 = round(list[i].AreaM2 + m2)
				list[i].AreaMu = round(list[i].AreaM2 * geo.MuPerM2)
			}
		}
	}
	for _, list := range [][]Total{m.Rows, m.Columns} {
		for i := range list {
			list[i].AreaM2, list[i].AreaMu = 0, 0
		}
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		total(m.Rows, f.From, f.AreaM2)
		total(m.Columns, f.To, f.AreaM2)
		switch {
		case f.From == nil:
			m.GainedM2 = round(m.GainedM2 + f.AreaM2)
		case f.To == nil:
			m.LostM2 = round(m.LostM2 + f.AreaM2)
		case *f.From == *f.To:
			m.SameM2 = round(m.SameM2 + f.AreaM2)
		default:
			m.MovedM2 = round(m.MovedM2 + f.AreaM2)
		}
	}
}
