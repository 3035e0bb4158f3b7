package profiles

import (
	"regexp"
	"strings"
	"testing"
)

// Patterns of file names mean what regular expressions of .* mean.
func FuzzFits(f *testing.F) {
	f.Add("*DLTB*", "610402DLTB")
	f.Add("GBZ*", "GBZ")
	f.Add("A*B*B", "AXBXB")
	f.Add("AB*BA", "ABA")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		want := regexp.MustCompile("^(?s)" + strings.ReplaceAll(regexp.QuoteMeta(strings.ToValidUTF8(pattern, "")), `\*`, ".*") + "$").MatchString(strings.ToValidUTF8(name, ""))
		if got := fits(strings.ToValidUTF8(pattern, ""), strings.ToValidUTF8(name, "")); got != want {
			t.Errorf("%q fits %q: %v, want %v", name, pattern, got, want)
		}
	})
}
