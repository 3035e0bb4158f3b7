// Package live holds the generations of an edition open while they are served: the one in
// force, which is swapped for another in one step, and others that are asked for by name.
//
// Whoever takes a generation holds it until it is released, and goes on with it when another
// has come into force meanwhile; it is closed when nobody holds it any more. No generation is
// being opened twice at one time, and beside the one in force at most two stay open that
// nobody holds.
//
// Package live does not know what a generation has: how one is opened is its caller's, and
// what of it a token reaches, too.
package live

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/load"
)

// The problems of who asks for a generation.
var (
	// ErrClosed is of an edition that is closed, or has nothing in force.
	ErrClosed = problem.New("NOT_READY", "服务尚未就绪或正在停止", "the server is not ready, or is stopping")
	// ErrGone is of a generation that the edition does not keep.
	ErrGone = problem.New("GENERATION_GONE", "这一代已不再保留", "this generation is no longer kept").
		Advise("去掉 generation= 取当前一代", "leave generation= out to get the current one")
)

// Generation is what an [Edition] holds open: a pointer to what has a [Hold].
type Generation interface {
	comparable
	Name() string
	Acquire() bool
	Release() error
}

// Edition is the open generations of one edition: the one in force, and others that
// requests have pinned or that were in force before. Its methods may be called by several
// goroutines, [Edition.Follow] by one at a time.
type Edition[G Generation] struct {
	dir  string
	open func(name string) (G, error)

	opening singleflight.Group
	mu      sync.Mutex
	now     G // the zero value while nothing is in force
	since   time.Time
	others  []G // the one that was used least recently first
}

// NewEdition returns the edition in the directory dir, of which nothing is in force yet.
// open opens the generation of a name, held once; it is called for one name at one time.
func NewEdition[G Generation](dir string, open func(name string) (G, error)) *Edition[G] {
	return &Edition[G]{dir: dir, open: open}
}

// maxOthers bounds how many generations beside the one in force are held open;
// each holds its R-tree and its tiles in memory.
const maxOthers = 2

// Current returns the name of the generation in force, "" when there is none.
func (e *Edition[G]) Current() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.none(e.now) {
		return ""
	}
	return e.now.Name()
}

func (*Edition[G]) none(g G) bool {
	var none G
	return g == none
}

// Since tells when the generation in force was put in force here.
func (e *Edition[G]) Since() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.since
}

// Open counts the generations that are held open.
func (e *Edition[G]) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.none(e.now) {
		return len(e.others)
	}
	return len(e.others) + 1
}

// Take returns the generation in force, acquired. The error is [ErrClosed].
func (e *Edition[G]) Take() (G, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.none(e.now) || !e.now.Acquire() {
		var none G
		return none, ErrClosed
	}
	return e.now, nil
}

// Follow puts in force what the directory's CURRENT names, and tells whether that is new.
// Requests that hold the generation before finish with it. What cannot be opened changes
// nothing.
func (e *Edition[G]) Follow() (changed bool, err error) {
	name, _, err := edition.Current(e.dir)
	if err != nil || name == e.Current() {
		return false, err
	}
	next, err := e.find(name)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	// The hold that find took is the one of e.now from here on.
	if !e.none(e.now) {
		e.others = append(e.others, e.now)
	}
	e.now, e.since = next, time.Now()
	dropped := e.evict()
	e.mu.Unlock()
	letGo(dropped)
	return true, nil
}

// Pin returns the generation of that name, acquired, opening it when it is kept
// on disc but not open. Errors are [ErrClosed], [ErrGone], [load.ErrBusy], the problem
// PARAMETER_GENERATION of what names none, and those of opening one.
func (e *Edition[G]) Pin(name string) (G, error) {
	var none G
	if !IsName(name) {
		return none, problem.New("PARAMETER_GENERATION", "%.40q 不是一代的名字", "%.40q names no generation", name)
	}
	switch e.Current() {
	case "":
		return none, ErrClosed
	case name:
		if p, ok := e.held(name); ok {
			return p, nil
		}
	}
	if !e.Kept(name) {
		return none, ErrGone
	}
	p, err := e.find(name)
	if err != nil && !e.Kept(name) {
		return none, ErrGone // removed while it was being opened
	}
	return p, err
}

// find returns a generation that is open or on disc, acquired. Callers that want
// one at one time open it once; none of them keeps others waiting.
func (e *Edition[G]) find(name string) (G, error) {
	if p, ok := e.held(name); ok {
		return p, nil
	}
	v, err, _ := e.opening.Do(name, func() (any, error) {
		if p, ok := e.held(name); ok {
			return p, p.Release()
		}
		p, err := e.open(name)
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		e.others = append(e.others, p)
		dropped := e.evict()
		e.mu.Unlock()
		letGo(dropped)
		return p, nil
	})
	var none G
	if err != nil {
		return none, err
	}
	if p, ok := v.(G); ok && p.Acquire() {
		return p, nil
	}
	return none, load.ErrBusy // more generations are asked for at once than are held
}

// held returns the generation of that name, acquired, when it is open.
func (e *Edition[G]) held(name string) (G, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.none(e.now) && e.now.Name() == name && e.now.Acquire() {
		return e.now, true
	}
	for i, p := range e.others {
		if p.Name() == name && p.Acquire() {
			e.others = append(slices.Delete(e.others, i, i+1), p)
			return p, true
		}
	}
	var none G
	return none, false
}

// evict takes off the list what is held twice and what is beyond maxOthers, and
// returns it.
func (e *Edition[G]) evict() []G {
	var dropped []G
	e.others = slices.DeleteFunc(e.others, func(p G) bool {
		if p != e.now {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	if n := len(e.others) - maxOthers; n > 0 {
		dropped = append(dropped, e.others[:n]...)
		e.others = slices.Delete(e.others, 0, n)
	}
	return dropped
}

// letGo releases generations. Nobody waits for their files to be closed, and a
// failure to close what was only read loses nothing.
func letGo[G Generation](dropped []G) {
	for _, p := range dropped {
		_ = p.Release()
	}
}

// Prune gives up the generations that are no longer kept on disc, but for the one in force.
func (e *Edition[G]) Prune() {
	e.mu.Lock()
	var dropped []G
	e.others = slices.DeleteFunc(e.others, func(p G) bool {
		if e.Kept(p.Name()) {
			return false
		}
		dropped = append(dropped, p)
		return true
	})
	e.mu.Unlock()
	letGo(dropped)
}

// IsName tells whether name has the form of a generation's name, so that no other path
// can be made from it.
func IsName(name string) bool {
	return len(name) == 17 && name[0] == 'g' && strings.Trim(name[1:], "0123456789abcdef") == ""
}

// Kept tells whether the directory has a generation of that name.
func (e *Edition[G]) Kept(name string) bool {
	_, err := os.Stat(filepath.Join(edition.Path(e.dir, name), edition.ManifestFile))
	return err == nil
}

// Close gives up all generations, each when the last who holds it is done. From then on
// nothing is in force.
func (e *Edition[G]) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	var none G
	if e.now != none {
		errs = append(errs, e.now.Release())
	}
	for _, p := range e.others {
		errs = append(errs, p.Release())
	}
	e.now, e.others = none, nil
	return errors.Join(errs...)
}
