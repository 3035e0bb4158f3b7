package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
)

// booksFlags are what info is asked for beside what an edition is.
type booksFlags struct {
	by, table, vintage, place, layers, kind, classes, out *string

	controls list
	seal     sealing
}

func newBooksFlags(fs *flags) *booksFlags {
	b := &booksFlags{
		by:      fs.String("by", "", "按政区汇总：province、prefecture、county、township、village、group|areas by place: province, prefecture, county, township, village or group"),
		table:   fs.String("table", "", "hectare：调平的公顷汇总表；classes：打印地类表|hectare: the leveled table in hectares; classes: print the table of land classes"),
		vintage: fs.String("vintage", "", "时相，默认最新|vintage (the latest)"),
		place:   fs.String("place", "", "只要这个政区代码之内|within the place of this code alone"),
		layers:  fs.String("layers", "", "图层，逗号分隔；默认全部（公顷表为 dltb）|layers, by commas (all; dltb for the hectare table)"),
		kind:    fs.String("kind", "", "CSV 按什么分：默认地类，或 total、first、broad、owner、island|what rows of CSV are: classes, or total, first, broad, owner, island"),
		classes: fs.String("classes", "", "改过的地类表|an edited table of land classes"),
		out:     fs.String("out", "", "输出文件 .json .csv .xlsx；默认打印|file to write .json .csv .xlsx (print)"),
	}
	b.seal = newSealing(fs)
	fs.Var(&b.controls, "control", "公顷表：县代码[/MSSM]=公顷，按此控制面积调平，可多次；不给则为图斑合计|hectare table: COUNTY[/MSSM]=HECTARES, the control area that it is leveled to; may be repeated (the sum of patches)")
	return b
}

// asked tells whether any of them asks for sums.
func (b *booksFlags) asked() bool { return *b.by != "" || *b.table != "" }

// unasked refuses flags that say which sums, or where to, when none are asked for.
func (b *booksFlags) unasked(fs *flags) (err error) {
	fs.Visit(func(x *flag.Flag) {
		if slices.Contains([]string{"vintage", "place", "layers", "kind", "classes", "out", "seal", "receipt"}, x.Name) {
			err = usage("FLAGS", "--%s 只与 --by 或 --table 同用", "--%s goes with --by or --table alone", x.Name)
		}
	})
	return err
}

// form is the form of the output by the ending of its file: "" for text.
func (b *booksFlags) form(e *env) (areas.Form, error) {
	if *b.out == "" {
		if e.json {
			return areas.JSON, nil
		}
		return "", nil
	}
	ending := areas.Form(strings.ToLower(strings.TrimPrefix(filepath.Ext(*b.out), ".")))
	for _, f := range areas.SummaryForms {
		if f == ending {
			return f, nil
		}
	}
	return "", usage("OUT_FORMAT", "不知道写成什么格式：%s", "no format is known for %s", *b.out)
}

// loadClasses reads the table of land classes at path, or gives the embedded one.
func loadClasses(path string) (*areas.Classes, error) {
	if path == "" {
		return areas.DefaultClasses()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("CLASSES_FILE", "地类表读不出来（%v）", "the table of classes cannot be read (%v)", err).In(path).Because(err).
			Advise("核对路径和权限；gengtu info --table classes 打印内置的表，可改后使用", "check the path and its mode; gengtu info --table classes prints the embedded table, to edit a copy of")
	}
	return areas.ParseClasses(path, data)
}

// controlAreas reads --control, which goes with the hectare table.
func (b *booksFlags) controlAreas() ([]areas.Control, error) {
	if len(b.controls) > 0 && *b.table == "" {
		return nil, usage("FLAGS", "--control 只用于 --table hectare", "--control goes with --table hectare")
	}
	var out []areas.Control
	for _, text := range b.controls {
		c, err := areas.ParseControl(text)
		if err != nil {
			return nil, usageError{problem.Of(err)}
		}
		out = append(out, c)
	}
	return out, nil
}

