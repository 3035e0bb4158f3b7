package sample

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

// What a sample holds beside the yearly deliveries: the package of a yearly change
// survey, in the folders that such a package has (reference domain 3.4), and layers of
// other departments.
const (
	packageFolder = "示例省示例市示例县(619901)2024年度国土变更调查数据库更新成果"
	updateFolder  = packageFolder + "/更新数据包/原格式数据/"
	baseFolder    = packageFolder + "/基础数据包/空间数据/"
	tableFolder   = packageFolder + "/基础数据包/表格/"
	themeFolder   = "专题"
	// standardFolder is where a province's upload of high-standard farmland stands:
	// province, day and project in the names.
	standardFolder = themeFolder + "/61高标准农田建设上图入库数据20241231/619901NY2024示例项目YS/"
)

// row is a record: values by the standard names of fields. What is not in it is null.
type row map[string]any

// theme is one file beside the yearly deliveries. Its fields are those of the layer's
// profile, with their declared lengths.
type theme struct {
	layer, vintage string
	file           string // in the sample's folder
	epsg           int    // 0: a table without geometry
	count          int
	// fill returns record n, from 0, and its polygons in the system epsg.
	fill func(n int) (row, [][][]geo.XY)
}

// innerTables are the names of tables that are not those of their files.
var innerTables = map[string]string{"dltbgx": "DLTBGX", "dltbgxgc": "DLTBGXGC"}

// absent are fields of the survey's patches that the DLTB of the sample does not have, and
// that its updates do not have, either.
var absent = []string{"HDMC", "KJM"}

// maxWidth is the widest text of a dbf.
const maxWidth = 254

// columns are the fields of a profile as a file declares them.
func columns(p *profiles.Profile) []source.Field {
	kinds := map[edition.FieldKind]source.Kind{
		edition.Text: source.Text, edition.Integer: source.Integer, edition.Real: source.Real, edition.Bool: source.Bool, edition.Date: source.Date,
	}
	out := make([]source.Field, len(p.Fields))
	for i, f := range p.Fields {
		out[i] = source.Field{Name: f.Name, Kind: kinds[f.Kind], Width: min(f.Length, maxWidth), Decimals: f.Decimals}
	}
	return out
}

// writeTheme writes t into dir and calls done with every few records.
func writeTheme(ctx context.Context, dir string, t theme, done func(int)) (Layer, error) {
	known, err := profiles.Embedded()
	if err != nil {
		return Layer{}, err
	}
	p := known.Of(t.layer)
	if p.Update && p.Geometry == profiles.Polygon {
		own := *p
		own.Fields = slices.DeleteFunc(slices.Clone(p.Fields), func(f profiles.Field) bool { return slices.Contains(absent, f.Name) })
		p = &own
	}
	to := filepath.Join(dir, filepath.FromSlash(t.file))
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return Layer{}, err
	}
	if p.Geometry == profiles.Line {
		return Layer{}, fmt.Errorf("%s: a layer of lines is no table of polygons", t.layer)
	}
	bound := table{name: t.layer, file: t.file, fields: columns(p), epsg: t.epsg, count: t.count, inner: innerTables[t.layer]}
	var strange error
	bound.fill = func(f *source.Feature, n int) (patch, net geo.Hundredths, kept bool) {
		r, polygons := t.fill(n)
		f.Polygons = polygons
		for i := range p.Fields {
			f.Values[i] = r[p.Fields[i].Name]
			delete(r, p.Fields[i].Name)
			m2, _ := f.Values[i].(float64)
			switch p.Fields[i].Name {
			case p.Patch:
				patch = geo.HundredthsOf(m2)
			case p.Net:
				net = geo.HundredthsOf(m2)
			}
		}
		if len(r) > 0 && strange == nil {
			strange = fmt.Errorf("%s: no fields %v in the profile %s", t.file, slices.Sorted(maps.Keys(r)), t.layer)
		}
		return patch, net, true
	}
	out, err := writeTable(ctx, to, bound, source.WriteOptions{Modified: stateOf(vintages[1])}, done)
	out.Vintage = t.vintage
	return out, errors.Join(err, strange)
}

