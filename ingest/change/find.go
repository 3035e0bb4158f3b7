package change

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// Package names the files of an update package.
type Package struct {
	Patches []ingest.Input // DLTBGX: the patches as they are now
	Flows   []ingest.Input // DLTBGXGC: what each came from
}

// The layers of a package, as their tables or files are named (reference domain 1.10).
// A name may have more before and behind it, such as the county's code.
const (
	patchesName = "DLTBGX"
	flowsName   = "DLTBGXGC"
)

// endings are those of files that hold layers.
var endings = []string{".shp", ".gpkg", ".geojson", ".json", ".geojsonl", ".fgb", ".vct"}

// maxEntries bounds what is looked at in a folder.
const maxEntries = 100_000

// Find looks for the layers of a package among files and, in all depths, folders.
// What is neither of them is passed over. Symbolic links are not followed.
func Find(paths []string) (*Package, error) {
	p := &Package{}
	seen := 0
	for _, root := range paths {
		if _, err := os.Stat(root); err != nil {
			return nil, problem.New("PACKAGE_MISSING", "打不开（%v）", "it cannot be opened (%v)", err).In(root).Because(err).
				Advise("核对 --package 的路径", "check the path that --package names")
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return problem.New("PACKAGE_MISSING", "打不开（%v）", "it cannot be opened (%v)", err).In(path).Because(err)
			}
			if seen++; seen > maxEntries {
				return problem.New("PACKAGE_LARGE", "目录里的文件多于 %d 个", "the folder has more than %d files", maxEntries).In(root).
					Advise("只给更新包的目录", "name the folder of the package alone")
			}
			if !d.Type().IsRegular() && path != root || d.IsDir() || !slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
				return nil
			}
			return p.take(path)
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// take adds the layers of a file, by the names of its tables, or by its own.
func (p *Package) take(path string) error {
	if p.add(ingest.Input{Layer: layer, Path: path}, baseName(path)) {
		return nil
	}
	if !strings.EqualFold(filepath.Ext(path), ".gpkg") {
		return nil
	}
	tables, err := source.AllTables(path)
	for _, t := range tables {
		p.add(ingest.Input{Layer: layer, Path: path, Table: t.Name}, t.Name)
	}
	return err
}

// add adds a file to the layer that its name names; false where it names none.
func (p *Package) add(in ingest.Input, name string) bool {
	switch name = strings.ToUpper(name); {
	case strings.Contains(name, flowsName):
		p.Flows = append(p.Flows, in)
	case strings.Contains(name, patchesName):
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
