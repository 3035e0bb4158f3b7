package ingest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// Delivery is what was found in a folder, by the names that the profiles give files
// and tables.
type Delivery struct {
	Dir string `json:"dir"`
	// Vintage is what the name of the folder itself says, "" when it says none. It is that
	// of the files whose own name or folder says none, unless the user says another.
	Vintage string `json:"vintage,omitempty"`
	// Taken is in the order of layers and paths.
	Taken []Taken `json:"taken"`
	// Lines are layers of lines, which a check judges and no run stores; they stand in
	// Aside, too.
	Lines []Taken `json:"lines,omitempty"`
	Aside []Aside `json:"aside"`
	// Others counts files that are no map data: documents, tables, metadata.
	Others int `json:"others"`
}

// Taken is a file, or a table of one, that is taken as a layer.
type Taken struct {
	Layer string `json:"layer"`
	// Vintage is what the name of the file or of a folder says, "" when they say none.
	Vintage string `json:"vintage,omitempty"`
	Path    string `json:"path"`
	Table   string `json:"table,omitempty"`
}

// Aside is map data that is not taken, and why.
type Aside struct {
	Path    string           `json:"path"`
	Table   string           `json:"table,omitempty"`
	Problem *problem.Problem `json:"problem"`
}

// Bounds of a folder that is searched.
const (
	deliveryFiles = 200_000
	deliveryDepth = 32
)

// found is a table whose name a profile knows.
type found struct {
	Taken
	profiles.Named
	in   string // the folder or the file with several tables that it stands in
	form string // the file's ending
}

// FindDelivery searches the folder dir, which may be a link to one, and those in it,
// follows no links there, and says what it takes as which layer by the names that the
// profiles give files and tables ([profiles.Set.Find]). Several files of one layer add up. Layers in without are there
// already: their files are left aside. So are layers that ingest does not store (lines,
// tables without geometry, update packages) and cropland beside dltb, which brings it.
// A layer that serves for another is taken as that where the folder has none of it:
// CJDCQ as region without XZQ, XM as hsf without GBZ.
//
// Problems: DELIVERY_FOLDER, DELIVERY_SIZE, DELIVERY_EMPTY, and DELIVERY_AMBIGUOUS
// where the same data seem to be there twice: under two names in one folder, or in
// two formats.
func FindDelivery(ctx context.Context, known *profiles.Set, dir string, without []string) (*Delivery, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, problem.New("DELIVERY_FOLDER", "--delivery 要的是文件夹，这里不是或不存在", "--delivery takes a folder; this is none or is not there").In(dir).
			Advise("单个文件用 --layer", "give a single file by --layer")
	}
	s := &search{ctx: ctx, known: known, without: without, delivery: &Delivery{Dir: dir, Vintage: folderVintage(dir), Taken: []Taken{}, Aside: []Aside{}}}
	if err := filepath.WalkDir(dir+string(filepath.Separator), s.visit); err != nil {
		return nil, err
	}
	s.settle()
	if err := s.ambiguous(); err != nil {
		return nil, err
	}
	for _, f := range s.found {
		s.delivery.Taken = append(s.delivery.Taken, f.Taken)
	}
	slices.SortFunc(s.delivery.Taken, func(a, b Taken) int {
		return cmp.Or(cmp.Compare(rank(a.Layer), rank(b.Layer)), cmp.Compare(a.Layer, b.Layer), edition.CompareVintages(a.Vintage, b.Vintage), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Table, b.Table))
	})
	if len(s.delivery.Taken) == 0 && len(without) == 0 {
		return nil, s.empty()
	}
	return s.delivery, nil
}

// empty is the problem of a folder in which nothing is known.
func (s *search) empty() error {
	p := problem.New("DELIVERY_EMPTY", "文件夹里没有认得的图层（%d 个数据文件不认得，%d 个其他文件）", "no layer is known in the folder (%d files of data are not known, %d others are there)", len(s.delivery.Aside), s.delivery.Others).In(s.delivery.Dir)
	if len(s.delivery.Aside) > 0 {
		a := s.delivery.Aside[0]
		return p.Advise("例如 %[1]s%[2]s：%[3]s；可用 --layer 名称=路径 指明", "for example %[1]s%[2]s: %[4]s; name them with --layer NAME=PATH",
			a.Path, hash(a.Table), a.Problem.Found(problem.Chinese), a.Problem.Found(problem.English))
	}
	return p.Advise("请核对路径", "check the path")
}

