// Package cache keeps finished tiles: tiles.db, which an edition is published
// with, and the store of tiles that are made while serving.
//
// A tile of one layer is kept as a [Part], raw DEFLATE data that end on a byte
// border and are not the last block. So any layers' parts, one behind the other,
// are one valid gzip stream ([AppendGzip]): a request for several layers is
// answered without compressing anything again. In tiles.db each content is
// stored once, however many tiles have it.
//
// Layers are named by a layer key, "name@vintage". The package does not know
// what tiles mean: it neither makes nor reads them.
package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime/debug"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
)

// ErrCorrupt stands, for errors.Is, for stored bytes that are not those that
// were written.
var ErrCorrupt = problem.New("TILES_CORRUPT", "瓦片库损坏", "the tile store is damaged")

// corrupt returns what was found damaged, as a problem that matches ErrCorrupt.
func corrupt(zh, en string, args ...any) *problem.Problem {
	return problem.New("TILES_CORRUPT", zh, en, args...).
		Advise("请重新生成该版本，或从备份恢复", "build the edition again or restore it from a copy")
}

// keyBytes is the length of a tile's key: grid, zoom, column, row.
const keyBytes = 1 + 1 + 4 + 4

// tileKey returns t as bytes that sort by grid, z, x, y.
func tileKey(t tile.Tile) [keyBytes]byte {
	var k [keyBytes]byte
	k[0], k[1] = byte(t.Grid), t.Z
	binary.BigEndian.PutUint32(k[2:], t.X)
	binary.BigEndian.PutUint32(k[6:], t.Y)
	return k
}

// tileOf is the inverse of tileKey; keys of no tile are refused.
func tileOf(k []byte) (tile.Tile, error) {
	if len(k) != keyBytes {
		return tile.Tile{}, corrupt("瓦片键有 %d 字节", "a tile's key has %d bytes", len(k))
	}
	t, err := tile.New(tile.Grid(k[0]), k[1], binary.BigEndian.Uint32(k[2:]), binary.BigEndian.Uint32(k[6:]))
	if err != nil {
		return t, corrupt("瓦片键 %x 不在网格内", "the tile key %x lies in no grid", k).Because(err)
	}
	return t, nil
}

// A record is a part as it is stored: the Castagnoli checksum of all that
// follows, the part's checksum and length, its data. The checksum of the stored
// bytes is tested at each reading, which costs less than inflating them.
const recordHead = 4 + 4 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// withSum returns data behind the checksum of a tile's key and them, so that what
// is stored under another key is found out.
func withSum(key, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(data)), keySum(key, data)), data...)
}

func keySum(key, data []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, data)
}

// checkSum returns the data in b, which withSum was given with key.
func checkSum(key, b []byte) ([]byte, error) {
	if len(b) < 4 || keySum(key, b[4:]) != binary.BigEndian.Uint32(b) {
		return nil, corrupt("瓦片键 %x 下的 %d 字节校验和不符", "%[2]d bytes under the tile key %[1]x do not have their checksum", bytes.Clone(key), len(b))
	}
	return b[4:], nil
}

func encodeRecord(p Part) []byte {
	b := make([]byte, 4, recordHead+len(p.Deflated))
	b = binary.BigEndian.AppendUint32(b, p.CRC)
	b = binary.BigEndian.AppendUint32(b, p.RawLen)
	b = append(b, p.Deflated...)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// parseRecord returns the part in b, which it shares memory with.
func parseRecord(b []byte) (Part, error) {
	if len(b) < recordHead || crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b) {
		return Part{}, corrupt("一条记录的校验和不符（%d 字节）", "a record of %d bytes does not have its checksum", len(b))
	}
	return Part{CRC: binary.BigEndian.Uint32(b[4:]), RawLen: binary.BigEndian.Uint32(b[8:]), Deflated: b[recordHead:]}, nil
}

// guarded calls f and turns a panic of bbolt over a broken page, or a fault of
// memory that lies beyond a file cut short, into an error that matches
// [ErrCorrupt].
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = corrupt("读取时出现 %v", "reading it met %v", r).Because(errors.New(fmt.Sprint(r)))
		}
	}()
	return f()
}
