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
	named    map[string]string // names of counties, by code
}

func newRecorder(next ingest.Inspector, drawing Drawing) *recorder {
	return &recorder{next: next, drawing: drawing}
}

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
		counties: map[string]int{}, named: map[string]string{},
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
	return l, nil
}

// places tells whether the layer is one of places, whose outlines the map shows.
func (l *layerRecord) places() bool { return l.seen.Layer == "region" || l.seen.Layer == "cjdcq" }

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
		if name, ok := valueAt(f, l.name).(string); ok && strings.Trim(code[6:], "0") == "" {
			l.named[county] = strings.Clone(strings.TrimSpace(name))
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
// has it; of two with as many the smaller code.
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
			names[code] = name
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
	b = appendText(b, label)
	b = binary.AppendUvarint(b, uint64(len(f.Geometry))) //nolint:gosec // not negative
	var last geo.Position
	for _, p := range f.Geometry {
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
	ok := true
	next := func() int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			ok, b = false, nil
			return 0
		}
		b = b[n:]
		return int(v) //nolint:gosec // bounded above
	}
	text := func() []byte {
		n := next()
		if n > len(b) {
			ok, n = false, 0
		}
		t := b[:n]
		b = b[n:]
		return t
	}
	s.layer, s.file, s.record = next(), next(), int64(next())
	s.key, s.class, s.label = text(), text(), text()
	s.polygons, s.rings, s.positions = s.polygons[:0], s.rings[:0], s.positions[:0]
	// Slices of slices are made from arrays that hold all: grown first, cut after.
	s.rings = slices.Grow(s.rings, len(b)/4+1)
	s.positions = slices.Grow(s.positions, len(b)/2+1)
	var last geo.Position
	for range next() {
		first := len(s.rings)
		for range next() {
			begin := len(s.positions)
			for range next() {
				lon, n := binary.Varint(b)
				lat, m := binary.Varint(b[max(n, 0):])
				if n <= 0 || m <= 0 {
					return errShapes
				}
				b = b[n+m:]
				last.Lon, last.Lat = last.Lon+lon, last.Lat+lat
				s.positions = append(s.positions, last)
			}
			s.rings = append(s.rings, s.positions[begin:])
		}
		s.polygons = append(s.polygons, s.rings[first:])
	}
	if !ok || len(b) > 0 {
		return errShapes
	}
	return nil
}

// shapeFile keeps byte strings in a file without a name, to be read once from the
// beginning. The zero value has no file.
type shapeFile struct {
	f   *os.File
	out *bufio.Writer
}

func (s *shapeFile) put(b []byte) error {
	if s.f == nil {
		f, err := os.CreateTemp("", "gengtu-shapes-")
		if err != nil {
			return err
		}
		s.f, s.out = f, bufio.NewWriterSize(f, 1<<20)
		// Whoever has it open keeps it.
		if err := os.Remove(f.Name()); err != nil {
			return err
		}
	}
	var length [binary.MaxVarintLen64]byte
	if _, err := s.out.Write(length[:binary.PutUvarint(length[:], uint64(len(b)))]); err != nil {
		return err
	}
	_, err := s.out.Write(b)
	return err
}

// each calls visit with every feature of a layer that is not void, in the order in
// which they were put. What visit gets is valid during the call.
func (r *recorder) each(ctx context.Context, visit func(*stored)) error {
	if r.shapes.f == nil {
		return nil
	}
	if err := r.shapes.out.Flush(); err != nil {
		return err
	}
	if _, err := r.shapes.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(r.shapes.f, 1<<20)
	var b []byte
	var s stored
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
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
		if err := s.decode(b); err != nil {
			return err
		}
		if !r.layers[s.layer].void {
			visit(&s)
		}
	}
}

func (r *recorder) close() error {
	if r.shapes.f == nil {
		return nil
	}
	return r.shapes.f.Close()
}
