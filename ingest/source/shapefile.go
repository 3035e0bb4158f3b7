package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Shape types of the ESRI Shapefile Technical Description (1998).
const (
	shpNull     = 0
	shpPoint    = 1
	shpLine     = 3
	shpPolygon  = 5
	shpLineZ    = 13
	shpPolygonZ = 15
	shpLineM    = 23
	shpPolygonM = 25
)

// shpTaken are the types of the shapes that a reader takes.
var shpTaken = map[Shapes][]uint32{Polygons: {shpPolygon, shpPolygonZ, shpPolygonM}, Lines: {shpLine, shpLineZ, shpLineM}}

// shpTypes names the shape types in messages.
var shpTypes = map[uint32]string{
	shpNull: "Null", shpPoint: "Point", shpLine: "PolyLine", shpPolygon: "Polygon", 8: "MultiPoint",
	11: "PointZ", shpLineZ: "PolyLineZ", shpPolygonZ: "PolygonZ", 18: "MultiPointZ",
	21: "PointM", shpLineM: "PolyLineM", shpPolygonM: "PolygonM", 28: "MultiPointM", 31: "MultiPatch",
}

// shpHeader is the size of the header of .shp and .shx.
const shpHeader = 100

// shpReadAhead is the buffer of a .shp; a few thousand parcels.
const shpReadAhead = 1 << 20

// shapefile reads a .shp with its .dbf. Only two programs' habits need the .shx:
// records that were rewritten at the end of the file leave their old bytes
// behind, and the .shx alone tells which are valid.
type shapefile struct {
	layer   Layer
	shp     *os.File
	in      *bufio.Reader
	pos     int64
	offsets []int64 // of the records when they are not in a row
	end     int64   // where the records end
	record  int64
	table   *dbfTable
	buf     []byte
	shape   shape
	arena   arena
	shapes  Shapes
}

