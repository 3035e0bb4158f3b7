package sample

import (
	"fmt"
	"math/rand/v2"
)

// The landscape lies in a county that does not exist: GB/T 2260 has no
// prefecture 6199.
const (
	countyCode = "619901"
	countyName = "示例县"
)

// The layers' codes within a BSM: county, layer, eight digits.
const (
	layerDLTB       = "2001"
	layerProtected  = "2005"
	layerStandard   = "3001"
	layerFlow       = "2002"
	layerVillage    = "1001"
	layerBorder     = "1002"
	layerControl    = "1003"
	layerSheet      = "1004"
	layerChange     = "400" // with the quarter behind it
	layerQuality    = "3101"
	layerSoil       = "3102"
	layerReserve    = "2006"
	layerProject    = "3002"
	layerApproval   = "6101"
	layerSupplement = "3103"
	layerFragile    = "3201"
	layerArid       = "3202"
	layerRedline    = "2301"
	layerUrban      = "2302"
	layerEstate     = "6201"
	layerForest     = "7001"
	layerGrass      = "7002"
)

// bsm returns the 18 digits that identify record n, from 0, of a layer.
func bsm(layer string, n int) string { return fmt.Sprintf("%s%s%08d", countyCode, layer, n+1) }

// The parts that names of villages are made of. All are made up.
var (
	namesBefore = []string{"", "东", "西", "南", "北", "上", "下", "前", "后", "大", "小", "新", "老"}
	namesMiddle = []string{
		"柳树", "槐树", "杏花", "石桥", "清水", "白杨", "枣园", "青石", "黄土", "红旗", "云台", "梨花", "双井",
		"松林", "古渡", "麦田", "稻香", "长渠", "平安", "永丰", "金谷", "桃源", "竹园", "榆林", "花坡", "泉水",
		"三官", "五里", "半坡", "沙河", "望岭", "砖塔", "瓦窑", "磨盘", "羊圈", "马场", "鹿鸣", "凤鸣", "龙泉", "荷塘",
	}
	namesBehind = []string{"", "庄", "湾", "堡", "沟", "坪", "寨", "营", "店"}
)

// place is a village's codes and names.
type place struct {
	code     string // 12 digits
	name     string
	township string
	unit     string // the code of 19 digits that survey records carry
}

// places names the villages; no two villages or townships have the same name
// while the parts of names allow it.
func (l *landscape) places() []place {
	rng := rand.New(rand.NewPCG(l.seed, streamName))
	order := rng.Perm(len(namesBefore) * len(namesMiddle) * len(namesBehind))
	towns := rng.Perm(len(namesMiddle) * len(namesBehind))
	out := make([]place, len(l.villages))
	for i := range out {
		n := order[i%len(order)]
		name := namesBefore[n%len(namesBefore)]
		n /= len(namesBefore)
		name += namesMiddle[n%len(namesMiddle)] + namesBehind[n/len(namesMiddle)] + "村"
		t := i / perTownship
		town := towns[t%len(towns)]
		p := place{
			code:     fmt.Sprintf("%s%03d%03d", countyCode, 100+t, 200+i%perTownship),
			name:     name,
			township: namesMiddle[town%len(namesMiddle)] + namesBehind[town/len(namesMiddle)] + "镇",
		}
		p.unit = p.code + "0000000"
		out[i] = p
	}
	return out
}
