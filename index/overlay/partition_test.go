package overlay

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gengtu/index/geo"
)

// groundOf is a Ground of features in memory.
type groundOf []geo.MultiPolygon

func (g groundOf) Owners() int { return len(g) }

func (g groundOf) Extent(o int32) Extent { return Extent{g[o].Box(), g[o].Vertices()} }

func (g groundOf) Search(b geo.Box, visit func(int32) bool) {
	for i, m := range g {
		if m.Box().Intersects(b) && !visit(int32(i)) {
			return
		}
	}
}

func (g groundOf) Rings(o int32, r *geo.Rings) error {
	r.Append(g[o])
	return nil
}

// cellTree keeps a partition in memory.
type cellTree struct {
	cells map[[2]uint64]*Cell
	refs  [][2]uint64 // path and depth, by reference
	clip  func(c *Cell, areas []float64)
}

func partitionOf(t testing.TB, g groundOf) (Frame, *cellTree) {
	t.Helper()
	box := geo.EmptyBox()
	for _, m := range g {
		box = box.Union(m.Box())
	}
	f := NewFrame(box)
	blocks, err := f.Blocks(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	tree := &cellTree{cells: map[[2]uint64]*Cell{}, refs: [][2]uint64{{0, 0}}}
	p := NewPartitioner(f, g)
	for i := range blocks {
		err := p.Cells(context.Background(), &blocks[i], func(path uint64, depth int, c *Cell) error {
			k := *c
			k.Vertices = append([]geo.XY(nil), c.Vertices...)
			k.Segments = append([]Segment(nil), c.Segments...)
			k.Bottom = append([]BottomFace(nil), c.Bottom...)
			k.Faces = nil
			for _, f := range c.Faces {
				k.Faces = append(k.Faces, Face{f.Area, append([]int32(nil), f.Owners...)})
			}
			tree.cells[[2]uint64{path, uint64(depth)}] = &k
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return f, tree
}

func (c *cellTree) Inside(ref int32) error {
	path, depth := c.refs[ref][0], c.refs[ref][1]
	if cell := c.cells[c.refs[ref]]; cell != nil {
		areas := make([]float64, len(cell.Faces))
		for i := range areas {
			areas[i] = cell.Faces[i].Area
		}
		c.clip(cell, areas)
		return nil
	}
	for _, child := range [][2]uint64{{path, depth + 1}, {path | 1<<(63-depth), depth + 1}} {
		c.refs = append(c.refs, child)
		if err := c.Inside(int32(len(c.refs) - 1)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cellTree) Across(ref int32, k *Clip) (lo, hi int32, divided bool, err error) {
	path, depth := c.refs[ref][0], c.refs[ref][1]
	cell := c.cells[c.refs[ref]]
	if cell == nil {
		c.refs = append(c.refs, [2]uint64{path, depth + 1}, [2]uint64{path | 1<<(63-depth), depth + 1})
		return int32(len(c.refs) - 2), int32(len(c.refs) - 1), true, nil
	}
	areas := make([]float64, len(cell.Faces))
	var packed PackedCell
	if rest, ok := packed.Unpack(cell.AppendPacked(nil)); !ok || len(rest) > 0 || packed.Faces() != len(areas) || !k.Faces(&packed, areas) {
		return 0, 0, false, errors.New("a packed cell is damaged")
	}
	c.clip(cell, areas)
	return 0, 0, false, nil
}

// masksIn sums up, by the layers that cover it, what aoi has of the partition.
func (c *cellTree) masksIn(t testing.TB, f *Frame, aoi geo.MultiPolygon, layerOf []int) (masks map[uint16]float64, items []float64) {
	t.Helper()
	masks, items = map[uint16]float64{}, make([]float64, len(layerOf))
	c.clip = func(cell *Cell, areas []float64) {
		for i, a := range areas {
			mask := uint16(0)
			for _, o := range cell.Faces[i].Owners {
				mask |= 1 << layerOf[o]
				items[o] += a
			}
			masks[mask] += a
		}
	}
	if err := f.Follow(aoi, 0, c); err != nil {
		t.Fatal(err)
	}
	return masks, items
}

// The partition gives what Measure gives, for AOIs of any form, on fabrics whose
// neighbours share borders, on noisy copies of them, and where features overlap.
func TestPartitionAgainstMeasure(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 31))
		g := newGenerator(seed)
		n := 3 + rng.IntN(9)
		size := float64(n) * 60
		items := landscape(seed+100, n, size)
		for range rng.IntN(4) {
			items = append(items, Item{Layer: rng.IntN(3), Geometry: g.star(rng.Float64()*size, rng.Float64()*size, size/4, 5+rng.IntN(30))})
		}
		var all groundOf
		var layerOf []int
		for _, it := range items {
			m, _, err := Mend(it.Geometry)
			if err != nil {
				t.Fatal(err)
			}
			all, layerOf = append(all, m), append(layerOf, it.Layer)
		}
		f, tree := partitionOf(t, all)
		for k := range 6 {
			aoi := g.star(rng.Float64()*size, rng.Float64()*size, size*(0.05+rng.Float64()), 3+rng.IntN(40))
			if k == 5 {
				aoi = g.scribble(12, size)
			}
			aoi, _, err := Mend(aoi)
			if err != nil {
				t.Fatal(err)
			}
			checkPartition(t, seed, aoi, all, layerOf, &f, tree)
		}
	}
}

func checkPartition(t *testing.T, seed uint64, aoi geo.MultiPolygon, all groundOf, layerOf []int, f *Frame, tree *cellTree) {
	t.Helper()
	items := make([]Item, len(all))
	for i := range all {
		items[i] = Item{Layer: layerOf[i], Group: NoGroup, Geometry: all[i]}
	}
	want := mustMeasure(t, aoi, items)
	masks, got := tree.masksIn(t, f, aoi, layerOf)
	tol := 1e-6 + 1e-12*want.AOI
	for i, a := range want.Items {
		if math.Abs(got[i]-a) > tol {
			t.Errorf("seed %d: item %d has %.9f m², want %.9f", seed, i, got[i], a)
		}
	}
	for _, c := range want.Combinations {
		if c.Mask == 0 {
			continue // part of it lies outside of the frame
		}
		if math.Abs(masks[c.Mask]-c.Area) > tol {
			t.Errorf("seed %d: mask %b has %.9f m², want %.9f", seed, c.Mask, masks[c.Mask], c.Area)
		}
		delete(masks, c.Mask)
	}
	for m, a := range masks {
		if m != 0 && math.Abs(a) > tol {
			t.Errorf("seed %d: mask %b has %.9f m², want none", seed, m, a)
		}
	}
}

func BenchmarkPartition(b *testing.B) {
	var all groundOf
	vertices := 0
	for _, it := range landscape(11, 100, 6000) {
		m, _, err := Mend(it.Geometry)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, m)
		vertices += m.Vertices()
	}
	box := geo.EmptyBox()
	for _, m := range all {
		box = box.Union(m.Box())
	}
	f := NewFrame(box)
	blocks, err := f.Blocks(b.Context(), all)
	if err != nil {
		b.Fatal(err)
	}
	p := NewPartitioner(f, all)
	b.ReportAllocs()
	var cells, segments, verts, faces, owners, bottoms int
	start := processorTime(b)
	for b.Loop() {
		cells, segments, verts, faces, owners, bottoms = 0, 0, 0, 0, 0, 0
		for i := range blocks {
			if err := p.Cells(b.Context(), &blocks[i], func(_ uint64, _ int, c *Cell) error {
				cells++
				segments += len(c.Segments)
				verts += len(c.Vertices)
				faces += len(c.Faces)
				bottoms += len(c.Bottom)
				for _, f := range c.Faces {
					owners += len(f.Owners)
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/float64(vertices), "cpu-ns/vertex")
	b.ReportMetric(float64(cells), "cells")
	b.ReportMetric(float64(segments)/float64(vertices), "segments/vertex")
	b.ReportMetric(float64(verts)/float64(vertices), "vertices/vertex")
	b.ReportMetric(float64(faces)/float64(cells), "faces/cell")
	b.ReportMetric(float64(owners)/float64(cells), "owners/cell")
	b.ReportMetric(float64(bottoms)/float64(cells), "bottoms/cell")
}

// What the faces say that two features share, and what one has alone, is what the
// kernel says: 1e-6 m² or 1e-12 of the larger.
func TestPartitionClosesWithTheKernel(t *testing.T) {
	for seed := range uint64(6) {
		var all groundOf
		for _, it := range landscape(seed+40, 12, 720) {
			m, _, err := Mend(it.Geometry)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		shared := map[[2]int32]float64{}
		f, tree := partitionOf(t, all)
		covered := 0.0
		for _, c := range tree.cells {
			for _, face := range c.Faces {
				covered += face.Area
				for i, a := range face.Owners {
					for _, b := range face.Owners[i:] {
						shared[[2]int32{a, b}] += face.Area
					}
				}
			}
		}
		if math.Abs(covered-f.Area()) > 1e-12*f.Area() {
			t.Errorf("seed %d: faces cover %v m² of %v", seed, covered, f.Area())
		}
		pairs := 0
		for i := range all {
			a := int32(i)
			area := geo.Area(all[i])
			if math.Abs(shared[[2]int32{a, a}]-area) > 1e-6+1e-12*area {
				t.Errorf("seed %d: faces give feature %d %.9f m², it has %.9f", seed, i, shared[[2]int32{a, a}], area)
			}
			for j := i + 1; j < len(all); j++ {
				want := SharedArea(all[i], all[j])
				got := shared[[2]int32{a, int32(j)}]
				if want > 0 {
					pairs++
				}
				if tol := 1e-6 + 1e-12*max(area, geo.Area(all[j])); math.Abs(got-want) > tol {
					t.Errorf("seed %d: faces have %d and %d share %.9f m², the kernel %.9f", seed, i, j, got, want)
				}
			}
		}
		if pairs < 500 {
			t.Errorf("seed %d: %d pairs say little", seed, pairs)
		}
	}
}
