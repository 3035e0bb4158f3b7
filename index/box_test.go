package index_test

import (
	"math/rand/v2"
	"testing"
)

// A feature's box is the one in its head, and takes no memory.
func TestBox(t *testing.T) {
	l := manySquares(t, rand.New(rand.NewPCG(4, 4)), 1000)
	for i := range l.Len() {
		if got, want := l.Box(i), l.Head(i).Box; got != want {
			t.Fatalf("feature %d has box %v, want %v", i, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { l.Box(7) }); n != 0 {
		t.Errorf("Box allocates %g times", n)
	}
}
