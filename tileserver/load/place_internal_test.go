package load

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// So many wait for a place and no more: the next one is told at once.
func TestPlacesQueue(t *testing.T) {
	p := NewPlaces(2)
	var leave []func()
	for range 2 {
		l, err := p.Take("a")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	var waiters sync.WaitGroup
	var late atomic.Int32
	for range 2 * queueShare {
		waiters.Go(func() {
			l, err := p.Take("a")
			if err == nil {
				l()
			} else if errors.Is(err, ErrBusy) {
				late.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	for p.inLine() < 2*queueShare {
		<-time.After(time.Millisecond)
	}
	start := time.Now()
	if _, err := p.Take("a"); !errors.Is(err, ErrOverloaded) || time.Since(start) > placeTime/4 {
		t.Errorf("behind a full queue: %v after %v", err, time.Since(start))
	}
	for _, l := range leave {
		l()
	}
	waiters.Wait()
	if late.Load() > 0 || p.inLine() != 0 || p.Occupied().Running != 0 {
		t.Errorf("%d were late, %d wait, %d places are taken", late.Load(), p.inLine(), p.Occupied().Running)
	}
}

// inLine is how many wait.
func (p *Places) inLine() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.line)
}

// One caller who asks for all there is leaves others a place at once, and the turn when
// one is given back; behind a full line each has as much of it as the others.
func TestPlacesAreShared(t *testing.T) {
	p := NewPlaces(4)
	var greedy []*waiting
	for range 1000 {
		if w, err := p.ask("greedy"); err == nil && w != nil {
			greedy = append(greedy, w)
		}
	}
	if p.taken != 3 || len(greedy) != 4*queueShare {
		t.Fatalf("%d places taken, %d wait; want 3, %d", p.taken, len(greedy), 4*queueShare)
	}
	if w, err := p.ask("modest"); w != nil || err != nil {
		t.Fatalf("another one beside him: waits %v, %v", w != nil, err)
	}
	var modest []*waiting
	for range 1000 {
		if w, err := p.ask("modest"); err == nil {
			modest = append(modest, w)
		}
	}
	if len(modest) != 2*queueShare || p.lined["greedy"] != 2*queueShare {
		t.Errorf("%d and %d in line, want half of %d each", len(modest), p.lined["greedy"], 4*queueShare)
	}
	for i, w := range greedy { // those who came first stay
		if sent := turnOf(w) == turnSentAway; sent != (i >= 2*queueShare) {
			t.Fatalf("waiting %d: sent away %v", i, sent)
		}
	}
	p.leave("greedy") // two of his, one of the other's
	if p.of["modest"] != 2 || turnOf(modest[0]) != turnCome {
		t.Errorf("the place goes to another one: %v", p.of)
	}
	p.leave("modest")
	p.leave("modest")
	if p.of["modest"] != 2 || p.of["greedy"] != 2 {
		t.Errorf("places are %v, want two each", p.of)
	}
}

// Whatever is asked and given back, there are no more answers than places, no caller has
// more than his, none waits who could be let in, and what is counted is what there is.
func TestPlacesByChance(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := NewPlaces(1 + rng.IntN(5))
		type held struct{ who int }
		var inside []held
		waits := map[*waiting]int{}
		for range 2000 {
			who := min(rng.IntN(8), rng.IntN(8))
			if rng.IntN(3) > 0 {
				if w, err := p.ask(who); err == nil && w == nil {
					inside = append(inside, held{who})
				} else if err == nil {
					waits[w] = who
				}
			} else if len(inside) > 0 {
				i := rng.IntN(len(inside))
				p.leave(inside[i].who)
				inside = append(inside[:i], inside[i+1:]...)
			}
			for w, who := range waits {
				switch turnOf(w) {
				case turnCome:
					inside = append(inside, held{who})
					fallthrough
				case turnSentAway:
					delete(waits, w)
				}
			}
			of := map[int]int{}
			for _, h := range inside {
				of[h.who]++
			}
			if len(inside) != p.taken || len(inside) > p.count || len(waits) != len(p.line) || len(waits) > queueShare*p.count {
				t.Fatalf("seed %d: %d inside and %d in line, counted %d and %d, places %d", seed, len(inside), len(waits), p.taken, len(p.line), p.count)
			}
			for _, who := range waits {
				if len(inside) < p.count && of[who] < p.most() {
					t.Fatalf("seed %d: %d waits, %d of %d are inside, %v", seed, who, len(inside), p.count, of)
				}
			}
			for who, n := range of {
				if n > p.most() || p.of[who] != n {
					t.Fatalf("seed %d: %d has %d, counted %v", seed, who, n, p.of)
				}
			}
		}
	}
}

// What has become of one who waits.
const (
	turnNot = iota
	turnCome
	turnSentAway
)

func turnOf(w *waiting) int {
	select {
	case come := <-w.turn:
		if come {
			return turnCome
		}
		return turnSentAway
	default:
		return turnNot
	}
}
