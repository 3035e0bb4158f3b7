package ingest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// Description says what a delivered file holds and how it would be mapped.
type Description struct {
	Path     string          `json:"path"`
	Table    string          `json:"table,omitempty"`
	Features int64           `json:"features"`
	CRS      string          `json:"crs"`
	Encoding string          `json:"encoding,omitempty"`
	Layer    string          `json:"layer"` // the layer it looks like
	Fields   []edition.Field `json:"fields"`
	Missing  []string        `json:"missing_fields"`
	Unknown  []string        `json:"unknown_fields"`
	// Problem is why ingest would refuse the file as it is.
	Problem *problem.Problem `json:"problem,omitempty"`
}

// Describe reads what a file says of itself and maps its fields to the layer
// that it looks like most. Features is -1 when the file does not say.
func Describe(ctx context.Context, path string, opt source.Options) (*Description, error) {
	rd, err := source.Open(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rd.Close() }() // only read
	l := rd.Layer()
	d := &Description{Path: path, Table: l.Table, Features: l.Count, Encoding: l.Encoding, Missing: []string{}, Unknown: []string{}}
	crs, err := SourceCRS(path, l.CRS)
	if err == nil {
		d.CRS = crs.Name()
	} else if d.Problem = problem.Of(err); d.Problem == nil {
		return nil, err
	}
	p, err := guess(l.Fields)
	if err != nil {
		return nil, err
	}
	m := p.fit(l.Fields)
	m.leave(m.exported())
	d.Layer, d.Fields = p.Name, m.fields
	d.Missing, d.Unknown = append(d.Missing, m.missing...), append(d.Unknown, m.unknown...)
	return d, nil
}

// Guess returns the layer that a file looks like by its fields: `other` when it
// looks like none.
func Guess(ctx context.Context, path, encoding string) (string, error) {
	d, err := Describe(ctx, path, source.Options{Encoding: encoding})
	if err != nil {
		return "", err
	}
	return d.Layer, nil
}

// signs are the fields that a layer is known by, each with its weight. Those of
// region stand in other layers too, and weigh less.
var signs = map[string]map[string]int{
	"dltb":   {"TBMJ": 2, "TBDLMJ": 2, "DLBM": 2, "TBBH": 2},
	"pbf":    {"YJJBNTTBBH": 3, "YJJBNTMJ": 3, "YJJBNTTBMJ": 3},
	"hsf":    {"XMBH": 2, "XMMC": 2, "GBDKBH": 2, "JSND": 2, "JCND": 2},
	"region": {"XZQDM": 1, "XZQMC": 1, "DCMJ": 2, "JSMJ": 2},
}

// leastSign is the weight from which a file is taken for a layer.
const leastSign = 2

// guess returns the profile whose signs weigh most among the fields: that of
// the layer `other` when none weighs enough.
func guess(fields []source.Field) (Profile, error) {
	best, most := "other", leastSign-1
	for _, layer := range []string{"dltb", "pbf", "hsf", "region"} {
		n := 0
		for field, weight := range signs[layer] {
			if find(fields, make([]bool, len(fields)), field) >= 0 {
				n += weight
			}
		}
		if n > most {
			best, most = layer, n
		}
	}
	return ProfileOf(best)
}

// Write prints the description for a person.
func (d *Description) Write(w io.Writer, lang problem.Lang) error {
	zh := lang == problem.Chinese
	pick := func(c, e string) string {
		if zh {
			return c
		}
		return e
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", d.Path, hash(d.Table))
	fmt.Fprintf(&b, "  %s %d  %s %s  %s %s\n", pick("要素", "features"), d.Features, pick("坐标系", "CRS"), d.CRS, pick("编码", "encoding"), d.Encoding)
	fmt.Fprintf(&b, "  %s %s\n", pick("看起来是图层", "looks like layer"), d.Layer)
	for _, f := range d.Fields {
		fmt.Fprintf(&b, "    %-14s %-8s %s\n", f.Name, f.Kind, f.Title)
	}
	if len(d.Missing) > 0 {
		fmt.Fprintf(&b, "  %s %s\n", pick("缺少字段", "missing fields"), strings.Join(d.Missing, " "))
	}
	if len(d.Unknown) > 0 {
		fmt.Fprintf(&b, "  %s %s\n", pick("标准之外的字段", "fields outside the standard"), strings.Join(d.Unknown, " "))
	}
	if d.Problem != nil {
		fmt.Fprintf(&b, "  ! %s\n", d.Problem.Text(lang))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
