package tileserver

import (
	"net/netip"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/load"
)

// What a request of a route counts for, where it is more than one: answers that take more
// than a look into a file, and tiles of base maps, of which a viewport asks for a dozen and
// each may be one of those that another server counts.
const (
	costlyWeight = load.Costliest
	baseWeight   = 2
)

var weights = map[string]int{
	"overlay": costlyWeight, "summary": costlyWeight, "diff": costlyWeight, "changes": costlyWeight, "lineage": costlyWeight, "verify": costlyWeight,
	"analyses": costlyWeight, "reconcile": costlyWeight, "result": costlyWeight, "map": costlyWeight, "wms": costlyWeight, "items": costlyWeight, "login": costlyWeight, "base": baseWeight,
}

// weight is how many requests a request of a route counts for.
func weight(route string) int { return max(weights[route], 1) }

// callers are the rates of those who ask.
type callers struct{ addresses, tokens *load.Buckets }

func newCallers(l *Limits) callers {
	return callers{addresses: load.NewBuckets(l.AddressRate), tokens: load.NewBuckets(l.TokenRate)}
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

func (s *Server) slow(r *request, b *load.Buckets, who any, refusal *problem.Problem) error {
	r.retry = b.Take(who, weight(r.route), time.Now())
	if r.retry <= 0 {
		return nil
	}
	r.outcome = access.TooFast
	return refusal
}

// errFastAddress is of an address that asks too often.
var errFastAddress = problem.New("TOO_MANY", "这个地址的请求太快", "this address asks too often").
	Advise("请稍后再试", "try again in a while")

// asker is for whom places are counted: the token, or without one the address.
func (r *request) asker() any {
	if r.token != "" {
		return r.token
	}
	if !r.from.IsValid() {
		r.from = r.server.caller(r)
	}
	return network(r.from)
}
