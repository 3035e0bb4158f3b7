package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/codes"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/coding"
	"gengtu/tileserver/tileset"
)

func runCodes(e *env, fs *flags) error {
	c := &coder{env: e}
	fs.StringVar(&c.dir, "edition", "", "版本目录|the edition's directory")
	layer := fs.String("layer", coding.Layer, "给码的图层，只有 cropland|the layer whose features get codes: cropland")
	var vintages list
	fs.Var(&vintages, "vintage", "只给此时相编码，可多次，默认全部；已有码的时相总在内|this vintage alone, may be repeated; all where it is left out. Those that have codes always take part")
	rules := fs.String("rules", "", "规则文件，默认内置|the rules file; the embedded one where it is left out")
	fs.BoolVar(&c.replace, "replace", false, "换掉交来的数据自带的编码|take codes away that the delivery brought along")
	fs.StringVar(&c.out, "out", "", "码与沿革的表 .csv .xlsx|table of codes and their lineage: .csv or .xlsx")
	check := fs.String("check", "", "核对一个空间码的校验位，给出 --edition 时说它是什么|check a code; with --edition say what it is")
	lineage := fs.String("lineage", "", "一个空间码的沿革|what became of a code")
	keepFlag(fs, &c.building.keep)
	memory := memoryFlag(fs)
	workersFlag(fs, &c.building.workers)
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	var err error
	if c.building.memory, err = byteSize(*memory); err != nil {
		return err
	}
	if c.rules, err = codeRules(*rules); err != nil {
		return err
	}
	switch {
	case *layer != coding.Layer && *layer != "dltb":
		return usage("CODES_LAYER", "只给耕地编码：--layer 取 %[1]s，不取 %.40[2]q", "cropland alone has codes: --layer is %[1]s, not %.40[2]q", coding.Layer, *layer)
	case c.out != "" && tableEnding(c.out) == nil:
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q，可用 .csv .xlsx", "the ending %q is no format; there are .csv .xlsx", filepath.Ext(c.out))
	case *check != "" && c.dir == "":
		return c.check(*check)
	}
	if err := need("edition", c.dir); err != nil {
		return err
	}
	if *check != "" || *lineage != "" {
		return c.tell(*check, *lineage)
	}
	c.vintages = vintages
	return c.run()
}

// codeRules reads the rules of a file, or the embedded ones.
func codeRules(path string) (*analyze.Rules, error) {
	if path == "" {
		return analyze.DefaultRules()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.New("ANALYZE_RULES", "规则文件读不出来（%v）", "the rules file cannot be read (%v)", err).In(path).Because(err).
			Advise("核对 --rules 的路径", "check the path that --rules names")
	}
	return analyze.ParseRules(path, data)
}

// coder is one run of the verb.
type coder struct {
	*env
	dir, out string
	vintages []string
	rules    *analyze.Rules
	replace  bool
	building building
	plan     *coding.Plan
}

// errNothing says that all codes are as they should be.
var errNothing = errors.New("nothing changes")

// run gives codes, and puts a generation with them in force where there is none.
func (c *coder) run() error {
	p := c.progress()
	defer p.end()
	c.building.stages = &stages{}
	m, err := c.revise(p)
	if m == nil && err == nil {
		m, err = c.rebuild(p)
	}
	p.end()
	if err != nil && !errors.Is(err, errNothing) {
		return err
	}
	rep := &codesReport{&c.plan.Report}
	rep.Edition = c.dir
	if m != nil {
		rep.Generation = m.Generation
		c.building.stages.note(c.env)
	} else if rep.Generation, _, err = edition.Current(c.dir); err != nil {
		return err
	}
	if err := c.writeReport(rep, ""); err != nil || c.out == "" {
		return err
	}
	return c.table(rep.Generation)
}

