package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

func runReconcile(e *env, fs *flags) error {
	dir := fs.String("edition", "", "版本目录：图层@时相 是它的|the edition whose LAYER@VINTAGE are meant")
	by := fs.String("by", "county", "政区级别 group village township county prefecture province|level of places: group village township county prefecture province")
	place := fs.String("place", "", "只看这个政区|code of the place that is asked about")
	figure := fs.String("figure", "", "口径 net patch area ground，两方不同时用逗号分隔|kind of figure: net, patch, area or ground; two separated by a comma where A and B differ")
	width := fs.String("width", "", "数字化边带的宽度，米；默认见规则|width of the digitising band in metres; that of the rules")
	lines := fs.String("lines", "", "只列出这些项的要素，逗号分隔|list the features of these lines alone, separated by commas")
	rules := fs.String("rules", "", "规则文件|file of rules")
	table := fs.String("table", "", "CSV 写哪张表：bridge（默认）bridge_by_place lines operands|table that is written as CSV: bridge, bridge_by_place, lines, operands")
	out := fs.String("out", "", "输出文件 "+answerEndings()+"|the file to write: "+answerEndings())
	var workers int
	workersFlag(fs, &workers)
	args, err := fs.parse(2, 2)
	if err != nil {
		return err
	}
	w := &analysis{env: e, out: *out, table: *table, form: forms.JSON}
	if *out != "" {
		if w.form, err = answerForm(*out); err != nil {
			return err
		}
	}
	kinds := strings.SplitN(*figure+","+*figure, ",", 3)
	q := reconcile.Question{By: areas.Level(*by), Place: *place, Shapes: w.form == forms.GeoJSON || w.form == forms.HTML || w.form == forms.GeoPackage || w.form == forms.Shapefile}
	if err := reconcileFlags(&q, *width, *lines, kinds); err != nil {
		return err
	}
	opt := reconcile.Options{Workers: workers, Program: programVersion()}
	if opt.Rules, err = rulesOf(*rules); err != nil {
		return err
	}
	o := &operands{edition: *dir}
	defer o.close()
	for n, to := range []*reconcile.Operand{&q.A, &q.B} {
		if *to, err = o.open(args[n], reconcile.Figure(kinds[n])); err != nil {
			return err
		}
	}
	bar := e.progress()
	opt.Tell = func(stage edition.Title, done, all int) {
		bar.tell(e.pick(stage.Zh, stage.En), int64(done), int64(all))
	}
	r, err := reconcile.Run(e.ctx, q, opt)
	bar.end()
	if err != nil {
		return err
	}
	return e.tellReconciled(w, r, &q)
}

// reconcileFlags reads the flags that need reading, and refuses those that are wrong
// whatever is reconciled. The first two of kinds are those of the figures.
func reconcileFlags(q *reconcile.Question, width, lines string, kinds []string) error {
	if err := placeFlag(q.Place); err != nil {
		return err
	}
	if q.By != "" {
		if _, err := areas.ParseLevel(string(q.By)); err != nil {
			return wrongLine(err)
		}
	}
	for _, kind := range kinds[:2] {
		if _, err := reconcile.ParseFigure(kind); kind != "" && err != nil {
			return wrongLine(err)
		}
	}
	if width != "" {
		w, err := strconv.ParseFloat(width, 64)
		if err != nil {
			return usage("FLAGS", "--width 写的是 %q，应为米数", "--width says %q; it is a number of metres", width)
		}
		q.WidthM = &w
	}
	if lines == "" {
		return nil
	}
	for name := range strings.SplitSeq(lines, ",") {
		l, err := reconcile.ParseLine(name)
		if err != nil {
			return wrongLine(err)
		}
		q.Only = append(q.Only, l)
	}
	return nil
}

// rulesOf reads a file of rules; nil for none.
func rulesOf(path string) (*analyze.Rules, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // those that are built in
	}
	data, err := readSmall(path, "规则文件", "the rules")
	if err != nil {
		return nil, err
	}
	return analyze.ParseRules(path, data)
}

