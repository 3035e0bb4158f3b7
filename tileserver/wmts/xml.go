package wmts

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// printer writes XML, one element a line, indented. Every name that it is given
// is a constant; every text and attribute is escaped, and characters that XML
// does not have become U+FFFD.
type printer struct {
	out   bytes.Buffer
	depth int
}

func newPrinter() *printer {
	p := new(printer)
	p.out.WriteString(xml.Header)
	return p
}

// bytes returns what has been written.
func (p *printer) bytes() []byte { return p.out.Bytes() }

// start writes the tag of an element up to its closing bracket. Attributes are
// names and values in turn.
func (p *printer) start(name string, attributes []string) {
	p.out.WriteString(strings.Repeat("  ", p.depth) + "<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		p.out.WriteString(" " + attributes[i] + `="`)
		p.text(attributes[i+1])
		p.out.WriteString(`"`)
	}
}

// text writes s, escaped.
func (p *printer) text(s string) {
	// A bytes.Buffer never fails to be written to.
	_ = xml.EscapeText(&p.out, []byte(s))
}

// open begins an element that holds others, until close.
func (p *printer) open(name string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString(">\n")
	p.depth++
}

func (p *printer) close(name string) {
	p.depth--
	p.out.WriteString(strings.Repeat("  ", p.depth) + "</" + name + ">\n")
}

// leaf writes an element that holds text.
func (p *printer) leaf(name, text string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString(">")
	p.text(text)
	p.out.WriteString("</" + name + ">\n")
}

// optional writes a leaf unless text is empty.
func (p *printer) optional(name, text string) {
	if text != "" {
		p.leaf(name, text)
	}
}

// empty writes an element that holds nothing.
func (p *printer) empty(name string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString("/>\n")
}
