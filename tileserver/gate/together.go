package gate

import (
	"net"
	"sync"
)

// fasthttp writes a body that is larger than its buffer in two pieces: what fits behind
// the headers, and the rest. Of small bodies the second call of the system takes as much
// time as all that we do. So the first piece is held back until the rest comes, and both
// go out in one call, nothing of the rest copied.

// WriteBuffer is the size in bytes of fasthttp's buffer, which a first piece fills.
const WriteBuffer = 4096

// pieces hold first pieces.
var pieces = sync.Pool{New: func() any { return new([WriteBuffer]byte) }}

// together is what a connection holds back.
type together struct {
	expected bool // the next piece is not the last of its answer
	piece    *[WriteBuffer]byte
	n        int // of piece
	both     [2][]byte
	vector   net.Buffers
}

// ExpectRest tells the connection how many bytes the body of the answer has: what is larger
// than fasthttp's buffer comes in pieces. It is called before the answer is written, when
// nothing of it will change any more.
func ExpectRest(conn net.Conn, bodyBytes int) {
	if c, ok := conn.(*counted); ok && bodyBytes >= WriteBuffer {
		c.expected = true
	}
}

// Write writes b, behind what was held back, or holds it back where the rest is expected.
// Of requests that were sent at once the next answer may begin while the end of the one
// before is in fasthttp's buffer yet: one piece is held back at most.
func (c *counted) Write(b []byte) (int, error) {
	tcp, ok := c.Conn.(*net.TCPConn)
	if c.expected && ok && c.piece == nil && len(b) <= WriteBuffer {
		c.expected = false
		c.piece = pieces.Get().(*[WriteBuffer]byte) //nolint:forcetypeassert // the pool has nothing else
		c.n = copy(c.piece[:], b)
		return len(b), nil
	}
	c.expected = false
	if c.piece == nil {
		return c.Conn.Write(b)
	}
	c.both = [2][]byte{c.piece[:c.n], b}
	c.vector = c.both[:]
	_, err := c.vector.WriteTo(tcp)
	pieces.Put(c.piece)
	c.piece, c.vector, c.both = nil, nil, [2][]byte{}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// release writes what was held back, should its rest not have come.
func (c *counted) release() error {
	if c.piece == nil {
		return nil
	}
	_, err := c.Write(nil)
	return err
}
