package tileserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/analyze"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/tile"
)

// A server that stops while a job runs ends its streams at once, and the next one runs
// the job again from its beginning, which its events say; another generation does not
// change what was asked before, and a damaged list costs no tile.
func TestAnalysisOverRestarts(t *testing.T) {
	g, dir := newGate(), t.TempDir()
	held := func(c *tileserver.Config) { c.JobsDir, c.AnswerFiles = dir, []answer.Extra{g.file()} }
	s := serve(t, held, edition.Secure)
	head := s.bearer(edition.Secure)
	a := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	<-g.entered
	stream, err := s.Get("http://gengtu.test/secure/analyses/" + a.ID + "/events?tk=" + s.tokens[edition.Secure])
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s.stop()
	rest, err := io.ReadAll(stream.Body)
	if _ = stream.Body.Close(); err != nil || !bytes.Contains(rest, []byte("event: progress")) || bytes.Contains(rest, []byte("event: done")) { // read to its end
		t.Errorf("%s %v", rest, err)
	}
	if d := time.Since(begun); d > 8*time.Second {
		t.Errorf("stopping took %s", d)
	}
	close(g.open)
	s.restart(t, held)
	if got := names(s.follow(t, edition.Secure, a.ID, head...)); got != "waiting running restarted running progress done" {
		t.Error(got)
	}
	done := decode[analysis](t, s.get(t, "/secure/analyses/"+a.ID, head...))
	files := s.results(t, done, head...)

	before := s.generations[edition.Secure]
	s.variant(t, edition.Secure, "second", 3)
	s.Reload()
	if now := decode[analysis](t, s.get(t, "/secure/analyses/"+a.ID, head...)); now.Current || now.Generation != before {
		t.Errorf("%+v", now)
	}
	s.stop()
	s.restart(t, held)
	for name, body := range s.results(t, done, head...) {
		if files[name] != body {
			t.Errorf("%s has changed", name)
		}
	}
	if r := s.get(t, "/secure/features/"+done.Layers[0].Name+"/1", head...); r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Generation") != before {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	fresh := s.answered(t, edition.Secure, outside, head...)
	if fresh.Run == done.Run || fresh.Generation == before || !fresh.Current {
		t.Errorf("%+v", fresh)
	}
	s.stop()
	if err := os.WriteFile(filepath.Join(dir, "jobs.db"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.restart(t, held)
	if r := s.get(t, "/secure/tiles/all/w/"+tileAt(tile.W, 13)+".mvt", head...); r.StatusCode != http.StatusOK || !strings.Contains(s.log.String(), "list of jobs was damaged") {
		t.Errorf("%d", r.StatusCode)
	}
	wantProblem(t, "a job that is lost", s.get(t, "/secure/analyses/"+a.ID, head...), http.StatusNotFound, "no_job")
	s.answered(t, edition.Secure, outside, head...)
}

// An answer that is kept is not told any more, by no address, once the policy in force lets
// less be told; the question is asked again.
func TestAnalysisOfOldPolicy(t *testing.T) {
	stricter := map[string]func(*edition.Policy){
		"totals": func(p *edition.Policy) { p.TotalsOnly = true }, "no pieces": func(p *edition.Policy) { p.Pieces = false },
		"rounded": func(p *edition.Policy) { p.RoundM2 = 1000 }, "groups": func(p *edition.Policy) { p.Groups = []string{"QSXZ"} },
		"questions": func(p *edition.Policy) { p.Analyses = []string{"summary"} },
	}
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	a := s.answered(t, edition.Secure, outside, head...)
	first := s.generations[edition.Secure]
	addresses := []string{"analyses/" + a.ID, "analyses/" + a.ID + "/result.json", "analyses/" + a.ID + "/result.json?generation=" + first, "features/" + a.Layers[0].Name + "/1", "ogc/collections/" + a.Layers[0].Name + "/items"}
	for name, change := range stricter {
		f := newFarm(edition.Secure)
		change(&f.policy)
		f.policy.Digest = name
		f.commit(t, s.dirs[edition.Secure], 10)
		s.Reload()
		for _, address := range addresses {
			wantProblem(t, name+": "+address, s.get(t, "/secure/"+address, head...), http.StatusForbidden, "policy")
		}
		if r := s.get(t, "/secure/catalog", head...); bytes.Contains(r.body, []byte(a.Run)) {
			t.Errorf("%s: the catalogue lists its layer", name)
		}
	}
	newFarm(edition.Secure).commit(t, s.dirs[edition.Secure], 10)
	s.Reload()
	for _, address := range addresses[:2] {
		if r := s.get(t, "/secure/"+address, head...); r.StatusCode != http.StatusOK {
			t.Errorf("as lenient as it was: %s: %d %s", address, r.StatusCode, r.body)
		}
	}
}

// What is told of a job is short, however long what was sent: it is held for each job.
func TestAnalysisToldShort(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	figures := "place,area_m2\\n610402,1\\n" + strings.Repeat("\\n", 20_000)
	if job, _ := s.reconciles(t, `{"a":"cropland@2024","b":{"figures":"`+figures+`"},"by":"county"}`, head...); len(s.get(t, "/secure/analyses/"+job.ID, head...).body) > 10_000 {
		t.Error("a job is told with the table that was sent")
	}
	for _, name := range []string{"place", "vintage", "from"} {
		body := `{"question":"summary","` + name + `":"` + strings.Repeat("6", 10_000) + `"}`
		if r := s.post(t, "/secure/analyses", body, head...); r.StatusCode != http.StatusBadRequest || len(r.body) > 2000 {
			t.Errorf("a long %s: %d, %d bytes", name, r.StatusCode, len(r.body))
		}
	}
}

// restart serves the same editions anew.
func (s *service) restart(t *testing.T, change func(*tileserver.Config)) {
	t.Helper()
	again := serve(t, func(c *tileserver.Config) {
		c.Editions = nil
		for _, dir := range s.dirs {
			c.Editions = append(c.Editions, dir)
		}
		store, err := access.Open(s.accessFile)
		if err != nil {
			t.Fatal(err)
		}
		c.Access = store
		change(c)
	})
	s.Server, s.Client, s.stop, s.log = again.Server, again.Client, again.stop, again.log
}

// A question that fails says why, in its status, its events and its result.
func TestAnalysisFails(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) {
		c.AnswerFiles = []answer.Extra{{Form: "x", Write: func(context.Context, *analyze.Result, string) error { return errors.New("a secret of ours") }}}
	}, edition.Secure)
	head := s.bearer(edition.Secure)
	a := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	events := s.follow(t, edition.Secure, a.ID, head...)
	if last := events[len(events)-1]; last.name != "failed" || !strings.Contains(last.data, "SERVER_FAULT") || strings.Contains(last.data, "secret") {
		t.Errorf("%+v", last)
	}
	if now := decode[analysis](t, s.get(t, "/secure/analyses/"+a.ID, head...)); now.State != "failed" || now.Problem == nil || now.Problem.Code != "server_fault" {
		t.Errorf("%+v", now)
	}
	wantProblem(t, "its result", s.get(t, "/secure/analyses/"+a.ID+"/result.json", head...), http.StatusNotFound, "no_answer")
	if again := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...); again.ID == a.ID {
		t.Error("what failed is not tried again")
	}
}

