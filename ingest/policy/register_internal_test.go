package policy

import (
	"bytes"
	"testing"

	"gengtu/index/problem"
)

// Whatever a register's file holds, it is read as whole lines that follow each other, or
// refused by a problem; and the hash of the last line is that of what was read.
func FuzzChain(f *testing.F) {
	first := []byte(`{"event":"published","from_tier":"secure","to_tier":"public","layers":[],"prev":""}`)
	second := []byte(`{"event":"failed","from_tier":"secure","prev":"` + lineHash(first) + `"}`)
	f.Add(append(bytes.Join([][]byte{first, second}, []byte("\n")), '\n'))
	f.Add(append(bytes.Clone(first), "\n{\"event"...))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, whole, hash, err := chain("r", data)
		if err != nil {
			if p := problem.Of(err); p == nil || p.Code != "REGISTER_BROKEN" || p.Record < 1 {
				t.Fatal(err)
			}
			return
		}
		if whole > len(data) || bytes.ContainsRune(data[whole:], '\n') || bytes.Count(data[:whole], []byte("\n")) != len(entries) {
			t.Fatalf("%d entries in %d of %d bytes", len(entries), whole, len(data))
		}
		lines := bytes.Split(bytes.TrimSuffix(data[:whole], []byte("\n")), []byte("\n"))
		if len(entries) > 0 && (hash != lineHash(lines[len(lines)-1]) || entries[0].Prev != "") {
			t.Fatal("the hash is not that of the last line")
		}
	})
}
