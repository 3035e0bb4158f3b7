package audit

import (
	"crypto/sha256"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Filter tells which lines are wanted; what is left empty bounds nothing.
type Filter struct {
	Since, Until time.Time // from the one on, before the other
	Who          string
	Tier         string
	Layer        string
	Place        string // codes that begin so
	Request      string
	Status       int
	// Acts wants the lines of acts alone.
	Acts bool
}

func (f *Filter) wants(r *Record) bool {
	return (f.Since.IsZero() || !r.Time.Before(f.Since)) && (f.Until.IsZero() || r.Time.Before(f.Until)) &&
		(f.Who == "" || r.Who == f.Who) && (f.Tier == "" || r.Tier == f.Tier) && (f.Layer == "" || slices.Contains(strings.Split(r.Layer, ","), f.Layer)) &&
		(f.Place == "" || strings.HasPrefix(r.Place, f.Place)) && (f.Request == "" || r.Request == f.Request) &&
		(f.Status == 0 || r.Status == f.Status) && (!f.Acts || r.Act != "")
}

// Read calls each with the lines of the log in dir that f wants, chain by chain, each in
// its order, until it returns an error. Lines are checked as [VerifyFile] does: what is
// shown is what was written. The record is the callee's to keep.
func Read(dir string, f Filter, each func(chain string, n int64, r Record) error) error {
	chains, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		var stopped error
		w := &walk{Summary: Summary{Chain: name, Hash: hexOf([sha256.Size]byte{})}}
		w.seen = func(l *line) {
			if stopped == nil && f.wants(&l.Record) {
				stopped = each(name, l.N, l.Record)
			}
		}
		for i, n := range chains[name] {
			err := w.file(filepath.Join(dir, fileName(name, n)), i == len(chains[name])-1)
			if err := errors.Join(stopped, err); err != nil {
				return err
			}
		}
	}
	return nil
}
