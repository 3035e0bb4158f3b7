package ingest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// Description says what a delivered file holds and how it would be mapped.
type Description struct {
	Path     string `json:"path"`
	Table    string `json:"table,omitempty"`
	Features int64  `json:"features"`
	CRS      string `json:"crs"`
	Encoding string `json:"encoding,omitempty"`
	// Layer is the layer that it looks like by its fields and its name, "other" when it
	// looks like none; Score in [0, 1] is how much, and Candidates are the layers that
	// were weighed, the best first.
	Layer      string          `json:"layer"`
	Title      edition.Title   `json:"title"`
	Score      float64         `json:"score"`
	Candidates []Candidate     `json:"candidates"`
	Fields     []edition.Field `json:"fields"`
	// Mapping tells of each delivered field what it becomes, in the order of the file.
	Mapping  []Mapped `json:"mapping"`
	Missing  []string `json:"missing_fields"`
	Unknown  []string `json:"unknown_fields"`
	Personal []string `json:"personal_fields"`
	// Problem is why ingest would refuse the file as it is.
	Problem *problem.Problem `json:"problem,omitempty"`
	// Doubt is what its first records tell against how it would be read, or what is
	// taken for granted.
	Doubt *problem.Problem `json:"doubt,omitempty"`
}

// Candidate is a layer that a file may be of.
type Candidate struct {
	Layer string  `json:"layer"`
	Score float64 `json:"score"`
	// Fields counts the file's fields that the layer knows; Named tells that the file
	// or table has a name of the layer's.
	Fields int  `json:"fields"`
	Named  bool `json:"named"`
}

// maxCandidates is how many layers a description names.
const maxCandidates = 3

// Mapped is what becomes of one delivered field.
type Mapped struct {
	// From is the field's name in the file, Kind and Width what the file declares.
	From  string `json:"from"`
	Kind  string `json:"kind"`
	Width int    `json:"width,omitempty"`
	// To is the name that it is stored by, "" for what an export of ours added, and As
	// the type.
	To    string            `json:"to"`
	As    edition.FieldKind `json:"as"`
	Title string            `json:"title,omitempty"`
	// Known fields are of the layer's profile. The others are kept in the secure tier.
	Known    bool `json:"known"`
	Personal bool `json:"personal,omitempty"`
	Required bool `json:"required,omitempty"`
}

// Describe reads what a file says of itself and maps its fields to the layer that it
// looks like most, by the profiles that are known. Features is -1 when the file does not
// say.
func Describe(ctx context.Context, known *profiles.Set, path string, opt source.Options) (*Description, error) {
	rd, err := source.Open(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rd.Close() }() // only read
	l := rd.Layer()
	d := &Description{
		Path: path, Table: l.Table, Features: l.Count, Encoding: l.Encoding, Layer: otherLayer,
		Candidates: []Candidate{}, Missing: []string{}, Unknown: []string{}, Personal: []string{}, Mapping: []Mapped{},
	}
	names := []string{l.Table, path}
	if opt.Table != "" {
		names = names[:1] // the file has several
	}
	var fields []string
	if !l.NoSchema {
		fields = fieldNames(l.Fields)
	}
	found := known.Guess(fields, names...)
	for i, m := range found {
		if i == 0 && m.Score >= profiles.Least {
			d.Layer, d.Score = m.Profile.Name, m.Score
		}
		if i < maxCandidates {
			d.Candidates = append(d.Candidates, Candidate{m.Profile.Name, m.Score, m.Fields, m.Named})
		}
	}
	d.fill(known.Of(d.Layer), l.Fields)
	if l.NoGeometry {
		return d, nil
	}
	if err := d.locate(ctx, rd, opt, known); err != nil {
		return nil, err
	}
	if l.NoSchema && d.Layer == otherLayer && d.Doubt == nil {
		d.Doubt = problem.New("LAYER_UNTOLD", "TXT 没有字段，看不出是哪个图层", "a TXT has no fields: nothing tells which layer it is").
			Advise("用 --layer 名称=%[1]s 指明", "give it with --layer NAME=%[1]s", path)
	}
	return d, nil
}

