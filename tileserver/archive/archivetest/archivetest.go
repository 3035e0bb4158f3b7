// Package archivetest reads PMTiles archives for tests. It is written from the
// specification (version 3) apart from the writer and shares nothing with it, so
// that the two can be held against each other.
//
// It is strict where readers are lenient: what the writer is to keep to, a
// clustered archive with counts that are true, is an error when it does not hold.
// Archives may be damaged in any way; memory is bounded by the archive's size.
package archivetest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFormat is wrapped by all errors about an archive.
var ErrFormat = errors.New("not a sound PMTiles archive")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// maxPacked bounds what a directory or the metadata may grow to when unpacked.
const maxPacked = 64 << 20

// Header is the header (clause 3), offsets and lengths in bytes.
type Header struct {
	RootOffset, RootLength, MetadataOffset, MetadataLength uint64
	LeavesOffset, LeavesLength, TilesOffset, TilesLength   uint64
	AddressedTiles, TileEntries, TileContents              uint64
	Clustered, InternalCompression, TileCompression, Type  uint8
	MinZoom, MaxZoom                                       uint8
	MinLonE7, MinLatE7, MaxLonE7, MaxLatE7                 int32
	CenterZoom                                             uint8
	CenterLonE7, CenterLatE7                               int32
}

// Entry is an entry of a directory (clause 4): Run tiles from number ID on have
// the content at Offset.
type Entry struct {
	ID, Offset  uint64
	Length, Run uint32
}

// Archive is an archive in memory.
type Archive struct {
	Header
	Metadata []byte  // JSON
	Entries  []Entry // of all tiles, leaves followed
	Leaves   int     // how many leaf directories there are
	data     []byte
}

// headerLength is the length of the header.
const headerLength = 127

// Read reads an archive. It shares memory with data.
func Read(data []byte) (*Archive, error) {
	if len(data) < headerLength || string(data[:8]) != "PMTiles\x03" {
		return nil, bad("no header of version 3")
	}
	a := &Archive{data: data}
	if _, err := binary.Decode(data[8:headerLength], binary.LittleEndian, &a.Header); err != nil {
		return nil, bad("header: %v", err)
	}
	if a.InternalCompression != 2 || a.TileCompression != 2 || a.Type != 1 || a.Clustered != 1 {
		return nil, bad("compressions %d and %d, type %d, clustered %d", a.InternalCompression, a.TileCompression, a.Type, a.Clustered)
	}
	if a.RootOffset+a.RootLength > 16384 {
		return nil, bad("the root ends at %d", a.RootOffset+a.RootLength)
	}
	packed, err := a.section(a.MetadataOffset, a.MetadataLength)
	if err == nil {
		a.Metadata, err = unpack(packed)
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if err := a.follow(a.RootOffset, a.RootLength, 0); err != nil {
		return nil, err
	}
	return a, a.check()
}

// section returns length bytes from offset.
func (a *Archive) section(offset, length uint64) ([]byte, error) {
	if n := uint64(len(a.data)); offset > n || length > n-offset {
		return nil, bad("%d bytes at %d lie outside", length, offset)
	}
	return a.data[offset : offset+length], nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, bad("%v", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxPacked+1))
	if err != nil || len(out) > maxPacked {
		return nil, bad("%v, %d bytes", err, len(out))
	}
	return out, nil
}

// follow adds the entries of the directory there, and of the leaves it names.
func (a *Archive) follow(offset, length uint64, depth int) error {
	packed, err := a.section(offset, length)
	if err != nil {
		return err
	}
	raw, err := unpack(packed)
	if err != nil {
		return err
	}
	entries, err := ParseDirectory(raw)
	if err != nil {
		return err
	}
	for i, e := range entries {
		switch {
		case e.Run > 0:
			if n := len(a.Entries); n > 0 && e.ID < a.Entries[n-1].ID+uint64(a.Entries[n-1].Run) {
				return bad("number %d comes behind %d", e.ID, a.Entries[n-1].ID)
			}
			a.Entries = append(a.Entries, e)
		case depth > 0:
			return bad("a leaf in a leaf")
		case e.Offset > a.LeavesLength || uint64(e.Length) > a.LeavesLength-e.Offset:
			return bad("leaf %d lies outside the leaves", i)
		default:
			before := len(a.Entries)
			if err := a.follow(a.LeavesOffset+e.Offset, uint64(e.Length), depth+1); err != nil {
				return err
			}
			if len(a.Entries) == before || a.Entries[before].ID != e.ID {
				return bad("leaf %d does not begin with number %d", i, e.ID)
			}
			a.Leaves++
		}
	}
	return nil
}

