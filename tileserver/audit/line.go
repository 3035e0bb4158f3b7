package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxLineBytes is the longest line of a log, its end included. The fields of a
// [Record] are cut so that they always fit.
const MaxLineBytes = 4096

// Record is one line of the audit log: who asked for what, and what was given, or who
// administered what. What is left empty is not written.
type Record struct {
	// Time is when the request was answered; written in UTC.
	Time time.Time `json:"time"`
	// Act is what was administered ("token add"); "" of a request.
	Act string `json:"act,omitempty"`
	// Request is the id that the answer carried.
	Request string `json:"request,omitempty"`
	Tier    string `json:"tier,omitempty"`
	// Who is the name of the token, never the token; of an act, the user's.
	Who string `json:"who,omitempty"`
	// Role is by which role an act was allowed.
	Role string `json:"role,omitempty"`
	// Address is the network address that asked.
	Address string `json:"address,omitempty"`
	// Outcome is that of the token; of an act "begun", "done" or "failed".
	Outcome string `json:"outcome,omitempty"`
	Method  string `json:"method,omitempty"`
	// Path is the address with its query; [Log.Append] masks it.
	Path string `json:"path,omitempty"`
	// Route is the kind of question, as metrics name it.
	Route string `json:"route,omitempty"`
	// Layer is the layers that were asked, divided by commas.
	Layer string `json:"layer,omitempty"`
	// Grade is the highest grade of those layers, as the catalogue has it: general,
	// important or core.
	Grade string `json:"grade,omitempty"`
	// Place is the code of the place that was asked about.
	Place string `json:"place,omitempty"`
	// Box is the extent that was asked about: least longitude and latitude, greatest
	// longitude and latitude, degrees; nil where there is none.
	Box []float64 `json:"box,omitempty"`
	// Shapes is how many shapes were asked about.
	Shapes int64 `json:"shapes,omitempty"`
	// Features is how many features the answer gives or counts.
	Features int64 `json:"features,omitempty"`
	// AreaM2 is the ellipsoidal area that was asked about, m².
	AreaM2 float64 `json:"area_m2,omitempty"`
	Status int     `json:"status,omitempty"`
	// Bytes is the length of the answer's body. Of an answer that is sent while it is
	// made it is in a line of its own, whose outcome is "sent".
	Bytes      int64  `json:"bytes,omitempty"`
	Generation string `json:"generation,omitempty"`
	// Detail is what an act was about.
	Detail string `json:"detail,omitempty"`
	// Chain is the chain that an act began.
	Chain string `json:"chain,omitempty"`
	// Removed is what an act removed of a chain, which was old enough.
	Removed *Removed `json:"removed,omitempty"`
}

// Removed is the beginning of a chain that was removed. Its last line is the one that
// the first line that is left goes on from.
type Removed struct {
	Chain string `json:"chain"`
	// File is the last file that was removed.
	File int    `json:"file"`
	N    int64  `json:"n"`
	Hash string `json:"hash"`
}

// line is a record as it is written. Its fields come in this order, the chain last.
type line struct {
	// N counts the lines of the chain from 1.
	N int64 `json:"n"`
	Record
	// Lost counts the records before this one that could not be written, whose
	// requests were refused.
	Lost int64 `json:"lost,omitempty"`
	// Torn counts the bytes of an unfinished line that was cut off before this one,
	// which a crash had left.
	Torn int64 `json:"torn,omitempty"`
	// Prev is the SHA-256 of the line before, without its end; zeros at the beginning
	// of a chain.
	Prev string `json:"prev"`
}

// append adds the line with its newline to dst, as encoding/json would write it.
func (l *line) append(dst []byte) []byte {
	dst = appendNumbered(dst, l.N, l.Record.append(nil))
	dst = appendChain(dst, l.Lost, l.Torn)
	dst = append(dst, `,"prev":"`...)
	dst = append(dst, l.Prev...)
	return append(dst, "\"}\n"...)
}

