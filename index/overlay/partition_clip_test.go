package overlay

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
)

// shares follows an AOI down to a depth and sums up, from what Share says and
// what the solver finds in the rest, how much it has of the frame.
type shares struct {
	t              *testing.T
	frame          *Frame
	depth          map[int32]int
	whole, nothing int
	total          float64
}

func (s *shares) Inside(ref int32) error {
	s.total += s.frame.Area() / float64(int64(1)<<s.depth[ref])
	return nil
}

func (s *shares) Across(ref int32, c *Clip) (lo, hi int32, divided bool, err error) {
	n := *c.node
	share, mixed := c.Share()
	if mixed != (len(c.node.edges) > 0 || len(c.node.toggles) > 0) {
		return 0, 0, false, errors.New("a share with borders left")
	}
	if !mixed {
		if share == 1 {
			s.whole++
			return 0, 0, false, s.Inside(ref)
		}
		s.nothing++
		return 0, 0, false, nil
	}
	if depth := s.depth[ref]; depth < 12 {
		k := int32(len(s.depth))
		s.depth[k], s.depth[k+1] = depth+1, depth+1
		return k, k + 1, true, nil
	}
	// A cell of one face without segments has all of the AOI in it.
	cell := Cell{X0: n.x0, Y0: n.y0, X1: n.x1, Y1: n.y1, Bottom: []BottomFace{{X: n.x0}}, Faces: []Face{{Area: (n.x1 - n.x0) * (n.y1 - n.y0)}}}
	var packed PackedCell
	areas := []float64{0}
	if _, ok := packed.Unpack(cell.AppendPacked(nil)); !ok || !c.Faces(&packed, areas) {
		return 0, 0, false, errors.New("a packed cell is damaged")
	}
	s.total += areas[0]
	return 0, 0, false, nil
}

// Cells of which an AOI has all or nothing add up with the others to its area,
// whether their ancestors say so or Share does.
func TestClipShares(t *testing.T) {
	whole, nothing := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 77))
		g := newGenerator(seed)
		frame := NewFrame(g.star(500, 500, 900, 40).Box())
		aoi, _, err := Mend(g.star(300+400*rng.Float64(), 300+400*rng.Float64(), 250, 3+rng.IntN(60)))
		if err != nil {
			t.Fatal(err)
		}
		s := &shares{t: t, frame: &frame, depth: map[int32]int{0: 0}}
		if err := frame.Follow(aoi, 0, s); err != nil {
			t.Fatal(err)
		}
		if want := geo.Area(aoi); math.Abs(s.total-want) > 1e-6+1e-11*want {
			t.Errorf("seed %d: shares are %.9f m², want %.9f", seed, s.total, want)
		}
		whole, nothing = whole+s.whole, nothing+s.nothing
	}
	if whole < 100 || nothing < 100 {
		t.Errorf("%d whole and %d empty cells say little", whole, nothing)
	}
}

// packedTree follows AOIs down packed cells.
type packedTree struct {
	cells map[[2]uint64][]byte
	refs  [][2]uint64
	areas []float64
	clips []recordedClip
}

// recordedClip is a clip and the cell that it was handed out for.
type recordedClip struct {
	clip Clip
	cell PackedCell
}

func (p *packedTree) Inside(int32) error { return nil }

func (p *packedTree) Across(ref int32, c *Clip) (lo, hi int32, divided bool, err error) {
	path, depth := p.refs[ref][0], p.refs[ref][1]
	data, ok := p.cells[p.refs[ref]]
	if !ok {
		p.refs = append(p.refs, [2]uint64{path, depth + 1}, [2]uint64{path | 1<<(63-depth), depth + 1})
		return int32(len(p.refs) - 2), int32(len(p.refs) - 1), true, nil
	}
	if _, mixed := c.Share(); !mixed {
		return 0, 0, false, nil
	}
	n := *c.node
	n.edges, n.toggles, n.base = slices.Clone(n.edges), slices.Clone(n.toggles), slices.Clone(n.base)
	r := recordedClip{clip: Clip{node: &n}}
	if _, ok := r.cell.Unpack(data); !ok {
		return 0, 0, false, errors.New("a packed cell is damaged")
	}
	p.clips = append(p.clips, r)
	return 0, 0, false, nil
}

// BenchmarkClip is the time that Faces takes for a cell that a border crosses.
func BenchmarkClip(b *testing.B) {
	var all groundOf
	for _, it := range landscape(11, 100, 6000) {
		m, _, err := Mend(it.Geometry)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, m)
	}
	frame, tree := partitionOf(b, all)
	p := &packedTree{cells: map[[2]uint64][]byte{}, refs: [][2]uint64{{0, 0}}}
	for k, c := range tree.cells {
		p.cells[k] = c.AppendPacked(nil)
	}
	g := newGenerator(5)
	for range 20 {
		aoi, _, err := Mend(g.star(3000, 3000, 2900, 24))
		if err != nil {
			b.Fatal(err)
		}
		p.refs = p.refs[:1]
		if err := frame.Follow(aoi, 0, p); err != nil {
			b.Fatal(err)
		}
	}
	segments := 0
	for i := range p.clips {
		segments += len(p.clips[i].cell.segments) / (4 * p.clips[i].cell.width)
	}
	start := processorTime(b)
	for b.Loop() {
		for i := range p.clips {
			c := &p.clips[i]
			p.areas = slices.Grow(p.areas[:0], c.cell.Faces())[:c.cell.Faces()]
			if !c.clip.Faces(&c.cell, p.areas) {
				b.Fatal("a packed cell is damaged")
			}
		}
	}
	cells := float64(b.N) * float64(len(p.clips))
	b.ReportMetric(float64(processorTime(b)-start)/cells, "cpu-ns/cell")
	b.ReportMetric(float64(segments)/float64(len(p.clips)), "segments/cell")
}
