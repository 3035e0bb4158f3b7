package analyze

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/pieces"
)

// The covers of the question.
const (
	cropCover = iota
	pbfCover
	hsfCover
)

// key tells the pieces of a patch apart: 0 is outside the accepted parcels.
func (w *outsideWork) key(p *pieces.Piece, feature int) uint64 {
	if !p.In(hsfCover) {
		return 0
	}
	if p.In(pbfCover) {
		p.Each(pbfCover, func(i int) { w.taken = append(w.taken, taken{int32(feature), int32(i)}) })
		return keyHSF | keyPBF
	}
	key := uint64(keyHSF)
	for i, c := range w.cover {
		if c >= 0 && p.In(c) {
			key |= 1 << i
		}
	}
	if w.reserve >= 0 && p.In(w.reserve) {
		key |= keyReserve
	}
	if w.quality >= 0 {
		grade := 0
		p.Each(w.quality, func(i int) { grade = max(grade, w.gradeOf(i)) })
		key |= uint64(grade) << keyGrade
	}
	state := uint8(0)
	p.Each(hsfCover, func(i int) { state = max(state, w.hsfStates[i]) })
	return key | uint64(state)<<keyState
}

// gradeOf returns the grade of quality of a feature of the layer quality, 0 for none. The
// first error of reading is kept in w.failed.
func (w *outsideWork) gradeOf(i int) int {
	grade, err := w.grades.grade(i)
	if w.failed == nil {
		w.failed = err
	}
	return grade
}

// feature takes the shares of a patch.
func (w *outsideWork) feature(shares []pieces.Share) error {
	if w.failed != nil {
		return w.failed
	}
	f := int(shares[0].Feature)
	place, _ := w.places.of(f)
	sum := w.sums[place]
	if sum == nil {
		sum = &outsideSum{}
		w.sums[place] = sum
	}
	own := uint64(0)
	for i, c := range w.fieldFlag {
		v, err := c.text(f)
		if err != nil {
			return err
		}
		if i == 0 && w.Rules.HSFOutside.SteepSlopes.has(v) || i == 1 && v != "" && !w.Rules.HSFOutside.StableValues.has(v) {
			own |= 1 << (len4 + i)
		}
	}
	first := len(w.list)
	seen, cut, touched := uint64(0), false, false
	net, recorded := netOf(w.crop.Record(f))
	for i := range shares {
		s := &shares[i]
		switch {
		case s.Mask == 0:
			cut = true
			net -= Area(max(s.Net, 0))
			continue
		case s.Mask&keyPBF != 0:
			if recorded {
				sum.inside += Area(s.Net)
			}
		default:
			w.piece(first, s, own)
		}
		seen |= s.Mask
		touched = true
	}
	if !touched {
		return nil
	}
	if recorded {
		sum.hsf += net
	} else {
		sum.unrecorded++
	}
	return w.settle(first, seen, cut, place, sum)
}

// piece adds a share to the candidate of the patch with the same flags, or makes one.
func (w *outsideWork) piece(first int, s *pieces.Share, own uint64) {
	key := s.Mask&(keyFlags|keyReserve) | own
	grade, state := int(s.Mask>>keyGrade&0xff), int(s.Mask>>keyState&0xff)
	for k := first; k < len(w.list); k++ {
		c := &w.list[k]
		if c.key != key {
			continue
		}
		w.byGrade[k-first][grade] += s.Area
		c.state = max(c.state, state)
		c.area += Area(s.Area)
		c.areaM2 += s.AreaM2
		if index.OfRecord(s.Patch) {
			c.patch += s.Patch
		}
		if index.OfRecord(s.Net) {
			c.net += s.Net
		}
		return
	}
	w.byGrade = append(w.byGrade[:len(w.list)-first], [maxGrade + 1]int64{})
	w.byGrade[len(w.list)-first][grade] += s.Area
	w.list = append(w.list, candidate{feature: s.Feature, key: key, state: state, area: Area(s.Area), areaM2: s.AreaM2, patch: s.Patch, net: s.Net})
}

