// Package ingest takes deliveries into an edition: read, map to the layer's
// schema, check, mend, store, and say what was done.
//
// Files come in through ingest/source, geometry is judged and mended by
// index/overlay, and features are stored by index. Whatever is read is kept,
// mended and listed, or refused and listed; ingest stops at nothing but a file
// that cannot be read on. It makes no tiles and moves nothing into force.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// Input is one delivery: NAME[@VINTAGE]=PATH[#TABLE].
type Input struct {
	Layer, Vintage string
	Path, Table    string
}

// Options say how to read deliveries.
type Options struct {
	Tier edition.Tier
	// CRS is taken instead of what the files say, unless it is nil.
	CRS *geo.CRS
	// Encoding is the encoding of text in shapefiles; "" finds it.
	Encoding string
	// Strict mends nothing and refuses the run when any feature is refused.
	Strict bool
	// Workers is how many goroutines check and mend; 0 takes all processors. The
	// result does not depend on it.
	Workers int
	// Progress is called now and then, from one goroutine; it may be nil.
	Progress func(Progress)
}

// Progress says how far reading is. Total is -1 when the file does not tell.
type Progress struct {
	Layer       string
	Done, Total int64
}

// ErrStrict says that a strict run met a feature that it would not take.
var ErrStrict = problem.New("STRICT_REFUSED", "严格模式下有要素不合格", "strict: some features are not in order")

// layerName is what a layer may be called: it stands in URLs and file names.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "all"
}

func validVintage(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", c) {
			return false
		}
	}
	return true
}

// ParseInput reads NAME[@VINTAGE]=PATH[#TABLE]; vintage is taken where the text
// names none. A '#' belongs to the path when a file of the whole name exists.
func ParseInput(text, vintage string, exists func(path string) bool) (Input, error) {
	name, path, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		return Input{}, problem.New("LAYER_SYNTAX", "--layer 写的是 %q", "--layer says %q", text).
			Advise("写法是 NAME[@VINTAGE]=PATH[#TABLE]", "write NAME[@VINTAGE]=PATH[#TABLE]")
	}
	in := Input{Path: path, Vintage: vintage}
	in.Layer = name
	if n, v, ok := strings.Cut(name, "@"); ok {
		in.Layer, in.Vintage = n, v
	}
	if !validName(in.Layer) {
		return Input{}, problem.New("LAYER_NAME", "图层名 %q 不合规", "the layer name %q is not allowed", in.Layer).
			Advise("用小写字母、数字、- 和 _，不能叫 all", "use lower-case letters, digits, - and _, and not the name all")
	}
	if in.Vintage != "" && !validVintage(in.Vintage) {
		return Input{}, problem.New("VINTAGE_NAME", "时相 %q 不合规", "the vintage %q is not allowed", in.Vintage).
			Advise("例如 2024 或 2024Q3", "for example 2024 or 2024Q3")
	}
	if i := strings.LastIndexByte(path, '#'); i > 0 && !exists(path) {
		in.Path, in.Table = path[:i], path[i+1:]
	}
	return in, nil
}

// Undated is the vintage of a layer for which neither the command nor the
// delivery names one.
const Undated = "undated"

// Run reads the inputs into the features file at path, which must not exist,
// and returns the layers for the manifest. Inputs of one layer and vintage add
// up. With a problem in a file, or when ctx ends, the error says so and the
// file is worth nothing.
func Run(ctx context.Context, inputs []Input, path string, opt Options) ([]edition.Layer, *Report, error) {
	r := &run{opt: opt, report: &Report{Tier: string(opt.Tier)}, writer: index.NewWriter(path)}
	groups, err := r.group(ctx, inputs)
	if err != nil {
		return nil, r.report, err
	}
	for _, g := range groups {
		if err := r.layer(ctx, g); err != nil {
			return nil, r.report, err
		}
	}
	if opt.Strict {
		for _, l := range r.report.Layers {
			if l.Refused > 0 {
				return nil, r.report, ErrStrict
			}
		}
	}
	layers, err := r.writer.Close()
	if err != nil {
		return nil, r.report, err
	}
	return r.finish(layers), r.report, nil
}

type run struct {
	opt     Options
	report  *Report
	writer  *index.Writer
	regions []regionShape
}