// openShapefile opens the shapefile whose .shp is at path.
func openShapefile(ctx context.Context, path string, opt Options) (*shapefile, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	r := &shapefile{shp: file, layer: Layer{Table: baseName(path), RingOrder: ShellsClockwise}, shapes: opt.Shapes}
	if err := r.open(ctx, path, size, opt); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open reads the headers of all companions.
func (r *shapefile) open(ctx context.Context, path string, size int64, opt Options) error {
	if err := r.readHeader(size); err != nil {
		return err
	}
	dbf := companion(path, ".dbf")
	if dbf == "" {
		return problem.New("SHP_NO_DBF", "缺少同名的 .dbf 属性表", "its attribute table, the .dbf of the same name, is missing").
			Advise("请把 .dbf 放在 .shp 旁边", "put the .dbf beside the .shp")
	}
	table, err := openDBF(dbf)
	if err != nil {
		return inFile(err, dbf)
	}
	r.table = table
	cpg, err := readSmall(companion(path, ".cpg"))
	if err != nil {
		return err
	}
	text, note, err := table.chooseCharset(opt.Encoding, strings.TrimSpace(cpg))
	if err != nil {
		return inFile(err, dbf)
	}
	r.note(note)
	r.layer.Encoding = text.name
	r.layer.Fields = table.useCharset(text)
	r.layer.Count = table.count
	if r.layer.CRS.WKT, err = readSmall(companion(path, ".prj")); err != nil {
		return err
	}
	r.layer.CRS.Name = wktName(r.layer.CRS.WKT)
	if err := r.layOut(ctx, companion(path, ".shx")); err != nil {
		return err
	}
	return r.seek(shpHeader)
}

// note adds p, if there is one, to the layer's notes.
func (r *shapefile) note(p *problem.Problem) {
	if p != nil {
		r.layer.Notes = append(r.layer.Notes, p)
	}
}

// readHeader checks the .shp's header against its size.
func (r *shapefile) readHeader(size int64) error {
	var h [shpHeader]byte
	if n, err := r.shp.ReadAt(h[:], 0); err != nil {
		return truncatedSHP(int64(n), shpHeader)
	}
	stated := 2 * int64(binary.BigEndian.Uint32(h[24:]))
	if version := binary.LittleEndian.Uint32(h[28:]); version != 1000 {
		return problem.New("SHP_HEADER", "文件头版本是 %d，应为 1000", "its header says version %d, not 1000", version)
	}
	if stated > size {
		return truncatedSHP(size, stated)
	}
	r.end = stated
	if stated < size {
		r.note(problem.New("SHP_TRAILING", "文件头说 %d 字节，实有 %d 字节，多出的不读",
			"its header says %d bytes, there are %d; the rest is not read", stated, size))
	}
	switch typ := binary.LittleEndian.Uint32(h[32:]); {
	case typ == shpNull || slices.Contains(shpTaken[r.shapes], typ):
		return nil
	case r.shapes == Lines:
		return problem.New("SHP_TYPE", "图形类型是 %[1]s（%[2]d），不是线", "its shapes are %[1]s (%[2]d), not lines", shpTypeName(typ), typ).
			Advise("界线图层只接受线（3、13、23）", "a layer of boundary lines has lines (3, 13, 23)")
	default:
		return problem.New("SHP_TYPE", "图形类型是 %[1]s（%[2]d），不是面", "its shapes are %[1]s (%[2]d), not polygons", shpTypeName(typ), typ).
			Advise("只接受面（5、15、25）", "only polygons (5, 15, 25) are taken")
	}
}

// shpTypeName returns the name of a shape type.
func shpTypeName(typ uint32) string {
	if name, ok := shpTypes[typ]; ok {
		return name
	}
	return "unknown"
}

// truncatedSHP is the problem of a .shp with size bytes where need are stated.
func truncatedSHP(size, need int64) *problem.Problem {
	return problem.New("SHP_TRUNCATED", "文件被截断：应有 %[2]d 字节，只有 %[1]d", "truncated: %[2]d bytes are stated, there are %[1]d", size, need).
		Advise("请重新取得该文件", "get the file again")
}

// seek sets the reader to offset, cheaply when it is there already.
func (r *shapefile) seek(offset int64) error {
	if r.in != nil && r.pos == offset {
		return nil
	}
	if _, err := r.shp.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	if r.in == nil {
		r.in = bufio.NewReaderSize(r.shp, readAhead(r.end, shpReadAhead))
	}
	r.in.Reset(r.shp)
	r.pos = offset
	return nil
}

// Layer implements [Reader].
func (r *shapefile) Layer() *Layer { return &r.layer }

// Next implements [Reader].
func (r *shapefile) Next(f *Feature) error {
	for r.record < r.layer.Count {
		r.record++
		values := r.arena.row(len(r.table.columns))
		deleted, err := r.table.next(r.record, values)
		if err != nil {
			return err
		}
		content, err := r.content()
		if err != nil {
			return err
		}
		if deleted {
			continue
		}
		f.Record, f.Values = r.record, values
		f.Polygons, f.Problem = r.polygons(content)
		return nil
	}
	if r.table != nil && r.layer.Count == r.record {
		r.layer.Notes = append(r.layer.Notes, r.table.notes()...)
	}
	return io.EOF
}

// content reads the next record's bytes without its header; they are valid
// until the next call.
func (r *shapefile) content() ([]byte, error) {
	if r.offsets != nil {
		if err := r.seek(r.offsets[r.record-1]); err != nil {
			return nil, err
		}
	}
	var h [8]byte
	if r.pos+8 > r.end {
		return nil, truncatedSHP(r.end, r.pos+8)
	}
	if _, err := io.ReadFull(r.in, h[:]); err != nil {
		return nil, err
	}
	n := 2 * int64(binary.BigEndian.Uint32(h[4:]))
	if n < 4 || r.pos+8+n > r.end {
		return nil, problem.New("SHP_RECORD", "记录长 %d 字节，超出文件范围（位置 %d）",
			"a record of %d bytes does not fit into the file (at byte %d)", n, r.pos).At(r.record, "").
			Advise("文件可能损坏，请重新取得", "it may be damaged; get it again")
	}
	if int64(cap(r.buf)) < n {
		r.buf = make([]byte, n+n/2)
	}
	b := r.buf[:n]
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, err
	}
	r.pos += 8 + n
	return b, nil
}