// day is a date as text.
func day(year int64, month, dayOfMonth int) string {
	return time.Date(int(year), time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// plane returns patch n as a polygon in planeCode, with its right ring.
func (l *landscape) plane(n int) [][][]geo.XY {
	p := &l.patches[n]
	polygon := [][]geo.XY{l.closed(p.shell)}
	for _, h := range p.holes {
		g := l.closed(h)
		slices.Reverse(g)
		polygon = append(polygon, g)
	}
	return [][][]geo.XY{polygon}
}

// closed returns the plane coordinates of r in planeCode, the first repeated at the end:
// not every format closes rings by itself.
func (l *landscape) closed(r ring) []geo.XY {
	g := l.ground(r)
	return append(g, g[0])
}

// lonLat returns patch n as a polygon in lonLatCode.
func (l *landscape) lonLat(n int) [][][]geo.XY {
	polygon := l.plane(n)[0]
	for i, r := range polygon {
		polygon[i] = degrees(l.crs.Ring(r))
	}
	return [][][]geo.XY{polygon}
}

// covered is what several patches cover together.
type covered struct {
	plane, lonLat [][][]geo.XY
	area          geo.Hundredths
}

// merged returns the ground of patches as polygons in both systems.
func (l *landscape) merged(patches []int) []covered {
	var out []covered
	for _, rings := range l.dissolve(patches) {
		var c covered
		var plane, lonLat [][]geo.XY
		sum := 0.0
		for _, r := range rings {
			g := l.closed(r)
			s := l.crs.Ring(g)
			sum += geo.RingArea(s)
			plane, lonLat = append(plane, g), append(lonLat, degrees(s))
		}
		c.plane, c.lonLat, c.area = [][][]geo.XY{plane}, [][][]geo.XY{lonLat}, geo.HundredthsOf(sum)
		out = append(out, c)
	}
	return out
}

// joined returns all the ground of patches as one multipolygon in both systems.
func (l *landscape) joined(patches []int) covered {
	var out covered
	for _, c := range l.merged(patches) {
		out.plane, out.lonLat, out.area = append(out.plane, c.plane...), append(out.lonLat, c.lonLat...), out.area+c.area
	}
	return out
}

// which lists the patches, in order, that a test takes.
func (l *landscape) which(takes func(n int, p *patch) bool) []int {
	var out []int
	for n := range l.patches {
		if takes(n, &l.patches[n]) {
			out = append(out, n)
		}
	}
	return out
}

// shown is how many villages the layers that have a record for each parcel are written
// for; more would say nothing new.
const shown = 2

// some lists the patches of the first villages that a test takes.
func (l *landscape) some(takes func(n int, p *patch) bool) []int {
	return l.which(func(n int, p *patch) bool { return p.village < shown && takes(n, p) })
}

// later tells whether a patch is cropland in the second vintage.
func later(_ int, p *patch) bool { return p.changed.cropland() }

// themes returns all files beside the yearly deliveries.
func (l *landscape) themes() []theme {
	return slices.Concat(l.surveyThemes(), l.farmThemes(), l.zoneThemes(), l.rightThemes())
}

// writeThemes writes what stands beside the yearly deliveries into dir.
func (l *landscape) writeThemes(ctx context.Context, dir string, list []theme, done func(int)) ([]Layer, error) {
	var out []Layer
	for _, t := range list {
		layer, err := writeTheme(ctx, dir, t, done)
		if err != nil {
			return out, fmt.Errorf("%s: %w", t.file, err)
		}
		out = append(out, layer)
	}
	borders := Layer{Name: "xzqjx", Vintage: latest(), File: path.Join(baseFolder, "XZQJX.geojson")}
	var err error
	borders.Features, err = l.writeBorders(filepath.Join(dir, filepath.FromSlash(borders.File)))
	return append(out, borders), err
}

// latest returns the name of the second vintage.
func latest() string { return strconv.FormatInt(vintages[1], 10) }