// infoBooks answers info with sums.
func (e *env) infoBooks(path string, b *booksFlags) error {
	if *b.table != "" && *b.table != "hectare" {
		return usage("PARAMETER_TABLE", "没有表 %.20q，有 hectare 和 classes", "there is no table %.20q; there are hectare and classes", *b.table)
	}
	if _, err := b.form(e); err != nil {
		return err
	}
	var err error
	q := areas.SummaryQuestion{By: "village", Place: *b.place}
	if *b.by != "" {
		if q.By, err = areas.ParseLevel(*b.by); err != nil {
			return usageError{problem.Of(err)}
		}
	}
	if q.Classes, err = loadClasses(*b.classes); err != nil {
		return err
	}
	if q.Controls, err = b.controlAreas(); err != nil {
		return err
	}
	ix, err := index.Open(path, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	sealer, err := b.seal.fileSealer(ix.Manifest.Tier, *b.out)
	if err != nil {
		return err
	}
	if q.Names, err = areas.PlaceNames(ix, *b.vintage); err != nil {
		return err
	}
	var names []string
	if *b.layers != "" {
		names = strings.Split(*b.layers, ",")
	} else if *b.table != "" {
		names = []string{areas.BookLayer}
	}
	layers, err := areas.SummaryLayers(ix, names, *b.vintage)
	if err != nil {
		return err
	}
	detail := areas.OfClasses
	if *b.table != "" {
		detail = areas.OfRecords
	}
	var tallies []*areas.Tally
	for _, l := range layers {
		t, err := areas.TallyOf(e.ctx, l, &ix.Manifest.Policy, detail)
		if err != nil {
			return err
		}
		tallies = append(tallies, t)
	}
	write, err := b.writer(e, q, tallies, areas.AboutOf(ix.Manifest, programVersion()))
	if err != nil {
		return err
	}
	if *b.out == "" {
		return write(e.stdout)
	}
	closeOutputs(ix.Manifest.Tier)
	if err := writeFile(*b.out, write); err != nil {
		return err
	}
	return e.sealFiles(sealer, b.answered(ix.Manifest), *b.out)
}

// writer tallies the sums and returns what writes them in the form that is asked for.
func (b *booksFlags) writer(e *env, q areas.SummaryQuestion, tallies []*areas.Tally, about areas.About) (func(io.Writer) error, error) {
	form, err := b.form(e)
	if err != nil {
		return nil, err
	}
	if *b.table != "" {
		tables, err := areas.Hectares(q, tallies[0])
		if err != nil {
			return nil, err
		}
		return func(w io.Writer) error {
			if form == "" {
				return tables[0].WriteText(w, e.lang)
			}
			return areas.WriteHectares(w, tables, form, about)
		}, nil
	}
	s, err := areas.Summarise(q, tallies)
	if err != nil {
		return nil, err
	}
	s.Generation, s.Program, s.Tier = about.Generation, about.Program, about.Tier
	kind, err := areas.ParseKind(*b.kind)
	if err != nil {
		return nil, usageError{problem.Of(err)}
	}
	return func(w io.Writer) error {
		switch {
		case form == "":
			return s.WriteText(w, q.Classes, e.lang)
		case form == areas.CSV && kind != "":
			return areas.WriteGroups(w, s, kind)
		}
		return areas.WriteSummary(w, s, form, about)
	}, nil
}

// answered is what was asked, as receipts have it.
func (b *booksFlags) answered(m *edition.Manifest) answered {
	return answered{
		source: receipt.Source{Tier: m.Tier, Generation: m.Generation}, about: "summary",
		parameters: map[string]string{
			"by": *b.by, "table": *b.table, "vintage": *b.vintage, "place": *b.place, "layers": *b.layers, "kind": *b.kind,
			"controls": strings.Join(b.controls, ","),
		},
		files: map[string]string{"classes": *b.classes},
	}
}
