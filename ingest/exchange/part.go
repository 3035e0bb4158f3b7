package exchange

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"gengtu/index"
	"gengtu/index/seal"
)

// A part of features is, unpacked: each record behind its length, as a varint; a zero;
// the ids that go in rising order, each as the step from the one before. A part of
// links is for each link the two ids and the area as varints.

// partWriter writes a part into a file.
type partWriter struct {
	file *os.File
	hash hash.Hash
	size counter // as it is in the file
	raw  counter
	zip  *gzip.Writer
	to   *bufio.Writer
	last uint64
}

// counter counts what is written.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}

func newPartWriter(path string, a seal.Algorithm) (*partWriter, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w := &partWriter{file: f, hash: a.NewHash()}
	w.size.to = io.MultiWriter(f, w.hash)
	w.zip = gzip.NewWriter(&w.size)
	w.raw.to = w.zip
	w.to = bufio.NewWriterSize(&w.raw, 64<<10)
	return w, nil
}

func (w *partWriter) uvarint(v uint64) error {
	var b [binary.MaxVarintLen64]byte
	_, err := w.to.Write(b[:binary.PutUvarint(b[:], v)])
	return err
}

func (w *partWriter) varint(v int64) error {
	var b [binary.MaxVarintLen64]byte
	_, err := w.to.Write(b[:binary.PutVarint(b[:], v)])
	return err
}

// put writes a feature.
func (w *partWriter) put(record []byte) error {
	if len(record) > MaxRecordBytes {
		return fmt.Errorf("a feature has %d bytes, the limit is %d", len(record), MaxRecordBytes)
	}
	if err := w.uvarint(uint64(len(record))); err != nil {
		return err
	}
	_, err := w.to.Write(record)
	return err
}

// delete writes ids, which rise, after the last feature.
func (w *partWriter) delete(ids []uint64) error {
	err := w.uvarint(0)
	for _, id := range ids {
		if err != nil {
			return err
		}
		err = w.uvarint(id - w.last)
		w.last = id
	}
	return err
}

// links writes links.
func (w *partWriter) links(links []index.Link) error {
	for _, k := range links {
		if err := errors.Join(w.uvarint(k.From), w.uvarint(k.To), w.varint(k.Area)); err != nil {
			return err
		}
	}
	return nil
}

// close ends the part and says what it is.
func (w *partWriter) close(name string, a seal.Algorithm) (Part, error) {
	err := errors.Join(w.to.Flush(), w.zip.Close(), w.file.Close())
	if err == nil && w.size.n > MaxPartBytes {
		err = fmt.Errorf("%s has %d bytes, the limit is %d", name, w.size.n, int64(MaxPartBytes))
	}
	return Part{Name: name, Bytes: w.size.n, RawBytes: w.raw.n, Digest: digestText(a, w.hash.Sum(nil))}, err
}

// partReader reads a part, no further than it says that it is long.
type partReader struct {
	ctx    context.Context //nolint:containedctx // of one reading
	path   string          // of the package, for messages
	part   Part
	packed *bufio.Reader
	zip    *gzip.Reader
	from   *bufio.Reader
	left   int64 // of RawBytes
	hash   hash.Hash
}

// newPartReader returns a reader of a part, whose bytes are in from.
func newPartReader(ctx context.Context, path string, p Part, from io.Reader) (*partReader, error) {
	r := &partReader{ctx: ctx, path: path, part: p, left: p.RawBytes, hash: hashOf(p.Digest)}
	r.packed = bufio.NewReaderSize(io.TeeReader(from, r.hash), 64<<10)
	var err error
	if r.zip, err = gzip.NewReader(r.packed); err != nil {
		return nil, r.broken(err)
	}
	r.zip.Multistream(false)
	r.from = bufio.NewReaderSize(r, 64<<10)
	return r, nil
}

// hashOf returns the digest that a text of [digestForm] names.
func hashOf(digest string) hash.Hash {
	if len(digest) > 3 && digest[:3] == "sm3" {
		return seal.SM2.NewHash()
	}
	return seal.Ed25519.NewHash()
}

// Read reads what is unpacked, and cuts off what is more than the part says.
func (r *partReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.zip.Read(b)
	if r.left -= int64(n); r.left < 0 {
		return 0, resend(refused(r.path, "PACKAGE_SIZE", "%[1]s 展开后多于它自称的 %[2]d 字节，已截断", "%[1]s is longer than the %[2]d bytes that it says when it is unpacked, and was cut off", r.part.Name, r.part.RawBytes))
	}
	return n, err
}

// record reads a feature's record, nil after the last. It is valid until the next
// call.
func (r *partReader) record(to []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r.from)
	switch {
	case err != nil:
		return nil, r.broken(err)
	case n == 0:
		return nil, nil
	case n > MaxRecordBytes:
		return nil, resend(refused(r.path, "PACKAGE_LIMIT", "%s 里的要素称有 %d 字节，上限 %d", "a feature in %s says that it has %d bytes, the limit is %d", r.part.Name, n, MaxRecordBytes))
	}
	// As far as the bytes are there: a length is believed step by step.
	const step = 64 << 10
	to = to[:0]
	for uint64(len(to)) < n {
		k := min(n-uint64(len(to)), step)
		at := len(to)
		to = append(to, make([]byte, k)...)
		if _, err := io.ReadFull(r.from, to[at:]); err != nil {
			return nil, r.broken(err)
		}
	}
	return to, nil
}

// number reads a varint.
func (r *partReader) number() (uint64, error) {
	v, err := binary.ReadUvarint(r.from)
	if err != nil {
		return 0, r.broken(err)
	}
	return v, nil
}

// links reads n links.
func (r *partReader) links(n int) ([]index.Link, error) {
	var out []index.Link
	for range n {
		from, err := r.number()
		if err != nil {
			return nil, err
		}
		to, err := r.number()
		if err != nil {
			return nil, err
		}
		area, err := binary.ReadVarint(r.from)
		if err != nil {
			return nil, r.broken(err)
		}
		if from > index.MaxID || to > index.MaxID || area < 0 && area != index.NoArea {
			return nil, r.broken(errors.New("a link that cannot be"))
		}
		out = append(out, index.Link{From: from, To: to, Area: area})
	}
	return out, nil
}

// end sees that the part ends here, with the length and digest that it says.
func (r *partReader) end() error {
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than it says")
		}
		return r.broken(err)
	}
	if r.left != 0 {
		return resend(refused(r.path, "PACKAGE_SIZE", "%[1]s 展开后少于它自称的 %[2]d 字节", "%[1]s is shorter than the %[2]d bytes that it says when it is unpacked", r.part.Name, r.part.RawBytes))
	}
	if _, err := r.packed.ReadByte(); !errors.Is(err, io.EOF) {
		return r.broken(errors.New("more behind its end"))
	}
	if got := fmt.Sprintf("%x", r.hash.Sum(nil)); !bytes.HasSuffix([]byte(r.part.Digest), []byte(":"+got)) {
		return digestDiffers(r.path, r.part.Name)
	}
	return nil
}

// broken is the problem of a part that cannot be read.
func (r *partReader) broken(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || isProblem(err) {
		return err
	}
	return resend(refused(r.path, "PACKAGE_PART", "%[1]s 读不懂（%[2]v）", "%[1]s cannot be read (%[2]v)", r.part.Name, err)).Because(err)
}

func digestDiffers(path, name string) error {
	return resend(refused(path, "PACKAGE_DIGEST", "%s 的摘要与清单不符", "the digest of %s is not the manifest's", name))
}
