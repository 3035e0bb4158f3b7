package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/question"
	"gengtu/index/receipt"
	"gengtu/ingest/source"
)

// answerForms are the forms of answers by the ending of the file, in the order in which
// they are told.
var answerForms = []struct {
	ending string
	form   forms.Form
}{
	{".json", forms.JSON}, {".csv", forms.CSV}, {".xlsx", forms.XLSX}, {".geojson", forms.GeoJSON}, {".html", forms.HTML}, {".htm", forms.HTML},
	{".gpkg", forms.GeoPackage}, {".shp", forms.Shapefile},
}

// answerEndings tells the endings of answers' files.
func answerEndings() string {
	var out []string
	for _, f := range answerForms {
		out = append(out, f.ending)
	}
	return strings.Join(out, " ")
}

// answerForm is the form that the ending of out says, or a usage error FORMAT_UNKNOWN.
func answerForm(out string) (forms.Form, error) {
	ending := strings.ToLower(filepath.Ext(out))
	for _, f := range answerForms {
		if f.ending == ending {
			return f.form, nil
		}
	}
	return "", usage("FORMAT_UNKNOWN", "不认识后缀 %[1]q，可用 %[2]s", "the ending %[1]q is no format; there are %[2]s", filepath.Ext(out), answerEndings())
}

// oneTable are the forms that hold one table or layer of an answer.
var oneTable = map[forms.Form]bool{forms.CSV: true, forms.GeoJSON: true, forms.GeoPackage: true, forms.Shapefile: true}