// appendNumbered begins a line with its number and a record.
func appendNumbered(dst []byte, n int64, record []byte) []byte {
	return append(strconv.AppendInt(append(dst, `{"n":`...), n, 10), record...)
}

// appendChain adds what happened between a line and the one before.
func appendChain(dst []byte, lost, torn int64) []byte {
	return appendCount(appendCount(dst, "lost", lost), "torn", torn)
}

// appendPrev ends a line.
func appendPrev(dst []byte, prev *[sha256.Size]byte) []byte {
	return append(hex.AppendEncode(append(dst, `,"prev":"`...), prev[:]), "\"}\n"...)
}

// maxChainBytes is the most that a line has beside its record.
const maxChainBytes = 200

// append adds the fields of a line that are the record's to dst, a comma before each.
// It is written by hand because it is part of every answer.
func (r *Record) append(dst []byte) []byte {
	dst = append(dst, `,"time":"`...)
	dst = r.Time.AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, '"')
	dst = appendField(dst, "act", r.Act)
	dst = appendField(dst, "request", r.Request)
	dst = appendField(dst, "tier", r.Tier)
	dst = appendField(dst, "who", r.Who)
	dst = appendField(dst, "role", r.Role)
	dst = appendField(dst, "address", r.Address)
	dst = appendField(dst, "outcome", r.Outcome)
	dst = appendField(dst, "method", r.Method)
	dst = appendField(dst, "path", r.Path)
	dst = appendField(dst, "route", r.Route)
	dst = appendField(dst, "layer", r.Layer)
	dst = appendField(dst, "grade", r.Grade)
	dst = appendField(dst, "place", r.Place)
	if len(r.Box) > 0 {
		dst = append(dst, `,"box":[`...)
		for i, v := range r.Box {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendNumber(dst, v)
		}
		dst = append(dst, ']')
	}
	dst = appendCount(dst, "shapes", r.Shapes)
	dst = appendCount(dst, "features", r.Features)
	if r.AreaM2 != 0 {
		dst = appendNumber(append(dst, `,"area_m2":`...), r.AreaM2)
	}
	dst = appendCount(dst, "status", int64(r.Status))
	dst = appendCount(dst, "bytes", r.Bytes)
	dst = appendField(dst, "generation", r.Generation)
	dst = appendField(dst, "detail", r.Detail)
	dst = appendField(dst, "chain", r.Chain)
	if gone := r.Removed; gone != nil {
		dst = append(dst, `,"removed":{"chain":`...)
		dst = appendText(dst, gone.Chain)
		dst = strconv.AppendInt(append(dst, `,"file":`...), int64(gone.File), 10)
		dst = strconv.AppendInt(append(dst, `,"n":`...), gone.N, 10)
		dst = append(dst, `,"hash":`...)
		dst = append(appendText(dst, gone.Hash), '}')
	}
	return dst
}

func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return appendText(dst, value)
}

func appendCount(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendInt(dst, n, 10)
}

// appendNumber adds a number that is not very small nor very large, which
// [Record.cut] sees to.
func appendNumber(dst []byte, v float64) []byte { return strconv.AppendFloat(dst, v, 'f', -1, 64) }

// appendText adds a JSON string.
func appendText(dst []byte, s string) []byte {
	if !isPlain(s) {
		return appendEscaped(dst, s)
	}
	return append(append(append(dst, '"'), s...), '"')
}

// appendEscaped adds a JSON string of any text.
func appendEscaped(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string is always encoded
		return append(dst, `""`...)
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// parseLine reads a line without its end. Only what [line.append] would write is a
// line: no line can be said in two ways.
func parseLine(text []byte) (line, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return line{}, err
	}
	again := l.append(nil)
	if len(again) > MaxLineBytes || !bytes.Equal(again[:len(again)-1], text) {
		return line{}, errors.New("fields are missing or in another order")
	}
	if parseHash(l.Prev) == nil || l.N < 1 {
		return line{}, errors.New("it has no place in a chain")
	}
	return l, nil
}

