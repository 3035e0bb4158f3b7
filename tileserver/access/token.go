package access

import (
	"net/netip"
	"net/url"
	"slices"
	"time"

	"gengtu/index/problem"
)

// Token is one entry of an access file. What a token is bound by is empty or zero
// where it is not bound.
type Token struct {
	// Name tells tokens apart in lists and logs; unique in its file.
	Name string `json:"name"`
	// Tier is the tier that the token opens: "secure" or "government".
	Tier string `json:"tier"`
	// Hash is the SHA-256 of the token in lower-case hexadecimal.
	//
	// A slow hash would protect passwords, which can be guessed. A token is 256
	// random bits, so there is nothing to try, and a check per tile must be
	// cheap.
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
	// Expires is when the token ceases to be valid; zero means never.
	Expires time.Time `json:"expires,omitzero"`
	// Revoked is when the token was taken back; zero means that it was not.
	Revoked time.Time `json:"revoked,omitzero"`
	// Scope is what the token reaches inside of its tier; nil is all of it.
	Scope *Scope `json:"scope,omitempty"`
	Bounds
}

// Unlimited tells whether t opens all of its tier for ever.
func (t *Token) Unlimited() bool { return t.Scope == nil && t.Expires.IsZero() }

// InForce tells whether t is neither revoked nor expired.
func (t *Token) InForce(now time.Time) bool { return t.outcome(t.Tier, now) == Allowed }

// Bounds are what a token, or what an issuer's users get, is bound to beside
// its scope.
type Bounds struct {
	// Rate is how many requests a second are answered, [0, MaxRate], in the long
	// run; Burst is how many at once, [0, MaxBurst], where 0 stands for two
	// seconds' worth, one at least.
	Rate  float64 `json:"rate,omitempty"`
	Burst int     `json:"burst,omitempty"`
	// Origins are the web origins from whose pages it is used. A request then
	// has to say so, in Origin or, as browsers send none with a GET to the page's
	// own server, in Referer.
	Origins []string `json:"origins,omitempty"`
	// Addresses are the networks that it is used from.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
}

// The bounds of [Bounds].
const (
	MaxRate  = 1e6
	MaxBurst = 1_000_000
	// MaxNetworks is how many networks one token may list.
	MaxNetworks = 100
)

// outcome is what a request for tier at a time gets by t.
func (t *Token) outcome(tier string, now time.Time) Outcome {
	switch {
	case !t.Revoked.IsZero():
		return Revoked
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return Expired
	case t.Tier != tier:
		return WrongTier
	default:
		return Allowed
	}
}

// outcome is Allowed where q comes from where b says, or what is wrong with it.
func (b *Bounds) outcome(q *Request) Outcome {
	switch {
	case len(b.Addresses) > 0 && !b.from(q.Address):
		return WrongAddress
	case len(b.Origins) > 0 && !slices.Contains(b.Origins, pageOf(q)):
		return WrongOrigin
	default:
		return Allowed
	}
}

// from tells whether a lies in one of the networks; an address that is not known
// lies in none.
func (b *Bounds) from(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(b.Addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}

// pageOf returns the origin of the page that q is sent by, "" for one that does
// not say. A page of a file or a frame in a sandbox sends the origin "null", which
// is in no list.
func pageOf(q *Request) string {
	if q.Origin != "" {
		return q.Origin
	}
	u, err := url.Parse(q.Referer)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Most is how many requests are answered at once.
func (b *Bounds) Most() int { return b.burst() }

// burst is Burst, or what stands for 0.
func (b *Bounds) burst() int {
	if b.Burst > 0 {
		return b.Burst
	}
	return max(int(2*b.Rate), 1)
}

// check tells what is wrong with b, or nil.
func (b *Bounds) check() *problem.Problem {
	switch {
	case !(b.Rate >= 0 && b.Rate <= MaxRate):
		return problem.New("ACCESS_RATE", "每秒请求数 %g 不在 0 到 %g 之间", "the rate %g is not from 0 to %g requests a second", b.Rate, float64(MaxRate))
	case b.Burst < 0 || b.Burst > MaxBurst:
		return problem.New("ACCESS_RATE", "突发请求数 %d 不在 0 到 %d 之间", "the burst %d is not from 0 to %d requests", b.Burst, MaxBurst)
	case b.Burst > 0 && b.Rate == 0:
		return problem.New("ACCESS_RATE", "给了 burst 没有给 rate", "burst is given without rate").
			Advise("同时给出 rate，或去掉 burst", "give rate too, or leave burst out")
	case len(b.Addresses) > MaxNetworks:
		return problem.New("ACCESS_TOO_LARGE", "地址段 %d 个，最多 %d 个", "%d networks, at most %d may be", len(b.Addresses), MaxNetworks)
	case len(b.Origins) > MaxOrigins:
		return problem.New("ACCESS_TOO_LARGE", "来源 %d 个，最多 %d 个", "%d origins, at most %d may be", len(b.Origins), MaxOrigins)
	}
	for _, o := range b.Origins {
		if p := checkOrigin(o); p != nil {
			return p
		}
	}
	for _, n := range b.Addresses {
		// 10.1.2.3/8 is mostly an address that was meant alone.
		if !n.IsValid() || n != n.Masked() || n.Addr().Is4In6() {
			return problem.New("ACCESS_ADDRESS", "地址段 %s 无效", "the network %s is not valid", n).
				Advise("写作 10.1.0.0/16，网络位之后全为零；单个地址写 /32 或 /128", "write 10.1.0.0/16, with nothing but zeros behind the network; one address with /32 or /128")
		}
	}
	return nil
}
