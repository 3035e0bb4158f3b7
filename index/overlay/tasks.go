package overlay

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

const (
	// leafEdges is the number of edges up to which a part of the subdivision is
	// solved by one goroutine at one go. Which parts there are follows from the
	// input alone, so that the sums do not depend on the number of workers.
	leafEdges = 8192
	// deepestTask keeps the path of a task in 64 bits.
	deepestTask = 60
)

// coverList is what covers a task's box, from its own upwards.
type coverList struct {
	owners []int32
	above  *coverList
}

// task is a settled node that is still to be solved.
type task struct {
	node   *node
	covers *coverList
	path   uint64 // one bit a level from the highest: 0 the lower part, 1 the upper
	depth  int
	inside bool // whether covers hold the AOI
}

// queue holds tasks until none is left or one has failed.
type queue struct {
	mu     sync.Mutex
	ready  sync.Cond
	tasks  []task
	busy   int // workers that may still add tasks
	err    error
	leaves []leaf
}

// run solves the root and returns the leaves in order.
func (m *measurement) run(ctx context.Context, workers int) ([]leaf, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if len(m.root.edges) <= leafEdges {
		workers = 1
	}
	q := &queue{}
	q.ready.L = &q.mu
	root := newSplitter(len(m.owners))
	if root.settle(&m.root, false) {
		q.tasks = append(q.tasks, task{node: &m.root})
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(func() { q.work(newSolver(ctx, m)) })
	}
	q.work(newSolver(ctx, m))
	wg.Wait()
	if q.err != nil {
		return nil, q.err
	}
	slices.SortFunc(q.leaves, func(a, b leaf) int {
		if a.path < b.path {
			return -1
		}
		return 1
	})
	return q.leaves, nil
}

// work takes tasks until there are none.
func (q *queue) work(s *solver) {
	for {
		t, ok := q.next()
		if !ok {
			return
		}
		var more []task
		var l leaf
		var err error
		solved := len(t.node.edges) <= leafEdges || t.node.whole(t.depth) || t.depth >= deepestTask
		if solved {
			l, err = s.leaf(t.node, t.covers)
			l.path = t.path
			s.spare = append(s.spare, t.node)
		} else {
			more = t.split(s)
			err = s.ctx.Err()
		}
		q.mu.Lock()
		q.busy--
		switch {
		case err != nil && q.err == nil:
			q.err = err
		case solved:
			q.leaves = append(q.leaves, l)
		default:
			q.tasks = append(q.tasks, more...)
		}
		q.mu.Unlock()
		q.ready.Broadcast()
	}
}

// next waits for a task; there is none when all is done or something failed.
func (q *queue) next() (task, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.tasks) == 0 && q.busy > 0 && q.err == nil {
		q.ready.Wait()
	}
	if len(q.tasks) == 0 || q.err != nil {
		return task{}, false
	}
	last := len(q.tasks) - 1
	t := q.tasks[last]
	q.tasks[last] = task{}
	q.tasks = q.tasks[:last]
	q.busy++
	return t, true
}

// split returns the parts of t in which the AOI has ground.
func (t *task) split(s *solver) []task {
	covers := t.covers
	inside := t.inside
	if len(t.node.covers) > 0 {
		covers = &coverList{slices.Clone(t.node.covers), covers}
		inside = inside || slices.Contains(t.node.covers, 0)
	}
	lo, hi := s.node(), s.node()
	half := len(t.node.edges) * 9 / 16 // and a few that are cut in two
	lo.edges, hi.edges = slices.Grow(lo.edges[:0], half), slices.Grow(hi.edges[:0], half)
	t.node.split(lo, hi)
	s.spare = append(s.spare, t.node)
	var parts []task
	for i, n := range [2]*node{lo, hi} {
		if s.settle(n, inside) {
			path := t.path | uint64(i)<<(63-t.depth)
			parts = append(parts, task{n, covers, path, t.depth + 1, inside})
		} else {
			s.spare = append(s.spare, n)
		}
	}
	return parts
}
