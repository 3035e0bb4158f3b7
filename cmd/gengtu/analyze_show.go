package main

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/ingest/source"
)

// listed is a question as --list prints it for programs.
type listed struct {
	Question   string            `json:"question"`
	Title      edition.Title     `json:"title"`
	About      edition.Title     `json:"about"`
	Sources    []edition.Title   `json:"sources"`
	Layers     []string          `json:"layers"`
	Optional   []string          `json:"optional"`
	Shapes     bool              `json:"shapes"`
	NotPublic  bool              `json:"not_public"`
	Parameters []listedParameter `json:"parameters"`
}

type listedParameter struct {
	Name    string        `json:"name"`
	About   edition.Title `json:"about"`
	Default string        `json:"default"`
}

// listQuestions prints the questions with what each needs.
func (e *env) listQuestions(w io.Writer) error {
	var out []listed
	for _, q := range question.All() {
		l := listed{q.Name, q.Title, q.About, orNone(q.Sources), orNone(q.Layers), orNone(q.Optional), q.NeedsShapes, q.NotPublic, []listedParameter{}}
		for i := range q.Parameters {
			p := &q.Parameters[i]
			l.Parameters = append(l.Parameters, listedParameter{p.Name, p.About, p.Default})
		}
		out = append(out, l)
	}
	if e.json {
		return json.NewEncoder(w).Encode(map[string]any{"questions": orNone(out)})
	}
	var b strings.Builder
	for i := range out {
		l := &out[i]
		b.WriteString(pad(l.Question, 18) + e.pick(l.Title.Zh, l.Title.En) + "\n")
		line := func(zh, en, text string) {
			if text != "" {
				b.WriteString(strings.Repeat(" ", 18) + e.pick(zh, en) + text + "\n")
			}
		}
		line("图层：", "layers: ", strings.Join(l.Layers, " "))
		line("有则用：", "used where there are: ", strings.Join(l.Optional, " "))
		if l.Shapes {
			line("", "", e.pick("要给图形文件", "asks about shapes in files"))
		}
		if l.NotPublic {
			line("", "", e.pick("公众版不答", "not answered by a public edition"))
		}
		for _, p := range l.Parameters {
			value := ""
			if p.Default != "" {
				value = "（" + p.Default + "）"
				if e.lang == problem.English {
					value = " (" + p.Default + ")"
				}
			}
			line("--set ", "--set ", p.Name+"=…  "+e.pick(p.About.Zh, p.About.En)+value)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// orNone is a list that is not null in JSON.
func orNone[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// The limits of what is shown; files have all of it.
const (
	shownRows    = 40
	shownLetters = 28 // of a text
)

// show prints the answer for a person: its tables as far as a screen is good for, the
// identities and the notes.
func (a *analysis) show(r *analyze.Result) error {
	tables := r.Tables
	if a.table != "" {
		t, err := forms.TableOf(r, a.table)
		if err != nil {
			return err
		}
		tables = []*analyze.Table{t}
	}
	a.printf("%s\n", a.pick(r.Question.Title.Zh, r.Question.Title.En))
	for _, t := range tables {
		a.printf("\n%s  %s\n", t.Name, a.pick(t.Title.Zh, t.Title.En))
		if err := a.showTable(t); err != nil {
			return err
		}
	}
	a.printf("\n")
	for i := range r.Identities {
		x := &r.Identities[i]
		a.printf("%s %s: %.2f = %.2f m²\n", a.pick("恒等", "closes"), a.pick(x.Title.Zh, x.Title.En), geo.Hundredths(x.Left).M2(), geo.Hundredths(x.Right).M2())
	}
	for _, n := range r.Notes {
		a.printf("%s %s\n", a.pick("注意", "note"), a.pick(n.Zh, n.En))
	}
	a.printf("run %s  %s %s  %s %s\n", r.Run, a.pick("代次", "generation"), r.Generation, a.pick("规则", "rules"), r.Rules.Version)
	return nil
}

// showTable prints the first rows of a table; an area in mu alone.
func (a *analysis) showTable(t *analyze.Table) error {
	all, err := forms.Fields(t)
	if err != nil {
		return err
	}
	var fields []forms.Field
	for _, f := range all {
		if f.Unit != forms.M2 && f.Unit != forms.Ha {
			fields = append(fields, f)
		}
	}
	lines := [][]string{{}}
	for i := range fields {
		title := a.pick(fields[i].Title.Zh, fields[i].Title.En)
		if fields[i].Unit != forms.None {
			title += "/" + a.pick(map[forms.Unit]string{forms.Mu: "亩", forms.M: "米"}[fields[i].Unit], string(fields[i].Unit))
		}
		lines[0] = append(lines[0], shortened(title))
	}
	for _, row := range t.Rows[:min(len(t.Rows), shownRows)] {
		var line []string
		for i := range fields {
			text, err := fields[i].Text(row)
			if err != nil {
				return err
			}
			line = append(line, shortened(text))
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(fields))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], columns(text))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, text := range line {
			b.WriteString("  ")
			if k := fields[i].Kind; k == analyze.Text || k == analyze.Code || k == analyze.Truth {
				b.WriteString(pad(text, widths[i]))
			} else {
				b.WriteString(strings.Repeat(" ", widths[i]-columns(text)) + text)
			}
		}
		a.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
	if n := len(t.Rows) - shownRows; n > 0 {
		a.printf("  %s\n", a.pick("…… 另有 "+strconv.Itoa(n)+" 行，写文件（--out）有全部", "… "+strconv.Itoa(n)+" more rows; a file (--out) has them all"))
	}
	return nil
}

// shortened is a text as one cell of a screen.
func shortened(s string) string {
	r := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r >= 0x80 && r < 0xA0 {
			return ' '
		}
		return r
	}, s))
	if len(r) > shownLetters {
		return string(r[:shownLetters-1]) + "…"
	}
	return string(r)
}

// pad fills a text with spaces.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(width-columns(s), 1)) }

// columns is how many columns of a terminal a text takes: two for what is written in
// squares.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xD7A3 || r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE6F || r >= 0xFF00 && r <= 0xFF60 || r >= 0xFFE0 && r <= 0xFFE6 || r >= 0x1F300) {
			n++
		}
	}
	return n
}

// report says what was written.
func (a *analysis) report(r *analyze.Result, files []string) error {
	rows := map[string]int{}
	for _, t := range r.Tables {
		rows[t.Name] = len(t.Rows)
	}
	if a.json {
		return json.NewEncoder(a.stdout).Encode(map[string]any{
			"question": r.Question.Name, "run": r.Run, "generation": r.Generation, "rules": r.Rules, "format": a.form, "files": files, "rows": rows,
		})
	}
	var names []string
	for _, f := range files {
		if ext := filepath.Ext(f); !slices.Contains(source.ShapefileEndings()[1:], ext) {
			names = append(names, f)
		}
	}
	a.printf("%s  run %s  %s\n", a.pick(r.Question.Title.Zh, r.Question.Title.En), r.Run, strings.Join(names, " "))
	for _, t := range r.Tables {
		a.printf("  %s %d %s\n", pad(t.Name, 24), len(t.Rows), a.pick("行", "rows"))
	}
	for _, n := range r.Notes {
		a.printf("  %s %s\n", a.pick("注意", "note"), a.pick(n.Zh, n.En))
	}
	return nil
}
