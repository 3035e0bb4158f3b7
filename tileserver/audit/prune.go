package audit

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// How long lines are kept.
const (
	// DefaultKeepDays is how many days lines are kept where nobody says more.
	DefaultKeepDays = 190
	// LeastKeepDays is the fewest days that may be asked for: six months, the longest
	// of which has 184 days (网络安全法, article 21: no less than six months).
	LeastKeepDays = 184
)

// Prune removes the files of the log in dir all of whose lines are older than some
// days, oldest first, and returns what is gone of each chain. An act tells of each
// chain's before its files go, so that [Verify] knows of them; the last file of a chain
// always stays. A log that does not verify is not touched. Who is told as having done it.
func Prune(dir string, days int, who Record, opt Options) ([]Removed, error) {
	if days < LeastKeepDays {
		return nil, problem.New("AUDIT_KEEP", "只留 %d 天太少，日志至少留 %d 天", "%d days are too few: logs are kept for %d days at least", days, LeastKeepDays).
			Advise("《网络安全法》第二十一条要求不少于六个月", "the Cybersecurity Law (article 21) asks for six months at least")
	}
	opt = opt.withDefaults()
	if _, err := Verify(dir, nil); err != nil {
		return nil, err
	}
	chains, err := list(dir)
	if err != nil {
		return nil, err
	}
	before := opt.Now().AddDate(0, 0, -days)
	var gone []Removed
	for _, name := range slices.Sorted(maps.Keys(chains)) {
		r, files, err := olderThan(dir, name, chains[name], before)
		if err != nil {
			return gone, err
		}
		if len(files) == 0 {
			continue
		}
		who.Removed = r
		err = Act(dir, who, opt, func() error {
			for _, f := range files {
				if err := os.Remove(f); err != nil {
					return unwritable(f, err)
				}
			}
			return disk.SyncDir(dir)
		})
		if err != nil {
			return gone, err
		}
		gone = append(gone, *r)
	}
	return gone, nil
}

// olderThan returns the files of a chain whose lines are all of before a time, and what
// is to be told of them.
func olderThan(dir, chain string, numbers []int, before time.Time) (*Removed, []string, error) {
	var r *Removed
	var files []string
	for _, n := range numbers[:max(len(numbers)-1, 0)] {
		path := filepath.Join(dir, fileName(chain, n))
		s, err := VerifyFile(path)
		if err != nil {
			return nil, nil, err
		}
		if !s.latest.Before(before) {
			break
		}
		r = &Removed{Chain: chain, File: n, N: s.N, Hash: s.Hash}
		files = append(files, path)
	}
	return r, files, nil
}
