package report

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest"
)

// recorder stands before the checker and keeps what the report needs of what is read:
// the layers' files, whose codes of place there are, and for pictures the shapes.
type recorder struct {
	next    ingest.Inspector
	drawing Drawing
	layers  []*layerRecord
	shapes  shapeFile
	reading int       // the number of the layer that is read, from 1; 0 when all is read
	rest    shapeFile // faults that are not listed
}

// layerRecord is what was seen of a layer; void when it was read anew.
type layerRecord struct {
	rec    *recorder
	next   ingest.LayerInspector
	seen   *ingest.LayerSeen
	number int // in the shape file
	void   bool

	box      geo.Box
	features int
	class    int // the field DLBM, −1 when there is none
	codes    []int
	name     int
	counties map[string]int    // features by the first six digits of their code
	named    map[string]string // names that may be counties', by code as delivered
	parted   map[int]bool      // lengths of codes of which some name parts of a county
}

func newRecorder(drawing Drawing) *recorder { return &recorder{drawing: drawing} }

// Layer implements [ingest.Inspector].
func (r *recorder) Layer(seen *ingest.LayerSeen) (ingest.LayerInspector, error) {
	for _, l := range r.layers {
		l.void = l.void || l.seen.Layer == seen.Layer && l.seen.Vintage == seen.Vintage // it is read anew
	}
	next, err := r.next.Layer(seen)
	if err != nil {
		return nil, err
	}
	l := &layerRecord{
		rec: r, next: next, seen: seen, number: len(r.layers), box: geo.EmptyBox(), class: -1, name: -1,
		counties: map[string]int{}, named: map[string]string{}, parted: map[int]bool{},
	}
	for _, want := range []string{"ZLDWDM", "XZQDM", "QSDWDM"} {
		if i := slices.IndexFunc(seen.Fields, named(want)); i >= 0 {
			l.codes = append(l.codes, i)
		}
	}
	l.class = slices.IndexFunc(seen.Fields, named("DLBM"))
	l.name = max(slices.IndexFunc(seen.Fields, named("XZQMC")), slices.IndexFunc(seen.Fields, named("ZLDWMC")))
	if !l.places() {
		l.name = -1
	}
	r.layers = append(r.layers, l)
	r.reading = len(r.layers)
	return l, nil
}

// places tells whether the layer is one of places, whose outlines the map shows.
func (l *layerRecord) places() bool { return l.seen.Layer == edition.Region || l.seen.Layer == "cjdcq" }

// kept is what Look leaves for Take: the checker's own note, and the shape as bytes.
type kept struct {
	note  any
	shape []byte
}

// Look implements [ingest.LayerInspector].
func (l *layerRecord) Look(f *ingest.Seen) {
	l.next.Look(f)
	k := &kept{note: f.Note}
	if l.rec.drawing == Pictures && len(f.Geometry) > 0 {
		k.shape = l.encode(f)
	}
	f.Note = k
}

// Take implements [ingest.LayerInspector].
func (l *layerRecord) Take(f *ingest.Seen) error {
	k, ok := f.Note.(*kept)
	if !ok {
		return l.next.Take(f)
	}
	f.Note = k.note
	if err := l.next.Take(f); err != nil {
		return err
	}
	l.place(f)
	if k.shape == nil {
		return nil
	}
	l.features++
	l.box = l.box.Union(f.Geometry.Box())
	return l.rec.shapes.put(k.shape)
}

// Mend implements [ingest.Mender]: what the checker mends, if it does.
func (l *layerRecord) Mend() ([]ingest.Mend, error) {
	if m, ok := l.next.(ingest.Mender); ok {
		return m.Mend()
	}
	return nil, nil
}

// place counts the feature for its county, by the best of its codes.
func (l *layerRecord) place(f *ingest.Seen) {
	for _, i := range l.codes {
		code, _ := f.Values[i].(string)
		code = strings.TrimSpace(code)
		if len(code) < 6 || strings.Trim(code[:6], "0123456789") != "" {
			continue
		}
		county := code[:6]
		if _, ok := l.counties[county]; !ok {
			county = strings.Clone(county)
		}
		l.counties[county]++
		if strings.Trim(code[6:], "0") != "" {
			l.parted[len(code)] = true
		} else if name, ok := valueAt(f, l.name).(string); ok {
			l.named[strings.Clone(code)] = strings.Clone(strings.TrimSpace(name))
		}
		return
	}
}

func valueAt(f *ingest.Seen, i int) any {
	if i < 0 {
		return nil
	}
	return f.Values[i]
}

// county returns the county that most features are of, and its name where a region
// has it; of two with as many the smaller code. A code that is filled up with zeros is a
// county's where all of its length are: beside 610402001 the place 610402000 is another part
// of the county, and has no name for the whole.
func (r *recorder) county() County {
	counts, names := map[string]int{}, map[string]string{}
	for _, l := range r.layers {
		if l.void {
			continue
		}
		for code, n := range l.counties {
			counts[code] += n
		}
		for code, name := range l.named {
			if !l.parted[len(code)] {
				names[code[:6]] = name
			}
		}
	}
	var c County
	for code, n := range counts {
		if c.Code == "" || n > counts[c.Code] || n == counts[c.Code] && code < c.Code {
			c.Code = code
		}
	}
	c.Name = names[c.Code]
	return c
}

