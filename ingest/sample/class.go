package sample

import "strings"

// class is a land class of the survey, as a place in classes.
type class uint8

// The land classes that the landscape has (TD/T 1055-2019, annex A: 三调工作分类).
const (
	paddy class = iota
	irrigated
	dry
	orchard
	orchardK
	tea
	wood
	bush
	otherWood
	grass
	commerce
	storage
	industry
	townHouse
	house
	office
	school
	utility
	square
	special
	road
	street
	track
	river
	pond
	fishPond
	shoal
	ditch
	works
	vacant
	facility
)

// classes are the codes and names of the classes, what owns them as a rule
// (QSXZ: 30 a collective, 20 the state) and the code of the settlement class
// (CZCSXM) that those of villages carry.
var classes = [...]struct{ code, name, owner, settled string }{
	paddy:     {"0101", "水田", "30", ""},
	irrigated: {"0102", "水浇地", "30", ""},
	dry:       {"0103", "旱地", "30", ""},
	orchard:   {"0201", "果园", "30", ""},
	orchardK:  {"0201K", "可调整果园", "30", ""},
	tea:       {"0204", "其他园地", "30", ""},
	wood:      {"0301", "乔木林地", "30", ""},
	bush:      {"0305", "灌木林地", "30", ""},
	otherWood: {"0307", "其他林地", "30", ""},
	grass:     {"0404", "其他草地", "30", ""},
	commerce:  {"05H1", "商业服务业设施用地", "20", "203"},
	storage:   {"0508", "物流仓储用地", "20", "203"},
	industry:  {"0601", "工业用地", "20", "203"},
	townHouse: {"0701", "城镇住宅用地", "20", "202"},
	house:     {"0702", "农村宅基地", "30", "203"},
	office:    {"08H1", "机关团体新闻出版用地", "20", "203"},
	school:    {"08H2", "科教文卫用地", "20", "203"},
	utility:   {"0809", "公用设施用地", "20", "203"},
	square:    {"0810", "公园与绿地", "30", "203"},
	special:   {"09", "特殊用地", "30", "205"},
	road:      {"1003", "公路用地", "20", ""},
	street:    {"1004", "城镇村道路用地", "30", "203"},
	track:     {"1006", "农村道路", "30", ""},
	river:     {"1101", "河流水面", "20", ""},
	pond:      {"1104", "坑塘水面", "30", ""},
	fishPond:  {"1104A", "养殖坑塘", "30", ""},
	shoal:     {"1106", "内陆滩涂", "20", ""},
	ditch:     {"1107", "沟渠", "30", ""},
	works:     {"1109", "水工建筑用地", "20", ""},
	vacant:    {"1201", "空闲地", "30", "203"},
	facility:  {"1202", "设施农用地", "30", ""},
}

// cropland tells whether c is cropland: its code begins with 01.
func (c class) cropland() bool { return strings.HasPrefix(classes[c].code, "01") }

// slopeRules are what the county deducts for field ridges on land of one slope
// grade, by whether it is terraced (TD/T 1055-2019: KCXS by GDPDJB and GDLX; the
// coefficients are made up, of the usual size).
var slopeRules = [6]struct{ slope, terrace float64 }{
	2: {0.0312, 0.0587}, 3: {0.0548, 0.0936}, 4: {0.0803, 0.1254}, 5: {0.1021, 0.1618},
}

// ridge returns the coefficient of deduction.
func ridge(grade uint8, terraced bool) float64 {
	if terraced {
		return slopeRules[grade].terrace
	}
	return slopeRules[grade].slope
}
