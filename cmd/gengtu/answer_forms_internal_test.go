package main

import (
	"errors"
	"strings"
	"testing"

	"gengtu/index/problem"
)

// Each ending that a message tells is taken, in whatever case, and one that is none is
// answered with all of them.
func TestAnswerEndings(t *testing.T) {
	told := strings.Fields(answerEndings())
	if len(told) != len(answerForms) || len(told) < 8 {
		t.Errorf("%v are told, there are %d", told, len(answerForms))
	}
	for i, ending := range told {
		if form, err := answerForm("x" + strings.ToUpper(ending)); err != nil || form != answerForms[i].form {
			t.Errorf("%s: %q, %v", ending, form, err)
		}
	}
	_, err := answerForm("x.doc")
	var wrong usageError
	if !errors.As(err, &wrong) {
		t.Fatalf("a .doc: %v", err)
	}
	for _, lang := range []problem.Lang{problem.Chinese, problem.English} {
		if text := problem.Of(err).Text(lang); !strings.Contains(text, answerEndings()) || !strings.Contains(text, `".doc"`) || strings.Contains(text, "%!") {
			t.Errorf("%s: %s", lang, text)
		}
	}
}