func runAnalyze(e *env, fs *flags) error {
	a := &analysis{env: e}
	a.flags(fs)
	list := fs.Bool("list", false, "列出专题，各要什么|list the questions with what each needs")
	rules := fs.Bool("show-rules", false, "打印内置规则|print the rules that are built in")
	sealed := newSealing(fs)
	args, err := fs.parse(0, -1)
	switch {
	case err != nil:
		return err
	case *list:
		return e.listQuestions(e.stdout)
	case *rules:
		_, err := e.stdout.Write(analyze.RulesText())
		return err
	case len(args) == 0:
		if err := e.listQuestions(e.stderr); err != nil {
			return err
		}
		return usage("ARGUMENTS", "没有给出专题，上面列出了全部", "no question is given; those that there are stand above")
	}
	a.request.Question, a.files = args[0], args[1:]
	if err := a.check(); err != nil {
		return err
	}
	if err := a.checkParameters(); err != nil {
		return err
	}
	ix, err := index.Open(a.dir, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	sealer, err := sealed.fileSealer(ix.Manifest.Tier, a.out)
	if err != nil {
		return err
	}
	r, err := a.ask(ix)
	if err != nil {
		return err
	}
	if a.form == forms.HTML {
		if a.places, err = forms.Outlines(e.ctx, ix, r); err != nil {
			return err
		}
	}
	return a.tell(r, sealer)
}

// analysis is one run of the verb.
type analysis struct {
	*env
	dir, by, crs, layer, rules, previous, table, out string

	set      list
	geometry bool
	workers  int
	files    []string
	request  analyze.Request
	form     forms.Form // of out
	places   []forms.Outline
	asked    *analyze.Rules // nil until checkParameters
}

// flags defines the flags of the verb.
func (a *analysis) flags(fs *flags) {
	fs.StringVar(&a.dir, "edition", "", "版本目录|the edition's directory")
	fs.StringVar(&a.by, "by", "", "按哪级地区列出，默认 county|level of places that rows are told by: province, prefecture, county, township, village, group; county")
	fs.StringVar(&a.request.Place, "place", "", "只算此地区，代码|code of a place: only what lies in it")
	fs.StringVar(&a.request.Vintage, "vintage", "", "时相，默认最新|vintage; the latest of each layer")
	fs.StringVar(&a.request.From, "from", "", "对照的较早时相，默认前一个|the earlier vintage of what is about change; the one before")
	fs.Var(&a.set, "set", "专题的参数 名=值，可多次|a parameter of the question, NAME=VALUE; may come several times")
	fs.StringVar(&a.crs, "crs", "", "图形文件的坐标系|coordinate system of the shapes, when their file says none")
	fs.StringVar(&a.layer, "layer", "", "图形文件里的图层|layer of the shapes' file")
	fs.StringVar(&a.rules, "rules", "", "规则文件，默认内置规则|rules; those that are built in")
	fs.StringVar(&a.previous, "previous", "", "接着这份答案（.json）往下算|a kept answer (.json) that this one goes on from")
	fs.StringVar(&a.table, "table", "", "只要这张表或图形层|only this table or layer of shapes")
	fs.BoolVar(&a.geometry, "geometry", false, "JSON 里也存图形|keep the shapes in the JSON, too")
	fs.StringVar(&a.out, "out", "", "输出文件 "+answerEndings()+"|the file to write: "+answerEndings())
	workersFlag(fs, &a.workers)
}

// check refuses a command line that makes no sense, before anything is opened.
func (a *analysis) check() error {
	q, err := question.Find(a.request.Question)
	if err != nil {
		return wrongLine(err)
	}
	if err := need("edition", a.dir); err != nil {
		return err
	}
	if a.by != "" {
		level, err := areas.ParseLevel(a.by)
		if err != nil {
			return usageError{problem.Of(err)}
		}
		a.request.By = level
	}
	if err := cmp.Or(placeFlag(a.request.Place), crsFlag(a.crs)); err != nil {
		return err
	}
	for _, s := range a.set {
		name, value, ok := strings.Cut(s, "=")
		if _, twice := a.request.Parameters[name]; !ok || twice {
			return usage("FLAGS", "--set 写的是 %.60q，应为 名=值，每个名一次", "--set says %.60q; it is NAME=VALUE, each name once", s)
		}
		if a.request.Parameters == nil {
			a.request.Parameters = map[string]string{}
		}
		a.request.Parameters[name] = value
	}
	if a.out == "" {
		a.form = forms.JSON
	} else {
		if a.form, err = answerForm(a.out); err != nil {
			return err
		}
		if q.NoShapes && (a.form == forms.GeoJSON || a.form == forms.Shapefile) {
			return usage("FORMAT_UNKNOWN", "%[1]s 的答案只有表，没有图形：用 .xlsx .csv .json .html .gpkg", "answers to %[1]s are tables without shapes: take .xlsx, .csv, .json, .html or .gpkg", q.Name)
		}
	}
	if a.table != "" && !oneTable[a.form] && (a.out != "" || a.json) {
		return usage("FLAGS", "--table 只用于 .csv .geojson .gpkg .shp 和屏幕上的表", "--table is for .csv, .geojson, .gpkg, .shp and what is shown")
	}
	if a.geometry && a.form != forms.JSON {
		return usage("FLAGS", "--geometry 只用于 JSON", "--geometry is for JSON")
	}
	return nil
}

// checkParameters reads the rules, and refuses parameters that the question does not take,
// before the edition is opened, which may take a while.
func (a *analysis) checkParameters() error {
	q, err := question.Find(a.request.Question)
	if err != nil {
		return err
	}
	if a.asked, err = rulesOf(a.rules); err != nil {
		return err
	}
	if a.asked == nil {
		if a.asked, err = analyze.DefaultRules(); err != nil {
			return err
		}
	}
	return wrongLine(q.CheckParameters(a.request.Parameters, a.asked))
}

// ask reads what the question is about, and answers it.
func (a *analysis) ask(ix *index.Index) (*analyze.Result, error) {
	opt := analyze.Options{Workers: a.workers, Program: programVersion(), Rules: a.asked}
	if a.previous != "" {
		err := readWhole(a.previous, func(r io.Reader) (err error) { a.request.Previous, err = forms.Read(r); return err })
		if err != nil {
			if p := problem.Of(err); p != nil {
				return nil, p.In(a.previous)
			}
			return nil, err
		}
	}
	for _, path := range a.files {
		shapes, err := a.shapes(ix, path)
		if err != nil {
			return nil, err
		}
		a.request.Shapes = append(a.request.Shapes, shapes...)
	}
	p := a.progress()
	defer p.end()
	opt.Questions = question.All()
	opt.Tell = func(stage edition.Title, done, all int) { p.tell(a.pick(stage.Zh, stage.En), int64(done), int64(all)) }
	return analyze.Run(a.ctx, ix, a.request, opt)
}

// readSmall reads a file whole that is small: one that a person edits.
func readSmall(path, zh, en string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("SOURCE_READ", "%[1]s读不出来（%[3]v）", "%[2]s cannot be read (%[3]v)", zh, en, err).In(path).Because(err)
	}
	return data, nil
}

