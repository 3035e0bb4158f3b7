package geo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a description in WKT: the longest in the EPSG data set has about
// 12 kB and stands 8 deep.
const (
	maxWKT      = 1 << 16
	maxWKTDepth = 32
)

// wktNode is KEYWORD[value, …, child, …] of well-known text, version 1 (OGC
// 01-009, ESRI's .prj files) or 2 (ISO 19162). A keyword without brackets, as
// in AXIS["x",EAST], is a value.
type wktNode struct {
	keyword  string // upper case
	values   []string
	children []*wktNode
}

// name returns the first value, which is the name in every node that has one.
func (n *wktNode) name() string {
	if n == nil || len(n.values) == 0 {
		return ""
	}
	return n.values[0]
}

// number returns value i as a number.
func (n *wktNode) number(i int) (float64, bool) {
	if n == nil || i >= len(n.values) {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.values[i], 64)
	return f, err == nil && finite(f)
}

// child returns the first child with one of the keywords, or nil.
func (n *wktNode) child(keywords ...string) *wktNode {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		for _, k := range keywords {
			if c.keyword == k {
				return c
			}
		}
	}
	return nil
}

// all returns the children with the keyword.
func (n *wktNode) all(keyword string) []*wktNode {
	var found []*wktNode
	for _, c := range n.children {
		if c.keyword == keyword {
			found = append(found, c)
		}
	}
	return found
}

// wktReader reads one text from front to back.
type wktReader struct {
	text string
	pos  int
}

// errWKT is wrapped by every fault of form in a WKT.
var errWKT = errors.New("not well-known text")

func parseWKTNode(text string) (*wktNode, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.TrimRight(text, "\x00\x1a \t\r\n")
	if len(text) > maxWKT {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", errWKT, len(text), maxWKT)
	}
	r := wktReader{text: text}
	word := r.word()
	if word == "" {
		return nil, r.fault()
	}
	n, err := r.node(word, 0)
	if err != nil {
		return nil, err
	}
	if r.space(); r.pos != len(r.text) {
		return nil, r.fault()
	}
	return n, nil
}

func (r *wktReader) fault() error {
	rest := r.text[min(r.pos, len(r.text)):]
	return fmt.Errorf("%w: byte %d, %q", errWKT, r.pos, rest[:min(len(rest), 20)])
}

func (r *wktReader) space() {
	for r.pos < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.pos]) >= 0 {
		r.pos++
	}
}

// take steps over one of the characters, which it returns, or returns 0.
func (r *wktReader) take(chars string) byte {
	r.space()
	if r.pos < len(r.text) && strings.IndexByte(chars, r.text[r.pos]) >= 0 {
		r.pos++
		return r.text[r.pos-1]
	}
	return 0
}

// word reads a keyword or a number; "" when there is none.
func (r *wktReader) word() string {
	r.space()
	start := r.pos
	for r.pos < len(r.text) && strings.IndexByte("[](),\" \t\r\n", r.text[r.pos]) < 0 {
		r.pos++
	}
	return r.text[start:r.pos]
}

// quoted reads the rest of a string whose opening mark has been read; a doubled
// mark stands for one.
func (r *wktReader) quoted() (string, error) {
	var b strings.Builder
	for {
		end := strings.IndexByte(r.text[r.pos:], '"')
		if end < 0 {
			return "", r.fault()
		}
		b.WriteString(r.text[r.pos : r.pos+end])
		r.pos += end + 1
		if r.pos >= len(r.text) || r.text[r.pos] != '"' {
			return b.String(), nil
		}
		b.WriteByte('"')
		r.pos++
	}
}

// node reads the brackets that follow a keyword.
func (r *wktReader) node(keyword string, depth int) (*wktNode, error) {
	if depth > maxWKTDepth {
		return nil, fmt.Errorf("%w: brackets more than %d deep", errWKT, maxWKTDepth)
	}
	open := r.take("[(")
	if open == 0 {
		return nil, r.fault()
	}
	n := &wktNode{keyword: strings.ToUpper(keyword)}
	for {
		if err := r.item(n, depth); err != nil {
			return nil, err
		}
		switch ch := r.take(",])"); {
		case ch == ',':
		case ch == ']' && open == '[', ch == ')' && open == '(':
			return n, nil
		default:
			return nil, r.fault()
		}
	}
}

// item reads one value or child of n.
func (r *wktReader) item(n *wktNode, depth int) error {
	if r.take(`"`) != 0 {
		s, err := r.quoted()
		if err == nil {
			n.values = append(n.values, s)
		}
		return err
	}
	word := r.word()
	if word == "" {
		return r.fault()
	}
	r.space()
	if r.pos >= len(r.text) || r.text[r.pos] != '[' && r.text[r.pos] != '(' {
		n.values = append(n.values, word)
		return nil
	}
	child, err := r.node(word, depth+1)
	if err == nil {
		n.children = append(n.children, child)
	}
	return err
}
