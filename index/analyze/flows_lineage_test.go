package analyze_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// told makes an update package tell of patches that were cut in two: a third more of the
// patch went to the first part than its ground says.
func told(c *analyzetest.County) (links []index.Link) {
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	at := map[uint64]int{}
	for i := range b.Features {
		at[b.Features[i].ID] = i
	}
	for i := range a.Features {
		f := &a.Features[i]
		k, isCut := at[f.ID+500_000]
		if !isCut {
			// A package tells of patches whose class alone is another, too.
			if b.Text(at[f.ID], "DLBM") != a.Text(i, "DLBM") {
				links = append(links, index.Link{From: f.ID, To: f.ID, Area: f.Patch})
			}
			continue
		}
		first, second := &b.Features[at[f.ID]], &b.Features[k]
		first.Patch = min(f.Patch, first.Patch+f.Patch/3)
		second.Patch = f.Patch - first.Patch
		first.Net, second.Net = first.Patch, second.Patch
		links = append(links, index.Link{From: f.ID, To: first.ID, Area: first.Patch}, index.Link{From: f.ID, To: second.ID, Area: second.Patch})
	}
	return links
}

// What a package tells goes before what the ground says: the flows of record are its own
// areas to the last unit, and nothing is adjusted but ridges; without it there is.
func TestFlowsByLineage(t *testing.T) {
	c := analyzetest.New(4, 48, 32, 300)
	links := told(c)
	if len(links) < 4 {
		t.Fatalf("the county has %d links alone", len(links))
	}
	adjusted := func() analyze.Area {
		x := tableOf(t, ask(t, c.Partitioned(t), analyze.Request{Question: "flows"}, analyze.Options{}), "account_record")
		sum := analyze.Area(0)
		for _, row := range x.Rows {
			if v := row[x.Column("adjusted")].(analyze.Area); v > 0 {
				sum += v
			} else {
				sum -= v
			}
		}
		return sum
	}
	without := adjusted()
	c.Lineages = []*index.Lineage{index.NewLineage("dltb", "2023", "2024", links)}
	if with := adjusted(); without == 0 || with*10 > without {
		t.Errorf("adjusted is %d with a lineage, %d without", with, without)
	}
	r := ask(t, c.Partitioned(t), analyze.Request{Question: "flows", By: "province"}, analyze.Options{})
	a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
	class, cut := map[uint64]string{}, map[uint64]bool{}
	for i := range b.Features {
		class[b.Features[i].ID] = b.Text(i, "DLBM")
	}
	want := map[string]analyze.Area{}
	was := map[uint64]string{}
	for i := range a.Features {
		was[a.Features[i].ID] = a.Text(i, "DLBM")
	}
	for _, l := range links {
		cut[l.From] = true
		want["61 "+was[l.From]+" "+class[l.To]] += analyze.Area(l.Area)
	}
	for i := range a.Features {
		if f := &a.Features[i]; !cut[f.ID] {
			want["61 "+was[f.ID]+" "+class[f.ID]] += analyze.Area(f.Patch)
		}
	}
	if d := cmp.Diff(want, sums(t, tableOf(t, r, "flow"), "patch", 14, "xzqdm", "from", "to"), noZeros); d != "" {
		t.Errorf("shares of patches (-package +table):\n%s", d)
	}
}