// operands opens what A and B name; an edition that both name is opened once.
type operands struct {
	edition string
	opened  map[string]*index.Index
}

func (o *operands) close() {
	for _, ix := range o.opened {
		_ = ix.Close() // only read
	}
}

func (o *operands) index(dir string) (*index.Index, error) {
	if ix := o.opened[dir]; ix != nil {
		return ix, nil
	}
	ix, err := index.Open(dir, "")
	if err != nil {
		return nil, err
	}
	if o.opened == nil {
		o.opened = map[string]*index.Index{}
	}
	o.opened[dir] = ix
	return ix, nil
}

// open reads LAYER@VINTAGE of --edition, EDITION#LAYER@VINTAGE, or a file: reported
// figures or a saved answer, of which FILE#COLUMN names one of several columns.
func (o *operands) open(text string, figure reconcile.Figure) (reconcile.Operand, error) {
	if path, column, ok := tableFile(text); ok {
		t, err := readTable(path, column)
		return reconcile.Operand{Name: text, Table: t, Figure: figure}, err
	}
	dir, name := o.edition, text
	if at := strings.LastIndexByte(text, '#'); at > 0 {
		dir, name = text[:at], text[at+1:]
	}
	if dir == "" {
		return reconcile.Operand{}, usage("ARGUMENTS", "%q 不是文件；图层要给 --edition，或写作 版本目录#图层@时相", "%q is no file; a layer needs --edition, or is written EDITION#LAYER@VINTAGE", text)
	}
	ix, err := o.index(dir)
	if err != nil {
		return reconcile.Operand{}, err
	}
	op, err := reconcile.ParseOperand(ix, name)
	if err != nil {
		return op, problem.Of(err).In(dir)
	}
	op.Figure = figure
	return op, nil
}

// tableFile takes FILE or FILE#COLUMN apart; false where there is no such file.
func tableFile(text string) (path, column string, ok bool) {
	isFile := func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && !st.IsDir()
	}
	if isFile(text) {
		return text, "", true
	}
	if at := strings.LastIndexByte(text, '#'); at > 0 && isFile(text[:at]) {
		return text[:at], text[at+1:], true
	}
	return "", "", false
}

// readTable reads reported figures or a saved answer.
func readTable(path, column string) (*reconcile.Table, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("FIGURES_READ", "读不了（%v）", "it cannot be read (%v)", err).In(path).Because(err)
	}
	t, err := reconcile.ParseTable(filepath.Base(path), data)
	if err != nil || column == "" {
		return t, err
	}
	return t.Choose(column)
}

// tellReconciled writes the answer to a file, or to standard output.
func (e *env) tellReconciled(w *analysis, r *analyze.Result, q *reconcile.Question) error {
	if w.out == "" {
		if e.json {
			return forms.Write(e.ctx, e.stdout, r, forms.JSON, forms.Options{})
		}
		return e.printBridge(r)
	}
	if o := q.B.Index; w.form == forms.HTML && o != nil {
		var err error
		if w.places, err = forms.Outlines(e.ctx, o, r); err != nil {
			return err
		}
	}
	closeOutputs(r.Tier)
	if _, err := w.write(r); err != nil {
		return err
	}
	return e.printBridge(r)
}

// printBridge prints the bridge for people.
func (e *env) printBridge(r *analyze.Result) error {
	t := r.Tables[0]
	line, name := t.Column("line"), t.Column(e.pick("name", "name_en"))
	area, features := t.Column("area"), t.Column("features")
	for _, row := range t.Rows {
		v, ok := row[area].(analyze.Area)
		if !ok {
			return errors.New("a bridge without areas")
		}
		sign := "%+16.2f"
		if row[line] == "a" || row[line] == "b" {
			sign = "%16.2f"
		}
		e.printf(sign+" m² %+14.4f %s %8d  %s\n", geo.Hundredths(v).M2(), float64(v)*15/1e6, e.pick("亩", "mu"), row[features], row[name])
	}
	for _, n := range r.Notes {
		e.printf("  %s\n", e.pick(n.Zh, n.En))
	}
	return context.Cause(e.ctx)
}