// ParseDirectory reads an unpacked directory (clause 4.2), to its end.
func ParseDirectory(raw []byte) ([]Entry, error) {
	r := bytes.NewReader(raw)
	var failed error
	next := func() uint64 {
		v, err := binary.ReadUvarint(r)
		if err != nil && failed == nil {
			failed = bad("directory: %v", err)
		}
		return v
	}
	next32 := func() uint32 {
		v := next()
		if v > 1<<32-1 && failed == nil {
			failed = bad("directory: %d does not fit", v)
		}
		return uint32(v)
	}
	n := next()
	if n == 0 || n > uint64(len(raw))/4 {
		return nil, bad("directory: %d entries in %d bytes", n, len(raw))
	}
	entries := make([]Entry, n)
	last := uint64(0)
	for i := range entries {
		d := next()
		if i > 0 && d == 0 || last+d < last {
			return nil, bad("directory: number %d again", last)
		}
		last += d
		entries[i].ID = last
	}
	for i := range entries {
		entries[i].Run = next32()
	}
	for i := range entries {
		if entries[i].Length = next32(); entries[i].Length == 0 && failed == nil {
			failed = bad("directory: an entry without bytes")
		}
	}
	for i := range entries {
		v := next()
		switch {
		case v > 0:
			entries[i].Offset = v - 1
		case i == 0:
			return nil, bad("directory: the first entry follows on nothing")
		default:
			entries[i].Offset = entries[i-1].Offset + uint64(entries[i-1].Length)
		}
	}
	if failed == nil && r.Len() > 0 {
		failed = bad("directory: %d bytes behind it", r.Len())
	}
	return entries, failed
}

// check holds the header against the entries.
func (a *Archive) check() error {
	if len(a.Entries) == 0 {
		return bad("no tiles")
	}
	addressed, end := uint64(0), uint64(0)
	contents := map[[2]uint64]bool{}
	for _, e := range a.Entries {
		addressed += uint64(e.Run)
		key := [2]uint64{e.Offset, uint64(e.Length)}
		if contents[key] {
			continue
		}
		// Clustered: a content lies behind those of all tiles before (clause 3.1).
		if contents[key] = true; e.Offset != end {
			return bad("number %d has its content at %d, not at %d", e.ID, e.Offset, end)
		}
		end += uint64(e.Length)
	}
	if _, err := a.section(a.TilesOffset, a.TilesLength); err != nil {
		return err
	}
	if end != a.TilesLength || addressed != a.AddressedTiles || uint64(len(a.Entries)) != a.TileEntries || uint64(len(contents)) != a.TileContents {
		return bad("%d bytes of %d contents, %d entries, %d tiles; the header says %d, %d, %d, %d",
			end, len(contents), len(a.Entries), addressed, a.TilesLength, a.TileContents, a.TileEntries, a.AddressedTiles)
	}
	last := a.Entries[len(a.Entries)-1]
	z0, _, _ := Address(a.Entries[0].ID)
	z1, _, _ := Address(last.ID + uint64(last.Run) - 1)
	if z0 != int(a.MinZoom) || z1 != int(a.MaxZoom) || int(a.CenterZoom) < z0 || int(a.CenterZoom) > z1 {
		return bad("tiles of zooms %d to %d; the header says %d to %d, and %d", z0, z1, a.MinZoom, a.MaxZoom, a.CenterZoom)
	}
	if a.MinLonE7 > a.MaxLonE7 || a.MinLatE7 > a.MaxLatE7 {
		return bad("bounds")
	}
	return nil
}

// Address returns zoom, column and row of tile number id (clause 4.1.1); zoom 32
// when there is no such tile.
func Address(id uint64) (z, x, y int) {
	for ; z < 32; z++ {
		n := uint64(1) << (2 * z)
		if id < n {
			break
		}
		id -= n
	}
	// The curve's steps turn the square as they go into its quarters.
	for s := 1; s < 1<<z; s *= 2 {
		rx := int(id>>1) & 1
		ry := (int(id) ^ rx) & 1
		if ry == 0 {
			if rx == 1 {
				x, y = s-1-x, s-1-y
			}
			x, y = y, x
		}
		x, y = x+s*rx, y+s*ry
		id >>= 2
	}
	return z, x, y
}

// Each calls visit with every tile, packed as it is stored; at most limit tiles.
func (a *Archive) Each(limit int, visit func(z, x, y int, packed []byte) error) error {
	for _, e := range a.Entries {
		packed := a.data[a.TilesOffset+e.Offset:][:e.Length]
		for i := range uint64(e.Run) {
			if limit--; limit < 0 {
				return nil
			}
			z, x, y := Address(e.ID + i)
			if err := visit(z, x, y, packed); err != nil {
				return err
			}
		}
	}
	return nil
}
