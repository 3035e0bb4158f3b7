package pyramid

import (
	"context"
	"encoding/binary"
	"slices"

	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// Crowding tells [Make] which tiles of parcels hold more than may be sent. They are
// generalised, see METHOD.md: first fields are left out, those that take most in
// front; where that is not enough, the blocks of the tile that hold most are drawn as
// the ground that classes cover, as below the parcel zoom.
//
// A tile shows in its margin what its neighbours draw there, so [Make] asks for them
// too. Its methods may be called by several goroutines.
type Crowding struct {
	// Packed returns how many bytes a tile's data take when they are sent.
	Packed func(data []byte) int
	// Budget returns how many bytes, packed, a tile may have, 0 for any number. It
	// may depend on what the tile and its margin hold and on nothing else.
	Budget func(ctx context.Context, t tile.Tile) (int, error)
}

// crowd is how a crowded tile of a layer is drawn.
type crowd struct {
	bytes   int      // packed, of the tile with everything
	without []string // the keys of the tags that are left out
	merged  uint64   // a bit for each block that is drawn as merged ground
	cells   []byte   // what covers these blocks: an encoded cover, or nothing
}

const crowdFormat = 1

// encode returns c in the form that [openCrowd] reads: the format (1 byte), the bytes
// with everything, the number of keys and each with its length, as variable-length
// numbers, the blocks (8 bytes, the lowest first), and the cover.
func (c *crowd) encode() []byte {
	if c == nil {
		return nil
	}
	data := binary.AppendUvarint([]byte{crowdFormat}, uint64(c.bytes))
	data = binary.AppendUvarint(data, uint64(len(c.without)))
	for _, k := range c.without {
		data = append(binary.AppendUvarint(data, uint64(len(k))), k...)
	}
	return append(binary.LittleEndian.AppendUint64(data, c.merged), c.cells...)
}

// openCrowd reads what encode wrote; no data are no crowd. The data are kept. Errors
// are those of [openCover].
func openCrowd(data []byte) (*crowd, error) {
	if len(data) == 0 {
		return nil, nil
	}
	bad := damaged("拥挤瓦片的记录", "the record of a crowded tile")
	if data[0] != crowdFormat {
		return nil, bad
	}
	data = data[1:]
	number := func() (uint64, bool) {
		v, n := binary.Uvarint(data)
		data = data[max(n, 0):]
		return v, n > 0
	}
	c := &crowd{}
	size, ok := number()
	keys, ok2 := number()
	if !ok || !ok2 || size > 1<<40 || keys > uint64(len(data)) {
		return nil, bad
	}
	c.bytes = int(size)
	for range keys {
		n, ok := number()
		if !ok || n > uint64(len(data)) {
			return nil, bad
		}
		c.without, data = append(c.without, string(data[:n])), data[n:]
	}
	if len(data) < 8 {
		return nil, bad
	}
	c.merged, c.cells = binary.LittleEndian.Uint64(data), data[8:]
	cover, err := openCover(c.cells)
	if err == nil && c.merged != 0 && len(cover.classes) == 0 {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// CrowdedBytes returns how many bytes, packed, the tile of parcels that [Relieve] gave
// its sink data for as cells would have with everything. Errors are *problem.Problem of
// the code CELLS_DAMAGED.
func CrowdedBytes(data []byte) (int, error) {
	c, err := openCrowd(data)
	if c == nil {
		return 0, err
	}
	return c.bytes, nil
}

// merges tells whether c has a merged block.
func (c *crowd) merges() bool { return c != nil && c.merged != 0 }

// crowds are those of a tile, at 4, and of its neighbours, in the order of
// [neighbours]; nil for tiles that are not crowded.
type crowds [9]*crowd

// merges tells whether a block is merged in any of them.
func (a *crowds) merges() bool { return slices.ContainsFunc(a[:], (*crowd).merges) }

// stripped returns features without the attributes of those keys. The features are
// not changed.
func stripped(features []mvt.Feature, keys []string) []mvt.Feature {
	if len(keys) == 0 {
		return features
	}
	out := slices.Clone(features)
	for i := range out {
		tags := make([]mvt.Tag, 0, len(out[i].Tags))
		for _, t := range out[i].Tags {
			if !slices.Contains(keys, t.Key) {
				tags = append(tags, t)
			}
		}
		out[i].Tags = tags
		if row := &out[i].Row; row.Table != nil {
			row.Cells = slices.Clone(row.Cells)
			for k := range row.Cells {
				if slices.Contains(keys, row.Table.Columns[k]) {
					row.Cells[k] = 0
				}
			}
		}
	}
	return out
}
