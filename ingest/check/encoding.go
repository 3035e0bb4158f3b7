package check

import (
	"math"
	"strings"

	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// misread is what names of codes tell of a file whose encoding is another than the one it
// is read in: how many values, and of the first the record and how it should read.
type misread struct {
	count                       int
	record                      int64
	key                         string
	field, got, want, is, right string
}

// misread tells whether s is the name that should stand there in another encoding: then
// the file is at fault and not the record.
func (j *judging) misread(f *profiles.Field, s, want string) bool {
	if len(j.layer.rules["encoding"]) == 0 || j.f.File >= len(j.layer.seen.Files) {
		return false
	}
	file := &j.layer.seen.Files[j.f.File]
	right, ok := file.Misread(s, want)
	if !ok {
		return false
	}
	if m := &j.note.misread; m.count == 0 {
		*m = misread{record: j.f.Record, field: f.Name, got: s, want: want, is: file.Encoding, right: right}
	}
	j.note.misread.count++
	return true
}

// takeMisread adds what a feature's texts tell to its file's.
func (l *layerCheck) takeMisread(f *ingest.Seen, n *note) {
	if n.misread.count == 0 {
		return
	}
	if l.encodings == nil {
		l.encodings = make([]misread, len(l.seen.Files))
	}
	m := &l.encodings[f.File]
	if m.count > 0 {
		m.count += n.misread.count
		return
	}
	*m = n.misread
	m.key, m.got = strings.Clone(f.Key), strings.Clone(m.got)
}

// encodingFaults reports, once a file, that its texts are in another encoding.
func (c *Checker) encodingFaults(l *layerCheck) error {
	for i := range l.encodings {
		m := &l.encodings[i]
		if m.count == 0 {
			continue
		}
		for _, r := range l.rules["encoding"] {
			err := c.book.report(&found{
				place: place{layer: l, file: i, record: m.record, key: m.key}, rule: r, areaM2: math.NaN(),
				zh:   "按 %[1]s 读，%[2]d 个值是乱码，例如 %[3]s 读作 %.60[4]q，按 %[5]s 是 %[6]q；请用 --encoding %[5]s",
				en:   "read as %[1]s, %[2]d values make no sense: %[3]s reads %.60[4]q and as %[5]s is %[6]q; try --encoding %[5]s",
				args: []any{m.is, m.count, m.field, m.got, m.right, m.want},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
