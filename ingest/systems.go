package ingest

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// FileSystem is the coordinate system that the user gives one file.
type FileSystem struct {
	Path string
	CRS  geo.CRS
}

// AllFiles stands for every file where files are named.
const AllFiles = "all"

// ParseSystem reads EPSG:n, which is for every file and has the path "", or
// FILE=EPSG:n.
func ParseSystem(text string) (FileSystem, error) {
	path, name := "", text
	if i := strings.LastIndexByte(text, '='); i >= 0 {
		path, name = text[:i], text[i+1:]
	}
	crs, err := geo.ParseCRSName(name)
	if err != nil || strings.Contains(text, "=") && path == "" {
		zh, en := "等号前没有文件", "no file stands before the ="
		if err != nil {
			zh, en = geo.Words(err)
		}
		return FileSystem{}, problem.New("CRS_REFUSED", "--crs %.200[1]q 不能用（%[2]s）", "--crs %.200[1]q cannot be used (%[3]s)", text, zh, en).
			Advise("写法是 EPSG:4524，或只对一个文件：文件=EPSG:4524", "write EPSG:4524, or for one file alone FILE=EPSG:4524")
	}
	return FileSystem{path, crs}, nil
}

// is tells whether a name of the user's is that of an input: its path, with its table
// or without, or the path's last part.
func (in Input) is(name string) bool {
	return name == in.Path || name == in.Path+hash(in.Table) || name == filepath.Base(in.Path)
}

// howToRead returns how the coordinates of a file are to be read, and whether the user
// said so. note is what is taken for granted, nil for nothing.
func (r *run) howToRead(ctx context.Context, in Input, info source.CRSInfo) (out reading, told bool, note *problem.Problem, err error) {
	out.swapped = slices.ContainsFunc(r.opt.SwapXY, func(name string) bool { return name == AllFiles || in.is(name) })
	i := slices.IndexFunc(r.opt.Systems, func(s FileSystem) bool { return in.is(s.Path) })
	switch {
	case i >= 0:
		out.crs = r.opt.Systems[i].CRS
		return out, true, nil, nil
	case r.opt.CRS != nil:
		out.crs = *r.opt.CRS
		return out, true, nil, nil
	}
	out.crs, err = SourceCRS(in.Path, info)
	if p := problem.Of(err); p == nil || p.Code != codeMissing || r.opt.Strict {
		return out, out.swapped, nil, err
	}
	opt := source.Options{Table: in.Table, Encoding: r.opt.Encoding, Learning: source.LearnSamples, Workers: 1}
	found, note, err := systemOf(ctx, in.Path, opt, out.swapped)
	out.crs = found
	return out, out.swapped, note, err
}

// codeMissing is the code of the problem of a file that names no system.
const codeMissing = "CRS_MISSING"

// headRecords is how many records are looked at where a file's own word will not do.
const headRecords = 256

// systemOf finds the zone of a file that names none by what stands before its eastings,
// which must be the same in all that is looked at. That is listed, because it does not
// tell the datum. Otherwise the problem says what the coordinates look like.
func systemOf(ctx context.Context, path string, opt source.Options, swapped bool) (geo.CRS, *problem.Problem, error) {
	points, err := head(ctx, path, opt)
	if err != nil {
		return geo.CRS{}, nil, err
	}
	if swapped {
		points = exchanged(points)
	}
	if c, ok := zoneOfAll(points); ok {
		return c, problem.New("CRS_FROM_EASTINGS", "文件没有说明坐标系，按东坐标前两位的带号读作 %[1]v（%[2]s），基准当作 CGCS2000", "the file does not say what coordinate system it is in; by the zone before its eastings it is read as %[1]v (%[2]s), on CGCS2000", c, c.Name()).In(path).
			Advise("若不是，补上 .prj 或用 --crs 指明；北京 54、西安 80 的数据带号相同而位置相差百米", "if it is not, add a .prj or name the system with --crs; data of Beijing 54 or Xi'an 80 have the same numbers and lie a hundred metres off"), nil
	}
	_, err = SourceCRS(path, source.CRSInfo{})
	p := problem.Of(err)
	if c, ok := zoneOfAll(exchanged(points)); ok && !swapped {
		return geo.CRS{}, nil, p.Advise("看来是 %[1]v（%[2]s），而且东、北坐标颠倒：核实后加 --crs %[1]v --swap-xy all", "it looks like %[1]v (%[2]s) with northings first: check, and add --crs %[1]v --swap-xy all", c, c.Name())
	}
	if degrees := (reading{}); len(points) > 0 {
		if _, ok := degrees.box(points); ok {
			return geo.CRS{}, nil, p.Advise("坐标像是经纬度：核实后加 --crs EPSG:4490，或补上 .prj", "the coordinates look like longitudes and latitudes: check, and add --crs EPSG:4490, or add a .prj")
		}
	}
	return geo.CRS{}, nil, p
}

// zoneOfAll returns the zone that stands before the eastings of all points.
func zoneOfAll(points []geo.XY) (geo.CRS, bool) {
	var zone geo.CRS
	for i, p := range points {
		c, ok := geo.ProposeZone(p)
		if !ok || i > 0 && c != zone {
			return geo.CRS{}, false
		}
		zone = c
	}
	return zone, len(points) > 0
}

// exchanged returns points with their coordinates exchanged.
func exchanged(points []geo.XY) []geo.XY {
	out := make([]geo.XY, len(points))
	for i, p := range points {
		out[i] = geo.XY{X: p.Y, Y: p.X}
	}
	return out
}

// head returns the first point of each of the first records that can be read.
func head(ctx context.Context, path string, opt source.Options) ([]geo.XY, error) {
	rd, err := source.Open(ctx, path, opt)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rd.Close() }() // only read
	var points []geo.XY
	for range headRecords {
		var f source.Feature
		if err := rd.Next(&f); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return points, err
		}
		if len(f.Polygons) > 0 && len(f.Polygons[0]) > 0 && len(f.Polygons[0][0]) > 0 {
			points = append(points, f.Polygons[0][0][0])
		}
	}
	return points, nil
}

// exchange exchanges the coordinates of polygons, in place.
func exchange(polygons [][][]geo.XY) {
	for _, rings := range polygons {
		for _, points := range rings {
			for i, p := range points {
				points[i] = geo.XY{X: p.Y, Y: p.X}
			}
		}
	}
}

// checkFiles refuses names of files that are not among the inputs.
func (r *run) checkFiles(groups [][]Input) error {
	var named []string
	for _, s := range r.opt.Systems {
		named = append(named, s.Path)
	}
	for _, name := range append(named, r.opt.SwapXY...) {
		is := func(g []Input) bool { return slices.ContainsFunc(g, func(in Input) bool { return in.is(name) }) }
		if name != AllFiles && !slices.ContainsFunc(groups, is) {
			return problem.New("CRS_FILE", "--crs 或 --swap-xy 说的文件 %.200q 不在要读的文件里", "--crs or --swap-xy names %.200q, which is not among the files that are read", name).
				Advise("照读入时的路径写", "write its path as it is given to be read")
		}
	}
	return nil
}
