package analyze_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
)

// ask runs a question that must be answered.
func ask(t testing.TB, ix *index.Index, req analyze.Request, opt analyze.Options) *analyze.Result {
	t.Helper()
	r, err := analyze.Run(t.Context(), ix, req, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tableOf returns a table of an answer.
func tableOf(t testing.TB, r *analyze.Result, name string) *analyze.Table {
	t.Helper()
	for _, x := range r.Tables {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("the answer has no table %s", name)
	return nil
}

// sums adds an area column up by the values of other columns, joined by blanks; a place
// is cut to some digits.
func sums(t testing.TB, x *analyze.Table, column string, digits int, by ...string) map[string]analyze.Area {
	t.Helper()
	out := map[string]analyze.Area{}
	for _, row := range x.Rows {
		var key []string
		for _, name := range by {
			v, _ := row[x.Column(name)].(string)
			if name == "xzqdm" {
				v = v[:min(len(v), digits)]
			}
			key = append(key, v)
		}
		if v, ok := row[x.Column(column)].(analyze.Area); ok && v != 0 {
			out[strings.Join(key, " ")] += v
		}
	}
	return out
}

// disturb makes a county whose states differ in all ways: patches of another place, other
// records, no records, patches that lie on each other, and ground in one state alone.
func disturb(c *analyzetest.County, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	for n, l := range []*analyzetest.Layer{a, b} {
		for range 2 {
			i, k := rnd.IntN(len(l.Features)), rnd.IntN(len(l.Features))
			if i != k {
				l.Features[i].Cells = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(l.Features[i].Cells), l.Features[k].Cells...))))
			}
		}
		gone := rnd.IntN(len(l.Features))
		l.Features = slices.Delete(l.Features, gone, gone+1)
		f := &l.Features[rnd.IntN(len(l.Features))]
		f.Patch, f.Net = index.NoArea, index.NoArea
		l.Features[rnd.IntN(len(l.Features))].Net = index.NoArea
		_ = n
	}
	for range 4 {
		f := &b.Features[rnd.IntN(len(b.Features))]
		f.Place = "61990110120101"
		g := &b.Features[rnd.IntN(len(b.Features))]
		if g.Patch != index.NoArea {
			g.Patch += 1234
		}
	}
	b.Features[rnd.IntN(len(b.Features))].Place = "61990210020101" // another county
	b.Features[rnd.IntN(len(b.Features))].Place = ""
}

// counted is what is counted cell by cell: flows and transfers by their keys, and what a
// sum may be off by: shares of both classes and ridges are whole units of 0.01 m².
type counted struct {
	ground, record map[string]float64
	pairs          map[string]int
}

func (c *counted) add(key string, ground, record float64) {
	c.ground[key] += ground
	c.record[key] += record
}

// count finds what runFlows must, from cells alone.
func count(c *analyzetest.County, digits int) *counted {
	out := &counted{map[string]float64{}, map[string]float64{}, map[string]int{}}
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	holder := func(l *analyzetest.Layer, cell int) int {
		best := -1
		for _, i := range l.On(cell) {
			if best < 0 || l.Features[i].ID < l.Features[best].ID {
				best = i
			}
		}
		return best
	}
	ground := map[[2]int]float64{}
	for cell := range c.W * c.H {
		if i, k := holder(a, cell), holder(b, cell); i >= 0 && k >= 0 {
			ground[[2]int{i, k}] += c.Area(cell)
		}
	}
	cut := func(p string) string { return p[:min(len(p), digits)] }
	for pair, m2 := range ground {
		f, g := &a.Features[pair[0]], &b.Features[pair[1]]
		p0, p1, c0, c1 := cut(f.Place), cut(g.Place), a.Text(pair[0], "DLBM"), b.Text(pair[1], "DLBM")
		was, ridgeWas := record(f, m2/c.AreaOf(f.Cells))
		is, ridgeIs := record(g, m2/c.AreaOf(g.Cells))
		move := func(from, to string, x, y float64) {
			if x == 0 && y == 0 {
				return
			}
			out.add("flow "+p1+" "+from+" "+to, x, y)
			if p0 != p1 {
				out.add("transfer "+p0+" "+p1+" "+from, x, y)
				out.pairs["transfer "+p0+" "+p1+" "+from]++
			}
			out.pairs["flow "+p1+" "+from+" "+to]++
		}
		if was+ridgeWas == 0 {
			move(c0, c1, m2, 0)
			continue
		}
		arriving := 0.0
		if is+ridgeIs > 0 {
			arriving = (was + ridgeWas) * ridgeIs / (is + ridgeIs)
		}
		move("1203", "1203", 0, min(ridgeWas, arriving))
		move(c0, c1, m2, min(was, was+ridgeWas-arriving))
		move("1203", c1, 0, max(0, ridgeWas-arriving))
		move(c0, "1203", 0, max(0, arriving-ridgeWas))
	}
	return out
}

