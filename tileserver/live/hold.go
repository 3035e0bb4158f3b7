package live

import "sync"

// Hold counts who holds something that is open under a name, and closes it when the last
// one lets it go. The zero value is closed. It must not be copied once it has begun; its
// methods may be called by several goroutines.
type Hold struct {
	name string
	end  func() error

	mu   sync.Mutex
	refs int
}

// Begin makes the caller the first who holds what has the name; end closes it. It is called
// once, before h is shared.
func (h *Hold) Begin(name string, end func() error) { h.name, h.end, h.refs = name, end, 1 }

// Name is what Begin was given.
func (h *Hold) Name() string { return h.name }

// Acquire holds it once more until Release; false when it is closed already.
func (h *Hold) Acquire() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refs == 0 {
		return false
	}
	h.refs++
	return true
}

// Release lets it go, once for Begin and once for each Acquire that was true. The last one
// closes it, and returns what closing does.
func (h *Hold) Release() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refs--
	if h.refs > 0 {
		return nil
	}
	return h.end()
}

// Keep is Acquire for what may go on when whoever began it is over. The error is [ErrClosed].
func (h *Hold) Keep() (release func(), err error) {
	if !h.Acquire() {
		return nil, ErrClosed
	}
	return func() { _ = h.Release() }, nil // only read
}