// search looks through a folder.
type search struct {
	ctx      context.Context
	known    *profiles.Set
	without  []string
	delivery *Delivery
	found    []found
	seen     int
}

// visit implements fs.WalkDirFunc.
func (s *search) visit(file string, entry fs.DirEntry, err error) error {
	file = filepath.Clean(file) // of the folder itself: it ends in a separator, so that a link is followed
	if err != nil {
		return problem.New("DELIVERY_FOLDER", "文件夹读不了：%v", "the folder cannot be read: %v", err).In(file).Because(err).
			Advise("请检查权限", "check the permissions")
	}
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if s.seen++; s.seen > deliveryFiles {
		return problem.New("DELIVERY_SIZE", "文件超过 %d 个", "there are more than %d files", deliveryFiles).In(s.delivery.Dir).
			Advise("请指到更小的文件夹", "name a smaller folder")
	}
	name, ending := entry.Name(), strings.ToLower(filepath.Ext(entry.Name()))
	hidden := strings.HasPrefix(name, ".") && file != filepath.Clean(s.delivery.Dir) || name == "__MACOSX"
	switch {
	case entry.IsDir() && ending == ".gdb":
		s.look(file, ending)
		return fs.SkipDir
	case entry.IsDir() && (hidden || s.depth(file) > deliveryDepth):
		return fs.SkipDir
	case entry.IsDir() || hidden:
	case !entry.Type().IsRegular():
		s.aside(file, "", problem.New("SOURCE_SPECIAL", "是链接或设备，不读", "is a link or a device; it is not read"))
	default:
		s.file(file, ending)
	}
	return nil
}

// errForeign is said of map data in a format of others, and of their archives.
var errForeign = problem.New("DELIVERY_FORMAT", "可能含地图数据，但此格式读不了", "it may hold map data, in a format that is not read").
	Advise("转成可读的格式，压缩包请先解开", "convert it to a format that is read; unpack an archive")

// file looks at a regular file, or says why not. Nothing that may be of a map is merely
// counted.
func (s *search) file(file, ending string) {
	switch source.EndingOf(file).Holds {
	case source.HoldsLayers, source.HoldsShapes:
		s.look(file, ending)
	case source.HoldsForeign:
		s.aside(file, "", errForeign)
	case source.HoldsTable:
		if ending == ".csv" { // reports of sums, as a rule
			s.delivery.Others++
		} else if source.IsTable(file) {
			s.aside(file, "", problem.New("DELIVERY_TABLE", "没有图形的表", "a table without geometry"))
		}
	case source.HoldsCompanion: // of what is looked at under its own name
	default:
		s.delivery.Others++
	}
}

// depth is how many folders a path lies below the delivery's.
func (s *search) depth(file string) int {
	inside, err := filepath.Rel(s.delivery.Dir, file)
	if err != nil {
		return deliveryDepth + 1
	}
	return strings.Count(inside, string(filepath.Separator))
}

// aside notes map data that is not taken.
func (s *search) aside(file, table string, why *problem.Problem) {
	s.delivery.Aside = append(s.delivery.Aside, Aside{file, table, why})
}

// errUnknownName is said of data whose name no profile has.
var errUnknownName = problem.New("DELIVERY_UNKNOWN", "名称不是任何图层的", "its name is that of no layer").
	Advise("要读就用 --layer 名称=路径 指明", "name it with --layer NAME=PATH to have it read")

