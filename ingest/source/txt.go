package source

import (
	"errors"
	"io"
	"strconv"

	"gengtu/index/problem"
	"gengtu/index/txt"
)

// boundaryTXT reads the surveyor's TXT of boundary points (报盘格式), which is
// parsed as a whole: some 40 bytes of text a point.
type boundaryTXT struct {
	layer  Layer
	file   *txt.File
	record int64
}

// maxTXT is the largest TXT that is read: some ten million points.
const maxTXT = 512 << 20

// The fields of a TXT, under the names that the survey gives such fields; the area
// is in m², which the format states in hectares.
var (
	txtFields = []Field{
		{Name: "DKBH"}, {Name: "DKMC"}, {Name: "MJ", Kind: Real}, {Name: "TFH"}, {Name: "YT"}, {Name: "DLBM"},
	}
	txtSupplementFields = []Field{{Name: "SSND"}, {Name: "GDPDJB"}, {Name: "BZ"}, {Name: "ZLDJ"}}
)

// openTXT reads the file at path.
func openTXT(path string, opt Options) (*boundaryTXT, error) {
	file, size, err := openSized(path)
	if err != nil {
		return nil, err
	}
	if size > maxTXT {
		return nil, errors.Join(problem.New("TXT_SIZE", "文件有 %d 字节，最多读 %d", "it has %d bytes, the limit is %d", size, maxTXT).
			Advise("请按乡镇拆成几个文件", "divide it into several files, by townships"), file.Close())
	}
	b, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	encoding := charsetUTF8
	if opt.Encoding != "" {
		encoding, _ = charsetOf(opt.Encoding) // DecodeText refuses one that is not known
		text, err := DecodeText(b, opt.Encoding)
		if err != nil {
			return nil, err
		}
		b = []byte(text)
	} else if _, ok := newDecoder(charsetUTF8).decode(b); !ok {
		encoding = charsetGBK
	}
	r := &boundaryTXT{}
	if r.file, err = txt.Parse(b, txt.Limits{}); err != nil {
		return nil, err
	}
	r.layer = Layer{Table: baseName(path), Fields: txtFields, Count: int64(len(r.file.Parcels)), Encoding: encoding.name, NoSchema: !r.file.Supplement}
	if r.file.Supplement {
		r.layer.Fields = append(append([]Field{}, txtFields...), txtSupplementFields...)
	}
	crs, note, err := r.file.CRS()
	if err != nil {
		r.layer.CRS.Problem = problem.Of(err)
	} else {
		r.layer.CRS.EPSG = crs.EPSG()
	}
	if note != nil {
		r.layer.Notes = append(r.layer.Notes, note)
	}
	return r, nil
}

// Layer implements [Reader].
func (r *boundaryTXT) Layer() *Layer { return &r.layer }

// Close implements [Reader].
func (r *boundaryTXT) Close() error { return nil }

// Next implements [Reader].
func (r *boundaryTXT) Next(f *Feature) error {
	if r.record == r.layer.Count {
		return io.EOF
	}
	p := &r.file.Parcels[r.record]
	r.record++
	f.Record, f.Polygons, f.Problem = r.record, p.Polygons, p.Problem
	f.Values = []any{textOrNil(p.Number), textOrNil(p.Name), nil, textOrNil(p.Sheet), textOrNil(p.Use), textOrNil(p.Class)}
	if p.Stated {
		f.Values[2] = squareMetres(p.AreaHa)
	}
	if r.file.Supplement {
		f.Values = append(f.Values, textOrNil(p.Year), textOrNil(p.Slope), textOrNil(p.Note), textOrNil(p.Grade))
	}
	for _, n := range p.Notes {
		r.layer.Notes = append(r.layer.Notes, n.At(r.record, p.Number))
	}
	return nil
}

// textOrNil returns s, or nil when it is empty.
func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// squareMetres returns hectares as m², rounded once: 1.1 ha are 11000 m².
func squareMetres(ha float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(ha, 'f', -1, 64)+"e4", 64)
	if err != nil {
		return ha * 1e4 // cannot be: the text is a number
	}
	return v
}
