package scoped_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
	"gengtu/tileserver/scoped"
)

// prepare keeps the editions for these scopes prepared until the test is over, and returns
// what wakes it and waits until it has nothing to do.
func (h *house) prepare(t *testing.T, scopes ...*access.Scope) (wake func()) {
	t.Helper()
	told := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var want []scoped.Want[*opened]
	for _, s := range scopes {
		want = append(want, scoped.Want[*opened]{Of: h.of, Scope: s})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Prepare(ctx, told, func() []scoped.Want[*opened] { return slices.Clone(want) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return func() {
		told <- struct{}{}
		synctest.Wait()
	}
}

// after lets a time go by.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// wantTries checks how often an edition was made, of which some could not be opened.
func (h *house) wantTries(t *testing.T, when string, made, failed int32) {
	t.Helper()
	if h.made.Load() != made || h.failed.Load() != failed {
		t.Errorf("%s: %d made and %d failed, want %d and %d\n%s", when, h.made.Load(), h.failed.Load(), made, failed, &h.log)
	}
}

// What could not be made is tried again without being asked for, after 30 s and not before,
// and ever more seldom while it cannot be.
func TestPrepareAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		h.refuse = errors.New("no more files")
		wake := h.prepare(t, inWest)
		h.wantTries(t, "at the start", 1, 1)
		wake()
		h.wantTries(t, "woken at once", 1, 1)
		after(31 * time.Second)
		h.wantTries(t, "after 30 s", 2, 2)
		after(6 * time.Hour)
		h.wantTries(t, "after six hours", 12, 12) // seven times after 30 s, 60 s … 32 min, and four after an hour
		h.refuse = nil
		wake()
		after(time.Hour)
		h.wantTries(t, "when it can be made", 13, 12)
		after(24 * time.Hour)
		h.letGo(t, inWest)
		h.wantTries(t, "when it is asked for", 13, 12)
	})
}

// Who finds the queue full is made when there is room.
func TestPrepareBehindAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		h := newHouse(t, func(o *scoped.Options[*opened]) {
			o.Limits.Queue = 1
			now := o.Open
			o.Open = func(gdir string, m *edition.Manifest, keep string) (*opened, error) {
				<-open
				return now(gdir, m, keep)
			}
		})
		go func() {
			g, err := h.Take(h.of, inEast)
			if err != nil {
				t.Error(err)
				return
			}
			_ = g.Release() // only read
		}()
		synctest.Wait()
		h.prepare(t, inWest)
		close(open)
		synctest.Wait()
		h.wantTries(t, "while the queue is full", 1, 0)
		after(31 * time.Second)
		h.wantTries(t, "when it no longer is", 2, 0)
	})
}

// A new generation is prepared when it is told of, within the room that there is: an edition
// takes the place of its own scope's before it, and nobody else's.
func TestPrepareGenerations(t *testing.T) {
	for _, tt := range []struct {
		name        string
		kept        int
		first, then int32 // made for one generation, and for two
		asked       int32 // and when all are asked for
	}{
		{"room for all", 8, 2, 4, 4},
		{"room for those of one", 2, 2, 4, 4},
		{"room for one", 1, 1, 2, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *scoped.Options[*opened]) { o.Limits.Editions = tt.kept })
				wake := h.prepare(t, inWest, nil, inEast)
				h.wantTries(t, "the first", tt.first, 0)
				h.generation(t, 1)
				after(time.Second)
				wake()
				h.wantTries(t, "the second", tt.then, 0)
				h.letGo(t, inWest)
				h.letGo(t, inEast)
				h.wantTries(t, "asked for", tt.asked, 0)
			})
		})
	}
}

// The edition of a new generation takes the place of its own scope's, also where another's was
// not used for longer.
func TestPrepareLeavesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *scoped.Options[*opened]) { o.Limits.Editions = 2 })
		h.letGo(t, inEast)
		after(time.Minute)
		wake := h.prepare(t, inWest)
		first := h.of.Current()
		h.generation(t, 1)
		wake()
		h.wantTries(t, "the new generation", 3, 0)
		g, err := h.Pin(h.of, inEast, first)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Release(); err != nil {
			t.Error(err)
		}
		h.wantTries(t, "the other scope of the generation before", 3, 0)
	})
}

// That nothing lies in a scope does not change while a generation is in force.
func TestPrepareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		wake := h.prepare(t, far)
		after(time.Hour)
		wake()
		h.wantTries(t, "after an hour", 0, 0)
		if n := strings.Count(h.log.String(), "nothing lies in the scope"); n != 1 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

// Preparing ends when the editions are closed, also in the middle of one, and leaves nothing
// open.
func TestPrepareEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.Prepare(t.Context(), nil, func() []scoped.Want[*opened] { return []scoped.Want[*opened]{{Of: h.of, Scope: inWest}} })
		}()
		h.closed(t)
		<-done
	})
}