// look finds what the tables of a file are.
func (s *search) look(file, ending string) {
	tables, err := source.AllTables(file)
	if p := problem.Of(err); err != nil {
		if p == nil {
			p = problem.New("SOURCE_READ", "读取时出错：%v", "cannot be read: %v", err)
		}
		if ending == ".txt" && p.Code == "SOURCE_FORMAT" {
			s.delivery.Others++ // a text of another purpose
			return
		}
		s.aside(file, "", p)
		return
	}
	s.lineTables(file)
	shapes := 0
	for _, t := range tables {
		if !t.NoGeometry {
			shapes++
		}
	}
	for _, t := range tables {
		f := found{Taken: Taken{Path: file, Table: t.Name}, in: file, form: ending}
		names := []string{t.Name}
		if len(tables) == 1 || shapes == 1 && !t.NoGeometry { // what a file without #TABLE is read as
			f.Table, f.in = "", filepath.Dir(file)
			names = append(names, file)
		}
		switch named := s.known.Find(names...); {
		case len(named) == 0 && t.NoGeometry:
			s.aside(file, t.Name, problem.New("DELIVERY_TABLE", "没有图形的表", "a table without geometry"))
		case len(named) == 0:
			s.aside(file, f.Table, errUnknownName)
		case len(named) > 1:
			s.aside(file, f.Table, problem.New("DELIVERY_NAMES", "名称既像 %[1]s 又像 %[2]s", "its name is one of %[1]s and of %[2]s", named[0].Profile.Name, named[1].Profile.Name).
				Advise("要读就用 --layer 名称=路径 指明", "name it with --layer NAME=PATH to have it read"))
		default:
			f.Named, f.Layer = named[0], named[0].Profile.Name
			if why := s.notTaken(&f, t); why != nil {
				if why.Code == codeLines {
					s.line(f.Taken)
				}
				s.aside(file, f.Table, why)
				continue
			}
			f.Vintage = vintageNamed(s.delivery.Dir, file)
			s.found = append(s.found, f)
		}
	}
}

// notTaken is why a table that has a name of a layer's is left aside, nil when it is not.
func (s *search) notTaken(f *found, t source.TableInfo) *problem.Problem {
	p := f.Profile
	switch {
	case slices.Contains(s.without, p.Name):
		return problem.New("DELIVERY_GIVEN", "图层 %s 已由 --layer 给出", "the layer %s is given by --layer", p.Name)
	case p.Update:
		return problem.New("DELIVERY_UPDATE", "%s 属于更新包", "%s is part of an update package", p.Name).
			Advise("用 gengtu update --package 更新", "apply it with gengtu update --package")
	case p.Geometry == profiles.Line:
		return linesAside(p)
	case t.NoGeometry:
		return problem.New("DELIVERY_TABLE", "%s 是没有图形的表", "%s is a table without geometry", p.Name)
	}
	return nil
}

// codeLines is the code of the problem of a layer of lines.
const codeLines = "DELIVERY_LINES"

func linesAside(p *profiles.Profile) *problem.Problem {
	return problem.New(codeLines, "%s 是线，只入库面；gengtu check 会检查它", "%s has lines; polygons are stored; gengtu check judges it", p.Name)
}

// line notes a layer of lines.
func (s *search) line(t Taken) {
	t.Vintage = vintageNamed(s.delivery.Dir, t.Path)
	s.delivery.Lines = append(s.delivery.Lines, t)
}

// lineTables notes the layers of lines in a file of several layers. One that cannot be
// read is told with the other tables.
func (s *search) lineTables(file string) {
	names, err := source.LineTables(file)
	if err != nil {
		return
	}
	for _, name := range names {
		named := s.known.Find(name)
		if len(named) != 1 || named[0].Profile.Geometry != profiles.Line || slices.Contains(s.without, named[0].Profile.Name) {
			continue
		}
		s.line(Taken{Layer: named[0].Profile.Name, Path: file, Table: name})
		s.aside(file, name, linesAside(named[0].Profile))
	}
}

// settle decides between layers that depend on each other.
func (s *search) settle() {
	has := map[string]bool{}
	for _, name := range s.without {
		has[name] = true
	}
	for _, f := range s.found {
		has[f.Layer] = true
	}
	for i := range s.found {
		if f := &s.found[i]; f.Profile.Serves != "" && !has[f.Profile.Serves] {
			f.Layer = f.Profile.Serves
		}
	}
	s.found = slices.DeleteFunc(s.found, func(f found) bool {
		if f.Layer != "cropland" || !has["dltb"] {
			return false
		}
		s.aside(f.Path, f.Table, problem.New("DELIVERY_VIEW", "dltb 已经带出 cropland", "dltb brings cropland with it"))
		return true
	})
}

