package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"gengtu/tileserver/tile"
)

// The head of a PMTiles archive (version 3, clauses 2 and 3): the header, then
// the root directory, both inside the first 16 KiB, which a reader fetches first.
const (
	headerBytes  = 127
	headBytes    = 16384
	maxRootBytes = headBytes - headerBytes
)

// Values of header fields (clause 3.1).
const (
	compressedByGzip = 2
	typeMVT          = 1
)

// PMTiles writes an archive of version 3. Tiles are clustered: they lie in the
// file in the order of the directory. The first 16 KiB are kept free for the
// head, the tiles follow as they come, metadata and leaf directories stand
// behind them; so nothing is written twice or copied.
type PMTiles struct {
	file    io.WriteSeeker
	out     *bufio.Writer
	info    Info
	order   sequence
	entries []entry
	content map[[hashBytes]byte]span
	bytes   uint64 // of tiles
}

// hashBytes is the length of a content's hash: 128 bits of SHA-256.
const hashBytes = 16

// span is where a content lies among the tiles.
type span struct {
	offset uint64
	length uint32
}

// NewPMTiles begins an archive in file, which must be empty and stand at its
// beginning, and stays the caller's to close.
func NewPMTiles(file io.WriteSeeker, info Info) (*PMTiles, error) {
	w := &PMTiles{file: file, out: bufio.NewWriterSize(file, 1<<20), info: info, content: map[[hashBytes]byte]span{}}
	_, err := w.out.Write(make([]byte, headBytes))
	return w, err
}

// Put implements [Writer].
func (w *PMTiles) Put(t tile.Tile, data []byte) error {
	id, err := w.order.next(t, data)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	key := [hashBytes]byte(sum[:])
	at, known := w.content[key]
	if !known {
		if _, err := w.out.Write(data); err != nil {
			return err
		}
		at = span{w.bytes, uint32(len(data))} //nolint:gosec // a tile has at most cache.MaxRawBytes
		w.content[key] = at
		w.bytes += uint64(len(data))
	}
	if n := len(w.entries); n > 0 {
		last := &w.entries[n-1]
		if last.id+uint64(last.run) == id && last.span == at {
			last.run++
			return nil
		}
	}
	w.entries = append(w.entries, entry{id: id, span: at, run: 1})
	return nil
}

// Close implements [Writer]. Without any tile the error is [ErrEmpty].
func (w *PMTiles) Close() error {
	if w.order.tiles == 0 {
		return ErrEmpty
	}
	metadata, err := w.metadata()
	if err != nil {
		return err
	}
	root, leaves := directories(w.entries)
	for _, section := range [][]byte{metadata, leaves} {
		if _, err := w.out.Write(section); err != nil {
			return err
		}
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = w.file.Write(append(w.header(len(root), len(metadata), len(leaves)), root...))
	return err
}

// Abort implements [Writer].
func (w *PMTiles) Abort() error { return nil }

// metadata returns the JSON of clause 5, packed.
func (w *PMTiles) metadata() ([]byte, error) {
	i := &w.info
	data, err := json.Marshal(struct {
		Name         string        `json:"name"`
		Description  string        `json:"description,omitempty"`
		Attribution  string        `json:"attribution,omitempty"`
		Type         string        `json:"type"`
		Generator    string        `json:"generator"`
		Program      string        `json:"generator_version,omitempty"`
		Tier         string        `json:"tier,omitempty"`
		Generation   string        `json:"generation,omitempty"`
		VectorLayers []VectorLayer `json:"vector_layers"`
	}{i.Name, i.Description, i.Attribution, "overlay", Generator, i.Version, i.Tier, i.Generation, i.Layers})
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return pack(data), nil
}

// header returns the 127 bytes of clause 3.
func (w *PMTiles) header(root, metadata, leaves int) []byte {
	le := binary.LittleEndian
	b := append(make([]byte, 0, headBytes), "PMTiles\x03"...)
	behind := headBytes + w.bytes
	for _, v := range []uint64{
		headerBytes, uint64(root), behind, uint64(metadata), behind + uint64(metadata), uint64(leaves), headBytes, w.bytes, //nolint:gosec // lengths
		uint64(w.order.tiles), uint64(len(w.entries)), uint64(len(w.content)), //nolint:gosec // a count
	} {
		b = le.AppendUint64(b, v)
	}
	const clustered = 1
	b = append(b, clustered, compressedByGzip, compressedByGzip, typeMVT, w.order.minZoom, w.order.maxZoom)
	box, center := w.info.Box, w.info.center()
	for _, v := range []int64{floorE7(box.Min.Lon), floorE7(box.Min.Lat), -floorE7(-box.Max.Lon), -floorE7(-box.Max.Lat)} {
		b = le.AppendUint32(b, uint32(int32(v))) //nolint:gosec // within ±180e7
	}
	b = append(b, w.order.center(w.info.CenterZoom))
	for _, v := range []int64{floorE7(center.Lon), floorE7(center.Lat)} {
		b = le.AppendUint32(b, uint32(int32(v))) //nolint:gosec // within ±180e7
	}
	return b
}

// floorE7 returns a coordinate of units of 1e-10 degree in units of 1e-7, rounded
// down.
func floorE7(v int64) int64 {
	const units = 1000
	if v < 0 {
		return -((-v + units - 1) / units)
	}
	return v / units
}
