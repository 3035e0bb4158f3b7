package analyze_test

import (
	"testing"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/problem"
)

// wantSiteProblem asks and wants a problem of that code.
func wantSiteProblem(t *testing.T, ix *index.Index, req analyze.Request, code string) *problem.Problem {
	t.Helper()
	_, err := analyze.Run(t.Context(), ix, req, analyze.Options{})
	p := problem.Of(err)
	if p == nil || p.Code != code {
		t.Fatalf("%+v: %v, want %s", req, err, code)
	}
	return p
}
