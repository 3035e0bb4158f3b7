package main

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gengtu/index"
	"gengtu/index/compare"
	"gengtu/index/problem"
	"gengtu/index/receipt"
)

// diffEndings are the forms by the ending of the file; "" is standard output.
var diffEndings = map[string]compare.Form{
	"": compare.JSON, ".json": compare.JSON, ".csv": compare.CSV, ".geojson": compare.GeoJSON, ".xlsx": compare.XLSX,
}

func runDiff(e *env, fs *flags) error {
	dir := fs.String("edition", "", "版本目录，比较其中的两个时相|the edition whose vintages are compared")
	layer := fs.String("layer", "", "图层，默认依次为 dltb、cropland、第一个双方都有的|layer; dltb, cropland or the first other that both hold")
	class := fs.String("by", "", "矩阵按此字段分类，默认地类|field that the matrix tells apart; the layer's class")
	ignore := fs.String("ignore", strings.Join(compare.DefaultIgnored, ","), "不比较的字段，逗号分隔|fields that are not compared, separated by commas")
	out := fs.String("out", "", "输出文件 .json .csv（变化清单）.flows.csv（流量矩阵）.geojson .xlsx|the file to write: .json, .csv (the changes), .flows.csv (the matrix), .geojson, .xlsx")
	workers := fs.Int("workers", 0, "并行数，0 为全部处理器|goroutines at work, 0 for all processors")
	sealed := newSealing(fs)
	args, err := fs.parse(2, 2)
	if err != nil {
		return err
	}
	form, ok := diffEndings[strings.ToLower(filepath.Ext(*out))]
	if strings.HasSuffix(strings.ToLower(*out), "."+string(compare.Flows)) {
		form = compare.Flows
	}
	if !ok {
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q，可用 .json .csv .flows.csv .geojson .xlsx", "the ending %q is no format; there are .json .csv .flows.csv .geojson .xlsx", filepath.Ext(*out))
	}
	d := &diffing{env: e}
	defer d.close()
	for i, text := range args {
		if err := d.open(i, *dir, text); err != nil {
			return err
		}
	}
	if err := d.find(*layer); err != nil {
		return err
	}
	if err := compare.Comparable(d.indexes[0].Manifest.Tier, d.indexes[1].Manifest.Tier); err != nil {
		return err
	}
	sealer, err := sealed.fileSealer(d.indexes[1].Manifest.Tier, *out)
	if err != nil {
		return err
	}
	opt := compare.Options{Class: *class, Workers: *workers, Ignored: []string{}}
	for _, ix := range d.indexes {
		opt.RoundM2 = max(opt.RoundM2, ix.Manifest.Policy.RoundM2)
	}
	if *ignore != "" {
		opt.Ignored = strings.Split(*ignore, ",")
	}
	r, err := compare.Layers(e.ctx, d.layers[0], d.layers[1], opt)
	if err != nil {
		return err
	}
	d.name(r)
	if *out == "" {
		if e.json {
			return r.Write(e.ctx, e.stdout, compare.JSON, compare.Whole)
		}
		return d.tell(r)
	}
	closeOutputs(d.indexes[1].Manifest.Tier)
	if err := writeFile(*out, func(w io.Writer) error { return r.Write(e.ctx, w, form, compare.Whole) }); err != nil {
		return err
	}
	if err := e.sealFiles(sealer, d.answered(r, map[string]string{"by": *class, "ignore": *ignore}), *out); err != nil {
		return err
	}
	return d.tell(r)
}

// diffing is one run of the verb: two states, each of an edition of its own or of one.
type diffing struct {
	*env
	indexes [2]*index.Index
	layers  [2]*index.Layer
	dirs    [2]string
	// names and vintages are what the states say of their layers, "" of what they do not.
	names, vintages [2]string
}

func (d *diffing) close() {
	for _, ix := range d.indexes {
		if ix != nil {
			_ = ix.Close() // only read
		}
	}
}

