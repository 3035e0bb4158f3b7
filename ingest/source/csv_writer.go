package source

import (
	"encoding/csv"
	"errors"
	"strconv"

	"gengtu/index/problem"
)

// csvWriter writes the attributes as comma-separated values (RFC 4180), UTF-8,
// lines ended by CR LF. null and the empty text are both empty.
type csvWriter struct {
	file  *stagedFile
	out   *csv.Writer
	layer *Layer
	row   []string
}

// createCSV begins a table at path with a line of the fields' names.
func createCSV(path string, l *Layer, opt WriteOptions) (*csvWriter, error) {
	file, err := stage(path)
	if err != nil {
		return nil, err
	}
	w := &csvWriter{file: file, layer: l, row: make([]string, len(l.Fields))}
	if opt.Mark == ByteOrderMark {
		_, err = file.Write(utf8BOM)
	}
	w.out = csv.NewWriter(file)
	w.out.UseCRLF = true
	for i, f := range l.Fields {
		w.row[i] = f.Name
	}
	if err = errors.Join(err, w.out.Write(w.row)); err != nil {
		return nil, errors.Join(err, file.abort())
	}
	return w, nil
}

// Write implements [Writer].
func (w *csvWriter) Write(f *Feature) error {
	for i := range w.row {
		w.row[i] = ""
		if i < len(f.Values) {
			w.row[i] = valueText(f.Values[i])
		}
	}
	return w.out.Write(w.row)
}

// valueText returns v as text; "" for nil.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return formatReal(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Close implements [Writer].
func (w *csvWriter) Close() error {
	w.out.Flush()
	if err := w.out.Error(); err != nil {
		return err
	}
	return w.file.commit()
}

// Abort implements [Writer].
func (w *csvWriter) Abort() error { return w.file.abort() }

// Notes implements [Writer].
func (w *csvWriter) Notes() []*problem.Problem { return nil }
