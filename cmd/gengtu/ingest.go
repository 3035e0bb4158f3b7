package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/policy"
	"gengtu/tileserver/tileset"
)

// reading are the flags of the verbs that read deliveries.
type reading struct {
	layers, attributes list
	delivery           string
	found              *ingest.Delivery // in the folder of delivery
	crs, swapXY        list
	encoding, vintage  string
	strict             bool
	report             string
	profiles           string
	workers            int
	slivers            float64
	mayBeEmpty         list
}

func (f *reading) define(fs *flags) {
	fs.Var(&f.crs, "crs", "坐标系，如 EPSG:4524，代替文件自带的；只对一个文件：文件=EPSG:4524，可多次|coordinate system instead of the files' own, such as EPSG:4524; of one file alone: FILE=EPSG:4524, may be repeated")
	fs.Var(&f.swapXY, "swap-xy", "此文件（all 为全部）东、北坐标颠倒：互换后读入，可多次|a file, or all, whose eastings and northings are exchanged: read the other way round; may be repeated")
	fs.StringVar(&f.encoding, "encoding", "", "shapefile 的文字编码，如 GBK|encoding of text in shapefiles, such as GBK")
	fs.StringVar(&f.vintage, "vintage", "", "时相，如 2024|vintage, such as 2024")
	fs.BoolVar(&f.strict, "strict", false, "不修复，有一个要素不合格就整个失败|mend nothing; any refused feature fails the run")
	fs.StringVar(&f.report, "report", "", "报告写到此文件（.json 或 .txt）|write the report to this file (.json or .txt)")
	fs.Var(&f.attributes, "attributes", "图层=文件.csv：按编号连上的属性表，可多次|LAYER=FILE.csv, attributes joined by business key; may be repeated")
	fs.StringVar(&f.profiles, "profiles", "", profilesUsage)
	workersFlag(fs, &f.workers)
}

// defineSlivers defines the flag of the verbs that see a whole layer.
func (f *reading) defineSlivers(fs *flags) {
	fs.Float64Var(&f.slivers, "mend-slivers", 0, "不超过此宽度（米）的缝隙和重叠并到相邻图斑，0 为不并|close gaps and overlaps of up to this width, in metres; 0 closes none")
}

func (f *reading) options(e *env, tier edition.Tier, p *progress) (ingest.Options, error) {
	opt := ingest.Options{Tier: tier, Encoding: f.encoding, Strict: f.strict, Workers: f.workers, Progress: func(x ingest.Progress) {
		p.tell(e.pick("读入 ", "reading ")+x.Layer, x.Done, x.Total)
	}}
	opt.SwapXY, opt.MayBeEmpty = f.swapXY, f.mayBeEmpty
	for _, text := range f.crs {
		one, err := ingest.ParseSystem(text)
		switch {
		case err != nil:
			return opt, usageError{problem.Of(err)}
		case one.Path == "" || one.Path == ingest.AllFiles:
			opt.CRS = &one.CRS
		default:
			opt.Systems = append(opt.Systems, one)
		}
	}
	var err error
	if opt.Profiles, err = loadProfiles(f.profiles); err != nil {
		return opt, err
	}
	opt.Attributes, err = f.tables()
	return opt, err
}

// widest is the greatest width, in metres, of slivers that may be mended: what is wider is
// land.
const widest = 1

// sliverWidth checks --mend-slivers.
func (f *reading) sliverWidth() (float64, error) {
	switch {
	case !(f.slivers >= 0 && f.slivers <= widest):
		return 0, usage("SLIVER_WIDTH", "--mend-slivers 只能取 0 到 %d 米", "--mend-slivers takes 0 to %d metres", widest)
	case f.slivers > 0 && f.strict:
		return 0, usage("SLIVER_STRICT", "--strict 什么都不修复，不能与 --mend-slivers 同用", "--strict mends nothing; it does not go with --mend-slivers")
	}
	return f.slivers, nil
}

// mender returns what closes slivers while a delivery is read, nil when none are to be.
func (f *reading) mender() (*check.Checker, error) {
	width, err := f.sliverWidth()
	if err != nil || width == 0 {
		return nil, err
	}
	rules, err := check.LoadRules("")
	if err != nil {
		return nil, err
	}
	return check.New(check.Options{Rules: check.Slivers(rules), MendM: width})
}

func (f *reading) inputs() ([]ingest.Input, error) {
	if err := f.badVintage(); err != nil {
		return nil, err
	}
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	var out []ingest.Input
	for _, text := range f.layers {
		in, err := ingest.ParseInput(text, f.vintage, exists)
		if err != nil {
			return nil, usageError{problem.Of(err)}
		}
		out = append(out, in)
	}
	return out, nil
}

