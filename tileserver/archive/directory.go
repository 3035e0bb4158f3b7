package archive

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
)

// entry is an entry of a directory: run tiles from number id on have the content
// at span. In the root, run 0 makes it a leaf directory at span among the leaves,
// whose first tile is id.
type entry struct {
	id uint64
	span
	run uint32
}

// Sizes of leaf directories, in entries. A reader fetches one leaf for a tile, so
// they are small (some 10 kB) until there are so many that the root grows too large.
const firstLeafEntries = 4096

// directories returns the root directory, of at most [maxRootBytes], and the leaf
// directories in a row; nil when the root holds all entries.
func directories(entries []entry) (root, leaves []byte) {
	// Entries take more than a byte each, packed: longer roots need not be tried.
	if len(entries) <= maxRootBytes {
		if root = pack(encode(entries)); len(root) <= maxRootBytes {
			return root, nil
		}
	}
	for size := firstLeafEntries; ; size *= 2 {
		if root, leaves = inLeaves(entries, size); len(root) <= maxRootBytes {
			return root, leaves
		}
	}
}

// inLeaves returns directories with leaves of size entries.
func inLeaves(entries []entry, size int) (root, leaves []byte) {
	var tops []entry
	for at := 0; at < len(entries); at += size {
		leaf := pack(encode(entries[at:min(at+size, len(entries))]))
		tops = append(tops, entry{id: entries[at].id, span: span{uint64(len(leaves)), uint32(len(leaf))}}) //nolint:gosec // a leaf is far below 4 GiB
		leaves = append(leaves, leaf...)
	}
	return pack(encode(tops)), leaves
}

// encode returns a directory as clause 4.2 wants it: the number of
// entries, then column by column. An offset is told plus one, and as 0 where the
// content follows on that of the entry before.
func encode(entries []entry) []byte {
	b := binary.AppendUvarint(nil, uint64(len(entries)))
	last := uint64(0)
	for _, e := range entries {
		b = binary.AppendUvarint(b, e.id-last)
		last = e.id
	}
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.run))
	}
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.length))
	}
	for i, e := range entries {
		if i > 0 && e.offset == entries[i-1].offset+uint64(entries[i-1].length) {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, e.offset+1)
	}
	return b
}

// pack returns data as a gzip stream without name and time.
func pack(data []byte) []byte {
	var out bytes.Buffer
	// The level exists, and writing to a buffer fails at no time.
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}
