package bulk_test

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"gengtu/index/bulk"
)

// content is what a file holds: by bucket and key.
type content map[string]map[string]string

// write writes c, the buckets in an order of their own.
func write(t testing.TB, c content) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	w, err := bulk.Create(path, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	for name, kvs := range c {
		if err := w.Bucket(name); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 0, 64) // a key is the caller's own
		for _, k := range slices.Sorted(maps.Keys(kvs)) {
			buffer = append(buffer[:0], k...)
			if err := w.Put(buffer, []byte(kvs[k])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens the file at path.
func open(t testing.TB, path string, readOnly *bolt.Options) *bolt.DB {
	t.Helper()
	db, err := bolt.Open(path, 0o644, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// check holds a file against c, by bbolt's own check of every page, by a walk and by
// looking for each key.
func check(t testing.TB, db *bolt.DB, c content) {
	t.Helper()
	got := content{}
	err := db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			kvs := map[string]string{}
			got[string(name)] = kvs
			return b.ForEach(func(k, v []byte) error {
				if !bytes.Equal(b.Get(k), v) {
					t.Errorf("key %x is not found", k)
				}
				kvs[string(k)] = string(v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got, c, func(a, b map[string]string) bool { return maps.Equal(a, b) }) {
		t.Error("not what was written")
	}
}

// random returns n keys with values of up to most bytes.
func random(rnd *rand.Rand, n, key, most int) map[string]string {
	kvs := map[string]string{}
	for range n {
		k, v := make([]byte, 1+rnd.IntN(key)), make([]byte, rnd.IntN(most+1))
		for i := range k {
			k[i] = byte(rnd.Uint32())
		}
		for i := range v {
			v[i] = byte(rnd.Uint32())
		}
		kvs[string(k)] = string(v)
	}
	return kvs
}

// What is written must be what bbolt reads, and it must find no page wrong; and a
// file must be whole after bbolt has changed it.
func TestFiles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	cases := map[string]content{
		"nothing":           {},
		"an empty bucket":   {"a": {}},
		"one key":           {"a": {"k": "v"}},
		"an empty value":    {"a": {"k": "", "l": ""}},
		"three levels":      {"a": random(rnd, 60_000, 40, 40)},
		"large keys":        {"a": random(rnd, 500, 3000, 10)},
		"large values":      {"a": random(rnd, 100, 10, 30_000)},
		"tiny":              {"a": random(rnd, 3000, 3, 0)},
		"records and codes": {"layers": random(rnd, 3, 10, 800), "features/a": random(rnd, 5000, 16, 1500), "codes/a": random(rnd, 5000, 30, 0), "b": {}},
	}
	for n := range 40 { // ends of pages everywhere
		cases["values of "+string(rune('A'+n))] = content{"a": random(rnd, 200+n, 16, 400+n)}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := write(t, c)
			db := open(t, path, &bolt.Options{ReadOnly: true})
			check(t, db, c)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = open(t, path, &bolt.Options{NoSync: true, NoFreelistSync: true})
			change(t, db, c, rnd)
			check(t, db, c)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// change changes the file and c alike.
func change(t *testing.T, db *bolt.DB, c content, rnd *rand.Rand) {
	t.Helper()
	for range 3 {
		err := db.Update(func(tx *bolt.Tx) error {
			for name, kvs := range c {
				b := tx.Bucket([]byte(name))
				for _, k := range slices.Sorted(maps.Keys(kvs)) {
					if rnd.IntN(3) > 0 {
						delete(kvs, k)
						if err := b.Delete([]byte(k)); err != nil {
							return err
						}
					}
				}
				for k, v := range random(rnd, 100, 20, 300) {
					kvs[k] = v
					if err := b.Put([]byte(k), []byte(v)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		check(t, db, c)
	}
}

// Equal content must have equal bytes, and no more pages than bbolt takes for it.
func TestSize(t *testing.T) {
	c := content{"a": random(rand.New(rand.NewPCG(4, 5)), 20_000, 16, 1500)}
	one, err := os.ReadFile(write(t, c))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(write(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("equal content, other bytes")
	}
	db := open(t, filepath.Join(t.TempDir(), "x.db"), &bolt.Options{NoSync: true, NoFreelistSync: true})
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("a"))
		if err != nil {
			return err
		}
		b.FillPercent = 1
		for _, k := range slices.Sorted(maps.Keys(c["a"])) {
			if err := b.Put([]byte(k), []byte(c["a"][k])); err != nil {
				return err
			}
		}
		return nil
	})
	var size int64
	err = cmp.Or(err, db.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil }), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(one)) > size {
		t.Errorf("%d bytes, bbolt takes %d", len(one), size)
	}
}

// What is out of order or too large is refused.
func TestRefused(t *testing.T) {
	for name, put := range map[string]func(w *bulk.Writer) error{
		"a key before a bucket": func(w *bulk.Writer) error { return w.Put([]byte("a"), nil) },
		"a key again": func(w *bulk.Writer) error {
			return errors.Join(w.Bucket("x"), w.Put([]byte("a"), nil), w.Put([]byte("a"), nil))
		},
		"keys that fall": func(w *bulk.Writer) error {
			return errors.Join(w.Bucket("x"), w.Put([]byte("b"), nil), w.Put([]byte("a"), nil))
		},
		"a bucket again":        func(w *bulk.Writer) error { return errors.Join(w.Bucket("x"), w.Bucket("y"), w.Bucket("x")) },
		"a bucket without name": func(w *bulk.Writer) error { return w.Bucket("") },
		"a key without bytes":   func(w *bulk.Writer) error { return errors.Join(w.Bucket("x"), w.Put(nil, nil)) },
		"a key too long":        func(w *bulk.Writer) error { return errors.Join(w.Bucket("x"), w.Put(make([]byte, 1<<16), nil)) },
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		w, err := bulk.Create(path, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if put(w) == nil {
			t.Errorf("%s is taken", name)
		}
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if _, err := bulk.Create(path, 0o644); !os.IsExist(err) {
			t.Errorf("a file that exists is written over (%v)", err)
		}
	}
}

// Beside it: what bbolt takes for the same keys.
func BenchmarkPut(b *testing.B) {
	c := random(rand.New(rand.NewPCG(4, 6)), 100_000, 16, 1400)
	keys := slices.Sorted(maps.Keys(c))
	b.Run("bulk", func(b *testing.B) {
		for b.Loop() {
			w, err := bulk.Create(filepath.Join(b.TempDir(), "x.db"), 0o644)
			if err != nil {
				b.Fatal(err)
			}
			if err := w.Bucket("a"); err != nil {
				b.Fatal(err)
			}
			for _, k := range keys {
				if err := w.Put([]byte(k), []byte(c[k])); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bbolt", func(b *testing.B) {
		for b.Loop() {
			db := open(b, filepath.Join(b.TempDir(), "x.db"), &bolt.Options{NoSync: true, NoFreelistSync: true})
			for part := range slices.Chunk(keys, 20_000) {
				err := db.Update(func(tx *bolt.Tx) error {
					bucket, err := tx.CreateBucketIfNotExists([]byte("a"))
					if err != nil {
						return err
					}
					bucket.FillPercent = 1
					for _, k := range part {
						if err := bucket.Put([]byte(k), []byte(c[k])); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if err := errors.Join(db.Sync(), db.Close()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
