package load

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Costliest is for how many requests of the cheapest kind one counts at most.
const Costliest = 10

// Rate is how often somebody may ask in the long run, and at once after a pause. The
// zero value is no limit.
type Rate struct {
	PerSecond float64
	Burst     int // 0 is twice as many as a second's, at least Costliest
}

func (r Rate) burst() int {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(int(2*r.PerSecond), Costliest)
}

// maxBuckets bounds the callers that are remembered.
const maxBuckets = 1 << 16

// Buckets are the token buckets of callers. Safe for concurrent use; nil has no limit.
type Buckets struct {
	rate Rate

	mu sync.Mutex
	of map[any]*rate.Limiter
}

// NewBuckets returns nil where r is no limit.
func NewBuckets(r Rate) *Buckets {
	if r.PerSecond <= 0 {
		return nil
	}
	return &Buckets{rate: r, of: map[any]*rate.Limiter{}}
}

// Take counts n requests of who, any comparable value, or tells after what time they are let
// in; more than the burst count as the burst.
func (b *Buckets) Take(who any, n int, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	l := b.of[who]
	if l == nil {
		if len(b.of) >= maxBuckets {
			b.forget(now)
		}
		l = rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.burst())
		b.of[who] = l
	}
	b.mu.Unlock()
	res := l.ReserveN(now, min(n, l.Burst()))
	if wait = res.DelayFrom(now); wait > 0 {
		res.CancelAt(now)
	}
	return wait
}

// forget makes room, first of those who have most of their share left: who may ask all at
// once again loses nothing by it.
func (b *Buckets) forget(now time.Time) {
	for _, share := range []float64{1, 0.9, 0.5, 0} {
		for who, l := range b.of {
			if len(b.of) <= maxBuckets*3/4 {
				return
			}
			if l.TokensAt(now) >= share*float64(l.Burst()) {
				delete(b.of, who)
			}
		}
	}
}
