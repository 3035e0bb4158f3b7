package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/jobs"
)

// runner answers by what the body says: "ok", "fail", "fault", "panic", "big", or "hold"
// until it is let go or its context ends.
type runner struct {
	hold chan struct{}
	mu   sync.Mutex
	ran  []string
}

func newRunner() *runner { return &runner{hold: make(chan struct{})} }

func (r *runner) run(ctx context.Context, j *jobs.Job, body []byte, dir string, tell jobs.Tell) (json.RawMessage, error) {
	r.mu.Lock()
	r.ran = append(r.ran, j.Key)
	r.mu.Unlock()
	tell(jobs.Stage{Zh: "做", En: "doing"}, 1, 2)
	switch what, _, _ := strings.Cut(string(body), " "); what {
	case "fail":
		return nil, problem.New("ANALYZE_LAYER", "没有", "nothing")
	case "fault":
		return nil, errors.New("a secret of ours")
	case "panic":
		panic("a secret of ours")
	case "big":
		return nil, os.WriteFile(filepath.Join(dir, "x"), make([]byte, 5000), 0o600)
	case "hold":
		select {
		case <-r.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return json.RawMessage(`{"files":1}`), os.WriteFile(filepath.Join(dir, "result"), body, 0o600)
}

// options are small bounds.
func options(dir string, r *runner) jobs.Options {
	return jobs.Options{
		Dir: dir, Run: r.run, AtOnce: 1, Waiting: 4, PerOwner: 2, Kept: 3, KeptBytes: 4000, KeptFor: time.Hour, Time: time.Minute,
	}
}

func open(t testing.TB, opt jobs.Options) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() }) // it may be closed
	return q
}

