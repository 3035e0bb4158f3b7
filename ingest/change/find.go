package change

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// Package names the files of an update package.
type Package struct {
	Patches []ingest.Input // DLTBGX: the patches as they are now
	Flows   []ingest.Input // DLTBGXGC: what each came from
	// Aside are files of a layer that was found in another format, too.
	Aside []string
	// Unread say of archives that were not read why.
	Unread []*problem.Problem

	known  *profiles.Set
	unread error // the first geodatabase that this machine cannot read
}

// The profiles of a package's layers (reference domain 1.10), which say how their tables or
// files are named.
const (
	patchesProfile = "dltbgx"
	flowsProfile   = "dltbgxgc"
)

// endings are those of files that hold layers with fields, or tables; where a package has a
// layer in several formats, the first of them is read: a delivery has it in its makers' own
// format and as VCT.
var endings = source.Endings(func(e source.Ending) bool { return e.Holds == source.HoldsLayers || e.Holds == source.HoldsTable })

// maxEntries bounds what is looked at in a folder.
const maxEntries = 100_000

// Find looks for the layers of a package among files and, in all depths, folders, by the
// names that the profiles give them ([profiles.Set.Find]). What is neither of them is passed
// over. Symbolic links in folders are not followed. A layer that is not found is an error
// here only where a geodatabase could not be read, the problem GDB_TOOL: else it is told by
// [Apply], beside what [Package.Unread] says of archives.
func Find(known *profiles.Set, paths []string) (*Package, error) {
	p := &Package{known: known}
	seen := 0
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, problem.New("PACKAGE_MISSING", "打不开（%v）", "it cannot be opened (%v)", err).In(root).Because(err).
				Advise("核对 --package 的路径", "check the path that --package names")
		}
		if info.IsDir() {
			root += string(filepath.Separator) // a link to a folder is followed
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return problem.New("PACKAGE_MISSING", "打不开（%v）", "it cannot be opened (%v)", err).In(path).Because(err)
			}
			if seen++; seen > maxEntries {
				return problem.New("PACKAGE_LARGE", "目录里的文件多于 %d 个", "the folder has more than %d files", maxEntries).In(root).
					Advise("只给更新包的目录", "name the folder of the package alone")
			}
			if d.IsDir() {
				if path = filepath.Clean(path); !source.IsGeodatabase(path) {
					return nil
				}
				if err := p.takeGeodatabase(path); err != nil {
					return err
				}
				return filepath.SkipDir
			}
			if !d.Type().IsRegular() && path != root || !layered(path) {
				return nil
			}
			if ending(path) == ".zip" {
				return p.takeZip(path)
			}
			return p.take(path)
		})
		if err != nil {
			return nil, err
		}
	}
	p.Patches, p.Flows = p.oneForm(p.Patches), p.oneForm(p.Flows)
	if len(p.Patches) == 0 || len(p.Flows) == 0 {
		return p, p.unread
	}
	return p, nil
}

// takeZip is take for an archive. One that cannot be read, or holds no shapefile, may be
// of the package's documents: it is noted in [Package.Unread]. One with the name of a layer
// is an error.
func (p *Package) takeZip(path string) error {
	err := p.take(path)
	told := problem.Of(err)
	if told == nil || p.add(path, "", path) {
		return err
	}
	p.Unread = append(p.Unread, told)
	return nil
}

// takeGeodatabase is take for a geodatabase, which is left aside on a machine without
// GDAL: the same layers may be there in another format.
func (p *Package) takeGeodatabase(path string) error {
	err := p.take(path)
	if told := problem.Of(err); told == nil || told.Code != "GDB_TOOL" {
		return err
	}
	if p.Aside = append(p.Aside, path); p.unread == nil {
		p.unread = err
	}
	return nil
}

// incomplete is the problem of a package in which a layer was not found; an archive that was
// not read may be where it is.
func (p *Package) incomplete() *problem.Problem {
	const adviceZh, adviceEn = "核对 --package 给出的目录或文件名", "check the folder or the names of the files that --package names"
	zh, en := "更新包要有 DLTBGX 和 DLTBGXGC 两个图层，这里有 %[1]d 和 %[2]d 个文件", "an update package has the layers DLTBGX and DLTBGXGC; here are %[1]d and %[2]d files of them"
	if len(p.Unread) == 0 {
		return problem.New("PACKAGE_INCOMPLETE", zh, en, len(p.Patches), len(p.Flows)).Advise(adviceZh, adviceEn)
	}
	first := p.Unread[0]
	return problem.New("PACKAGE_INCOMPLETE", zh+"；没有读的压缩包有 %[3]d 个，第一个是 %[4]s：%[5]s", en+"; archives that were not read: %[3]d, the first is %[4]s: %[6]s",
		len(p.Patches), len(p.Flows), len(p.Unread), filepath.Base(first.File), first.Found(problem.Chinese), first.Found(problem.English)).
		Because(first).Advise(adviceZh, adviceEn)
}

// layered tells whether the file at path may hold a layer of a package.
func layered(path string) bool {
	end := ending(path)
	return slices.Contains(endings, end) && (end != ".dbf" || source.IsTable(path))
}

func ending(path string) string { return strings.ToLower(filepath.Ext(path)) }

// oneForm leaves of a layer's files those of one format.
func (p *Package) oneForm(inputs []ingest.Input) []ingest.Input {
	for _, end := range endings {
		other := func(in ingest.Input) bool { return ending(in.Path) != end }
		if !slices.ContainsFunc(inputs, func(in ingest.Input) bool { return !other(in) }) {
			continue
		}
		for _, in := range inputs {
			if other(in) {
				p.Aside = append(p.Aside, in.Path)
			}
		}
		return slices.DeleteFunc(inputs, other)
	}
	return inputs
}

// take adds the layers of a file, by the names of its tables, or by its own.
func (p *Package) take(path string) error {
	if !source.EndingOf(path).Several {
		p.add(path, "", path)
		return nil
	}
	tables, err := source.AllTables(path)
	found := false
	for _, t := range tables {
		found = p.add(path, t.Name, t.Name) || found
	}
	if !found && err == nil && len(tables) == 1 {
		p.add(path, "", path)
	}
	return err
}

// add adds a file to the layer that its name names; false where it names none.
func (p *Package) add(path, table, name string) bool {
	in := ingest.Input{Path: path, Table: table}
	named := p.known.File(name)
	if named == nil {
		return false
	}
	switch in.Layer = named.Name; in.Layer {
	case flowsProfile:
		p.Flows = append(p.Flows, in)
	case patchesProfile:
		p.Patches = append(p.Patches, in)
	default:
		return false
	}
	return true
}

func baseName(path string) string {
	b := filepath.Base(path)
	return strings.TrimSuffix(b, filepath.Ext(b))
}
