package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"gengtu/index/problem"
)

// Summary is what a log holds. Kept elsewhere, Lines and Hash show later
// whether the log's end was cut off or the whole written anew: the log must
// still have a line of that number and that hash.
type Summary struct {
	Lines       int64
	First, Last time.Time
	// Hash is the SHA-256 of the last line in hexadecimal; zeros when there is
	// none.
	Hash string
	// Lost is how many records could not be written, as later lines tell.
	Lost int64
}

// Verify reads the log at path, which may be open for writing, and checks
// that every line is one of ours and holds the hash of the line before. The
// error is a problem: AUDIT_BROKEN at the number of the first line that does
// not follow from the one before it, so that either of the two was changed or
// lines between them are gone; AUDIT_SYNTAX at a line that is none of ours;
// AUDIT_TORN when the last line has no end. With it comes the summary of the
// lines before.
func Verify(path string) (Summary, error) {
	f, err := os.Open(path)
	if err != nil {
		return Summary{}, unreadable(path, err)
	}
	s, err := verify(f)
	if err != nil {
		if p := problem.Of(err); p != nil {
			err = p.In(path)
		} else {
			err = unreadable(path, err)
		}
	}
	if e := f.Close(); e != nil {
		err = errors.Join(err, e)
	}
	return s, err
}

// verify checks the lines of r.
func verify(r io.Reader) (Summary, error) {
	var prev [sha256.Size]byte
	s := Summary{Hash: hex.EncodeToString(prev[:])}
	lines := bufio.NewReaderSize(r, MaxLineBytes)
	for {
		text, err := lines.ReadSlice('\n')
		number := s.Lines + 1
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return s, nil
		case errors.Is(err, io.EOF):
			return s, problem.New("AUDIT_TORN", "末行不完整", "the last line is not whole").At(number, "")
		case errors.Is(err, bufio.ErrBufferFull):
			return s, problem.New("AUDIT_SYNTAX", "行长超过 %d 字节", "the line is longer than %d bytes", MaxLineBytes).At(number, "")
		case err != nil:
			return s, err
		}
		text = text[:len(text)-1]
		l, err := parseLine(text)
		if err != nil {
			return s, problem.New("AUDIT_SYNTAX", "不是审计日志的一行：%v", "not a line of an audit log: %v", err).
				Because(err).At(number, "")
		}
		if l.Prev != s.Hash {
			return s, problem.New("AUDIT_BROKEN", "哈希链在此中断：本行与前一行不相连",
				"the chain breaks here: this line does not follow from the one before").At(number, "")
		}
		prev = sha256.Sum256(text)
		s.Hash = hex.EncodeToString(prev[:])
		s.Lines, s.Last = number, l.Time
		s.Lost += l.Lost
		if number == 1 {
			s.First = l.Time
		}
	}
}

// parseLine reads a line without its end. Only what [encodeLine] would write is
// a line: no line can be said in two ways.
func parseLine(text []byte) (line, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return line{}, err
	}
	again, err := encodeLine(l)
	if err != nil {
		return line{}, err
	}
	if !bytes.Equal(again[:len(again)-1], text) {
		return line{}, errors.New("fields are missing or in another order")
	}
	return l, nil
}
