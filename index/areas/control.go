package areas

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/problem"
)

// Control is a county's control area, such as the published one: what its hectare table is
// leveled to in the place of the sum of its patches (reference domain 2.6, 3).
type Control struct {
	// County is its code of six digits, Island its MSSM: mainland and islands are leveled
	// apart. "" is for a county whose patches have one MSSM, or none.
	County, Island string
	// Hundredths is the area in 0.01 ha.
	Hundredths int64
}

// mostControl is the largest control area that is read, in ha: more than China has.
const mostControl = 1e9

// ParseControl reads COUNTY=HECTARES or COUNTY/MSSM=HECTARES, such as 610402=6448.92 and
// 330902/01=35.10; hectares have at most two digits behind the point. The problem is
// PARAMETER_CONTROL.
func ParseControl(text string) (Control, error) {
	where, area, ok := strings.Cut(text, "=")
	c := Control{County: where}
	if county, island, apart := strings.Cut(where, "/"); apart {
		c.County, c.Island = county, island
		ok = ok && island != ""
	}
	_, behind, _ := strings.Cut(area, ".")
	v, err := strconv.ParseFloat(area, 64)
	if !ok || err != nil || !(v > 0 && v <= mostControl) || len(behind) > 2 || len(c.County) != 6 || strings.Trim(c.County, "0123456789") != "" || strings.ContainsAny(area, "eExX_") {
		return Control{}, problem.New("PARAMETER_CONTROL", "控制面积写的是 %.80q", "the control area says %.80q", text).
			Advise("写法是 县代码=公顷（两位小数），如 610402=6448.92；海岛另写：330902/01=35.10", "write COUNTY=HECTARES with two digits behind the point, such as 610402=6448.92; islands apart: 330902/01=35.10")
	}
	c.Hundredths = int64(math.Round(v * 100))
	return c, nil
}

// farFromSum is the part of a county's sum by which a control area may differ. The
// survey's rule has no bound; ours keeps square metres or mu from being taken for hectares.
const farFromSum = 0.01

// control returns what a county is leveled to, in 0.01 ha.
func (h *hectares) control(county, island string, villages []hectareVillage) (int64, error) {
	exact := int64(0)
	for i := range villages {
		exact += villages[i].exact
	}
	sum := inHectares(exact)
	i := slices.IndexFunc(h.q.Controls, func(c Control) bool {
		return c.County == county && (c.Island == island || c.Island == "" && h.parts[county] == 1)
	})
	if i < 0 {
		return sum, nil
	}
	h.controlled = append(h.controlled, i)
	control := h.q.Controls[i].Hundredths
	if math.Abs(float64(control-sum)) > farFromSum*float64(sum) {
		return 0, problem.New("CONTROL_AREA", "%[1]s 的控制面积 %[2]s 公顷与图斑合计 %[3]s 公顷相差超过 1%%", "the control area of %[1]s, %[2]s ha, differs from the sum of its patches, %[3]s ha, by more than 1%%",
			county, fixed(control, hectareDecimals), fixed(sum, hectareDecimals)).
			Advise("核对单位（公顷）、县代码和时相", "check the unit (hectares), the county's code and the vintage")
	}
	return control, nil
}

// unusedControl is the problem of a control area that nothing was leveled to.
func (q *SummaryQuestion) unusedControl(used []int) error {
	for i, c := range q.Controls {
		if slices.Contains(used, i) {
			continue
		}
		name := c.County
		if c.Island != "" {
			name += "/" + c.Island
		}
		return problem.New("CONTROL_AREA", "控制面积说的 %s 在图层里没有图斑，或写了两次", "no patch of the layer is of %s, which a control area is given for, or it is given twice", name).
			Advise("既有大陆又有海岛的县分开写：%[1]s/00=…、%[1]s/01=…", "of a county with mainland and islands give both: %[1]s/00=…, %[1]s/01=…", c.County)
	}
	return nil
}
