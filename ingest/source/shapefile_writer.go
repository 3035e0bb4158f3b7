package source

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// maxShapefile is the largest .shp and .dbf that all programs read: 2^31 - 1
// bytes.
const maxShapefile = math.MaxInt32

// shapefileWriter writes .shp, .shx, .dbf, .prj and .cpg.
type shapefileWriter struct {
	shp, shx *stagedFile
	small    []*stagedFile // .prj and .cpg
	stale    string        // a .prj of an earlier file that would be wrong now
	table    *dbfWriter
	kind     uint32 // the type of all records that have a shape
	extent   extent
	record   uint32
	buf      []byte
	rings    [][]geo.XY
}

// createShapefile begins the five files.
func createShapefile(path string, l *Layer, opt WriteOptions) (*shapefileWriter, error) {
	c := charsetGBK
	if opt.Encoding != "" {
		var ok bool
		if c, ok = charsetOf(opt.Encoding); !ok {
			return nil, unknownEncoding(opt.Encoding)
		}
	}
	w := &shapefileWriter{extent: emptyExtent(), kind: shpPolygon}
	if opt.Shapes == PointShapes {
		w.kind = shpPoint
	}
	if err := w.create(path, l, opt, c); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// create is createShapefile without the cleaning up.
func (w *shapefileWriter) create(path string, l *Layer, opt WriteOptions, c charset) error {
	base := path[:len(path)-len(".shp")]
	var err error
	if w.table, err = newDBFWriter(base+".dbf", l.Fields, c, opt.Modified); err != nil {
		return err
	}
	w.table.cutTexts = opt.Cut
	if w.shp, err = stage(path); err != nil {
		return err
	}
	if w.shx, err = stage(base + ".shx"); err != nil {
		return err
	}
	texts := map[string]string{".cpg": c.name, ".prj": opt.CRS.WKT}
	for _, ext := range []string{".cpg", ".prj"} {
		if texts[ext] == "" {
			w.stale = base + ext
			continue
		}
		f, err := stage(base + ext)
		if err != nil {
			return err
		}
		w.small = append(w.small, f)
		if _, err := f.Write([]byte(texts[ext])); err != nil {
			return err
		}
	}
	// The headers follow when the sizes are known.
	var blank [shpHeader]byte
	if _, err := w.shp.Write(blank[:]); err != nil {
		return err
	}
	_, err = w.shx.Write(blank[:])
	return err
}

// Write implements [Writer].
func (w *shapefileWriter) Write(f *Feature) error {
	shape := w.content
	if w.kind == shpPoint {
		shape = w.point
	}
	content := shape(f.Polygons)
	if w.shp.size+int64(len(content))+8 > maxShapefile {
		return problem.New("EXPORT_SIZE", "shapefile 超过 2 GB 上限", "the shapefile would pass its limit of 2 GB").
			Advise("改用 .gpkg 或 .fgb", "use .gpkg or .fgb").In(w.shp.path)
	}
	w.record++
	length := uint32(len(content) / 2) //nolint:gosec // bounded above
	var entry [8]byte
	binary.BigEndian.PutUint32(entry[:], uint32(w.shp.size/2)) //nolint:gosec // bounded above
	binary.BigEndian.PutUint32(entry[4:], length)
	if _, err := w.shx.Write(entry[:]); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(entry[:], w.record)
	if _, err := w.shp.Write(entry[:]); err != nil {
		return err
	}
	if _, err := w.shp.Write(content); err != nil {
		return err
	}
	return w.table.write(f)
}

// point returns the record of the first point of polygons, valid until the next call.
func (w *shapefileWriter) point(polygons [][][]geo.XY) []byte {
	b := w.buf[:0]
	if len(polygons) == 0 || len(polygons[0]) == 0 || len(polygons[0][0]) == 0 {
		w.buf = binary.LittleEndian.AppendUint32(b, shpNull)
		return w.buf
	}
	p := polygons[0][0][0]
	w.extent = w.extent.union(extent{p.X, p.Y, p.X, p.Y})
	w.buf = appendFloats(binary.LittleEndian.AppendUint32(b, shpPoint), p.X, p.Y)
	return w.buf
}

// content returns the record of polygons, valid until the next call. Shells are
// turned clockwise and holes the other way, as the format wants.
func (w *shapefileWriter) content(polygons [][][]geo.XY) []byte {
	le := binary.LittleEndian
	w.rings = w.rings[:0]
	points := 0
	for _, polygon := range polygons {
		for i, ring := range polygon {
			ring = closedRing(ring)
			if len(ring) == 0 {
				continue
			}
			if _, area := measure(ring); (area > 0) == (i == 0) && area != 0 {
				ring = slices.Clone(ring)
				slices.Reverse(ring)
			}
			w.rings = append(w.rings, ring)
			points += len(ring)
		}
	}
	b := w.buf[:0]
	if len(w.rings) == 0 {
		w.buf = le.AppendUint32(b, shpNull)
		return w.buf
	}
	box := extentOf([][][]geo.XY{w.rings})
	w.extent = w.extent.union(box)
	b = le.AppendUint32(b, shpPolygon)
	b = appendFloats(b, box.minX, box.minY, box.maxX, box.maxY)
	b = le.AppendUint32(b, uint32(len(w.rings))) //nolint:gosec // a record is below 2 GB
	b = le.AppendUint32(b, uint32(points))       //nolint:gosec // a record is below 2 GB
	start := 0
	for _, ring := range w.rings {
		b = le.AppendUint32(b, uint32(start)) //nolint:gosec // a record is below 2 GB
		start += len(ring)
	}
	for _, ring := range w.rings {
		for _, p := range ring {
			b = appendFloats(b, p.X, p.Y)
		}
	}
	w.buf = b
	return b
}

// closedRing returns ring with its first point repeated at the end.
func closedRing(ring []geo.XY) []geo.XY {
	if n := len(ring); n > 0 && ring[0] != ring[n-1] {
		return append(slices.Clone(ring), ring[0])
	}
	return ring
}

// appendFloats appends little-endian doubles.
func appendFloats(b []byte, values ...float64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// header returns the header of a .shp or .shx of size bytes.
func (w *shapefileWriter) header(size int64) []byte {
	h := make([]byte, 28, shpHeader)
	binary.BigEndian.PutUint32(h, 9994)
	binary.BigEndian.PutUint32(h[24:], uint32(size/2)) //nolint:gosec // below 2 GB
	h = binary.LittleEndian.AppendUint32(h, 1000)
	h = binary.LittleEndian.AppendUint32(h, w.kind)
	e := w.extent
	if e.empty() {
		e = extent{}
	}
	return append(appendFloats(h, e.minX, e.minY, e.maxX, e.maxY), make([]byte, 32)...)
}

// Close implements [Writer].
func (w *shapefileWriter) Close() error {
	for _, f := range []*stagedFile{w.shp, w.shx} {
		if err := f.out.Flush(); err != nil {
			return f.failed(err)
		}
		if _, err := f.file.WriteAt(w.header(f.size), 0); err != nil {
			return f.failed(err)
		}
	}
	if err := w.table.finish(); err != nil {
		return err
	}
	if w.stale != "" {
		if err := os.Remove(w.stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return w.shp.failed(err)
		}
	}
	// The .shp comes last: without it there is no shapefile.
	for _, f := range append(w.small, w.table.file, w.shx, w.shp) {
		if err := f.commit(); err != nil {
			return err
		}
	}
	return nil
}

// Abort implements [Writer].
func (w *shapefileWriter) Abort() error {
	err := errors.Join(w.shp.abort(), w.shx.abort())
	if w.table != nil {
		err = errors.Join(err, w.table.abort())
	}
	for _, f := range w.small {
		err = errors.Join(err, f.abort())
	}
	return err
}

// Notes implements [Writer].
func (w *shapefileWriter) Notes() []*problem.Problem {
	notes := slices.Clip(w.table.notes)
	if n := w.table.cuts; n > 0 {
		notes = append(notes, problem.New("EXPORT_TEXT", "%[1]d 处文字超过 %[3]d 字节或有 %[2]s 没有的字，已截断（…）或替换（?）", "%[1]d texts are longer than %[3]d bytes or have characters that %[2]s does not have; they were cut (…) or replaced (?)", n, w.table.text.name, maxTextWidth).
			Advise("要全文请用 gpkg、xlsx 或 json", "for the whole texts take gpkg, xlsx or json"))
	}
	return notes
}

// isDate tells whether s is a date YYYY-MM-DD.
func isDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && allDigits([]byte(strings.ReplaceAll(s, "-", ""))) &&
		strings.Count(s, "-") == 2
}
