package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// unwritable is the problem of the directory of the jobs.
func unwritable(dir string, err error) error {
	if problem.Of(err) != nil {
		return err
	}
	return problem.New("JOBS_UNWRITABLE", "任务目录不能用（%v）", "the directory of the jobs cannot be used (%v)", err).In(dir).
		Advise("用 --jobs 给出一个可写的目录", "give a directory that can be written to with --jobs").Because(err)
}

// serve runs jobs, one after the other, until the queue is closed.
func (q *Queue) serve() {
	for {
		select {
		case <-q.ctx.Done():
			return
		case <-q.wake:
		}
		for q.ctx.Err() == nil {
			e := q.begin()
			if e == nil {
				break
			}
			q.run(e)
		}
	}
}

// begin takes the next job: the one that waits longest of those whose owner was not
// served last, else the one that waits longest.
func (q *Queue) begin() *entry {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	var next *entry
	for _, e := range q.jobs {
		if e.State != Waiting {
			continue
		}
		if next == nil || q.before(e, next) {
			next = e
		}
	}
	if next == nil {
		q.mu.Unlock()
		return nil
	}
	q.last = next.who()
	next.State, next.Began = Running, q.opt.Now()
	next.ctx, next.stop = context.WithTimeout(q.ctx, q.opt.Time)
	q.happened(next, Event{Kind: string(Running)})
	out := next.snapshot()
	q.mu.Unlock()
	q.write(&out)
	return next
}

// who is whose turn a job takes.
func (e *entry) who() string { return e.Tier + "\x00" + e.Owner + "\x00" + e.From }

// before tells whether a is to be run before b.
func (q *Queue) before(a, b *entry) bool {
	if x, y := a.who() == q.last, b.who() == q.last; x != y {
		return y
	}
	if c := a.Asked.Compare(b.Asked); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

// run answers a job, and writes down what came of it.
func (q *Queue) run(e *entry) {
	defer e.stop()
	draft, err := q.draft(e.ID)
	var answer json.RawMessage
	var size int64
	if err == nil {
		answer, err = q.answer(e, draft)
	}
	if err == nil {
		size, err = disk.Size(draft)
	}
	if err == nil && size > q.opt.KeptBytes {
		err = errLarge
	}
	if err == nil {
		err = errors.Join(syncAll(draft), os.Rename(draft, q.Dir(e.ID)), disk.SyncDir(filepath.Dir(draft)))
	}
	if err != nil && draft != "" {
		if rerr := disk.RemoveAll(draft); rerr != nil {
			q.opt.Log.Error("files of a job cannot be removed", "job", e.ID, "error", rerr)
		}
	}
	q.finish(e, answer, size, err)
	q.evict()
}

// answer calls the function that the queue was given. A panic is a fault of ours.
func (q *Queue) answer(e *entry, dir string) (answer json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	q.mu.Lock()
	job := e.snapshot()
	body, held := q.bodies[e.ID]
	q.mu.Unlock()
	if !held {
		if body, err = q.store.body(e.ID); err != nil {
			return nil, err
		}
	}
	answer, err = q.opt.Run(e.ctx, &job, body, dir, q.tell(e))
	if err == nil {
		err = e.ctx.Err() // what was not to go on is not done
	}
	return answer, err
}

// progressEvery is how often the progress of one stage is told.
const progressEvery = 200 * time.Millisecond

func (q *Queue) tell(e *entry) Tell {
	var stage Stage
	return func(s Stage, part, all int) {
		q.mu.Lock()
		defer q.mu.Unlock()
		now := q.opt.Now()
		if e.State != Running || s == stage && now.Sub(e.told) < progressEvery {
			return
		}
		stage, e.told = s, now
		q.happened(e, Event{Kind: Progress, Stage: &s, Part: part, All: all})
	}
}

// draft makes the directory that a job writes to.
func (q *Queue) draft(id string) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dir == "" {
		dir, err := os.MkdirTemp("", "gengtu-jobs-")
		if err != nil {
			return "", err
		}
		q.dir = dir
	}
	draft := filepath.Join(q.dir, draftPrefix+id)
	return draft, errors.Join(os.RemoveAll(draft), os.Mkdir(draft, 0o700))
}

// finish puts a job that has run into its last state, or in line again when the queue is
// being closed.
func (q *Queue) finish(e *entry, answer json.RawMessage, size int64, err error) {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	stopped := err != nil && q.ctx.Err() != nil && !e.ended
	switch {
	case err == nil:
		e.State, e.Answer, e.Bytes, e.Crashes = Done, answer, size, 0
	case stopped:
		e.State, e.Began = Waiting, time.Time{}
		e.seq += progressIDs
	case e.ended:
		e.State = Cancelled
	default:
		e.State, e.Problem = Failed, q.failure(e, err)
	}
	if stopped {
		q.happened(e, Event{Kind: Restarted})
	} else {
		e.Over = q.opt.Now()
		delete(q.bodies, e.ID)
		q.happened(e, Event{Kind: string(e.State), Problem: e.Problem})
	}
	out := e.snapshot()
	q.mu.Unlock()
	q.write(&out)
}

// failure is what is told of an error: a problem as it is, of others that there was one.
func (q *Queue) failure(e *entry, err error) *Failure {
	if p := problem.Of(err); p != nil {
		return failureOf(p)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failureOf(errTime)
	}
	q.opt.Log.Error("an analysis failed", "job", e.ID, "error", err)
	return failureOf(errFault)
}

// syncAll brings the files below dir, and their names, onto the disk.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return disk.SyncDir(path)
		}
		return disk.SyncFile(path)
	})
}
