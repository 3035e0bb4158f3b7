package pieces

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gengtu/index"
	"gengtu/index/geo"
)

// Share is the part of a subject's feature that lies under the same mask: its own
// area, and its shares of the areas of record. All are in 0.01 m², and those of one
// feature add up to the feature's, to the last unit (largest remainder; domain
// 6.0 rule 1).
type Share struct {
	Feature int32 // ordinal in the subject's layer
	// Mask has bit c set where a feature of cover c lies on the ground, the subject's
	// own bit included; or what [Question.Key] made of the piece.
	Mask uint64
	// Area is the ellipsoidal area, Patch and Net the shares of record or
	// [index.NoArea] where the record has none.
	Area, Patch, Net int64
	// AreaM2 is the area as it was measured, in m².
	AreaM2 float64
}

// Question asks for shares.
type Question struct {
	Covers []Cover
	// Subject is the number of the cover whose features are shared out.
	Subject int
	// Key tells pieces of a feature apart; nil is by the covers on them (domain 6.0 rule
	// 3: a mask is dissolved). Pieces with equal keys are one share. It is called by one
	// goroutine at a time.
	Key func(p *Piece, feature int) uint64
}

// Shares finds the shares of all features of the subject, in rising order of features
// and masks, and hands them to visit one feature after the other; what is handed over
// is valid until visit returns. Ground that several features of the subject cover counts
// for each of them; doubled is how much that is too much in their sum, in m².
func Shares(ctx context.Context, q Question, opt Options, visit func([]Share) error) (doubled float64, err error) {
	type part struct {
		feature int32
		mask    uint64
		area    float64
	}
	var parts []part
	err = Divide(ctx, q.Covers, opt, func(ps []Piece) error {
		for i := range ps {
			p := &ps[i]
			n := 0
			p.Each(q.Subject, func(f int) {
				n++
				key := p.Mask()
				if q.Key != nil {
					key = q.Key(p, f)
				}
				parts = append(parts, part{int32(f), key, p.Area})
			})
			if n > 1 {
				doubled += float64(n-1) * p.Area
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	// Stable, so that areas of equal keys add up in the order of the ground.
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.feature, b.feature), cmp.Compare(a.mask, b.mask))
	})
	l := q.Covers[q.Subject].Layer
	var shares []Share
	for at := 0; at < len(parts); {
		f := parts[at].feature
		shares = shares[:0]
		for ; at < len(parts) && parts[at].feature == f; at++ {
			if n := len(shares); n > 0 && shares[n-1].Mask == parts[at].mask {
				shares[n-1].AreaM2 += parts[at].area
				continue
			}
			shares = append(shares, Share{Feature: f, Mask: parts[at].mask, AreaM2: parts[at].area})
		}
		shares = drop(shares)
		allot(shares, l.Record(int(f)))
		if err := visit(shares); err != nil {
			return 0, err
		}
	}
	return doubled, nil
}

// leastM2 is below what integers of 0.01 m² can show, and above what sums of areas that are
// taken back leave over.
const leastM2 = 1e-5

// drop leaves out the shares of one feature that have no ground, but for the largest.
func drop(shares []Share) []Share {
	largest := slices.MaxFunc(shares, func(a, b Share) int { return cmp.Compare(a.AreaM2, b.AreaM2) })
	return slices.DeleteFunc(shares, func(s Share) bool { return math.Abs(s.AreaM2) < leastM2 && s.Mask != largest.Mask })
}

// Mask returns the set of covers that are on the piece, bit c for cover c.
func (p *Piece) Mask() uint64 {
	m := uint64(0)
	for _, o := range p.Owners {
		m |= 1 << o.Cover
	}
	return m
}

// allot gives the shares of one feature their figures.
func allot(shares []Share, r index.Record) {
	weights := make([]float64, len(shares))
	for i := range shares {
		weights[i] = max(shares[i].AreaM2, 0)
	}
	for i, v := range geo.LargestRemainder(geo.HundredthsOf(r.AreaM2), weights) {
		shares[i].Area = int64(v)
	}
	for i, v := range ofRecord(r.Patch, weights) {
		shares[i].Patch = v
	}
	for i, v := range ofRecord(r.Net, weights) {
		shares[i].Net = v
	}
}

// ofRecord divides an area of record by weights.
func ofRecord(whole int64, weights []float64) []int64 {
	out := make([]int64, len(weights))
	if !index.OfRecord(whole) {
		for i := range out {
			out[i] = index.NoArea
		}
		return out
	}
	for i, v := range geo.LargestRemainder(geo.Hundredths(whole), weights) {
		out[i] = int64(v)
	}
	return out
}
