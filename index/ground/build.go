package ground

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/spill"
)

// Source is what a partition is made of. It is used by several goroutines at
// once.
type Source interface {
	overlay.Ground
	// Box is the box around all features; not empty.
	Box() geo.Box
	// Keys are the keys of the layers and views, by the numbers of their bits.
	Keys() []string
	// Name returns what a feature is known by in what is stored: a number that does
	// not depend on what other features there are, and falls on no other feature.
	Name(owner int32) uint64
	// Layers returns the layers and views that a feature counts for: a stored
	// layer's bit, and those of its views that hold the feature.
	Layers(owner int32) uint64
	// Weight returns the feature's figure of record for each m² of ground, NaN when
	// there is none.
	Weight(owner int32) float64
}

// Build makes the partition of s and hands its records to put, in the order of
// their keys by bucket: cells, nodes, head. Keys and values are put's to keep. Equal
// features give equal records, whatever the number of processors. nodes, which has
// taken nothing, keeps the nodes until all cells are put. tell is told how many of how
// many parts are done. It returns the features that are alone on their ground. Errors
// are ctx's, put's, those of nodes and of reading s.
func Build(ctx context.Context, s Source, nodes *spill.Sorter, put func(bucket string, key, value []byte) error, tell func(done, all int)) (*Loners, error) {
	frame := overlay.NewFrame(s.Box())
	blocks, err := frame.Blocks(ctx, s)
	if err != nil {
		return nil, err
	}
	w := &building{assembly: newAssembly(newKindTable(nil)), put: put, sorter: nodes}
	shared, err := makeBlocks(ctx, s, frame, blocks, func(i int, b *built) error {
		tell(i+1, len(blocks))
		return w.take(b)
	})
	if err != nil {
		return nil, err
	}
	if err := w.putNodes(); err != nil {
		return nil, err
	}
	about := about{box: s.Box(), keys: s.Keys(), overlaps: w.overlaps, kinds: w.kinds.list, shared: shared.names(s)}
	return &Loners{shared}, about.put(put)
}

// building is a partition whose blocks come in the order of their paths.
type building struct {
	*assembly // of the nodes above the blocks
	put       func(bucket string, key, value []byte) error
	sorter    *spill.Sorter // of all nodes
}

// take puts the cells of a block and keeps its nodes.
func (w *building) take(b *built) error {
	e := encoderOf(b, &w.kinds)
	for i := range b.cells {
		r := e.record(&b.cells[i])
		if err := w.put(CellsBucket, r.key, r.value); err != nil {
			return err
		}
	}
	for i := range b.nodes {
		if err := w.keep(e.record(&b.nodes[i])); err != nil {
			return err
		}
	}
	for i := range b.open {
		w.add(b.open[i].clone())
	}
	var own encoder
	for i := range w.nodes {
		if err := w.keep(own.record(&w.nodes[i])); err != nil {
			return err
		}
	}
	w.nodes = w.nodes[:0]
	return nil
}

// keep gives a node to the sorter: keys are in the order of paths, and of depths on
// the same path.
func (w *building) keep(r record) error { return w.sorter.Add(r.key, r.value) }

// putNodes puts all nodes.
func (w *building) putNodes() error {
	return w.sorter.Each(func(text []byte) error {
		text = bytes.Clone(text)
		return w.put(NodesBucket, text[:keySize:keySize], text[keySize:])
	})
}

// makeBlocks makes the cells of blocks and hands them to take in the order of the
// blocks, in the goroutine that called it, which may be guarded against faults in what
// take reads; what take is given is valid during the call. It returns the features that
// share ground with others of their layer in them. No goroutine is left when it returns.
func makeBlocks(ctx context.Context, s Source, frame overlay.Frame, blocks []overlay.Block, take func(i int, b *built) error) (ownerSet, error) {
	shared := newOwnerSet(s.Owners())
	made := make(chan chan *built, 2*runtime.GOMAXPROCS(0))
	used := sync.Pool{New: func() any { return new(built) }}
	ctx, cancel := context.WithCancel(ctx)
	group, gctx := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		_ = group.Wait() // what it says has been returned already
	}()
	work := make(chan job)
	group.Go(func() error {
		defer close(made)
		defer close(work)
		return deal(gctx, blocks, made, work)
	})
	makers := make([]maker, runtime.GOMAXPROCS(0))
	for i := range makers {
		group.Go(func() error {
			m := &makers[i]
			*m = maker{source: s, partitioner: overlay.NewPartitioner(frame, s), shared: newOwnerSet(s.Owners())}
			for j := range work {
				b := used.Get().(*built)
				if err := m.block(gctx, j.block, b); err != nil {
					return err
				}
				j.out <- b
			}
			return nil
		})
	}
	i := 0
	for out := range made {
		select {
		case b := <-out:
			if err := take(i, b); err != nil {
				return shared, err
			}
			used.Put(b)
		case <-gctx.Done():
			return shared, cmp.Or(group.Wait(), ctx.Err())
		}
		i++
	}
	if err := group.Wait(); err != nil {
		return shared, err
	}
	for i := range makers {
		shared.join(&makers[i].shared)
	}
	return shared, nil
}

// deal gives blocks to the makers, and to who takes what they make, in its order.
func deal(ctx context.Context, blocks []overlay.Block, made chan<- chan *built, work chan<- job) error {
	for i := range blocks {
		out := make(chan *built, 1)
		select {
		case made <- out:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case work <- job{&blocks[i], out}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// about is what the records of HeadBucket hold.
type about struct {
	box      geo.Box
	keys     []string
	overlaps uint64
	kinds    []kind
	shared   []uint64 // names, in rising order
}

func (a *about) put(put func(bucket string, key, value []byte) error) error {
	for _, r := range []record{
		{[]byte(headKey), appendHead(a.box, a.overlaps, a.keys)},
		{[]byte(kindsKey), appendKinds(nil, a.kinds)},
		{[]byte(sharedKey), appendNames(nil, a.shared)},
	} {
		if err := put(HeadBucket, r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

func appendHead(box geo.Box, overlaps uint64, keys []string) []byte {
	var dst []byte
	for _, v := range [4]int64{box.Min.Lon, box.Min.Lat, box.Max.Lon, box.Max.Lat} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.AppendUvarint(dst, overlaps)
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	for _, k := range keys {
		dst = append(binary.AppendUvarint(dst, uint64(len(k))), k...)
	}
	return dst
}

// job is a block and where its cells are to be handed to.
type job struct {
	block *overlay.Block
	out   chan<- *built
}
