package wire_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/wire"
)

// Integers decode as encoding/binary has it, whatever their length and what
// stands behind them.
func TestVarint(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 200_000 {
		v := rng.Int64() >> rng.IntN(64)
		if rng.IntN(2) == 0 {
			v = -v
		}
		data := binary.AppendVarint(nil, v)
		n := len(data)
		for range rng.IntN(12) {
			data = append(data, byte(rng.Uint32()))
		}
		d := wire.Reader{Data: data}
		if got := d.Varint(); got != v || d.Bad || len(d.Data) != len(data)-n {
			t.Fatalf("%d decodes as %d, %d bytes left of %d behind it", v, got, len(d.Data), len(data)-n)
		}
	}
	d := wire.Reader{Data: []byte{0x80, 0x80}}
	if d.Varint(); !d.Bad {
		t.Error("half a number decodes")
	}
}

// Numbers come back from a list of any width that holds them.
func TestNumbers(t *testing.T) {
	for most, width := range map[uint32]int{0: 1, 255: 1, 256: 2, 1<<16 - 1: 2, 1 << 16: 4, 1<<32 - 1: 4} {
		if got := wire.Width(int(most) + 1); got != width {
			t.Errorf("numbers up to %d take %d bytes, want %d", most, got, width)
		}
		var list []byte
		numbers := []uint32{0, most, most / 3}
		for _, n := range numbers {
			list = wire.AppendNumber(list, n, width)
		}
		for i, n := range numbers {
			if got := wire.NumberAt(list, i, width); got != int(n) || len(list) != len(numbers)*width {
				t.Errorf("%d in %d bytes comes back as %d", n, width, got)
			}
		}
	}
}

// What is not there is a fault, is told at the end, and costs nothing.
func TestFaults(t *testing.T) {
	for name, read := range map[string]func(*wire.Reader){
		"half an integer":     func(r *wire.Reader) { r.Uvarint() },
		"half a float":        func(r *wire.Reader) { r.Float() },
		"more bytes":          func(r *wire.Reader) { r.Take(math.MaxUint64) },
		"more things":         func(r *wire.Reader) { r.Data = binary.AppendUvarint(nil, 1<<40); r.Count(1) },
		"a text that is long": func(r *wire.Reader) { r.Data = []byte{200, 1, 'x'}; r.Text() },
	} {
		r := wire.Reader{Data: []byte{0x80, 0x80, 0x80}}
		if read(&r); !r.Bad || r.Whole() || r.Uvarint() != 0 || r.Float() != 0 || r.Text() != "" || r.Count(1) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := wire.Reader{Data: append(wire.AppendFloat(nil, -2.5), 2, 'a', 'b')}
	if v, s := r.Float(), r.Text(); v != -2.5 || s != "ab" || !r.Whole() {
		t.Errorf("%v %q %+v", v, s, r)
	}
}

// No count is believed of things that the record cannot hold.
func TestCount(t *testing.T) {
	for n, want := range map[byte]int{0: 0, 1: 1, 2: 2, 3: 0, 9: 0} {
		r := wire.Reader{Data: append([]byte{n}, make([]byte, 9)...)}
		if got := r.Count(4); got != want || r.Bad != (n > 2) {
			t.Errorf("%d of 4 bytes in 9: %d, bad %v", n, got, r.Bad)
		}
	}
}
