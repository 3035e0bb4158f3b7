package policy_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/ingest/policy"
)

// Ids of lower editions are keyed: by key and tier, the same for all vintages.
func TestKeyedIDs(t *testing.T) {
	from := made(t, edition.Layer{Name: "hsf", Vintage: "1"}, index.Feature{ID: 5, Geometry: box(0, 0, 1e8, 1e8)})
	later := made(t, edition.Layer{Name: "hsf", Vintage: "2"}, index.Feature{ID: 5, Geometry: box(0, 0, 2e8, 1e8)})
	id := func(e edited, tier edition.Tier, key []byte) uint64 {
		t.Helper()
		dir := t.TempDir()
		text := rules(string(tier), 25, "{hsf: {}}")
		m, _, err := policy.Derive(t.Context(), e.Index, parse(t, text), tier, key, index.NewWriter(filepath.Join(dir, edition.FeaturesFile)))
		if err != nil {
			t.Fatal(err)
		}
		return features(t, open(t, dir, m).Layer("hsf", ""))[0].ID
	}
	a := id(from, edition.Public, key)
	if b := id(later, edition.Public, key); a != b {
		t.Errorf("a feature is %d and, in another vintage, %d", a, b)
	}
	seen := []uint64{5, a, id(from, edition.Government, key), id(from, edition.Public, bytes.Repeat([]byte{8}, 32))}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 4 {
		t.Errorf("ids of tiers and keys are not told apart: %v", seen)
	}
}

// The publisher's key is made once, kept to its owner, and the same for publishes
// at one moment; a damaged one is refused.
func TestPublisherKey(t *testing.T) {
	dir := t.TempDir()
	got := make(chan string, 8)
	for range 8 {
		go func() {
			k, err := policy.PublisherKey(dir)
			got <- fmt.Sprintf("%x %v", k, err)
		}()
	}
	first := <-got
	for range 7 {
		if k := <-got; k != first || len(k) < 64 {
			t.Errorf("keys %s and %s", first, k)
		}
	}
	path := filepath.Join(dir, edition.PublisherKey)
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
	if err := os.WriteFile(path, []byte("00ff"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := policy.PublisherKey(dir); code(err) != "KEY_BROKEN" {
		t.Error(err)
	}
	if _, err := policy.PublisherKey(filepath.Join(dir, "nowhere")); code(err) != "KEY_UNWRITABLE" {
		t.Error(err)
	}
}
