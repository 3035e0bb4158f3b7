package access

import (
	"path/filepath"
	"testing"
	"time"
)

// A clock that is set back brings no expired token back; one that is set forward counts.
func TestClockSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	token, err := Add(path, Token{Name: "a", Tier: "secure", Created: noon, Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	clock := noon
	s, err := OpenAt(path, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	passed := time.Duration(0)
	s.elapsed = func(time.Time) time.Duration { return passed }
	for _, c := range []struct {
		clock, passed time.Duration
		want          Outcome
	}{
		{0, 0, Allowed}, {59 * time.Minute, 59 * time.Minute, Allowed}, {61 * time.Minute, 61 * time.Minute, Expired},
		{-24 * time.Hour, 61 * time.Minute, Expired}, // set back by a day
		{30 * time.Minute, 90 * time.Minute, Expired},
		{2 * time.Hour, 10 * time.Minute, Expired}, // set forward, or the machine slept
		{20 * time.Minute, 20 * time.Minute, Allowed},
	} {
		clock, passed = noon.Add(c.clock), c.passed
		if got := s.Check(Request{Token: token, Tier: "secure"}).Outcome; got != c.want {
			t.Errorf("the clock at %s when %s have passed: %s, want %s", c.clock, c.passed, got, c.want)
		}
	}
}
