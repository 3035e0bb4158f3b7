package source

import (
	"math"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// crs returns the coordinate system of a file by its head and its first point.
//
// Whether eastings have the zone's number before them is seen in the coordinates:
// what the head says of the false easting is not the same with all writers.
func (h *vctHead) crs(first geo.XY) CRSInfo {
	if p := h.checkSpheroid(); p != nil {
		return CRSInfo{Problem: p}
	}
	unit := strings.ToUpper(h.keys["xyunit"])
	switch kind := strings.ToUpper(h.keys["coordinatesystemtype"]); {
	case strings.HasPrefix(kind, "G"), kind == "" && strings.HasPrefix(unit, "D"):
		if unit != "" && !strings.HasPrefix(unit, "D") && unit != "度" {
			return CRSInfo{Problem: problem.New("VCT_UNIT", "经纬度的单位是 %.20q，只收度", "the unit of longitudes is %.20q; degrees are taken", unit).
				Advise("请以度为单位重新输出", "have it written again in degrees")}
		}
		return CRSInfo{EPSG: 4490}
	case !strings.HasPrefix(kind, "P") && kind != "":
		return CRSInfo{Problem: problem.New("VCT_CRS", "坐标系类型是 %.20q，只收 P（投影）和 G（地理）", "the type of coordinate system is %.20q; P (projected) and G (geographic) are taken", kind).
			Advise("用 --crs 指明", "name the system with --crs")}
	}
	if unit != "" && unit != "M" && !strings.HasPrefix(unit, "MET") && unit != "米" {
		return CRSInfo{Problem: problem.New("VCT_UNIT", "坐标单位是 %.20q，只收米", "the unit of coordinates is %.20q; metres are taken", unit).
			Advise("请以米为单位重新输出", "have it written again in metres")}
	}
	return h.zone(first)
}

// checkSpheroid refuses what is not on CGCS2000.
func (h *vctHead) checkSpheroid() *problem.Problem {
	s := h.keys["spheroid"]
	if s == "" || strings.Contains(s, "2000") {
		return nil
	}
	name, size, _ := strings.Cut(s, ",")
	axis, flattening, _ := strings.Cut(size, ",")
	a, errA := strconv.ParseFloat(strings.TrimSpace(axis), 64)
	f, errF := strconv.ParseFloat(strings.TrimSpace(flattening), 64)
	if errA == nil && errF == nil && math.Abs(a-6378137) < 0.01 && math.Abs(f-298.257222101) < 1e-6 {
		return nil
	}
	return problem.New("VCT_SPHEROID", "椭球是 %.40q，不是 CGCS2000", "the spheroid is %.40q and not CGCS2000", name).
		Advise("请提交单位用 2000国家大地坐标系重新提交", "have it delivered again in CGCS2000")
}

// zone finds the Gauss-Krüger zone. Of Parameters there are two layouts:
//
//	meridian,scale,false easting,false northing,width,zone
//	meridian,,,,scale,false easting,false northing,width,zone
//
// in both of which the width of zones and the number of the zone come last.
func (h *vctHead) zone(first geo.XY) CRSInfo {
	seen, numbered := geo.ProposeZone(first)
	parameters := h.keys["parameters"]
	parts := strings.Split(parameters, ",")
	width, zone := 0, 0
	if n := len(parts); n == 6 || n == 9 {
		width, zone = plainInt(parts[n-2]), plainInt(parts[n-1])
		if zone == 0 {
			zone = zoneAround(parts[0], width)
		}
	}
	if zone == 0 && numbered {
		return CRSInfo{EPSG: seen.EPSG()}
	}
	if width == 0 {
		if width = 3; zone < 25 {
			width = 6
		}
	}
	crs, ok := geo.ZoneOf(width, zone, first)
	switch {
	case !ok:
		return CRSInfo{Problem: problem.New("VCT_ZONE", "文件头 Parameters:%.80s 说不出投影带", "its head, Parameters:%.80s, names no zone of the projection", parameters).
			Advise("用 --crs 指明，例如 --crs EPSG:4524", "name the system with --crs, for example --crs EPSG:4524")}
	case numbered && seen != crs:
		return CRSInfo{Problem: problem.New("VCT_ZONE", "文件头说 %d 带（%d 度），东坐标 %.3f 却是 %s", "its head says zone %d of %d degrees, but the easting %.3f is of %s", zone, width, first.X, seen.Name()).
			Advise("核实后用 --crs %s 重新读入", "check, and read it again with --crs %s", seen)}
	}
	return CRSInfo{EPSG: crs.EPSG()}
}

// plainInt reads a whole number, which some write with decimals; 0 when it is none.
func plainInt(s string) int {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || v != math.Trunc(v) || v < 0 || v > 1000 {
		return 0
	}
	return int(v)
}

// zoneAround returns the zone around a central meridian in degrees; 0 when it is none.
func zoneAround(meridian string, width int) int {
	m := plainInt(meridian)
	switch {
	case m == 0:
		return 0
	case width == 6:
		return (m + 3) / 6
	}
	return m / 3
}
