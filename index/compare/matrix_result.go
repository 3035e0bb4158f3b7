package compare

import (
	"math"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// result returns the matrix for reading.
func (m *matrix) result() Matrix {
	out := Matrix{FromField: m.sides[0].field, ToField: m.sides[1].field, Flows: []Flow{}}
	shares := m.shares()
	nf, nt := len(m.sides[0].classes), len(m.sides[1].classes)
	rows, columns := make([]float64, nf+1), make([]float64, nt+1)
	for i := range nf + 1 {
		for k := range nt + 1 {
			at := i*(nt+1) + k
			f := &m.flows[at]
			if *f == (flow{}) {
				continue
			}
			rows[i] += f.area
			columns[k] += f.area
			x := Flow{AreaM2: round(f.area), AreaMu: round(f.area * geo.MuPerM2)}
			if i < nf {
				x.From, x.FromPatchM2, x.FromNetM2 = &m.sides[0].classes[i], shares[0].at(at), shares[1].at(at)
			}
			if k < nt {
				x.To, x.ToPatchM2, x.ToNetM2 = &m.sides[1].classes[k], shares[2].at(at), shares[3].at(at)
			}
			out.Flows = append(out.Flows, x)
			switch {
			case i == nf:
				out.GainedM2 += f.area
			case k == nt:
				out.LostM2 += f.area
			case m.sides[0].classes[i] == m.sides[1].classes[k]:
				out.SameM2 += f.area
			default:
				out.MovedM2 += f.area
			}
		}
	}
	out.Rows, out.Columns = m.sides[0].totals(rows), m.sides[1].totals(columns)
	for _, v := range []*float64{&out.SameM2, &out.MovedM2, &out.LostM2, &out.GainedM2} {
		*v = round(*v)
	}
	return out
}

// totals lists the classes of a state with their ground.
func (s *side) totals(ground []float64) []Total {
	out := []Total{}
	for c, name := range s.classes {
		t := Total{Class: name, Features: int(s.features[c]), AreaM2: round(ground[c]), AreaMu: round(ground[c] * geo.MuPerM2)}
		if s.hasPatch {
			t.PatchM2 = m2(s.patch[c])
		}
		if s.hasNet {
			t.NetM2 = m2(s.net[c])
		}
		out = append(out, t)
	}
	return out
}

// column are areas of record in 0.01 m² by cell; nil where there are none.
type column []geo.Hundredths

func (c column) at(i int) *float64 {
	if c == nil {
		return nil
	}
	return m2(int64(c[i]))
}

func m2(v int64) *float64 {
	f := geo.Hundredths(v).M2()
	return &f
}

// shares rounds the shares of record so that those of each class add up to its
// records: patch and net of the earlier state, then of the later one.
func (m *matrix) shares() [4]column {
	var out [4]column
	for s := range m.sides {
		x := &m.sides[s]
		if x.hasPatch {
			out[2*s] = m.column(s, x.patch, func(f *flow) float64 { return f.patch[s] })
		}
		if x.hasNet {
			out[2*s+1] = m.column(s, x.net, func(f *flow) float64 { return f.net[s] })
		}
	}
	return out
}

// column rounds one kind of record's shares, given by of, so that those of each class of
// side s add up to totals, which are by class in 0.01 m².
func (m *matrix) column(s int, totals []int64, of func(f *flow) float64) column {
	col := make(column, len(m.flows))
	for class, total := range totals {
		cells := m.cells(s, class)
		parts := make([]float64, len(cells))
		for i, at := range cells {
			parts[i] = of(&m.flows[at])
		}
		for i, v := range geo.LargestRemainder(geo.Hundredths(total), parts) {
			col[cells[i]] = v
		}
	}
	return col
}

// cells are the places in flows of what is of a class of side s.
func (m *matrix) cells(s, class int) []int {
	nf, nt := len(m.sides[0].classes), len(m.sides[1].classes)
	var cells []int
	if s == 0 {
		for to := range nt + 1 {
			cells = append(cells, class*(nt+1)+to)
		}
		return cells
	}
	for from := range nf + 1 {
		cells = append(cells, from*(nt+1)+class)
	}
	return cells
}

// round rounds to 4 decimals, half away from zero: sums of a hundred flows then stay
// within 0.01 m². It never gives a negative zero.
func round(v float64) float64 { return math.Round(v*1e4)/1e4 + 0 }

// Comparable returns a problem, DIFF_TIER, when two states are of different tiers:
// their ids cannot be compared.
func Comparable(a, b edition.Tier) error {
	if a == b {
		return nil
	}
	return problem.New("DIFF_TIER", "%[1]s和%[2]s不能比较：要素标识不同", "a %[3]s and a %[4]s edition cannot be compared: their features have other ids", a.Title(problem.Chinese), b.Title(problem.Chinese), a, b).
		Advise("比较同一版别的两个版本", "compare two editions of one tier")
}
