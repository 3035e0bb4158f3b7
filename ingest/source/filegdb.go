package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gengtu/index/problem"
)

// fileGDB reads one feature class of a File Geodatabase through GDAL's ogr2ogr, which
// writes it as FlatGeobuf into a pipe, or as CSV when it is a table without geometry;
// nothing is stored on the way.
type fileGDB struct {
	piped
	child *child
	want  int64 // records, by ogrinfo; -1 when it does not say
	given int64
}

// piped reads what comes out of a pipe.
type piped interface {
	Layer() *Layer
	Next(f *Feature) error
}

// child is a program of GDAL's at work.
type child struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	said   lastWords
	once   sync.Once
	err    error
}

// lastWords keeps the end of what a program says.
type lastWords struct{ text []byte }

// Write implements io.Writer.
func (w *lastWords) Write(b []byte) (int, error) {
	const most = 4 << 10
	w.text = append(w.text, b...)
	if n := len(w.text); n > most {
		w.text = append(w.text[:0], w.text[n-most:]...)
	}
	return len(b), nil
}

// String returns it on one line.
func (w *lastWords) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(w.text), "\uFFFD")), " ")
}

// IsGeodatabase tells whether the folder at path is a File Geodatabase.
func IsGeodatabase(path string) bool {
	if strings.EqualFold(filepath.Ext(path), ".gdb") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "a00000001.gdbtable"))
	return err == nil
}

// noGDAL is the problem of a computer without GDAL.
func noGDAL(tool, path string) *problem.Problem {
	out := strings.TrimSuffix(filepath.Base(filepath.Clean(path)), filepath.Ext(path)) + ".gpkg"
	return problem.New("GDB_TOOL", "读 File Geodatabase 要用 GDAL 的 %s，这台机器上没有", "a File Geodatabase is read by GDAL's %s, which this machine does not have", tool).
		Advise("安装 GDAL；或在有 GDAL 的机器上运行 ogr2ogr -f GPKG %[1]q %[2]q，再交 %[1]s", "install GDAL; or run, where it is, ogr2ogr -f GPKG %[1]q %[2]q and give %[1]s", out, path)
}

// startGDAL starts a program of GDAL's, whose output is out. It is killed when ctx ends.
func startGDAL(ctx context.Context, path, tool string, args ...string) (*child, io.Reader, error) {
	program, err := exec.LookPath(tool)
	if err != nil {
		return nil, nil, noGDAL(tool, path)
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &child{cancel: cancel, cmd: exec.CommandContext(ctx, program, args...)} //nolint:gosec // the arguments are ours and an absolute path
	c.cmd.Env = append(os.Environ(), "CPL_DEBUG=OFF", "LC_ALL=C.UTF-8")
	c.cmd.Stderr = &c.said
	c.cmd.WaitDelay = 5 * time.Second
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return c, out, nil
}

// end waits for the program, whose output has been read to its end, and tells what
// it died of.
func (c *child) end() error {
	c.once.Do(func() {
		err := c.cmd.Wait()
		c.cancel()
		if err != nil {
			c.err = problem.New("GDB_READ", "%s 没有读完（%v）：%s", "%s did not finish (%v): %s", filepath.Base(c.cmd.Path), err, c.said.String()).Because(err).
				Advise("数据库可能损坏或版本不支持：请用原软件另存，或转成 .gpkg", "the database may be damaged or of a version that GDAL does not read: have it saved anew, or as .gpkg")
		}
	})
	return c.err
}

// stop ends the program before it is done. What it died of is no news then.
func (c *child) stop() {
	c.cancel()
	_ = c.end() // it was killed
}

// askOGRInfo returns what ogrinfo says of the File Geodatabase at path.
func askOGRInfo(ctx context.Context, path string, more ...string) ([]byte, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	const patience = 5 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, out, err := startGDAL(ctx, path, "ogrinfo", append([]string{"-ro", "-so", whole}, more...)...)
	if err != nil {
		return nil, err
	}
	const most = 16 << 20 // a database has some hundred layers
	text, err := io.ReadAll(io.LimitReader(out, most))
	if err != nil || len(text) == most {
		c.stop()
		return nil, errors.Join(err, problem.New("GDB_READ", "ogrinfo 的输出超过 %d 字节", "ogrinfo says more than %d bytes", most).
			Advise("请转成 .gpkg 再交", "convert it to .gpkg"))
	}
	return text, c.end()
}

// gdbTables lists the feature classes and tables of the File Geodatabase at path.
func gdbTables(path string) ([]TableInfo, error) {
	text, err := askOGRInfo(context.Background(), path)
	return parseLayerList(text), err
}

// parseLayerList reads the lines of ogrinfo that name layers:
//
//	Layer: DLTB (Multi Polygon)
//	1: DLTB (Multi Polygon)
//
// Layers of points and lines are none of ours.
func parseLayerList(text []byte) []TableInfo {
	var out []TableInfo
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		head, name, ok := strings.Cut(strings.TrimSpace(string(line)), ": ")
		if !ok || head != "Layer" && !allDigits([]byte(head)) || head == "" {
			continue
		}
		kind := ""
		if i := strings.LastIndex(name, " ("); i >= 0 && strings.HasSuffix(name, ")") {
			name, kind = name[:i], strings.ToLower(name[i+2:len(name)-1])
		}
		switch {
		case name == "" || name[0] == '-' || strings.ContainsRune(name, '\uFFFD'):
		case kind == "none":
			out = append(out, TableInfo{Name: name, NoGeometry: true})
		case !strings.Contains(kind, "point") && !strings.Contains(kind, "line") && !strings.Contains(kind, "curve ") && kind != "curve":
			out = append(out, TableInfo{Name: name})
		}
	}
	return out
}

