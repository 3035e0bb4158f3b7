package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/benchmarks/suite"
	"gengtu/index/problem"
	"gengtu/tileserver/jobs"
)

// say tells the process that will kill this one a line.
func say(line string) {
	if _, err := fmt.Fprintln(os.Stdout, line); err != nil {
		panic(err)
	}
}

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("JOBS_TO_KILL"); dir != "" {
		r := newRunner()
		q, err := jobs.Open(options(dir, r))
		if err != nil {
			panic(err)
		}
		for _, j := range q.List(func(*jobs.Job) bool { return true }) {
			if j.Key == "hold" {
				say(j.ID)
			}
		}
		if os.Getenv("JOBS_ASK") != "" {
			a, err := q.Ask(jobs.Ask{Tier: "secure", Owner: "a", Key: "hold", Body: []byte("hold"), About: json.RawMessage(`{}`)})
			if err != nil {
				panic(err)
			}
			if _, err := q.Ask(jobs.Ask{Tier: "secure", Owner: "a", Key: "next", Body: []byte("ok next"), About: json.RawMessage(`{}`)}); err != nil {
				panic(err)
			}
			say(a.ID)
		}
		for {
			for _, j := range q.List(func(j *jobs.Job) bool { return j.Key == "hold" }) {
				events, more, _, _ := q.Follow(j.ID, 0)
				if e := events[len(events)-1]; e.Kind == jobs.Progress { // its beginning is written down
					say("running")
					select {}
				}
				<-more
			}
		}
	}
	os.Exit(m.Run())
}

// killed starts a process that runs jobs of dir, and kills it while one runs.
func killed(t *testing.T, dir string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(append(os.Environ(), "JOBS_TO_KILL="+dir), env...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	suite.Count(t, "killed-job", 1, "kills")
	var told bytes.Buffer
	buf := make([]byte, 256)
	for !strings.Contains(told.String(), "running") {
		n, err := out.Read(buf)
		told.Write(buf[:n])
		if err != nil {
			t.Fatal(err, told.String())
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	id, _, _ := strings.Cut(told.String(), "\n")
	return id
}

// A process that is killed loses nothing: what ran is run again from its beginning and
// says so, what waited is run; but what is killed time after time is given up.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	id := killed(t, dir, "JOBS_ASK=1")
	if err := os.MkdirAll(filepath.Join(dir, strings.Repeat("0", 24)), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRunner()
	q := open(t, options(dir, r))
	until(t, q, id, "restarted")
	close(r.hold)
	if got := kinds(until(t, q, id, "done")); got != "waiting running restarted running progress done" {
		t.Error(got)
	}
	j, _ := q.Get(id)
	if j.Crashes != 0 || j.Events[len(j.Events)-1].ID <= 1<<20 {
		t.Errorf("%+v", j)
	}
	next := ask(t, q, "a", "next", "")
	until(t, q, next.ID, "done")
	if data, err := os.ReadFile(filepath.Join(q.Dir(next.ID), "result")); err != nil || string(data) != "ok next" {
		t.Errorf("%q %v", data, err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	lying, err := os.ReadDir(dir)
	if err != nil || len(lying) != 3 {
		t.Errorf("%v %v", lying, err)
	}

	dir = t.TempDir()
	id = killed(t, dir, "JOBS_ASK=1")
	killed(t, dir)
	killed(t, dir)
	q = open(t, options(dir, newRunner()))
	if j, _ := q.Get(id); j.State != jobs.Failed || j.Problem.Code != "ANALYZE_CRASHED" {
		t.Errorf("%s %+v", j.State, j.Problem)
	}
}

// A queue that is closed while a job runs runs it again, and that counts for no crash.
func TestClosed(t *testing.T) {
	dir := t.TempDir()
	id := ""
	for range 5 {
		q := open(t, options(dir, newRunner()))
		id = ask(t, q, "a", "k", "hold").ID
		late := time.After(20 * time.Second)
		for j, _ := q.Get(id); j.State != jobs.Running; j, _ = q.Get(id) {
			_, more, _, _ := q.Follow(id, 0)
			if j, _ := q.Get(id); j.State == jobs.Running {
				break
			}
			select {
			case <-more:
			case <-late:
				t.Fatal("it does not run")
			}
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := newRunner()
	close(r.hold)
	q := open(t, options(dir, r))
	until(t, q, id, "done")
}

// A damaged list costs the jobs and nothing else, whatever of it is damaged: the queue
// opens, says so, keeps the file, and takes jobs.
func TestDamaged(t *testing.T) {
	good := t.TempDir()
	q := open(t, options(good, newRunner()))
	until(t, q, ask(t, q, "a", "k", "ok").ID, "done")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(good, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"empty page": whole, "text": []byte("no database"), "short": whole[:len(whole)/2], "shorter": whole[:5000]}
	for page := range len(whole) / 4096 {
		b := bytes.Clone(whole)
		for i := range 4096 {
			b[page*4096+i] = byte(i * 7)
		}
		damaged[fmt.Sprint("page ", page)] = b
		zero := bytes.Clone(whole)
		clear(zero[page*4096 : page*4096+4096])
		damaged[fmt.Sprint("no page ", page)] = zero
	}
	moved := 0
	for name, data := range damaged {
		var log bytes.Buffer
		opt := options(t.TempDir(), newRunner())
		opt.Log = slog.New(slog.NewTextHandler(&log, nil))
		if err := os.WriteFile(filepath.Join(opt.Dir, "jobs.db"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		q, err := jobs.Open(opt)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		until(t, q, ask(t, q, "b", "k", "ok").ID, "done")
		if err := q.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if kept, err := os.ReadFile(filepath.Join(opt.Dir, "jobs.db.damaged")); err == nil {
			moved++
			if !bytes.Equal(kept, data) || !strings.Contains(log.String(), "damaged") {
				t.Errorf("%s: %s", name, log.String())
			}
		}
	}
	if moved < 5 {
		t.Errorf("%d of %d were found", moved, len(damaged))
	}
}

// Two processes do not share a list.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	open(t, options(dir, newRunner()))
	if _, err := jobs.Open(options(dir, newRunner())); problem.Of(err) == nil || problem.Of(err).Code != "JOBS_LOCKED" {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jobs.Open(options(file, newRunner())); problem.Of(err) == nil || problem.Of(err).Code != "JOBS_UNWRITABLE" {
		t.Error(err)
	}
}
