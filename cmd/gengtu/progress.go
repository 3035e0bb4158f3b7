package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows how far long work is: one line that is written over on a
// terminal, a line every few seconds elsewhere.
type progress struct {
	e        *env
	terminal bool
	mu       sync.Mutex
	last     time.Time
	shown    bool
	what     string    // that is being done
	since    time.Time // when that began
}

func (e *env) progress() *progress {
	f, ok := e.stderr.(*os.File)
	return &progress{e: e, terminal: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

// tell says what is being done. It prints now and then only.
func (p *progress) tell(what string, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if what != p.what {
		p.what, p.since = what, time.Now()
	}
	every := 2 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf("%s %d", what, done)
	if total > 0 {
		text = fmt.Sprintf("%s %d/%d (%d %%)", what, done, total, done*100/total)
		if left, ok := remaining(time.Since(p.since), done, total); ok {
			text += fmt.Sprintf(p.e.pick("，还需 %d 秒", ", %d s left"), int64(left.Seconds()+0.5))
		}
	}
	if done == 0 && total == 0 {
		text = what
	}
	if p.terminal {
		p.e.notef("\r\x1b[K%s", text)
		p.shown = true
		return
	}
	p.e.notef("%s\n", text)
}

// remaining tells how long the rest of the work takes if it goes on as fast as it
// went; false when too little is done to tell.
func remaining(spent time.Duration, done, total int64) (time.Duration, bool) {
	if done <= 0 || done > total || spent < time.Second {
		return 0, false
	}
	return time.Duration(float64(spent) / float64(done) * float64(total-done)), true
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		p.e.notef("\r\x1b[K")
		p.shown = false
	}
}
