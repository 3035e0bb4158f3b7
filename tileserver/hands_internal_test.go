package tileserver

import (
	"errors"
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
	h := make(hands, extra)
	var working, most atomic.Int64
	var answers sync.WaitGroup
	const many = 16
	for i := range many {
		answers.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 500 {
				n, back := h.take()
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
	if n, back := h.take(); n != extra+1 {
		t.Errorf("alone it has %d", n)
	} else {
		back()
	}
	if n, _ := make(hands).take(); n != 1 {
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
	at("at first", processors)
	for range 100 {
		w.begin()()
	}
	<-time.After(3 * widenAfter)
	if n := runtime.GOMAXPROCS(0); n != processors {
		t.Errorf("after short work there are %d", n)
	}
	first, second := w.begin(), w.begin()
	at("during long work", widthFactor*processors)
	first()
	<-time.After(narrowAfter + 100*time.Millisecond)
	if n := runtime.GOMAXPROCS(0); n != widthFactor*processors {
		t.Errorf("while one works on there are %d", n)
	}
	second()
	at("afterwards", processors)
}

// So many wait for a place and no more: the next one is told at once.
func TestPlacesQueue(t *testing.T) {
	p := newPlaces(2)
	var leave []func()
	for range 2 {
		l, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	var waiters sync.WaitGroup
	var late atomic.Int32
	for range 2 * queueShare {
		waiters.Go(func() {
			l, err := p.take()
			if err == nil {
				l()
			} else if errors.Is(err, errBusy) {
				late.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	for p.waiting.Load() < 2*queueShare {
		<-time.After(time.Millisecond)
	}
	start := time.Now()
	if _, err := p.take(); !errors.Is(err, errOverloaded) || time.Since(start) > placeTime/4 {
		t.Errorf("behind a full queue: %v after %v", err, time.Since(start))
	}
	for _, l := range leave {
		l()
	}
	waiters.Wait()
	if late.Load() > 0 || p.waiting.Load() != 0 || len(p.taken) != 0 {
		t.Errorf("%d were late, %d wait, %d places are taken", late.Load(), p.waiting.Load(), len(p.taken))
	}
}
