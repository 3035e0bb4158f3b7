package analyze_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/analyze"
	"gengtu/index/areas"
	"gengtu/index/geo"
)

func TestApprovalsAgainstCells(t *testing.T) {
	outside := 0
	for seed := range uint64(6) {
		c := moving(seed)
		a, b, l := c.Layer("dltb", "2023"), c.Layer("dltb", "2024"), c.Layer("approval", "2024")
		ix := c.Partitioned(t)
		counts := func(i int) bool { return l.Text(i, "YWLX") != "XS_XMKJFW" }
		for _, level := range []areas.Level{"county", "village"} {
			r := ask(t, ix, analyze.Request{Question: "approvals", By: level}, analyze.Options{})
			inside := map[int]map[int]float64{} // by patch of construction and approval
			pairs := pairsOn(c, l, counts)
			taken := func(p pairOn) bool {
				return a.Text(p.from, "DLBM")[:2] == "01" && kindOfClass(b.Text(p.to, "DLBM")) == "occupation" && b.Text(p.to, "DLBM")[:2] != "01"
			}
			for p, m2 := range pairs {
				if taken(p) && p.on != "" {
					if inside[p.to] == nil {
						inside[p.to] = map[int]float64{}
					}
					inside[p.to][atoi(strings.Split(p.on, ",")[0])] += m2
				}
			}
			want, parts, many := map[string]float64{}, map[string]float64{}, map[string]int{}
			for p, m2 := range pairs {
				after := b.Text(p.to, "DLBM")
				built := after[:2] != "01" && kindOfClass(after) == "occupation"
				for _, on := range strings.Split(p.on, ",") {
					if on == "" {
						continue
					}
					name := l.Text(atoi(on), "BSM")
					switch {
					case built:
						parts["used "+name] += m2
					case after[:2] == "01":
						parts["cropland_left "+name] += m2
					}
					if taken(p) {
						parts["occupied "+name] += m2
					}
					if strings.Contains(p.on, ",") {
						parts["shared "+name] += m2
					}
				}
				if !taken(p) {
					continue
				}
				kind, best, of := "without", 10.0, -1
				if p.on != "" {
					kind = "inside"
				} else {
					for i := range len(l.Features) {
						if v := inside[p.to][i]; v > best {
							kind, best, of = "beyond", v, i
						}
					}
				}
				if of >= 0 {
					parts["beyond "+l.Text(of, "BSM")] += m2
				}
				f := &a.Features[p.from]
				net, _ := record(f, m2/c.AreaOf(f.Cells))
				place := b.Features[p.to].Place[:level.Digits()]
				for _, k := range []string{kind, "occupied"} {
					want[k+" "+place] += m2
					want[k+"_crop "+place] += net
					many[k+" "+place]++
					many[k+"_crop "+place]++
				}
				if kind != "inside" {
					outside++
				}
			}
			got, x := map[string]analyze.Area{}, tableOf(t, r, "occupied_by_place")
			for _, column := range x.Columns[2:] {
				for p, v := range sums(t, x, column.Name, 14, "xzqdm") {
					got[column.Name+" "+p] = v
				}
			}
			near(t, fmt.Sprint("seed ", seed), got, want, many)
			each, got2 := tableOf(t, r, "approvals"), map[string]analyze.Area{}
			for _, column := range []string{"used", "occupied", "cropland_left", "shared", "beyond"} {
				for p, v := range sums(t, each, column, 14, "approval") {
					got2[column+" "+p] = v
				}
			}
			near(t, fmt.Sprint("approvals of seed ", seed), got2, parts, nil)
			approvalsAddUp(t, r)
			if level == "county" {
				occupiedShapes(t, r)
			}
		}
	}
	if outside < 20 {
		t.Errorf("only %d pairs lie outside of approvals: the counties test little", outside)
	}
}

// approvalsAddUp holds each approval's parts against its area, and stated areas against
// what was written.
func approvalsAddUp(t testing.TB, r *analyze.Result) {
	t.Helper()
	x := tableOf(t, r, "approvals")
	for _, row := range x.Rows {
		v := func(name string) analyze.Area { return row[x.Column(name)].(analyze.Area) }
		if v("used")+v("unused") != v("area") || v("stated") != 123456 || v("differs") != v("area")-v("stated") || v("occupied") > v("used") {
			t.Errorf("the approval is told as %v", row)
		}
	}
}

// occupiedShapes holds the shapes of what is occupied outside against the areas of their
// rows.
func occupiedShapes(t testing.TB, r *analyze.Result) {
	t.Helper()
	s := r.Shapes[0]
	if len(s.Table.Rows) == 0 {
		return
	}
	for i, row := range s.Table.Rows {
		g, err := s.Geometry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := geo.Area(g), float64(row[s.Table.Column("area")].(analyze.Area))/100; math.Abs(got-want) > 0.02 {
			t.Errorf("row %d has a shape of %.3f m² and an area of %.2f m²", i, got, want)
		}
	}
}

// Types that are asked for count instead of those of the rules.
func TestApprovalsTypes(t *testing.T) {
	ix := moving(1).Index(t)
	names := func(types string) string {
		req := analyze.Request{Question: "approvals", Parameters: map[string]string{"types": types}}
		return strings.Join(slices.Sorted(maps.Keys(sums(t, tableOf(t, ask(t, ix, req, analyze.Options{}), "approvals"), "area", 14, "type"))), "|")
	}
	for types, want := range map[string]string{"": "|ZZ_NYDZYFW", "XS_XMKJFW": "|XS_XMKJFW", "XS_XMKJFW,ZZ_NYDZYFW": "|XS_XMKJFW|ZZ_NYDZYFW"} {
		if got := names(types); got != want {
			t.Errorf("of the types %q there are approvals of %q, there should be %q", types, got, want)
		}
	}
}

func TestApprovalsRollUp(t *testing.T) {
	ix := moving(3).Index(t)
	fine := ask(t, ix, analyze.Request{Question: "approvals", By: "group"}, analyze.Options{})
	for _, level := range areas.Levels[:5] {
		wide := ask(t, ix, analyze.Request{Question: "approvals", By: level}, analyze.Options{})
		for _, column := range []string{"occupied", "occupied_crop", "inside", "inside_crop", "beyond", "beyond_crop", "without", "without_crop"} {
			if d := cmp.Diff(sums(t, tableOf(t, fine, "occupied_by_place"), column, level.Digits(), "xzqdm"), sums(t, tableOf(t, wide, "occupied_by_place"), column, 14, "xzqdm"), noZeros); d != "" {
				t.Errorf("%s by %s (-groups +%[2]s):\n%s", column, level, d)
			}
		}
	}
}
