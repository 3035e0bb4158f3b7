package ingest

import (
	"math"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// The fields of what is deducted from a patch (TD/T 1057-2020, table of 地类图斑):
// the coefficient, a fraction, and the area.
const (
	ratioField    = "KCXS"
	deductedField = "KCMJ"
)

// compute finds the areas of record that the layer's records are to have and this
// one has not, by the survey's rule, and marks them ([index.Computed]): the patch
// area from the geometry ([geo.SurveyArea]), in the delivery's own zone where it
// is in one; the net area as the patch area less what is deducted. What stands in
// the record stays as it is.
func (l *layerRun) compute(crs geo.CRS, j *judged) {
	patch := j.Patch
	if patch == index.NoArea && l.profile.Patch != "" {
		var ok bool
		if patch, ok = surveyed(crs, j.Geometry); ok {
			j.Patch = index.Computed(patch)
		}
	}
	if j.Net != index.NoArea || l.profile.Net == "" || patch == index.NoArea {
		return
	}
	if deducted, ok := l.deducted(j, patch); ok {
		j.Net = index.Computed(patch - deducted)
	}
}

// surveyed is the area of m as the survey books it, in 0.01 m²; index.NoArea, and
// false, where it lies in no zone of the survey's.
func surveyed(crs geo.CRS, m geo.MultiPolygon) (int64, bool) {
	var err error
	if !crs.GaussKrueger() {
		if crs, err = geo.SurveyZone(m); err != nil {
			return index.NoArea, false
		}
	}
	a, err := geo.SurveyArea(crs, m)
	if err != nil || a <= 0 || a > maxRecordArea*100 {
		return index.NoArea, false
	}
	return int64(a), true
}

// deducted returns what is to be taken from the patch area of j, in 0.01 m²: KCMJ
// where the record has it, else TBMJ × KCXS rounded half up. An empty KCXS is 0.
// It is false where the record does not tell: cropland whose layer has no KCXS, or
// a value that is no share of a patch.
func (l *layerRun) deducted(j *judged, patch int64) (int64, bool) {
	if i := l.places.deducted; i >= 0 && j.Values[i] != nil {
		a, ok := recordArea(j.Values[i])
		return a, ok && a <= patch
	}
	if i := l.places.ratio; i >= 0 {
		if j.Values[i] == nil {
			return 0, true
		}
		ratio, ok := j.Values[i].(float64)
		if !ok || !(ratio >= 0 && ratio < 1) {
			return 0, false
		}
		return deduct(patch, ratio), true
	}
	// Nothing is deducted but from cropland (TD/T 1057-2020, KCDLBM).
	return 0, l.places.class >= 0 && !edition.IsCropland(j.class)
}

// deduct is patch × ratio, rounded half up to 0.01 m². KCXS has four decimals, so
// that the product of such a ratio is exact in integers.
func deduct(patch int64, ratio float64) int64 {
	const steps = 10_000
	if n := math.Round(ratio * steps); math.Abs(ratio*steps-n) < 1e-9 && patch < math.MaxInt64/steps-1 {
		return (patch*int64(n) + steps/2) / steps
	}
	return int64(math.Floor(float64(patch)*ratio + 0.5))
}
