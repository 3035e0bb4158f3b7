package geo_test

import (
	"cmp"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"gengtu/index/geo"
)

// exactAllotment is the method by rationals, which keep every bit of the shares.
func exactAllotment(total geo.Hundredths, shares []float64) []geo.Hundredths {
	weights := make([]*big.Rat, len(shares))
	sum := new(big.Rat)
	for i, s := range shares {
		weights[i] = new(big.Rat)
		if s > 0 && !math.IsInf(s, 0) {
			weights[i].SetFloat64(s)
		}
		sum.Add(sum, weights[i])
	}
	if sum.Sign() == 0 {
		for i := range weights {
			weights[i].SetInt64(1)
		}
		sum.SetInt64(int64(len(shares)))
	}
	parts := make([]geo.Hundredths, len(shares))
	lost := make([]*big.Rat, len(shares))
	order := make([]int, len(shares))
	left := total
	for i, w := range weights {
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(int64(total)), w)
		exact.Quo(exact, sum)
		down := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: rounded down
		parts[i] = geo.Hundredths(down.Int64())
		lost[i] = exact.Sub(exact, new(big.Rat).SetInt(down))
		order[i] = i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return lost[b].Cmp(lost[a]) })
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}

// surveyShares are shares of any kind: of one size, of many, equal ones, none,
// and what is no share.
func surveyShares(r *rand.Rand, n int) []float64 {
	shares := make([]float64, n)
	spread := []float64{0, 0.1, 3, 30}[r.IntN(4)]
	for i := range shares {
		switch r.IntN(12) {
		case 0:
			shares[i] = []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64}[r.IntN(6)]
		case 1:
			if i > 0 {
				shares[i] = shares[r.IntN(i)]
			}
		default:
			shares[i] = math.Exp(r.NormFloat64() * spread)
		}
	}
	return shares
}

// The parts are those of exact arithmetic, for totals up to the largest.
func TestLargestRemainderExact(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	totals := []geo.Hundredths{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 1 << 53, 1<<53 + 1}
	for i := range 1000 {
		total := geo.Hundredths(r.Int64() >> r.IntN(63))
		if r.IntN(4) == 0 {
			total = -total
		}
		if i < len(totals) {
			total = totals[i]
		}
		shares := surveyShares(r, 1+r.IntN(40))
		got, want := geo.LargestRemainder(total, shares), exactAllotment(total, shares)
		if !slices.Equal(got, want) {
			t.Fatalf("%d among %v: got %v, want %v", total, shares, got, want)
		}
	}
	for _, shares := range [][]float64{
		{math.MaxFloat64, math.SmallestNonzeroFloat64},
		{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
		{math.SmallestNonzeroFloat64, 2 * math.SmallestNonzeroFloat64},
		{1, 0x1p-40, 0x1p-80, 0x1p-120},
	} {
		for _, total := range totals {
			if got, want := geo.LargestRemainder(total, shares), exactAllotment(total, shares); !slices.Equal(got, want) {
				t.Errorf("%d among %v: got %v, want %v", total, shares, got, want)
			}
		}
	}
}

// In another order each share gets the same part, as long as no two are equal:
// of equals the first get more.
func TestLargestRemainderOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 2))
	for range 2000 {
		shares := make([]float64, 2+r.IntN(50))
		for i := range shares {
			shares[i] = r.Float64() + float64(i) // all different
		}
		total := geo.Hundredths(r.Int64() >> r.IntN(63))
		want := geo.LargestRemainder(total, shares)
		order := r.Perm(len(shares))
		other := make([]float64, len(shares))
		for i, k := range order {
			other[i] = shares[k]
		}
		for i, part := range geo.LargestRemainder(total, other) {
			// Different shares may lose the same: 1 and 3 of 2 lose a half each.
			if part != want[order[i]] && math.Abs(float64(part-want[order[i]])) > 1 {
				t.Fatalf("%v: %d in another order, %d before", other[i], part, want[order[i]])
			}
		}
		equal := make([]float64, len(shares))
		for i := range equal {
			equal[i] = shares[0]
		}
		parts := geo.LargestRemainder(total, equal)
		if !slices.IsSortedFunc(parts, func(a, b geo.Hundredths) int { return cmp.Compare(b, a) }) || parts[0]-parts[len(parts)-1] > 1 {
			t.Fatalf("%d among %d equals: %v", total, len(equal), parts)
		}
	}
}

// Many shares: what the rounding of their float64 sum would have moved stays.
func TestLargestRemainderMany(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 3))
	shares := make([]float64, 3000)
	for i := range shares {
		shares[i] = math.Exp(r.NormFloat64() * 4)
	}
	for _, total := range []geo.Hundredths{12345, 960e14, math.MaxInt64} {
		if !slices.Equal(geo.LargestRemainder(total, shares), exactAllotment(total, shares)) {
			t.Errorf("%d among %d shares differs from exact arithmetic", total, len(shares))
		}
	}
}

func FuzzLargestRemainder(f *testing.F) {
	f.Add(int64(100), 1.0, 1.0, 1.0)
	f.Add(int64(math.MaxInt64), 1e300, 1e-300, 5e-324)
	f.Add(int64(math.MinInt64), math.NaN(), math.Inf(1), -1.0)
	f.Fuzz(func(t *testing.T, total int64, a, b, c float64) {
		shares := []float64{a, b, c, a}
		got, want := geo.LargestRemainder(geo.Hundredths(total), shares), exactAllotment(geo.Hundredths(total), shares)
		for i := range got {
			if d := got[i] - want[i]; d > 1 || d < -1 {
				t.Fatalf("%d among %v: got %v, want %v", total, shares, got, want)
			}
		}
		var sum geo.Hundredths
		for _, p := range got {
			sum += p
		}
		if sum != geo.Hundredths(total) {
			t.Fatalf("%d among %v: %v add up to %d", total, shares, got, sum)
		}
	})
}

func BenchmarkLargestRemainder(b *testing.B) {
	r := rand.New(rand.NewPCG(22, 4))
	for _, n := range []int{4, 1000, 100_000} {
		shares := make([]float64, n)
		for i := range shares {
			shares[i] = r.Float64()
		}
		b.Run("n="+strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if parts := geo.LargestRemainder(6_190_486_022, shares); len(parts) != n {
					b.Fatal(len(parts))
				}
			}
		})
	}
}
