package source

import (
	"errors"
	"strconv"
	"strings"

	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// xlsxWriter writes the attributes as a workbook of one sheet. Text fields, which
// hold the codes, are text; numbers are numbers to their last digit. A whole
// number beyond [xlsxMaxWhole] is text: a spreadsheet would round it.
type xlsxWriter struct {
	file  *stagedFile
	book  *sheet.Book
	layer *Layer
	text  []bool // the columns that are text whatever their kind
}

// xlsxMaxWhole is the largest number of 15 digits, which is what Excel keeps of a
// number.
const xlsxMaxWhole = 1e15 - 1

// createXLSX begins a table at path with a row of the fields' names.
func createXLSX(path string, l *Layer) (*xlsxWriter, error) {
	if l.Count > sheet.MaxRows-1 {
		return nil, tooManyRows(l.Count)
	}
	if len(l.Fields) > sheet.MaxColumns {
		return nil, problem.New("EXPORT_LIMIT", "有 %d 个字段，一张表最多 %d 列", "there are %d fields, a sheet has at most %d columns", len(l.Fields), sheet.MaxColumns).
			Advise("改用 csv、gpkg 或 fgb", "write csv, gpkg or fgb")
	}
	file, err := stage(path)
	if err != nil {
		return nil, err
	}
	w := &xlsxWriter{file: file, layer: l, text: make([]bool, len(l.Fields))}
	names, widths := make([]string, len(l.Fields)), make([]float64, len(l.Fields))
	for i, f := range l.Fields {
		names[i], widths[i] = f.Name, xlsxWidth(f)
		// Ids have up to 16 digits: a column of them is one kind of cell.
		w.text[i] = f.Name == idField
	}
	if w.book, err = sheet.Create(file, sheetName(l.Table)); err == nil {
		w.book.Head(names, widths)
		err = w.book.Err()
	}
	if err != nil {
		return nil, errors.Join(err, file.abort())
	}
	return w, nil
}

// idField is what an export calls the feature's id.
const idField = "gengtu_id"

// xlsxWidth is how wide a column is, in characters.
func xlsxWidth(f Field) float64 {
	const least, most, number = 10, 40, 16
	wide := number
	if f.Kind == Text && f.Width > 0 {
		wide = f.Width
	}
	return float64(min(max(wide, len(f.Name)+2, least), most))
}

// sheetName is table as a sheet may be called: at most 31 characters and none of
// []:*?/\, nor an apostrophe.
func sheetName(table string) string {
	name := []rune(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return '_'
		}
		return r
	}, table))
	if len(name) == 0 {
		return "Sheet1"
	}
	return string(name[:min(len(name), sheet.MaxNameLen)])
}

func tooManyRows(n int64) *problem.Problem {
	return problem.New("EXPORT_LIMIT", "有 %d 个要素，一张表最多 %d 行，第一行是字段名", "there are %d features, a sheet has at most %d rows, the first of them names", n, sheet.MaxRows).
		Advise("改用 csv、gpkg 或 fgb", "write csv, gpkg or fgb")
}

// Write implements [Writer].
func (w *xlsxWriter) Write(f *Feature) error {
	for i, field := range w.layer.Fields {
		if err := w.cell(i, field.Name, valueAt(f, i)); err != nil {
			return err
		}
	}
	w.book.End()
	return w.failed()
}

func (w *xlsxWriter) cell(i int, name string, v any) error {
	switch v := v.(type) {
	case string:
		w.book.Text(v)
	case int64:
		if w.text[i] || v > xlsxMaxWhole || v < -xlsxMaxWhole {
			w.book.Text(strconv.FormatInt(v, 10))
			return nil
		}
		w.book.Number(float64(v), sheet.General)
	case float64:
		if !finite(v) {
			return badValue(name, v)
		}
		w.book.Number(v, sheet.General)
	case bool:
		w.book.Bool(v)
	default:
		w.book.Skip(1)
	}
	return nil
}

// failed tells of what went wrong in the sheet.
func (w *xlsxWriter) failed() error {
	err := w.book.Err()
	if errors.Is(err, sheet.ErrRows) {
		return tooManyRows(sheet.MaxRows).Because(err)
	}
	return err
}

// Close implements [Writer].
func (w *xlsxWriter) Close() error {
	if err := w.book.Close(); err != nil {
		return err
	}
	return w.file.commit()
}

// Abort implements [Writer].
func (w *xlsxWriter) Abort() error { return w.file.abort() }

// Notes implements [Writer].
func (w *xlsxWriter) Notes() []*problem.Problem {
	n := w.book.Altered()
	if n == 0 {
		return nil
	}
	return []*problem.Problem{problem.New("EXPORT_TEXT", "%d 处文字单元格放不下或有不能写的字符，已截断或替换", "%d texts are too long for a cell or have characters that it cannot hold; they were cut or replaced", n).
		Advise("要全文请改用 csv、gpkg 或 fgb", "for the whole texts write csv, gpkg or fgb")}
}
