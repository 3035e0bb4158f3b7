package load

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// However many answers there are, each has a goroutine, together they have no more than
// the hands beside, and one that is alone has all.
func TestHands(t *testing.T) {
	const extra = 3
	h := make(Hands, extra)
	var working, most atomic.Int64
	var answers sync.WaitGroup
	const many = 16
	for i := range many {
		answers.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 500 {
				n, back := h.Take()
				if n < 1 || n > extra+1 {
					t.Errorf("%d goroutines for one answer", n)
				}
				now := working.Add(int64(n))
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				<-time.After(time.Duration(rng.IntN(50)) * time.Microsecond)
				working.Add(int64(-n))
				back()
			}
		})
	}
	answers.Wait()
	if most.Load() > many+extra {
		t.Errorf("%d goroutines work at once", most.Load())
	}
	if n, back := h.Take(); n != extra+1 {
		t.Errorf("alone it has %d", n)
	} else {
		back()
	}
	if n, _ := make(Hands).Take(); n != 1 {
		t.Errorf("with one processor there are %d", n)
	}
}

// Long work widens, short work does not, and when there is none for a while it is over.
func TestWidth(t *testing.T) {
	w := &width{}
	at := func(when string, want int) {
		t.Helper()
		for end := time.Now().Add(10 * narrowAfter); runtime.GOMAXPROCS(0) != want; <-time.After(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s there are %d processors, want %d", when, runtime.GOMAXPROCS(0), want)
			}
		}
	}
	at("at first", Processors)
	for range 100 {
		w.begin()()
	}
	<-time.After(3 * widenAfter)
	if n := runtime.GOMAXPROCS(0); n != Processors {
		t.Errorf("after short work there are %d", n)
	}
	first, second := w.begin(), w.begin()
	at("during long work", widthFactor*Processors)
	first()
	<-time.After(narrowAfter + 100*time.Millisecond)
	if n := runtime.GOMAXPROCS(0); n != widthFactor*Processors {
		t.Errorf("while one works on there are %d", n)
	}
	second()
	at("afterwards", Processors)
}