// encode writes a feature for the shape file: layer, file, record, key, the first
// two digits of its class, its name if it is a place, and its rings as differences of positions.
func (l *layerRecord) encode(f *ingest.Seen) []byte {
	class, _ := valueAt(f, l.class).(string)
	label, _ := valueAt(f, l.name).(string)
	b := make([]byte, 0, 64+8*vertices(f.Geometry))
	b = binary.AppendUvarint(b, uint64(l.number)) //nolint:gosec // not negative
	b = binary.AppendUvarint(b, uint64(f.File))   //nolint:gosec // not negative
	b = binary.AppendUvarint(b, uint64(f.Record)) //nolint:gosec // not negative
	b = appendText(appendText(b, f.Key), class[:min(len(class), 2)])
	return appendShape(appendText(b, label), f.Geometry)
}

// appendShape writes the rings of a shape as differences of positions.
func appendShape(b []byte, m geo.MultiPolygon) []byte {
	b = binary.AppendUvarint(b, uint64(len(m))) //nolint:gosec // not negative
	var last geo.Position
	for _, p := range m {
		b = binary.AppendUvarint(b, uint64(len(p))) //nolint:gosec // not negative
		for _, r := range p {
			b = binary.AppendUvarint(b, uint64(len(r))) //nolint:gosec // not negative
			for _, v := range r {
				b = binary.AppendVarint(b, v.Lon-last.Lon)
				b = binary.AppendVarint(b, v.Lat-last.Lat)
				last = v
			}
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s))) //nolint:gosec // not negative
	return append(b, s...)
}

func vertices(m geo.MultiPolygon) int {
	n := 0
	for _, p := range m {
		for _, r := range p {
			n += len(r)
		}
	}
	return n
}

// stored is a feature as it comes back from the shape file. Its memory is the file's
// until the next.
type stored struct {
	layer, file int
	record      int64
	key, class  []byte
	label       []byte
	polygons    geo.MultiPolygon

	rings     []geo.Ring
	positions []geo.Position
}

// errShapes says that the passing file is not what was written.
var errShapes = errors.New("passing file of shapes damaged")

// decode reads what encode wrote.
func (s *stored) decode(b []byte) error {
	c := cursor{b: b}
	s.layer, s.file, s.record = c.number(), c.number(), int64(c.number())
	s.key, s.class, s.label = c.text(), c.text(), c.text()
	return s.shape(&c)
}

// shape reads what appendShape wrote, which is the last.
func (s *stored) shape(c *cursor) error {
	s.polygons, s.rings, s.positions = s.polygons[:0], s.rings[:0], s.positions[:0]
	// Slices of slices are made from arrays that hold all: grown first, cut after.
	s.rings = slices.Grow(s.rings, len(c.b)/4+1)
	s.positions = slices.Grow(s.positions, len(c.b)/2+1)
	var last geo.Position
	for range c.number() {
		first := len(s.rings)
		for range c.number() {
			begin := len(s.positions)
			for range c.number() {
				last.Lon += c.difference()
				last.Lat += c.difference()
				if c.damaged {
					return errShapes
				}
				s.positions = append(s.positions, last)
			}
			s.rings = append(s.rings, s.positions[begin:])
		}
		s.polygons = append(s.polygons, s.rings[first:])
	}
	if c.damaged || len(c.b) > 0 {
		return errShapes
	}
	return nil
}

// cursor reads from bytes; once they are not what was written it gives zeros.
type cursor struct {
	b       []byte
	damaged bool
}

func (c *cursor) fail() int {
	c.damaged, c.b = true, nil
	return 0
}

func (c *cursor) number() int {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || v > 1<<62 {
		return c.fail()
	}
	c.b = c.b[n:]
	return int(v) //nolint:gosec // bounded above
}

func (c *cursor) difference() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		return int64(c.fail())
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) text() []byte {
	n := c.number()
	if n > len(c.b) {
		n = c.fail()
	}
	t := c.b[:n]
	c.b = c.b[n:]
	return t
}

// shapeFile keeps byte strings in a file without a name. The zero value has no file.
type shapeFile struct {
	f    *os.File
	out  *bufio.Writer
	size int64
}

func (s *shapeFile) put(b []byte) error {
	if s.f == nil {
		f, err := disk.Passing("", "gengtu-shapes-*")
		if err != nil {
			return err
		}
		s.f, s.out = f, bufio.NewWriterSize(f, 1<<20)
	}
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(b)))
	if _, err := s.out.Write(length[:n]); err != nil {
		return err
	}
	s.size += int64(n + len(b))
	_, err := s.out.Write(b)
	return err
}

// flush ends the writing.
func (s *shapeFile) flush() error {
	if s.f == nil {
		return nil
	}
	return s.out.Flush()
}

// each calls visit with every string, in the order in which they were put, after flush.
// Several goroutines may read at once. What visit gets is valid during the call.
func (s *shapeFile) each(visit func([]byte) error) error {
	if s.f == nil {
		return nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(s.f, 0, s.size), 1<<20)
	var b []byte
	for {
		size, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b = slices.Grow(b[:0], int(size))[:size] //nolint:gosec // written by put
		if _, err := io.ReadFull(in, b); err != nil {
			return err
		}
		if err := visit(b); err != nil {
			return err
		}
	}
}

func (s *shapeFile) close() error {
	if s.f == nil {
		return nil
	}
	return s.f.Close()
}

// each calls visit with every feature of a layer that is not void, in the order in
// which they were put. What visit gets is valid during the call.
func (r *recorder) each(ctx context.Context, visit func(*stored)) error {
	if err := r.shapes.flush(); err != nil {
		return err
	}
	var s stored
	return r.shapes.each(func(b []byte) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.decode(b); err != nil {
			return err
		}
		if !r.layers[s.layer].void {
			visit(&s)
		}
		return nil
	})
}

func (r *recorder) close() error { return errors.Join(r.shapes.close(), r.rest.close()) }
