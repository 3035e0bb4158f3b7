package ground

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/index/spill"
)

// memory is a partition's records in memory, in the order of their keys.
type memory map[string][]kept

func remember(records []kept) memory {
	m := memory{}
	for _, r := range records {
		m[r.bucket] = append(m[r.bucket], r)
	}
	for _, b := range m {
		slices.SortFunc(b, func(a, b kept) int { return bytes.Compare(a.key, b.key) })
	}
	return m
}

func (m memory) find(bucket string, key []byte) (int, bool) {
	return slices.BinarySearchFunc(m[bucket], key, func(r kept, k []byte) int { return bytes.Compare(r.key, k) })
}

func (m memory) Get(bucket string, key []byte) []byte {
	if i, ok := m.find(bucket, key); ok {
		return m[bucket][i].value
	}
	return nil
}

func (m memory) From(bucket string, key []byte, visit func(k, v []byte) bool) {
	for i, _ := m.find(bucket, key); i < len(m[bucket]) && visit(m[bucket][i].key, m[bucket][i].value); i++ {
	}
}

func (m memory) Put(bucket string, key, value []byte) error {
	r := kept{bucket, bytes.Clone(key), bytes.Clone(value)}
	if i, ok := m.find(bucket, key); ok {
		m[bucket][i] = r
	} else {
		m[bucket] = slices.Insert(m[bucket], i, r)
	}
	return nil
}

func (m memory) Delete(bucket string, key []byte) error {
	if i, ok := m.find(bucket, key); ok {
		m[bucket] = slices.Delete(m[bucket], i, i+1)
	}
	return nil
}

// plain returns the records with the kinds themselves in place of their numbers,
// so that they do not depend on who came first.
func (m memory) plain(t *testing.T) map[string]string {
	t.Helper()
	kinds, err := decodeKinds(m.Get(HeadBucket, []byte(kindsKey)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	name := func(n numbers, count int) (s string) {
		for i := range count {
			k := kinds[n.at(i)]
			s += string(appendKinds(nil, []kind{k}))
		}
		return s
	}
	for bucket, records := range m {
		for _, r := range records {
			at := bucket + " " + string(r.key)
			d := decode(r.value)
			switch {
			case at == HeadBucket+" "+kindsKey:
				continue
			case bucket == HeadBucket:
				out[at] = string(r.value)
				continue
			case bucket == CellsBucket:
				var c overlay.PackedCell
				d.Take(1)
				d.Uvarint()
				d.cell(&c)
				front := len(r.value) - len(d.Data)
				n := d.numbers(c.Faces())
				out[at] = string(r.value[:front]) + name(n, c.Faces()) + string(d.Data)
			case r.value[0]&flagSums != 0:
				d.Take(1)
				for o := d.Uvarint(); o != 0; o &= o - 1 {
					d.Float()
				}
				count := d.Count(1)
				front := len(r.value) - len(d.Data)
				n := d.numbers(count)
				out[at] = string(r.value[:front]) + name(n, count) + string(d.Data)
			default:
				out[at] = string(r.value)
			}
			if d.Bad {
				t.Fatalf("record %q does not decode", at)
			}
		}
	}
	return out
}

// A land whose features have names of their own: owners are their ranks.
type changing struct {
	*land
	ids []uint64
}

func (c *changing) Name(o int32) uint64 { return c.ids[o]<<6 | uint64(c.layer[o]) }

// pick returns the features for which keep is true, in the order of their ids.
func (c *changing) pick(keep func(id uint64) bool) *changing {
	order := []int{}
	for i, id := range c.ids {
		if keep(id) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(c.ids[a], c.ids[b]) })
	out := &changing{land: &land{}}
	for _, i := range order {
		out.ids = append(out.ids, c.ids[i])
		out.shapes, out.layer = append(out.shapes, c.shapes[i]), append(out.layer, c.layer[i])
		out.inView, out.weights = append(out.inView, c.inView[i]), append(out.weights, c.weights[i])
	}
	return out
}

// A partition that was changed is that of a build of what is there now, record by
// record: after features came, went and moved, overlaps and kinds of ground
// appeared and vanished, and parts of the ground were divided more or less.
func TestUpdateEqualsBuild(t *testing.T) {
	updated, refused := 0, 0
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 9))
		n := 70 + 10*int(seed%4) // some 4 to 16 blocks
		all := &changing{land: randomLand(seed, n)}
		for range all.shapes {
			all.ids = append(all.ids, rng.Uint64()>>11|1)
		}
		near := func(id uint64) bool {
			b := all.shapes[slices.Index(all.ids, id)].Box()
			side := float64(400 + 800*(seed%2))
			lo, hi := metres(float64(n)*12, float64(n)*12), metres(float64(n)*12+side, float64(n)*12+side)
			return b.Min.Lon > lo.Lon && b.Min.Lat > lo.Lat && b.Min.Lon < hi.Lon && b.Min.Lat < hi.Lat
		}
		in := map[uint64]int{} // 1 before alone, 2 after alone, 3 both
		for _, id := range all.ids {
			in[id] = 3
			switch {
			case !near(id) && seed != 7:
			case seed == 1 || seed == 5: // filled: more blocks
				in[id] = 2
			case seed == 3: // emptied: fewer
				in[id] = 1
			case rng.IntN(4) == 0:
				in[id] = 1 + rng.IntN(2)
			}
		}
		before := all.pick(func(id uint64) bool { return in[id]&1 != 0 })
		after := all.pick(func(id uint64) bool { return in[id]&2 != 0 })
		var c overlay.Change
		for i, id := range all.ids {
			x := overlay.Extent{Box: all.shapes[i].Box(), Vertices: all.shapes[i].Vertices()}
			switch in[id] {
			case 1:
				c.Gone = append(c.Gone, x)
			case 2:
				c.Come = append(c.Come, x)
			}
		}
		m := remember(buildOf(t, before))
		ok, err := Update(t.Context(), after, &c, m, func(int, int) {})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !ok {
			refused++
			continue
		}
		updated++
		got, want := m.plain(t), remember(buildOf(t, after)).plain(t)
		for k, v := range want {
			if got[k] != v {
				t.Fatalf("seed %d: record %q differs from that of a build", seed, k)
			}
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d records, a build makes %d", seed, len(got), len(want))
		}
	}
	if updated < 5 || refused == 0 {
		t.Errorf("%d of %d changes were taken in: it says little", updated, updated+refused)
	}
}

