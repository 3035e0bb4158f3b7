package audit

import (
	"errors"
	"os"
	"path/filepath"
)

// Ready tells whether a line could be appended now, without appending one, or why not: a
// syslog that is needed and away, a device that is late, a file that was taken away, a
// disk without room for a line. It writes a file of a line's size beside the log and
// removes it. It is not to be called by two at once.
func (l *Log) Ready() error {
	if s := l.opt.Syslog; s != nil {
		if err := s.ready(); err != nil {
			return err
		}
	}
	if l.slow.Load() {
		return errSlow.In(l.dir)
	}
	l.mu.Lock()
	err := l.unsynced
	l.mu.Unlock()
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir, l.chain+".ready.new")
	if err := os.WriteFile(path, make([]byte, MaxLineBytes), 0o600); err != nil {
		// Where it was not even made there is nothing to remove.
		return errors.Join(unwritable(path, err), removed(path))
	}
	if err := os.Remove(path); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// removed removes what may not be there.
func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