// What failed in our files is told to nobody, and figures that do not agree to those alone
// who may see them.
func TestAnalysisFaults(t *testing.T) {
	for name, x := range map[string]struct {
		err    *problem.Problem
		change func(*edition.Policy)
		told   bool
	}{
		"file":           {problem.New("EDITION_UNREADABLE", "/srv/secret", "/srv/secret"), nil, false},
		"open":           {problem.New("ANALYZE_OPEN", "secret", "secret"), nil, true},
		"open, rounded":  {problem.New("ANALYZE_OPEN", "secret", "secret"), func(p *edition.Policy) { p.RoundM2 = 1000 }, false},
		"one of asker's": {problem.New("POLICY", "secret", "secret"), nil, true},
	} {
		s := serve(t, func(c *tileserver.Config) {
			c.AnswerFiles = []answer.Extra{{Form: "x", Write: func(context.Context, *analyze.Result, string) error { return x.err }}}
		}, edition.Secure)
		if x.change != nil {
			f := newFarm(edition.Secure)
			x.change(&f.policy)
			f.policy.Digest = name
			f.commit(t, s.dirs[edition.Secure], 3)
			s.Reload()
		}
		head := s.bearer(edition.Secure)
		events := s.follow(t, edition.Secure, s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...).ID, head...)
		if last := events[len(events)-1]; last.name != "failed" || strings.Contains(last.data, "secret") != x.told || strings.Contains(last.data, "SERVER_FAULT") == x.told {
			t.Errorf("%s: %+v", name, last)
		}
	}
}
