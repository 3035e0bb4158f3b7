package ground

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/spill"
)

// land is a Source in memory: three layers and a view of the first.
type land struct {
	shapes  []geo.MultiPolygon
	layer   []int // 0, 1, 2
	inView  []bool
	weights []float64
}

// viewBit is the bit of the view.
const viewBit = 3

func (l *land) Owners() int { return len(l.shapes) }

func (l *land) Extent(o int32) overlay.Extent {
	return overlay.Extent{Box: l.shapes[o].Box(), Vertices: l.shapes[o].Vertices()}
}

func (l *land) Search(b geo.Box, visit func(int32) bool) {
	for i, m := range l.shapes {
		if m.Box().Intersects(b) && !visit(int32(i)) {
			return
		}
	}
}

// Name numbers features by where they stand; layers are their bits.
func (l *land) Name(o int32) uint64 { return uint64(o+1)<<6 | uint64(l.layer[o]) }

// owner undoes Name.
func (l *land) owner(name uint64) (int32, bool) {
	o := int32(name>>6) - 1
	return o, int(o) < len(l.shapes) && l.layer[o] == int(name&63)
}

func (l *land) Rings(o int32, r *geo.Rings) error {
	r.Append(l.shapes[o])
	return nil
}

func (l *land) Box() geo.Box {
	box := geo.EmptyBox()
	for _, m := range l.shapes {
		box = box.Union(m.Box())
	}
	return box
}

func (l *land) Keys() []string { return []string{"a@1", "b@1", "c@1", "view@1"} }

func (l *land) Layers(o int32) uint64 {
	bits := uint64(1) << l.layer[o]
	if l.inView[o] {
		bits |= 1 << viewBit
	}
	return bits
}

func (l *land) Weight(o int32) float64 { return l.weights[o] }

func metres(x, y float64) geo.Position {
	return geo.Position{Lon: 108_7000000000 + int64(x*108695), Lat: 34_3000000000 + int64(y*90170)}
}

func star(rng *rand.Rand, x, y, radius float64, n int) geo.MultiPolygon {
	var r geo.Ring
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		k := radius * (0.3 + 0.7*rng.Float64())
		r = append(r, metres(x+k*math.Cos(a), y+k*math.Sin(a)))
	}
	m, _, err := overlay.Mend(geo.MultiPolygon{{append(r, r[0])}})
	if err != nil {
		panic(err)
	}
	return m
}

// randomLand has, in each layer, lots that share borders and stars over them.
func randomLand(seed uint64, n int) *land {
	rng := rand.New(rand.NewPCG(seed, 3))
	l := &land{}
	add := func(m geo.MultiPolygon, layer int) {
		w := rng.Float64()
		if rng.IntN(4) == 0 {
			w = math.NaN()
		}
		l.shapes, l.layer = append(l.shapes, m), append(l.layer, layer)
		l.inView, l.weights = append(l.inView, layer == 0 && rng.IntN(2) == 0), append(l.weights, w)
	}
	for layer := range 3 {
		off := rng.Float64() * 20 * float64(layer)
		for x := range n {
			for y := range n {
				if rng.IntN(5) > 0 {
					at := func(dx, dy int) geo.Position { return metres(float64(x+dx)*50+off, float64(y+dy)*50+off/3) }
					add(geo.MultiPolygon{{{at(0, 0), at(1, 0), at(1, 1), at(0, 1), at(0, 0)}}}, layer)
				}
			}
		}
		for range rng.IntN(6) {
			add(star(rng, rng.Float64()*float64(n)*50, rng.Float64()*float64(n)*50, 80, 4+rng.IntN(20)), layer)
		}
	}
	return l
}

type kept struct {
	bucket     string
	key, value []byte
}