// record is a share of a record in m²: of the class and of the ridges.
func record(f *analyzetest.Feature, share float64) (main, ridge float64) {
	patch, net := float64(f.Patch)/100*share, float64(f.Net)/100*share
	switch {
	case f.Patch == index.NoArea:
		return 0, 0
	case f.Net == index.NoArea:
		return patch, 0
	}
	return net, patch - net
}

// near holds what was found against what was counted.
func near(t testing.TB, what string, got map[string]analyze.Area, want map[string]float64, pairs map[string]int) {
	t.Helper()
	keys := map[string]bool{}
	for k := range got {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	for k := range keys {
		if d := math.Abs(float64(got[k])/100 - want[k]); d > 0.025*float64(pairs[k]+1) {
			t.Errorf("%s %s: %.2f m² were found, %.4f counted", what, k, float64(got[k])/100, want[k])
		}
	}
}

// kindOf returns what of the counted is of a kind, without the word for it.
func kindOf(all map[string]float64, kind string) map[string]float64 {
	out := map[string]float64{}
	for k, v := range all {
		if rest, ok := strings.CutPrefix(k, kind+" "); ok {
			out[rest] = v
		}
	}
	return out
}

func TestFlowsAgainstCells(t *testing.T) {
	for seed := range uint64(6) {
		for _, level := range []areas.Level{"county", "group"} {
			t.Run(fmt.Sprint(seed, level), func(t *testing.T) {
				c := analyzetest.New(seed, 24, 16, 60)
				if seed > 0 {
					disturb(c, seed)
				}
				ix := c.Partitioned(t)
				r := ask(t, ix, analyze.Request{Question: "flows", By: level}, analyze.Options{})
				want := count(c, level.Digits())
				pairs := map[string]int{}
				for k, n := range want.pairs {
					_, rest, _ := strings.Cut(k, " ")
					pairs[rest] += n
				}
				flow := tableOf(t, r, "flow")
				near(t, "flow", sums(t, flow, "area", 14, "xzqdm", "from", "to"), kindOf(want.ground, "flow"), pairs)
				near(t, "flow of record", sums(t, flow, "booked", 14, "xzqdm", "from", "to"), kindOf(want.record, "flow"), pairs)
				if seed > 0 {
					transfers(t, r, want, pairs)
				}
				holdAccounts(t, c, r, level.Digits())
			})
		}
	}
}

// transfers holds transfers between places; those from and to elsewhere are held by the
// accounts.
func transfers(t testing.TB, r *analyze.Result, want *counted, pairs map[string]int) {
	t.Helper()
	x := tableOf(t, r, "transfer")
	for _, column := range []struct {
		name string
		want map[string]float64
	}{{"area", want.ground}, {"booked", want.record}} {
		got := map[string]analyze.Area{}
		for _, row := range x.Rows {
			from, ok := row[0].(string)
			to, ok2 := row[2].(string)
			if v, is := row[x.Column(column.name)].(analyze.Area); is && ok && ok2 {
				got[from+" "+to+" "+row[4].(string)] += v
			}
		}
		near(t, "transfer "+column.name, got, dropUnplaced(kindOf(column.want, "transfer")), pairs)
	}
}

// dropUnplaced leaves out transfers of features without a place: their rows look like
// those from and to elsewhere.
func dropUnplaced(all map[string]float64) map[string]float64 {
	for k := range all {
		if f := strings.Split(k, " "); f[0] == "" || f[1] == "" {
			delete(all, k)
		}
	}
	return all
}

// holdAccounts adds every account up again from its cells in the table, and holds opening
// and closing against the features.
func holdAccounts(t testing.TB, c *analyzetest.County, r *analyze.Result, digits int) {
	t.Helper()
	for _, name := range []string{"account", "account_record"} {
		x := tableOf(t, r, name)
		for _, row := range x.Rows {
			v := func(column string) analyze.Area { return row[x.Column(column)].(analyze.Area) }
			if d := v("opening") + v("inflow") - v("outflow") + v("transfer_in") - v("transfer_out") + v("double") + v("adjusted") - v("closing"); d != 0 {
				t.Errorf("%s of %v %v is %d off", name, row[0], row[2], d)
			}
		}
		for vintage, column := range map[string]string{"2023": "opening", "2024": "closing"} {
			want := map[string]analyze.Area{}
			l := c.Layer("dltb", vintage)
			for i := range l.Features {
				f := &l.Features[i]
				p := f.Place[:min(len(f.Place), digits)]
				main, ridge := record(f, 1)
				if name == "account" {
					main, ridge = c.AreaOf(f.Cells), 0
				}
				want[p+" "+l.Text(i, "DLBM")] += analyze.Area(math.Round(main * 100))
				if r := analyze.Area(math.Round(ridge * 100)); r != 0 {
					want[p+" 1203"] += r
				}
			}
			for k, v := range want {
				if v == 0 {
					delete(want, k)
				}
			}
			if d := cmp.Diff(want, sums(t, x, column, 14, "xzqdm", "class")); d != "" {
				t.Errorf("%s of %s (-features +table):\n%s", column, name, d)
			}
		}
	}
}

// Sums of finer places are those of wider ones, to the last unit; transfers within a wider
// place are none of its own.
func TestFlowsRollUp(t *testing.T) {
	c := analyzetest.New(3, 24, 16, 60)
	disturb(c, 3)
	ix := c.Index(t)
	fine := ask(t, ix, analyze.Request{Question: "flows", By: "group"}, analyze.Options{})
	for _, level := range areas.Levels[:5] {
		wide := ask(t, ix, analyze.Request{Question: "flows", By: level}, analyze.Options{})
		for _, x := range []struct{ table, column string }{
			{"flow", "area"}, {"flow", "patch"}, {"flow", "booked"}, {"account", "opening"}, {"account", "inflow"}, {"account", "outflow"}, {"account", "double"}, {"account", "adjusted"},
			{"account", "closing"}, {"account_record", "opening"}, {"account_record", "inflow"}, {"account_record", "outflow"}, {"account_record", "adjusted"}, {"account_record", "closing"},
		} {
			by := []string{"xzqdm", "class"}
			if x.table == "flow" {
				by = []string{"xzqdm", "from", "to"}
			}
			if d := cmp.Diff(sums(t, tableOf(t, fine, x.table), x.column, level.Digits(), by...), sums(t, tableOf(t, wide, x.table), x.column, 14, by...), noZeros); d != "" {
				t.Errorf("%s of %s by %s (-groups +%[3]s):\n%s", x.column, x.table, level, d)
			}
		}
		for _, table := range []string{"account", "account_record"} {
			net := func(r *analyze.Result, digits int) map[string]analyze.Area {
				out := sums(t, tableOf(t, r, table), "transfer_in", digits, "xzqdm", "class")
				for k, v := range sums(t, tableOf(t, r, table), "transfer_out", digits, "xzqdm", "class") {
					out[k] -= v
				}
				return out
			}
			if d := cmp.Diff(net(fine, level.Digits()), net(wide, 14), noZeros); d != "" {
				t.Errorf("net transfer of %s by %s (-groups +%[2]s):\n%s", table, level, d)
			}
		}
	}
}

var noZeros = cmp.Transformer("withoutZeros", func(m map[string]analyze.Area) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if v != 0 {
			out[k] = fmt.Sprint(int64(v))
		}
	}
	return out
})

