package contiguity

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Options changes how [Ground.Components] works, never what it answers.
type Options struct {
	Workers int // goroutines; 0 is one for each processor
	// Tell is told how much of the work is done, by one goroutine at a time or several;
	// may be nil.
	Tell func(done, all int)
}

// Components are the components of a ground at several gaps. They do not change.
type Components struct {
	// Gaps are those asked for, in metres, rising.
	Gaps []float64
	of   [][]int32 // by gap and member its component
}

// Of returns the component that a member is in at a gap, which is counted from 0 in Gaps:
// the least member of the component.
func (c *Components) Of(gap int, m int32) int32 { return c.of[gap][m] }

// Sums adds up a value of members by component: the sum stands at the component's least
// member, 0 at all others.
func (c *Components) Sums(gap int, value func(m int32) int64) []int64 {
	out := make([]int64, len(c.of[gap]))
	for m, k := range c.of[gap] {
		out[k] += value(int32(m))
	}
	return out
}

// Joined returns the components that a shape with these neighbours would be joined to
// at a gap, each once, in the order of their nearest members in near.
func (c *Components) Joined(gap int, near []Neighbour) []int32 {
	var out []int32
	known := map[int32]bool{}
	for _, n := range near {
		if k := c.of[gap][n.Member]; n.GapM <= c.Gaps[gap]+Tolerance && !known[k] {
			known[k] = true
			out = append(out, k)
		}
	}
	return out
}

// chunk is how many members, which lie near each other, a worker takes at once.
const chunk = 512

// Components finds the components at each of the gaps, in metres, which rise from 0 or
// more to at most [MaxGap]. Nothing depends on the number of workers. Memory is 4 bytes
// for each member and gap, and the shapes that a few hundred neighbours have.
//
// Errors are [ErrGaps], ctx's and those of reading.
func (g *Ground) Components(ctx context.Context, gaps []float64, opt Options) (*Components, error) {
	if err := checkGaps(gaps); err != nil {
		return nil, err
	}
	n := g.Members()
	c := &Components{Gaps: gaps}
	f := newForest(n)
	chunks := (n + chunk - 1) / chunk
	done := 0
	for _, gap := range gaps {
		tell := func(k int) {
			if opt.Tell != nil {
				opt.Tell(done+k, len(gaps)*chunks)
			}
		}
		if err := g.link(ctx, f, gap, opt.Workers, tell); err != nil {
			return nil, err
		}
		done += chunks
		c.of = append(c.of, f.roots())
	}
	return c, nil
}

// link unites the members that are linked at a gap. What is united already stays
// unmeasured: components are the same whichever of their links are found.
func (g *Ground) link(ctx context.Context, f *forest, gap float64, workers int, tell func(done int)) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	n := g.Members()
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			s := g.Seeker()
			for {
				at := int(next.Add(chunk)) - chunk
				if at >= n {
					return nil
				}
				for m := at; m < min(at+chunk, n); m++ {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := s.linkOne(f, int32(m), gap); err != nil {
						return err
					}
				}
				s.forget()
				tell(int(done.Add(1)))
			}
		})
	}
	return group.Wait()
}

// forest is the sets of members that are united so far, each a tree whose root is its
// least member. Several goroutines may use it at once (R. J. Anderson, H. Woll, Wait-free
// parallel algorithms for the union-find problem, STOC 1991).
type forest struct{ parent []atomic.Int32 }

func newForest(n int) *forest {
	f := &forest{make([]atomic.Int32, n)}
	for i := range f.parent {
		f.parent[i].Store(int32(i))
	}
	return f
}

func (f *forest) root(m int32) int32 {
	for {
		p := f.parent[m].Load()
		if p == m {
			return m
		}
		// A grandparent is an ancestor whatever others do meanwhile.
		up := f.parent[p].Load()
		if up != p {
			f.parent[m].CompareAndSwap(p, up)
		}
		m = up
	}
}

// same tells whether two members are united; a union at the same time may be missed.
func (f *forest) same(a, b int32) bool { return f.root(a) == f.root(b) }

func (f *forest) unite(a, b int32) {
	for {
		a, b = f.root(a), f.root(b)
		if a == b {
			return
		}
		if a > b {
			a, b = b, a
		}
		if f.parent[b].CompareAndSwap(b, a) {
			return
		}
	}
}

// roots returns the root of each member.
func (f *forest) roots() []int32 {
	out := make([]int32, len(f.parent))
	for m := range out {
		out[m] = f.root(int32(m))
	}
	return out
}