func runIngest(e *env, fs *flags) error {
	var f reading
	f.define(fs)
	f.defineDelivery(fs)
	f.defineSlivers(fs)
	fs.Var(&f.layers, "layer", "NAME[@VINTAGE]=PATH[#TABLE]，可多次|NAME[@VINTAGE]=PATH[#TABLE], may be repeated")
	out := fs.String("out", "", "版本目录|the edition's directory")
	fs.Var(&f.mayBeEmpty, "allow-empty", "此图层可以一个要素也没有，虽然版本里原来有；可多次|a layer that may come without features although the edition has some; may be repeated")
	add := fs.Bool("add", false, "版本已有的图层和时相照旧，只加入新的时相或图层|keep the layers and vintages that the edition has, and add these")
	tierName := fs.String("tier", "secure", "版别|tier")
	zooms := fs.String("zooms", "5-14", "预先建好的级别|zooms built beforehand")
	var keep int
	keepFlag(fs, &keep)
	memory := memoryFlag(fs)
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if err := need("out", *out); err != nil {
		return err
	}
	if len(f.layers) == 0 && f.delivery == "" {
		return need("layer", "")
	}
	tier, err := edition.ParseTier(*tierName)
	if err != nil {
		return usageError{problem.Of(err)}
	}
	if tier != edition.Secure {
		return usage("INGEST_TIER", "交来的数据只能先进 secure 版", "deliveries go into a secure edition first")
	}
	lo, hi, err := zoomRange(*zooms)
	if err != nil {
		return err
	}
	inputs, err := f.inputs()
	if err != nil {
		return err
	}
	bytes, err := byteSize(*memory)
	if err != nil {
		return err
	}
	if inputs, err = e.addDelivery(&f, inputs); err != nil {
		return err
	}
	if *add {
		zoomed := false
		fs.Visit(func(x *flag.Flag) { zoomed = zoomed || x.Name == "zooms" })
		return f.besides(e.ingestMore(&f, inputs, *out, &extending{keepZooms: !zoomed, zooms: [2]int{lo, hi}, building: building{keep: keep, workers: f.workers, memory: bytes, stages: &stages{}}}))
	}
	return f.besides(e.ingest(&f, inputs, *out, [2]int{lo, hi}, building{keep: keep, workers: f.workers, memory: bytes, stages: &stages{}}))
}

// intake is the taking in of deliveries.
type intake struct {
	opt    ingest.Options
	mender *check.Checker // nil when nothing is mended by it
}

// intake begins the stage of reading, which close ends.
func (e *env) intake(f *reading, w building, p *progress) (*intake, error) {
	opt, err := f.options(e, edition.Secure, p)
	if err != nil {
		return nil, err
	}
	in := &intake{opt: opt}
	in.opt.MemoryBytes = w.memory
	in.opt.Writing = func() {
		w.stages.begin(stageIndex)
		p.tell(e.pick("索引", "index"), 0, 0)
	}
	if in.mender, err = f.mender(); err != nil {
		return nil, err
	}
	if in.mender != nil {
		in.opt.Inspector = in.mender
	}
	w.stages.begin(stageRead)
	return in, nil
}

func (in *intake) close() {
	if in.mender != nil {
		_ = in.mender.Close() // a passing file
	}
}

func (e *env) ingest(f *reading, inputs []ingest.Input, out string, zooms [2]int, w building) error {
	p := e.progress()
	defer p.end()
	in, err := e.intake(f, w, p)
	if err != nil {
		return err
	}
	defer in.close()
	d, err := edition.Begin(out)
	if err != nil {
		return err
	}
	defer d.Abort()
	if in.opt.Registers, err = registersOf(out); err != nil {
		return err
	}
	before := replacedAt(out)
	in.opt.Before = before.layers()
	layers, rep, err := ingest.Run(e.ctx, inputs, d.File(edition.FeaturesFile), in.opt)
	p.end()
	rep.Edition = out
	if err != nil {
		return errors.Join(err, e.giveReport(newTimedReport(rep, f.found, nil), f.report))
	}
	m := &edition.Manifest{Tier: edition.Secure, Layers: layers, BuiltZooms: zooms, MaxZoom: tileset.MaxZoom, Policy: policy.Everything()}
	if err := e.complete(d, m, w); err != nil {
		return err
	}
	rep.Generation = m.Generation
	w.stages.note(e)
	e.tellUndated(rep)
	e.tellLost(before, m, [2]string{"要留着就用 ingest --add 入库", "ingest --add keeps them"})
	return e.giveReport(newTimedReport(rep, f.found, w.stages.list), f.report)
}

// registersOf returns the registers of the edition at dir: what was given once is known
// for ever. There are none where there is no edition.
func registersOf(dir string) ([]*index.Register, error) {
	if _, err := os.Stat(filepath.Join(dir, edition.CurrentFile)); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	name, m, err := edition.Current(dir)
	if err != nil {
		return nil, nil //nolint:nilerr // an edition that cannot be read is replaced, as it was before there were registers
	}
	base, err := index.OpenBase(edition.Path(dir, name), m)
	if err != nil {
		return nil, lostRegisters(m, err)
	}
	all, err := base.Registers()
	return all, lostRegisters(m, errors.Join(err, base.Close()))
}

// lostRegisters returns err where registers are lost with the generation that m describes:
// one without codes is replaced, however damaged it is.
func lostRegisters(m *edition.Manifest, err error) error {
	for i := range m.Layers {
		if slices.ContainsFunc(m.Layers[i].Fields, func(f edition.Field) bool { return f.Scheme != "" }) {
			return err
		}
	}
	return nil
}

// giveReport prints the report, and writes it to a file when one is asked for.
func (e *env) giveReport(rep timedReport, path string) error {
	read := 0
	for _, l := range rep.Layers {
		read += l.Read
	}
	if read == 0 && rep.Generation == "" {
		return nil // nothing was taken in; the error says why
	}
	return e.writeReport(rep, path)
}

// report is what a verb tells when it is done; as JSON it is what it holds.
type report interface {
	Write(w io.Writer, lang problem.Lang) error
}

// writeReport prints a report, and writes it to a file when one is asked for.
func (e *env) writeReport(rep report, path string) error {
	write := func(w io.Writer, asJSON bool) error {
		if !asJSON {
			return rep.Write(w, e.lang)
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(rep)
	}
	if path != "" {
		closeOutputs(edition.Secure) // it names records of a delivery
		if err := writeFile(path, func(w io.Writer) error { return write(w, strings.EqualFold(filepath.Ext(path), ".json")) }); err != nil {
			return err
		}
	}
	return write(e.stdout, e.json)
}
