package analyze

import (
	"gengtu/index"
	"gengtu/index/geo"
)

// areaOf is an area in m² as tables have it.
func areaOf(m2 float64) Area { return Area(geo.HundredthsOf(m2)) }

// recordCell is a share of an area of record, nil where there is none.
func recordCell(share int64) any {
	if !index.OfRecord(share) {
		return nil
	}
	return Area(share)
}

// textCell is a text as a cell, nil for none.
func textCell(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// gradeCell is a grade of quality, nil for none.
func gradeCell(grade int) any {
	if grade == 0 {
		return nil
	}
	return int64(grade)
}

// ratio is a share in [0, 1], 0 of nothing.
func ratio(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return min(max(part/whole, 0), 1)
}
