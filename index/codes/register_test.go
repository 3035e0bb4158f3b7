package codes_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/codes"
)

// told lists events as text, codes by their numbers.
func told(r *codes.Register) string {
	number := func(code string) string {
		_, n, _ := r.Scheme.Split(code)
		return fmt.Sprint(n)
	}
	var out []string
	for _, c := range r.Codes() {
		for _, e := range r.Of(c) {
			text := fmt.Sprintf("%s %s %s %d", number(c), e.Vintage, e.Kind, e.ID)
			for _, o := range e.Others {
				text += " <" + number(o)
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n")
}

// What happens to parcels is written down by its kind.
func TestLineage(t *testing.T) {
	before := codes.State{Vintage: "1", Parcels: parcels(1, 100, 2, 100, 3, 60, 4, 50, 5, 70, 6, 80, 7, 20)}
	after := codes.State{Vintage: "2", Parcels: parcels(
		11, 60, 12, 40, // of 1
		2, 160, // took in 3
		4, 45, // smaller
		55, 70, // 5 under another BSM
		9, 30), // new
		Links: []codes.Link{
			{From: 0, To: 0, AreaM2: 60}, {From: 0, To: 1, AreaM2: 40},
			{From: 1, To: 2, AreaM2: 100}, {From: 2, To: 2, AreaM2: 60},
			{From: 3, To: 3, AreaM2: 45}, {From: 4, To: 4, AreaM2: 70, Same: true},
			{From: 6, To: 5, AreaM2: 3}, // 7 is gone; what it shares with 9 is inaccuracy
		}}
	r := codes.NewRegister(design)
	assigned(t, r, []codes.State{before, after})
	want := `1 1 new 1
1 2 split 11 <8
2 1 new 2
2 2 merge 2 <3
3 1 new 3
3 2 retired 0 <2
4 1 new 4
4 2 edit 4
5 1 new 5
5 2 renumber 55
6 1 new 6
6 2 retired 0
7 1 new 7
7 2 retired 0
8 2 split 12 <1
9 2 new 9`
	if d := cmp.Diff(want, told(r)); d != "" {
		t.Error(d)
	}
}

// A code whose parcel is deleted is never given again, to whatever comes: not in the same
// vintage, not in the next, not where the numbers of a generation that is gone are noted.
func TestRetiredStaysRetired(t *testing.T) {
	r := codes.NewRegister(design)
	one := codes.State{Vintage: "1", Parcels: parcels(1, 10, 2, 10)}
	first := assigned(t, r, []codes.State{one}).Codes[0]
	assigned(t, r, []codes.State{{Vintage: "1", Parcels: parcels(1, 10)}})
	back := assigned(t, r, []codes.State{one}).Codes[0]
	if back[0] != first[0] || back[1] == first[1] {
		t.Errorf("codes %v, before %v: parcel 1 keeps its code, that of 2 is retired", back, first)
	}
	if e, _ := r.At(first[1], "1"); e.Kind != codes.Retired {
		t.Errorf("%s is %s", first[1], e.Kind)
	}
	next := assigned(t, r, []codes.State{{Vintage: "2", Parcels: parcels(2, 10, 3, 10)}}).Codes[0]
	if slices.Contains(next, first[1]) || next[0] != back[1] {
		t.Errorf("codes of the next year are %v, after %v and %v", next, first, back)
	}
	// Nor does the ground of the year before bring a code back that this year has given up.
	r = codes.NewRegister(design)
	link := []codes.Link{{From: 0, To: 0, AreaM2: 10, Same: true}}
	years := []codes.State{{Vintage: "1", Parcels: parcels(1, 10)}, {Vintage: "2", Parcels: parcels(1, 10), Links: link}}
	code := assigned(t, r, years).Codes[1][0]
	assigned(t, r, []codes.State{years[0], {Vintage: "2"}})
	if a := assigned(t, r, years); a.Codes[0][0] != code || a.Codes[1][0] == code || a.Codes[1][0] == "" {
		t.Errorf("%s came back: %v", code, a.Codes)
	}
	a, err := codes.Assign(codes.NewRegister(design), []codes.State{one}, codes.Options{LeastShare: 0.5, Floor: map[string]int{"61040200100100": 40}})
	if err != nil {
		t.Fatal(err)
	}
	if _, n, _ := design.Split(a.Codes[0][0]); n != 41 {
		t.Errorf("above a floor of 40 the first number is %d", n)
	}
}

// A register that is not as it was written is none, wherever it was touched.
func TestDamagedRegister(t *testing.T) {
	r := codes.NewRegister(design)
	assigned(t, r, years(3, 12, 2))
	good := r.Entries()
	if _, err := codes.ReadRegister(good); err != nil {
		t.Fatal(err)
	}
	change := func(n int, key, value []byte) []codes.Entry {
		out := slices.Clone(good)
		out[n] = codes.Entry{Key: key, Value: value}
		return out
	}
	last := good[len(good)-1]
	for name, bad := range map[string][]codes.Entry{
		"nothing":       nil,
		"no head":       good[1:],
		"head cut":      change(0, good[0].Key, good[0].Value[:3]),
		"head longer":   change(0, good[0].Key, append(slices.Clone(good[0].Value), 0)),
		"value cut":     change(len(good)-1, last.Key, last.Value[:len(last.Value)-1]),
		"value longer":  change(len(good)-1, last.Key, append(slices.Clone(last.Value), 1)),
		"wrong code":    change(len(good)-1, append([]byte("1"), last.Key[1:]...), last.Value),
		"wrong number":  change(len(good)-1, append(slices.Clone(last.Key[:len(last.Key)-1]), 9), last.Value),
		"no such kind":  change(len(good)-1, last.Key, append(append(slices.Clone(last.Value[:5]), 77), last.Value[6:]...)),
		"other vintage": change(len(good)-1, last.Key, append([]byte("\x042019"), last.Value[5:]...)),
	} {
		if _, err := codes.ReadRegister(bad); !errors.Is(err, codes.ErrRegister) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
