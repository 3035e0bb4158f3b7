package areas

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Bounds is the part of an edition that an index holds.
type Bounds struct {
	// Scope names it in answers, "" for all.
	Scope string
	// Holds tells whether all of a shape lies in it.
	Holds func(context.Context, geo.MultiPolygon) (bool, error)
}

// BeyondScope is what is said of a shape, or a place, of which ground lies beyond the part of the
// edition that was asked: that the answer has nothing there says nothing of it.
func BeyondScope() *problem.Problem {
	return problem.New("AOI_BEYOND_SCOPE", "范围超出令牌授予的地方，超出部分没有作答", "ground beyond what the token grants is in the shape: of that the answer tells nothing").
		Advise("答案只是授予范围内的部分，不要当作整个范围的数", "take the figures for those of the part inside of the scope, not of the whole shape")
}

// tell says in an answer about a shape what it was asked of.
func (b *Bounds) tell(ctx context.Context, a *Answer, shape geo.MultiPolygon) error {
	if b.Scope == "" {
		return nil
	}
	a.Scope = b.Scope
	in, err := b.Holds(ctx, shape)
	if err == nil && !in {
		a.AOI.Problems = append(a.AOI.Problems, BeyondScope())
	}
	return err
}

// Asker asks one question about many shapes. Safe for concurrent use; its fields
// are set before the first use.
type Asker struct {
	Index *index.Index
	// Question is what is asked of each shape; its own Shape is not used.
	Question Question
	// CRS is what the shapes are given in.
	CRS geo.CRS
	// Program names this program in answers.
	Program string
	// Allow refuses shapes by its error; nil refuses none.
	Allow func(context.Context, geo.MultiPolygon) error
	// Bounds tells which part of an edition Index is; the zero value is all of one.
	Bounds Bounds
	// Lanes is how many shapes are asked about at once. They share the question's
	// MaxVertices: a shape that its part is too small for waits until no other
	// such is being asked about, and then has all of it.
	Lanes int

	wide sync.Mutex
}

// Answer answers for one shape, and adds what was doubtful about it. Errors are
// those of the shape, of [ShapeWithin], Allow and [Ask].
func (k *Asker) Answer(ctx context.Context, g *Given) (*Answer, error) {
	if g.Err != nil {
		return nil, g.Err
	}
	limit := k.Question.MaxVertices
	if limit == 0 || k.Lanes <= 1 {
		return k.within(ctx, g, limit)
	}
	a, err := k.within(ctx, g, max(1, limit/k.Lanes))
	if p := problem.Of(err); p == nil || p.Code != "TOO_LARGE_OVERLAY" && p.Code != "TOO_LARGE_SHAPES" {
		return a, err
	}
	k.wide.Lock()
	defer k.wide.Unlock()
	return k.within(ctx, g, limit)
}

func (k *Asker) within(ctx context.Context, g *Given, vertices int) (*Answer, error) {
	q := k.Question
	q.MaxVertices = vertices
	var err error
	if q.Shape, err = ShapeWithin(g.Polygons, k.CRS, vertices); err != nil {
		return nil, Propose(err, k.Index, []Given{*g})
	}
	if k.Allow != nil {
		if err := k.Allow(ctx, q.Shape); err != nil {
			return nil, err
		}
	}
	a, err := Ask(ctx, k.Index, q)
	if err != nil {
		return nil, err
	}
	a.Program = k.Program
	if q.Outline {
		a.AOI.Outline = Outline(q.Shape)
	}
	g.tell(a)
	return a, k.Bounds.tell(ctx, a, q.Shape)
}

// Result is [Asker.Answer] as a result: a problem stands in it. The error is
// ctx's, or a fault of ours.
func (k *Asker) Result(ctx context.Context, g *Given) (Result, error) {
	r := Result{ID: g.ID, Properties: g.Properties}
	a, err := k.Answer(ctx, g)
	if err == nil {
		r.Answer = a
		return r, nil
	}
	if r.Problem = problem.Of(err); r.Problem == nil || ctx.Err() != nil {
		return r, err
	}
	return r, nil
}