// Ground that a package tells of and nobody sees lies on no approval and no plot of the
// supplement, whatever else lies on them.
func TestToldGroundLiesOnNothing(t *testing.T) {
	for seed := range uint64(3) {
		c := analyzetest.New(seed, 24, 16, 60)
		a, b := c.Layer("dltb", "2023"), c.Layer("dltb", "2024")
		at := map[uint64]int{}
		for i := range b.Features {
			at[b.Features[i].ID] = i
		}
		// Of each pair half of the first is told to have become the second.
		classes := [][4]string{{"0101", "0301", "0103", "0702"}, {"0702", "1104", "0301", "0101"}}
		var links []index.Link
		var bsm []string
		apart := map[int]bool{}
		for i := range a.Features {
			f := &a.Features[i]
			k := at[f.ID]
			if n := len(bsm); n < 4 && len(f.Cells) > 1 && len(f.Cells) == len(b.Features[k].Cells) {
				a.Set(i, "DLBM", classes[n/2][n%2*2])
				b.Set(k, "DLBM", classes[n/2][n%2*2+1])
				f.Net, b.Features[k].Net = f.Patch, b.Features[k].Patch
				bsm = append(bsm, a.Text(i, "BSM"))
				if n%2 == 0 {
					links = append(links, index.Link{From: f.ID, To: f.ID, Area: f.Patch / 2})
				} else {
					first := &links[len(links)-1]
					links = append(links, index.Link{From: first.From, To: f.ID, Area: first.Area}, index.Link{From: f.ID, To: f.ID, Area: f.Patch})
				}
				for _, cell := range f.Cells {
					apart[cell] = true
				}
			}
		}
		var rest []int
		for cell := range c.W * c.H {
			if !apart[cell] {
				rest = append(rest, cell)
			}
		}
		for name, fields := range map[string][]string{"approval": {"BSM", "YWLX"}, "supplement": {"BSM", "SSND"}} {
			l := c.Rectangles(rand.New(rand.NewPCG(seed, 1)), name+"@2024", 1, 4, analyzetest.Fields(fields...), func(int) []any {
				return []any{name, map[string]string{"approval": "ZZ_NYDZYFW", "supplement": "2024"}[name]}
			})
			l.Features[0].Cells = rest
		}
		inside := func() map[string]analyze.Area {
			return sums(t, tableOf(t, ask(t, c.Partitioned(t), analyze.Request{Question: "approvals"}, analyze.Options{}), "occupied_by_place"), "inside_crop", 14, "xzqdm")
		}
		want := inside()
		c.Lineages = []*index.Lineage{index.NewLineage("dltb", "2023", "2024", links)}
		if d := cmp.Diff(want, inside()); d != "" {
			t.Errorf("seed %d: a package changes what is occupied inside of approvals (-without +with):\n%s", seed, d)
		}
		items := tableOf(t, ask(t, c.Partitioned(t), analyze.Request{Question: "balance"}, analyze.Options{}), "items")
		found := 0
		for _, row := range items.Rows {
			from, to := row[items.Column("from_bsm")], row[items.Column("to_bsm")]
			if from == bsm[0] && to == bsm[1] || from == bsm[2] && to == bsm[3] {
				found++
				if row[items.Column("approved")] == true || row[items.Column("plot")] != nil {
					t.Errorf("seed %d: %v became %v on an approval or a plot: %v", seed, from, to, row)
				}
			}
		}
		if found != 2 {
			t.Errorf("seed %d: %d of 2 pairs are items", seed, found)
		}
	}
}

// PostGIS finds the same flows, and the same ground occupied inside and outside of
// approvals, to 1e-6.
func TestChangePostGIS(t *testing.T) {
	db := postgistest.Start(t)
	c := moving(1)
	ix := c.Partitioned(t)
	origin := geo.Position{Lon: analyzetest.West, Lat: analyzetest.South}
	for table, key := range map[string][2]string{"a": {"dltb", "2023"}, "b": {"dltb", "2024"}} {
		analyzetest.Load(t, db, table, ix.Layer(key[0], key[1]), origin, "DLBM")
	}
	analyzetest.Load(t, db, "p", ix.Layer("approval", ""), origin, "YWLX")
	flow := tableOf(t, ask(t, ix, analyze.Request{Question: "flows", By: "village"}, analyze.Options{}), "flow")
	area, patch := sums(t, flow, "area", 14, "xzqdm", "from", "to"), sums(t, flow, "patch", 14, "xzqdm", "from", "to")
	seen := 0
	for _, row := range db.Ask(t, `SELECT left(b.place, 12) || ' ' || a.dlbm || ' ' || b.dlbm, sum(ST_Area(g)), sum(ST_Area(g) / a.area_m2 * a.patch)
FROM (SELECT a.id i, b.id k, ST_Intersection(a.geom, b.geom) g FROM a JOIN b ON ST_Intersects(a.geom, b.geom)) x JOIN a ON a.id = i JOIN b ON b.id = k
GROUP BY 1 HAVING sum(ST_Area(g)) > 0.01`) {
		seen++
		for n, got := range []analyze.Area{area[row[0]], patch[row[0]]} {
			like(t, row[0], got, row[1+n])
		}
	}
	if seen != len(area) {
		t.Errorf("PostGIS has %d flows, we have %d", seen, len(area))
	}
	r := ask(t, ix, analyze.Request{Question: "approvals", By: "county"}, analyze.Options{})
	place := tableOf(t, r, "occupied_by_place")
	row := db.Ask(t, `CREATE TABLE u AS SELECT ST_Union(geom) g FROM p WHERE ywlx IS NULL OR ywlx = 'ZZ_NYDZYFW';
SELECT sum(ST_Area(g)), sum(ST_Area(ST_Intersection(g, (SELECT u.g FROM u)))) FROM (SELECT ST_Intersection(a.geom, b.geom) g FROM a JOIN b ON ST_Intersects(a.geom, b.geom)
WHERE a.dlbm LIKE '01%' AND b.dlbm IN ('0702', '1003')) x`)[0]
	like(t, "occupied", sums(t, place, "occupied", 6, "xzqdm")["619901"], row[0])
	like(t, "inside", sums(t, place, "inside", 6, "xzqdm")["619901"], row[1])
}

// like holds an area against a text of PostGIS, in m²: to 1e-6, and what whole units of
// 0.01 m² and its own grid of doubles allow.
func like(t testing.TB, what string, got analyze.Area, text string) {
	t.Helper()
	want := number(t, text)
	if d := math.Abs(float64(got)/100 - want); d > 1e-6*want+0.05 {
		t.Errorf("%s: PostGIS has %s m², we have %.2f", what, text, float64(got)/100)
	}
}

// number reads a number of PostGIS.
func number(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
