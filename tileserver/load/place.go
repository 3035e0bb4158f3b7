package load

import (
	"slices"
	"sync"
	"time"
)

// Places are how many answers of a costly kind are made at once, shared out among those
// who ask: a place goes to whom of those that wait has the fewest, and none has all of
// them where there are more than two. Safe for concurrent use.
type Places struct {
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

// NewPlaces returns n places that nobody has, n being 1 at least.
func NewPlaces(n int) *Places {
	return &Places{count: n, of: map[any]int{}, lined: map[any]int{}}
}

const (
	// placeTime is how long a request waits for a place.
	placeTime = 2 * time.Second
	// queueShare is how many wait for one place. Who would be behind them is told so at
	// once: he holds memory, and would mostly wait for nothing.
	queueShare = 32
)

// Take takes a place for who, any comparable value, and returns what gives it back, which is
// to be called once. Where there is none it waits two seconds. Errors are [ErrBusy], when
// none came free, and [ErrOverloaded], when too many wait already or somebody who waits for
// less has taken this one's place in the line.
func (p *Places) Take(who any) (leave func(), err error) {
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
func (p *Places) ask(who any) (w *waiting, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken < p.count && p.of[who] < p.most() { // whoever waits has all that one may have
		p.give(who)
		return nil, nil //nolint:nilnil // there is nothing to wait for
	}
	if len(p.line) >= queueShare*p.count && !p.makeRoom(who) {
		return nil, ErrOverloaded
	}
	w = &waiting{who, make(chan bool, 1)}
	p.line = append(p.line, w)
	p.lined[who]++
	return w, nil
}

// most is how many places one caller has: with one left a short question of another is
// answered at once beside long ones.
func (p *Places) most() int {
	if p.count > 2 {
		return p.count - 1
	}
	return p.count
}

func (p *Places) give(who any) {
	p.taken++
	p.of[who]++
}

// makeRoom sends the last one away of those of whom more wait than of each there would be
// if all had as many, if who has fewer.
func (p *Places) makeRoom(who any) bool {
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
func (p *Places) remove(i int) {
	who := p.line[i].who
	p.line = slices.Delete(p.line, i, i+1)
	if p.lined[who]--; p.lined[who] == 0 {
		delete(p.lined, who)
	}
}

// wait waits for the turn of w.
func (p *Places) wait(w *waiting) error {
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
			return ErrBusy
		}
		given = <-w.turn // it has just come
	}
	if !given {
		return ErrOverloaded
	}
	return nil
}

// leave gives a place of who back, to the first of those who have the fewest.
func (p *Places) leave(who any) {
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

// Occupancy is how many work, of how many at once, and how many wait for it.
type Occupancy struct{ Running, Places, Waiting int }

// Occupied tells of the places.
func (p *Places) Occupied() Occupancy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Occupancy{p.taken, p.count, len(p.line)}
}
