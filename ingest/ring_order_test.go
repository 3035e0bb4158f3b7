package ingest_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// turnRecord turns the rings of a record of a .shp round, as bytes: the writer would put
// them right again. which picks rings by their number.
func turnRecord(t *testing.T, shp string, record int, which func(ring int) bool) {
	t.Helper()
	b, err := os.ReadFile(shp)
	if err != nil {
		t.Fatal(err)
	}
	at := 100
	for range record - 1 {
		at += 8 + 2*int(binary.BigEndian.Uint32(b[at+4:]))
	}
	c := b[at+8:]
	parts, points := int(binary.LittleEndian.Uint32(c[36:])), int(binary.LittleEndian.Uint32(c[40:]))
	xy := c[44+4*parts:]
	for k := range parts {
		from, to := int(binary.LittleEndian.Uint32(c[44+4*k:])), points
		if k+1 < parts {
			to = int(binary.LittleEndian.Uint32(c[48+4*k:]))
		}
		if !which(k) {
			continue
		}
		for i, j := from, to-1; i < j; i, j = i+1, j-1 {
			p := slices.Clone(xy[16*i : 16*i+16])
			copy(xy[16*i:], xy[16*j:16*j+16])
			copy(xy[16*j:], p)
		}
	}
	if err := os.WriteFile(shp, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Rings against the direction of a shapefile are read by what lies in what, and listed as
// mends of their own kind that change no area; a strict run refuses these features and no
// others. Of a ring that crosses itself no direction is told.
func TestShapefileRingOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "DLTB.shp")
	w, err := source.Create(path, &source.Layer{Fields: []source.Field{{Name: "BSM", Width: 18}}, CRS: source.CRSInfo{EPSG: 4524}}, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	box := func(x, y, size float64) []geo.XY {
		return []geo.XY{{X: x, Y: y}, {X: x, Y: y + size}, {X: x + size, Y: y + size}, {X: x + size, Y: y}, {X: x, Y: y}}
	}
	const records = 40
	want := map[int64]int{} // rings that are turned, by record
	for n := range records {
		x := 36_550_000 + 100*float64(n)
		f := source.Feature{Polygons: [][][]geo.XY{{box(x, 3_800_000, 80), box(x+10, 3_800_010, 20)}}, Values: []any{fmt.Sprintf("61990120%010d", n)}}
		if n == records-1 { // it crosses itself
			f.Polygons = [][][]geo.XY{{{{X: x, Y: 3_800_000}, {X: x + 20, Y: 3_800_018}, {X: x + 20, Y: 3_800_000}, {X: x, Y: 3_800_020}, {X: x, Y: 3_800_000}}}}
		}
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= records; n++ {
		switch n % 4 {
		case 0:
			turnRecord(t, path, n, func(int) bool { return true })
			if n < records {
				want[int64(n)] = 2
			}
		case 1:
			turnRecord(t, path, n, func(ring int) bool { return ring == 0 })
			want[int64(n)] = 1
		case 2:
			turnRecord(t, path, n, func(ring int) bool { return ring == 1 })
			want[int64(n)] = 1
		}
	}
	for _, strict := range []bool{false, true} {
		rep, err := ingest.Inspect(t.Context(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}, ingest.Options{Tier: edition.Secure, Strict: strict})
		if p := problem.Of(err); err != nil && (!strict || p == nil || p.Code != "STRICT_REFUSED") {
			t.Fatal(err)
		}
		l, got := rep.Layers[0], map[int64]int{}
		for i := range l.Findings {
			f := &l.Findings[i]
			if f.Code != ingest.RingOrderCode {
				continue
			}
			var rings int
			if _, err := fmt.Sscanf(f.Found("en"), "rings run against the direction that the format asks for (shells clockwise): %d turned", &rings); err != nil {
				t.Fatalf("%s: %v", f.Found("en"), err)
			}
			got[f.Record] = rings
			if mended := f.Action == ingest.Mended; mended == strict || mended && (math.Abs(f.AreaBefore-f.AreaAfter) > 1e-6 || math.Abs(f.AreaAfter-6000) > 6) {
				t.Errorf("strict %t: record %d is %s, %v m² before, %v after", strict, f.Record, f.Action, f.AreaBefore, f.AreaAfter)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("strict %t: rings turned %v, want %v", strict, got, want)
		}
		crossed := 1
		if wantRefused := len(want) + crossed; strict && l.Refused != wantRefused || !strict && (l.Refused != 0 || l.Mended != wantRefused) {
			t.Errorf("strict %t: %d refused, %d mended", strict, l.Refused, l.Mended)
		}
	}
}

// GeoJSON after RFC 7946 has shells counter-clockwise, and its readers are not to refuse
// others: a strict run notes them. GeoJSON of 2008, with a member crs, has no direction.
func TestGeoJSONRingOrder(t *testing.T) {
	ring := `[[108.5,34.5],[108.5,34.501],[108.501,34.501],[108.501,34.5],[108.5,34.5]]` // clockwise
	for _, c := range []struct {
		name, crs string
		strict    bool
		want      ingest.Action
	}{
		{"RFC 7946", "", false, ingest.Mended},
		{"RFC 7946, strict", "", true, ingest.Noted},
		{"of 2008", `"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},`, true, ""},
	} {
		path := filepath.Join(t.TempDir(), "a.geojson")
		text := `{"type":"FeatureCollection",` + c.crs + `"features":[{"type":"Feature","properties":{"BSM":"610402210000000001"},"geometry":{"type":"Polygon","coordinates":[` + ring + `]}}]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rep, err := ingest.Inspect(t.Context(), []ingest.Input{{Layer: "pbf", Vintage: "2024", Path: path}}, ingest.Options{Tier: edition.Secure, Strict: c.strict})
		if err != nil {
			t.Fatal(err)
		}
		l, got := rep.Layers[0], ingest.Action("")
		for _, f := range l.Findings {
			if f.Code == ingest.RingOrderCode {
				got = f.Action
			}
		}
		if got != c.want || l.Kept != 1 {
			t.Errorf("%s: %q, want %q; %d kept", c.name, got, c.want, l.Kept)
		}
	}
}

// A program that writes rings the wrong way does so in each record: all are counted, the
// first are listed.
func TestRingOrderIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	const records = ingest.MaxFindings + 50
	for n := range records {
		if n > 0 {
			b.WriteString(",")
		}
		x := 108 + 0.001*float64(n)
		fmt.Fprintf(&b, `{"type":"Feature","properties":{"BSM":"61040221%010d"},"geometry":{"type":"Polygon","coordinates":[[[%.4f,34],[%.4f,34.0005],[%.4f,34],[%.4f,34]]]}}`, n, x, x+0.0002, x+0.0005, x)
	}
	b.WriteString(`]}`)
	path := filepath.Join(t.TempDir(), "a.geojson")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	rep, err := ingest.Inspect(t.Context(), []ingest.Input{{Layer: "pbf", Vintage: "2024", Path: path}}, ingest.Options{Tier: edition.Secure})
	if err != nil {
		t.Fatal(err)
	}
	if l := rep.Layers[0]; l.Counts[ingest.RingOrderCode] != records || len(l.Findings) != ingest.MaxFindings || l.Dropped != 50 || l.Mended != records {
		t.Errorf("%d counted, %d listed, %d not, %d mended", l.Counts[ingest.RingOrderCode], len(l.Findings), l.Dropped, l.Mended)
	}
}
