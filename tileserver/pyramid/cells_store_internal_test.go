package pyramid

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
)

// random makes a cover of classes whose cells are empty, whole, alike in runs, or
// anything between.
func random(seed uint64, whole int64, classes int) *cover {
	r := rand.New(rand.NewPCG(seed, 4))
	c := &cover{whole: whole}
	for n := range classes {
		k := c.class(string(rune('a' + n)))
		k.count = r.Int64N(1 << 40)
		k.area, k.hasArea = r.Int64N(1<<50)-1<<49, n%2 == 0
		if !k.hasArea {
			k.area = 0
		}
		k.net, k.hasNet = int64(n), n > 0
		for i := range k.blocks {
			if r.IntN(3) > 0 {
				continue
			}
			b := k.block(i)
			for j := 0; j < len(b); {
				v := uint32(0)
				switch r.IntN(3) {
				case 0:
					v = uint32(whole)
				case 1:
					v = uint32(r.Int64N(whole + 1))
				}
				for range 1 + r.IntN(1+r.IntN(200)) {
					if j < len(b) {
						b[j] = v
						j++
					}
				}
			}
			b[0] = 1 // an empty block is not kept
		}
	}
	return c
}

// same tells how a and b differ but for what was drawn of them.
func same(a, b *cover) string {
	if a.whole != b.whole || len(a.classes) != len(b.classes) {
		return fmt.Sprintf("whole %d and %d, classes %d and %d", a.whole, b.whole, len(a.classes), len(b.classes))
	}
	for i, k := range a.classes {
		l := b.classes[i]
		for n, x := range k.blocks {
			if y := l.blocks[n]; (x == nil) != (y == nil) || x != nil && *x != *y {
				return fmt.Sprintf("class %d, block %d", i, n)
			}
		}
		x, y := *k, *l
		clear(x.blocks[:])
		clear(y.blocks[:])
		if x != y {
			return cmp.Diff(x, y, cmp.AllowUnexported(class{}))
		}
	}
	return ""
}

func TestCoverRoundTrip(t *testing.T) {
	for whole := int64(wholeUnits); whole <= wholeMost; whole *= 4 {
		want := random(uint64(whole), whole, 3)
		data := want.append(nil)
		got, err := decodeCover(data)
		if err != nil {
			t.Fatalf("whole %d: %v", whole, err)
		}
		if d := same(want, got); d != "" {
			t.Fatalf("whole %d: %s", whole, d)
		}
		if !bytes.Equal(got.append(nil), data) {
			t.Fatalf("whole %d: other bytes the second time", whole)
		}
	}
}

// A stored cover is summed as the cover is.
func TestCoverAddStored(t *testing.T) {
	for _, whole := range []int64{wholeUnits, wholeUnits << 8, wholeMost} {
		want, got := &cover{}, &cover{}
		for q := range 4 {
			c := random(uint64(q), whole, 3)
			want.add(c, q)
			if err := got.addStored(c.append(nil), q); err != nil {
				t.Fatal(err)
			}
		}
		if d := same(want, got); d != "" {
			t.Errorf("whole %d: %s", whole, d)
		}
	}
}

func TestCoverDamaged(t *testing.T) {
	data := random(1, wholeUnits, 2).append(nil)
	for n := 1; n < len(data); n += 1 + n/50 {
		_, err := decodeCover(data[:n])
		if p := (*problem.Problem)(nil); !errors.As(err, &p) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := decodeCover(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte too many was read")
	}
}

// What is read at all is written again as an equal cover.
func FuzzDecodeCover(f *testing.F) {
	small := &cover{whole: wholeUnits}
	small.class("0101").block(3)[17] = 5
	f.Add(small.append(nil))
	f.Add(random(2, wholeUnits, 1).append(nil))
	f.Add(random(3, wholeUnits<<8, 2).append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCover(data)
		if err != nil {
			return
		}
		for _, k := range c.classes {
			for i, b := range k.blocks {
				if b.total() == 0 {
					k.blocks[i] = nil // the writer leaves them out
				}
			}
		}
		again, err := decodeCover(c.append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := same(c, again); len(c.classes) > 0 && d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkDecodeCover(b *testing.B) {
	data := random(5, wholeUnits, 1).append(nil)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeCover(data); err != nil {
			b.Fatal(err)
		}
	}
}
