package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"testing"

	"gengtu/tileserver/access"
	"gengtu/tileserver/access/oidc"
)

// Users of one address do not lock each other out: beside one who tries wrong tokens
// without end, right ones are taken each time, those that come for the first time and
// those of an issuer's users too, and the wrong ones are slowed all the same.
func TestRightTokensBesideWrongOnes(t *testing.T) {
	i := newIDP(t)
	path := filepath.Join(t.TempDir(), "access.json")
	var right []string
	for n := range 20 {
		right = append(right, issue(t, path, access.Token{Name: fmt.Sprintf("user%d", n), Tier: "secure"}))
	}
	f, err := access.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	const weak = "secret123" // whose hash somebody wrote into the file
	digest := sha256.Sum256([]byte(weak))
	f.Tokens = append(f.Tokens, access.Token{Name: "weak", Tier: "secure", Hash: hex.EncodeToString(digest[:]), Created: day0})
	f.OIDC = []access.Issuer{{Config: oidc.Config{Issuer: i.URL, Audience: "gengtu", JWKSURL: i.URL}, Grants: []access.Grant{{Claim: "sub", Value: "u1", Tier: "secure"}}}}
	s := openFile(t, f)
	for _, crowd := range []string{"192.0.2.7", "2001:db8::7", ""} {
		var from netip.Addr
		if crowd != "" {
			from = netip.MustParseAddr(crowd)
		}
		ask := func(token string) access.Decision {
			return s.Check(access.Request{Token: token, Tier: "secure", Address: from})
		}
		if got := ask(weak); got.Outcome != access.Allowed {
			t.Errorf("from %q before: %+v", crowd, got)
		}
		outcomes := map[access.Outcome]int{}
		for n := range 2000 {
			got := ask(fmt.Sprintf("gt_%043d", n))
			outcomes[got.Outcome]++
			if got.Outcome == access.Barred && got.Retry <= 0 || got.Outcome == access.Allowed {
				t.Fatalf("from %q: a wrong token: %+v", crowd, got)
			}
			if got := ask(right[n%len(right)]); got.Outcome != access.Allowed || got.Delay != 0 || got.Name != fmt.Sprintf("user%d", n%len(right)) {
				t.Fatalf("from %q, after %d wrong tokens, a right one: %+v", crowd, n+1, got)
			}
		}
		if outcomes[access.Unknown] > 40 || outcomes[access.Barred] < 1900 {
			t.Errorf("from %q wrong tokens were answered so: %v", crowd, outcomes)
		}
		if got := ask(i.sign(nil)); got.Outcome != access.Allowed {
			t.Errorf("from %q, the user of an issuer: %+v", crowd, got)
		}
		// What can be guessed is not told from what is wrong.
		if got := ask(weak); got.Outcome != access.Barred || got.Name != "" {
			t.Errorf("from %q, a token that can be guessed: %+v", crowd, got)
		}
	}
}

// A flood of addresses, IPv6 nets among them, takes no memory beyond its bound, and
// costs right users nothing.
func TestFloodOfAddresses(t *testing.T) {
	s, token, _ := open(t, access.Token{Name: "a", Tier: "secure"})
	at := func(n int) netip.Addr {
		if n%2 == 0 {
			return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		}
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(n >> 16), 6: byte(n >> 8), 7: byte(n), 15: 1})
	}
	try := func(from, to int) uint64 {
		for n := from; n < to; n++ {
			s.Check(access.Request{Token: fmt.Sprintf("gt_%043d", n), Tier: "secure", Address: at(n)})
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := try(0, 20_000)
	last := try(20_000, 200_000)
	if grown := int64(last) - int64(first); grown > 1<<20 {
		t.Errorf("180,000 more addresses take %d bytes", grown)
	}
	for n := 199_000; n < 200_000; n++ {
		if got := s.Check(access.Request{Token: token, Tier: "secure", Address: at(n)}); got.Outcome != access.Allowed {
			t.Fatalf("from %s: %+v", at(n), got)
		}
	}
	runtime.KeepAlive(s)
}
