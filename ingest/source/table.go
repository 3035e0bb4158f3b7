package source

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gengtu/index/problem"
)

// OpenTable opens the records of a layer whose geometry does not matter: a .dbf without
// its .shp, a CSV whose first line names the fields, or whatever [Open] reads. Values of
// a CSV are text. Errors are those of Open.
func OpenTable(ctx context.Context, path string, opt Options) (Reader, error) {
	var r Reader
	var err error
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case ext == ".dbf" && companion(path, ".shp") == "":
		r, err = openDBFTable(path, opt)
	case ext == ".csv":
		r, err = openCSV(path, opt)
	default:
		return Open(ctx, path, opt)
	}
	if err != nil {
		return nil, inFile(err, path)
	}
	l := r.Layer()
	l.Path, l.Table, l.NoGeometry = path, baseName(path), true
	return &stream{Reader: r, ctx: ctx}, nil
}

// dbfRows reads a .dbf that stands alone.
type dbfRows struct {
	layer  Layer
	table  *dbfTable
	record int64
	arena  arena
}

func openDBFTable(path string, opt Options) (*dbfRows, error) {
	table, err := openDBF(path)
	if err != nil {
		return nil, err
	}
	r := &dbfRows{table: table, layer: Layer{Count: table.count}}
	cpg, err := readSmall(companion(path, ".cpg"))
	if err != nil {
		return nil, errors.Join(err, table.close())
	}
	text, note, err := table.chooseCharset(opt.Encoding, strings.TrimSpace(cpg))
	if err != nil {
		return nil, errors.Join(err, table.close())
	}
	if note != nil {
		r.layer.Notes = append(r.layer.Notes, note)
	}
	r.layer.Encoding, r.layer.Fields = text.name, table.useCharset(text)
	return r, nil
}

// Layer implements [Reader].
func (r *dbfRows) Layer() *Layer { return &r.layer }

// Next implements [Reader].
func (r *dbfRows) Next(f *Feature) error {
	for r.record < r.table.count {
		r.record++
		values := r.arena.row(len(r.table.columns))
		deleted, err := r.table.next(r.record, values)
		if err != nil {
			return err
		}
		if deleted {
			continue
		}
		f.Record, f.Values = r.record, values
		return nil
	}
	r.layer.Notes = append(r.layer.Notes, r.table.notes()...)
	return io.EOF
}

// Close implements [Reader].
func (r *dbfRows) Close() error { return r.table.close() }

// maxCSV is the largest CSV that is read, in bytes.
const maxCSV = 512 << 20

// openCSV opens a CSV in the encoding that opt names, or UTF-8 or GB18030, with commas,
// semicolons or tabs between values.
func openCSV(path string, opt Options) (*csvTable, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, cannotOpen(err)
	}
	if size > maxCSV {
		return nil, errors.Join(problem.New("CSV_SIZE", "文件有 %d 字节，上限 %d", "it has %d bytes, the limit is %d", size, maxCSV).
			Advise("请改用 .dbf 或 .gpkg", "give it as .dbf or .gpkg"), file.Close())
	}
	b, err := io.ReadAll(io.LimitReader(file, maxCSV))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	text, err := DecodeText(b, opt.Encoding)
	if err != nil {
		return nil, err
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	first, _, _ := strings.Cut(text, "\n")
	in := csv.NewReader(strings.NewReader(text))
	for _, separator := range "\t;" {
		if strings.ContainsRune(first, separator) && !strings.Contains(first, ",") {
			in.Comma = separator
		}
	}
	if line := tooWide(text, byte(in.Comma)); line > 0 {
		return nil, problem.New("CSV_FIELDS", "第 %d 行起的一行超过 %d 列", "the row that begins at line %d has more than %d columns", line, maxProperties).
			Advise("请核对分隔符与引号", "look at separators and quotation marks")
	}
	names, err := in.Read()
	if err != nil {
		return nil, badCSV(err)
	}
	r := &csvTable{csvRows{in: in, layer: Layer{Count: -1}}}
	for _, n := range names {
		r.layer.Fields = append(r.layer.Fields, Field{Name: strings.TrimSpace(n)})
	}
	return r, nil
}

// tooWide returns the line at which the first row of a CSV begins that has more columns than
// a layer may have fields, or 0. The reader would take each comma for a value of its own
// before it counts them.
func tooWide(text string, comma byte) int {
	line, begin, columns, quoted := 1, 1, 1, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\n':
			line++
			if !quoted {
				begin, columns = line, 1
			}
		case c == comma && !quoted:
			if columns++; columns > maxProperties {
				return begin
			}
		}
	}
	return 0
}

func badCSV(err error) error {
	return problem.New("CSV_READ", "读不出来（%v）", "it cannot be read (%v)", err).Because(err).
		Advise("第一行写字段名；各行列数要一样，引号要成对", "the first line names the fields; rows need as many values, and quotation marks come in pairs")
}

// csvTable is a CSV in a file.
type csvTable struct{ csvRows }

// Next implements [Reader].
func (r *csvTable) Next(f *Feature) error {
	err := r.csvRows.Next(f)
	if err != nil && !errors.Is(err, io.EOF) {
		return badCSV(err)
	}
	return err
}

// Close implements [Reader].
func (r *csvTable) Close() error { return nil }

// IsTable tells whether path is a file that only [OpenTable] reads.
func IsTable(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return true
	case ".dbf":
		_, err := os.Stat(path)
		return err == nil && companion(path, ".shp") == ""
	}
	return false
}
