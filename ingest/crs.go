package ingest

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// SourceCRS returns the coordinate system that a file says its coordinates are
// in, or a problem that says why it cannot be taken and what to do.
func SourceCRS(path string, info source.CRSInfo) (geo.CRS, error) {
	var crs geo.CRS
	var err error
	switch {
	case info.Problem != nil:
		return geo.CRS{}, info.Problem.In(path)
	case info.WKT != "":
		crs, err = geo.ParseWKT(info.WKT)
	case info.EPSG != 0:
		crs, err = geo.EPSG(info.EPSG)
	case info.Name != "":
		crs, err = geo.ParseCRSName(info.Name)
	default:
		return geo.CRS{}, problem.New(codeMissing, "文件没有说明坐标系", "the file does not say what coordinate system it is in").In(path).
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
	zh, en := geo.Words(e.Kind)
	p := problem.New("CRS_REFUSED", "坐标系不能收：%[1]s（%[3]s）", "the coordinate system cannot be taken: %[2]s (%[3]s)", zh, en, e.Found).In(path).Because(err)
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

// geometryProblem tells a person why a geometry could not be brought to CGCS2000:
// what was found, where, and the system that it probably is in.
func geometryProblem(err error) *problem.Problem {
	var zhAt, enAt string
	var g *geo.GeometryError
	if errors.As(err, &g) && g.Place != (geo.Place{}) {
		zhAt, enAt = g.Place.Words()
		zhAt, enAt = zhAt+"：", enAt+": "
	}
	if errors.Is(err, geo.ErrGeometryLimit) {
		return problem.New("GEOMETRY_LIMIT", "顶点太多：一个要素最多 2000 万个", "too many positions: a feature has at most 20 million").
			Advise("请拆成几个要素", "divide it into several features").Because(err)
	}
	var c *geo.CoordinateError
	if !errors.As(err, &c) {
		zh, en := geo.Words(err)
		return problem.New("GEOMETRY_UNREADABLE", "图形读不出来：%[1]s", "the geometry cannot be read: %[2]s", zhAt+zh, enAt+en).Because(err).
			Advise("请在制图软件里检查该图形，更正后重新提交", "look at the geometry in a mapping program, correct it and deliver again")
	}
	zh, en := geo.Words(c.Kind)
	p := problem.New("COORDINATE", zhAt+zh+"：%s, %s（%v）", enAt+en+": %s, %s (%v)", plain(c.Found.X), plain(c.Found.Y), c.CRS).Because(err)
	return adviseCRS(p, c)
}

// plain writes a coordinate as a surveyor does, 36557212.2006; what no coordinate can be
// has an exponent.
func plain(v float64) string {
	if math.Abs(v) < 1e12 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func adviseCRS(p *problem.Problem, c *geo.CoordinateError) *problem.Problem {
	if z, ok := c.Proposal(); ok {
		return p.Advise("看来是 %[1]v（%[2]s）；核实后用 --crs %[1]v 重新读入", "it looks like %[1]v (%[2]s); check, and read it again with --crs %[1]v", z, z.Name())
	}
	switch {
	case errors.Is(c.Kind, geo.ErrDegrees):
		return p.Advise("若确是经纬度，用 --crs EPSG:4490 重新读入", "if they are longitudes and latitudes, read it again with --crs EPSG:4490")
	case errors.Is(c.Kind, geo.ErrMetres), errors.Is(c.Kind, geo.ErrZone):
		return p.Advise("请核实投影带，用 --crs 指明，如 --crs EPSG:4524", "find out the zone and name it with --crs, such as --crs EPSG:4524")
	case errors.Is(c.Kind, geo.ErrSwapped):
		return p.Advise("核实后用 --swap-xy all 重新读入（只换一个文件：--swap-xy 文件），或请提交单位把东（经）坐标写在前面", "check, and read it again with --swap-xy all (of one file alone: --swap-xy FILE), or have it delivered with the easting or longitude first")
	}
	return p.Advise("请核对坐标系和坐标", "check the coordinate system and the coordinate")
}
