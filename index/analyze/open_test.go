package analyze_test

import (
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/edition"
)

// What is never public stays closed there whatever the policy names; elsewhere, and for
// other questions, what the policy names is open.
func TestOpenIn(t *testing.T) {
	shut := 0
	for _, q := range analyze.Questions() {
		p := edition.Policy{Analyses: []string{q.Name}}
		if q.NotPublic {
			shut++
		}
		if got := q.OpenIn(&edition.Manifest{Tier: edition.Public, Policy: p}); got == q.NotPublic {
			t.Errorf("%s: open in public %t", q.Name, got)
		}
		if !q.OpenIn(&edition.Manifest{Tier: edition.Government, Policy: p}) {
			t.Errorf("%s: not open to government", q.Name)
		}
	}
	if shut == 0 || shut == len(analyze.Questions()) {
		t.Errorf("%d questions are never public", shut)
	}
}
