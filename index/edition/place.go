package edition

import (
	"slices"
	"strings"

	"gengtu/index/problem"
)

// placeDigits are the lengths of codes of provinces, prefectures, counties, townships,
// villages and groups of villagers. Each code begins with those of the places around it.
var placeDigits = []int{2, 4, 6, 9, 12, 14}

// PlaceDigits returns the lengths of codes of places, those of the largest places first.
// The slice is the caller's.
func PlaceDigits() []int { return slices.Clone(placeDigits) }

// IsPlace tells whether code can be one of a place: digits, as many as a level has.
func IsPlace(code string) bool {
	return slices.Contains(placeDigits, len(code)) && strings.Trim(code, "0123456789") == ""
}

// What is said of the lengths of codes, in Chinese and English.
const (
	PlaceDigitsZh = "2、4、6、9、12 或 14 位数字"
	PlaceDigitsEn = "2, 4, 6, 9, 12 or 14 digits"
)

// BadPlace is the problem PARAMETER_PLACE of a code that cannot be one of a place.
func BadPlace(code string) *problem.Problem {
	return problem.New("PARAMETER_PLACE", "行政区代码 %.20q 不合规", "the place code %.20q is not valid", code).
		Advise(PlaceDigitsZh, PlaceDigitsEn)
}
