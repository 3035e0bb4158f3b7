package geo

import (
	"errors"
	"fmt"
)

// kindWords says in words what each kind of error is.
var kindWords = []struct {
	kind   error
	zh, en string
}{
	{ErrNotFinite, "坐标不是有限的数", "the coordinate is not a finite number"},
	{ErrDegrees, "坐标像是经纬度（度），坐标系却以米为单位", "the coordinate looks like degrees, the system has metres"},
	{ErrMetres, "坐标像是平面坐标（米），坐标系却以度为单位", "the coordinate looks like metres, the system has degrees"},
	{ErrSwapped, "东、北（经、纬）坐标次序颠倒", "easting and northing, or longitude and latitude, are exchanged"},
	{ErrZone, "东坐标的带号是另一带的", "the number before the easting is that of another zone"},
	{ErrRange, "坐标超出坐标系的范围", "the coordinate lies outside the range of its system"},
	{ErrGeometrySyntax, "格式不对", "it does not follow the format"},
	{ErrGeometryType, "图形类型不是面", "the geometry is of a type that is no polygon"},
	{ErrGeometryLimit, "顶点太多或嵌套太深", "it has too many positions or is nested too deep"},
	{ErrGeometryRing, "环的顶点太少", "a ring has too few positions"},
	{ErrGeometryCoordinate, "坐标无效", "a position is not valid"},
	{ErrCRSUnsupported, "不支持这种坐标系", "the system is not supported"},
	{ErrCRSDatum, "基准不是 CGCS2000", "the datum is not CGCS2000"},
	{ErrCRSControlled, "转换参数受控的基准", "a datum with controlled transformation parameters"},
	{ErrCRSContradiction, "说明自相矛盾", "the description contradicts itself"},
	{ErrCRSUnreadable, "说明读不懂", "the description is not understood"},
}

// Words says in Chinese and in English of which kind err is, an error of this package,
// without what was found and where; of others that something is wrong.
func Words(err error) (zh, en string) {
	for _, w := range kindWords {
		if errors.Is(err, w.kind) {
			return w.zh, w.en
		}
	}
	return "不合规定", "it is not as it should be"
}

// Words returns the place in Chinese and in English, "" for the zero value.
func (p Place) Words() (zh, en string) {
	if p == (Place{}) {
		return "", ""
	}
	for _, part := range [...]struct {
		name string
		n    int
	}{{"部分", p.Polygon}, {"环", p.Ring}, {"点", p.Position}} {
		if part.n > 0 {
			zh += fmt.Sprintf("第 %d %s", part.n, part.name)
		}
	}
	return zh, p.String()
}
