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

// decodeCover opens a stored cover and reads all of it.
func decodeCover(data []byte) (*cover, error) {
	c, err := openCover(data)
	if err != nil {
		return nil, err
	}
	for _, k := range c.classes {
		for i := range k.stored {
			s := &k.stored[i].storedBlock
			if s.total == 0 {
				continue
			}
			if k.blocks[i] = new(block); !s.read(k.blocks[i], uint32(c.whole)) {
				return nil, damaged("第 %d 块", "block %d", i)
			}
		}
		k.stored = nil
	}
	return c, nil
}

func TestCoverRoundTrip(t *testing.T) {
	for whole := int64(wholeUnits); whole <= wholeMost; whole *= 4 {
		want := random(uint64(whole), whole, 3)
		data := want.encode()
		got, err := decodeCover(data)
		if err != nil {
			t.Fatalf("whole %d: %v", whole, err)
		}
		if d := same(want, got); d != "" {
			t.Fatalf("whole %d: %s", whole, d)
		}
		if !bytes.Equal(got.encode(), data) {
			t.Fatalf("whole %d: other bytes the second time", whole)
		}
	}
}

// add sums child, which is quarter 0 to 3 of c's tile (north-west, north-east,
// south-west, south-east), into c: four cells into one. Children must be of one
// zoom, each added once. A nil child is empty.
func (c *cover) add(child *cover, quarter int) {
	if child == nil || len(child.classes) == 0 {
		return
	}
	c.whole = min(child.whole*4, wholeMost)
	for _, from := range child.classes {
		to := c.class(from.name)
		to.join(from)
		for i, b := range from.blocks {
			if b != nil {
				to.sum(b, i, quarter, child.whole)
			}
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
			if err := got.addStored(c.encode(), q); err != nil {
				t.Fatal(err)
			}
		}
		if d := same(want, got); d != "" {
			t.Errorf("whole %d: %s", whole, d)
		}
	}
}

func TestCoverDamaged(t *testing.T) {
	data := random(1, wholeUnits, 2).encode()
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

// Damage inside a block is told by what is drawn of the cover, each time.
func TestDamagedBlockIsNotDrawn(t *testing.T) {
	data := random(1, wholeUnits, 1).encode()
	for i := len(data) - 1; i > len(data)-40; i-- {
		broken := bytes.Clone(data)
		broken[i] ^= 0x15
		c, err := openCover(broken)
		if err != nil {
			continue
		}
		d := &drawer{}
		for range 2 {
			var p *problem.Problem
			if _, err := d.draw(&neighbours{4: c}, telling{}); !errors.As(err, &p) || p.Code != "CELLS_DAMAGED" {
				t.Fatalf("byte %d of %d: %v", i, len(data), err)
			}
		}
	}
}

// What is read at all is written again as an equal cover.
func FuzzDecodeCover(f *testing.F) {
	small := &cover{whole: wholeUnits}
	small.class("0101").block(3)[17] = 5
	f.Add(small.encode())
	f.Add(random(2, wholeUnits, 1).encode())
	f.Add(random(3, wholeUnits<<8, 2).encode())
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
		again, err := decodeCover(c.encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := same(c, again); len(c.classes) > 0 && d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkDecodeCover(b *testing.B) {
	data := random(5, wholeUnits, 1).encode()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeCover(data); err != nil {
			b.Fatal(err)
		}
	}
}
