package analyze

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// workers is how many goroutines a job may have.
func (j *Job) workers() int {
	if j.Workers > 0 {
		return j.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// inChunks does the work for each of n things that lie near each other in their order,
// each worker with a tool of its own. Work on one thing must touch nothing of another's.
func inChunks[T any](ctx context.Context, j *Job, n int, tell func(done, all int), tool func() T, work func(ctx context.Context, t T, i int) error) error {
	const chunk = 128
	group, ctx := errgroup.WithContext(ctx)
	var next, done atomic.Int64
	for range j.workers() {
		group.Go(func() error {
			t := tool()
			for {
				at := int(next.Add(chunk)) - chunk
				if at >= n {
					return nil
				}
				end := min(at+chunk, n)
				for i := at; i < end; i++ {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := work(ctx, t, i); err != nil {
						return err
					}
				}
				tell(int(done.Add(int64(end-at))), n)
			}
		})
	}
	return group.Wait()
}
