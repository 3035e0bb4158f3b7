package mvt_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gengtu/tileserver/mvt"
)

// unitSquare is a polygon that a feature may have.
var unitSquare = []mvt.Polygon{{{{X: 0, Y: 0}, {X: 8, Y: 0}, {X: 8, Y: 8}, {X: 0, Y: 8}}}}

// Rows, of one table or of two, and plain tags are the same bytes.
func TestAppendRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var tables [2]mvt.Values
	for k := range 6 {
		for i := range tables {
			tables[i].Columns = append(tables[i].Columns, "k"+strconv.Itoa(k))
		}
	}
	for round := range 50 {
		if round%3 == 0 {
			tables[0].Reset()
			tables[1].Reset()
		}
		plain, one, mixed := mvt.Layer{Name: "a"}, mvt.Layer{Name: "a"}, mvt.Layer{Name: "a"}
		for i := range 1 + r.IntN(300) {
			f := mvt.Feature{ID: uint64(i + 1), Polygons: unitSquare}
			g, h := f, f
			rows := [2]mvt.Row{{Table: &tables[0]}, {Table: &tables[1]}}
			for k := range r.IntN(7) {
				var v any
				if r.IntN(4) > 0 {
					v = someValue(r)
					f.Tags = append(f.Tags, mvt.Tag{Key: "k" + strconv.Itoa(k), Value: v})
				}
				for i := range rows {
					rows[i].Cells = append(rows[i].Cells, cellOf(&tables[i], k, v))
				}
			}
			g.Row = rows[0]
			if n := r.IntN(3); n < 2 {
				h.Row = rows[n]
			} else {
				h.Tags = f.Tags
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
				t.Fatalf("round %d: rows of %s are other bytes than tags", round, name)
			}
		}
		decoded, err := mvt.Decode(want)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(plain.Features, decoded[0].Features, cmpopts.IgnoreUnexported(mvt.Values{})); d != "" {
			t.Fatal(d)
		}
	}
	if tables[0].Real(math.NaN()) != 0 || tables[0].Real(math.Inf(1)) != 0 {
		t.Error("a value that JSON cannot say was taken")
	}
}

// someValue is a value of any kind, more often a small or a short one; texts have
// lengths of one and of two bytes, and some look like others that are encoded.
func someValue(r *rand.Rand) any {
	switch n := r.IntN(1 << r.IntN(12)); r.IntN(5) {
	case 0:
		return strconv.Itoa(n)
	case 1:
		return strings.Repeat("\x01", n%300)
	case 2:
		return int64(n - 100)
	case 3:
		return float64(n) / 4
	default:
		return n%2 == 0
	}
}

// cellOf returns v as a cell of a column, 0 for nil.
func cellOf(t *mvt.Values, column int, v any) mvt.Cell {
	switch v := v.(type) {
	case string:
		if len(v)%2 == 0 {
			return t.Text([]byte(v))
		}
		return t.TextOf(column, []byte(v))
	case int64:
		return t.Int(v)
	case float64:
		return t.Real(v)
	case bool:
		return t.Bool(v)
	default:
		return 0
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