// The answer is the same for any number of workers, and for an edition without a
// partition of the ground, all of which is divided.
func TestFlowsSame(t *testing.T) {
	c := analyzetest.New(4, 24, 16, 60)
	disturb(c, 4)
	req := analyze.Request{Question: "flows", By: "village", Parameters: map[string]string{"cube": "true"}}
	text := func(r *analyze.Result) string {
		var b strings.Builder
		for _, x := range r.Tables {
			fmt.Fprintln(&b, x.Name, x.Rows)
		}
		fmt.Fprintln(&b, r.Identities, r.Extra)
		return b.String()
	}
	ix := c.Partitioned(t)
	alone := 0
	for i, l := 0, ix.Layer("dltb", "2023"); i < l.Len(); i++ {
		if l.Alone(i) {
			alone++
		}
	}
	if alone < 40 {
		t.Fatalf("only %d patches are alone on their ground", alone)
	}
	one := ask(t, ix, req, analyze.Options{Workers: 1})
	for _, workers := range []int{2, 5} {
		if d := cmp.Diff(text(one), text(ask(t, ix, req, analyze.Options{Workers: workers}))); d != "" {
			t.Errorf("with %d workers: %s", workers, d)
		}
	}
	bare := ask(t, c.Index(t), req, analyze.Options{})
	for _, name := range []string{"account", "account_record", "transfer", "flow_cube"} {
		if d := cmp.Diff(tableOf(t, one, name).Rows, tableOf(t, bare, name).Rows); d != "" {
			t.Errorf("%s without a partition: %s", name, d)
		}
	}
}