// otherLayer is what a file that looks like no layer is taken for.
const otherLayer = "other"

// fill adds how fields are mapped to p.
func (d *Description) fill(p *profiles.Profile, fields []source.Field) {
	m := fit(p, fields)
	m.leave(m.exported())
	d.Title, d.Fields = p.Title, m.fields
	d.Missing, d.Unknown = append(d.Missing, m.missing...), append(d.Unknown, m.unknown...)
	d.Mapping = make([]Mapped, len(fields))
	for i, f := range fields { // those that are left out go nowhere
		d.Mapping[i] = Mapped{From: f.Name, Kind: f.Kind.String(), Width: f.Width}
	}
	for i, c := range m.columns {
		from, to := fields[c.from], m.fields[i]
		d.Mapping[c.from] = Mapped{
			From: from.Name, Kind: from.Kind.String(), Width: from.Width, To: to.Name, As: to.Kind,
			Title: to.Title, Known: to.Known, Personal: to.Personal,
		}
		if f := p.Field(to.Name); f != nil {
			d.Mapping[c.from].Required = f.Required
		}
		if to.Personal {
			d.Personal = append(d.Personal, to.Name)
		}
	}
}

// Write prints the description for a person.
func (d *Description) Write(w io.Writer, lang problem.Lang) error {
	p := &printer{lang: lang}
	p.line("%s%s", "%s%s", d.Path, hash(d.Table))
	crs := d.CRS
	if crs == "" {
		crs = "?" // the problem below says why
	}
	p.line("  要素 %d  坐标系 %s  编码 %s", "  features %d  CRS %s  encoding %s", d.Features, crs, d.Encoding)
	if d.Layer == otherLayer {
		p.line("  不像任何已知图层，作 %s", "  looks like no layer that is known: %s", d.Layer)
	} else {
		title := d.Title.En
		if lang == problem.Chinese {
			title = d.Title.Zh
		}
		p.line("  看起来是图层 %s（%s），把握 %.0f%%", "  looks like layer %s (%s), score %.0f%%", d.Layer, title, 100*d.Score)
	}
	for i, c := range d.Candidates {
		if i > 0 || c.Layer != d.Layer {
			p.line("    也可能 %s，%.0f%%", "    or %s, %.0f%%", c.Layer, 100*c.Score)
		}
	}
	for _, m := range d.Mapping {
		p.mapped(m)
	}
	for _, l := range []struct {
		zh, en string
		names  []string
	}{
		{"缺少字段", "missing fields", d.Missing},
		{"标准之外的字段（只留在涉密版）", "fields outside the standard (kept in secure only)", d.Unknown},
		{"个人信息字段（只留在涉密版）", "fields that speak of a person (kept in secure only)", d.Personal},
	} {
		if len(l.names) > 0 {
			p.line("  "+l.zh+" %s", "  "+l.en+" %s", strings.Join(l.names, " "))
		}
	}
	for _, q := range []*problem.Problem{d.Problem, d.Doubt} {
		if q != nil {
			p.line("  ! %s", "  ! %s", q.Text(lang))
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// mapped prints what becomes of one field.
func (p *printer) mapped(m Mapped) {
	declared := m.Kind
	if m.Width > 0 {
		declared = fmt.Sprintf("%s(%d)", m.Kind, m.Width)
	}
	line := fmt.Sprintf("    %-12s %-14s → %-12s %-8s %s", m.From, declared, m.To, m.As, m.Title)
	mark := ""
	switch {
	case !m.Known:
		mark = "?"
	case m.Personal:
		mark = "*"
	}
	text := strings.TrimRight(line+" "+mark, " ")
	p.line("%s", "%s", text)
}
