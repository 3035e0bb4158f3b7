package patch_test

import (
	"bytes"
	"context"
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

// large writes a file of some MiB and returns it.
func large(t *testing.T, path string) (model, []byte) {
	t.Helper()
	m := model{}
	rng := rand.New(rand.NewPCG(3, 3))
	for n := range 1200 {
		v := make([]byte, 4000)
		for i := range v {
			v[i] = byte(rng.Uint32())
		}
		m.put(buckets[0], key(n), string(v))
	}
	m.write(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return m, data
}

// Whatever bit of a value has changed, who reads it with the sums of blocks does not get
// it; who reads elsewhere is not disturbed.
func TestChangedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	m, data := large(t, path)
	if len(data) < 4*patch.BlockBytes {
		t.Fatalf("%d bytes are too few", len(data))
	}
	want := blocks(data)
	readAll := func(of []byte) (int, error) {
		if err := os.WriteFile(path, of, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := patch.Open(path, patch.NewSums(want))
		if err != nil {
			return 0, err
		}
		defer func() { _ = f.Close() }() // only read
		read := 0
		for n := range 1200 {
			gerr := patch.Guard(func() error {
				if f.Bucket("a").Get([]byte(key(n))) != nil {
					read++
				}
				return nil
			})
			err = errors.Join(err, gerr)
		}
		return read, err
	}
	if n, err := readAll(data); n != 1200 || err != nil {
		t.Fatalf("%d values of the file as it was (%v)", n, err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		bad := bytes.Clone(data)
		i := bytes.Index(data, []byte(m["a"][key(rng.IntN(1200))])) + rng.IntN(4000)
		bad[i] ^= 1 << rng.IntN(8)
		n, err := readAll(bad)
		if !errors.Is(err, patch.ErrDamaged) || n < 100 || n > 1150 {
			t.Errorf("a bit changed at %d: %d values are read (%.100v)", i, n, err)
		}
	}
	// So it is when a file is made whole: nothing damaged goes into another file.
	bad := bytes.Clone(data)
	bad[bytes.Index(data, []byte(m["a"][key(500)]))] ^= 4
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := patch.Whole(t.Context(), path, patch.NewSums(want), path+".whole"); !errors.Is(err, patch.ErrDamaged) {
		t.Errorf("a damaged file is made whole: %v", err)
	}
}

// What cannot be opened says so.
func TestOpenRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	if _, err := patch.Open(path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := patch.Edit(path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there to edit: %v", err)
	}
	_, data := large(t, path)
	for name, bad := range map[string][]byte{
		"empty": nil, "cut short": data[:len(data)/2], "noise": bytes.Repeat([]byte{7}, 1<<15),
	} {
		for _, file := range []string{path, patch.Path(path)} {
			good, rerr := os.ReadFile(file)
			if err := os.WriteFile(file, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if f, err := patch.Open(path, nil); !errors.Is(err, patch.ErrDamaged) {
				t.Errorf("%s, %s: %v, %v", name, filepath.Base(file), f, err)
			}
			if e, err := patch.Edit(path, nil); !errors.Is(err, patch.ErrDamaged) {
				t.Errorf("%s, %s to edit: %v, %v", name, filepath.Base(file), e, err)
			}
			if rerr != nil {
				rerr = os.Remove(file)
			} else {
				rerr = os.WriteFile(file, good, 0o644)
			}
			if rerr != nil {
				t.Fatal(rerr)
			}
		}
	}
	// Aborted and interrupted, nothing stays open.
	e, err := patch.Edit(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Abort(); err != nil {
		t.Error(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := patch.Whole(ctx, path, nil, path+".whole"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// A patch is outgrown when it is more than a sixteenth of its file; one that
// is changed again and again does not grow.
func TestOutgrown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	_, data := large(t, path)
	change := func(from, to int, seed byte) int64 {
		t.Helper()
		e, err := patch.Edit(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = e.Update(func(tx *patch.Tx) error {
			b, err := tx.Bucket("a")
			for n := from; n < to && err == nil; n++ {
				err = b.Put([]byte(key(n)), bytes.Repeat([]byte{seed}, 4000))
			}
			return err
		})
		if err = errors.Join(err, e.Close()); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(patch.Path(path))
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	outgrown := func() bool {
		t.Helper()
		out, err := patch.Outgrown(path)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if outgrown() {
		t.Error("a file without a patch is outgrown")
	}
	least := change(0, 100, 1)
	most := int64(0)
	for seed := range byte(30) {
		most = max(most, change(0, 100, seed))
	}
	if most > 3*least || outgrown() {
		t.Errorf("a patch of %d bytes has grown to %d by changing the same", least, most)
	}
	if n := change(0, 400, 2); n < int64(len(data))/16 || !outgrown() {
		t.Errorf("a patch of %d bytes to %d is not outgrown", n, len(data))
	}
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
