// Package ows holds what the protocols of OGC's older family, WMTS and WMS, share
// in how they are written: a printer of XML whose answers are well-formed
// whatever a request or an edition held.
//
// It knows nothing of either protocol.
package ows

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// Printer writes XML in UTF-8, one element a line, indented. Every name that it
// is given is a constant; every text and attribute is escaped, and characters
// that XML does not have become U+FFFD. It is not safe for concurrent use.
type Printer struct {
	out   bytes.Buffer
	depth int
}

// NewPrinter returns a printer that has written the XML declaration.
func NewPrinter() *Printer {
	p := new(Printer)
	p.out.WriteString(xml.Header)
	return p
}

// Bytes returns what has been written; it is valid until more is.
func (p *Printer) Bytes() []byte { return p.out.Bytes() }

// start writes the tag of an element up to its closing bracket. Attributes are
// names and values in turn.
func (p *Printer) start(name string, attributes []string) {
	p.out.WriteString(strings.Repeat("  ", p.depth) + "<" + name)
	for i := 0; i+1 < len(attributes); i += 2 {
		p.out.WriteString(" " + attributes[i] + `="`)
		p.text(attributes[i+1])
		p.out.WriteString(`"`)
	}
}

// text writes s, escaped.
func (p *Printer) text(s string) {
	// A bytes.Buffer never fails to be written to.
	_ = xml.EscapeText(&p.out, []byte(s))
}

// Doctype names the definition of the document, before its first element.
func (p *Printer) Doctype(root, system string) {
	p.out.WriteString("<!DOCTYPE " + root + ` SYSTEM "` + system + "\">\n")
}

// Open begins an element that holds others, until Close. Attributes are names
// and values in turn.
func (p *Printer) Open(name string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString(">\n")
	p.depth++
}

// Close ends the element that was opened last, whose name is repeated.
func (p *Printer) Close(name string) {
	p.depth--
	p.out.WriteString(strings.Repeat("  ", p.depth) + "</" + name + ">\n")
}

// Leaf writes an element that holds text.
func (p *Printer) Leaf(name, text string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString(">")
	p.text(text)
	p.out.WriteString("</" + name + ">\n")
}

// Optional writes a leaf unless text is empty.
func (p *Printer) Optional(name, text string) {
	if text != "" {
		p.Leaf(name, text)
	}
}

// Empty writes an element that holds nothing.
func (p *Printer) Empty(name string, attributes ...string) {
	p.start(name, attributes)
	p.out.WriteString("/>\n")
}