// rebuild gives codes in an edition that has none in some layer: every feature is written
// anew.
func (c *coder) rebuild(p *progress) (*edition.Manifest, error) {
	c.building.before = func(*edition.Manifest) error { return coding.Enter(c.dir, c.plan.Register) }
	c.building.stages.begin(stageRead)
	m, err := c.extend(c.dir, &extending{keepZooms: true, building: c.building}, func(base *index.Base, path string) ([]edition.Layer, error) {
		defer p.end()
		return c.write(base, path, p)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// revise gives codes in an edition that has some, as an update is made; a nil manifest says
// that all is to be written anew.
func (c *coder) revise(p *progress) (*edition.Manifest, error) {
	_, old, err := edition.Current(c.dir)
	if err != nil || old.Tier != edition.Secure || old.Drawing != tileset.Drawing || !hasCodes(old) {
		return nil, err
	}
	d, err := edition.Begin(c.dir)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	name, old, err := edition.Current(c.dir)
	if err != nil {
		return nil, err
	}
	u := &updating{env: c.env, dir: c.dir, building: c.building, draft: d, old: old, from: edition.Path(c.dir, name), progress: p}
	u.work.begin()
	if err := u.take(); err != nil {
		return nil, err
	}
	base, err := index.OpenBase(u.from, old)
	if err != nil {
		return nil, err
	}
	err = c.change(u, base)
	if cerr := base.Close(); cerr != nil {
		return nil, cerr
	}
	if err != nil || u.manifest == nil {
		return nil, err
	}
	if err := coding.Enter(c.dir, c.plan.Register); err != nil {
		return nil, err
	}
	return u.manifest, d.Commit(u.manifest, c.building.keep)
}

// change makes the draft of u the generation with codes, or leaves its manifest nil where
// that takes writing all anew.
func (c *coder) change(u *updating, base *index.Base) error {
	registers, err := c.decide(base, u.progress)
	if err != nil || !c.plan.Revises() {
		return err
	}
	deltas, err := c.plan.Deltas(c.ctx, base)
	if err != nil {
		return err
	}
	u.registers, u.update.Generation = registers, u.old.Generation
	return u.write(base, deltas)
}

// hasCodes tells whether a layer of an edition has codes.
func hasCodes(m *edition.Manifest) bool {
	return slices.ContainsFunc(m.Layers, func(l edition.Layer) bool {
		return slices.ContainsFunc(l.Fields, func(f edition.Field) bool { return f.Scheme != "" })
	})
}

// decide plans the codes, and returns the registers that the edition is to have; errNothing
// where nothing changes.
func (c *coder) decide(base *index.Base, p *progress) (registers []*index.Register, err error) {
	ix, err := index.OpenFiles(edition.Path(c.dir, base.Manifest.Generation), base.Manifest)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := ix.Close(); cerr != nil {
			err = cerr
		}
	}()
	held, err := base.Registers()
	if err != nil {
		return nil, err
	}
	floor, err := coding.Floor(c.dir)
	if err != nil {
		return nil, err
	}
	r := &c.rules.Codes
	c.plan, err = coding.NewPlan(c.ctx, ix, coding.Of(held), coding.Options{
		Scheme: r.Scheme(), Field: r.Field, GroupLayers: r.Layers, LeastShare: r.LeastShare.Value,
		Vintages: c.vintages, Replace: c.replace, Floor: floor, Workers: c.building.workers,
		Tell: func(v string) { p.tell(c.pick("编码 ", "codes ")+v, 0, 0) },
	})
	if err != nil {
		return nil, err
	}
	rep := &c.plan.Report
	rep.Confirmed, rep.Rules = r.Confirmed(), c.rules.Version.Version
	if !c.plan.Changed() {
		return nil, errNothing
	}
	return c.plan.Registers(held), nil
}

// write writes the features with their codes.
func (c *coder) write(base *index.Base, path string, p *progress) ([]edition.Layer, error) {
	registers, err := c.decide(base, p)
	if err != nil {
		return nil, err
	}
	c.building.stages.begin(stageIndex)
	return ingest.Extend(c.ctx, base, path, ingest.Options{
		Tier: base.Manifest.Tier, MemoryBytes: c.building.memory, Registers: registers, Alter: c.plan.Alter,
	}, func(*index.Writer) error { return nil })
}

// table writes what every code was in every year, as it is in force.
func (c *coder) table(generation string) error {
	ix, err := index.Open(c.dir, generation)
	if err != nil {
		return err
	}
	of, err := coding.ContractsOf(c.ctx, ix, c.plan.Register, c.building.workers)
	if err = errors.Join(err, ix.Close()); err != nil {
		return err
	}
	closeOutputs(edition.Secure)
	return writeFile(c.out, tableEnding(c.out)(c.ctx, c.plan.Register, of))
}

// check judges a code by the rules alone.
func (c *coder) check(code string) error {
	s := c.rules.Codes.Scheme()
	if p := s.Verify(code); p != nil {
		return p
	}
	group, n, _ := s.Split(code)
	c.printf(c.pick("%s 校验位正确：%s 村，社 %s，顺序号 %d\n", "%s is sound: village %s, group %s, number %d\n"), code, group[:s.Place], group[s.Place:], n)
	return nil
}

// tell says what a code of the edition was.
func (c *coder) tell(check, lineage string) error {
	name, m, err := edition.Current(c.dir)
	if err != nil {
		return err
	}
	base, err := index.OpenBase(edition.Path(c.dir, name), m)
	if err != nil {
		return err
	}
	registers, err := base.Registers()
	if err = errors.Join(err, base.Close()); err != nil {
		return err
	}
	stored := coding.Of(registers)
	if stored == nil {
		return problem.New("CODES_NONE", "此版没有空间码的登记", "the edition has no register of 空间码").In(c.dir).
			Advise("涉密版用 gengtu codes --edition %[1]s 编码；登记不下到低版", "give codes in the secure edition with gengtu codes --edition %[1]s; the register does not go down to lower ones", c.dir)
	}
	r, err := coding.Read(stored)
	if err != nil {
		return err
	}
	code := lineage
	if code == "" {
		code = check
	}
	if p := r.Scheme.Verify(code); p != nil {
		return p
	}
	if r.Of(code) == nil {
		return problem.New("CODES_UNKNOWN", "空间码 %s 校验位正确，但从未发出", "空间码 %s is sound, but was never given", code).In(c.dir)
	}
	ix, err := index.Open(c.dir, name)
	if err != nil {
		return err
	}
	of, err := coding.ContractsOf(c.ctx, ix, r, 0)
	if err = errors.Join(err, ix.Close()); err != nil {
		return err
	}
	return c.writeReport(&lineageReport{code, coding.Rows(r, code, of), relatives(r, code)}, "")
}

// relatives lists the codes that one came from or went to.
func relatives(r *codes.Register, code string) []string {
	var out []string
	for _, e := range r.Of(code) {
		out = append(out, e.Others...)
	}
	return out
}

func groupWord(by string) (zh, en string) {
	switch by {
	case "polygon":
		return "社由图形定", "group by its polygon"
	case "unit":
		return "社由 14 位代码定", "group by a code of 14 digits"
	}
	return "没有社，记 00", "no group known: 00"
}

// eventsLine tells counts of kinds in their order.
func eventsLine(events map[codes.Kind]int, lang problem.Lang) string {
	var out []string
	for _, k := range []codes.Kind{codes.New, codes.Split, codes.Merge, codes.Edit, codes.Renumber, codes.Retired} {
		if n := events[k]; n > 0 {
			t := k.Title()
			word := t.En
			if lang == problem.Chinese {
				word = t.Zh
			}
			out = append(out, fmt.Sprintf("%s %d", word, n))
		}
	}
	return strings.Join(out, ", ")
}
