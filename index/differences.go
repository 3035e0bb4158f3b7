package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"gengtu/index/patch"
)

// Records calls visit with every feature of a stored layer as it is stored, see
// [DecodeRecord], in the order of the file. A record is valid during the call only.
// The first error, which is ctx's when it ends, is returned.
func (b *Base) Records(ctx context.Context, layerKey string, visit func(record []byte) error) error {
	return b.view(layerKey, func(bucket *patch.Bucket) error {
		return bucket.ForEach(func(_, v []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return visit(v)
		})
	})
}

// Differences says in what a stored layer differs from what it is in the base old,
// whose fields are the same. It calls visit with every feature that is new or
// another, as it is stored and in the order of the file, and then returns the ids of
// the features that are there no more, in rising order. A record is valid during the
// call only. What is held is as much as what changed. The first error, which is
// ctx's when it ends, is returned.
func (b *Base) Differences(ctx context.Context, old *Base, layerKey string, visit func(record []byte) error) ([]uint64, error) {
	d := &difference{ctx: ctx, visit: visit, put: map[uint64]bool{}}
	err := b.view(layerKey, func(now *patch.Bucket) error {
		return old.view(layerKey, func(then *patch.Bucket) error { return d.merge(then.Cursor(), now.Cursor()) })
	})
	if err != nil {
		return nil, err
	}
	// A feature whose place on the curve is another has gone from one key and come
	// under another.
	gone := slices.DeleteFunc(d.gone, func(id uint64) bool { return d.put[id] })
	slices.Sort(gone)
	return gone, nil
}

// difference goes along two states of a layer.
type difference struct {
	ctx   context.Context //nolint:containedctx // of one call
	visit func(record []byte) error
	put   map[uint64]bool
	gone  []uint64
}

// merge goes along both in the order of keys.
func (d *difference) merge(then, now *patch.Cursor) error {
	k, v := then.First()
	l, w := now.First()
	for k != nil || l != nil {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		order := bytes.Compare(k, l)
		switch {
		case l == nil || k != nil && order < 0:
			id, err := idOf(k)
			if err != nil {
				return err
			}
			d.gone = append(d.gone, id)
			k, v = then.Next()
		case k == nil || order > 0:
			if err := d.add(l, w); err != nil {
				return err
			}
			l, w = now.Next()
		default:
			if !bytes.Equal(v, w) {
				if err := d.add(l, w); err != nil {
					return err
				}
			}
			k, v = then.Next()
			l, w = now.Next()
		}
	}
	return nil
}

func (d *difference) add(key, record []byte) error {
	id, err := idOf(key)
	if err != nil {
		return err
	}
	d.put[id] = true
	return d.visit(record)
}

// idOf returns the id in the key of a feature.
func idOf(key []byte) (uint64, error) {
	if len(key) != featureKeySize {
		return 0, fmt.Errorf("key %x: %w", key, errRecord)
	}
	return binary.BigEndian.Uint64(key[8:]), nil
}
