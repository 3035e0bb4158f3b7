package analyze_test

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/analyzetest"
	"gengtu/index/areas"
	"gengtu/index/geo"
)

// plotFile is a surveyor's TXT about the ground of a generated county: 36 zone, eastings as
// given, one parcel a line of points.
func plotFile(zone string, parcels ...string) string {
	return "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=" + zone + "\n[地块坐标]\n" + strings.Join(parcels, "")
}

// parcelText is a parcel with rings of northing and easting from the county's corner.
func parcelText(head string, prefix bool, rings ...[][2]float64) string {
	zone, err := geo.EPSG(4524)
	if err != nil {
		panic(err)
	}
	corner := zone.Forward(geo.Position{Lon: analyzetest.West, Lat: analyzetest.South}.LonLat())
	var s strings.Builder
	s.WriteString(head + ",@\n")
	for k, ring := range rings {
		for i, p := range ring {
			east := corner.X + p[0]
			if !prefix {
				east -= 36e6
			}
			fmt.Fprintf(&s, "J%d,%d,%.4f,%.4f\n", i+1, k+1, corner.Y+p[1], east)
		}
	}
	return s.String()
}

// box is a closed ring of 100 m by 100 m.
func box(x, y float64) [][2]float64 {
	return [][2]float64{{x, y}, {x + 100, y}, {x + 100, y + 100}, {x, y + 100}, {x, y}}
}

