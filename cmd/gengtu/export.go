package main

import (
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// exportFormats are the endings that export writes; laterFormats those that the
// contract names beyond them.
var (
	exportFormats = []string{".geojson", ".geojsonl", ".fgb", ".gpkg", ".csv", ".shp"}
	laterFormats  = []string{".xlsx", ".pmtiles", ".mbtiles"}
)

func runExport(e *env, fs *flags) error {
	dir := fs.String("edition", "", "版本目录|the edition's directory")
	name := fs.String("layer", "", "图层|layer")
	vintage := fs.String("vintage", "", "时相|vintage")
	out := fs.String("out", "", "输出文件，格式看后缀|the file to write; its ending is the format")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	for n, v := range map[string]string{"edition": *dir, "layer": *name, "out": *out} {
		if err := need(n, v); err != nil {
			return err
		}
	}
	ending := strings.ToLower(filepath.Ext(*out))
	switch {
	case slices.Contains(laterFormats, ending):
		return usage("NOT_AVAILABLE", "这一版程序还不能导出 %s", "this program does not export %s yet", ending)
	case !slices.Contains(exportFormats, ending):
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q，可用 %v", "the ending %q is no format; there are %v", ending, exportFormats)
	}
	if n, v, ok := strings.Cut(*name, "@"); ok {
		*name, *vintage = n, v
	}
	ix, err := index.Open(*dir, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	l := ix.Layer(*name, *vintage)
	if l == nil {
		return problem.New("NO_LAYER", "没有图层 %q", "there is no layer %q", *name).In(*dir).
			Advise("有：%s", "there are: %s", strings.Join(ix.Names(), " "))
	}
	return e.export(l, *out)
}

func (e *env) export(l *index.Layer, out string) error {
	desc := &source.Layer{Table: l.Meta.Name, Count: int64(l.Len()), CRS: source.CRSInfo{EPSG: 4490}}
	for _, f := range l.Meta.Fields {
		desc.Fields = append(desc.Fields, source.Field{Name: f.Name, Kind: sourceKind(f.Kind)})
	}
	desc.Fields = append(desc.Fields, source.Field{Name: "gengtu_id", Kind: source.Integer}, source.Field{Name: "area_m2", Kind: source.Real})
	w, err := source.Create(out, desc, source.WriteOptions{})
	if err != nil {
		return err
	}
	p := e.progress()
	defer p.end()
	for i := range l.Len() {
		if err := e.ctx.Err(); err != nil {
			_ = w.Abort() // the interruption is what counts
			return err
		}
		f, err := l.Feature(i)
		if err == nil {
			err = w.Write(&source.Feature{Record: int64(i + 1), Polygons: degrees(f.Geometry), Values: append(f.Values, int64(f.ID), f.AreaM2)})
		}
		if err != nil {
			_ = w.Abort() // err is what counts
			return err
		}
		p.tell(e.pick("导出", "exporting"), int64(i+1), int64(l.Len()))
	}
	return w.Close()
}

func sourceKind(k edition.FieldKind) source.Kind {
	return map[edition.FieldKind]source.Kind{
		edition.Text: source.Text, edition.Integer: source.Integer, edition.Real: source.Real, edition.Bool: source.Bool, edition.Date: source.Date,
	}[k]
}

func degrees(m geo.MultiPolygon) [][][]geo.XY {
	out := make([][][]geo.XY, len(m))
	for i, p := range m {
		for _, r := range p {
			ring := make([]geo.XY, len(r))
			for k, v := range r {
				d := v.LonLat()
				ring[k] = geo.XY{X: d.Lon, Y: d.Lat}
			}
			out[i] = append(out[i], ring)
		}
	}
	return out
}
