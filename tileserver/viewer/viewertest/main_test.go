package viewertest_test

import (
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

func TestMain(m *testing.M) { viewertest.Main(m) }
