package analyze_test

import (
	"testing"

	"gengtu/index/analyze"
)

func TestDefaultRules(t *testing.T) {
	r, err := analyze.DefaultRules()
	if err != nil {
		t.Fatal(err)
	}
	if r.Slivers.AreaM2.Value != 10 || !r.Slivers.AreaM2.Confirmed || len(r.Version.Digest) != 64 {
		t.Errorf("the embedded rules read as %+v", r)
	}
}
