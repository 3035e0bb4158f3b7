package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"gengtu/index/disk"
)

// Queue is a queue of jobs. Safe for concurrent use.
type Queue struct {
	opt    Options
	ctx    context.Context //nolint:containedctx // ends with the queue
	cancel context.CancelFunc
	work   sync.WaitGroup
	wake   chan struct{} // holds one when there may be something to run

	mu      sync.Mutex
	dir     string // "" until the first job has run, where Options.Dir is ""
	store   *store
	bodies  map[string][]byte // where there is no store
	jobs    map[string]*entry // by ID
	last    string            // whose job was begun last
	writing sync.Mutex        // of the store; taken before mu, never behind it
}

// entry is a job of the list. It is guarded by Queue.mu.
type entry struct {
	Job
	seq    int64
	ctx    context.Context    //nolint:containedctx // of a running one
	stop   context.CancelFunc // of ctx
	ended  bool               // it was cancelled by somebody
	change chan struct{}      // closed at the next event
	told   time.Time          // of its last progress
}

// Open opens the queue, and puts in line again what waited or ran when the program
// ended. A list that is damaged is moved aside, logged, and an empty one begun; so
// nothing but its directory (JOBS_UNWRITABLE, JOBS_LOCKED) keeps a queue from opening.
func Open(opt Options) (*Queue, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{opt: opt, dir: opt.Dir, bodies: map[string][]byte{}, jobs: map[string]*entry{}, wake: make(chan struct{}, opt.AtOnce)}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	if opt.Dir != "" {
		if err := q.recall(); err != nil {
			q.cancel()
			return nil, err
		}
	}
	for range opt.AtOnce {
		q.work.Go(q.serve)
	}
	q.work.Go(q.sweep)
	q.stir()
	return q, nil
}

// recall reads the list, and removes files that belong to no job.
func (q *Queue) recall() error {
	if err := os.MkdirAll(q.dir, 0o700); err != nil {
		return unwritable(q.dir, err)
	}
	s, all, damaged, err := openStore(q.dir)
	if damaged != nil {
		q.opt.Log.Error("the list of jobs was damaged and is begun anew; the old file is kept beside it", "file", filepath.Join(q.dir, damagedFile), "error", damaged)
	}
	if err != nil {
		return unwritable(q.dir, err)
	}
	q.store = s
	var again []*Job
	for _, j := range all {
		e := &entry{Job: *j, change: make(chan struct{})}
		for _, v := range j.Events {
			e.seq = max(e.seq, v.ID)
		}
		q.jobs[j.ID] = e
		if q.resume(e) {
			again = append(again, &e.Job)
		}
	}
	if err := q.store.put(nil, again...); err != nil {
		return errors.Join(unwritable(q.dir, err), q.store.close())
	}
	return q.tidy()
}

// progressIDs is more than the progress of one run has events: those are not kept, and
// what follows a restart has greater IDs.
const progressIDs = 1 << 20

// maxCrashes is after how many ends of the program a job is taken for their cause.
const maxCrashes = 3

// resume puts a job that ran in line again, and tells whether it has changed.
func (q *Queue) resume(e *entry) bool {
	if e.State == Done && !q.lies(e.ID) {
		e.State, e.Problem = Failed, failureOf(errFault) // its files were taken away
		q.happened(e, Event{Kind: string(Failed), Problem: e.Problem})
		return true
	}
	if e.State != Running {
		return false
	}
	e.seq += progressIDs
	e.State, e.Began = Waiting, time.Time{}
	if e.Crashes++; e.Crashes >= maxCrashes {
		e.State, e.Over, e.Problem = Failed, q.opt.Now(), failureOf(errCrashes)
		q.happened(e, Event{Kind: string(Failed), Problem: e.Problem})
		return true
	}
	q.happened(e, Event{Kind: Restarted})
	return true
}

func (q *Queue) lies(id string) bool {
	_, err := os.Stat(filepath.Join(q.dir, id))
	return err == nil
}

// Names of directories: of a job that is done, and of one that runs.
const draftPrefix = "draft-"

// idBytes is the length of an id: nobody finds 96 bits by trying.
const idBytes = 12

