package patch

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

// A file of which much has gone becomes small, one of which little has gone stays
// the file that it is, and both hold what they held, buckets in buckets too.
func TestCompact(t *testing.T) {
	for _, row := range []struct {
		name    string
		gone    int // of 100 records
		written bool
	}{
		{"nothing gone", 0, false},
		{"little gone", 10, false},
		{"half gone", 50, true},
		{"nearly all gone", 98, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "db")
			db, err := openChanged(path)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(7, 7))
			const records = 3000
			each := func(visit func(b *bolt.Bucket, i int, key []byte) error) {
				t.Helper()
				err := db.Update(func(tx *bolt.Tx) error {
					outer, err := tx.CreateBucketIfNotExists([]byte("outer"))
					if err != nil {
						return err
					}
					inner, err := outer.CreateBucketIfNotExists([]byte("inner"))
					for i := 0; i < records && err == nil; i++ {
						err = visit([]*bolt.Bucket{outer, inner}[i%2], i, binary.BigEndian.AppendUint32(nil, uint32(i)))
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			each(func(b *bolt.Bucket, _ int, key []byte) error { return b.Put(key, make([]byte, 500+rng.IntN(2000))) })
			// What goes lies together: pages come free where all of their records go.
			each(func(b *bolt.Bucket, i int, key []byte) error {
				if i*100 >= records*row.gone {
					return nil
				}
				return b.Delete(key)
			})
			hold := func() map[string]int {
				out := map[string]int{}
				each(func(b *bolt.Bucket, _ int, key []byte) error {
					if v := b.Get(key); v != nil {
						out[string(key)] = len(v)
					}
					return nil
				})
				return out
			}
			want := hold()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := compact(path); err != nil {
				t.Fatal(err)
			}
			after, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if os.SameFile(before, after) == row.written {
				t.Errorf("it was %d bytes and is %d", before.Size(), after.Size())
			}
			if most := before.Size() * int64(110-row.gone) / 100; row.written && after.Size() > most {
				t.Errorf("it was %d bytes and is %d, want %d at most", before.Size(), after.Size(), most)
			}
			if db, err = openChanged(path); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, hold()); d != "" {
				t.Errorf("(-before +after)\n%s", d)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
		})
	}
}
