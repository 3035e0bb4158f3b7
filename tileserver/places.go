package tileserver

import (
	"slices"
	"sync"
	"time"
)

// places are how many answers of a costly kind are made at once, shared out among those
// who ask: a place goes to whom of those that wait has the fewest, and none has all of
// them where there are more than two. Safe for concurrent use.
type places struct {
	count int

	mu    sync.Mutex
	taken int
	of    map[any]int // places that a caller has
	line  []*waiting  // in the order in which they came
	lined map[any]int // how many of line are a caller's
}

// waiting is one who waits for a place.
type waiting struct {
	who  any
	turn chan bool // false: another one has taken the place in the line
}

func newPlaces(n int) *places {
	return &places{count: n, of: map[any]int{}, lined: map[any]int{}}
}

const (
	// placeTime is how long a request waits for a place.
	placeTime = 2 * time.Second
	// queueShare is how many wait for one place. Who would be behind them is told so at
	// once: he holds memory, and would mostly wait for nothing.
	queueShare = 32
)

// take takes a place for who, waiting a moment when there is none, and returns what
// gives it back.
func (p *places) take(who any) (leave func(), err error) {
	w, err := p.ask(who)
	if err != nil {
		return nil, err
	}
	if w != nil { // a timer costs more than most answers
		if err := p.wait(w); err != nil {
			return nil, err
		}
	}
	end := long.begin()
	return func() {
		end()
		p.leave(who)
	}, nil
}

// ask gives who a place, for which w is nil, or lets him join the line.
func (p *places) ask(who any) (w *waiting, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken < p.count && p.of[who] < p.most() { // whoever waits has all that one may have
		p.give(who)
		return nil, nil //nolint:nilnil // there is nothing to wait for
	}
	if len(p.line) >= queueShare*p.count && !p.makeRoom(who) {
		return nil, errOverloaded
	}
	w = &waiting{who, make(chan bool, 1)}
	p.line = append(p.line, w)
	p.lined[who]++
	return w, nil
}

// most is how many places one caller has: with one left a short question of another is
// answered at once beside long ones.
func (p *places) most() int {
	if p.count > 2 {
		return p.count - 1
	}
	return p.count
}

func (p *places) give(who any) {
	p.taken++
	p.of[who]++
}

// makeRoom sends the last one away of those of whom more wait than of each there would be
// if all had as many, if who has fewer.
func (p *places) makeRoom(who any) bool {
	callers := len(p.lined)
	if p.lined[who] == 0 {
		callers++
	}
	share := len(p.line) / callers
	if p.lined[who] >= share {
		return false
	}
	for i, w := range slices.Backward(p.line) {
		if p.lined[w.who] > share {
			p.remove(i)
			w.turn <- false
			return true
		}
	}
	return false
}

// remove takes one out of the line.
func (p *places) remove(i int) {
	who := p.line[i].who
	p.line = slices.Delete(p.line, i, i+1)
	if p.lined[who]--; p.lined[who] == 0 {
		delete(p.lined, who)
	}
}

// wait waits for the turn of w.
func (p *places) wait(w *waiting) error {
	late := time.NewTimer(placeTime)
	defer late.Stop()
	var given bool
	select {
	case given = <-w.turn:
	case <-late.C:
		p.mu.Lock()
		i := slices.Index(p.line, w)
		if i >= 0 {
			p.remove(i)
		}
		p.mu.Unlock()
		if i >= 0 {
			return errBusy
		}
		given = <-w.turn // it has just come
	}
	if !given {
		return errOverloaded
	}
	return nil
}

// leave gives a place of who back, to the first of those who have the fewest.
func (p *places) leave(who any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.of[who]--; p.of[who] == 0 {
		delete(p.of, who)
	}
	next := -1
	for i, w := range p.line {
		if n := p.of[w.who]; n < p.most() && (next < 0 || n < p.of[p.line[next].who]) {
			next = i
		}
	}
	if next < 0 {
		return
	}
	w := p.line[next]
	p.remove(next)
	p.give(w.who)
	w.turn <- true
}

// occupancy is how many work, of how many at once, and how many wait for it.
type occupancy struct{ running, places, waiting int }

// occupied tells of the places.
func (p *places) occupied() occupancy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return occupancy{p.taken, p.count, len(p.line)}
}

// asker is for whom places are counted: the token, or without one the address.
func (r *request) asker() any {
	if r.token != "" {
		return r.token
	}
	if !r.from.IsValid() {
		r.from = r.server.caller(r)
	}
	return network(r.from)
}
