package source

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
)

// The record of a line differs from that of a polygon by its type alone: no point of it
// may be lost, made up, or put into another order, and its parts stay apart.
func FuzzShapefileLine(f *testing.F) {
	w := shapefileWriter{extent: emptyExtent()}
	f.Add(bytes.Clone(w.content([][][]geo.XY{{square(0, 0, -4), square(0, 0, 2)}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		binary.LittleEndian.PutUint32(b, shpLine)
		r := shapefile{shapes: Lines}
		lines, p := r.polygons(b)
		if p != nil || lines == nil {
			return
		}
		if n := points(lines); len(lines) != 1 || n != int(binary.LittleEndian.Uint32(b[40:])) {
			t.Fatalf("%d lists, %d points of %d", len(lines), n, binary.LittleEndian.Uint32(b[40:]))
		}
		at := 44 + 4*int(binary.LittleEndian.Uint32(b[36:]))
		for _, part := range lines[0] {
			for _, p := range part {
				if !bytes.Equal(appendFloats(nil, p.X, p.Y), b[at:at+16]) {
					t.Fatalf("%v is not the point at byte %d", p, at)
				}
				at += 16
			}
		}
	})
}

// Whatever a file of lines holds, reading it ends with the end or a problem, and no record
// has more than one list of parts.
func FuzzLineFiles(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"BSM":"1"},"geometry":{"type":"LineString","coordinates":[[0,0],[1,0],[1,1e0]]}},{"type":"Feature","properties":{},"geometry":{"coordinates":[[[0,0],[2,2]],[[3,3],[4,4]]],"type":"MultiLineString"}}]}`))
	f.Add([]byte("HeadBegin\nDataMark:LANDUSE-VCT\nVersion:3.0\nXYUnit:M\nSpheroid:CGCS2000,6378137.0,298.257222101\nParameters:108,1,36500000,0,3,36\nSeparator:,\nHeadEnd\n" +
		"FeatureCodeBegin\n10,XZQJX,Line,XZQJX\nFeatureCodeEnd\nTableStructureBegin\nXZQJX,1\nBSM,Char,18\n0\nTableStructureEnd\n" +
		"LineBegin\n1\n10\nUnknown\n1\n1\n11\n2\n36500000,3800000\n36500010,3800000\n0\nLineEnd\nPolygonBegin\nPolygonEnd\nAttributeBegin\nXZQJX\n1,7\n-2,8\n5,9\nTableEnd\nAttributeEnd\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		for name, table := range map[string]string{"x.geojson": "", "x.vct": "XZQJX"} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := LineTables(path); err != nil && !readable(inFile(err, path)) {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), path, Options{Table: table, Shapes: Lines})
			if err != nil {
				if !readable(inFile(err, path)) {
					t.Fatal(err)
				}
				continue
			}
			for {
				var g Feature
				err := r.Next(&g)
				if err != nil {
					if !readable(err) {
						t.Fatal(err)
					}
					break
				}
				if len(g.Polygons) > 1 {
					t.Fatalf("%d lists of parts", len(g.Polygons))
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