// group gathers the inputs by layer and vintage, regions first because other
// layers are placed in them.
func (r *run) group(ctx context.Context, inputs []Input) ([][]Input, error) {
	var groups [][]Input
	for _, in := range inputs {
		if in.Vintage == "" {
			v, err := r.vintageOf(ctx, in)
			if err != nil {
				return nil, err
			}
			in.Vintage = v
		}
		i := slices.IndexFunc(groups, func(g []Input) bool { return g[0].Layer == in.Layer && g[0].Vintage == in.Vintage })
		if i < 0 {
			groups = append(groups, []Input{in})
		} else {
			groups[i] = append(groups[i], in)
		}
	}
	for _, g := range groups {
		clash := func(h []Input) bool { return h[0].Layer == "cropland" && h[0].Vintage == g[0].Vintage }
		if g[0].Layer == "dltb" && slices.ContainsFunc(groups, clash) {
			return nil, problem.New("CROPLAND_TWICE", "同一时相 %s 既给了 dltb 又给了 cropland", "vintage %s is given both as dltb and as cropland", g[0].Vintage).
				Advise("dltb 已经带出 cropland，只给其中一个", "dltb brings cropland with it: give one of the two")
		}
	}
	slices.SortStableFunc(groups, func(a, b []Input) int { return boolOrder(a[0].Layer == "region", b[0].Layer == "region") })
	return groups, nil
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// vintageOf reads the year that the first record speaks of, where the layer has
// a field for it.
func (r *run) vintageOf(ctx context.Context, in Input) (string, error) {
	rd, err := source.Open(ctx, in.Path, source.Options{Table: in.Table, Encoding: r.opt.Encoding})
	if err != nil {
		return "", err
	}
	defer func() { _ = rd.Close() }() // only read
	i := find(rd.Layer().Fields, make([]bool, len(rd.Layer().Fields)), "SJNF")
	var f source.Feature
	if i < 0 || rd.Next(&f) != nil || i >= len(f.Values) {
		return Undated, nil
	}
	if v, _ := convert(f.Values[i], edition.Text); v != nil {
		if s, ok := v.(string); ok && validVintage(s) {
			return s, nil
		}
	}
	return Undated, nil
}

// finish adds the view of cropland for each dltb and puts the layers in their
// lasting order.
func (r *run) finish(layers []edition.Layer) []edition.Layer {
	var out []edition.Layer
	for _, l := range layers {
		out = append(out, l)
		if l.Name != "dltb" {
			continue
		}
		i := slices.IndexFunc(r.report.Layers, func(x *LayerReport) bool { return x.Layer == l.Name && x.Vintage == l.Vintage })
		if c := r.report.Layers[i].Cropland; c != nil {
			out = append(out, r.croplandView(l, c, r.report.Layers[i]))
		}
	}
	slices.SortStableFunc(out, func(a, b edition.Layer) int {
		return strings.Compare(layerOrder(a.Name)+a.Vintage, layerOrder(b.Name)+b.Vintage)
	})
	return out
}

// layerOrder sorts the product's own layers before the others.
func layerOrder(name string) string {
	i := slices.Index([]string{"cropland", "pbf", "hsf", "region", "dltb"}, name)
	if i < 0 {
		i = 9
	}
	return fmt.Sprint(i) + name
}

func (r *run) croplandView(l edition.Layer, c *ClassCount, rep *LayerReport) edition.Layer {
	p, err := ProfileOf("cropland")
	if err == nil {
		l.Title = p.Title
	}
	l.Name = "cropland"
	l.View = &edition.View{Of: "dltb", Field: "DLBM", Prefix: CroplandPrefix}
	l.Features, l.AreaM2, l.Vertices = c.Features, c.AreaM2, rep.croplandVertices
	if l.PatchM2 != nil {
		v := c.PatchM2
		l.PatchM2 = &v
	}
	if l.NetM2 != nil {
		v := c.NetM2
		l.NetM2 = &v
	}
	l.Extent = nil
	if b := rep.croplandBox; !b.Empty() {
		lo, hi := b.Min.LonLat(), b.Max.LonLat()
		l.Extent = &[4]float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	return l
}

// CroplandPrefix is what DLBM begins with on cropland; 0201K and the other
// K-codes are none.
const CroplandPrefix = "01"

// crsOf returns the coordinate system of a file's coordinates.
func (r *run) crsOf(in Input, info source.CRSInfo) (geo.CRS, error) {
	if r.opt.CRS != nil {
		return *r.opt.CRS, nil
	}
	return SourceCRS(in.Path, info)
}

// SourceCRS returns the coordinate system that a file says its coordinates are
// in, or a problem that says why it cannot be taken and what to do.
func SourceCRS(path string, info source.CRSInfo) (geo.CRS, error) {
	var crs geo.CRS
	err := error(nil)
	switch {
	case info.WKT != "":
		crs, err = geo.ParseWKT(info.WKT)
	case info.EPSG != 0:
		crs, err = geo.EPSG(info.EPSG)
	case info.Name != "":
		crs, err = geo.ParseCRSName(info.Name)
	default:
		return geo.CRS{}, problem.New("CRS_MISSING", "文件没有说明坐标系", "the file does not say what coordinate system it is in").In(path).
			Advise("补上 .prj，或用 --crs EPSG:4524 这样的写法指明", "add a .prj, or say so with --crs, for example --crs EPSG:4524")
	}
	if err != nil {
		return geo.CRS{}, crsProblem(path, err)
	}
	return crs, nil
}

// crsProblem tells a person why a coordinate system is refused.
func crsProblem(path string, err error) error {
	var e *geo.CRSError
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", path, err)
	}
	p := problem.New("CRS_REFUSED", "坐标系不能收：%s", "the coordinate system cannot be taken: %s", e.Error()).In(path).Because(err)
	if errors.Is(e.Kind, geo.ErrCRSControlled) {
		return p.Advise("北京 54 和西安 80 的转换参数受控，请让提交单位用 CGCS2000 重新提交",
			"the parameters of Beijing 54 and Xi'an 80 are controlled: have it delivered again in CGCS2000")
	}
	if !e.Convertible() {
		return p.Advise("补上正确的坐标系说明，或用 --crs 指明", "give the coordinate system rightly, or say it with --crs")
	}
	out := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "_4490.gpkg"
	return p.Advise("可先转换：ogr2ogr -t_srs EPSG:4490 %s %s", "convert it first: ogr2ogr -t_srs EPSG:4490 %s %s", out, path)
}
