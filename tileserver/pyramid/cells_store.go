package pyramid

import (
	"encoding/binary"
	"math/bits"
	"sync"

	"gengtu/index/problem"
)

// A stored cover is
//
//	format (1 byte), binary logarithm of whole (1 byte), number of classes
//	for each class, in the order of the names: length and bytes of the name,
//	  flags (1 hasArea, 2 hasNet), count, area if it has one, net if it has one,
//	  8 bytes that tell, a bit a block, which blocks there are,
//	  for each of these the sum of its cells, the number of bytes that they are
//	  stored in, and the cells, row by row
//
// numbers being variable-length as encoding/binary has them, area and net signed.
// Cells are tokens:
//
//	0x00–0x3f   one cell that has so many units; what it has beyond them follows
//	            in as many bytes, the highest first, as a unit's shares need
//	0x40–0x7f   1 to 64 empty cells
//	0x80–0xbf   1 to 64 whole cells
//	0xc0–0xff   1 to 64 cells like those north of them
const (
	cellsFormat = 2

	tokenEmpty = 0x40
	tokenWhole = 0x80
	tokenNorth = 0xc0
	tokenRun   = 64 // the longest run
)

// The limits of a stored cover: more is refused before anything is allocated.
const (
	maxClasses   = 1<<16 - 2
	maxClassName = 1 << 12
)

const (
	flagArea = 1 << iota
	flagNet
)

// encode returns c in the form that [openCover] reads: the same bytes for the
// same cover. An empty cover is no bytes.
func (c *cover) encode() []byte {
	if len(c.classes) == 0 {
		return nil
	}
	whole := byte(0)
	for int64(1)<<whole < c.whole {
		whole++
	}
	data := []byte{cellsFormat, whole}
	data = binary.AppendUvarint(data, uint64(len(c.classes)))
	for _, k := range c.classes {
		data = k.append(data, uint32(c.whole))
	}
	return data
}

func (k *class) append(data []byte, whole uint32) []byte {
	data = binary.AppendUvarint(data, uint64(len(k.name)))
	data = append(data, k.name...)
	flags := byte(0)
	if k.hasArea {
		flags |= flagArea
	}
	if k.hasNet {
		flags |= flagNet
	}
	data = append(data, flags)
	data = binary.AppendUvarint(data, uint64(k.count))
	if k.hasArea {
		data = binary.AppendVarint(data, k.area)
	}
	if k.hasNet {
		data = binary.AppendVarint(data, k.net)
	}
	there := uint64(0)
	for i, b := range k.blocks {
		if b.total() > 0 {
			there |= 1 << i
		}
	}
	data = binary.BigEndian.AppendUint64(data, there)
	var cells []byte
	for i, b := range k.blocks {
		if there>>i&1 != 0 {
			cells = b.append(cells[:0], whole)
			data = binary.AppendUvarint(data, uint64(b.total()))
			data = binary.AppendUvarint(data, uint64(len(cells)))
			data = append(data, cells...)
		}
	}
	return data
}

// append appends the cells of b.
func (b *block) append(data []byte, whole uint32) []byte {
	shift := unitShift(whole)
	for i := 0; i < len(b); {
		v := b[i]
		same, north := 1, 0
		for same < tokenRun && i+same < len(b) && b[i+same] == v {
			same++
		}
		if i >= blockCells {
			for north < tokenRun && i+north < len(b) && b[i+north] == b[i+north-blockCells] {
				north++
			}
		}
		switch {
		case (v == 0 || v == whole) && same >= north:
			token := tokenEmpty
			if v == whole {
				token = tokenWhole
			}
			data = append(data, byte(token+same-1))
			i += same
		case north > 0:
			data = append(data, byte(tokenNorth+north-1))
			i += north
		default:
			data = append(data, byte(v>>shift))
			for n := (shift - 1) &^ 7; n >= 0; n -= 8 {
				data = append(data, byte(v&(1<<shift-1)>>n))
			}
			i++
		}
	}
	return data
}

// unitShift is the binary logarithm of the shares of a unit.
func unitShift(whole uint32) int { return bits.Len32(whole/wholeUnits) - 1 }

// storedBlock is a block whose cells are not read yet.
type storedBlock struct {
	total int64 // of its shares
	cells []byte
}

// lazyBlock is a stored block that is read when it is asked for.
type lazyBlock struct {
	storedBlock
	once  sync.Once
	block *block
}

// openCover reads what encode wrote, but leaves cells as they are until they are
// drawn: data are kept and must not change. No bytes are an empty cover. Anything
// else is a *problem.Problem of the code CELLS_DAMAGED, here or when it is drawn.
func openCover(data []byte) (*cover, error) {
	c := &cover{whole: wholeUnits}
	err := readCover(data, func(whole int64, k *class, i int, b storedBlock) bool {
		c.whole = whole
		if i < 0 {
			k.stored = new([tileBlocks * tileBlocks]lazyBlock)
			c.classes = append(c.classes, k)
			return true
		}
		k.stored[i].storedBlock = b
		return true
	})
	return c, err
}

