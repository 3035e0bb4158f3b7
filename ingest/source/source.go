// Package source reads each format that farmland deliveries come in as a
// stream of features, and writes the formats that exports leave in.
//
// [Open] looks at a file's content, then at its ending, and returns a [Reader]
// that hands out polygons and attribute values exactly as the file holds them:
// in the file's own coordinate system, rings neither oriented nor repaired,
// Z and M dropped. What a file says about its coordinate system, its text
// encoding and its fields stands in [Layer]. [Create] is the other direction.
//
// What is wrong with a file is a *problem.Problem. What is wrong with one record
// is [Feature.Problem], and the reader goes on with the next; nothing is lost
// without being told. Every count and offset that a file states is compared with
// the bytes that are left before memory is taken for it.
//
// The package transforms no coordinates, maps no fields and judges no shape.
package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Kind is the type of a field's values.
type Kind uint8

// The kinds of fields. The value of a Text or Date field is a string, of an
// Integer field an int64, of a Real field a float64 and of a Bool field a bool;
// any of them may be nil. An Integer field that holds a number beyond int64 or
// with decimals, against its declaration, gives that one as a float64.
const (
	Text Kind = iota
	Integer
	Real
	Bool
	// Date is a calendar date as text, YYYY-MM-DD, or a time as found (RFC 3339).
	Date
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"text", "integer", "real", "bool", "date"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Field is a column of a layer.
type Field struct {
	// Name is the field's name as in the file, decoded to UTF-8.
	Name string
	Kind Kind
	// Width is the declared width (bytes in a dbf, characters elsewhere) and
	// Decimals the declared digits after the point; 0 where nothing is declared.
	Width, Decimals int
}

// Feature is one record of a layer. All memory in it belongs to the caller: a
// reader never writes again to what it has handed out.
type Feature struct {
	// Record is the record's number in the file, from 1; deleted records count.
	Record int64
	// Polygons are the polygons, their rings and the rings' points, in the
	// file's coordinate system, easting or longitude first. Rings are as in the
	// file: not oriented, not closed, not repaired. nil: the record has no
	// geometry or an empty one. Of a reader of [Lines], one list of the line's parts.
	Polygons [][][]geo.XY
	// Values are parallel to Layer.Fields: nil, string, int64, float64 or bool.
	Values []any
	// Problem is set when this one record cannot be read; Polygons is then nil
	// and Values may be.
	Problem *problem.Problem
}

// Layer is what a file says about all of its records.
type Layer struct {
	// Path is the file as the user named it, Table the layer's name in it.
	Path, Table string
	Fields      []Field
	CRS         CRSInfo
	// Encoding is the text encoding that was used, by its usual name.
	Encoding string
	// Count is the number of records, deleted ones included; -1 when the file
	// does not say.
	Count int64
	// About is how many records there may be where Count is -1, 0 when nothing is known.
	About int64
	// RingOrder is what the format says of the direction of rings.
	RingOrder RingOrder
	// NoGeometry tells that the layer is a table of attributes by its own word: its
	// records have no polygons.
	NoGeometry bool
	// NoSchema tells that the fields are those of the format, whatever the file is about:
	// they tell nothing of which layer it is.
	NoSchema bool
	// Notes tell what was met that loses or doubts something without stopping
	// the reading. The list is complete when Next has returned io.EOF.
	Notes []*problem.Problem
}

// RingOrder is the direction that a format asks of rings, as seen with the easting or
// longitude to the right and the northing or latitude upwards.
type RingOrder uint8

const (
	// AnyOrder is that of formats that say which ring is a hole in another way, or whose
	// text was not at hand: GeoPackage, FlatGeobuf, TXT, VCT, and GeoJSON of 2008, which a
	// member crs tells.
	AnyOrder RingOrder = iota
	// ShellsClockwise is the shapefile's: the direction alone tells shells from holes (ESRI
	// Shapefile Technical Description, 1998, "Polygon").
	ShellsClockwise
	// ShellsCounterClockwise is GeoJSON's, whose readers should not refuse what is the
	// other way round (RFC 7946, 3.1.6).
	ShellsCounterClockwise
)

// CRSInfo is what a file says of its coordinate system: a WKT text, an EPSG
// code, both or nothing. The zero value says nothing. A GeoJSON file without
// crs member is EPSG 4326 by RFC 7946 section 4.
type CRSInfo struct {
	EPSG int
	WKT  string
	Name string
	// Problem is why what the file says cannot be taken; nil when it can, or says
	// nothing.
	Problem *problem.Problem
}

// Options choose what to read of a file and how.
type Options struct {
	// Table names the layer of a file with several; "" takes the only one.
	Table string
	// Encoding names the encoding of a dbf's or a GeoJSON file's text; "" finds
	// it out. GeoPackage and FlatGeobuf are UTF-8 by definition.
	Encoding string
	// Learning says how much of a file without declared fields is read for them.
	Learning Learning
	// Shapes says which records have a shape: those of polygons, or of lines.
	Shapes Shapes
	// Workers is how many goroutines may work at opening a large file; 0 takes all
	// processors. The result does not depend on it.
	Workers int
}

// Shapes is a kind of shapes.
type Shapes uint8

const (
	// Polygons are what layers are stored of.
	Polygons Shapes = iota
	// Lines are read of shapefile, GeoJSON and VCT; the other formats give records of
	// lines a Problem. Feature.Polygons then holds one list, of the parts of the line.
	Lines
)

// Learning is how much of a file that declares no fields, as GeoJSON, is read
// before Open tells what they are.
type Learning uint8

const (
	// LearnWhole reads the whole file: its Layer is sure.
	LearnWhole Learning = iota
	// LearnSamples reads pieces of a large file, which is then read once instead of
	// twice. Its Layer, whose Count is -1, is a guess until [Confirm] says that it is
	// none.
	LearnSamples
)

// ErrSample says that a file is not what samples of it let expect. What was read of
// it is worth nothing; opened with [LearnWhole] it is read as it is.
var ErrSample = errors.New("the file is not as its samples")

// confirmer is a reader that may have guessed.
type confirmer interface{ confirm() error }

// Confirm tells whether the Layer of r is what the whole file says, when all of its
// records are read and parsed; if not, it returns [ErrSample]. Only a reader that was
// opened with [LearnSamples] can be wrong. The Count is known from then on.
func Confirm(r Reader) error {
	if s, ok := r.(*stream); ok {
		if c, ok := s.Reader.(confirmer); ok {
			return c.confirm()
		}
	}
	return nil
}

// Reader is a stream of the features of one layer. It is used by one goroutine.
type Reader interface {
	// Layer describes the records; the same pointer each time.
	Layer() *Layer
	// Next overwrites f with the next record and returns io.EOF at the end. Any
	// other error ends the reading of this file; it holds a *problem.Problem
	// unless the context was cancelled.
	Next(f *Feature) error
	// Close releases the file. The features handed out stay valid.
	Close() error
}

// Open opens the file at path for reading, whatever its format. The reading ends
// with ctx's error when ctx is cancelled. Errors that the file causes hold a
// *problem.Problem that names path.
func Open(ctx context.Context, path string, opt Options) (Reader, error) {
	form, err := detect(path)
	if err != nil {
		return nil, inFile(err, path)
	}
	r, err := openAs(ctx, form, path, opt)
	if err != nil {
		return nil, inFile(err, path)
	}
	l := r.Layer()
	l.Path = path
	if opt.Table != "" && !form.several() && opt.Table != l.Table {
		return nil, errors.Join(noTable(opt.Table, []string{l.Table}).In(path), r.Close())
	}
	return &stream{Reader: r, ctx: ctx}, nil
}

// openAs opens the file at path as one of a format.
func openAs(ctx context.Context, form format, path string, opt Options) (Reader, error) {
	switch form {
	case formatShapefile:
		return openShapefile(ctx, path, opt)
	case formatGeoPackage:
		return openGeoPackage(ctx, path, opt)
	case formatGeoJSON:
		return openGeoJSON(ctx, path, opt)
	case formatFlatGeobuf:
		return openFlatGeobuf(path)
	case formatVCT:
		return openVCT(ctx, path, opt)
	case formatTXT:
		return openTXT(path, opt)
	case formatZip:
		return openZip(ctx, path, opt)
	case formatGDB:
		return openGDB(ctx, path, opt)
	}
	return nil, notRead(form)
}

// notRead is of a format that is known and has no reader: a fault of this program.
func notRead(form format) error {
	return problem.New("SOURCE_READER", "本程序缺少第 %d 种格式的读取代码", "this program has no code that reads format number %d", form).
		Advise("请报告此错误", "please report this")
}

// TableInfo is a layer in a file.
type TableInfo struct {
	Name string
	// NoGeometry tells that it is a table of attributes.
	NoGeometry bool
}

// Tables lists the names of the layers with polygons in the file at path, in the
// file's order. A format with one layer gives one name.
func Tables(path string) ([]string, error) {
	all, err := AllTables(path)
	var names []string
	for _, t := range all {
		if !t.NoGeometry {
			names = append(names, t.Name)
		}
	}
	return names, err
}

// AllTables lists the layers with polygons and the tables of attributes in the file
// at path, in the file's order.
func AllTables(path string) ([]TableInfo, error) {
	form, err := detect(path)
	if err != nil {
		return nil, inFile(err, path)
	}
	out, err := tablesOf(form, path)
	return out, inFile(err, path)
}

// tablesOf lists the layers of the file at path, which is of a format.
func tablesOf(form format, path string) ([]TableInfo, error) {
	switch form {
	case formatGeoPackage:
		return geoPackageTables(path)
	case formatVCT:
		return vctTables(path)
	case formatZip:
		return zipTables(path)
	case formatGDB:
		return gdbTables(path)
	case formatShapefile, formatGeoJSON, formatFlatGeobuf, formatTXT:
		return []TableInfo{{Name: baseName(path)}}, nil
	}
	return nil, notRead(form)
}

// stream adds to a format's reader what is the same for all: the end by the
// context, the place in problems, and an end that lasts.
type stream struct {
	Reader
	ctx context.Context
	end error
}

// Next implements [Reader].
func (s *stream) Next(f *Feature) error {
	if s.end != nil {
		return s.end
	}
	*f = Feature{}
	err := s.ctx.Err()
	if err == nil {
		err = s.Reader.Next(f)
	}
	if err != nil {
		*f = Feature{}
		if s.ctx.Err() != nil {
			err = s.ctx.Err()
		}
		s.end = inFile(err, s.Layer().Path)
		return s.end
	}
	f.settle(s.Layer().Path)
	return nil
}

// inFile returns err with path as the place of the problem in it. An error of
// the operating system becomes a problem; io.EOF and a cancelled context stay.
func inFile(err error, path string) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSample) {
		return err
	}
	if p := problem.Of(err); p != nil {
		return p.In(path)
	}
	return problem.New("SOURCE_READ", "读取时出错：%v", "cannot be read: %v", err).In(path).Because(err)
}

