package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Of two deliveries on one line none is taken: the layers of the first would be lost. The
// same folder twice is one.
func TestDeliveryTwice(t *testing.T) {
	first, second := delivery(t, "delivery", "2023"), delivery(t, "delivery", "2024")
	out := filepath.Join(t.TempDir(), "e")
	for _, lang := range []string{"zh", "en"} {
		_, said, code := gengtu(t, "ingest", "--lang", lang, "--delivery", first, "--delivery", second, "--out", out)
		if code != 2 || !strings.Contains(said, "[DELIVERY_TWICE]") || !strings.Contains(said, first) || !strings.Contains(said, second) || !strings.Contains(said, "--add") {
			t.Errorf("%s: %d\n%s", lang, code, said)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	must(t, "ingest", "--delivery", first, "--delivery", first, "--out", out, "--zooms", "10-11")
}
