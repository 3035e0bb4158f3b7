package check

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/ingest"
)

// sumKey is a village and whether its land is an island's (MSSM): the two are levelled
// apart (domain.md 2.6).
type sumKey struct{ code, mssm string }

// recordSum adds up areas of record.
type recordSum struct {
	area    geo.Hundredths
	patches int
}

// placeRecord is a place with its control area.
type placeRecord struct {
	code, mssm string
	file       int
	record     int64
	key        string
	at         geo.Position
	control    geo.Hundredths // DCMJ, or JSMJ where there is none
	field      string         // which of the two
}

// sum keeps what the rules about sums need of a feature.
func (l *layerCheck) sum(f *ingest.Seen) {
	code := l.code(f)
	if code == "" {
		return
	}
	mssm := "00"
	if i := l.control[2]; i >= 0 && textOf(f.Values[i]) != "" {
		mssm = textOf(f.Values[i])
	}
	if l.ofPlaces() {
		l.addPlace(f, code, mssm)
		return
	}
	if i := l.amounts.patch; i >= 0 {
		if a, ok := number(f.Values[i]); ok {
			k := sumKey{code, mssm}
			s := l.sums[k]
			if s == nil {
				s = &recordSum{}
				l.sums[sumKey{strings.Clone(code), strings.Clone(mssm)}] = s
			}
			s.area += geo.HundredthsOf(a)
			s.patches++
		}
	}
}

func (l *layerCheck) addPlace(f *ingest.Seen, code, mssm string) {
	at := l.at(f)
	for _, i := range l.control[:2] {
		if i < 0 {
			continue
		}
		if a, ok := number(f.Values[i]); ok {
			l.places = append(l.places, placeRecord{
				code: strings.Clone(code), mssm: strings.Clone(mssm), file: f.File, record: f.Record, key: strings.Clone(f.Key), at: at.at,
				control: geo.HundredthsOf(a), field: l.seen.Fields[i].Name,
			})
			return
		}
	}
}

// areas asks the rules about sums: patches against the control areas of villages and
// regions, and places against those above them.
func (c *Checker) areas(context.Context) error {
	for _, places := range c.layers {
		if !places.ofPlaces() {
			continue
		}
		for _, l := range c.layers {
			if l.ofPlaces() || !c.speaksOf(places, l) || l.amounts.patch < 0 {
				continue
			}
			if err := c.patchSums(l, places); err != nil {
				return err
			}
		}
		if err := c.placeSums(places); err != nil {
			return err
		}
	}
	return nil
}

// speaksOf tells whether the places p are those that the features of l lie in: of its
// vintage, or where there are none of that, of the latest that has any.
func (c *Checker) speaksOf(p, l *layerCheck) bool {
	if !p.ofPlaces() {
		return false
	}
	best := ""
	for _, q := range c.layers {
		switch v := q.seen.Vintage; {
		case !q.ofPlaces():
		case v == l.seen.Vintage:
			return p.seen.Vintage == v
		case best == "" || edition.CompareVintages(v, best) > 0:
			best = v
		}
	}
	return p.seen.Vintage == best
}

// control adds up the records of each place.
func control(list []placeRecord) []placeRecord {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b placeRecord) int { return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.mssm, b.mssm)) })
	out := list[:0]
	for _, p := range list {
		if n := len(out); n > 0 && out[n-1].code == p.code && out[n-1].mssm == p.mssm {
			out[n-1].control += p.control
			continue
		}
		out = append(out, p)
	}
	return out
}

// patchSums holds the patches of l against the control areas of places.
func (c *Checker) patchSums(l, places *layerCheck) error {
	sums := map[sumKey]recordSum{} // of all levels
	for k, s := range l.sums {
		for _, digits := range levels {
			if digits > len(k.code) {
				break
			}
			at := sumKey{k.code[:digits], k.mssm}
			sum := sums[at]
			sum.area, sum.patches = sum.area+s.area, sum.patches+s.patches
			sums[at] = sum
		}
	}
	for _, p := range control(places.places) {
		check := "region-sum"
		if len(p.code) == 12 {
			check = "village-sum"
		}
		if err := c.compare(l.rules[check], places, &p, sums[sumKey{p.code, p.mssm}], "图斑", "patches"); err != nil {
			return err
		}
	}
	return nil
}

// placeSums holds the places of each level against the next one above that is there.
func (c *Checker) placeSums(upper *layerCheck) error {
	type finer struct {
		recordSum
		digits int // of the next finer level
	}
	below := map[sumKey]finer{}
	for _, l := range c.layers {
		if !c.speaksOf(l, upper) {
			continue
		}
		for _, q := range l.places {
			for _, digits := range levels {
				if digits >= len(q.code) {
					break
				}
				at := sumKey{q.code[:digits], q.mssm}
				sum := below[at]
				if sum.digits == 0 || len(q.code) < sum.digits {
					sum = finer{digits: len(q.code)}
				}
				if len(q.code) == sum.digits {
					sum.area += q.control
					sum.patches++
				}
				below[at] = sum
			}
		}
	}
	for _, p := range control(upper.places) {
		sum, ok := below[sumKey{p.code, p.mssm}]
		if !ok {
			continue
		}
		if err := c.compare(upper.rules["places-sum"], upper, &p, sum.recordSum, "下级区域", "places"); err != nil {
			return err
		}
	}
	return nil
}

// compare reports a place whose control area is not the sum of what lies in it.
func (c *Checker) compare(rules []*Rule, l *layerCheck, p *placeRecord, sum recordSum, zh, en string) error {
	for _, r := range rules {
		limit := r.threshold("tolerance_m2") + float64(sum.patches)*r.threshold("per_patch_m2")
		d := (sum.area - p.control).M2()
		if math.Abs(d) <= limit+1e-9 {
			continue
		}
		err := c.book.report(&found{
			place: place{layer: l, file: p.file, record: p.record, key: p.key, at: p.at}, rule: r, areaM2: d,
			zh:   "%[1]s 的 %[3]d 个%[2]s合计 %[5]v m²，%[6]s 是 %[7]v m²，相差 %.2[8]f m²",
			en:   "the %[3]d %[4]s of %[1]s add up to %[5]v m², %[6]s is %[7]v m²; they differ by %.2[8]f m²",
			args: []any{p.code, zh, sum.patches, en, sum.area, p.field, p.control, d},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
