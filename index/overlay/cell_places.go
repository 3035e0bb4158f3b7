package overlay

import (
	"cmp"
	"slices"
)

// places are the abscissas at which something begins, ends or toggles in a cell.
// They are spread over buckets of equal width first, which are then put in order:
// most have one place or two.
type places struct {
	x0, scale float64
	added     []abscissa
	sorted    []abscissa // after sort
	first     []int32    // by bucket: where it begins in sorted, and one more at the end
}

// abscissa is one and what is there: the number of a line that begins, those
// of toggles behind them, or noPlace.
type abscissa struct {
	x  float64
	of int32
}

// noPlace is what is at a place where nothing begins.
const noPlace = -1

// longBucket is the number of places from which on a bucket is not put in order by
// insertion, which takes the square of it.
const longBucket = 24

func (p *places) reset(x0, x1 float64) {
	p.x0, p.scale = x0, 1/(x1-x0)
	p.added = p.added[:0]
}

func (p *places) add(x float64, of int32) { p.added = append(p.added, abscissa{x, of}) }

// sort orders the places by x, and those of one x by what they are of.
func (p *places) sort() {
	n := len(p.added)
	p.first = append(p.first[:0], make([]int32, n+2)...)
	scale := p.scale * float64(n)
	for i := range p.added {
		p.first[p.bucket(p.added[i].x, scale, n)+2]++
	}
	for k := 2; k < len(p.first); k++ {
		p.first[k] += p.first[k-1]
	}
	p.sorted = slices.Grow(p.sorted[:0], n)[:n]
	for i := range p.added {
		at := &p.first[p.bucket(p.added[i].x, scale, n)+1]
		p.sorted[*at] = p.added[i]
		*at++
	}
	for k := range n {
		if run := p.sorted[p.first[k]:p.first[k+1]]; len(run) > 1 {
			orderRun(run)
		}
	}
}

// bucket returns the bucket of x, of n; it never falls as x rises.
func (p *places) bucket(x, scale float64, n int) int {
	return min(max(int(float64((x-p.x0)*scale)), 0), n-1)
}

func orderRun(run []abscissa) {
	if len(run) > longBucket {
		slices.SortFunc(run, func(a, b abscissa) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.of, b.of)) })
		return
	}
	for i := 1; i < len(run); i++ {
		w := run[i]
		j := i
		for ; j > 0 && (run[j-1].x > w.x || run[j-1].x == w.x && run[j-1].of > w.of); j-- {
			run[j] = run[j-1]
		}
		run[j] = w
	}
}

// starts holds, slab by slab, what begins at the slab's left side.
type starts struct {
	first []int32 // by slab: its first place in list, and one more at the end
	list  []int32
}

func (s *starts) reset() { s.first, s.list = s.first[:0], s.list[:0] }

// slab begins the next slab, or ends the last.
func (s *starts) slab() { s.first = append(s.first, int32(len(s.list))) }

// at returns what begins with slab k.
func (s *starts) at(k int) []int32 { return s.list[s.first[k]:s.first[k+1]] }