// isID tells whether a text has the form of a job's id.
func isID(text string) bool {
	return len(text) == 2*idBytes && strings.Trim(text, "0123456789abcdef") == ""
}

// tidy removes directories that belong to no job that is done.
func (q *Queue) tidy() error {
	lying, err := os.ReadDir(q.dir)
	if err != nil {
		return unwritable(q.dir, err)
	}
	for _, d := range lying {
		id, draft := strings.CutPrefix(d.Name(), draftPrefix)
		if !d.IsDir() || !isID(id) {
			continue
		}
		if e := q.jobs[id]; draft || e == nil || e.State != Done {
			if err := disk.RemoveAll(filepath.Join(q.dir, d.Name())); err != nil {
				q.opt.Log.Error("files of a job cannot be removed", "job", id, "error", err)
			}
		}
	}
	return nil
}

// Ask puts a job into the queue, and returns it; or the job that asks the same and waits,
// runs or is done. One that is not over and was there before has [Job.Again]. Errors are
// ErrFull, ErrOwner, ErrStore and that the queue is closed.
func (q *Queue) Ask(a Ask) (Job, error) {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	if q.ctx.Err() != nil {
		q.mu.Unlock()
		return Job{}, errStopped
	}
	before := q.same(&a)
	if before != nil && (before.State == Done || !before.State.Ended()) {
		shared, again := before.Shared, before.Again
		before.Shared = shared || before.From != a.From
		before.Again = again || !before.State.Ended()
		changed := before.Shared != shared || before.Again != again
		out := before.snapshot()
		q.mu.Unlock()
		if changed {
			q.write(&out)
		}
		return out, nil
	}
	if err := q.room(&a); err != nil {
		q.mu.Unlock()
		return Job{}, err
	}
	e := &entry{Job: Job{
		ID: newID(), Tier: a.Tier, Owner: a.Owner, From: a.From, Reach: a.Reach, Key: a.Key, About: a.About, State: Waiting, Asked: q.opt.Now(),
	}, change: make(chan struct{})}
	q.happened(e, Event{Kind: string(Waiting)})
	out := e.snapshot()
	q.mu.Unlock()
	if err := q.store.put(a.Body, &out); err != nil {
		q.opt.Log.Error("a job cannot be written down", "error", err)
		return Job{}, ErrStore
	}
	q.mu.Lock()
	if q.store == nil {
		q.bodies[e.ID] = a.Body
	}
	q.jobs[e.ID] = e
	if before != nil {
		delete(q.jobs, before.ID)
	}
	q.mu.Unlock()
	if before != nil {
		q.forget(&before.Job)
	}
	q.stir()
	return out, nil
}

// same finds the job that asks the same.
func (q *Queue) same(a *Ask) *entry {
	for _, e := range q.jobs {
		if e.Tier == a.Tier && e.Owner == a.Owner && e.Reach == a.Reach && e.Key == a.Key {
			return e
		}
	}
	return nil
}

// room refuses a job where too many are on their way.
func (q *Queue) room(a *Ask) error {
	all, own := 0, 0
	for _, e := range q.jobs {
		if e.State.Ended() {
			continue
		}
		all++
		if e.Tier == a.Tier && e.Owner == a.Owner && (a.Owner != "" || e.From == a.From) {
			own++
		}
	}
	switch {
	case own >= q.opt.PerOwner:
		return ErrOwner
	case all >= q.opt.Waiting:
		return ErrFull
	}
	return nil
}

func newID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Get returns a job.
func (q *Queue) Get(id string) (Job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil {
		return Job{}, false
	}
	return e.snapshot(), true
}