// noTable is the problem of a table that is not there; names are those that are.
func noTable(table string, names []string) *problem.Problem {
	list := strings.Join(names, ", ")
	return problem.New("SOURCE_NO_TABLE", "没有名为 %q 的图层", "no layer named %q", table).
		Advise("可选图层：%s", "layers there are: %s", list)
}

// NotPolygon is the code of the problem of a record whose geometry is no polygon.
const NotPolygon = "SOURCE_GEOMETRY_TYPE"

// notPolygon is the problem of one record whose geometry is no polygon.
func notPolygon(typ string) *problem.Problem {
	return problem.New(NotPolygon, "几何类型是 %s，不是面", "geometry is a %s, not a polygon", typ).
		Advise("先转换为 Polygon 或 MultiPolygon", "convert it to Polygon or MultiPolygon first")
}

// baseName returns the name of the file at path without folder and ending.
func baseName(path string) string {
	b := filepath.Base(path)
	return strings.TrimSuffix(b, filepath.Ext(b))
}

// readAhead returns the size of a buffer for a file of size bytes: all of a small
// file, such as an AOI, and most where a larger buffer gains nothing.
func readAhead(size int64, most int) int {
	return int(max(512, min(size+1, int64(most))))
}

// openSized opens the file at path and tells its size.
func openSized(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
