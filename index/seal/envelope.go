package seal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gengtu/index/problem"
)

// What is closed for a receiver is a line that names the form, a line of JSON with the
// key of the content, wrapped, and the content in pieces of 64 KiB, each sealed by
// AES-256-GCM (NIST SP 800-38D) or SM4-GCM (GB/T 32907). A piece is bound to the two
// lines, its number, and whether it is the last, so that none can be altered, moved,
// repeated or left out: the STREAM construction (Hoang, Reyhanitabar, Rogaway and
// Vizár, CRYPTO 2015).

// envelopeMagic begins what is closed.
const envelopeMagic = "gengtu-sealed/1\n"

const (
	// pieceBytes is what is sealed at a time.
	pieceBytes = 64 << 10
	// maxEnvelopeHeader is how long the line of JSON may be.
	maxEnvelopeHeader = 64 << 10
)

// The ciphers.
const (
	aesGCM = "aes-256-gcm"
	sm4GCM = "sm4-gcm"
)

// keyBytes is how long the key of a cipher is.
var keyBytes = map[string]int{aesGCM: 32, sm4GCM: 16}

// Recipient is whom something is closed for. Several goroutines may use it.
type Recipient interface {
	// ID names the key, as [Key.ID] does.
	ID() string
	// cipher is what the content is sealed with.
	cipher() string
	// wrap closes the key of the content.
	wrap(ctx context.Context, key []byte) ([]byte, error)
}

// Opener opens what was closed for its key. Several goroutines may use it.
type Opener interface {
	// ID names the key, as [Key.ID] does.
	ID() string
	cipher() string
	// unwrap opens what wrap closed.
	unwrap(ctx context.Context, wrapped []byte) ([]byte, error)
}

// envelopeHeader is the line of JSON.
type envelopeHeader struct {
	Recipient string `json:"recipient"`
	Cipher    string `json:"cipher"`
	Key       []byte `json:"key"`
}

// Encrypt returns a writer that closes what is written to it for a recipient and
// passes it on to w. Its Close ends the content and must not be left out; it does not
// close w. Problems are those of a recipient's device, and w's errors.
func Encrypt(ctx context.Context, w io.Writer, to Recipient) (io.WriteCloser, error) {
	key := make([]byte, keyBytes[to.cipher()])
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("no randomness for a key: %w", err)
	}
	defer clear(key)
	wrapped, err := to.wrap(ctx, key)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(envelopeHeader{to.ID(), to.cipher(), wrapped})
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	head := append(append([]byte(envelopeMagic), line...), '\n')
	if _, err := w.Write(head); err != nil {
		return nil, err
	}
	aead, err := newAEAD(to.cipher(), key)
	if err != nil {
		return nil, err
	}
	return &encrypter{to: w, pieces: pieces{aead: aead, head: head}}, nil
}

// newAEAD returns the cipher of that name.
func newAEAD(name string, key []byte) (cipher.AEAD, error) {
	block := aes.NewCipher
	if name == sm4GCM {
		block = newSM4
	}
	b, err := block(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return cipher.NewGCM(b)
}

// pieces seals pieces, one after the other, or opens them.
type pieces struct {
	aead cipher.AEAD
	head []byte
	n    uint64
}

// nonce is that of the next piece: its number, and whether it is the last.
func (p *pieces) nonce(last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], p.n)
	if last {
		nonce[11] = 1
	}
	p.n++
	return nonce
}

// encrypter is what [Encrypt] returns.
type encrypter struct {
	pieces
	to   io.Writer
	held []byte // less than a piece, or one that may be the last
	out  []byte
	err  error
}

func (e *encrypter) Write(b []byte) (int, error) {
	n := 0
	for len(b) > 0 && e.err == nil {
		if len(e.held) == pieceBytes {
			e.seal(false)
			continue
		}
		k := min(len(b), pieceBytes-len(e.held))
		e.held = append(e.held, b[:k]...)
		b, n = b[k:], n+k
	}
	return n, e.err
}

func (e *encrypter) seal(last bool) {
	e.out = e.aead.Seal(e.out[:0], e.nonce(last), e.held, e.head)
	e.held = e.held[:0]
	_, e.err = e.to.Write(e.out)
}