// A feature that shared ground with others in blocks made anew, and does no more,
// still shares ground where it shares some in a block that is not.
func TestUpdateSharedElsewhere(t *testing.T) {
	const n = 90
	all := &changing{land: randomLand(2, n)}
	rng := rand.New(rand.NewPCG(2, 2))
	for range all.shapes {
		all.ids = append(all.ids, rng.Uint64()>>11|1)
	}
	// Its two parts lie in two squares of its layer, far from each other.
	pair := [2]int{-1, -1}
	for i, m := range all.shapes {
		b := m.Box()
		for k, from := range []float64{0.1, 0.85} {
			lo, hi := metres(n*50*from, n*50*from), metres(n*50*(from+0.05), n*50*(from+0.05))
			if all.layer[i] == 0 && b.Min.Lon > lo.Lon && b.Min.Lat > lo.Lat && b.Max.Lon < hi.Lon && b.Max.Lat < hi.Lat {
				pair[k] = i
			}
		}
	}
	var parts geo.MultiPolygon
	for _, i := range pair {
		b := all.shapes[i].Box()
		w, h := (b.Max.Lon-b.Min.Lon)/4, (b.Max.Lat-b.Min.Lat)/4
		b.Min, b.Max = geo.Position{Lon: b.Min.Lon + w, Lat: b.Min.Lat + h}, geo.Position{Lon: b.Max.Lon - w, Lat: b.Max.Lat - h}
		parts = append(parts, b.Polygon())
	}
	all.shapes, all.layer = append(all.shapes, parts), append(all.layer, 0)
	all.inView, all.weights = append(all.inView, false), append(all.weights, 1)
	name := uint64(1) << 40
	all.ids = append(all.ids, name)
	gone := map[uint64]bool{all.ids[pair[0]]: true}
	x := all.shapes[pair[0]]
	c := overlay.Change{Gone: []overlay.Extent{{Box: x.Box(), Vertices: x.Vertices()}}}
	before := all.pick(func(uint64) bool { return true })
	after := all.pick(func(id uint64) bool { return !gone[id] })
	m := remember(buildOf(t, before))
	u := &updating{source: after, records: m, dropped: map[uint64]bool{}}
	ok, err := Update(t.Context(), after, &c, m, func(int, int) {})
	if err != nil || !ok {
		t.Fatalf("it was not taken in: %v", err)
	}
	if err := u.open(); err != nil || !slices.Contains(u.ground.together, name<<6) {
		t.Errorf("the feature shares no ground any more (%v)", err)
	}
	got, want := m.plain(t), remember(buildOf(t, after)).plain(t)
	if !maps.Equal(want, got) {
		t.Error("the records are not those of a build")
	}
}

