package forms

import (
	"bufio"
	"context"
	"strconv"

	"gengtu/index/analyze"
)

// writeGeoJSON writes a layer of shapes: a feature for each row of its table, in the
// order of the rows, whose id is the row's number from 1 and whose properties are its
// fields; a row without a shape has null. What the answer is stands in the member answer.
// Positions are CGCS2000, which for what GeoJSON is for is WGS 84.
func writeGeoJSON(ctx context.Context, w *bufio.Writer, r *analyze.Result, s *analyze.Shapes) error {
	fields, err := Fields(s.Table)
	if err != nil {
		return err
	}
	keys, err := memberNames(fields)
	if err != nil {
		return err
	}
	if _, err := w.WriteString(`{"type":"FeatureCollection"`); err != nil {
		return err
	}
	if err := member(w, "name", s.Name); err != nil {
		return err
	}
	if err := member(w, "title", s.Title); err != nil {
		return err
	}
	if err := member(w, "answer", headOf(r)); err != nil {
		return err
	}
	if _, err := w.WriteString(",\n\"features\":["); err != nil {
		return err
	}
	var line []byte
	for i, row := range s.Table.Rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := s.Geometry(ctx, i)
		if err != nil {
			return err
		}
		if err := separate(w, i); err != nil {
			return err
		}
		line = strconv.AppendInt(append(line[:0], `{"type":"Feature","id":`...), int64(i+1), 10)
		line = appendGeometry(append(line, `,"geometry":`...), m)
		if line, err = appendRow(append(line, `,"properties":`...), fields, keys, row); err != nil {
			return err
		}
		if _, err := w.Write(append(line, '}')); err != nil {
			return err
		}
	}
	_, err = w.WriteString("]}\n")
	return err
}
