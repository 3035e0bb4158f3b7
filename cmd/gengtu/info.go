package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

func runInfo(e *env, fs *flags) error {
	encoding := fs.String("encoding", "", "shapefile 的文字编码|encoding of text in shapefiles")
	books := newBooksFlags(fs)
	folder := fs.String("profiles", "", profilesUsage)
	args, err := fs.parse(0, 1)
	switch {
	case err != nil:
		return err
	case *books.table == "classes":
		_, err := e.stdout.Write(areas.ClassesText())
		return err
	case len(args) == 0:
		return usage("ARGUMENTS", "用法：gengtu info %s", "usage: gengtu info %s", fs.c.usage)
	case books.asked():
		return e.infoBooks(args[0], books)
	}
	if err := books.unasked(fs); err != nil {
		return err
	}
	path := args[0]
	if _, err := os.Stat(filepath.Join(path, "CURRENT")); err == nil {
		return e.infoEdition(path)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() && !source.IsGeodatabase(path) {
		_, _, err := edition.Current(path) // says that it is none
		if p := problem.Of(err); p != nil {
			return p.Advise("若是成果文件夹，用 gengtu check --delivery %[1]q 检查，或对其中一个文件用 gengtu info；版本用 gengtu ingest 建", "if it is a delivery's folder, have it judged with gengtu check --delivery %[1]q, or name one of its files to gengtu info; editions are made with gengtu ingest", path)
		}
		return err
	}
	known, err := loadProfiles(*folder)
	if err != nil {
		return err
	}
	tables, err := source.AllTables(path)
	if err != nil {
		return err
	}
	var all []*ingest.Description
	for _, t := range tables {
		if len(tables) == 1 {
			t.Name = ""
		}
		d, err := ingest.Describe(e.ctx, known, path, source.Options{Table: t.Name, Encoding: *encoding})
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	if e.json {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	for _, d := range all {
		if err := d.Write(e.stdout, e.lang); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) infoEdition(path string) error {
	generation, m, err := edition.Current(path)
	if err != nil {
		return err
	}
	if e.json {
		data, err := os.ReadFile(filepath.Join(edition.Path(path, generation), edition.ManifestFile))
		if err != nil {
			return err
		}
		_, err = e.stdout.Write(data)
		return err
	}
	e.printf("%s  %s  %s  %s\n", m.Tier.Title(e.lang), generation, m.Created, m.Program)
	e.printf("%s %d-%d, %s %d\n", e.pick("建好的级别", "zooms built"), m.BuiltZooms[0], m.BuiltZooms[1], e.pick("最高", "highest"), m.MaxZoom)
	for i := range m.Layers {
		l := &m.Layers[i]
		title := l.Title.En
		if e.lang == "zh" {
			title = l.Title.Zh
		}
		e.printf("  %-16s %s  %s %d  %s %.2f m²", l.Key(), title, e.pick("要素", "features"), l.Features, e.pick("椭球面积", "ellipsoidal"), l.AreaM2)
		if l.PatchM2 != nil {
			e.printf("  %s %.2f", e.pick("图斑面积", "patch"), *l.PatchM2)
		}
		if l.NetM2 != nil {
			e.printf("  %s %.2f", e.pick("净面积", "net"), *l.NetM2)
		}
		if c := l.PatchComputed; c != nil {
			e.printf("  %s %.2f (%d)", e.pick("另有计算图斑面积", "patch computed apart"), c.M2, c.Features)
		}
		if c := l.NetComputed; c != nil {
			e.printf("  %s %.2f (%d)", e.pick("另有计算净面积", "net computed apart"), c.M2, c.Features)
		}
		e.printf("\n")
	}
	return nil
}
