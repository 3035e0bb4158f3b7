package patch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync/atomic"
	"unsafe"

	bolt "go.etcd.io/bbolt"
)

// BlockBytes is what one checksum of a file's blocks is taken over: CRC-32C, eight hex
// digits each. Who reads little of a large file and makes something of it that lasts
// compares what it reads with them, block by block, and not the whole file.
const BlockBytes = 1 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sums are the checksums of a file's blocks, and which of them the file has been
// compared with. Those who open one file several times may share one. Safe for concurrent
// use.
type Sums struct {
	want string
	done []atomic.Bool // by block
}

// NewSums returns sums of which none has been compared yet; nil for "".
func NewSums(blocks string) *Sums {
	if blocks == "" {
		return nil
	}
	return &Sums{blocks, make([]atomic.Bool, len(blocks)/8)}
}

// check compares the blocks of a mapped file with their checksums when something in
// them is read for the first time.
type check struct {
	*Sums
	path string
	data uintptr // where the file is mapped
	size uintptr
}

func newCheck(path string, sums *Sums, db *bolt.DB) (*check, error) {
	st, err := os.Stat(path)
	if err != nil || sums == nil {
		return nil, err
	}
	return &check{sums, path, db.Info().Data, uintptr(st.Size())}, nil
}

// touch compares the blocks that b, a part of the mapped file, lies in. It panics where
// one differs: what has been read is not what was written. The records of a very small
// bucket may have been copied out of the file, and are passed over.
func (c *check) touch(b []byte) {
	if len(b) == 0 {
		return
	}
	first := unsafe.Pointer(unsafe.SliceData(b))
	at := uintptr(first) - c.data
	for i := at / BlockBytes; at < c.size && i <= (at+uintptr(len(b))-1)/BlockBytes; i++ {
		switch {
		case i >= uintptr(len(c.done)):
			panic(fmt.Sprintf("%s: a record lies behind the last of %d MiB", c.path, len(c.done)))
		case !c.done[i].Load():
			from := i * BlockBytes
			block := unsafe.Slice((*byte)(unsafe.Add(first, int(from)-int(at))), min(BlockBytes, c.size-from))
			c.compare(int(i), block)
		}
	}
}

func (c *check) compare(i int, block []byte) {
	if sum, want := fmt.Sprintf("%08x", crc32.Checksum(block, castagnoli)), c.want[8*i:8*i+8]; sum != want {
		panic(fmt.Sprintf("%s: MiB %d has the checksum %s, not %s", c.path, i, sum, want))
	}
	c.done[i].Store(true)
}

// checkPages holds the size that a file's newest meta page states against the
// size that it has, before it is mapped: memory behind a file's end cannot be
// read. The layout of meta pages is that of bbolt's version 2.
func checkPages(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	need, err := statedSize(f, st.Size())
	if err == nil && need > st.Size() {
		err = fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, st.Size(), need)
	}
	return errors.Join(err, f.Close())
}

// Where a meta page holds what: behind a page header of 16 bytes the magic
// number, version and page size of 4 bytes each, then flags, the root bucket and
// the free list, the number of pages and the number of the transaction.
const (
	metaMagic    = 0xED0CDAED
	metaPageSize = 16 + 8
	metaPages    = 16 + 40
	metaTx       = 16 + 48
	metaEnd      = 16 + 64
)

// statedSize returns the bytes that the newer of the file's two meta pages says
// the file has.
func statedSize(f io.ReaderAt, size int64) (int64, error) {
	var need, pageSize int64
	var newest uint64
	for page := range int64(2) {
		b := make([]byte, metaEnd)
		if _, err := f.ReadAt(b, page*pageSize); err != nil {
			return 0, fmt.Errorf("%w: %d bytes are no file of records", ErrDamaged, size)
		}
		p := int64(binary.NativeEndian.Uint32(b[metaPageSize:]))
		if binary.NativeEndian.Uint32(b[16:]) != metaMagic || p < 512 || p > 1<<16 {
			return 0, fmt.Errorf("%w: page %d is none of a file of records", ErrDamaged, page)
		}
		pageSize = p
		if tx := binary.NativeEndian.Uint64(b[metaTx:]); page == 0 || tx > newest {
			pages := binary.NativeEndian.Uint64(b[metaPages:])
			if pages > 1<<40 {
				return 0, fmt.Errorf("%w: it states %d pages", ErrDamaged, pages)
			}
			newest, need = tx, int64(pages)*pageSize
		}
	}
	return need, nil
}