// polygons parses one record: type, box, counts, the start of each part, the
// points. Z and M stand behind and are not read.
func (r *shapefile) polygons(b []byte) ([][][]geo.XY, *problem.Problem) {
	bad := func(zh, en string, args ...any) *problem.Problem {
		return problem.New("SHP_SHAPE", zh, en, args...)
	}
	switch typ := binary.LittleEndian.Uint32(b); {
	case typ == shpNull:
		return nil, nil
	case !slices.Contains(shpTaken[r.shapes], typ):
		return nil, notPolygon(shpTypeName(typ))
	}
	if len(b) < 44 {
		return nil, bad("面记录只有 %d 字节", "a polygon of %d bytes", len(b))
	}
	parts, points := int64(binary.LittleEndian.Uint32(b[36:])), int64(binary.LittleEndian.Uint32(b[40:]))
	if 44+4*parts+16*points > int64(len(b)) {
		return nil, bad("记录 %[3]d 字节放不下 %[1]d 个环、%[2]d 个点", "%[1]d parts and %[2]d points do not fit into %[3]d bytes", parts, points, len(b))
	}
	if parts == 0 || points == 0 {
		return nil, nil
	}
	xy := b[44+4*parts:]
	r.shape.reset()
	for part := range parts {
		start, end := int64(binary.LittleEndian.Uint32(b[44+4*part:])), points
		if part+1 < parts {
			end = int64(binary.LittleEndian.Uint32(b[48+4*part:]))
		}
		if start > end || end > points || (part == 0 && start != 0) {
			return nil, bad("第 %d 个环的范围 %d–%d 不成立（共 %d 点）", "part %d from %d to %d makes no sense with %d points", part+1, start, end, points)
		}
		for i := start; i < end; i++ {
			r.shape.points = append(r.shape.points, geo.XY{
				X: math.Float64frombits(binary.LittleEndian.Uint64(xy[16*i:])),
				Y: math.Float64frombits(binary.LittleEndian.Uint64(xy[16*i+8:])),
			})
		}
		r.shape.endRing()
	}
	if r.shapes == Lines {
		r.shape.endPolygon()
		return r.arena.copyShape(&r.shape)
	}
	return r.arena.groupShape(&r.shape)
}

// Close implements [Reader].
func (r *shapefile) Close() error {
	err := r.shp.Close()
	if r.table != nil {
		err = errors.Join(err, r.table.close())
	}
	return err
}

// companion returns the path of the file beside path with the ending ext in any
// case, or "" when there is none.
func companion(path, ext string) string {
	base := strings.TrimSuffix(path, filepath.Ext(path))
	for _, e := range []string{ext, strings.ToUpper(ext)} {
		if _, err := os.Stat(base + e); err == nil {
			return base + e
		}
	}
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "" // A folder that cannot be listed may still hold readable files.
	}
	for _, entry := range entries {
		if strings.EqualFold(entry.Name(), filepath.Base(base)+ext) {
			return filepath.Join(dir, entry.Name())
		}
	}
	return ""
}

// readSmall returns the text of a .cpg or .prj; "" for the path "". 64 KiB are
// ten times the longest coordinate system.
func readSmall(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", inFile(cannotOpen(err), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", inFile(err, path)
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimRight(b, "\x00"), utf8BOM))
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

// wktName returns the name in a WKT coordinate system, its first quoted text.
func wktName(wkt string) string {
	_, rest, _ := strings.Cut(wkt, `"`)
	name, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return ""
	}
	return name
}