// A strip of half a metre along a border is likely noise by its form, however long; one of
// ten metres is not.
func TestFlowsNoise(t *testing.T) {
	r := ask(t, strips(t), analyze.Request{Question: "flows", By: "county"}, analyze.Options{})
	x := tableOf(t, r, "flow")
	for _, row := range x.Rows {
		noisy := row[x.Column("from")] == "0103" && row[x.Column("to")] == "0301"
		if n := row[x.Column("noise_links")].(int64); noisy != (n == 1) {
			t.Errorf("%v → %v has %d slivers", row[x.Column("from")], row[x.Column("to")], n)
		}
	}
	if len(x.Rows) != 5 {
		t.Errorf("there are %d flows, there should be 5", len(x.Rows))
	}
}

// strips is an edition of three patches, side by side: the first loses a strip of some
// 0.5 × 220 m to the second, the third one of 10 m to a new patch.
func strips(t testing.TB) *index.Index {
	box := func(x0, y0, x1, y1 int64) geo.MultiPolygon {
		b := geo.Box{Min: geo.Position{Lon: analyzetest.West + x0, Lat: analyzetest.South + y0}, Max: geo.Position{Lon: analyzetest.West + x1, Lat: analyzetest.South + y1}}
		return geo.MultiPolygon{b.Polygon()}
	}
	layer := func(vintage string, shapes []geo.MultiPolygon, classes ...string) indextest.Layer {
		l := indextest.Layer{Meta: edition.Layer{Name: "dltb", Vintage: vintage, Fields: analyzetest.Fields("BSM", "DLBM"), ClassField: "DLBM"}}
		for i, g := range shapes {
			l.Features = append(l.Features, index.Feature{ID: uint64(i + 1), Geometry: g, AreaM2: geo.Area(g), Patch: index.NoArea, Net: index.NoArea, Place: "619901", Values: []any{fmt.Sprint(i), classes[i]}})
		}
		return l
	}
	const side, thin, wide = 20_000_000, 50_000, 1_000_000
	before := layer("2023", []geo.MultiPolygon{box(0, 0, side, side), box(side, 0, 2*side, side), box(2*side, 0, 3*side, side)}, "0103", "0301", "0101")
	after := layer("2024", []geo.MultiPolygon{box(0, 0, side-thin, side), box(side-thin, 0, 2*side, side), box(2*side, 0, 3*side, side-wide), box(2*side, side-wide, 3*side, side)}, "0103", "0301", "0101", "0301")
	cropland := layer("2024", []geo.MultiPolygon{box(0, 0, side-thin, side)}, "0103")
	cropland.Meta.Name = "cropland"
	m := &edition.Manifest{Generation: "test", Tier: edition.Secure, Policy: edition.Policy{Pieces: true}}
	return indextest.New(t, m, before, after, cropland)
}