func hexOf(hash [sha256.Size]byte) string { return hex.EncodeToString(hash[:]) }

// parseHash returns the hash that s writes in lower-case hexadecimal, or nil.
func parseHash(s string) *[sha256.Size]byte {
	var hash [sha256.Size]byte
	if len(s) != hex.EncodedLen(len(hash)) || strings.ToLower(s) != s {
		return nil
	}
	if _, err := hex.Decode(hash[:], []byte(s)); err != nil {
		return nil
	}
	return &hash
}

// cut shortens the texts of r and rounds its numbers. The sizes add up to 3,200 bytes
// as JSON, which with names, numbers and hashes stay under [MaxLineBytes].
func (r *Record) cut() {
	r.Time = r.Time.UTC()
	cutText(&r.Act, 60)
	cutText(&r.Request, 60)
	cutText(&r.Tier, 40)
	cutText(&r.Who, 400)
	cutText(&r.Role, 40)
	cutText(&r.Address, 100)
	cutText(&r.Outcome, 50)
	cutText(&r.Method, 50)
	cutText(&r.Path, 1300)
	cutText(&r.Route, 40)
	cutText(&r.Layer, 300)
	cutText(&r.Grade, 60)
	cutText(&r.Place, 60)
	cutText(&r.Generation, 100)
	cutText(&r.Detail, 500)
	cutText(&r.Chain, 40)
	box := r.Box
	r.Box = nil
	if len(box) == 4 { // whose numbers stay the caller's
		r.Box = make([]float64, 4)
	}
	for i := range r.Box {
		r.Box[i] = rounded(box[i], 1e6) // a decimetre
	}
	r.AreaM2 = rounded(r.AreaM2, 100)
}

// cutText shortens a text so that its JSON form takes at most size bytes.
func cutText(s *string, size int) {
	if len(*s) > size || !isPlain(*s) {
		// What is not UTF-8 would not come back from JSON as it went in.
		*s = clip(strings.ToValidUTF8(*s, string(utf8.RuneError)), size)
	}
}

// isPlain tells that s is the same in JSON.
func isPlain(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if !arePlain(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56) {
			return false
		}
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// arePlain tells of eight bytes at once that none is below ' ', above 127, a quote or a
// backslash: each line has some 250 that are looked at twice. (x-1)&^x has the high bit
// of a byte that is zero, and of none where there is no zero.
func arePlain(b uint64) bool {
	const one, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := b^one*'"', b^one*'\\'
	return (b|(b-one*' ')|(quote-one)&^quote|(slash-one)&^slash)&high == 0
}

// rounded returns v to a number of parts, and 0 of what is no number or far from any
// that can be meant.
func rounded(v, parts float64) float64 {
	const most = 1e15 // m²; the Earth has 5.1e14
	if math.IsNaN(v) || math.Abs(v) > most {
		return 0
	}
	// Adding 0 takes the sign from a zero.
	return math.Round(v*parts)/parts + 0
}

// escapedBytes is what the longest escape of JSON takes.
const escapedBytes = 6

// clip returns s, which is UTF-8, cut so that its JSON form takes at most size
// bytes; what was cut off is shown by an ellipsis.
func clip(s string, size int) string {
	// As JSON a control character, U+2028 and U+2029 take six bytes, a quote
	// and a backslash two.
	const ellipsis = "…"
	used, fits := 0, 0
	for i, r := range s {
		n := utf8.RuneLen(r)
		end := i + n
		switch {
		case r < ' ', r == '\u2028', r == '\u2029':
			n = escapedBytes
		case r == '"', r == '\\':
			n = 2
		}
		used += n
		if used > size {
			return s[:fits] + ellipsis
		}
		if used+len(ellipsis) <= size {
			fits = end
		}
	}
	return s
}
