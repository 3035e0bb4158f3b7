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

// guess returns the profile most of whose own fields are there. Fields that
// several profiles share decide nothing.
func guess(fields []source.Field) (Profile, error) {
	all, err := profiles()
	if err != nil {
		return Profile{}, err
	}
	signs := map[string][]string{
		"dltb": {"TBMJ", "TBDLMJ", "DLBM", "TBBH"}, "pbf": {"YJJBNTTBBH", "YJJBNTMJ", "YJJBNTTBMJ"},
		"hsf": {"XMBH", "XMMC", "GBDKBH", "JSND", "JCND"}, "region": {"XZQDM", "XZQMC"},
	}
	best, err := ProfileOf("other")
	if err != nil {
		return Profile{}, err
	}
	most := 1
	for _, p := range all {
		n := 0
		for _, s := range signs[p.Name] {
			if find(fields, make([]bool, len(fields)), s) >= 0 {
				n += 2
			}
		}
		if p.Name == "region" {
			n-- // its fields stand in other layers too
		}
		if n > most {
			best, most = p, n
		}
	}
	return best, nil
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
