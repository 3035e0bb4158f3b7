// Package answer writes the answer of a long question, once, in every form that it can be
// asked for in: as files of a directory, and its shapes as an edition below that. What is
// told of it is returned, and read again from what a job keeps.
//
// What was written is never written to, so whoever asks again gets the same bytes, also when
// the edition that was asked has gone on. Package answer knows no request and no queue; who
// may have an answer is not decided here.
package answer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// Extra is a form of answers beside those of [forms.Forms].
type Extra struct {
	// Form is the ending of its address: result.Form.
	Form, MediaType string
	// ShapesAlone tells that it holds layers of shapes and no tables.
	ShapesAlone bool
	// Write writes the answer to a file that is not there yet. The problem ANSWER_TABLE says
	// that this answer has nothing to write in the form.
	Write func(ctx context.Context, r *analyze.Result, path string) error
}

// Kept is what is told of an answer that was written.
type Kept struct {
	Files  []File  `json:"files"`
	Layers []Layer `json:"layers"`
	Rows   int     `json:"rows"`
	// Identities tells of how many identities the answer was checked by.
	Identities int `json:"identities"`
	// Policy is that which the answer keeps to.
	Policy edition.Policy `json:"policy"`
}

// File is one form of an answer.
type File struct {
	Form  string        `json:"form"`
	Table string        `json:"table,omitempty"`
	Title edition.Title `json:"title,omitzero"`
	Media string        `json:"type"`
	File  string        `json:"file"` // in the answer's directory
	Tag   string        `json:"tag"`  // of its content
	Bytes int64         `json:"bytes"`
}

// Layer is a layer of an answer's shapes.
type Layer struct {
	Name     string        `json:"name"`
	Title    edition.Title `json:"title"`
	Vintage  string        `json:"vintage"`
	Features int           `json:"features"`
}

// File is the file of a form of an answer, of the table or layer of that name, "" for the
// first.
func (k *Kept) File(form, table string) (*File, bool) {
	for i := range k.Files {
		if f := &k.Files[i]; f.Form == form && (table == "" || f.Table == table) {
			return f, true
		}
	}
	return nil, false
}

// Options say what [Write] writes an answer with.
type Options struct {
	// Dir is a directory without files.
	Dir string
	// Of is what was asked, as far as whoever asked reaches it.
	Of *index.Index
	// Extra are forms beside those of [forms.Forms].
	Extra []Extra
	// Object changes the object of JSON before it is written; nil leaves it as it is.
	Object func(object []byte) ([]byte, error)
	// Tell, which may be nil, is told how many of the steps are done.
	Tell func(done, all int)
}

// Write writes an answer in all forms. From then on its shapes are read from what was
// written, as long as Write runs. Errors are those of writing, and problems of the answer.
func Write(ctx context.Context, r *analyze.Result, opt Options) (*Kept, error) {
	w := &writer{ctx: ctx, opt: &opt, result: r}
	if err := w.all(); err != nil {
		return nil, err
	}
	return &w.kept, nil
}

// writer writes an answer in all forms.
type writer struct {
	ctx    context.Context //nolint:containedctx // of this one answer
	opt    *Options
	result *analyze.Result
	kept   Kept
	stored *index.Index // of the shapes, once they are written; or nil
}

func (w *writer) all() (err error) {
	r := w.result
	w.kept.Identities, w.kept.Policy = len(r.Identities), r.Policy
	for _, t := range r.Tables {
		w.kept.Rows += len(t.Rows)
	}
	// Shapes are found once, for the layers; the other forms take them from there.
	defer func() {
		if w.stored != nil {
			err = errors.Join(err, w.stored.Close())
		}
	}()
	steps := []func() error{w.layers}
	step := func(form forms.Form, table string, title edition.Title) {
		steps = append(steps, func() error { return w.form(form, table, title) })
	}
	for _, form := range forms.Forms {
		switch form {
		case forms.CSV:
			for _, t := range r.Tables {
				step(form, t.Name, t.Title)
			}
		case forms.GeoJSON:
			for _, s := range r.Shapes {
				step(form, s.Name, s.Title)
			}
		default:
			step(form, "", edition.Title{})
		}
	}
	for _, f := range w.opt.Extra {
		steps = append(steps, func() error { return w.extra(f) })
	}
	for i, step := range steps {
		if w.opt.Tell != nil {
			w.opt.Tell(i, len(steps))
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// form writes one of the forms of package forms, of a table or a layer.
func (w *writer) form(form forms.Form, table string, title edition.Title) error {
	name := fmt.Sprintf("%d.%s", len(w.kept.Files), form)
	f, err := os.OpenFile(filepath.Join(w.opt.Dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := &tagged{w: f, hash: xxhash.New()}
	err = w.write(out, form, table)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	w.kept.Files = append(w.kept.Files, File{
		Form: string(form), Table: table, Title: title, Media: form.MediaType(), File: name, Tag: out.tag(), Bytes: out.n,
	})
	return nil
}

// write writes a form.
func (w *writer) write(out io.Writer, form forms.Form, table string) error {
	opt := forms.Options{Table: table}
	if form == forms.HTML {
		var err error
		if opt.Places, err = forms.Outlines(w.ctx, w.opt.Of, w.result); err != nil {
			return err
		}
	}
	if form != forms.JSON || w.opt.Object == nil {
		return forms.Write(w.ctx, out, w.result, form, opt)
	}
	var b bytes.Buffer
	if err := forms.Write(w.ctx, &b, w.result, form, forms.Options{}); err != nil {
		return err
	}
	object, err := w.opt.Object(b.Bytes())
	if err == nil {
		_, err = out.Write(object)
	}
	return err
}

// tagged counts and hashes what is written.
type tagged struct {
	w    io.Writer
	hash *xxhash.Digest
	n    int64
}

// Write writes b.
func (t *tagged) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	_, _ = t.hash.Write(b[:n]) // it never fails
	t.n += int64(n)
	return n, err
}

func (t *tagged) tag() string { return fmt.Sprintf("%016x", t.hash.Sum64()) }

// extra writes a form that was given.
func (w *writer) extra(f Extra) error {
	name := fmt.Sprintf("%d.%s", len(w.kept.Files), f.Form)
	path := filepath.Join(w.opt.Dir, name)
	if err := f.Write(w.ctx, w.result, path); err != nil {
		if p := problem.Of(err); p != nil && p.Code == "ANSWER_TABLE" {
			return nil
		}
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out := &tagged{w: io.Discard, hash: xxhash.New()}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	w.kept.Files = append(w.kept.Files, File{Form: f.Form, Media: f.MediaType, File: name, Tag: out.tag(), Bytes: out.n})
	return nil
}
