package load

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Over any time no more is let in than the burst and what the rate gives in it, and who
// waits as he is told is let in. The oracle counts what was let in.
func TestBuckets(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	b := NewBuckets(Rate{PerSecond: 5, Burst: 20})
	start := time.Unix(1e9, 0)
	now, let := start, 0
	for range 5000 {
		now = now.Add(time.Duration(rng.IntN(300)) * time.Millisecond)
		n := []int{1, Costliest}[rng.IntN(2)]
		wait := b.Take("a", n, now)
		if wait > 0 && rng.IntN(4) == 0 {
			now = now.Add(wait)
			now = now.Add(time.Microsecond) // of rounding
			if again := b.Take("a", n, now); again > 0 {
				t.Fatalf("after %v it is to wait %v more", wait, again)
			}
			wait = 0
		}
		if wait == 0 {
			let += n
		}
		if most := 20 + 5*now.Sub(start).Seconds(); float64(let) > most+1e-6 {
			t.Fatalf("%d let in after %v", let, now.Sub(start))
		}
	}
	if rate := float64(let) / now.Sub(start).Seconds(); rate < 4 {
		t.Errorf("only %.1f a second are let in", rate)
	}
}

// Callers are remembered up to a bound; who has used up his share is not forgotten for
// the sake of those who have not.
func TestBucketsAreBounded(t *testing.T) {
	b := NewBuckets(Rate{PerSecond: 1, Burst: 10})
	now := time.Unix(1e9, 0)
	greedy := func() time.Duration { return b.Take("greedy", 10, now) }
	if greedy() > 0 || greedy() == 0 {
		t.Fatal("the burst is not what it should be")
	}
	for i := range 3 * maxBuckets {
		now = now.Add(time.Second / maxBuckets)
		b.Take(i, 1, now)
		if len(b.of) > maxBuckets {
			t.Fatalf("%d callers are remembered", len(b.of))
		}
	}
	if greedy() == 0 {
		t.Error("who has used up his share is forgotten")
	}
}
