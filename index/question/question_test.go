package question_test

import (
	"testing"

	"gengtu/index/question"
)

// Each question has a name of its own, by which it is found, and says what it is and who
// answers it; reconcile is one of them, whatever else is linked.
func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range question.All() {
		if seen[q.Name] || q.Answer == nil || q.Title.Zh == "" || q.Title.En == "" || q.About.Zh == "" || q.About.En == "" {
			t.Errorf("%q: there twice %t, answered %t, %+v, %+v", q.Name, seen[q.Name], q.Answer != nil, q.Title, q.About)
		}
		seen[q.Name] = true
		if got, err := question.Find(q.Name); err != nil || got.Name != q.Name {
			t.Errorf("%s: found %v, %v", q.Name, got, err)
		}
	}
	if !seen["reconcile"] || !seen["siting"] {
		t.Errorf("there are %v", seen)
	}
}
