package edition_test

import (
	"testing"

	"gengtu/index/edition"
)

func TestTiers(t *testing.T) {
	for i, a := range edition.Tiers {
		for k, b := range edition.Tiers {
			if a.Above(b) != (i < k) {
				t.Errorf("%s above %s: %v", a, b, a.Above(b))
			}
		}
		if got, err := edition.ParseTier(string(a)); got != a || err != nil {
			t.Error(got, err)
		}
	}
	if _, err := edition.ParseTier("Secure"); code(err) != "TIER_UNKNOWN" {
		t.Error(err)
	}
	if edition.Tier("").Above(edition.Public) || !edition.Public.Above("") {
		t.Error("no tier is below all tiers")
	}
}
