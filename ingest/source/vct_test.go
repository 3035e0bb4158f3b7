package source_test

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// readTable returns all records of a table and what its file says.
func readTable(t *testing.T, path, table string) ([]source.Feature, *source.Layer) {
	t.Helper()
	r, err := source.Open(context.Background(), path, source.Options{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	var out []source.Feature
	for {
		var f source.Feature
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out, r.Layer()
}

// shoelace is the area of a polygon in its plane: its first ring less the others.
func shoelace(polygon [][]geo.XY) float64 {
	sum := 0.0
	for i, r := range polygon {
		a := 0.0
		for k := range r {
			p, q := r[k], r[(k+1)%len(r)]
			a += (p.X-r[0].X)*(q.Y-r[0].Y) - (q.X-r[0].X)*(p.Y-r[0].Y)
		}
		if a = math.Abs(a / 2); i > 0 {
			a = -a
		}
		sum += a
	}
	return sum
}

// vctBody is a VCT file behind its head: two neighbours that share line 2, which one
// of them takes backwards; an island in the first, which is the second ring of its
// reference list; a patch without a row; a table without geometry; a line and a
// point that belong to other layers. Counts of references include the 0.
const vctBody = `FeatureCodeBegin
2001010100,地类图斑,Polygon,DLTB
2001010200,行政区界线,Line,XZQJX
1000119000,高程点,Point,GCD
FeatureCodeEnd

TableStructureBegin
DLTB,6
BSM,Char,18
DLMC,Char,60
TBMJ,Float,15,2
SJNF,Int4
GXSJ,Date
BZ,VarChar
0
XZQJX,1
BSM,Char,18
0
DLTBGXGC,2,NONEGEOMETRY
BGQTBBSM,Char,18
BGMJ,Float,15,2
0
TableStructureEnd

PointBegin
90
1000119000
Unknown
1
36559000,3801000
0
PointEnd

LineBegin
1
1099000000
Unknown
1
1
11
4
36559100,3801100
36559000,3801100
36559000,3801000
36559100,3801000
0
2
1099000000
Unknown
1
1
11
2
36559100,3801000
36559100,3801100
0
3
1099000000
Unknown
1
2
11
3
36559100,3801000
36559200,3801000
36559200,3801050
11
3
36559200,3801050
36559200,3801100
36559100,3801100
0
4
1099000000
Unknown
1
1
11
5
36559020,3801020
36559040,3801020
36559040,3801040
36559020,3801040
36559020,3801020
0
5
2001010200
Unknown
1
1
11
2
36559100,3801000
36559900,3801000
0
LineEnd

PolygonBegin
11
2001010100
Unknown
100
36559060,3801060
21
4
1,2,0,-4
0
12
2001010100
Unknown
100
36559150,3801050
21
2
-2,3
0
13
2001010100
Unknown
100
36559030,3801030
21
1
4
0
PolygonEnd

AnnotationBegin
AnnotationEnd

TopologyBegin
TopologyEnd

AttributeBegin
XZQJX
5,610402001
TableEnd
DLTB
12,610402000000000012,水浇地，旱地,10000.00,2024,20241231,
11,610402000000000011,旱地,9600.00,2024,,备注
TableEnd
DLTBGXGC
1,610402000000000001,12.50
610402000000000002,7.25
TableEnd
AttributeEnd
`

// vctHead is a head with the given lines for the mark and the parameters.
func vctHead(mark, parameters string) string {
	return "HeadBegin\n" + mark + `
Version:3.0
CoordinateSystemType:P
Dim:2
XAxisDirection:E
YAxisDirection:N
XYUnit:M
ZUnit:M
Spheroid:CGCS2000,6378137.0,298.257222101
PrimeMeridian:Greenwich
Projection:高斯-克吕格投影
` + parameters + `
VerticalDatum:1985国家高程基准
TemporalReferenceSystem:北京时间
ExtentMin:36559000,3801000
ExtentMax:36559900,3801000
MapScale:5000
Offset:0,0
Date:20241231
Separator:,
HeadEnd

`
}

// writeVCT writes a text as GBK with CR LF.
func writeVCT(t *testing.T, text string) string {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().String(strings.ReplaceAll(text, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "2001H2024610402.VCT")
	if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each form of the head that is known must give the same layer: the oracle is the
// text, which was written by hand from the description of the format, and the same
// shapes in a shapefile.
func TestVCTHeads(t *testing.T) {
	for _, c := range []struct{ name, mark, parameters string }{
		{"land survey, six parameters", "Datamark:LANDUSE-VCT", "Parameters:108,1,36500000,0,3,36"},
		{"other writers, nine parameters", "DataMark:CNSDTF-VCT", "Parameters:108,,,,1.0,36500000,0.0,3,36"},
		{"false easting without the zone", "Datamark:LANDUSE.VCT", "Parameters:108,1,500000,0,3,36"},
		{"no zone", "datamark: CADASTRE.VCT", "Parameters:108,1,36500000,0,3,"},
		{"no parameters", "DATAMARK:LANDUSE-DAT", "Parameters:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := writeVCT(t, vctHead(c.mark, c.parameters)+vctBody)
			got, l := readTable(t, path, "")
			if l.CRS.EPSG != 4524 || l.CRS.Problem != nil || l.Table != "DLTB" || l.Count != 3 || l.Encoding != "GB18030" {
				t.Errorf("layer: %+v", l)
			}
			for _, n := range l.Notes {
				if n.Code != "VCT_NO_ROW" {
					t.Errorf("note: %v", n)
				}
			}
			values := [][]any{
				{"610402000000000012", "水浇地，旱地", 10000.0, int64(2024), "2024-12-31", nil},
				{"610402000000000011", "旱地", 9600.0, int64(2024), nil, "备注"},
				{nil, nil, nil, nil, nil, nil},
			}
			shp := filepath.Join(t.TempDir(), "DLTB.shp")
			w, err := source.Create(shp, l, source.WriteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range got {
				if f.Problem != nil {
					t.Fatal(f.Problem)
				}
				if d := cmp.Diff(values[i], f.Values); d != "" {
					t.Errorf("values of record %d (-want +got):\n%s", i+1, d)
				}
				if err := w.Write(&f); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			again, _ := readTable(t, shp, "")
			for i, want := range []float64{10000, 9600, 400} {
				if n := len(got[i].Polygons); n != 1 {
					t.Fatalf("record %d has %d polygons", i+1, n)
				}
				if a, b := shoelace(got[i].Polygons[0]), shoelace(again[i].Polygons[0]); a != want || b != want {
					t.Errorf("area of record %d: %v, as a shapefile %v, want %v", i+1, a, b, want)
				}
			}
			if n := len(got[1].Polygons[0]); n != 2 {
				t.Errorf("the first patch has %d rings, want 2", n)
			}
		})
	}
}

// Without the zone before the eastings the head alone tells the zone, in either layout
// and for both widths of zones.
func TestVCTZones(t *testing.T) {
	body := strings.ReplaceAll(vctBody, "36559", "559")
	for parameters, want := range map[string]int{
		"Parameters:108,1,500000,0,3,36": 4545, "Parameters:108,,,,1.0,36500000,0.0,3,36": 4545,
		"Parameters:111,1,500000,0,6,19": 4508, "Parameters:108,,,,1.0,500000,0.0,3,": 4545,
	} {
		_, l := readTable(t, writeVCT(t, vctHead("Datamark:LANDUSE-VCT", parameters)+body), "")
		if l.CRS.EPSG != want {
			t.Errorf("%s: %+v, want EPSG %d", parameters, l.CRS, want)
		}
	}
	_, l := readTable(t, writeVCT(t, vctHead("Datamark:LANDUSE-VCT", "Parameters:")+body), "")
	if p := l.CRS.Problem; p == nil || p.Code != "VCT_ZONE" {
		t.Errorf("no parameters: %+v", l.CRS)
	}
}

// A table that belongs to no geometry must be read, with and without numbers before
// its rows, and listed as what it is.
func TestVCTTables(t *testing.T) {
	path := writeVCT(t, vctHead("Datamark:LANDUSE-VCT", "Parameters:108,1,36500000,0,3,36")+vctBody)
	tables, err := source.AllTables(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]source.TableInfo{{Name: "DLTB"}, {Name: "DLTBGXGC", NoGeometry: true}}, tables); d != "" {
		t.Error(d)
	}
	got, l := readTable(t, path, "dltbgxgc")
	if !l.NoGeometry || len(got) != 2 {
		t.Fatalf("%+v, %d records", l, len(got))
	}
	for i, want := range [][]any{{"610402000000000001", 12.5}, {"610402000000000002", 7.25}} {
		if d := cmp.Diff(want, got[i].Values); d != "" || got[i].Problem != nil {
			t.Error(d, got[i].Problem)
		}
	}
}

// What is wrong with one record must be told of it, and of the file where the file
// cannot be read on.
func TestVCTFaults(t *testing.T) {
	whole := vctHead("Datamark:LANDUSE-VCT", "Parameters:108,1,36500000,0,3,36") + vctBody
	for _, c := range []struct{ name, old, new, code string }{
		{"a line that is not there", "1,2,0,-4", "1,9,0,-4", "VCT_NO_LINE"},
		{"a ring whose line is missing", "4\n1,2,0,-4", "3\n1,0,-4", ""}, // of a single line: closed by ingest
		{"lines that do not join", "2\n-2,3", "2\n-2,4", "VCT_RING"},
		{"a ring that does not close", "2\n-2,3", "2\n-2,5", "VCT_OPEN"},
		{"a wrong sign", "2\n-2,3", "2\n-2,-3", "VCT_SIGN"},
		{"no zeros counted", "21\n4\n1,2,0,-4", "21\n3\n1,2,0,-4", ""},
		{"no zero between rings", "21\n4\n1,2,0,-4", "21\n3\n1,2,-4", ""},
		{"no line 0 behind a polygon", "-2,3\n0\n13", "-2,3\n13", ""},
		{"a comma in a value", "水浇地，旱地", "水浇地,旱地", "VCT_ROW"},
		{"a row without polygon", "\n12,6104", "\n77,6104", "VCT_NO_POLYGON"},
		{"two rows of one polygon", "\n12,6104", "\n11,6104", "VCT_TWICE"},
		{"a curve", "1\n11\n2\n36559100,3801000", "1\n13\n2\n36559100,3801000", "VCT_CURVE"},
		{"a label outside", "36559060,3801060", "36559030,3801030", "VCT_LABEL"},
		{"a point that is no number", "36559200,3801050\n11", "36559200,NaN\n11", "VCT_POINT"},
		{"too many points stated", "11\n4\n36559100", "11\n999999\n36559100", "VCT_SYNTAX"},
		{"another version", "Version:3.0", "Version:1.0", "VCT_VERSION"},
		{"another datum", "Spheroid:CGCS2000,6378137.0,298.257222101", "Spheroid:Xian80,6378140,298.257", "VCT_SPHEROID"},
		{"another zone", "0,3,36\n", "0,3,35\n", "VCT_ZONE"},
		{"northing first", "XAxisDirection:E", "XAxisDirection:N", "VCT_ZONE_SWAPPED"},
		{"cut", "AttributeEnd\n", "", "VCT_TRUNCATED"},
		{"cut in the lines", whole[strings.Index(whole, "36559200,3801050\n11"):], "", "VCT_TRUNCATED"},
		{"an unknown code", "13\n2001010100", "13\n2001019999", "VCT_CODE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(whole, c.old) == 0 {
				t.Fatal("the fault is not planted")
			}
			path := writeVCT(t, strings.Replace(whole, c.old, c.new, 1))
			codes, areas := codesOf(t, path)
			if c.code == "" {
				if len(codes) != 1 || areas != 10000+9600+400 && c.name != "a ring whose line is missing" {
					t.Errorf("%v, %v m²", codes, areas)
				}
				return
			}
			if c.code == "VCT_ZONE_SWAPPED" {
				if areas != 20000 {
					t.Errorf("%v, %v m²", codes, areas)
				}
				return
			}
			if !codes[c.code] {
				t.Errorf("got %v, want %s", codes, c.code)
			}
		})
	}
}

// codesOf reads a file and returns the codes of all that was told, and the area.
func codesOf(t *testing.T, path string) (codes map[string]bool, area float64) {
	t.Helper()
	codes = map[string]bool{}
	tell := func(err error) {
		p := problem.Of(err)
		if p == nil {
			t.Fatal(err)
		}
		codes[p.Code] = true
	}
	r, err := source.Open(context.Background(), path, source.Options{})
	if err != nil {
		tell(err)
		return codes, 0
	}
	defer func() { _ = r.Close() }()
	for {
		var f source.Feature
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tell(err)
			break
		}
		if f.Problem != nil {
			tell(f.Problem)
		}
		for _, p := range f.Polygons {
			area += shoelace(p)
		}
	}
	for _, n := range r.Layer().Notes {
		tell(n)
	}
	if p := r.Layer().CRS.Problem; p != nil {
		tell(p)
	}
	return codes, area
}