func buildOf(t *testing.T, s Source) []kept {
	t.Helper()
	var out []kept
	_, err := Build(t.Context(), s, spill.NewSorter(t.TempDir(), 10_000), func(bucket string, k, v []byte) error {
		out = append(out, kept{bucket, bytes.Clone(k), bytes.Clone(v)})
		return nil
	}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Two features that shared ground in a cell which is divided into blocks, because
// much came there, share none when one of them has gone.
func TestUpdateDividedCell(t *testing.T) {
	const n = 90
	all := &changing{land: randomLand(3, n)}
	rng := rand.New(rand.NewPCG(4, 4))
	add := func(id uint64, layer int, m geo.MultiPolygon) {
		all.shapes, all.layer = append(all.shapes, m), append(all.layer, layer)
		all.inView, all.weights, all.ids = append(all.inView, false), append(all.weights, 1), append(all.ids, id)
	}
	lo, hi := metres(n*50*0.5, n*50*0.5), metres(n*50*0.98, n*50*0.98)
	empty, come := map[uint64]bool{}, map[uint64]bool{}
	for _, m := range all.shapes {
		id := rng.Uint64()>>11 | 1
		all.ids = append(all.ids, id)
		b := m.Box()
		empty[id] = b.Max.Lon > lo.Lon && b.Max.Lat > lo.Lat && b.Min.Lon < hi.Lon && b.Min.Lat < hi.Lat
	}
	const gone, stays = uint64(1) << 41, uint64(1) << 42
	at := metres(n*50*0.6, n*50*0.6)
	for k, id := range []uint64{gone, stays} {
		shift := int64(k) * 30_000
		b := geo.Box{Min: geo.Position{Lon: at.Lon + shift, Lat: at.Lat}, Max: geo.Position{Lon: at.Lon + shift + 100_000, Lat: at.Lat + 100_000}}
		add(id, 0, geo.MultiPolygon{b.Polygon()})
	}
	for i := range uint64(900) {
		x, y := n*50*(0.53+0.2*float64(i%30)/30), n*50*(0.53+0.2*float64(i/30)/30)
		var ring geo.Ring
		for k := range 256 {
			angle := 2 * math.Pi * float64(k) / 256
			ring = append(ring, metres(x+9*math.Cos(angle), y+9*math.Sin(angle)))
		}
		id := 1<<43 | i
		come[id] = true
		add(id, 1, geo.MultiPolygon{{append(ring, ring[0])}})
	}
	before := all.pick(func(id uint64) bool { return !empty[id] && !come[id] })
	after := all.pick(func(id uint64) bool { return !empty[id] && id != gone })
	var c overlay.Change
	for i, id := range all.ids {
		x := overlay.Extent{Box: all.shapes[i].Box(), Vertices: all.shapes[i].Vertices()}
		switch {
		case id == gone:
			c.Gone = append(c.Gone, x)
		case come[id]:
			c.Come = append(c.Come, x)
		}
	}
	m := remember(buildOf(t, before))
	ok, err := Update(t.Context(), after, &c, m, func(int, int) {})
	if err != nil || !ok {
		t.Fatalf("it was not taken in: %v", err)
	}
	if got, want := m.plain(t), remember(buildOf(t, after)).plain(t); !maps.Equal(want, got) {
		t.Error("the records are not those of a build")
	}
}
