package tileserver

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// Rate is how often somebody may ask in the long run, and at once after a pause. The
// zero value is no limit.
type Rate struct {
	PerSecond float64
	Burst     int // 0 is twice as many as a second's, at least costlyWeight
}

func (r Rate) burst() int {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(int(2*r.PerSecond), costlyWeight)
}

// What a request of a route counts for, where it is more than one: answers that take more
// than a look into a file, and tiles of base maps, of which a viewport asks for a dozen and
// each may be one of those that another server counts.
const (
	costlyWeight = 10
	baseWeight   = 2
)

var weights = map[string]int{
	"overlay": costlyWeight, "summary": costlyWeight, "diff": costlyWeight, "changes": costlyWeight, "lineage": costlyWeight, "verify": costlyWeight,
	"analyses": costlyWeight, "reconcile": costlyWeight, "result": costlyWeight, "map": costlyWeight, "wms": costlyWeight, "items": costlyWeight, "login": costlyWeight, "base": baseWeight,
}

// weight is how many requests a request of a route counts for.
func weight(route string) int { return max(weights[route], 1) }

// maxBuckets bounds the callers that are remembered.
const maxBuckets = 1 << 16

// buckets are the token buckets of callers. Safe for concurrent use; nil has no limit.
type buckets struct {
	rate Rate

	mu sync.Mutex
	of map[any]*rate.Limiter // by netip.Prefix or the token's name
}

// newBuckets returns nil where there is no limit.
func newBuckets(r Rate) *buckets {
	if r.PerSecond <= 0 {
		return nil
	}
	return &buckets{rate: r, of: map[any]*rate.Limiter{}}
}

// take counts n requests of who, or tells after what time they are let in.
func (b *buckets) take(who any, n int, now time.Time) (wait time.Duration) {
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
func (b *buckets) forget(now time.Time) {
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

// callers are the rates of those who ask.
type callers struct{ addresses, tokens *buckets }

func newCallers(l *Limits) callers {
	return callers{addresses: newBuckets(l.AddressRate), tokens: newBuckets(l.TokenRate)}
}

// network is what is counted as one address: one of IPv6 has 2^64 to choose from.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address has as many bits
	}
	return p
}

// slowAddress refuses a request of an address that asks too often. The address is that
// of the connection, or where that is a trusted proxy's the one that the proxy names; of
// one whom the proxy does not name, as its own looks whether the server is there, nothing
// is counted.
func (s *Server) slowAddress(r *request) error {
	if s.callers.addresses == nil {
		return nil
	}
	if !r.from.IsValid() {
		r.from = s.caller(r)
	}
	if !r.from.IsValid() {
		return nil
	}
	return s.slow(r, s.callers.addresses, network(r.from), errFastAddress)
}

// slowToken refuses a request with a token that is used too often, where the access file
// sets no rate for it.
func (s *Server) slowToken(r *request) error {
	if s.callers.tokens == nil || r.rated || r.token == "" {
		return nil
	}
	return s.slow(r, s.callers.tokens, r.token, errTooFast)
}

func (s *Server) slow(r *request, b *buckets, who any, refusal *problem.Problem) error {
	r.retry = b.take(who, weight(r.route), time.Now())
	if r.retry <= 0 {
		return nil
	}
	r.outcome = access.TooFast
	return refusal
}

// errFastAddress is of an address that asks too often.
var errFastAddress = problem.New("TOO_MANY", "这个地址的请求太快", "this address asks too often").
	Advise("请稍后再试", "try again in a while")
