package main

import (
	"slices"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// addChecked adds each table of a file as the layer that it looks like, or as
// layer when that is given.
func (e *env) addChecked(f *reading, path, layer string) error {
	known, err := loadProfiles(f.profiles)
	if err != nil {
		return err
	}
	tables, err := source.Tables(path)
	if err != nil {
		return err
	}
	lines, err := source.LineTables(path)
	if err != nil {
		return err
	}
	before := len(f.layers)
	for _, t := range lines {
		if name := lineLayer(known, t); name != "" && layer == "" {
			f.layers = append(f.layers, name+"="+path+"#"+t)
		}
	}
	if len(tables) == 0 && len(f.layers) == before {
		return problem.New("CHECK_TABLES", "只有没有图形的表", "it has tables without geometry alone").In(path).
			Advise("属性表用 --attributes 连到图层", "join a table to a layer with --attributes")
	}
	for _, t := range tables {
		name, suffix := layer, ""
		if len(tables) > 1 {
			suffix = "#" + t
		} else {
			t = ""
		}
		if name == "" {
			name = lineLayer(known, path)
		}
		if name == "" {
			d, err := ingest.Describe(e.ctx, known, path, source.Options{Table: t, Encoding: f.encoding})
			if err != nil {
				return err
			}
			name = d.Layer
		}
		f.layers = append(f.layers, name+"="+path+suffix)
	}
	return nil
}

// lineLayer returns the layer of lines that a name is of, "" for none.
func lineLayer(known *profiles.Set, name string) string {
	if named := known.Find(name); len(named) == 1 && named[0].Profile.Geometry == profiles.Line {
		return named[0].Profile.Name
	}
	return ""
}

func runCheck(e *env, fs *flags) error {
	var f reading
	f.define(fs)
	var j judging
	j.define(fs)
	f.defineDelivery(fs)
	f.defineSlivers(fs)
	fs.Lookup("report").Usage = "报告写进此目录（网页、JSON、问题位置 shapefile），或写到此文件（.json 或 .txt）|write the report into this folder (page, JSON, shapefiles of fault places), or to this file (.json or .txt)"
	layer := fs.String("layer", "", "当作哪个图层；不给则按字段猜|the layer to take it as; guessed by its fields otherwise")
	rulesFile := fs.String("rules", "", "规则文件，代替内置的|rules in the place of the embedded ones")
	printRules := fs.Bool("print-rules", false, "打印内置规则|print the embedded rules")
	listed := fs.Int("listed", check.DefaultListed, "每条规则最多列出几处|faults listed for each rule")
	paths, err := fs.parse(0, -1)
	if err != nil {
		return err
	}
	if *printRules {
		_, err := e.stdout.Write(check.RulesText())
		return err
	}
	if len(paths) == 0 && f.delivery == "" {
		return usage("FLAG_MISSING", "缺少要检查的文件，或用 --delivery 给出文件夹", "the files to check are missing, or --delivery with a folder")
	}
	if len(paths) == 0 && *layer != "" {
		return usage("FLAGS", "--layer 说明所给文件是哪个图层，这里没有给文件：写作 gengtu check --delivery 文件夹 --layer dltb 文件，文件夹里这一图层的别的文件就不查了", "--layer says what layer the files given are, and none is: gengtu check --delivery DIR --layer dltb FILE takes that file and no other of the folder as the layer")
	}
	rules, err := check.LoadRules(*rulesFile)
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := e.addChecked(&f, path, *layer)
		if p := problem.Of(err); p != nil && e.ctx.Err() == nil {
			j.unread = append(j.unread, p)
		} else if err != nil {
			return err
		}
	}
	inputs, err := f.inputs()
	if err == nil {
		inputs, err = e.addDelivery(&f, inputs)
	}
	if err != nil {
		return err
	}
	if f.found != nil {
		inputs = append(inputs, f.found.TakeLines(f.vintage)...)
	}
	p := e.progress()
	defer p.end()
	opt, err := f.options(e, edition.Secure, p)
	if err != nil {
		return err
	}
	width, err := f.sliverWidth()
	if err != nil {
		return err
	}
	j.check = check.Options{Rules: rules, Profiles: opt.Profiles, Listed: *listed, MendM: width, Expected: expected(&f, inputs, len(j.unread) > 0)}
	j.delivery, j.read, j.files, j.layer, j.rules = f.found, p.end, paths, *layer, *rulesFile
	if f.delivery != "" {
		j.files = append(j.files, f.delivery)
	}
	return e.judge(inputs, opt, j, f.report)
}

// expected returns the layers that must be there: of a whole delivery that has places, the
// patches in them. Where a file could not be opened none is missed: it may be the one.
func expected(f *reading, inputs []ingest.Input, unread bool) []string {
	places := slices.ContainsFunc(inputs, func(in ingest.Input) bool { return in.Layer == edition.Region || in.Layer == "cjdcq" })
	if f.delivery == "" || !places || unread {
		return nil
	}
	return []string{"dltb"}
}