// settle adds the candidates of a patch, from first on, to the sums, and takes slivers
// from the list.
func (w *outsideWork) settle(first int, seen uint64, cut bool, place string, sum *outsideSum) error {
	own := w.list[first:]
	if len(own) == 0 {
		return nil
	}
	f := int(own[0].feature)
	code, err := w.code.orID(f)
	if err != nil {
		return err
	}
	grade := 0
	if w.quality < 0 {
		if grade, err = w.grades.grade(f); err != nil {
			return err
		}
	}
	for i := range own {
		if w.quality < 0 {
			own[i].grade = grade
			continue
		}
		// The grade of the greater part that has one, the worse of two as great.
		for grade := maxGrade; grade > 0; grade-- {
			if most := w.byGrade[i][own[i].grade]; w.byGrade[i][grade] > most || own[i].grade == 0 && w.byGrade[i][grade] > 0 {
				own[i].grade = grade
			}
		}
	}
	slices.SortFunc(own, func(a, b candidate) int { return cmp.Compare(a.key, b.key) })
	kept := own[:0]
	for i := range own {
		c := &own[i]
		c.seen, c.cut, c.code, c.place = seen, cut, code, place
		if len(own) > 1 {
			c.part = i + 1
		}
		sum.add(c, geo.Hundredths(c.area).M2() < w.Rules.Slivers.AreaM2.Value)
		if geo.Hundredths(c.area).M2() >= w.Rules.Slivers.AreaM2.Value {
			kept = append(kept, *c)
		}
	}
	w.list = w.list[:first+len(kept)]
	return nil
}

// add takes in a candidate.
func (s *outsideSum) add(c *candidate, sliver bool) {
	net := Area(max(c.net, 0))
	s.area += c.area
	s.crop += net
	if c.key&keyFlags == 0 {
		s.eligibleCrop += net
	}
	for i := range flags {
		if c.key>>i&1 != 0 {
			s.flagged[i] += net
		}
	}
	if sliver {
		s.slivers++
		s.sliverCrop += net
		s.sliverArea += c.area
		return
	}
	s.listed++
	if c.key&keyFlags == 0 {
		s.eligible++
	}
}

// id is the patch's code, with a number where the patch has several pieces.
func (c *candidate) id() string {
	if c.part == 0 {
		return c.code
	}
	return c.code + "-" + strconv.Itoa(c.part)
}

// flagNames lists the flags of a piece.
func (c *candidate) flagNames() string {
	var out []string
	for i := range flags {
		if c.key>>i&1 != 0 {
			out = append(out, flags[i].name)
		}
	}
	return strings.Join(out, " ")
}

// takes returns the choice of the patches of PBF that take ground from a patch: those
// which only touch it need not be taken off.
func (w *outsideWork) takes(feature int32) func(i int) bool {
	from, _ := slices.BinarySearchFunc(w.taken, feature, func(t taken, f int32) int { return cmp.Compare(t.patch, f) })
	end := from
	for end < len(w.taken) && w.taken[end].patch == feature {
		end++
	}
	own := w.taken[from:end]
	return func(i int) bool {
		return slices.ContainsFunc(own, func(t taken) bool { return int(t.pbf) == i })
	}
}

// shape returns the ground of a candidate.
func (w *outsideWork) shape(ctx context.Context, c *cutter, p *candidate) (geo.MultiPolygon, error) {
	var in, out []pieces.Cover
	if p.cut {
		in = append(in, w.hsf)
	}
	if p.seen&keyPBF != 0 {
		out = append(out, pieces.Cover{Layer: w.pbf, Only: w.takes(p.feature)})
	}
	bits := w.cover[:]
	if w.reserve >= 0 {
		bits = append(slices.Clone(bits), make([]int, 8-len4)...)
		for i := len4; i < 8; i++ {
			bits[i] = -1
		}
		bits = append(bits, w.reserve)
	}
	for i, cover := range bits {
		switch {
		case cover < 0:
		case p.key>>i&1 != 0:
			in = append(in, w.covers[cover])
		case p.seen>>i&1 != 0:
			out = append(out, w.covers[cover])
		}
	}
	return c.cut(ctx, w.crop, int(p.feature), in, out)
}
