package source

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Writer writes the features of one layer to a file. The file appears under its
// name when Close has succeeded, and not before. It is used by one goroutine.
type Writer interface {
	// Write adds f; f and its memory stay the caller's. A polygon's first ring is
	// its shell; rings need not be closed. After an error only Abort makes sense.
	Write(f *Feature) error
	// Close finishes the file and puts it in place of one that was there.
	Close() error
	// Abort removes what has been written. After Close it does nothing.
	Abort() error
	// Notes tell what the format could not hold as it was; complete after Close.
	Notes() []*problem.Problem
}

// Layered is a [Writer] of a format whose files hold several layers: that of .gpkg.
type Layered interface {
	Writer
	// Next ends the layer that is being written and begins another, whose table has a
	// name of its own, in the same coordinate system.
	Next(l *Layer) error
}

// WriteOptions choose how a file is written. The zero value is usual.
type WriteOptions struct {
	// Encoding of the text of a shapefile and a VCT; "" is GBK. The others are UTF-8.
	Encoding string
	// CoordinateDecimals is how many digits GeoJSON coordinates have behind the
	// point, zeros at the end left out; 0 is 10, which for degrees is the
	// resolution that gengtu keeps, 0.01 mm.
	CoordinateDecimals int
	// CRS is the system that the coordinates are in; the zero value is the
	// layer's. Without a WKT text that of the EPSG code is taken, if it is one of
	// gengtu's systems.
	CRS CRSInfo
	// Modified is the date that a dbf and a GeoPackage carry; zero is the first
	// of January 1980. No file ever holds the time at which it was written.
	Modified time.Time
	// Shapes are what a shapefile holds.
	Shapes ShapeKind
	// Cut lets a dbf hold as much as it can of a text that is too long for it or has
	// characters that its encoding does not have, and say so in the notes; else such a
	// text is refused.
	Cut bool
	// Mark is what stands before the text of a CSV file.
	Mark TextMark
}

// ShapeKind is the kind of shapes in a shapefile.
type ShapeKind uint8

const (
	// PolygonShapes are a feature's polygons.
	PolygonShapes ShapeKind = iota
	// PointShapes are one point a feature: the first of its polygons' points.
	PointShapes
)

// TextMark is what a text file begins with.
type TextMark uint8

const (
	// NoMark is plain UTF-8.
	NoMark TextMark = iota
	// ByteOrderMark is UTF-8 behind a byte order mark, which some spreadsheet
	// programs need to recognise it.
	ByteOrderMark
)

// modifiedByDefault is the date in files for which none is given: the beginning
// of the calendar of FAT and zip, which every program can show.
var modifiedByDefault = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// wgs84WKT is EPSG:4326, which every GeoPackage has to describe.
const wgs84WKT = `GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],` +
	`PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]`

// Create begins a file at path for the features of l, in the format of path's
// ending, one that is Written in [Endings]: a .shp brings its companions, .geojsonl
// .ndjson and .jsonl have a feature a line, .csv and .xlsx attributes only. Of l the
// table's name, the fields, the coordinate system and the number of features, where
// it is known, are used, and NoGeometry, which makes a table of attributes of a .gpkg. An ending that is not known is a *problem.Problem.
func Create(path string, l *Layer, opt WriteOptions) (Writer, error) {
	if opt.CRS == (CRSInfo{}) {
		opt.CRS = l.CRS
	}
	if opt.CRS.WKT == "" {
		if opt.CRS.EPSG == 4326 {
			opt.CRS.WKT = wgs84WKT
		} else if c, err := geo.EPSG(opt.CRS.EPSG); err == nil {
			opt.CRS.WKT = c.WKT()
		}
	}
	if opt.CRS.Name == "" {
		opt.CRS.Name = wktName(opt.CRS.WKT)
	}
	if opt.CoordinateDecimals <= 0 {
		opt.CoordinateDecimals = 10
	}
	if opt.Modified.IsZero() {
		opt.Modified = modifiedByDefault
	}
	layer := *l
	if layer.Table == "" {
		layer.Table = baseName(path)
	}
	w, err := create(path, &layer, opt)
	return w, inFile(err, path)
}

