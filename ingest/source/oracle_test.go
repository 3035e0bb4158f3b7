package source_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// sharedData holds the larger files; a clone passes without them, CI has them.
const sharedData = "../../../shared/data"

// shared returns the path of a file in sharedData, or "" where there is none.
func shared(t *testing.T, name string) string {
	t.Helper()
	if _, err := os.Stat(sharedData); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s should be there in CI: %v", sharedData, err)
		}
		return ""
	}
	path := filepath.Join(sharedData, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// program runs one of GDAL's programs and returns its output; what it warns
// about fails the test.
func program(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: apt-get install gdal-bin", name)
	}
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.Env = append(os.Environ(), "SHAPE_RESTORE_SHX=YES", "OGR_GEOJSON_MAX_OBJ_SIZE=0")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaints.String())
	}
	if complaints.Len() > 0 {
		t.Fatalf("%s %s: %s", name, strings.Join(args, " "), complaints.String())
	}
	return out.Bytes()
}

// row is a feature in a form that can be compared: attributes as text, the
// geometry with rings and polygons in one order.
type row struct {
	Values map[string]string
	Shape  string
}

// canonical returns polygons as text: the shell first, holes and polygons
// sorted, numbers so that equal text is equal bits.
func canonical(polygons [][][]geo.XY) string {
	parts := make([]string, 0, len(polygons))
	for _, polygon := range polygons {
		rings := make([]string, 0, len(polygon))
		for _, ring := range polygon {
			var b strings.Builder
			for _, p := range ring {
				b.WriteString(strconv.FormatFloat(p.X, 'g', -1, 64) + " " + strconv.FormatFloat(p.Y, 'g', -1, 64) + ",")
			}
			rings = append(rings, b.String())
		}
		slices.Sort(rings[1:])
		parts = append(parts, "("+strings.Join(rings, ")(")+")")
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// valueString returns an attribute as GDAL's dump has it, reals with 15 digits.
func valueString(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'g', 15, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprint(v)
}

// gdalRows reads a layer with GDAL, which dumps it for PostgreSQL: that is its
// one text form with all bits of the coordinates.
func gdalRows(t *testing.T, path string, args ...string) []row {
	t.Helper()
	args = append([]string{"-f", "PGDump", "-lco", "LAUNDER=NO", "-lco", "GEOMETRY_NAME=wkb_geometry",
		"-unsetFid", "-nlt", "GEOMETRY", "-dim", "XY", "--config", "PG_USE_COPY", "YES", "/vsistdout/", path}, args...)
	dump := string(program(t, "ogr2ogr", args...))
	_, dump, found := strings.Cut(dump, "\nCOPY ")
	if !found {
		return nil // not one record
	}
	head, dump, _ := strings.Cut(dump, " FROM STDIN;\n")
	body, _, _ := strings.Cut(dump, "\n\\.\n")
	var names []string
	for _, quoted := range strings.Split(head[strings.Index(head, "(")+1:len(head)-1], ", ") {
		names = append(names, strings.Trim(quoted, `"`))
	}
	var rows []row
	for _, line := range strings.Split(strings.ReplaceAll(body, "\\\n", "\x00"), "\n") {
		r := row{Values: map[string]string{}}
		for i, v := range strings.Split(line, "\t") {
			switch {
			case v == `\N`:
				v = "null"
			default:
				v = strings.NewReplacer("\x00", "\n", `\\`, `\`, `\t`, "\t").Replace(v)
			}
			if names[i] == "wkb_geometry" {
				if v != "null" {
					r.Shape = canonical(decodeEWKB(t, v))
				}
				continue
			}
			r.Values[names[i]] = v
		}
		rows = append(rows, r)
	}
	return rows
}

// decodeEWKB reads a polygon or multipolygon in PostGIS's form as GDAL writes it.
func decodeEWKB(t *testing.T, text string) [][][]geo.XY {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	number := func() int {
		n := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return int(n)
	}
	var geometry func() [][][]geo.XY
	geometry = func() [][][]geo.XY {
		b = b[1:]
		code := number()
		dimensions := 2 + code>>31&1 + code>>30&1
		if code&0x20000000 != 0 {
			number()
		}
		var polygons [][][]geo.XY
		switch code & 0xFF {
		case 3:
			polygon := make([][]geo.XY, number())
			for i := range polygon {
				polygon[i] = make([]geo.XY, number())
				for k := range polygon[i] {
					polygon[i][k].X = math.Float64frombits(binary.LittleEndian.Uint64(b))
					polygon[i][k].Y = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
					b = b[8*dimensions:]
				}
			}
			polygons = append(polygons, polygon)
		case 6:
			for range number() {
				polygons = append(polygons, geometry()...)
			}
		default:
			return [][][]geo.XY{{{{}}}} // no polygon: never equal to one
		}
		return polygons
	}
	return geometry()
}

// ringsAgree tells whether got holds the rings of want, grouped otherwise, and
// with the area of record. A pond that sticks out of its patch by two metres is
// a second part for GDAL and a hole for us, as it is for TBMJ, which says what
// the patch was measured as.
func ringsAgree(t *testing.T, f source.Feature, got, want row) bool {
	t.Helper()
	if got.Values["TBMJ"] == "" || got.Shape != strings.ReplaceAll(want.Shape, ")\n(", ")(") {
		return false
	}
	record, err := strconv.ParseFloat(got.Values["TBMJ"], 64)
	if err != nil {
		t.Fatal(err)
	}
	var area float64
	for _, polygon := range f.Polygons {
		for i, ring := range polygon {
			part := math.Abs(planeArea(ring))
			if i > 0 {
				part = -part
			}
			area += part
		}
	}
	// The plane is larger than the ellipsoid by 8e-5, 60 km from its meridian.
	return math.Abs(area/record-1) < 2e-4
}

// planeArea is the shoelace formula.
func planeArea(ring []geo.XY) float64 {
	var sum float64
	for i := range ring {
		p, q, o := ring[i], ring[(i+1)%len(ring)], ring[0]
		sum += (p.X-o.X)*(q.Y-o.Y) - (q.X-o.X)*(p.Y-o.Y)
	}
	return sum / 2
}

// compare fails the test at the first record that is not what GDAL reads.
// features are those of got, or nil.
func compare(t *testing.T, got, want []row, features []source.Feature) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d records, GDAL reads %d", len(got), len(want))
	}
	for i := range got {
		for name, v := range want[i].Values {
			if flag := map[string]string{"T": "1", "F": "0"}[v]; flag != "" && flag == got[i].Values[name] {
				want[i].Values[name] = flag // GDAL has no logical fields in a dbf
			}
			// GDAL gives a real number as many decimals as its field declares.
			if number, err := strconv.ParseFloat(v, 64); err == nil && v != got[i].Values[name] && len(v) > 0 && strings.Contains(v+got[i].Values[name], ".") {
				want[i].Values[name] = valueString(number)
			}
		}
		if got[i].Shape != want[i].Shape && features != nil && ringsAgree(t, features[i], got[i], want[i]) {
			want[i].Shape = got[i].Shape
		}
		if !maps.Equal(got[i].Values, want[i].Values) || got[i].Shape != want[i].Shape {
			t.Fatalf("record %d: - GDAL, + ours:\n%s", i+1, cmp.Diff(want[i], got[i]))
		}
	}
}

// readAll reads a layer with the package.
func readAll(t *testing.T, path string, opt source.Options) (*source.Layer, []source.Feature) {
	t.Helper()
	r, err := source.Open(context.Background(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	features, err := drain(r)
	if err != nil {
		t.Fatal(err)
	}
	return r.Layer(), features
}

// drain reads r to its end and closes it.
func drain(r source.Reader) ([]source.Feature, error) {
	var features []source.Feature
	for {
		var f source.Feature
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return features, r.Close()
		}
		if err != nil {
			return features, errors.Join(err, r.Close())
		}
		features = append(features, f)
	}
}

// rowsOf brings features into the form for comparing.
func rowsOf(t *testing.T, l *source.Layer, features []source.Feature) []row {
	t.Helper()
	rows := make([]row, len(features))
	for i, f := range features {
		if f.Problem != nil {
			t.Fatal(f.Problem)
		}
		rows[i] = row{Values: map[string]string{}, Shape: canonical(f.Polygons)}
		for k, field := range l.Fields {
			rows[i].Values[field.Name] = valueString(f.Values[k])
		}
	}
	return rows
}

// convert makes a file of another format out of path with GDAL.
func convert(t *testing.T, path, out string, args ...string) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), out)
	program(t, "ogr2ogr", append(append([]string{"-q"}, args...), target, path)...)
	return target
}
