package question_test

import (
	"slices"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/question"
)

// neverPublic are the questions whose answers tell of single projects, plots or records. The
// list stands here and not in the questions alone, so that one that forgets it is seen.
var neverPublic = []string{"approvals", "conflicts", "nonagri", "reconcile", "siting"}

// What is never public stays closed there whatever the policy names; elsewhere, and for
// other questions, what the policy names is open.
func TestOpenIn(t *testing.T) {
	var shut []string
	for _, q := range question.All() {
		p := edition.Policy{Analyses: []string{q.Name}}
		if !q.OpenIn(&edition.Manifest{Tier: edition.Public, Policy: p}) {
			shut = append(shut, q.Name)
		}
		if !q.OpenIn(&edition.Manifest{Tier: edition.Government, Policy: p}) {
			t.Errorf("%s: not open to government", q.Name)
		}
	}
	if slices.Sort(shut); !slices.Equal(shut, neverPublic) {
		t.Errorf("never public are %v, not %v", shut, neverPublic)
	}
}
