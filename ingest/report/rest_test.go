package report_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/check"
	"gengtu/ingest/report"
)

// The shapefiles hold the faults that the report does not list, with their texts and
// ground, and the map has their places; they have no number there.
func TestFaultsBeyondTheListed(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	wrong := map[string]bool{}
	for i := range 450 {
		d.set(i, "DLMC", "月球")
		wrong[d.text(i, "BSM")] = i != planted["domain"] // what has no class has no name
	}
	maps.DeleteFunc(wrong, func(_ string, is bool) bool { return !is })
	d.write("")
	const listed = 7
	r := d.run(ingest.Options{}, report.Options{Drawing: report.Pictures, Check: check.Options{Listed: listed}})
	rule := rulesOf(t, "name-of-code")[0]
	points := read(t, r, report.PointsFile)
	if len(points) != r.Summary.Faults || r.Summary.Mapped != r.Summary.Faults || len(r.Faults) >= len(points) {
		t.Fatalf("%d points of %d faults, %d are listed, %d mapped", len(points), r.Summary.Faults, len(r.Faults), r.Summary.Mapped)
	}
	numbered, placed, ground := 0, 0, map[string]bool{}
	for _, p := range points {
		if p.Properties["NO"] != nil {
			numbered++
		}
		if p.Geometry != nil {
			placed++
		}
		if p.Properties["RULE"] != rule {
			continue
		}
		if !strings.Contains(text(p.Properties["MSG"]), "月球") || p.Geometry == nil || text(p.Properties["LAYER"]) != "dltb" {
			t.Fatalf("%+v", p)
		}
		delete(wrong, text(p.Properties["BSM"]))
	}
	if len(wrong) > 0 || numbered != len(r.Faults) {
		t.Errorf("%d of the planted are missing, %d of %d have a number", len(wrong), numbered, len(r.Faults))
	}
	all := d.run(ingest.Options{}, report.Options{})
	for _, f := range all.Faults {
		if slices.Contains(rulesOf(t, "overlap"), f.Rule) {
			ground[f.BSM+" "+f.OtherBSM] = true
		}
	}
	few := d.run(ingest.Options{}, report.Options{Drawing: report.Pictures, Check: check.Options{Listed: 1}})
	areas := read(t, few, report.AreasFile)
	if len(ground) < 3 {
		t.Fatalf("%d overlaps", len(ground))
	}
	for _, a := range areas {
		delete(ground, text(a.Properties["BSM"])+" "+text(a.Properties["BSM2"]))
	}
	if len(ground) > 0 {
		t.Errorf("the ground of %v is not in the shapefile", ground)
	}
	html := page(t, r)
	if !strings.Contains(html, "小点为 "+strconv.Itoa(placed)+" 处") || !strings.Contains(html, "faults.shp 有本规则的 449 处") {
		t.Errorf("the page does not tell of %d places", placed)
	}
	if n := len(regexp.MustCompile(`<circle class="g\d" cx`).FindAllString(html, -1)); n < 440 || n > placed {
		t.Errorf("%d dots of %d places", n, placed)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Where there are more places than the map takes dots, those in a square are one.
func TestDotsAreJoined(t *testing.T) {
	var shapes []string
	for i := range 90 {
		for k := range 60 {
			x, y := num(108+float64(i)/500), num(34+float64(k)/500)
			shapes = append(shapes, `{"type":"Polygon","coordinates":[[[`+x+`,`+y+`],[`+num(108+float64(i)/500+0.00001)+`,`+y+`],[`+x+`,`+num(34+float64(k)/500+0.00001)+`],[`+x+`,`+y+`]]]}`)
		}
	}
	r := run(t, geojson(t, shapes...), ingest.Options{}, report.Options{Drawing: report.Pictures})
	html := page(t, r)
	n := len(regexp.MustCompile(`<circle class="g\d" cx`).FindAllString(html, -1))
	if r.Summary.Mapped < 5400 || n > 4000 || n < 1000 || !strings.Contains(html, "米见方内合为一点") {
		t.Errorf("%d dots of %d faults", n, r.Summary.Mapped)
	}
}
