package pyramid

import (
	"math"
	"slices"
)

// shared measures what each of several regions of a cell shares with those before
// it. Borders of regions are entered with the region on the same hand, so that at
// each height a region is what lies east of its borders that run one way, less what
// lies east of those that run the other way. What two regions share is then a sum
// over pairs of their borders of what lies east of both, which needs no crossings
// and no order. Where three regions lie on one another the sum over pairs counts
// ground twice, and the cell is cut into slabs.
type shared struct {
	west, north float64
	edges       []sharedEdge
	ends        []int32 // where each region's edges end
	losses      []float64
	pairs       [mostPairs * mostPairs]float64
	slabs       slabs
}

// sharedEdge is a border of a region, from its upper to its lower end.
type sharedEdge struct {
	x0, y0, y1, slope float64
	way               float64 // 1 if it was entered at its upper end, else -1
}

// mostPairs is the number of regions up to which they are compared pair by pair.
const mostPairs = 6

// hardly is the share of a cell below which two regions share nothing but roundings.
const hardly = 1.0 / (1 << 40)

func (s *shared) begin(west, north float64) {
	s.west, s.north = west, north
	s.edges, s.ends = s.edges[:0], s.ends[:0]
}

// edge enters a border of the present region.
func (s *shared) edge(x0, y0, x1, y1 float64) {
	way := 1.0
	if y0 > y1 {
		x0, y0, x1, y1, way = x1, y1, x0, y0, -1
	}
	slope := 0.0
	if x0 != x1 {
		slope = (x1 - x0) / (y1 - y0)
	}
	s.edges = append(s.edges, sharedEdge{x0, y0, y1, slope, way})
}

// end ends the present region.
func (s *shared) end() { s.ends = append(s.ends, int32(len(s.edges))) }

// region returns the edges of region i.
func (s *shared) region(i int) []sharedEdge {
	from := int32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.edges[from:s.ends[i]]
}

// lost returns for each region how much of the cell it shares with any before it.
// The result is valid until the next call.
func (s *shared) lost() []float64 {
	n := len(s.ends)
	s.losses = append(s.losses[:0], make([]float64, n)...)
	if n > mostPairs {
		s.bySlabs()
		return s.losses
	}
	for i := 1; i < n; i++ {
		for j := range i {
			both := s.both(s.region(i), s.region(j))
			s.pairs[i*mostPairs+j] = both
			if both < hardly {
				continue
			}
			for k := range j {
				if s.pairs[i*mostPairs+k] >= hardly && s.pairs[j*mostPairs+k] >= hardly {
					s.bySlabs()
					return s.losses
				}
			}
			s.losses[i] += both
		}
	}
	return s.losses
}

// both returns how much of the cell lies in two regions, whichever way their borders
// run.
func (s *shared) both(a, b []sharedEdge) float64 {
	sum := 0.0
	for i := range a {
		for j := range b {
			sum += float64(s.east(&a[i], &b[j]) * float64(a[i].way*b[j].way))
		}
	}
	return math.Abs(sum)
}

// east returns how much of the cell lies east of both a and b, at heights that both
// have: the cell's east side less the larger x of the two, which is their mean and
// half of what lies between them.
func (s *shared) east(a, b *sharedEdge) float64 {
	top, bottom := max(a.y0, b.y0), min(a.y1, b.y1)
	if top >= bottom {
		return 0
	}
	a0, a1 := a.at(top)-s.west, a.at(bottom)-s.west
	b0, b1 := b.at(top)-s.west, b.at(bottom)-s.west
	d0, d1 := a0-b0, a1-b1
	between := math.Abs(d0 + d1)
	if d0 < 0 && d1 > 0 || d0 > 0 && d1 < 0 {
		between = (float64(d0*d0) + float64(d1*d1)) / (math.Abs(d0) + math.Abs(d1))
	}
	return float64((bottom - top) * (1 - (a0+a1+b0+b1+between)/4))
}