// Each fault of a plot is told under its own code, with what was stated and what was found, in
// both languages; a plot without a fault has none.
func TestSitingCorrections(t *testing.T) {
	c := sitesCounty(1) // 30 × 24 cells of some 18 m × 22 m
	ix := c.Index(t)
	square := `{"type":"Feature","properties":%s,"geometry":{"type":"Polygon","coordinates":[[[108.001,34.001],[108.002,34.001],[108.002,34.002],[108.001,34.002],[108.001,34.001]]]}}`
	for name, k := range map[string]struct {
		file  string
		codes []string // with the alternative's plot, "" where it is of all
		found string   // in a row
	}{
		"nothing is wrong":               {plotFile("36", parcelText("4,1.0000,1,甲,面,,,", true, box(50, 50))), nil, ""},
		"nothing, no zone in eastings":   {plotFile("36", parcelText("5,1.0000,1,甲,面,,,", false, box(50, 50))), nil, ""},
		"a point is missing":             {plotFile("36", parcelText("7,1.0000,1,甲,面,,,", true, box(50, 50))), []string{"TXT_POINTS"}, "写 7 个界址点，实有 4 个"},
		"not closed":                     {plotFile("36", parcelText("4,1.0000,1,甲,面,,,", true, box(50, 50)[:4])), []string{"RING_NOT_CLOSED"}, "没有闭合"},
		"another area":                   {plotFile("36", parcelText("4,1.0200,1,甲,面,,,", true, box(50, 50))), []string{"AREA_STATED"}, "1.0200 ha"},
		"off by less than the tolerance": {plotFile("36", parcelText("4,1.0080,1,甲,面,,,", true, box(50, 50))), nil, ""},
		"another zone than the eastings": {plotFile("37", parcelText("4,1.0000,1,甲,面,,,", true, box(50, 50))), []string{"TXT_ZONE"}, "37 带"},
		"another zone than the ground":   {plotFile("35", parcelText("4,1.0000,1,甲,面,,,", false, box(50, 50))), []string{"SITE_ASTRAY", "SITE_OUTSIDE"}, "EPSG:4545"},
		"crosses itself": {plotFile("36", parcelText("4,0.5000,1,甲,面,,,", true, [][2]float64{{50, 50}, {150, 150}, {150, 50}, {50, 150}, {50, 50}})),
			[]string{"RING_SELF_CROSSING"}, "X="},
		"overlap each other": {plotFile("36", parcelText("4,1.0000,1,甲,面,,,", true, box(50, 50)), parcelText("4,1.0000,2,乙,面,,,", true, box(149, 50))), []string{"PLOTS_OVERLAP"}, "m²"},
		"one number twice":   {plotFile("36", parcelText("4,1.0000,1,甲,面,,,", true, box(50, 50)), parcelText("4,1.0000,1,乙,面,,,", true, box(150, 50))), []string{"PLOT_NUMBER"}, "编号"},
		"no area stated":     {plotFile("36", parcelText("4,,1,甲,面,,,", true, box(50, 50))), []string{"PLOT_AREA_MISSING"}, "没有写明"},
		"area is no number":  {plotFile("36", parcelText("4,一公顷,1,甲,面,,,", true, box(50, 50))), []string{"TXT_AREA", "PLOT_AREA_MISSING"}, "不是数"},
		"beyond the county":  {plotFile("36", parcelText("4,1.0000,1,甲,面,,,", true, box(-50, 50))), []string{"SITE_OUTSIDE"}, "之外"},
		"a line":             {plotFile("36", parcelText("4,1.0000,1,甲,线,,,", true, box(50, 50))), []string{"TXT_KIND"}, "线"},
		"two points":         {plotFile("36", parcelText("2,1.0000,1,甲,面,,,", true, box(50, 50)[:2])), []string{"TXT_RING"}, "只有 2 个"},
		"GeoJSON, right":     {fmt.Sprintf(square, `{"stated_ha":1.0246,"界址点数":4,"alt":"甲"}`), nil, ""},
		"GeoJSON, area":      {fmt.Sprintf(square, `{"DKMJ":20000}`), []string{"AREA_STATED"}, "2.0000 ha"},
		"GeoJSON, points":    {fmt.Sprintf(square, `{"界址点数":9}`), []string{"PLOT_POINTS"}, "写 9 个"},
		"GeoJSON, metres":    {`{"type":"Polygon","coordinates":[[[36500000,3770000],[36500100,3770000],[36500100,3770100],[36500000,3770000]]]}`, []string{"CRS_MISMATCH"}, "36"},
		"GeoJSON, a point":   {`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[108.1,34.1]}}]}`, []string{"GEOMETRY_REFUSED"}, "面"},
	} {
		t.Run(name, func(t *testing.T) {
			shapes, err := analyze.ReadShapes("甲.txt", []byte(k.file), nil, areas.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: shapes}, analyze.Options{})
			if err != nil {
				t.Fatal(err)
			}
			tab := siteTable(t, r, "siting_corrections")
			var codes []string
			found := false
			for i, row := range tab.Rows {
				codes = append(codes, siteValue(t, tab, i, "code").(string))
				found = found || strings.Contains(fmt.Sprint(row...), k.found)
				if siteValue(t, tab, i, "finding") == "" || siteValue(t, tab, i, "finding_en") == "" {
					t.Errorf("no words for %v", row)
				}
				if siteValue(t, tab, i, "advice") == nil || siteValue(t, tab, i, "advice_en") == nil {
					t.Errorf("no word on what to do about %v", row)
				}
				if strings.Contains(fmt.Sprint(row...), "e+0") {
					t.Errorf("a coordinate has a power of ten: %v", row)
				}
			}
			if fmt.Sprint(codes) != fmt.Sprint(k.codes) || !found && k.found != "" {
				t.Errorf("%v, want %v with %q: %v", codes, k.codes, k.found, tab.Rows)
			}
			if tab.Columns[0].Name != "shape" || tab.Columns[1].Name != "number" {
				t.Errorf("what a row is of does not stand first: %v", tab.Columns[:2])
			}
			for _, s := range r.Shapes {
				if s.Name != s.Table.Name {
					t.Errorf("the layer %s shows the table %s", s.Name, s.Table.Name)
				}
			}
			errors := 0
			for i := range tab.Rows {
				if siteValue(t, tab, i, "level") == "error" {
					errors++
				}
			}
			sums := siteTable(t, r, "siting_sum")
			if siteValue(t, sums, 0, "errors") != int64(errors) || errors > 0 && strings.HasSuffix(siteValue(t, sums, 0, "verdict").(string), "clear") {
				t.Errorf("errors %v, %d told: %v", siteValue(t, sums, 0, "errors"), errors, sums.Rows)
			}
		})
	}
}

// Shapes of one file are one alternative, files are alternatives by letter, and a property
// goes before.
func TestSitingAlternatives(t *testing.T) {
	c := sitesCounty(1)
	ix := c.Index(t)
	shape := func(file, properties string, cell int) areas.Given {
		g := given(c, []int{cell}, properties)
		g.File = file
		return g
	}
	shapes := []areas.Given{shape("x.txt", `{}`, 0), shape("x.txt", `{}`, 5), shape("y.txt", `{}`, 9), shape("y.txt", `{"方案":"北线"}`, 12)}
	for how, want := range map[string]string{"auto": "A:2 B:1 北线:1", "file": "A:2 B:2", "plot": "A:1 B:1 C:1 D:1"} {
		r, err := analyze.Run(t.Context(), ix, analyze.Request{Question: "siting", Shapes: shapes, Parameters: map[string]string{"alternatives": how}}, analyze.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sums := siteTable(t, r, "siting_sum")
		var got []string
		for i := range sums.Rows {
			got = append(got, fmt.Sprint(siteValue(t, sums, i, "alt"), ":", siteValue(t, sums, i, "plots")))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", how, got, want)
		}
	}
	_ = wantSiteProblem(t, ix, analyze.Request{Question: "siting", Shapes: shapes, Parameters: map[string]string{"alternatives": "maybe"}}, "ANALYZE_PARAMETER")
}
