package overlay

import (
	"math"
	"math/big"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay/pairtest"
)

// bigSin is the Taylor series of sin x for |x| up to 15.
func bigSin(x *big.Float) *big.Float {
	sum, term := bigNew(), bigNew().Set(x)
	square := bigNew().Mul(x, x)
	for i := int64(1); term.Sign() != 0 && term.MantExp(nil) > -oraclePrecision; i += 2 {
		sum.Add(sum, term)
		term.Mul(term, square).Quo(term, bigNew().SetInt64(-(i+1)*(i+2)))
	}
	return sum
}

// bigOrdinate is the survey's area function at a latitude, b = 1, in 320 bits.
func bigOrdinate(lat int64) *big.Float {
	phi := bigNew().Mul(survey.radians, bigNew().SetInt64(lat))
	sum := bigNew()
	for i, z := range survey.zonal {
		sum.Add(sum, bigNew().Mul(z, bigSin(bigNew().Mul(phi, bigNew().SetInt64(int64(2*i+1))))))
	}
	return sum
}

// bigEdges are the edges of m in 320 bits from the integers: units of longitude
// by the area function.
func bigEdges(m geo.MultiPolygon, owner int, ordinates map[int64]*big.Float) []oracleEdge {
	y := func(lat int64) *big.Float {
		if ordinates[lat] == nil {
			ordinates[lat] = bigOrdinate(lat)
		}
		return ordinates[lat]
	}
	var out []oracleEdge
	for _, poly := range m {
		for _, r := range poly {
			for i := 1; i < len(r); i++ {
				p, q, sign := r[i-1], r[i], -1
				if p.Lon == q.Lon {
					continue
				}
				if p.Lon > q.Lon {
					p, q, sign = q, p, 1
				}
				fp, fq := float64(p.Lon), float64(q.Lon)
				out = append(out, oracleEdge{bigOf(fp), y(p.Lat), bigOf(fq), y(q.Lat), fp, fq, sign, owner})
			}
		}
	}
	return out
}

// bigAreas adds up the strips between all ends and crossings: which polygons a
// strip lies in is counted from below. It has nothing in common with the
// winding integral; the areas are those of a, b and both.
func bigAreas(edges []oracleEdge) [3]*big.Float {
	sums := [3]*big.Float{bigNew(), bigNew(), bigNew()}
	xs := oracleAbscissas(edges)
	for i := 1; i < len(xs); i++ {
		w := bigNew().Sub(xs[i], xs[i-1])
		if w.Sign() <= 0 {
			continue
		}
		mid := bigNew().Quo(bigNew().Add(xs[i], xs[i-1]), bigOf(2))
		var ls []oracleLevel
		for j := range edges {
			if e := &edges[j]; e.x0.Cmp(mid) < 0 && e.x1.Cmp(mid) > 0 {
				ls = append(ls, oracleLevel{e.at(mid), e.owner})
			}
		}
		sortLevels(ls)
		in := [2]bool{}
		for j, l := range ls {
			if j > 0 {
				area := bigNew().Mul(w, bigNew().Sub(l.y, ls[j-1].y))
				for k, yes := range [3]bool{in[0], in[1], in[0] && in[1]} {
					if yes {
						sums[k].Add(sums[k], area)
					}
				}
			}
			in[l.owner] = !in[l.owner]
		}
	}
	for _, s := range sums {
		s.Mul(s, survey.radians).Mul(s, survey.square)
	}
	return sums
}

// The 106-bit truth against 320-bit strips, transform included: a sample of
// every family, to 1e-26 of the larger input.
func TestTruthAgainstStrips(t *testing.T) {
	for _, f := range pairtest.Families() {
		worst, n := 0.0, 0
		for seed := uint64(0); n < 5; seed++ {
			a, b := pairtest.Pair(f, seed)
			if v := a.Vertices() + b.Vertices(); v > 140 {
				if seed < 40 {
					continue
				}
				n += 4 // one large pair is enough
			}
			n++
			ordinates := map[int64]*big.Float{}
			want := bigAreas(append(bigEdges(a, 0, ordinates), bigEdges(b, 1, ordinates)...))
			got := truthOf(a, b)
			larger := max(got.a.hi, got.b.hi)
			for k, v := range [3]double{got.a, got.b, got.shared} {
				d := bigNew().Sub(bigOf(v.hi), want[k])
				e, _ := d.Add(d, bigOf(v.lo)).Float64()
				worst = max(worst, math.Abs(e)/larger)
				if math.Abs(e) > 1e-26*larger {
					t.Errorf("%s seed %d: area %d is %.17g, want %.17g", f, seed, k, v.hi, want[k])
				}
			}
		}
		t.Logf("%-10s worst %.2g of the larger input", f, worst)
	}
}