// List returns the jobs that keep chooses, the one that was asked last first.
func (q *Queue) List(keep func(j *Job) bool) []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Job
	for _, e := range q.jobs {
		if keep(&e.Job) {
			out = append(out, e.snapshot())
		}
	}
	slices.SortFunc(out, func(a, b Job) int {
		if c := b.Asked.Compare(a.Asked); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Dir is where the files of a job lie that is done.
func (q *Queue) Dir(id string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return filepath.Join(q.dir, id)
}

// Ahead is how many jobs are before one that waits.
func (q *Queue) Ahead(j *Job) int {
	return len(q.List(func(o *Job) bool {
		return o.State == Running || o.State == Waiting && (o.Asked.Before(j.Asked) || o.Asked.Equal(j.Asked) && o.ID < j.ID)
	}))
}

// Follow returns the events of a job behind one, what is closed when there are more, and
// whether the job is over; false when there is no such job (any more).
func (q *Queue) Follow(id string, after int64) (events []Event, more <-chan struct{}, over, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil {
		return nil, nil, false, false
	}
	for _, v := range e.Events {
		if v.ID > after {
			events = append(events, v)
		}
	}
	return events, e.change, e.State.Ended(), true
}

// Cancel ends a job that waits or runs; one that is over is removed with its files. false
// when there is none.
func (q *Queue) Cancel(id string) bool {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	e := q.jobs[id]
	if e == nil {
		q.mu.Unlock()
		return false
	}
	q.end(e)
	return true
}

// Leave ends a job that waits or runs and that nobody asked for again, as its only asker waits
// for it no more. One that is over stays, as does one with [Job.Again]. false when it stays, or
// when there is none.
func (q *Queue) Leave(id string) bool {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	e := q.jobs[id]
	if e == nil || e.State.Ended() || e.Again {
		q.mu.Unlock()
		return false
	}
	q.end(e)
	return true
}

// end is what [Queue.Cancel] does to a job. Queue.writing is held, and Queue.mu, which it lets go.
func (q *Queue) end(e *entry) {
	switch {
	case e.State == Running:
		e.ended = true
		e.stop()
		q.mu.Unlock()
	case e.State.Ended():
		delete(q.jobs, e.ID)
		q.wakeFollowers(e)
		q.mu.Unlock()
		q.forget(&e.Job)
	default:
		e.State, e.Over = Cancelled, q.opt.Now()
		q.happened(e, Event{Kind: string(Cancelled)})
		delete(q.bodies, e.ID)
		out := e.snapshot()
		q.mu.Unlock()
		q.write(&out)
	}
}

// Counts tells how many jobs are in each state.
func (q *Queue) Counts() map[State]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := map[State]int{}
	for _, e := range q.jobs {
		out[e.State]++
	}
	return out
}

// Close ends what runs, which is in line again at the next start, and closes the list.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.cancel()
	q.mu.Unlock()
	q.work.Wait()
	q.writing.Lock()
	defer q.writing.Unlock()
	err := q.store.close()
	if q.opt.Dir == "" && q.dir != "" {
		err = errors.Join(err, os.RemoveAll(q.dir))
	}
	return err
}

// snapshot is the job as it is now. Queue.mu is held.
func (e *entry) snapshot() Job {
	j := e.Job
	j.Events = slices.Clone(e.Events)
	return j
}

// maxProgress bounds the events of progress that are held for one job.
const maxProgress = 64

// happened adds an event. Queue.mu is held, or nobody else has the entry.
func (q *Queue) happened(e *entry, v Event) {
	e.seq++
	v.ID, v.Time = e.seq, q.opt.Now()
	e.Events = append(e.Events, v)
	if v.Kind == Progress {
		n := 0
		for _, o := range e.Events {
			if o.Kind == Progress {
				n++
			}
		}
		if n > maxProgress {
			i := slices.IndexFunc(e.Events, func(o Event) bool { return o.Kind == Progress })
			e.Events = slices.Delete(slices.Clone(e.Events), i, i+1)
		}
	}
	q.wakeFollowers(e)
}

func (q *Queue) wakeFollowers(e *entry) {
	close(e.change)
	e.change = make(chan struct{})
}

// write writes a job down that goes on whether it succeeds or not: what is lost by a failure
// is that a restart begins them again.
func (q *Queue) write(j *Job) {
	if err := q.store.put(nil, j); err != nil {
		q.opt.Log.Error("the list of jobs cannot be written", "error", err)
	}
}

// stir tells those who run jobs to look.
func (q *Queue) stir() {
	for range q.opt.AtOnce {
		select {
		case q.wake <- struct{}{}:
		default:
			return
		}
	}
}
