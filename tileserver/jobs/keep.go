package jobs

import (
	"slices"
	"time"

	"gengtu/index/disk"
)

// sweepEvery is how often jobs that are too old are looked for.
const sweepEvery = time.Minute

// sweep removes what is too old until the queue is closed.
func (q *Queue) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		q.evict()
		select {
		case <-q.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// evict removes the jobs that are over and too old, and while there are too many, or too
// many bytes, the oldest of whom has most of them: nobody drives out what others keep.
func (q *Queue) evict() {
	q.writing.Lock()
	defer q.writing.Unlock()
	q.mu.Lock()
	var over []*entry
	size := int64(0)
	for _, e := range q.jobs {
		if e.State.Ended() {
			over, size = append(over, e), size+e.Bytes
		}
	}
	slices.SortFunc(over, func(a, b *entry) int { return a.Over.Compare(b.Over) })
	var gone []*Job
	for len(over) > 0 {
		i := 0
		switch {
		case q.opt.Now().Sub(over[0].Over) > q.opt.KeptFor:
		case len(over) > q.opt.Kept:
			i = most(over, func(*entry) int64 { return 1 })
		case size > q.opt.KeptBytes:
			i = most(over, func(e *entry) int64 { return e.Bytes })
		default:
			i = -1
		}
		if i < 0 {
			break
		}
		e := over[i]
		over, size = slices.Delete(over, i, i+1), size-e.Bytes
		delete(q.jobs, e.ID)
		q.wakeFollowers(e)
		gone = append(gone, &e.Job)
	}
	q.mu.Unlock()
	q.forget(gone...)
}

// most is the first job of those, in the order of their age, whose owner has most of
// what is counted.
func most(over []*entry, count func(*entry) int64) int {
	of := map[string]int64{}
	for _, e := range over {
		of[e.who()] += count(e)
	}
	first := 0
	for i, e := range over {
		if of[e.who()] > of[over[first].who()] {
			first = i
		}
	}
	return first
}

// forget removes jobs that are off the list, with their files. Queue.writing is held.
func (q *Queue) forget(gone ...*Job) {
	if len(gone) == 0 {
		return
	}
	ids := make([]string, len(gone))
	for i, j := range gone {
		ids[i] = j.ID
	}
	if err := q.store.drop(ids...); err != nil {
		q.opt.Log.Error("the list of jobs cannot be written", "error", err)
	}
	for _, j := range gone {
		if q.opt.Gone != nil {
			q.opt.Gone(j)
		}
		if j.State != Done {
			continue
		}
		if err := disk.RemoveAll(q.Dir(j.ID)); err != nil {
			q.opt.Log.Error("files of a job cannot be removed", "job", j.ID, "error", err)
		}
	}
}
