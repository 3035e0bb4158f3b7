package load

import (
	"runtime"
	"sync"
	"time"
)

// Processors is how many goroutines can compute at once; a server's work is shared out by
// it.
var Processors = runtime.GOMAXPROCS(0)

// Hands are the goroutines that answers may have beside their own, for all of them
// together: one answer alone has all processors, many have one each, so that what computes
// at once stays bounded. Safe for concurrent use.
type Hands chan struct{}

// NewHands returns as many hands as there are processors, but for the one that each answer
// has anyway.
func NewHands() Hands { return make(Hands, Processors-1) }

// Take returns with how many goroutines to work, at least one, and what gives them back.
func (h Hands) Take() (workers int, back func()) {
	for workers = 1; workers <= cap(h); workers++ {
		select {
		case h <- struct{}{}:
			continue
		default:
		}
		break
	}
	taken := workers - 1
	return workers, func() {
		for range taken {
			<-h
		}
	}
}

// width lets the system share the processors out while long answers are made. Go itself
// lets a goroutine compute for 10 ms before another one gets its processor: behind eight
// that compute, a tile that takes half a millisecond waits for some 100. With more of Go's
// processors than goroutines that compute, each runs on a thread of its own, and one that
// has waited for a request is preferred by the system. Alone tiles are answered faster
// without. All servers of a process share its processors. Safe for concurrent use.
type width struct {
	mu    sync.Mutex
	busy  int
	wide  bool
	timer *time.Timer
}

var long = &width{}

const (
	// widenAfter is how long there has to be such work: most questions take less.
	widenAfter = 5 * time.Millisecond
	// narrowAfter is how long there has to be none.
	narrowAfter = time.Second
	// widthFactor is more than all places of a server together, with the hands, are of the
	// processors by default.
	widthFactor = 10
)

// Long counts work that may take long, until end is called, once. [Places] and [Queue] do
// so for those who have a place. Safe for concurrent use.
func Long() (end func()) { return long.begin() }

func (w *width) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy++; w.busy == 1 && !w.wide {
		w.lookAfter(widenAfter)
	}
	return w.end
}

func (w *width) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy--; w.busy > 0 {
		return
	}
	if w.wide {
		w.lookAfter(narrowAfter)
	} else {
		w.timer.Stop()
	}
}

func (w *width) lookAfter(d time.Duration) {
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.look)
	} else {
		w.timer.Reset(d)
	}
}

func (w *width) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if (w.busy > 0) == w.wide {
		return
	}
	w.wide = !w.wide
	n := Processors
	if w.wide {
		n *= widthFactor
	}
	runtime.GOMAXPROCS(n)
}
