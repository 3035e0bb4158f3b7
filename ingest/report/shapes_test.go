package report_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/ingest"
	"gengtu/ingest/report"
)

// feature is what GDAL reads of a fault.
type feature struct {
	Properties map[string]any
	Geometry   *struct {
		Type        string
		Coordinates json.RawMessage
	}
}

// read writes a report's shapefiles and has GDAL read one of them, each feature with its
// plane area as AREA.
func read(t *testing.T, r *report.Report, name string) []feature {
	t.Helper()
	dir := t.TempDir()
	if err := r.Shapefiles(dir); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.geojson")
	table := strings.TrimSuffix(name, ".shp")
	gdal(t, "ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=6", "-sql", "SELECT *, OGR_GEOM_AREA AS AREA FROM "+table, out, filepath.Join(dir, name))
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Features []feature }
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	return got.Features
}

func gdal(t *testing.T, name string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(name + " is needed: apt-get install -y gdal-bin")
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// GDAL reads from the shapefiles what the JSON says: each fault once, in the delivery's
// own system, with its place to 0.1 mm, its ground with its area, and its texts whole up
// to what a dbf holds.
func TestShapefiles(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	r := d.run(ingest.Options{}, report.Options{})
	points, areas := read(t, r, report.PointsFile), read(t, r, report.AreasFile)
	if len(points) != len(r.Faults) {
		t.Fatalf("%d points of %d faults", len(points), len(r.Faults))
	}
	titles := map[string]report.Rule{}
	for _, p := range r.Rules {
		titles[p.Number] = p
	}
	box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for i, p := range points {
		f := &r.Faults[i]
		is := p.Properties
		if is["NO"] != float64(f.Number) || is["RULE"] != f.Rule || is["LAYER"] != f.Layer || is["SEV"] != titles[f.Rule].Severity || is["TITLE"] != titles[f.Rule].TitleZh {
			t.Errorf("fault %d: %v", f.Number, is)
		}
		if text(is["BSM"]) != f.BSM || text(is["BSM2"]) != f.OtherBSM || number(is["RECORD"]) != float64(f.Record) {
			t.Errorf("fault %d: %v", f.Number, is)
		}
		whole := strings.ReplaceAll(f.TextZh+"；"+f.AdviceZh, "²", "2")
		b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(text(is["MSG"])))
		if err != nil || len(b) > 254 || !strings.HasPrefix(strings.ReplaceAll(whole, "−", "-"), text(is["MSG"])) {
			t.Errorf("fault %d: MSG %q of %d bytes, want the beginning of %q", f.Number, is["MSG"], len(b), whole)
		}
		if f.AreaM2 != nil && math.Abs(number(is["MJ"])-*f.AreaM2) > 0.00501 {
			t.Errorf("fault %d: MJ %v, want %v", f.Number, is["MJ"], *f.AreaM2)
		}
		var at [2]float64
		if p.Geometry == nil {
			if f.Lon != nil {
				t.Errorf("fault %d lost its place", f.Number)
			}
			continue
		}
		if err := json.Unmarshal(p.Geometry.Coordinates, &at); err != nil {
			t.Fatal(err)
		}
		box = [4]float64{min(box[0], at[0]), min(box[1], at[1]), max(box[2], at[0]), max(box[3], at[1])}
		if f.X != nil && (math.Abs(at[0]-*f.X) > 1e-4 || math.Abs(at[1]-*f.Y) > 1e-4) {
			t.Errorf("fault %d lies at %v, want %v %v", f.Number, at, *f.X, *f.Y)
		}
	}
	if len(areas) == 0 {
		t.Fatal("no ground")
	}
	for _, a := range areas {
		f := &r.Faults[int(number(a.Properties["NO"]))-1]
		// The plane of the zone stretches areas by up to 0.1 %, and rounds to 0.01 mm.
		if is := number(a.Properties["AREA"]); f.AreaM2 == nil || math.Abs(is-*f.AreaM2) > 0.002**f.AreaM2+0.01 {
			t.Errorf("fault %d (%s): ground of %v m²", f.Number, f.TextZh, is)
		}
	}
	dir := t.TempDir()
	if err := r.Shapefiles(dir); err != nil {
		t.Fatal(err)
	}
	header, err := os.ReadFile(filepath.Join(dir, report.PointsFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range box {
		if is := math.Float64frombits(binary.LittleEndian.Uint64(header[36+8*i:])); math.Abs(is-want) > 1e-5 {
			t.Errorf("side %d of the box in the header is %v, want %v", i, is, want)
		}
	}
	for _, name := range []string{"faults", "faults_area"} {
		about := gdal(t, "ogrinfo", "-so", filepath.Join(dir, name+".shp"), name)
		if !strings.Contains(about, `ID["EPSG",4524]`) {
			t.Errorf("%s: GDAL does not take it as EPSG:4524:\n%s", name, about)
		}
		if cpg, err := os.ReadFile(filepath.Join(dir, name+".cpg")); err != nil || string(cpg) != "GBK" {
			t.Errorf("%s.cpg is %q, %v", name, cpg, err)
		}
	}
}

func text(v any) string { s, _ := v.(string); return s }

func number(v any) float64 { x, _ := v.(float64); return x }