func (e *encrypter) Close() error {
	if e.err == nil {
		e.seal(true)
		if e.err == nil {
			e.err = errClosed
			return nil
		}
	}
	return e.err
}

// errClosed is what writing after Close meets.
var errClosed = errors.New("envelope is closed")

// Encrypted tells whether a file that begins with these bytes, at least 16, is closed
// for a receiver.
func Encrypted(begin []byte) bool { return bytes.HasPrefix(begin, []byte(envelopeMagic)) }

// Decrypt returns a reader of what was closed for the opener and is read from r. Each
// piece is proved before any of it is returned, and the end is proved before io.EOF is.
//
// Problems: SEAL_ENVELOPE when it is not in the form, SEAL_RECIPIENT when it was closed
// for another key, SEAL_BROKEN when any of it was altered or cut off, and those of a
// device. r's errors are returned as they are.
func Decrypt(ctx context.Context, r io.Reader, by Opener) (io.Reader, error) {
	from := bufio.NewReaderSize(r, pieceBytes+64)
	magic := make([]byte, len(envelopeMagic))
	if _, err := io.ReadFull(from, magic); err != nil || !Encrypted(magic) {
		return nil, noEnvelope()
	}
	line, err := readLine(from)
	if err != nil {
		return nil, err
	}
	var h envelopeHeader
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, noEnvelope()
	}
	if h.Recipient != by.ID() {
		return nil, problem.New("SEAL_RECIPIENT", "这是给密钥 %.40q 加密的，本机的是 %s", "it is encrypted for the key %.40q, ours is %s", h.Recipient, by.ID()).
			Advise("核对 --decrypt 的密钥，或请对方用我们的公钥重新加密", "check the key of --decrypt, or have the sender encrypt with our public key")
	}
	if h.Cipher != by.cipher() {
		return nil, altered()
	}
	key, err := by.unwrap(ctx, h.Key)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if len(key) != keyBytes[h.Cipher] {
		return nil, altered()
	}
	aead, err := newAEAD(h.Cipher, key)
	if err != nil {
		return nil, err
	}
	return &decrypter{from: from, pieces: pieces{aead: aead, head: append(append(magic, line...), '\n')}}, nil
}

// readLine reads the line of JSON.
func readLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for len(line) <= maxEnvelopeHeader {
		b, err := from.ReadByte()
		switch {
		case err != nil:
			return nil, noEnvelope()
		case b == '\n':
			return line, nil
		}
		line = append(line, b)
	}
	return nil, noEnvelope()
}

func noEnvelope() error {
	return problem.New("SEAL_ENVELOPE", "这不是加密的内容，或开头不全", "this is nothing that was encrypted, or its beginning is not whole")
}

func altered() error {
	return problem.New("SEAL_BROKEN", "加密的内容被改动或截断", "what was encrypted was altered or cut off").
		Advise("请对方重发", "have it sent again")
}

// decrypter is what [Decrypt] returns.
type decrypter struct {
	pieces
	from   *bufio.Reader
	sealed []byte
	open   []byte
	left   []byte // of open
	done   bool
	err    error
}

func (d *decrypter) Read(b []byte) (int, error) {
	for len(d.left) == 0 && d.err == nil {
		if d.done {
			d.err = io.EOF
			break
		}
		d.err = d.next()
	}
	if len(d.left) == 0 {
		return 0, d.err
	}
	n := copy(b, d.left)
	d.left = d.left[n:]
	return n, nil
}

// next opens a piece.
func (d *decrypter) next() error {
	if d.sealed == nil {
		d.sealed = make([]byte, pieceBytes+d.aead.Overhead())
	}
	n, err := io.ReadFull(d.from, d.sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		if errors.Is(err, io.EOF) {
			return altered()
		}
		return err
	}
	// The last piece is the one behind which nothing comes.
	_, perr := d.from.Peek(1)
	if perr != nil && !errors.Is(perr, io.EOF) {
		return perr
	}
	d.done = perr != nil
	if d.open, err = d.aead.Open(d.open[:0], d.nonce(d.done), d.sealed[:n], d.head); err != nil {
		return altered()
	}
	d.left = d.open
	return nil
}