func build(t testing.TB, l *land) []kept {
	t.Helper()
	var out []kept
	_, err := Build(t.Context(), l, spill.NewSorter(t.TempDir(), 10_000), func(bucket string, k, v []byte) error {
		out = append(out, kept{bucket, slices.Clone(k), slices.Clone(v)})
		return nil
	}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, records []kept) *Ground {
	t.Helper()
	g, err := opened(records)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func opened(records []kept) (*Ground, error) {
	var o Opener
	for _, r := range records {
		if err := o.Take(r.bucket, r.key, r.value); err != nil {
			return nil, err
		}
	}
	return o.Open()
}

// Parts, their weighted sums and ground without a weight are those of Measure,
// which subdivides the ground anew for each question.
func TestSumAgainstMeasure(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 4))
		n := 2 + int(seed)
		l := randomLand(seed, n)
		g := open(t, build(t, l))
		size := float64(n) * 50
		for range 8 {
			aoi := star(rng, rng.Float64()*size, rng.Float64()*size, size*(0.1+rng.Float64()), 3+rng.IntN(40))
			layers := []int{0, 1, 2, viewBit}
			rng.Shuffle(4, func(i, j int) { layers[i], layers[j] = layers[j], layers[i] })
			compareParts(t, seed, g, l, aoi, layers[:1+rng.IntN(4)])
		}
	}
}