// at returns x where e is at y.
func (e *sharedEdge) at(y float64) float64 { return e.x0 + float64(e.slope*(y-e.y0)) }

// bySlabs finds losses by cutting the cell.
func (s *shared) bySlabs() {
	s.slabs.begin(s.west, s.north)
	for i := range s.ends {
		for _, e := range s.region(i) {
			s.slabs.edge(e, int32(i))
		}
	}
	s.losses = append(s.losses[:0], s.slabs.lost(len(s.ends))...)
}

// slabs measures what regions of a cell share with those before them by cutting the
// cell at every corner and crossing: between cuts borders are straight and do not
// cross.
type slabs struct {
	west, north float64
	edges       []slabEdge
	cuts        []float64
	row         []passing
	winding     []int32
	losses      []float64
}

// slabEdge is a border of region who.
type slabEdge struct {
	sharedEdge
	who int32
}

// passing is where an edge passes the middle of a slab.
type passing struct {
	x        float64
	who, way int32
}

func (s *slabs) begin(west, north float64) {
	s.west, s.north = west, north
	s.edges = s.edges[:0]
	s.cuts = append(s.cuts[:0], north, north+1)
}

func (s *slabs) edge(e sharedEdge, who int32) {
	s.edges = append(s.edges, slabEdge{e, who})
	s.cut(e.y0)
	s.cut(e.y1)
}

// cut puts y among the cuts, which are in order.
func (s *slabs) cut(y float64) {
	i := len(s.cuts)
	for i > 0 && s.cuts[i-1] > y {
		i--
	}
	if i == 0 || i == len(s.cuts) || s.cuts[i-1] == y {
		return // outside the cell by rounding, or known
	}
	s.cuts = slices.Insert(s.cuts, i, y)
}

// lost returns for each of n regions how much of the cell it shares with any
// before it. The result is valid until the next call.
func (s *slabs) lost(n int) []float64 {
	for i := range s.edges {
		for j := range i {
			if a, b := &s.edges[i], &s.edges[j]; a.who != b.who {
				s.cross(a, b)
			}
		}
	}
	s.losses = append(s.losses[:0], make([]float64, n)...)
	s.winding = append(s.winding[:0], make([]int32, n)...)
	for i := 1; i < len(s.cuts); i++ {
		s.slab(s.cuts[i-1], s.cuts[i])
	}
	return s.losses
}

// cross adds a cut where a and b cross.
func (s *slabs) cross(a, b *slabEdge) {
	top, bottom := max(a.y0, b.y0), min(a.y1, b.y1)
	if top >= bottom {
		return
	}
	d0, d1 := a.at(top)-b.at(top), a.at(bottom)-b.at(bottom)
	if d0 < 0 && d1 > 0 || d0 > 0 && d1 < 0 {
		s.cut(top + float64((bottom-top)*(d0/(d0-d1))))
	}
}

// slab adds what lies between y0 and y1, where no two borders cross.
func (s *slabs) slab(y0, y1 float64) {
	middle := (y0 + y1) / 2
	s.row = s.row[:0]
	for i := range s.edges {
		e := &s.edges[i]
		if e.y0 > y0 || e.y1 < y1 {
			continue
		}
		p := passing{e.at(middle), e.who, int32(e.way)}
		j := len(s.row)
		s.row = append(s.row, p)
		for ; j > 0 && s.row[j-1].x > p.x; j-- {
			s.row[j] = s.row[j-1]
		}
		s.row[j] = p
	}
	clear(s.winding)
	for i, p := range s.row {
		s.winding[p.who] += p.way
		end := s.west + 1
		if i+1 < len(s.row) {
			end = s.row[i+1].x
		}
		owned := false
		for who, w := range s.winding {
			if w != 0 && owned {
				s.losses[who] += float64((end - p.x) * (y1 - y0))
			}
			owned = owned || w != 0
		}
	}
}