// ambiguous refuses data that seem to be there twice.
func (s *search) ambiguous() error {
	type thing struct {
		profile, vintage string
		entry            int
		in               string // "" for the whole delivery
	}
	first := map[thing]found{}
	for _, f := range s.found {
		whole := thing{f.Profile.Name, f.Vintage, f.Entry, ""}
		here := whole
		here.in = f.in
		if other, ok := first[whole]; ok && other.form != f.form {
			return s.twice(other, f)
		}
		if other, ok := first[here]; ok && other.Pattern != f.Pattern {
			return s.twice(other, f)
		}
		for _, t := range []thing{whole, here} {
			if _, ok := first[t]; !ok {
				first[t] = f
			}
		}
	}
	return nil
}

// twice is the problem of a layer that seems to be there twice.
func (s *search) twice(a, b found) error {
	return problem.New("DELIVERY_AMBIGUOUS", "图层 %[1]s 有两份，说不清用哪一份：%[2]s%[3]s 和 %[4]s%[5]s", "layer %[1]s is there twice and it is not clear which counts: %[2]s%[3]s and %[4]s%[5]s",
		a.Layer, a.Path, hash(a.Table), b.Path, hash(b.Table)).
		Advise("用 --layer %[1]s=%[2]s%[3]s 指明一份（两份都要就写两次）", "name one, with --layer %[1]s=%[2]s%[3]s, or both by writing it twice", a.Layer, a.Path, hash(a.Table)).In(s.delivery.Dir)
}

// Inputs returns what was taken as inputs of a run. Where no name says a vintage it is
// the given one; without one that of the folder itself, "" for what the data say.
func (d *Delivery) Inputs(vintage string) []Input {
	out := make([]Input, len(d.Taken))
	for i, t := range d.Taken {
		out[i] = Input{Layer: t.Layer, Vintage: cmp.Or(t.Vintage, vintage, d.Vintage), Path: t.Path, Table: t.Table}
	}
	return out
}

// TakeLines takes the layers of lines too, as a check does, and returns them as inputs;
// see [Delivery.Inputs].
func (d *Delivery) TakeLines(vintage string) []Input {
	d.Taken = append(d.Taken, d.Lines...)
	d.Aside = slices.DeleteFunc(d.Aside, func(a Aside) bool { return a.Problem.Code == codeLines })
	out := make([]Input, len(d.Lines))
	for i, t := range d.Lines {
		out[i] = Input{Layer: t.Layer, Vintage: cmp.Or(t.Vintage, vintage, d.Vintage), Path: t.Path, Table: t.Table}
	}
	return out
}

// Write tells a person what was taken as what, and what was left aside.
func (d *Delivery) Write(w io.Writer, lang problem.Lang) error {
	taken, aside, others, dated := "taken", "left aside", "other files, no map data: %d\n", "vintage by the folder's name, where neither --vintage nor a file says another: %s\n"
	if lang == problem.Chinese {
		taken, aside, others, dated = "取用", "未取", "其他文件（非地图数据）：%d\n", "文件夹名说的时相（--vintage 和文件没有另说时）：%s\n"
	}
	var b strings.Builder
	for _, t := range d.Taken {
		fmt.Fprintf(&b, "%s: %s = %s%s\n", taken, t.Layer+at(t.Vintage), t.Path, hash(t.Table))
	}
	if d.Vintage != "" {
		fmt.Fprintf(&b, dated, d.Vintage)
	}
	for _, a := range d.Aside {
		fmt.Fprintf(&b, "%s: %s%s: %s\n", aside, a.Path, hash(a.Table), a.Problem.Text(lang))
	}
	if d.Others > 0 {
		fmt.Fprintf(&b, others, d.Others)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// at returns a vintage as it stands behind a layer's name.
func at(vintage string) string {
	if vintage == "" {
		return ""
	}
	return "@" + vintage
}