// addStored sums a stored cover into c (north-west, north-east, south-west, south-east are
// the quarters 0 to 3), four cells into one. Children must be of one zoom, each added once. Errors are those of [openCover]; after one c is of no use.
func (c *cover) addStored(data []byte, quarter int) error {
	var scratch block
	var to *class
	return readCover(data, func(whole int64, k *class, i int, b storedBlock) bool {
		if i < 0 {
			c.whole = min(whole*4, wholeMost)
			to = c.class(k.name)
			to.join(k)
			return true
		}
		if !b.read(&scratch, uint32(whole)) {
			return false
		}
		to.sum(&scratch, i, quarter, whole)
		return true
	})
}

// readCover reads a stored cover and calls visit for each class, when its figures
// are read, with -1, and then with each of its blocks. What visit returns false
// for is damaged.
func readCover(data []byte, visit func(whole int64, k *class, i int, b storedBlock) bool) error {
	if len(data) == 0 {
		return nil
	}
	r := &cellReader{data: data}
	format, shift := r.byte(), r.byte()
	if r.bad || format != cellsFormat {
		return damaged("格式 %d", "format %d", format)
	}
	whole := int64(1) << min(shift, 62)
	if whole < wholeUnits || whole > wholeMost || (shift-6)%2 != 0 {
		return damaged("整格是 2^%d 份", "a whole cell of 2^%d shares", shift)
	}
	n := r.number()
	if n == 0 || n > maxClasses {
		return damaged("%d 个地类", "%d classes", n)
	}
	last := ""
	for i := range n {
		k := r.class()
		if i > 0 && k.name <= last && !r.bad {
			return damaged("地类 %q 次序不对", "class %q is out of order", k.name)
		}
		last = k.name
		if r.blocks(whole, k, visit); r.bad {
			return damaged("第 %d 个地类在第 %d 字节前损坏", "class %d is damaged before byte %d", i+1, len(data)-len(r.data))
		}
	}
	if len(r.data) > 0 {
		return damaged("多出 %d 字节", "%d bytes too many", len(r.data))
	}
	return nil
}

func damaged(zh, en string, args ...any) error {
	return problem.New("CELLS_DAMAGED", "格网数据损坏："+zh, "stored cells are damaged: "+en, args...).
		Advise("用 gengtu verify 检查该版本，或重新生成", "check the edition with gengtu verify, or make it again")
}

// cellReader reads a stored cover. After the first fault bad is set and what it
// reads is zero.
type cellReader struct {
	data []byte
	bad  bool
}

func (r *cellReader) byte() byte {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *cellReader) number() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *cellReader) signed() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

// class reads the name and figures of a class.
func (r *cellReader) class() *class {
	k := &class{}
	n := r.number()
	if n > maxClassName || n > uint64(len(r.data)) {
		r.bad = true
		return k
	}
	k.name, r.data = string(r.data[:n]), r.data[n:]
	flags := r.byte()
	k.count = int64(r.number())
	if k.count < 0 || flags&^(flagArea|flagNet) != 0 {
		r.bad = true
	}
	if k.hasArea = flags&flagArea != 0; k.hasArea {
		k.area = r.signed()
	}
	if k.hasNet = flags&flagNet != 0; k.hasNet {
		k.net = r.signed()
	}
	return k
}

// blocks has k and its blocks visited.
func (r *cellReader) blocks(whole int64, k *class, visit func(int64, *class, int, storedBlock) bool) {
	if r.bad || len(r.data) < 8 {
		r.bad = true
		return
	}
	there := binary.BigEndian.Uint64(r.data)
	r.data = r.data[8:]
	visit(whole, k, -1, storedBlock{})
	for i := range k.blocks {
		if there>>i&1 == 0 {
			continue
		}
		total, n := r.number(), r.number()
		// A block is at least 64 tokens, so that damage does not take much more memory
		// than it has bytes.
		if total == 0 || total > uint64(whole)*blockCells*blockCells || n < blockCells*blockCells/tokenRun || n > uint64(len(r.data)) {
			r.bad = true
			return
		}
		b := storedBlock{int64(total), r.data[:n]}
		if r.data = r.data[n:]; !visit(whole, k, i, b) {
			r.bad = true
			return
		}
	}
}

// read reads the cells of s to b, all of them; false when they are damaged.
func (s *storedBlock) read(b *block, whole uint32) bool {
	shift := unitShift(whole)
	data, at := s.cells, 0
	for i := 0; i < len(b); {
		if at >= len(data) {
			return false
		}
		token := data[at]
		at++
		if token < tokenEmpty {
			v := uint32(token)
			if shift > 0 {
				rest := uint32(0)
				for n := 0; n < shift && at < len(data); n += 8 {
					rest = rest<<8 | uint32(data[at])
					at++
				}
				if rest>>shift > 0 {
					return false
				}
				v = v<<shift | rest
			}
			if v == 0 {
				return false
			}
			b[i] = v
			i++
			continue
		}
		run := int(token&(tokenRun-1)) + 1
		if run > len(b)-i || token >= tokenNorth && i < blockCells {
			return false
		}
		out := b[i : i+run]
		switch {
		case token >= tokenNorth:
			north := b[i-blockCells:][:len(out)] // a run is no longer than a row
			for j := range out {
				out[j] = north[j]
			}
		case token >= tokenWhole:
			for j := range out {
				out[j] = whole
			}
		default:
			for j := range out {
				out[j] = 0
			}
		}
		i += run
	}
	return at == len(data) && b.total() == s.total
}
