package index

import (
	"testing"

	"gengtu/index/edition"
)

// Room made for features that a file says it has is part of the memory that they
// may take.
func TestExpect(t *testing.T) {
	for memory, want := range map[int64]int{0: 1 << 20, 1: 0, 1 << 20: 1 << 20 / 2 / packedBytes, 1 << 30: 1 << 20} {
		w := NewWriter("none")
		w.Limit(memory)
		l := w.Layer(edition.Layer{Name: "dltb", Vintage: "2024"})
		l.Expect(1 << 20)
		if got := cap(l.entries); got != want {
			t.Errorf("with %d bytes there is room for %d features, want %d", memory, got, want)
		}
	}
}