// openGDB opens the feature class opt.Table, or the only one with polygons.
func openGDB(ctx context.Context, path string, opt Options) (*fileGDB, error) {
	text, err := askOGRInfo(ctx, path)
	if err != nil {
		return nil, err
	}
	table, err := chooseGDB(parseLayerList(text), opt.Table, path)
	if err != nil {
		return nil, err
	}
	text, err = askOGRInfo(ctx, path, table.Name)
	if err != nil {
		return nil, err
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	r := &fileGDB{want: featureCount(text)}
	if err := r.start(ctx, path, whole, table); err != nil {
		return nil, err
	}
	l := r.Layer()
	l.Table, l.NoGeometry, l.Count = table.Name, table.NoGeometry, r.want
	return r, nil
}

// start starts ogr2ogr and reads the head of what it writes.
func (r *fileGDB) start(ctx context.Context, path, whole string, table TableInfo) error {
	// GDAL writes FlatGeobuf to the standard output when the name ends like this.
	args, read := []string{"-f", "FlatGeobuf", "-lco", "SPATIAL_INDEX=NO", "-dim", "XY", "-nlt", "CONVERT_TO_LINEAR", "/vsistdout/layer.fgb"}, pipedFlatGeobuf
	if table.NoGeometry {
		args, read = []string{"-f", "CSV", "/vsistdout/"}, pipedCSV
	}
	c, out, err := startGDAL(ctx, path, "ogr2ogr", append(args, whole, table.Name)...)
	if err != nil {
		return err
	}
	r.child = c
	if r.piped, err = read(out); err == nil {
		return nil
	}
	c.cancel()
	died := c.end()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case died != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return died
	}
	return problem.New("GDB_READ", "ogr2ogr 的输出无法读取：%v", "what ogr2ogr writes cannot be read: %v", err).Because(fmt.Errorf("ogr2ogr: %v", err)) //nolint:errorlint // an end of file is none of ours
}

// chooseGDB returns the layer with that name, or the only one with polygons.
func chooseGDB(tables []TableInfo, name, path string) (TableInfo, error) {
	var polygons []string
	var only TableInfo
	for _, t := range tables {
		if name != "" && strings.EqualFold(t.Name, name) {
			return t, nil
		}
		if !t.NoGeometry {
			polygons, only = append(polygons, t.Name), t
		}
	}
	switch {
	case name != "":
		return only, noTable(name, polygons)
	case len(polygons) == 0:
		return only, problem.New("GDB_NO_LAYER", "没有面图层", "it has no layer of polygons").
			Advise("请交含面图层的数据库", "give a database that has one")
	case len(polygons) > 1:
		return only, problem.New("GDB_MANY_LAYERS", "有 %d 个面图层：%.500s", "it has %d layers of polygons: %.500s", len(polygons), strings.Join(polygons, ", ")).
			Advise("用 %[1]s#%[2]s 选一个", "choose one, as %[1]s#%[2]s", filepath.Base(path), polygons[0])
	}
	return only, nil
}

// featureCount reads the line "Feature Count: n" of ogrinfo; -1 when it is missing.
func featureCount(text []byte) int64 {
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		if rest, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("Feature Count: ")); ok {
			if n, ok := parseInteger(bytes.TrimSpace(rest)); ok && n >= 0 {
				return n
			}
		}
	}
	return -1
}

// Next implements [Reader].
func (r *fileGDB) Next(f *Feature) error {
	err := r.piped.Next(f)
	if err == nil {
		r.given++
		return nil
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.child.stop() // it waits for what it writes to be read
		return err
	}
	if died := r.child.end(); died != nil {
		return died
	}
	if errors.Is(err, io.EOF) && r.want >= 0 && r.given != r.want {
		return problem.New("GDB_COUNT", "ogrinfo 说有 %d 条记录，ogr2ogr 只给了 %d 条", "ogrinfo says %d records, ogr2ogr gave %d", r.want, r.given).
			Advise("数据库可能损坏，请用原软件修复后重新输出", "the database may be damaged: have it repaired and written again")
	}
	return err
}

// Close implements [Reader].
func (r *fileGDB) Close() error {
	r.child.stop()
	return nil
}

// pipedFlatGeobuf reads a FlatGeobuf that ends where in ends.
func pipedFlatGeobuf(in io.Reader) (piped, error) {
	r := &flatGeobuf{in: bufio.NewReaderSize(in, fgbReadAhead), left: fgbPiped, piped: true}
	r.layer = Layer{Encoding: charsetUTF8.name, Count: -1}
	return r, r.open()
}

// csvRows reads the records of a table as text.
type csvRows struct {
	layer  Layer
	in     *csv.Reader
	record int64
}

// pipedCSV reads a CSV whose first line names the fields.
func pipedCSV(in io.Reader) (piped, error) {
	r := &csvRows{in: csv.NewReader(bufio.NewReaderSize(in, fgbReadAhead)), layer: Layer{Encoding: charsetUTF8.name, Count: -1}}
	names, err := r.in.Read()
	for _, n := range names {
		r.layer.Fields = append(r.layer.Fields, Field{Name: n})
	}
	return r, err
}

// Layer implements [Reader].
func (r *csvRows) Layer() *Layer { return &r.layer }

// Next implements [Reader].
func (r *csvRows) Next(f *Feature) error {
	row, err := r.in.Read()
	if err != nil {
		return err
	}
	r.record++
	f.Record, f.Values = r.record, make([]any, len(row))
	for i, v := range row {
		f.Values[i] = textOrNil(v)
	}
	return nil
}