func compareParts(t *testing.T, seed uint64, g *Ground, l *land, aoi geo.MultiPolygon, layers []int) {
	t.Helper()
	q := Question{AOI: aoi}
	var items []overlay.Item
	for i, bit := range layers {
		q.Layers = append(q.Layers, 1<<bit)
		for o, m := range l.shapes {
			if l.Layers(int32(o))>>bit&1 != 0 {
				items = append(items, overlay.Item{Layer: i, Group: overlay.NoGroup, Weight: l.weights[o], Geometry: m})
			}
		}
	}
	parts, err := g.Sum(&q)
	if err != nil {
		t.Fatal(err)
	}
	want, err := overlay.Measure(t.Context(), aoi, items, overlay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := g.Excess(&q)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range want.Layers {
		if e := l.Gross - l.Area; math.Abs(parts.Excess[i]-e) > 1e-6 || math.Abs(alone.Excess[i]-e) > 1e-6 {
			t.Errorf("seed %d: layers %v: features of layer %d share %v and %v m², want %v", seed, layers, i, parts.Excess[i], alone.Excess[i], e)
		}
	}
	got := map[uint64]Part{}
	for _, p := range parts.Sorted() {
		got[p.Mask] = p
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6 }
	for _, c := range want.Combinations {
		if c.Mask == 0 {
			continue // some of it lies outside of the partition
		}
		p := got[uint64(c.Mask)]
		delete(got, uint64(c.Mask))
		if !near(p.Area, c.Area) {
			t.Errorf("seed %d: layers %v, mask %b: %v m², want %v", seed, layers, c.Mask, p.Area, c.Area)
			continue
		}
		for i := range layers {
			if c.Mask>>i&1 != 0 && p.Weighted != nil && (!near(p.Weighted[i], c.Weighted[i]) || !near(p.Unweighted[i], c.Unweighted[i])) {
				t.Errorf("seed %d: layers %v, mask %b, layer %d: weighted %v and unweighted %v, want %v and %v",
					seed, layers, c.Mask, i, p.Weighted[i], p.Unweighted[i], c.Weighted[i], c.Unweighted[i])
			}
		}
	}
	for m, p := range got {
		if m != 0 && !near(p.Area, 0) {
			t.Errorf("seed %d: layers %v, mask %b: %v m², want none", seed, layers, m, p.Area)
		}
	}
}

// The whole frame's parts add up to its area, and all that features share is told.
func TestSumOfEverything(t *testing.T) {
	l := randomLand(5, 9)
	g := open(t, build(t, l))
	shared := 0.0
	parts, err := g.Sum(&Question{
		AOI: geo.MultiPolygon{l.Box().Polygon()}, Layers: []uint64{1, 2, 4}, Within: 7,
		Overlapping: func(names []uint64, area float64) {
			for layer := range 3 {
				n := 0
				for _, name := range names {
					if o, _ := l.owner(name); l.layer[o] == layer {
						n++
					}
				}
				shared += float64(max(0, n-1)) * area
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum, layers := 0.0, 0.0
	for _, p := range parts.Sorted() {
		sum += p.Area
		for rest := p.Mask; rest != 0; rest &= rest - 1 {
			layers += p.Area
		}
	}
	if want := geo.Area(geo.MultiPolygon{l.Box().Polygon()}); math.Abs(sum-want) > 1e-12*want {
		t.Errorf("parts add up to %v m², the frame has %v", sum, want)
	}
	gross := 0.0
	for _, m := range l.shapes {
		gross += geo.Area(m)
	}
	if math.Abs(gross-shared-layers) > 1e-6 || shared == 0 {
		t.Errorf("features have %v m² less %v shared, layers %v", gross, shared, layers)
	}
}

// Records are the same for any number of workers.
func TestBuildIsDeterministic(t *testing.T) {
	l := randomLand(7, 40)
	two := build(t, l)
	before := runtime.GOMAXPROCS(1)
	one := build(t, l)
	runtime.GOMAXPROCS(before)
	if !slices.EqualFunc(one, two, func(a, b kept) bool {
		return a.bucket == b.bucket && bytes.Equal(a.key, b.key) && bytes.Equal(a.value, b.value)
	}) {
		t.Error("records differ")
	}
	cells := 0
	for _, r := range one {
		if r.bucket == CellsBucket {
			cells++
		}
	}
	if cells < 50 {
		t.Errorf("%d cells say little", cells)
	}
}

// A question and a building stop when they are told to.
func TestStops(t *testing.T) {
	l := randomLand(9, 40)
	g := open(t, build(t, l))
	stop := errors.New("stop")
	if _, err := g.Sum(&Question{AOI: geo.MultiPolygon{l.Box().Polygon()}, Layers: []uint64{1}, Within: 7, Overlapping: func([]uint64, float64) {}, Stop: func() error { return stop }}); !errors.Is(err, stop) {
		t.Errorf("a question gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, l, spill.NewSorter(t.TempDir(), 10_000), func(string, []byte, []byte) error { return nil }, func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("a building gave %v", err)
	}
	full := errors.New("disc full")
	if _, err := Build(t.Context(), l, spill.NewSorter(t.TempDir(), 10_000), func(string, []byte, []byte) error { return full }, func(int, int) {}); !errors.Is(err, full) {
		t.Errorf("a full disc gave %v", err)
	}
}

// Damaged records are an error or figures, never a panic, and no memory beyond
// what the records have.
func FuzzRecords(f *testing.F) {
	l := randomLand(1, 4)
	records := build(f, l)
	f.Add(uint16(0), uint16(0), byte(1))
	f.Add(uint16(len(records)-1), uint16(3), byte(0xff))
	f.Add(uint16(2), uint16(34), byte(7))
	f.Fuzz(func(t *testing.T, record, at uint16, change byte) {
		damaged := slices.Clone(records)
		r := &damaged[int(record)%len(damaged)]
		r.value = slices.Clone(r.value)
		if int(at) < len(r.value) {
			r.value[at] ^= change
		} else {
			r.value = r.value[:int(at)%(len(r.value)+1)]
		}
		g, err := opened(damaged)
		if err != nil {
			return
		}
		for o := range int32(len(l.shapes)) {
			g.Loners().Has(o)
		}
		for _, aoi := range []geo.MultiPolygon{{l.Box().Polygon()}, star(rand.New(rand.NewPCG(1, 1)), 100, 100, 90, 9)} {
			q := Question{AOI: aoi, Layers: []uint64{1, 2, 8}, Within: 7, Overlapping: func([]uint64, float64) {}}
			for _, ask := range []func(*Question) (*Parts, error){g.Sum, g.Excess} {
				if _, err := ask(&q); err != nil && !errors.Is(err, errRecord) {
					t.Errorf("an error of another kind: %v", err)
				}
			}
		}
	})
}

// One feature of very many corners over a wide area does not divide the ground into
// blocks without end.
func TestManyCorners(t *testing.T) {
	l := &land{}
	var ring geo.Ring
	for i := range 60_000 {
		angle := 2 * math.Pi * float64(i) / 60_000
		ring = append(ring, metres(20_000+19_000*math.Cos(angle), 20_000+19_000*math.Sin(angle)))
	}
	l.shapes = append(l.shapes, geo.MultiPolygon{{append(ring, ring[0])}})
	l.layer, l.inView, l.weights = append(l.layer, 0), append(l.inView, false), append(l.weights, 1)
	frame := overlay.NewFrame(l.Box())
	blocks, err := frame.Blocks(t.Context(), l)
	if err != nil || len(blocks) > 100 {
		t.Errorf("%d blocks, %v", len(blocks), err)
	}
}
