package report

import (
	"errors"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// The files of fault places, in the report's folder.
const (
	PointsFile = "faults.shp"
	AreasFile  = "faults_area.shp"
)

// Shapefiles writes the faults into two shapefiles in the folder dir, in the system
// FaultsCRS: each fault's place as a point in faults.shp (without shape where it has no
// place), and the ground at fault, where there is any, as polygons in faults_area.shp. With
// pictures they hold those that are not listed, too, see [Rule].Mapped. Attributes are GBK,
// in Chinese; a character that GBK does not have becomes a question mark, and texts are cut
// at a character to what a dbf holds.
func (r *Report) Shapefiles(dir string) error {
	crs, err := geo.ParseCRSName(r.FaultsCRS)
	if err != nil {
		return err
	}
	points := func(f *Fault, _ geo.MultiPolygon) [][][]geo.XY {
		if f.Lon == nil {
			return nil
		}
		return [][][]geo.XY{{{crs.Forward(geo.LonLat{Lon: *f.Lon, Lat: *f.Lat})}}}
	}
	if err := r.shapefile(filepath.Join(dir, PointsFile), crs, source.PointShapes, points); err != nil {
		return err
	}
	areas := func(_ *Fault, ground geo.MultiPolygon) [][][]geo.XY { return planeRings(ground, crs) }
	return r.shapefile(filepath.Join(dir, AreasFile), crs, source.PolygonShapes, areas)
}

func planeRings(m geo.MultiPolygon, crs geo.CRS) [][][]geo.XY {
	var out [][][]geo.XY
	for _, p := range m {
		var rings [][]geo.XY
		for _, r := range p {
			ring := make([]geo.XY, len(r))
			for i, v := range r {
				ring[i] = crs.Forward(v.LonLat())
			}
			rings = append(rings, ring)
		}
		out = append(out, rings)
	}
	return out
}

// shapefile writes those faults that have a shape; of points all.
func (r *Report) shapefile(path string, crs geo.CRS, kind source.ShapeKind, shape func(*Fault, geo.MultiPolygon) [][][]geo.XY) error {
	fields := []source.Field{
		{Name: "NO", Kind: source.Integer, Width: 8}, {Name: "RULE", Kind: source.Text, Width: 20}, {Name: "TITLE", Kind: source.Text, Width: 120},
		{Name: "SEV", Kind: source.Text, Width: 8}, {Name: "LAYER", Kind: source.Text, Width: 64}, {Name: "BSM", Kind: source.Text, Width: 40},
		{Name: "BSM2", Kind: source.Text, Width: 40}, {Name: "RECORD", Kind: source.Integer, Width: 10},
		{Name: "MJ", Kind: source.Real, Width: 18, Decimals: 2}, {Name: "MSG", Kind: source.Text, Width: dbfText},
	}
	w, err := source.Create(path, &source.Layer{Fields: fields}, source.WriteOptions{CRS: source.CRSInfo{EPSG: crs.EPSG()}, Shapes: kind})
	if err != nil {
		return err
	}
	err = r.eachMapped(func(f *Fault, ground geo.MultiPolygon) error {
		polygons := shape(f, ground)
		if kind == source.PolygonShapes && len(polygons) == 0 {
			return nil
		}
		return w.Write(&source.Feature{Polygons: polygons, Values: r.attributes(f)})
	})
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Close(); err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}

// dbfText is the widest text of a dbf, in bytes.
const dbfText = 254

func (r *Report) attributes(f *Fault) []any {
	rule := &r.Rules[f.rule]
	v := []any{
		nil, gbk(f.Rule, 20), gbk(rule.TitleZh, 120), gbk(rule.Severity, 8), gbk(f.Layer, 64),
		gbk(f.BSM, 40), gbk(f.OtherBSM, 40), nil, nil, gbk(f.TextZh+"；"+f.AdviceZh, dbfText),
	}
	if f.Number > 0 {
		v[0] = int64(f.Number)
	}
	if f.Record > 0 {
		v[7] = f.Record
	}
	if f.AreaM2 != nil {
		v[8] = geo.HundredthsOf(*f.AreaM2).M2()
	}
	return v
}

// inGBK are characters that GBK lacks and has something like.
var inGBK = strings.NewReplacer("²", "2", "−", "-")

// gbk returns s as a dbf can hold it: characters of GBK alone, controls shown, at most n
// bytes, never a formula.
func gbk(s string, n int) string {
	var out strings.Builder
	size := 0
	e := simplifiedchinese.GBK.NewEncoder()
	for _, c := range inGBK.Replace(unformulated(visible(s))) {
		b, err := e.String(string(c))
		if err != nil || c == utf8.RuneError {
			c, b = '?', "?"
		}
		if size+len(b) > n {
			break
		}
		size += len(b)
		out.WriteRune(c)
	}
	return out.String()
}

// unformulated returns s with an apostrophe before it when a spreadsheet would take it
// for a formula.
func unformulated(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// visible returns s in one line, with control characters and those that turn the
// direction of text replaced by signs that can be seen.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c < 0x20:
			return 0x2400 + c // control pictures
		case c == 0x7F:
			return 0x2421
		case c >= 0x80 && c < 0xA0, c >= 0x200B && c <= 0x200F, c >= 0x202A && c <= 0x202E, c >= 0x2060 && c <= 0x206F, c == 0xFEFF, c == 0x2028, c == 0x2029:
			return utf8.RuneError
		}
		return c
	}, strings.ToValidUTF8(s, "�"))
}
