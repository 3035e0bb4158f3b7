package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// edges numbers the borders between neighbours: each edge is one line, written in the
// direction in which it came first.
type edges struct {
	ids  map[[2]geo.XY]int
	text strings.Builder
}

// of returns the number of the edge from a to b, negative when it is written from b
// to a.
func (e *edges) of(a, b geo.XY) int {
	if id, ok := e.ids[[2]geo.XY{a, b}]; ok {
		return id
	}
	if id, ok := e.ids[[2]geo.XY{b, a}]; ok {
		return -id
	}
	id := len(e.ids) + 1_000_000
	e.ids[[2]geo.XY{a, b}] = id
	fmt.Fprintf(&e.text, "%d\n1099000000\nUnknown\n1\n1\n11\n2\n%s,%s\n%s,%s\n0\n", id, num(a.X), num(a.Y), num(b.X), num(b.Y))
	return id
}

func num(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// A whole survey whose neighbours share their lines, each taken forwards by one and
// backwards by the other, must come back ring by ring. The text is written here,
// without the package's writer.
func TestVCTSharedLines(t *testing.T) {
	shp := shared(t, "delivery/2024/DLTB.shp")
	if shp == "" {
		t.Skip("the delivery is not here")
	}
	want, _ := readTable(t, shp, "")
	e := edges{ids: map[[2]geo.XY]int{}}
	var polygons, rows strings.Builder
	backwards := 0
	for i, f := range want {
		var refs []string
		for _, polygon := range f.Polygons {
			for _, ring := range polygon {
				if len(refs) > 0 {
					refs = append(refs, "0")
				}
				for k := range len(ring) - 1 {
					id := e.of(ring[k], ring[k+1])
					if id < 0 {
						backwards++
					}
					refs = append(refs, fmt.Sprint(id))
				}
			}
		}
		fmt.Fprintf(&polygons, "%d\n2001010100\nUnknown\n100\n0,0\n21\n%d\n", i+1, len(refs))
		for row := range slices.Chunk(refs, 8) {
			polygons.WriteString(strings.Join(row, ",") + "\n")
		}
		polygons.WriteString("0\n")
		fmt.Fprintf(&rows, "%d,%v\n", i+1, f.Values[0])
	}
	if backwards < len(want) {
		t.Fatalf("only %d lines are shared", backwards)
	}
	text := vctHead("Datamark:LANDUSE-VCT", "Parameters:108,1,36500000,0,3,36") +
		"FeatureCodeBegin\n2001010100,地类图斑,Polygon,DLTB\nFeatureCodeEnd\nTableStructureBegin\nDLTB,1\nBSM,Char,18\n0\nTableStructureEnd\n" +
		"PointBegin\nPointEnd\nLineBegin\n" + e.text.String() + "LineEnd\nPolygonBegin\n" + polygons.String() + "PolygonEnd\nAnnotationBegin\nAnnotationEnd\n" +
		"AttributeBegin\nDLTB\n" + rows.String() + "TableEnd\nAttributeEnd\n"
	path := writeVCT(t, text)
	got, l := readTable(t, path, "")
	if len(got) != len(want) || len(l.Notes) > 0 {
		t.Fatalf("%d records of %d, notes %v", len(got), len(want), l.Notes)
	}
	for i := range want {
		if got[i].Problem != nil || got[i].Values[0] != want[i].Values[0] {
			t.Fatalf("record %d: %v %v", i+1, got[i].Problem, got[i].Values)
		}
		clockwise(want[i].Polygons)
		clockwise(got[i].Polygons)
		if !slices.EqualFunc(want[i].Polygons, got[i].Polygons, func(a, b [][]geo.XY) bool {
			return slices.EqualFunc(a, b, slices.Equal[[]geo.XY])
		}) {
			t.Fatalf("record %d: %v, want %v", i+1, got[i].Polygons, want[i].Polygons)
		}
	}
	if info, err := os.Stat(filepath.Clean(path)); err == nil {
		t.Logf("%d lines, %d taken backwards, %d bytes", len(e.ids), backwards, info.Size())
	}
}

// clockwise turns shells clockwise and holes counter-clockwise.
func clockwise(polygons [][][]geo.XY) {
	for _, polygon := range polygons {
		for i, r := range polygon {
			a := 0.0
			for k := range r {
				p, q := r[k], r[(k+1)%len(r)]
				a += (p.X-r[0].X)*(q.Y-r[0].Y) - (q.X-r[0].X)*(p.Y-r[0].Y)
			}
			if i == 0 && a > 0 || i > 0 && a < 0 {
				slices.Reverse(r)
			}
		}
	}
}

// What is written as VCT must come back: every coordinate, every value and the
// coordinate system; rings may be turned round; from each system that is written.
func TestVCTRoundTrip(t *testing.T) {
	for _, file := range []string{"../../../shared/data/delivery/2024/DLTB.shp", "../../../shared/data/delivery/2024/YJJBNTTB.gpkg", "../../../shared/data/delivery/2024/XZQ.fgb"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("the delivery is not here")
		}
		want, l := readTable(t, file, "")
		path := filepath.Join(t.TempDir(), "x.vct")
		out := *l
		crs, err := geo.ParseWKT(l.CRS.WKT)
		if err != nil {
			t.Fatal(err)
		}
		out.CRS = source.CRSInfo{EPSG: crs.EPSG()}
		w, err := source.Create(path, &out, source.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if err := w.Write(&want[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, back := readTable(t, path, l.Table)
		if back.CRS.EPSG != crs.EPSG() || len(back.Notes) > 0 || len(w.Notes()) > 0 {
			t.Errorf("%s: %+v, notes %v and %v", file, back.CRS, back.Notes, w.Notes())
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d records of %d", file, len(got), len(want))
		}
		for i := range want {
			clockwise(want[i].Polygons)
			clockwise(got[i].Polygons)
			if !reflect.DeepEqual(want[i], got[i]) {
				t.Fatalf("%s, record %d (-want +got):\n%s", file, i+1, cmp.Diff(want[i], got[i], cmp.AllowUnexported(problem.Problem{})))
			}
		}
		left, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(left) != 1 {
			t.Errorf("%d files are left: %v", len(left), err)
		}
	}
}
