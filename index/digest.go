package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"gengtu/index/edition"
	"gengtu/index/patch"
)

// The content of a features file is hashed as a tree, so that a change costs
// what it changes: features whose keys begin alike are a group, each group has a
// digest over its keys and values, and the content's digest is one over those of
// all groups, in order. What the layers are is one group more, and so is each lineage and each
// register. Codes follow from the features and are in no group.

// digestsBucket holds the digests: by the name of a bucket, a zero byte and the
// group's prefix.
const digestsBucket = "digests"

// groupPrefix is how many bytes of a key make its group: 30 bits of the Hilbert
// curve are squares of 0.011 degree, 1.2 km, with some 120 parcels. More in one
// are hashed in vain when one changes; fewer make more digests to keep.
const groupPrefix = 4

// prefixOf returns the group of a key of a bucket.
func prefixOf(bucket string, key []byte) []byte {
	if !strings.HasPrefix(bucket, featuresBucket) {
		return nil
	}
	return key[:min(groupPrefix, len(key))]
}

// hashEntry adds a key and its value, each behind its length.
func hashEntry(h hash.Hash, key, value []byte) {
	var n [16]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(key)))
	binary.BigEndian.PutUint64(n[8:], uint64(len(value)))
	h.Write(n[:])
	h.Write(key)
	h.Write(value)
}

// group is one group and its digest.
type group struct {
	key    []byte // in digestsBucket
	digest []byte
}

func groupKey(bucket string, prefix []byte) []byte {
	return append(append([]byte(bucket), 0), prefix...)
}

// groupsOf returns the groups of a bucket, in the order of their keys.
func groupsOf(ctx context.Context, b *patch.Bucket, name string) ([]group, error) {
	var out []group
	h := sha256.New()
	var at []byte
	open := false
	end := func() {
		if open {
			out = append(out, group{groupKey(name, at), h.Sum(nil)})
			h.Reset()
		}
	}
	c := b.Cursor()
	n := 0
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p := prefixOf(name, k); !open || !bytes.Equal(p, at) {
			end()
			at, open = append(at[:0], p...), true
		}
		hashEntry(h, k, v)
	}
	end()
	return out, nil
}

// digested lists the buckets that are part of the content.
func digested(f *patch.File) []string {
	return slices.DeleteFunc(f.Buckets(), func(n string) bool {
		return n != layersBucket && !strings.HasPrefix(n, featuresBucket) && !strings.HasPrefix(n, lineageBucket) && !strings.HasPrefix(n, registerBucket)
	})
}

// digests hashes all groups of a features file, several buckets at once.
func digests(ctx context.Context, f *patch.File) ([]group, error) {
	parts := digested(f)
	found := make([][]group, len(parts))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range parts {
		g.Go(func() error {
			return guard(func() (err error) {
				found[i], err = groupsOf(ctx, f.Bucket(name), name)
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// Seal stores the digests of the content of the features file at path, which
// is written and not in force yet. Errors are ctx's and those of the file.
func Seal(ctx context.Context, path string) error {
	var kvs []entry
	err := read(path, func(f *patch.File) error {
		all, err := digests(ctx, f)
		for _, g := range all {
			kvs = append(kvs, entry{key: g.key, record: g.digest})
		}
		return err
	})
	if err != nil {
		return err
	}
	db, err := bolt.Open(path, 0o644, &bolt.Options{NoSync: true, NoFreelistSync: true})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	err = putAll(ctx, db, digestsBucket, kvs)
	if err = errors.Join(err, db.Sync(), db.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// digestGroups brings the digests of some groups of a bucket up to date.
func digestGroups(tx *patch.Tx, bucket string, prefixes map[string]bool) error {
	d, err := tx.Bucket(digestsBucket)
	if err != nil {
		return err
	}
	of, err := tx.Bucket(bucket)
	if err != nil {
		return err
	}
	c := of.Cursor()
	for p := range prefixes {
		h, prefix, n := sha256.New(), []byte(p), 0
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			hashEntry(h, k, v)
			n++
		}
		var err error
		if key := groupKey(bucket, prefix); n == 0 {
			err = d.Delete(key)
		} else {
			err = d.Put(key, h.Sum(nil))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ContentDigest returns the digest, in hex, of the content of the features file
// at path, from the digests that [Seal] and [Base.Revise] keep in it.
func ContentDigest(path string) (string, error) {
	h := sha256.New()
	err := read(path, func(f *patch.File) error {
		b := f.Bucket(digestsBucket)
		if b == nil {
			return fmt.Errorf("%w: it has no digests", errFile)
		}
		return b.ForEach(func(k, v []byte) error {
			hashEntry(h, k, v)
			return nil
		})
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// CheckContent compares the digests in the features file at path with its
// content, and the codes in it with those of its features. The problem of a file
// that does not agree with itself has the code FEATURES_DAMAGED.
func CheckContent(ctx context.Context, path string, m *edition.Manifest) error {
	f, err := open(path, nil)
	if err != nil {
		return err
	}
	err = guard(func() error {
		all, err := digests(ctx, f)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b group) int { return bytes.Compare(a.key, b.key) })
		if err := checkDigests(f, all); err != nil {
			return err
		}
		for i := range m.Layers {
			if l := &m.Layers[i]; l.View == nil {
				if err := checkCodes(ctx, f, l); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ctx.Err()) {
		err = damaged(path, err)
	}
	return errors.Join(err, f.Close())
}

// checkDigests compares the stored digests with those found.
func checkDigests(f *patch.File, want []group) error {
	b := f.Bucket(digestsBucket)
	if b == nil {
		return fmt.Errorf("%w: it has no digests", errFile)
	}
	i := 0
	err := b.ForEach(func(k, v []byte) error {
		if i >= len(want) || !bytes.Equal(k, want[i].key) || !bytes.Equal(v, want[i].digest) {
			return fmt.Errorf("%w: the digest of group %q is not that of its content", errFile, k)
		}
		i++
		return nil
	})
	if err == nil && i < len(want) {
		err = fmt.Errorf("%w: group %q has no digest", errFile, want[i].key)
	}
	return err
}

// checkCodes compares the codes of a layer with those of its features.
func checkCodes(ctx context.Context, f *patch.File, l *edition.Layer) error {
	features, codes := f.Bucket(featuresBucket+l.Key()), f.Bucket(codesBucket+l.Key())
	if features == nil || codes == nil {
		return fmt.Errorf("%w: layer %s is not in it", errFile, l.Key())
	}
	var want [][]byte
	err := features.ForEach(func(_, v []byte) error {
		f, err := decodeRecord(v)
		if err != nil {
			return err
		}
		for _, c := range codesOf(l, &f) {
			want = append(want, codeKey(c, f.ID))
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(want, bytes.Compare)
	i := 0
	err = codes.ForEach(func(k, _ []byte) error {
		if i >= len(want) || !bytes.Equal(k, want[i]) {
			return fmt.Errorf("%w: the code %q of layer %s is none of its features'", errFile, k, l.Key())
		}
		i++
		return nil
	})
	if err == nil && i < len(want) {
		err = fmt.Errorf("%w: the code %q of layer %s is missing", errFile, want[i], l.Key())
	}
	return err
}
