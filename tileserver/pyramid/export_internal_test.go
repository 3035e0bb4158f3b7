package pyramid

import (
	"testing"

	"gengtu/tileserver/mvt"
)

// CheckMargins is checkMargins for tests of whole pyramids.
func CheckMargins(t *testing.T, here, there []mvt.Feature, below bool) (lines int) {
	t.Helper()
	return checkMargins(t, here, there, below)
}
