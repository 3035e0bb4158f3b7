package tileserver_test

import (
	"net/http"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/answer"
)

// Whoever waits for a job no more ends it where nobody else of the token asked for it, and
// never takes an answer away.
func TestAnalysisLeft(t *testing.T) {
	g := newGate()
	s := serve(t, func(c *tileserver.Config) { c.AnswerFiles = []answer.Extra{g.file()} }, edition.Secure)
	head := s.bearer(edition.Secure)
	leave := func(a analysis) {
		t.Helper()
		if r := s.do(t, http.MethodDelete, "/secure/analyses/"+a.ID+"?unless=wanted", nil, head...); r.StatusCode != http.StatusNoContent {
			t.Errorf("%d %s", r.StatusCode, r.body)
		}
	}
	alone := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	<-g.entered
	leave(alone)
	if events := s.follow(t, edition.Secure, alone.ID, head...); events[len(events)-1].name != "cancelled" || alone.Again {
		t.Errorf("%+v: %s", alone, names(events))
	}
	first := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	<-g.entered
	second := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	if first.Again || !second.Again || second.ID != first.ID {
		t.Errorf("asked twice: %+v, %+v", first, second)
	}
	leave(first)
	close(g.open)
	if events := s.follow(t, edition.Secure, first.ID, head...); events[len(events)-1].name != "done" {
		t.Errorf("one of two leaves: %s", names(events))
	}
	leave(first)
	if r := s.get(t, "/secure/analyses/"+first.ID+"/result.json", head...); r.StatusCode != http.StatusOK {
		t.Errorf("an answer that was left: %d %s", r.StatusCode, r.body)
	}
	at := "/secure/analyses/" + first.ID
	wantProblem(t, "unless", s.do(t, http.MethodDelete, at+"?unless=done", nil, head...), http.StatusBadRequest, "parameter_unless")
	wantProblem(t, "a slip", s.do(t, http.MethodDelete, at+"?unles=wanted", nil, head...), http.StatusBadRequest, "parameter_unknown")
	if r := s.do(t, http.MethodDelete, at, nil, head...); r.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	wantProblem(t, "removed", s.get(t, at, head...), http.StatusNotFound, "no_job")
}