// create chooses the format.
func create(path string, l *Layer, opt WriteOptions) (Writer, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".shp":
		return createShapefile(path, l, opt)
	case ".gpkg":
		return createGeoPackage(path, l, opt)
	case ".geojson", ".json":
		return createGeoJSON(path, l, opt)
	case ".geojsonl", ".ndjson", ".jsonl":
		return createGeoJSONLines(path, l, opt)
	case ".fgb":
		return createFlatGeobuf(path, l, opt)
	case ".vct":
		return createVCT(path, l, opt)
	case ".csv":
		return createCSV(path, l, opt)
	case ".xlsx":
		return createXLSX(path, l)
	default:
		return nil, problem.New("EXPORT_FORMAT", "不能写 %q 格式", "cannot write the format %q", ext).
			Advise("可写：%s", "it can write %s", strings.Join(written(), " "))
	}
}

// badValue is the problem of a value that a format cannot hold.
func badValue(field string, v any) *problem.Problem {
	return problem.New("EXPORT_VALUE", "字段 %s 的值 %v 无法写入此格式", "the format cannot hold the value %[2]v of field %[1]s", field, short([]byte(fmt.Sprint(v))))
}

// closedRings returns polygons with rings whose last point is their first, as GeoPackage,
// GeoJSON and FlatGeobuf want them. What is closed is not copied.
func closedRings(polygons [][][]geo.XY) [][][]geo.XY {
	open := func(r []geo.XY) bool { return len(r) > 0 && r[0] != r[len(r)-1] }
	if !slices.ContainsFunc(polygons, func(p [][]geo.XY) bool { return slices.ContainsFunc(p, open) }) {
		return polygons
	}
	out := make([][][]geo.XY, len(polygons))
	for i, polygon := range polygons {
		out[i] = slices.Clone(polygon)
		for k, r := range polygon {
			if open(r) {
				out[i][k] = append(slices.Clone(r), r[0])
			}
		}
	}
	return out
}

// finite tells whether v is neither infinite nor NaN.
func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }

// formatReal returns the shortest text that gives v again; plain decimals where
// they are short.
func formatReal(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if len(s) > 24 {
		s = strconv.FormatFloat(v, 'e', -1, 64)
	}
	return s
}

// stagedFile is a file under a passing name beside the one it will become.
type stagedFile struct {
	path string
	file *os.File
	out  *bufio.Writer
	size int64
	done bool
}

// stage begins a file that commit puts at path.
func stage(path string) (*stagedFile, error) {
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.part", filepath.Base(path), os.Getpid()))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o666)
	if err != nil {
		return nil, problem.New("EXPORT_CREATE", "无法创建文件：%v", "the file cannot be created: %v", errors.Unwrap(err)).In(path).Because(err).
			Advise("文件夹要先建好，且可写", "its folder has to be there, and to be writable")
	}
	return &stagedFile{path: path, file: file, out: bufio.NewWriterSize(file, 256<<10)}, nil
}

// Write implements io.Writer and counts.
func (s *stagedFile) Write(b []byte) (int, error) {
	n, err := s.out.Write(b)
	s.size += int64(n)
	return n, s.failed(err)
}

// failed makes a problem of an error of the disk.
func (s *stagedFile) failed(err error) error {
	if err == nil {
		return nil
	}
	return problem.New("EXPORT_WRITE", "写入失败：%v", "writing failed: %v", err).In(s.path).Because(err)
}

// commit makes what was written last and gives the file its name.
func (s *stagedFile) commit() error {
	err := errors.Join(s.out.Flush(), s.file.Sync())
	err = errors.Join(err, s.file.Close())
	if err == nil {
		err = os.Rename(s.file.Name(), s.path)
	}
	if err == nil {
		s.done = true
	}
	return s.failed(err)
}

// abort removes the file unless it was committed.
func (s *stagedFile) abort() error {
	if s == nil || s.done {
		return nil
	}
	s.done = true
	if err := s.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return s.failed(err)
	}
	return s.failed(os.Remove(s.file.Name()))
}

// extent is the box around everything written.
type extent struct{ minX, minY, maxX, maxY float64 }

// emptyExtent returns the extent of nothing.
func emptyExtent() extent {
	return extent{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
}

// extentOf returns the extent of polygons.
func extentOf(polygons [][][]geo.XY) extent {
	e := emptyExtent()
	for _, polygon := range polygons {
		for _, ring := range polygon {
			for _, p := range ring {
				e.minX, e.minY = min(e.minX, p.X), min(e.minY, p.Y)
				e.maxX, e.maxY = max(e.maxX, p.X), max(e.maxY, p.Y)
			}
		}
	}
	return e
}

// union returns the extent of e and f.
func (e extent) union(f extent) extent {
	return extent{min(e.minX, f.minX), min(e.minY, f.minY), max(e.maxX, f.maxX), max(e.maxY, f.maxY)}
}

// empty tells whether e is the extent of nothing.
func (e extent) empty() bool { return e.minX > e.maxX }
