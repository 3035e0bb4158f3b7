package index

import (
	"context"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
)

// writing is a features.db that layers go into, one after the other. While one is
// stored the next is put in order.
type writing struct {
	db     *bolt.DB
	group  *errgroup.Group
	ctx    context.Context //nolint:containedctx // of group
	cancel context.CancelFunc
	all    []*ordering // of the layers settled, in turn
}

// close gives up what layers keep on the disk.
func (f *writing) close() error {
	var err error
	for _, o := range f.all {
		err = errors.Join(err, o.close())
	}
	return err
}

// begin makes the file, if it is not there yet.
func (w *Writer) begin(ctx context.Context) error {
	if w.file != nil {
		return nil
	}
	db, err := create(ctx, w.path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &writing{db: db, cancel: cancel}
	f.group, f.ctx = errgroup.WithContext(ctx)
	w.file = f
	return nil
}

// Settle says that l and the views of it are complete: they are put in order and
// written while other layers are filled. Close tells what goes wrong with it.
// Nothing may be added to l, or taken from it, any more. A layer is settled once;
// those that are not Close settles.
func (w *Writer) Settle(ctx context.Context, l *LayerWriter) error {
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	return w.settle(l)
}

// settle is [Writer.Settle] when the file is there.
func (w *Writer) settle(l *LayerWriter) error {
	if l.settled {
		return nil
	}
	if w.memory > 0 && w.settling.Load()+l.held > w.memory/2 {
		if err := l.spill(); err != nil {
			return err
		}
	}
	l.settled = true
	w.held -= l.held
	w.settling.Add(l.held)
	var views []*LayerWriter
	for _, v := range w.layers {
		if s := v.meta.View; s != nil && s.Of == l.meta.Name && v.meta.Vintage == l.meta.Vintage {
			views = append(views, v)
		}
	}
	f := w.file
	o := newOrdering(l, views)
	var before *ordering
	if n := len(f.all); n > 0 {
		before = f.all[n-1]
	}
	f.all = append(f.all, o)
	f.group.Go(func() error {
		if before != nil {
			if err := await(f.ctx, before.listed); err != nil {
				return err
			}
		}
		return o.run(f.ctx)
	})
	f.group.Go(func() error {
		if before != nil {
			if err := await(f.ctx, before.stored); err != nil {
				return err
			}
		}
		return o.store(f.ctx, f.db)
	})
	return nil
}

// await waits for done to be closed.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Abandon gives up what is written and takes the file away. It does nothing where no
// layer was settled, or after Close.
func (w *Writer) Abandon() error {
	f := w.file
	if f == nil {
		return nil
	}
	w.file = nil
	f.cancel()
	_ = f.group.Wait() // what went wrong with a file that goes matters no more
	return errors.Join(f.close(), f.db.Close(), os.Remove(w.path))
}
