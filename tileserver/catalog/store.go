package catalog

import (
	"io"
	"os"
	"sync"
	"sync/atomic"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Layers tells which layers the editions that are served have now, by their tiers.
type Layers func() (map[edition.Tier][]string, error)

// Store is what is said of the layers of the tiers that are served: by the files of
// an operator, which it follows, and by the embedded table where there is none. It may
// be used by several goroutines at once.
type Store struct {
	paths    []string
	layers   Layers
	fallback *Table
	current  atomic.Pointer[reading]
	changes  atomic.Uint64 // readings put in force
	mu       sync.Mutex    // one reads at a time
}

// reading is the files as they were read together.
type reading struct {
	tables map[edition.Tier]*Table
	infos  []os.FileInfo
}

// Open reads the tables at paths, one for each tier at most, and each of a tier that
// layers has. Problems are those of [Parse], and CATALOGUE_TIER of a table of no
// edition, or a second one; errors of layers are returned as they are.
func Open(paths []string, layers Layers) (*Store, error) {
	base, err := Default()
	if err != nil {
		return nil, err
	}
	s := &Store{paths: paths, layers: layers, fallback: base}
	s.current.Store(&reading{})
	if len(paths) > 0 {
		err = s.reload()
	}
	return s, err
}

// Refresh reads all files anew if one of them is another, or has another size or time,
// than when it was last read, and tells whether it was. Where one is wrong all stay as
// they were read before. It costs a look at each file when nothing changed, so that a
// server may call it each second. Errors are those of [Open].
func (s *Store) Refresh() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for i, path := range s.paths {
		info, err := os.Stat(path)
		if err != nil {
			return false, unreadable(path, err)
		}
		last := s.current.Load().infos[i]
		changed = changed || !os.SameFile(info, last) || info.Size() != last.Size() || !info.ModTime().Equal(last.ModTime())
	}
	if !changed {
		return false, nil
	}
	return true, s.reload()
}

// reload reads all files and puts them in force together.
func (s *Store) reload() error {
	layers, err := s.layers()
	if err != nil {
		return err
	}
	next := &reading{tables: map[edition.Tier]*Table{}}
	for _, path := range s.paths {
		data, info, err := readFile(path)
		if err != nil {
			return err
		}
		t, err := Parse(path, data, layers)
		if err != nil {
			return err
		}
		if next.tables[t.Tier] != nil {
			return problem.New("CATALOGUE_TIER", "%[1]s有两个表", "there are two tables of the tier %[2]s", t.Tier.Title(problem.Chinese), string(t.Tier)).In(path).
				Advise("每版给一个表", "give one table for each tier that is served")
		}
		next.tables[t.Tier] = t
		next.infos = append(next.infos, info)
	}
	s.current.Store(next)
	s.changes.Add(1)
	return nil
}

// Changes counts the readings that were put in force: what was derived from [Store.Of]
// holds while it stays the same.
func (s *Store) Changes() uint64 { return s.changes.Load() }

// readFile reads a table, and says which file it was.
func readFile(path string) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	// One byte too many is what the reader of tables finds too long.
	data, err := io.ReadAll(io.LimitReader(f, int64(kind.MaxBytes)+1))
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	return data, info, nil
}

func unreadable(path string, err error) error {
	return problem.New("CATALOGUE_FILE", "数据目录表读不出来（%v）", "the table of the catalogue cannot be read (%v)", err).In(path).Because(err).
		Advise("核对路径和权限", "check the path and its mode")
}

// table is what holds for a tier.
func (s *Store) table(tier edition.Tier) *Table {
	if t := s.current.Load().tables[tier]; t != nil {
		return t
	}
	return s.fallback
}

// Watermark tells whether pages of a tier show who looks; see [Table.Watermark].
func (s *Store) Watermark(tier edition.Tier) bool { return s.table(tier).Watermark(tier) }

// Of returns what is said of a layer of a tier.
func (s *Store) Of(tier edition.Tier, layer string) Record { return s.table(tier).Of(tier, layer) }

// Gaps lists what is missing of the layers of each tier that is served.
func (s *Store) Gaps() (map[edition.Tier][]Gap, error) {
	layers, err := s.layers()
	if err != nil {
		return nil, err
	}
	out := map[edition.Tier][]Gap{}
	for tier, names := range layers {
		out[tier] = s.gaps(tier, names)
	}
	return out, nil
}

// Gap is what nobody says of a layer that a catalogue should.
type Gap struct {
	Layer string `json:"layer"`
	// Missing are members of its record: class, grade (which nobody confirmed),
	// source, department, contact.
	Missing []string `json:"missing"`
}

// gaps lists what is missing of layers, in their order.
func (s *Store) gaps(tier edition.Tier, layers []string) []Gap {
	out := []Gap{}
	for _, name := range layers {
		r := s.Of(tier, name)
		g := Gap{Layer: name}
		for _, m := range []struct {
			member string
			said   bool
		}{
			{"class", r.Group != "" && r.Theme != "" && r.Class != ""},
			{"grade", r.Confirmed},
			{"source", r.Source != ""},
			{"department", r.Department != ""},
			{"contact", r.Contact.Organisation != "" && (r.Contact.Phone != "" || r.Contact.Email != "")},
		} {
			if !m.said {
				g.Missing = append(g.Missing, m.member)
			}
		}
		if g.Missing != nil {
			out = append(out, g)
		}
	}
	return out
}
