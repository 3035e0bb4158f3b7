package patch_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/patch"
)

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

// A record is compared in every block that it lies in, however it is reached; so is one
// that is a key and no more.
func TestChangedBitsOfLongRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	rng := rand.New(rand.NewPCG(6, 6))
	long := make([]byte, 3*patch.BlockBytes)
	for i := range long {
		long[i] = byte(rng.Uint32())
	}
	m := model{}
	m.put(buckets[0], key(1), string(long))
	for n := range 200 {
		m.put(buckets[1], key(n)+string(long[:40]), "")
	}
	m.write(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	value, bare := bytes.Index(data, long), bytes.LastIndex(data, []byte(key(77)+string(long[:40])))
	ways := map[string]func(f *patch.File) error{
		"got": func(f *patch.File) error {
			f.Bucket("a").Get([]byte(key(1)))
			return nil
		},
		"gone over":            func(f *patch.File) error { return f.Bucket("a").ForEach(func(_, _ []byte) error { return nil }) },
		"gone over, keys only": func(f *patch.File) error { return f.Bucket("b").ForEach(func(_, _ []byte) error { return nil }) },
	}
	for way, places := range map[string][]int{
		"got": {value, value + patch.BlockBytes, value + len(long) - 1}, "gone over": {value, value + patch.BlockBytes, value + len(long) - 1},
		"gone over, keys only": {bare + 20},
	} {
		for _, at := range places {
			bad := bytes.Clone(data)
			bad[at] ^= 1
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := patch.Open(path, patch.NewSums(blocks(data)))
			if err != nil {
				t.Fatal(err)
			}
			if err := patch.Guard(func() error { return ways[way](f) }); !errors.Is(err, patch.ErrDamaged) {
				t.Errorf("%s, with a bit changed at %d: %v", way, at, err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
