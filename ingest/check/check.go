package check

import (
	"context"
	"time"

	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// Options say how to judge.
type Options struct {
	// Rules are what to judge by; nil takes the embedded ones.
	Rules *Rules
	// Profiles say what is known of layers' fields; nil takes the embedded ones.
	Profiles *profiles.Set
	// Expected are layers that the delivery must bring, where a rule asks for them; nil: it
	// may bring what it likes.
	Expected []string
	// MendM is the width, in metres, up to which slivers between the features of a layer are
	// mended by a run that mends; 0 mends none. See [Slivers].
	MendM float64
	// Listed is how many faults of a rule are listed, all are counted; 0 takes
	// [DefaultListed].
	Listed int
	// MemoryBytes bounds the shapes that are held in memory, 0 takes
	// [DefaultMemoryBytes]; beyond it they lie in a file without a name.
	MemoryBytes int64
	// Fault is called with each fault that is listed, as it is found; it may be nil. The
	// order does not depend on the number of workers. An error ends the check.
	Fault func(*Fault) error
	// Unlisted is called with faults beyond those that are listed, at most UnlistedMost of a
	// rule among those found while one layer is read, and as many among the others; it may
	// be nil. The order does not depend on the number of workers. Where a layer is read anew
	// (see [ingest.Inspector]) what was found while it was read comes again. An error ends
	// the check.
	Unlisted     func(*Fault) error
	UnlistedMost int
}

// The defaults of [Options].
const (
	DefaultListed      = 300 // as the survey's own tool has it (domain.md 3.5)
	DefaultMemoryBytes = 1 << 30
)

// Checker judges what a run reads: it is the run's inspector. Rules about one feature are
// asked while it is read; Finish asks those about several.
type Checker struct {
	opt    Options
	rules  *Rules
	set    *profiles.Set
	begun  time.Time
	book   book
	layers []*layerCheck
	vault  vault
}

// New returns a checker, which is to be closed.
func New(opt Options) (*Checker, error) {
	var err error
	if opt.Rules == nil {
		if opt.Rules, err = LoadRules(""); err != nil {
			return nil, err
		}
	}
	if opt.Profiles == nil {
		if opt.Profiles, err = profiles.Embedded(); err != nil {
			return nil, err
		}
	}
	if opt.Listed <= 0 {
		opt.Listed = DefaultListed
	}
	if opt.MemoryBytes <= 0 {
		opt.MemoryBytes = DefaultMemoryBytes
	}
	c := &Checker{opt: opt, rules: opt.Rules, set: opt.Profiles, begun: time.Now(), vault: vault{limit: opt.MemoryBytes}}
	c.book = newBook(opt.Rules, &opt)
	c.book.tell = opt.Fault
	return c, nil
}

// Close gives up what the checker holds on the disk.
func (c *Checker) Close() error { return c.vault.close() }

// Layer implements [ingest.Inspector].
func (c *Checker) Layer(seen *ingest.LayerSeen) (ingest.LayerInspector, error) {
	for i, l := range c.layers {
		if l.seen.Layer == seen.Layer && l.seen.Vintage == seen.Vintage {
			c.layers = append(c.layers[:i], c.layers[i+1:]...) // it is read anew
			break
		}
	}
	l := newLayerCheck(c, seen)
	c.layers = append(c.layers, l)
	return l, nil
}

// Finish asks the rules about several features, and about layers, and returns the
// result. It is called once, when all is read.
func (c *Checker) Finish(ctx context.Context) (*Result, error) {
	for _, l := range c.layers {
		l.settle()
		if err := c.book.take(&l.book); err != nil {
			return nil, err
		}
	}
	steps := []func(context.Context) error{c.structure, c.areas, c.topology, c.boundaryLines}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c.finished(), nil
}