// open opens a state. With --edition it is LAYER@VINTAGE, @VINTAGE or a generation of
// the edition; without, the directory of an edition, DIR or DIR#GENERATION, and behind
// it, as in --layer, @VINTAGE.
func (d *diffing) open(i int, dir, text string) error {
	generation := ""
	name, vintage, dated := strings.Cut(text, "@")
	switch {
	case dir == "":
		if at := strings.LastIndexByte(text, '@'); at > 0 && !isDir(text) {
			text, d.vintages[i] = text[:at], text[at+1:]
		}
		if at := strings.LastIndexByte(text, '#'); at > 0 && !isDir(text) {
			text, generation = text[:at], text[at+1:]
		}
		dir = text
	case dated:
		d.names[i], d.vintages[i] = name, vintage
	default:
		generation = text
	}
	ix, err := index.Open(dir, generation)
	if err != nil {
		return err
	}
	d.indexes[i], d.dirs[i] = ix, dir
	return nil
}

// find finds the layers of the states that are open: the one that a state names itself,
// else layer, else the other state's, else [compare.DefaultLayer].
func (d *diffing) find(layer string) error {
	for i, ix := range d.indexes {
		var err error
		name := cmp.Or(d.names[i], layer, d.names[1-i])
		if name == "" {
			if name, err = compare.DefaultLayer(d.indexes[0], d.indexes[1]); err != nil {
				return err
			}
		}
		if d.layers[i], err = ix.FindLayer(name, d.vintages[i]); err != nil {
			return problem.Of(err).In(d.dirs[i])
		}
	}
	return nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// name says which editions the states are of.
func (d *diffing) name(r *compare.Result) {
	for i, s := range []*compare.State{&r.From, &r.To} {
		m := d.indexes[i].Manifest
		s.Edition, s.Tier, s.Generation = d.dirs[i], m.Tier, m.Generation
	}
}

// answered is what was asked, as receipts have it: the generation is that of the later
// state.
func (d *diffing) answered(r *compare.Result, parameters map[string]string) answered {
	parameters["layer"] = r.From.Layer
	parameters["from"], parameters["to"] = r.From.Vintage+"@"+r.From.Generation, r.To.Vintage+"@"+r.To.Generation
	return answered{source: receipt.Source{Tier: r.To.Tier, Generation: r.To.Generation}, about: "diff", parameters: parameters}
}

// tell prints the counts and the flows.
func (d *diffing) tell(r *compare.Result) error {
	p := d.pick
	for _, s := range []compare.State{r.From, r.To} {
		d.printf("%s@%s  %s  %s %d  %s %.2f m²\n", s.Layer, s.Vintage, s.Generation, p("要素", "features"), s.Features, p("地面", "ground"), s.GroundM2)
	}
	c := &r.Counts
	d.printf(p("新增 %d，删除 %d（其中换号 %d），图形变化 %d，属性变化 %d，都变 %d，未变 %d\n",
		"added %d, removed %d (renumbered %d), geometry %d, attributes %d, both %d, unchanged %d\n"),
		c.Added, c.Removed, c.Renumbered, c.Geometry, c.Attribute, c.Both, c.Unchanged)
	for _, f := range r.Fields {
		if f.Changed > 0 {
			d.printf("  %-10s %d\n", f.Field, f.Changed)
		}
	}
	m := &r.Matrix
	d.printf(p("地类未变 %.2f m²，改变 %.2f m²，减少 %.2f m²，增加 %.2f m²\n", "same class %.2f m², other class %.2f m², lost %.2f m², gained %.2f m²\n"),
		m.SameM2, m.MovedM2, m.LostM2, m.GainedM2)
	for i := range m.Flows {
		f := &m.Flows[i]
		if f.From != nil && f.To != nil && *f.From == *f.To {
			continue
		}
		from, to := f.Names()
		d.printf("  %-6s → %-6s %16.2f m² %14.4f %s\n", from, to, f.AreaM2, f.AreaMu, p("亩", "mu"))
	}
	return nil
}