func ask(t testing.TB, q *jobs.Queue, owner, key, body string) jobs.Job {
	t.Helper()
	j, err := q.Ask(jobs.Ask{Tier: "secure", Owner: owner, From: "192.0.2.1", Key: key, Body: []byte(body), About: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// until follows a job until it has such an event, and returns all that came before.
func until(t testing.TB, q *jobs.Queue, id, kind string) []jobs.Event {
	t.Helper()
	late := time.After(20 * time.Second)
	var all []jobs.Event
	last := int64(0)
	for {
		events, more, _, ok := q.Follow(id, last)
		if !ok {
			t.Fatalf("job %s is gone", id)
		}
		for _, e := range events {
			if e.ID <= last {
				t.Fatalf("event %d behind %d", e.ID, last)
			}
			last, all = e.ID, append(all, e)
			if e.Kind == kind {
				return all
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("job %s: no %s in %v", id, kind, kinds(all))
		}
	}
}

func kinds(events []jobs.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return strings.Join(out, " ")
}

// A job is run once, tells how far it is, keeps its files, and is the answer when the
// same is asked again; by another owner, or of another reach, it is another job.
func TestQueue(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		r := newRunner()
		q := open(t, options(dir, r))
		j := ask(t, q, "a", "k", "ok 1")
		if got := kinds(until(t, q, j.ID, "done")); got != "waiting running progress done" {
			t.Error(got)
		}
		data, err := os.ReadFile(filepath.Join(q.Dir(j.ID), "result"))
		if err != nil || string(data) != "ok 1" {
			t.Errorf("%q %v", data, err)
		}
		if again := ask(t, q, "a", "k", "ok 2"); again.ID != j.ID || again.State != jobs.Done || string(again.Answer) != `{"files":1}` || again.Bytes != 4 {
			t.Errorf("%+v", again)
		}
		if other := ask(t, q, "b", "k", "ok 3"); other.ID == j.ID {
			t.Error("another owner was given the job")
		}
		if !q.Cancel(j.ID) || q.Cancel(j.ID) {
			t.Error("a job that is over is removed once")
		}
		if _, err := os.Stat(filepath.Join(q.Dir(j.ID), "result")); err == nil {
			t.Error("its files are there yet")
		}
		at := q.Dir("x")
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Dir(at)); (err == nil) != (dir != "") {
			t.Errorf("%q: %v", dir, err)
		}
		if _, err := q.Ask(jobs.Ask{}); err == nil {
			t.Error("a closed queue takes jobs")
		}
	}
}

// What fails is told as a problem, and of a fault of ours nothing is told.
func TestFailures(t *testing.T) {
	var log bytes.Buffer
	opt := options(t.TempDir(), newRunner())
	opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	opt.PerOwner = 4
	q := open(t, opt)
	for body, code := range map[string]string{"fail": "ANALYZE_LAYER", "fault": "SERVER_FAULT", "panic": "SERVER_FAULT", "big": "TOO_LARGE_ANSWER"} {
		j := ask(t, q, body, body, body)
		until(t, q, j.ID, "failed")
		got, _ := q.Get(j.ID)
		if got.Problem == nil || got.Problem.Code != code || got.Problem.Zh == "" {
			t.Errorf("%s: %+v", body, got.Problem)
		}
		if text, err := json.Marshal(got); err != nil || bytes.Contains(text, []byte("a secret of ours")) {
			t.Errorf("%s %v", text, err)
		}
		if lying, err := filepath.Glob(filepath.Join(opt.Dir, "*"+j.ID)); err != nil || len(lying) > 0 {
			t.Errorf("%s left %v", body, lying)
		}
		// It can be asked again.
		if again := ask(t, q, body, body, "ok"); again.ID == j.ID {
			t.Errorf("%s is not tried again", body)
		}
	}
	if !strings.Contains(log.String(), "a secret of ours") {
		t.Error("the fault is not logged")
	}
	opt = options("", newRunner())
	opt.Time = time.Millisecond
	q = open(t, opt)
	j := ask(t, q, "a", "k", "hold")
	until(t, q, j.ID, "failed")
	if got, _ := q.Get(j.ID); got.Problem.Code != "TIMEOUT" {
		t.Errorf("%+v", got.Problem)
	}
}

// The queue is full for one owner before it is for all, and whoever has one job waits
// behind one of another who has many, not behind all of them.
func TestFull(t *testing.T) {
	r := newRunner()
	q := open(t, options(t.TempDir(), r))
	first := ask(t, q, "a", "a1", "hold")
	until(t, q, first.ID, "running")
	ask(t, q, "a", "a2", "ok")
	refused := func(owner string, want error) {
		t.Helper()
		_, err := q.Ask(jobs.Ask{Tier: "secure", Owner: owner, Key: "more"})
		if err != want { //nolint:errorlint // the two have one code
			t.Errorf("%s: %v, want %v", owner, err, want)
		}
	}
	refused("a", jobs.ErrOwner)
	b := ask(t, q, "b", "b1", "ok")
	ask(t, q, "c", "c1", "ok")
	refused("d", jobs.ErrFull)
	close(r.hold)
	until(t, q, b.ID, "done")
	r.mu.Lock()
	if got := strings.Join(r.ran[:2], " "); got != "a1 b1" {
		t.Errorf("%s: a's second job went before b's first", got)
	}
	r.mu.Unlock()
}

// A job is cancelled while it waits, and while it runs, at once; others go on.
func TestCancel(t *testing.T) {
	q := open(t, options(t.TempDir(), newRunner()))
	a, b := ask(t, q, "a", "1", "hold"), ask(t, q, "b", "2", "hold")
	c := ask(t, q, "c", "3", "ok")
	until(t, q, a.ID, "running")
	if !q.Cancel(b.ID) || kinds(until(t, q, b.ID, "cancelled")) != "waiting cancelled" {
		t.Error("the one that waits is not cancelled")
	}
	if !q.Cancel(a.ID) || kinds(until(t, q, a.ID, "cancelled")) != "waiting running progress cancelled" {
		t.Error("the one that runs is not cancelled")
	}
	until(t, q, c.ID, "done")
	if q.Cancel("x") {
		t.Error("what is not there was cancelled")
	}
}

// A job that its asker leaves ends, be it running or waiting, unless it is over or the same was
// asked once more on its way, by whomever, also over a restart.
func TestLeave(t *testing.T) {
	opt := options(t.TempDir(), newRunner())
	q := open(t, opt)
	wanted, alone := ask(t, q, "a", "1", "hold"), ask(t, q, "b", "2", "hold")
	until(t, q, wanted.ID, "running")
	if wanted.Again || alone.Again {
		t.Error("a new job is said to have been there")
	}
	if again := ask(t, q, "a", "1", "hold"); again.ID != wanted.ID || !again.Again {
		t.Errorf("what runs is asked for again: %+v", again)
	}
	if !q.Leave(alone.ID) || kinds(until(t, q, alone.ID, "cancelled")) != "waiting cancelled" {
		t.Error("the one that waits does not end")
	}
	if q.Leave(alone.ID) || q.Leave("x") {
		t.Error("what is over, or is not there, was left")
	}
	if q.Leave(wanted.ID) {
		t.Error("what was asked for twice ends when one leaves")
	}
	waits := ask(t, q, "e", "5", "hold")
	ask(t, q, "e", "5", "hold")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, opt)
	if q.Leave(wanted.ID) || q.Leave(waits.ID) {
		t.Error("after a restart what was asked for twice ends when one leaves")
	}
	q.Cancel(waits.ID)
	q.Cancel(wanted.ID)
	until(t, q, wanted.ID, "cancelled")
	runs := ask(t, q, "c", "3", "hold")
	until(t, q, runs.ID, "running")
	if !q.Leave(runs.ID) || kinds(until(t, q, runs.ID, "cancelled")) != "waiting running progress cancelled" {
		t.Error("the one that runs does not end")
	}
	done := ask(t, q, "d", "4", "ok")
	until(t, q, done.ID, "done")
	if q.Leave(done.ID) {
		t.Error("what is done was left")
	}
	if again := ask(t, q, "d", "4", "ok"); again.ID != done.ID || again.State != jobs.Done || again.Again {
		t.Errorf("what is done: %+v", again)
	}
}

// What is kept is bounded by number, bytes and age, and nobody drives out what others
// keep.
func TestKept(t *testing.T) {
	opt := options(t.TempDir(), newRunner())
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	var gone []string
	opt.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
	opt.Gone = func(j *jobs.Job) {
		mu.Lock()
		defer mu.Unlock()
		gone = append(gone, j.Key)
	}
	q := open(t, opt)
	do := func(owner, key, body string) {
		t.Helper()
		until(t, q, ask(t, q, owner, key, body).ID, "done")
	}
	// wait runs another job, behind which the one before has been looked through.
	left := func() string {
		t.Helper()
		var keys []string
		for _, j := range q.List(func(*jobs.Job) bool { return true }) {
			keys = append(keys, j.Key)
		}
		return strings.Join(keys, " ")
	}
	do("b", "b1", "ok")
	for i := range 4 {
		do("a", fmt.Sprintf("a%d", i), "ok")
	}
	hold := ask(t, q, "c", "c", "hold")
	until(t, q, hold.ID, "running") // the job before is through
	if got := left(); got != "c a3 a2 b1" {
		t.Errorf("by number: %s", got)
	}
	q.Cancel(hold.ID)
	until(t, q, hold.ID, "cancelled")
	do("b", "b2", "ok "+strings.Repeat("x", 3996))
	hold = ask(t, q, "c", "c", "hold")
	until(t, q, hold.ID, "running")
	if got := left(); strings.Contains(got, "b2") {
		t.Errorf("by bytes: %s", got)
	}
	mu.Lock()
	now = now.Add(2 * time.Hour)
	mu.Unlock()
	q.Cancel(hold.ID)
	until(t, q, hold.ID, "cancelled")
	hold = ask(t, q, "d", "d", "hold")
	until(t, q, hold.ID, "running")
	if got := left(); got != "d c" {
		t.Errorf("by age: %s", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(gone) < 5 {
		t.Error(gone)
	}
	lying, err := os.ReadDir(opt.Dir)
	for _, d := range lying {
		if d.IsDir() && !strings.HasPrefix(d.Name(), "draft-") || err != nil {
			t.Errorf("%v %v", lying, err)
		}
	}
}

// What is asked by another reach, tier or owner is another job, whatever else is the same.
func TestApart(t *testing.T) {
	opt := options("", newRunner())
	opt.Kept = 10
	q := open(t, opt)
	first := jobs.Ask{Tier: "secure", Owner: "a", From: "192.0.2.1", Reach: "x", Key: "k", Body: []byte("ok"), About: json.RawMessage(`{}`)}
	ids := map[string]bool{}
	for _, change := range []func(*jobs.Ask){func(*jobs.Ask) {}, func(a *jobs.Ask) { a.Reach = "" }, func(a *jobs.Ask) { a.Tier = "government" }, func(a *jobs.Ask) { a.Owner = "b" }, func(a *jobs.Ask) { a.Key = "l" }} {
		a := first
		change(&a)
		j, err := q.Ask(a)
		if err != nil {
			t.Fatal(err)
		}
		until(t, q, j.ID, "done")
		ids[j.ID] = true
	}
	if again, err := q.Ask(first); err != nil || len(ids) != 5 || !ids[again.ID] {
		t.Errorf("%v %v", ids, err)
	}
}
