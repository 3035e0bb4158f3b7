package areas

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Shares add up to the total's rounding, each within a unit of its part, even
// where the parts miss the total by what floating point loses.
func TestShares(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(5, seed))
		parts := make([]float64, 1+rng.IntN(9))
		size := math.Pow10(rng.IntN(13) - 3)
		total := 0.0
		for i := range parts {
			parts[i] = rng.Float64() * size
			total += parts[i]
		}
		total *= 1 + (rng.Float64()-0.5)*2e-12
		unit := unitsPerM2(total)
		sum := int64(0)
		for i, v := range shares(total, parts, unitsPerM2(total)) {
			sum += int64(math.Round(v * unit))
			if math.Abs(v-parts[i]) > 1/unit+total*2e-12 {
				t.Errorf("seed %d: part %v became %v", seed, parts[i], v)
			}
		}
		if want := int64(math.Round(roundM2(total) * unit)); sum != want {
			t.Errorf("seed %d: shares add up to %d, want %d", seed, sum, want)
		}
	}
	if got := shares(0, nil, 1e4); len(got) != 0 {
		t.Errorf("no parts gave %v", got)
	}
	if got := shares(1, []float64{1.0 / 3, 1.0 / 3, 1.0 / 3}, 1e4); !slices.Equal(got, []float64{0.3334, 0.3333, 0.3333}) {
		t.Errorf("thirds gave %v", got)
	}
}

// Values that look alike are different classes: null, empty text, numbers and
// texts of digits, and pairs that join to the same text.
func TestGroupingTellsApart(t *testing.T) {
	g := grouping{names: []string{"A", "B"}, fields: []int{0, 1}, byKey: map[string]int32{}}
	values := [][]any{{nil, ""}, {"", nil}, {"", ""}, {int64(1), ""}, {"1", ""}, {1.5, ""}, {"ab", "c"}, {"a", "bc"}, {true, ""}, {"true", ""}}
	for i, v := range values {
		if got := g.ofValues(v); got != int32(i) {
			t.Errorf("%v fell in class %d, want %d", v, got, i)
		}
	}
	for i, v := range values {
		if got := g.ofValues(v); got != int32(i) {
			t.Errorf("%v fell in class %d at the second time, want %d", v, got, i)
		}
	}
}

func TestCompareValues(t *testing.T) {
	ordered := []any{nil, -2.5, int64(1), int64(9), int64(10), "", "0101", "0102", "1"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareValues(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v compare as %d", a, b, got)
			}
		}
	}
}

func TestGroupJSON(t *testing.T) {
	net := 2.5
	got, err := json.Marshal(Group{Fields: []string{"DLBM", "N"}, Values: []any{"01\"", int64(3)}, Count: 1, AreaM2: 10, NetM2: &net})
	if want := `{"DLBM":"01\"","N":3,"features":1,"area_m2":10,"area_mu":0,"patch_m2":null,"net_m2":2.5,"net_mu":null}`; err != nil || string(got) != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}
