package mvt_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/mvt"
)

// unitSquare is a polygon that a feature may have.
var unitSquare = []mvt.Polygon{{{{X: 0, Y: 0}, {X: 8, Y: 0}, {X: 8, Y: 8}, {X: 0, Y: 8}}}}

// Values made beforehand, of one table or of two, and plain ones are the same bytes.
func TestAppendValues(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var tables [2]mvt.Values
	for round := range 50 {
		if round%3 == 0 {
			tables[0].Reset()
			tables[1].Reset()
		}
		plain, one, mixed := mvt.Layer{Name: "a"}, mvt.Layer{Name: "a"}, mvt.Layer{Name: "a"}
		for i := range 1 + r.IntN(300) {
			f := mvt.Feature{ID: uint64(i + 1), Polygons: unitSquare}
			g, h := f, f
			for k := range r.IntN(6) {
				key := "k" + strconv.Itoa((k+r.IntN(2))%6)
				var v any
				var made [2]*mvt.Value
				switch n := r.IntN(1 << r.IntN(12)); r.IntN(4) {
				case 0:
					v = strconv.Itoa(n)
					made = [2]*mvt.Value{tables[0].Text([]byte(v.(string))), tables[1].Text([]byte(v.(string)))}
				case 1:
					v = int64(n - 100)
					made = [2]*mvt.Value{tables[0].Int(int64(n - 100)), tables[1].Int(int64(n - 100))}
				case 2:
					v = float64(n) / 4
					made = [2]*mvt.Value{tables[0].Real(float64(n) / 4), tables[1].Real(float64(n) / 4)}
				default:
					v = n%2 == 0
					made = [2]*mvt.Value{tables[0].Bool(n%2 == 0), tables[1].Bool(n%2 == 0)}
				}
				f.Tags = append(f.Tags, mvt.Tag{Key: key, Value: v})
				g.Tags = append(g.Tags, mvt.Tag{Key: key, Value: made[0]})
				h.Tags = append(h.Tags, mvt.Tag{Key: key, Value: []any{v, made[0], made[1]}[r.IntN(3)]})
			}
			plain.Features = append(plain.Features, f)
			one.Features = append(one.Features, g)
			mixed.Features = append(mixed.Features, h)
		}
		want, err := mvt.Append(nil, &plain)
		if err != nil {
			t.Fatal(err)
		}
		for name, l := range map[string]*mvt.Layer{"one table": &one, "a mixture": &mixed} {
			got, err := mvt.Append(nil, l)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("round %d: values of %s are other bytes than plain ones", round, name)
			}
		}
		decoded, err := mvt.Decode(want)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(plain.Features, decoded[0].Features); d != "" {
			t.Fatal(d)
		}
	}
	if tables[0].Real(math.NaN()) != nil || tables[0].Real(math.Inf(1)) != nil {
		t.Error("a value that JSON cannot say was taken")
	}
}

// Each value stands once in a tile, those of a key together.
func TestAppendGroupsValues(t *testing.T) {
	l := mvt.Layer{Name: "a"}
	for i := range 20 {
		l.Features = append(l.Features, mvt.Feature{Polygons: unitSquare, Tags: []mvt.Tag{
			{Key: "name", Value: "n" + strconv.Itoa(i)}, {Key: "class", Value: "c" + strconv.Itoa(i%3)},
		}})
	}
	data, err := mvt.Append(nil, &l)
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, v := range []string{"n0", "n1", "n19", "c0", "c1", "c2"} {
		at := bytes.Index(data, append([]byte{1<<3 | 2, byte(len(v))}, v...))
		if at <= last || bytes.Count(data, append([]byte{1<<3 | 2, byte(len(v))}, v...)) != 1 {
			t.Errorf("%s stands at %d, after %d", v, at, last)
		}
		last = at
	}
}
