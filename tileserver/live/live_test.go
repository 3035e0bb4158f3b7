package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/live"
	"gengtu/tileserver/load"
)

// opened is a generation without files.
type opened struct {
	live.Hold
	closed atomic.Bool
}

// house is an edition on disc, and what of it is open.
type house struct {
	*live.Edition[*opened]
	dir   string
	names []string

	mu     sync.Mutex
	open   map[string]int
	closed int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), open: map[string]int{}}
	h.Edition = live.NewEdition(h.dir, func(name string) (*opened, error) {
		h.count(t, name, 1)
		g := &opened{}
		g.Begin(name, func() error {
			if g.closed.Swap(true) {
				t.Errorf("%s is closed twice", name)
			}
			h.count(t, name, -1)
			return nil
		})
		return g, nil
	})
	return h
}

// count counts how often a generation is open. One that is closed late may be opened again
// before: it is then off the list.
func (h *house) count(t *testing.T, name string, by int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[name] += by; h.open[name] < 0 {
		t.Errorf("%s is closed more often than opened", name)
	}
	if by < 0 {
		h.closed++
	}
}

// add puts a generation in force on the disc, and keeps so many.
func (h *house) add(t *testing.T, keep int) string {
	t.Helper()
	d, err := edition.Begin(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	for _, name := range []string{edition.FeaturesFile, edition.TilesFile} {
		if err := os.WriteFile(d.File(name), []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &edition.Manifest{Tier: edition.Public, ContentHash: fmt.Sprint(len(h.names))}
	if err := d.Commit(m, keep); err != nil {
		t.Fatal(err)
	}
	h.names = append(h.names, m.Generation)
	return m.Generation
}

// follow puts in force what is so on the disc.
func (h *house) follow(t *testing.T, want bool) {
	t.Helper()
	if changed, err := h.Follow(); changed != want || err != nil {
		t.Fatalf("%t, %v; want %t", changed, err, want)
	}
}

// What is in force is taken, what is kept can be pinned, what is gone is gone, and nothing
// is left open.
func TestEdition(t *testing.T) {
	h := newHouse(t)
	if _, err := h.Take(); !errors.Is(err, live.ErrClosed) {
		t.Errorf("before anything is in force: %v", err)
	}
	first := h.add(t, 2)
	if _, err := h.Pin(first); !errors.Is(err, live.ErrClosed) {
		t.Errorf("before anything is in force: %v", err)
	}
	h.follow(t, true)
	h.follow(t, false)
	held, err := h.Take()
	if err != nil || held.Name() != first || h.Current() != first || h.Since().IsZero() {
		t.Fatalf("%v, %v", held, err)
	}
	second := h.add(t, 2)
	if h.Current() != first {
		t.Error("what is not followed is in force")
	}
	h.follow(t, true)
	if g, err := h.Pin(first); g != held || err != nil || h.Open() != 2 {
		t.Errorf("pinned: %v, %v, %d open", g, err, h.Open())
	} else if err := g.Release(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "../" + second, "G" + second[1:], second[:16]} {
		if _, err := h.Pin(name); err == nil || errors.Is(err, live.ErrGone) {
			t.Errorf("%q: %v", name, err)
		}
	}
	h.add(t, 1)
	h.follow(t, true)
	h.Prune()
	if _, err := h.Pin(first); !errors.Is(err, live.ErrGone) {
		t.Errorf("what is not kept: %v", err)
	}
	if held.closed.Load() || h.Open() != 1 {
		t.Errorf("held: closed is %t, %d open", held.closed.Load(), h.Open())
	}
	if err := held.Release(); err != nil || !held.closed.Load() || held.Acquire() {
		t.Errorf("released: %v, closed is %t", err, held.closed.Load())
	}
	if _, err := held.Keep(); !errors.Is(err, live.ErrClosed) {
		t.Errorf("kept when it is closed: %v", err)
	}
	if err := h.Close(); err != nil || h.closed != 3 || h.Current() != "" {
		t.Errorf("%v, %d of 3 closed", err, h.closed)
	}
}

// A generation that cannot be opened leaves the one before in force.
func TestFollowRefused(t *testing.T) {
	h := newHouse(t)
	bad := errors.New("on purpose")
	var refuse bool
	e := live.NewEdition(h.dir, func(name string) (*opened, error) {
		if refuse {
			return nil, bad
		}
		g := &opened{}
		g.Begin(name, func() error { return nil })
		return g, nil
	})
	first := h.add(t, 2)
	if _, err := e.Follow(); err != nil {
		t.Fatal(err)
	}
	h.add(t, 2)
	refuse = true
	if changed, err := e.Follow(); changed || !errors.Is(err, bad) || e.Current() != first {
		t.Errorf("%t, %v, in force %s", changed, err, e.Current())
	}
}

// While generations come into force and go, whoever takes or pins one has it open, under its
// own name, and all are closed in the end, each once.
func TestSwaps(t *testing.T) {
	h := newHouse(t)
	known := []string{h.add(t, 3)}
	h.follow(t, true)
	var mu sync.Mutex // of known
	var stop atomic.Bool
	var took, pinned atomic.Int64
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(9, uint64(c)))
			for !stop.Load() {
				mu.Lock()
				name := known[max(0, len(known)-1-rng.IntN(5))]
				mu.Unlock()
				var g *opened
				var err error
				if c%2 == 0 {
					g, err = h.Take()
				} else if g, err = h.Pin(name); errors.Is(err, live.ErrGone) || errors.Is(err, load.ErrBusy) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if c%2 == 1 && g.Name() != name {
					t.Errorf("%s is given for %s", g.Name(), name)
				}
				if g.closed.Load() {
					t.Errorf("%s is held and closed", g.Name())
				}
				if err := g.Release(); err != nil {
					t.Error(err)
				}
				if took.Add(1); c%2 == 1 {
					pinned.Add(1)
				}
			}
		})
	}
	for range 25 {
		name := h.add(t, 3)
		mu.Lock()
		known = append(known, name)
		mu.Unlock()
		h.follow(t, true)
		h.Prune()
		if n := h.Open(); n > 3 {
			t.Errorf("%d are held open", n)
		}
	}
	stop.Store(true)
	clients.Wait()
	if took.Load() < 50 || pinned.Load() == 0 {
		t.Errorf("only %d were taken, %d of them pinned", took.Load(), pinned.Load())
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	for name, n := range h.open {
		if n != 0 {
			t.Errorf("%s is open %d times", name, n)
		}
	}
}
