package access

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// guess is the nth wrong token.
func guess(n int) [sha256.Size]byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return sha256.Sum256(b[:])
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// Wrong tokens of one address are answered at once, then later and later, then not at
// all; other addresses are not hurt, and time heals.
func TestGuesses(t *testing.T) {
	var g guesses
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	last := time.Duration(0)
	for n := 1; n <= maxGuesses; n++ {
		if wait := g.barred(a, noon); wait > 0 {
			t.Fatalf("barred for %s after %d wrong tokens", wait, n-1)
		}
		delay := g.wrong(a, guess(n), noon)
		if n <= freeGuesses && delay != 0 || n > freeGuesses && (delay <= last || delay > 2*time.Second) {
			t.Errorf("wrong token %d is held back for %s, the one before for %s", n, delay, last)
		}
		last = delay
	}
	wait := g.barred(a, noon)
	if wait <= 0 || wait > guessLeak {
		t.Fatalf("after %d wrong tokens barred for %s", maxGuesses, wait)
	}
	if g.barred(b, noon) > 0 {
		t.Error("another address is barred")
	}
	if g.barred(a, noon.Add(wait)) > 0 {
		t.Error("still barred after what was said")
	}
	if g.wrong(a, guess(1000), noon.Add(wait)); g.barred(a, noon.Add(wait)) == 0 {
		t.Error("one more wrong token does not bar again")
	}
	// Over any time, tokens are tried no faster than the meter runs down.
	tried := 0
	for at := noon.Add(time.Hour); at.Before(noon.Add(2 * time.Hour)); at = at.Add(100 * time.Millisecond) {
		if g.barred(a, at) == 0 {
			g.wrong(a, guess(10_000+tried), at)
			tried++
		}
	}
	if most := maxGuesses + int(time.Hour/guessLeak) + 1; tried > most {
		t.Errorf("%d tokens were tried in an hour, want %d at most", tried, most)
	}
	if g.barred(a, noon.Add(24*time.Hour)) > 0 || len(g.of) != 0 || g.known.Load() != 0 {
		t.Errorf("after a day %d addresses are remembered", len(g.of))
	}
}

// A page that goes on with an old token is not taken for one that guesses.
func TestSameTokenCountsOnce(t *testing.T) {
	var g guesses
	a := netip.MustParseAddr("192.0.2.1")
	for range 1000 {
		if d := g.wrong(a, guess(1), noon) + g.wrong(a, guess(2), noon) + g.barred(a, noon); d > 0 {
			t.Fatalf("waits %s", d)
		}
	}
}

// A user of IPv6 has a net of 64 bits, and is one; users next door are others.
func TestGuessersOfIPv6(t *testing.T) {
	var g guesses
	for n := range maxGuesses {
		g.wrong(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(n)}), guess(n), noon)
	}
	if g.barred(netip.MustParseAddr("2001:db8::ffff"), noon) == 0 {
		t.Error("another address of the net is not barred")
	}
	if g.barred(netip.MustParseAddr("2001:db8:0:1::1"), noon) > 0 {
		t.Error("another net is barred")
	}
	if g.barred(netip.Addr{}, noon) > 0 {
		t.Error("who is not known is barred")
	}
}

// Many addresses that try one token each are slowed together, who tried none is not,
// and what is remembered of them is bounded.
func TestGuessesOfAll(t *testing.T) {
	var g guesses
	at := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
	const many = 5 * maxGuessers
	for n := range many {
		g.wrong(at(n), guess(n), noon)
		if len(g.of) > maxGuessers {
			t.Fatalf("%d addresses are remembered", len(g.of))
		}
	}
	if g.barred(at(many-1), noon) == 0 {
		t.Error("one of many that guess is not barred")
	}
	if g.barred(netip.MustParseAddr("192.0.2.1"), noon) > 0 {
		t.Error("an address that guessed nothing is barred")
	}
	if g.barred(at(many-1), noon.Add(2*guessLeak)) > 0 {
		t.Error("barred for ever")
	}
}

func BenchmarkBarred(b *testing.B) {
	var g guesses
	for n := range maxGuessers {
		g.wrong(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), guess(n), noon)
	}
	a := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		if g.barred(a, noon) > 0 {
			b.Fatal("barred")
		}
	}
}
