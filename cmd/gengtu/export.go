package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// featureFormats are the endings of files of features, or of their attributes alone.
var featureFormats = source.Endings(func(e source.Ending) bool { return e.Written })

func runExport(e *env, fs *flags) error {
	var job exportJob
	fs.StringVar(&job.dir, "edition", "", "版本目录|the edition's directory")
	fs.StringVar(&job.layer, "layer", "", "图层；瓦片包可写 a,b 或 all|layer; a,b or all for an archive of tiles")
	fs.StringVar(&job.vintage, "vintage", "", "时相|vintage")
	fs.StringVar(&job.out, "out", "", "输出文件，格式看后缀|the file to write; its ending is the format")
	fs.StringVar(&job.zooms, "zooms", "", "瓦片级别，如 5-14，默认已生成的|zooms of tiles, as 5-14; those that were built")
	fs.StringVar(&job.grid, "grid", "", "瓦片网格，只能是 w|grid of tiles, w alone")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	for _, f := range [][2]string{{"edition", job.dir}, {"layer", job.layer}, {"out", job.out}} {
		if err := need(f[0], f[1]); err != nil {
			return err
		}
	}
	if strings.Contains(job.layer, "@") && job.vintage != "" {
		return usage("FLAGS", "--layer 已写明时相，不能再给 --vintage", "--layer names a vintage; --vintage does not go with it")
	}
	ending := strings.ToLower(filepath.Ext(job.out))
	switch {
	case slices.Contains(archiveFormats, ending):
		return e.exportTiles(&job, ending)
	case !slices.Contains(featureFormats, ending):
		return usage("FORMAT_UNKNOWN", "不认识后缀 %q，可用 %v", "the ending %q is no format; there are %v", ending, slices.Concat(featureFormats, archiveFormats))
	case job.zooms != "" || job.grid != "":
		return usage("FLAGS", "--zooms 和 --grid 只用于瓦片包 %v", "--zooms and --grid are for archives of tiles %v alone", archiveFormats)
	case job.layer == "all" || strings.Contains(job.layer, ","):
		return usage("FLAGS", "%s 文件只装一个图层", "a file %s holds one layer", ending)
	}
	return e.exportFeatures(&job)
}

func (e *env) exportFeatures(job *exportJob) error {
	name, vintage, ok := strings.Cut(job.layer, "@")
	if !ok {
		vintage = job.vintage
	}
	ix, err := index.Open(job.dir, "")
	if err != nil {
		return err
	}
	defer func() { _ = ix.Close() }() // only read
	l, err := ix.FindLayer(name, vintage)
	if err != nil {
		return problem.Of(err).In(job.dir)
	}
	closeOutputs(ix.Manifest.Tier)
	return e.export(l, job.out, ix.Manifest.Policy.RoundM2)
}

// export writes a layer, the areas of its features rounded to a step in m² where the
// policy has one.
func (e *env) export(l *index.Layer, out string, roundM2 float64) error {
	desc := &source.Layer{Table: l.Meta.Name, Count: int64(l.Len()), CRS: source.CRSInfo{EPSG: 4490}}
	for _, f := range l.Meta.Fields {
		desc.Fields = append(desc.Fields, source.Field{Name: f.Name, Kind: sourceKind(f.Kind)})
	}
	desc.Fields = append(desc.Fields, source.Field{Name: freeName(desc.Fields, "gengtu_id"), Kind: source.Integer}, source.Field{Name: freeName(desc.Fields, "area_m2"), Kind: source.Real})
	if isStream(out) {
		return problem.New("OUT_UNWRITABLE", "要素要写进文件，这里是管道或设备", "features are written to a file, this is a pipe or a device").In(out).
			Advise("请给一个文件名", "give the name of a file")
	}
	to, mode, err := target(out)
	if err != nil {
		return err
	}
	w, err := source.Create(to, desc, source.WriteOptions{})
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
			err = w.Write(&source.Feature{Record: int64(i + 1), Polygons: degrees(f.Geometry), Values: append(f.Values, int64(f.ID), areas.RoundedTo(roundM2, f.AreaM2))})
		}
		if err != nil {
			_ = w.Abort() // err is what counts
			return err
		}
		p.tell(e.pick("导出", "exporting"), int64(i+1), int64(l.Len()))
	}
	err = w.Close()
	if err == nil {
		err = os.Chmod(to, mode)
	}
	if err != nil {
		return ofFile(err, out, to)
	}
	p.end()
	for _, n := range w.Notes() {
		e.notef("%s\n", n.In(out).Text(e.lang))
	}
	return nil
}

// freeName returns name, with a number behind it when a field has it already, in
// whatever case.
func freeName(fields []source.Field, name string) string {
	out := name
	for i := 2; slices.ContainsFunc(fields, func(f source.Field) bool { return strings.EqualFold(f.Name, out) }); i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	return out
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
