package gate

import (
	"errors"
	"io"
	"net"
	"time"
)

// Drain reads what is still coming of a request that is refused, from the connection or
// a reader of it, so that the client, who may read only when it has written, gets the
// answer rather than a reset connection. It stops after a pause, after some time, or
// after some bytes, and tells whether the reader came to its end before.
func Drain(c net.Conn, from io.Reader, limit int) (whole bool) {
	const pause, longest = 200 * time.Millisecond, 5 * time.Second
	end := time.Now().Add(longest)
	buf := make([]byte, 32<<10)
	for left := limit; left > 0 && time.Now().Before(end); {
		if c.SetReadDeadline(time.Now().Add(pause)) != nil {
			return false
		}
		n, err := from.Read(buf)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		left -= n
	}
	return false
}
