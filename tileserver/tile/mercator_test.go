package tile_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// exactly is the precision of the oracle.
const exactly = 200

func bigNumber(v int64) *big.Float { return new(big.Float).SetPrec(exactly).SetInt64(v) }

// exactY is the w row of a latitude in fixed units by another way than the one
// tested: the sine's series about zero, and atanh by halving its argument,
// atanh(s) = 2·atanh(s/(1+√(1-s²))), and its series.
func exactY(lat int64) *big.Float {
	mul := func(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(exactly).Mul(a, b) }
	quo := func(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(exactly).Quo(a, b) }
	add := func(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(exactly).Add(a, b) }
	pi, _, err := big.ParseFloat("3.1415926535897932384626433832795028841971693993751058209749445923078164062862", 10, exactly, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	x := quo(mul(pi, bigNumber(lat)), bigNumber(180*geo.Unit))
	sine, term := x, x
	for k := int64(1); k < 40; k++ {
		term = quo(mul(term, mul(x, x)), bigNumber(-2*k*(2*k+1)))
		sine = add(sine, term)
	}
	s, times := sine, int64(1)
	for range 40 {
		root := new(big.Float).SetPrec(exactly).Sqrt(add(bigNumber(1), mul(mul(s, s), bigNumber(-1))))
		s, times = quo(s, add(bigNumber(1), root)), times*2
	}
	atanh, power := s, s
	for k := int64(1); k < 8; k++ {
		power = mul(power, mul(s, s))
		atanh = add(atanh, quo(power, bigNumber(2*k+1)))
	}
	away := quo(mul(mul(atanh, bigNumber(times)), bigNumber(1<<(tile.FixedBits-1))), pi)
	return add(bigNumber(1<<(tile.FixedBits-1)), mul(away, bigNumber(-1)))
}

// topLat is the highest latitude that w has.
var topLat = int64(math.Floor(tile.MaxLat * geo.Unit))

// Fix lies within 0.6 units of arithmetic of 200 bits: at the borders of its
// table's spans, about the equator, at the ends, and anywhere.
func TestFixIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(44, 1))
	lats := []int64{0, 1, -1, topLat, topLat - 1, -topLat}
	for range 150 {
		border := rng.Int64N(topLat>>29) << 29
		lats = append(lats, border-1, border, border+1, border+1<<28, rng.Int64N(2*topLat)-topLat)
	}
	worst := 0.0
	for _, lat := range lats {
		if lat > topLat || lat < -topLat {
			continue
		}
		off, _ := new(big.Float).Sub(exactY(lat), bigNumber(tile.W.Fix(geo.Position{Lat: lat}).Y)).Float64()
		worst = max(worst, math.Abs(off))
		if math.Abs(off) > 0.6 {
			t.Errorf("latitude %d: off by %.3f units", lat, off)
		}
	}
	for range 10_000 {
		p := geo.Position{Lon: rng.Int64N(360e10+1) - 180e10, Lat: rng.Int64N(180e10+1) - 90e10}
		for name, c := range map[string]struct{ got, of int64 }{
			"x": {tile.C.Fix(p).X, p.Lon + 180e10}, "x of w": {tile.W.Fix(p).X, p.Lon + 180e10}, "y of c": {tile.C.Fix(p).Y, 90e10 - p.Lat},
		} {
			// |got·3.6e12 - of·2^44| ≤ 0.6·3.6e12
			d := new(big.Int).Mul(big.NewInt(c.got), big.NewInt(360e10))
			d.Sub(d, new(big.Int).Lsh(big.NewInt(c.of), tile.FixedBits))
			if d.CmpAbs(big.NewInt(360e10*6/10)) > 0 {
				t.Fatalf("%v: %s is %d", p, name, c.got)
			}
		}
	}
	t.Logf("worst error of a row %.4f units", worst)
}

// The rows grow strictly as latitude falls: at neighbouring latitudes everywhere,
// at every border of the table, and in both halves alike.
func TestFixIsMonotonic(t *testing.T) {
	row := func(lat int64) int64 { return tile.W.Fix(geo.Position{Lat: lat}).Y }
	check := func(lat int64) {
		if lat < topLat && lat >= -topLat && row(lat) <= row(lat+1) {
			t.Fatalf("latitude %d has row %d, the next %d", lat, row(lat), row(lat+1))
		}
		if row(lat)+row(-lat) != 1<<tile.FixedBits {
			t.Fatalf("latitude %d: rows %d and %d are not mirrored", lat, row(lat), row(-lat))
		}
	}
	for border := int64(0); border <= topLat; border += 1 << 29 {
		for d := int64(-3); d <= 3; d++ {
			check(border + d)
		}
	}
	rng := rand.New(rand.NewPCG(44, 2))
	for range 1_000_000 {
		check(rng.Int64N(2*topLat) - topLat)
	}
	if row(90e10) != 0 || row(topLat+1) != 0 || row(-90e10) != 1<<tile.FixedBits {
		t.Error("the poles are not at the plane's ends")
	}
}

// A place's floating point form is the fixed one, and has all its bits.
func TestWorldIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(44, 3))
	for range 100_000 {
		p := geo.Position{Lon: rng.Int64N(360e10) - 180e10, Lat: rng.Int64N(180e10) - 90e10}
		for _, g := range tile.Grids() {
			f, w := g.Fix(p), g.Project(p)
			if got := (tile.Fixed{X: int64(math.Ldexp(w.X, tile.FixedBits)), Y: int64(math.Ldexp(w.Y, tile.FixedBits))}); got != f {
				t.Fatalf("%v: %v as floating point is %v", p, f, got)
			}
		}
	}
}

// The values that this machine gives are those that every machine must give.
func TestFixGolden(t *testing.T) {
	sum := uint64(14695981039346656037)
	rng := rand.New(rand.NewPCG(44, 4))
	for range 1_000_000 {
		f := tile.W.Fix(geo.Position{Lon: rng.Int64N(360e10) - 180e10, Lat: rng.Int64N(180e10) - 90e10})
		sum = (sum ^ uint64(f.X)) * 1099511628211
		sum = (sum ^ uint64(f.Y)) * 1099511628211
	}
	if want := uint64(fixGolden); sum != want {
		t.Errorf("a million places have the sum %#x, want %#x", sum, want)
	}
}

const fixGolden = 0x477cd231fc1ceb9f

func BenchmarkFix(b *testing.B) {
	for _, g := range tile.Grids() {
		b.Run(g.String(), func(b *testing.B) {
			p := geo.Position{Lon: 1084e9, Lat: 343e9}
			sum := int64(0)
			for b.Loop() {
				p.Lon, p.Lat = p.Lon+977, p.Lat+1013
				sum += g.Fix(p).Y
			}
			if sum == 0 {
				b.Fatal("all in row 0")
			}
		})
	}
}

// The rival is the library's functions, whose last bits differ between machines.
func BenchmarkFixMath(b *testing.B) {
	lat, sum := int64(343e9), 0.0
	for b.Loop() {
		lat += 1013
		sum += 0.5 - math.Asinh(math.Tan(float64(lat)/geo.Unit*(math.Pi/180)))/(2*math.Pi)
	}
	if sum == 0 {
		b.Fatal("all in row 0")
	}
}