// shapes reads a file of shapes: text (the surveyor's or GeoJSON), of which package analyze
// lists what is wrong with it, or any format that ingest reads.
func (a *analysis) shapes(ix *index.Index, path string) ([]areas.Given, error) {
	if e := source.EndingOf(path); e.Holds == source.HoldsShapes || e.GeoJSON() {
		var crs *geo.CRS
		if a.crs != "" {
			named, err := areas.ParseCRS(a.crs)
			if err != nil {
				return nil, err
			}
			crs = &named
		}
		data, err := readSmall(path, "图形", "the shapes")
		if err != nil {
			return nil, err
		}
		return analyze.ReadShapes(path, data, crs, areas.Limits{})
	}
	in, err := a.readShapes(ix, path, a.layer, a.crs)
	if err != nil {
		return nil, err
	}
	defer in.close()
	var out []areas.Given
	for {
		g, err := in.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		g.CRS, g.File = in.crs, filepath.Base(path)
		out = append(out, g)
	}
}

// tell writes the answer to the file, or shows it.
func (a *analysis) tell(r *analyze.Result, sealer *receipt.Sealer) error {
	if a.out == "" {
		if a.json {
			return forms.Write(a.ctx, a.stdout, r, forms.JSON, forms.Options{Geometry: a.geometry})
		}
		return a.show(r)
	}
	closeOutputs(r.Tier)
	files, err := a.write(r)
	if err != nil {
		return err
	}
	if err := a.sealFiles(sealer, a.answered(r), files...); err != nil {
		return err
	}
	return a.report(r, files)
}

// write writes the file, and returns those that there are.
func (a *analysis) write(r *analyze.Result) ([]string, error) {
	if a.form != forms.GeoPackage && a.form != forms.Shapefile {
		opt := forms.Options{Table: a.table, Geometry: a.geometry, Places: a.places}
		return []string{a.out}, writeFile(a.out, func(w io.Writer) error { return forms.Write(a.ctx, w, r, a.form, opt) })
	}
	if isStream(a.out) {
		return nil, problem.New("OUT_UNWRITABLE", "要素要写进文件，这里是管道或设备", "features are written to a file, this is a pipe or a device").In(a.out).
			Advise("请给一个文件名", "give the name of a file")
	}
	files, notes, err := writeAnswer(a.ctx, a.out, r, a.table)
	if err != nil {
		return nil, ofFile(err, a.out, a.out)
	}
	for _, n := range notes {
		a.notef("%s\n", n.In(a.out).Text(a.lang))
	}
	return files, nil
}

// answered is what was asked, as receipts have it.
func (a *analysis) answered(r *analyze.Result) answered {
	q := &r.Request
	out := answered{
		source: receipt.Source{Tier: r.Tier, Generation: r.Generation}, about: "analyze",
		parameters: map[string]string{
			"question": q.Question, "by": string(q.By), "place": q.Place, "vintage": q.Vintage, "from": q.From, "run": r.Run,
			"rules_version": r.Rules.Version, "rules_sha256": r.Rules.Digest, "table": a.table, "crs": a.crs, "layer": a.layer, "geometry": truth(a.geometry),
		},
		files: map[string]string{"previous": a.previous},
	}
	for name, value := range q.Parameters {
		out.parameters["set "+name] = value
	}
	if len(a.files) == 1 {
		out.shapes = a.files[0]
	} else {
		for _, path := range a.files {
			out.files["shapes "+filepath.Base(path)] = path
		}
	}
	return out
}
