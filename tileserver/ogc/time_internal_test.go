package ogc

import (
	"testing"
	"time"

	"gengtu/index/problem"
)

// Whatever datetime= says, it is refused with a problem, or is an interval that begins
// before it ends and is read again from its own two ends.
func FuzzParseInterval(f *testing.F) {
	for _, s := range []string{"2024", "2024Q3", "2024-06", "2024-02-29", "2024-12-31T00:00:00Z", "2023-01-01/2024-12-31", "../2023", "2023/..", "..", "/", "2024-12-31T23:59:59.999999999+08:00/", "2024/2023"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := parseInterval(text)
		if err != nil {
			if problem.Of(err) == nil {
				t.Fatal(err)
			}
			return
		}
		if !i.From.IsZero() && !i.To.IsZero() && !i.From.Before(i.To) {
			t.Fatalf("%q is from %v to %v", text, i.From, i.To)
		}
		from, to := "..", ".."
		if !i.From.IsZero() {
			from = i.From.Format(time.RFC3339Nano)
		}
		if !i.To.IsZero() {
			to = i.To.Add(-time.Nanosecond).Format(time.RFC3339Nano)
		}
		again, err := parseInterval(from + "/" + to)
		if err != nil || !again.From.Equal(i.From) || !again.To.Equal(i.To) {
			t.Fatalf("%q is %s/%s, which is read as %v: %v", text, from, to, again, err)
		}
		if !i.meets(i) {
			t.Fatalf("%q does not meet itself", text)
		}
	})
}