// Results hands out the results of many shapes in the shapes' order, made by
// several goroutines a little ahead of who reads them. It is read by one
// goroutine and has to be closed.
type Results struct {
	cancel context.CancelFunc
	queue  chan *turn
	end    error // after queue is closed
	failed error
	held   *turn // taken from queue by Ready
	all    sync.WaitGroup
}

// turn is one shape on its way to its result.
type turn struct {
	given  Given
	result Result
	err    error
	done   chan struct{}
}

// ahead is how many results for each worker may wait to be read: enough that a
// shape that takes long holds up nobody, few enough to bound memory.
const ahead = 4

// Start answers the shapes that next returns, until it returns io.EOF, with as
// many goroutines as workers. next is called by one goroutine, answer by all of
// them. Work ends when ctx does.
func Start(ctx context.Context, workers int, next func() (Given, error), answer func(context.Context, *Given) (Result, error)) *Results {
	workers = max(1, workers)
	ctx, cancel := context.WithCancel(ctx)
	s := &Results{cancel: cancel, queue: make(chan *turn, ahead*workers)}
	jobs := make(chan *turn)
	for range workers {
		s.all.Go(func() {
			for t := range jobs {
				t.answer(ctx, answer)
			}
		})
	}
	s.all.Go(func() {
		defer close(s.queue)
		defer close(jobs)
		s.end = s.feed(ctx, next, jobs)
	})
	return s
}

// feed gives each shape a place in the queue and then to a worker.
func (s *Results) feed(ctx context.Context, next func() (Given, error), jobs chan<- *turn) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		g, err := next()
		if err != nil {
			return err
		}
		t := &turn{given: g, done: make(chan struct{})}
		select {
		case s.queue <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case jobs <- t:
		case <-ctx.Done():
			t.err = ctx.Err()
			close(t.done)
			return t.err
		}
	}
}

// answer fills in the result. A panic is a fault of ours and fails no more than
// this question.
func (t *turn) answer(ctx context.Context, answer func(context.Context, *Given) (Result, error)) {
	defer close(t.done)
	defer func() {
		if p := recover(); p != nil {
			t.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if t.err = ctx.Err(); t.err == nil {
		t.result, t.err = answer(ctx, &t.given)
	}
	t.given = Given{} // its coordinates are not needed any more
}

// Next returns the next result, or io.EOF at the end. Any other error is that of
// next, answer or the context, and comes again.
func (s *Results) Next() (Result, error) {
	if s.failed != nil {
		return Result{}, s.failed
	}
	t := s.held
	s.held = nil
	if t == nil {
		var ok bool
		if t, ok = <-s.queue; !ok {
			s.failed = s.end
			return Result{}, s.failed
		}
	}
	<-t.done
	if t.err != nil {
		s.failed = t.err
		s.cancel()
		return Result{}, s.failed
	}
	return t.result, nil
}

// Ready tells whether Next would return at once.
func (s *Results) Ready() bool {
	if s.failed != nil {
		return true
	}
	if s.held == nil {
		select {
		case t, ok := <-s.queue:
			if !ok {
				s.failed = s.end
				return true
			}
			s.held = t
		default:
			return false
		}
	}
	select {
	case <-s.held.done:
		return true
	default:
		return false
	}
}

// Close ends the work and waits for it.
func (s *Results) Close() {
	s.cancel()
	s.all.Wait()
}

// Each is a next function over shapes that are in memory.
func Each(shapes []Given) func() (Given, error) {
	return func() (Given, error) {
		if len(shapes) == 0 {
			return Given{}, io.EOF
		}
		g := shapes[0]
		shapes[0] = Given{} // its coordinates may go when it is answered
		shapes = shapes[1:]
		return g, nil
	}
}

// WriteAll writes all results and what ends them. An error is that of Next, of
// wait or of the writer, whose output is then without its end: see
// [ResultWriter]. wait, unless nil, is called before each wait for a result.
func (s *Results) WriteAll(w ResultWriter, wait func() error) error {
	for {
		if wait != nil && !s.Ready() {
			if err := wait(); err != nil {
				return err
			}
		}
		r, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return w.Close()
		case err != nil:
			return err
		}
		if err := w.Write(&r); err != nil {
			return err
		}
	}
}
