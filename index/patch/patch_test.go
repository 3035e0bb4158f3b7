package patch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"gengtu/index/patch"
)

// model is what a file should hold: records by the path of their bucket.
type model map[string]map[string]string

// buckets are the paths that tests use; one is in another.
var buckets = [][]string{{"a"}, {"b"}, {"outer", "x"}, {"outer", "y"}}

func (m model) put(path []string, key, value string) {
	at := strings.Join(path, "/")
	if m[at] == nil {
		m[at] = map[string]string{}
	}
	m[at][key] = value
}

// write makes the file that holds m.
func (m model) write(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, names := range buckets {
			b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
			for _, name := range names[1:] {
				if err == nil {
					b, err = b.CreateBucketIfNotExists([]byte(name))
				}
			}
			if err != nil {
				return err
			}
			for k, v := range m[strings.Join(names, "/")] {
				if err := b.Put([]byte(k), []byte(v)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func at(f *patch.File, names []string) *patch.Bucket {
	b := f.Bucket(names[0])
	for _, name := range names[1:] {
		b = b.Bucket(name)
	}
	return b
}

// same holds a file, and its patch, against m in every way of reading it.
func (m model) same(t testing.TB, path string) {
	t.Helper()
	f, err := patch.Open(path, sums(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = patch.Guard(func() error {
		if got := f.Buckets(); !slices.Equal(got, []string{"a", "b", "outer"}) {
			return fmt.Errorf("buckets %v", got)
		}
		if got := f.Bucket("outer").Buckets(); !slices.Equal(got, []string{"x", "y"}) {
			return fmt.Errorf("buckets in outer %v", got)
		}
		for _, names := range buckets {
			if err := m.sameIn(at(f, names), strings.Join(names, "/")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m model) sameIn(b *patch.Bucket, name string) error {
	want := m[name]
	keys := slices.Sorted(maps.Keys(want))
	got := map[string]string{}
	var order []string
	err := b.ForEach(func(k, v []byte) error {
		order = append(order, string(k))
		got[string(k)] = string(v)
		if v == nil {
			return fmt.Errorf("%s: the record %x has no value", name, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if d := cmp.Diff(keys, order); d != "" {
		return fmt.Errorf("%s: keys (-want +got)\n%s", name, d)
	}
	if !maps.Equal(want, got) {
		return fmt.Errorf("%s: other values", name)
	}
	if b.Empty() != (len(keys) == 0) {
		return fmt.Errorf("%s: empty %v with %d keys", name, b.Empty(), len(keys))
	}
	for n := range 130 {
		k := key(n)
		v := b.Get([]byte(k))
		if w, ok := want[k]; ok != (v != nil) || string(v) != w {
			return fmt.Errorf("%s: get %x is %.20q, want %.20q, %v", name, k, v, w, ok)
		}
		i, _ := slices.BinarySearch(keys, k)
		c := b.Cursor()
		for found, _ := c.Seek([]byte(k)); i < len(keys) || found != nil; found, _ = c.Next() {
			if i >= len(keys) || string(found) != keys[i] {
				return fmt.Errorf("%s: from %x on there is %x, want number %d of %x", name, k, found, i, keys)
			}
			if i++; i > n+3 {
				break
			}
		}
	}
	return nil
}

func key(n int) string { return string(binary.BigEndian.AppendUint16([]byte{'k'}, uint16(n))) }

func value(n, seed byte) string { return strings.Repeat(string(rune('a'+seed%26)), int(n)%7*90) }

// sums are those of the file as it is.
func sums(t testing.TB, path string) *patch.Sums {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return patch.NewSums(blocks(data))
}

func blocks(data []byte) string {
	var out strings.Builder
	for part := range slices.Chunk(data, patch.BlockBytes) {
		fmt.Fprintf(&out, "%08x", crc32.Checksum(part, crc32.MakeTable(crc32.Castagnoli)))
	}
	return out.String()
}

// play changes a file as ops say, in transactions and sessions, and holds it against a
// map: three bytes are one change.
func play(t testing.TB, ops []byte) {
	path := filepath.Join(t.TempDir(), "x.db")
	m := model{}
	first := model{}
	for n := 0; n < 120; n += 3 {
		for i, b := range buckets[:3] {
			m.put(b, key(n+i), value(byte(n), byte(i)))
			first.put(b, key(n+i), value(byte(n), byte(i)))
		}
	}
	m.write(t, path)
	untouched, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for len(ops) > 0 {
		e, err := patch.Edit(path, sums(t, path))
		if err != nil {
			t.Fatal(err)
		}
		ops = session(t, e, m, ops)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		m.same(t, path)
		if len(ops) > 0 && ops[0]%5 == 0 {
			ops = ops[1:]
			to := filepath.Join(filepath.Dir(path), "whole")
			if err := patch.Whole(t.Context(), path, sums(t, path), to); err != nil {
				t.Fatal(err)
			}
			m.same(t, to)
		}
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, untouched) {
			t.Fatalf("the file itself has changed (%v)", err)
		}
		_ = os.Remove(filepath.Join(filepath.Dir(path), "whole")) // if it is there
	}
	// Back to what it was there is nothing to say.
	e, err := patch.Edit(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = e.Update(func(tx *patch.Tx) error {
		for _, names := range buckets {
			b, err := tx.Bucket(names...)
			if err != nil {
				return err
			}
			for n := range 130 {
				if v, ok := first[strings.Join(names, "/")][key(n)]; ok {
					err = errors.Join(err, b.Put([]byte(key(n)), []byte(v)))
				} else {
					err = errors.Join(err, b.Delete([]byte(key(n))))
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	first.same(t, path)
	if _, err := os.Stat(patch.Path(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a patch is left that says nothing (%v)", err)
	}
}

// session plays changes until one of them ends it.
func session(t testing.TB, e *patch.Editor, m model, ops []byte) []byte {
	tx, err := e.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for len(ops) >= 3 {
		op, n, seed := ops[0], int(ops[1])%130, ops[2]
		ops = ops[3:]
		names := buckets[op%4]
		b, err := tx.Bucket(names...)
		if err != nil {
			t.Fatal(err)
		}
		switch k := key(n); op / 4 % 8 {
		case 0, 1, 2:
			v := value(byte(n)+seed, seed)
			m.put(names, k, v)
			err = b.Put([]byte(k), []byte(v))
		case 3, 4:
			delete(m[strings.Join(names, "/")], k)
			err = b.Delete([]byte(k))
		case 5: // all of a bucket
			for k := range m[strings.Join(names, "/")] {
				err = errors.Join(err, b.Delete([]byte(k)))
			}
			delete(m, strings.Join(names, "/"))
		case 6: // what is not written yet is seen
			if v, ok := m[strings.Join(names, "/")][k]; ok != (b.Get([]byte(k)) != nil) || string(b.Get([]byte(k))) != v {
				t.Fatalf("in a transaction %x is %.20q, want %.20q", k, b.Get([]byte(k)), v)
			}
			err = m.sameIn(b, strings.Join(names, "/"))
		case 7:
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if seed%2 == 0 {
				return ops
			}
			tx, err = e.Begin()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return nil
}

// After any changes, in any transactions and sessions, a file and its patch hold what a
// map holds, in every way of reading them; so does the whole file made of the two.
func TestAgainstMap(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 11))
		ops := make([]byte, 3*rng.IntN(400))
		for i := range ops {
			ops[i] = byte(rng.Uint32())
		}
		play(t, ops)
	}
}

func FuzzAgainstMap(f *testing.F) {
	f.Add([]byte{0, 3, 1, 12, 3, 0, 28, 0, 0, 24, 3, 0})
	f.Add([]byte{20, 0, 0, 28, 0, 0, 0, 0, 1, 24, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) { play(t, ops[:min(len(ops), 600)]) })
}

// Reading a file that has no patch takes no more memory than reading it did.
func TestAllocations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m, _ := large(t, path)
	f, err := patch.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, NoStatistics: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	err = db.View(func(tx *bolt.Tx) error {
		theirs, ours, k := tx.Bucket([]byte("a")), f.Bucket("a"), []byte(key(7))
		want := testing.AllocsPerRun(100, func() { theirs.Get(k) })
		if got := testing.AllocsPerRun(100, func() { ours.Get(k) }); got > want || string(ours.Get(k)) != m["a"][key(7)] {
			t.Errorf("%v allocations, bbolt makes %v", got, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
