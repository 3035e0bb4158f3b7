package contiguity

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// What two goroutines unite at once with the same member is united, under the least one.
func TestForestUnderContention(t *testing.T) {
	const rounds = 200_000
	forests := make([]*forest, rounds)
	for i := range forests {
		forests[i] = newForest(3)
	}
	var at [2]atomic.Int64 // the round that each is in
	var wg sync.WaitGroup
	for w := range int32(2) {
		wg.Go(func() {
			for i, f := range forests {
				at[w].Store(int64(i))
				for spins := 0; at[1-w].Load() < int64(i) && spins < 10000; spins++ {
					if spins%100 == 99 {
						runtime.Gosched()
					}
				}
				f.unite(w, 2)
			}
			at[w].Store(rounds)
		})
	}
	wg.Wait()
	for i, f := range forests {
		for m, root := range f.roots() {
			if root != 0 {
				t.Fatalf("round %d: member %d is under %d", i, m, root)
			}
		}
	}
}
