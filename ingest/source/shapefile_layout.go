package source

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"gengtu/index/problem"
)

// layOut finds out where the records of the .shp lie and whether they are as
// many as the table's rows. shx is the path of the .shx or "".
//
// A .shx whose entries follow each other without a gap to the end of the .shp
// says nothing new, and the .shp is read from front to back. One with gaps is
// believed when each entry meets a record of the length that it states. In all
// other cases the records are counted by hopping from one to the next.
func (r *shapefile) layOut(ctx context.Context, shx string) error {
	if shx == "" {
		r.note(problem.New("SHX_MISSING", "缺少 .shx，按顺序读取", "its .shx is missing; read from front to back"))
	} else {
		found, err := r.useIndex(ctx, shx)
		if err != nil {
			return inFile(err, shx)
		}
		if found {
			return nil
		}
		r.note(problem.New("SHX_DISAGREES", ".shx 与 .shp 不符，按顺序读取", "its .shx disagrees with the .shp; read from front to back"))
	}
	count, err := r.hop(ctx)
	if err != nil {
		return err
	}
	if count != r.table.count {
		return problem.New("SHP_DBF_COUNT", ".shp 有 %d 条记录，.dbf 有 %d 条", "the .shp has %d records, the .dbf %d", count, r.table.count).
			Advise("两个文件不是一套，请重新取得", "the two do not belong together; get them again")
	}
	return nil
}

// useIndex takes the order of records from the .shx at path; false when it
// cannot be believed.
func (r *shapefile) useIndex(ctx context.Context, path string) (bool, error) {
	file, size, err := openSized(path)
	if err != nil {
		return false, err
	}
	found, err := r.readIndex(ctx, file, size)
	return found, errors.Join(err, file.Close())
}

// readIndex is useIndex on the open file.
func (r *shapefile) readIndex(ctx context.Context, file io.Reader, size int64) (bool, error) {
	if (size-shpHeader)/8 != r.table.count || size < shpHeader {
		return false, nil
	}
	in := bufio.NewReader(file)
	if _, err := in.Discard(shpHeader); err != nil {
		return false, err
	}
	var offsets []int64
	next := int64(shpHeader)
	for i := range r.table.count {
		var e [8]byte
		if _, err := io.ReadFull(in, e[:]); err != nil {
			return false, err
		}
		offset, n := 2*int64(binary.BigEndian.Uint32(e[:])), 2*int64(binary.BigEndian.Uint32(e[4:]))
		if offset < shpHeader || offset+8+n > r.end {
			return false, nil
		}
		if offset != next && offsets == nil {
			// The first gap: from here on all offsets are kept.
			offsets = make([]int64, i, r.table.count)
			if pos, err := r.offsetsBefore(offsets); err != nil || pos != next {
				return false, err
			}
		}
		if offsets != nil {
			if got, err := r.recordLength(offset); err != nil || got != n {
				return false, err
			}
			offsets = append(offsets, offset)
		}
		next = offset + 8 + n
		if i%4096 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	if offsets == nil && next != r.end {
		return false, nil
	}
	r.offsets = offsets
	return true, nil
}

// offsetsBefore fills offsets with those of the first records, which follow each
// other without a gap, and returns where the last of them ends.
func (r *shapefile) offsetsBefore(offsets []int64) (int64, error) {
	pos := int64(shpHeader)
	for i := range offsets {
		offsets[i] = pos
		n, err := r.recordLength(pos)
		if err != nil || n < 0 {
			return -1, err
		}
		pos += 8 + n
	}
	return pos, nil
}

// recordLength returns the length of the content of the record at offset by its
// own header; -1 when the header lies beyond the records' end.
func (r *shapefile) recordLength(offset int64) (int64, error) {
	if offset+8 > r.end {
		return -1, nil
	}
	var h [8]byte
	if _, err := r.shp.ReadAt(h[:], offset); err != nil {
		return 0, err
	}
	return 2 * int64(binary.BigEndian.Uint32(h[4:])), nil
}

// hop counts the records from front to back by their own headers.
func (r *shapefile) hop(ctx context.Context) (int64, error) {
	var count int64
	for pos := int64(shpHeader); pos < r.end; count++ {
		n, err := r.recordLength(pos)
		if err != nil {
			return 0, err
		}
		if n < 4 || pos+8+n > r.end {
			return 0, problem.New("SHP_RECORD", "记录长 %d 字节，超出文件范围（位置 %d）",
				"a record of %d bytes does not fit into the file (at byte %d)", n, pos).At(count+1, "").
				Advise("文件可能损坏，请重新取得", "it may be damaged; get it again")
		}
		pos += 8 + n
		if count%4096 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return count, nil
}
