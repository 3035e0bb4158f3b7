package main_test

import (
	"archive/zip"
	"bytes"
	"database/sql"
	bytesof "encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // GeoPackages are spoiled by statements

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// parcels is how many parcels the delivery has that is spoiled, side by side.
const parcels = 12

// field36 is a corner of them in the 3 degree zone 36, metres.
var field36 = geo.XY{X: 36_555_000, Y: 3_797_000}

// system is what a file says of its coordinates.
func system(t testing.TB, code int) geo.CRS {
	t.Helper()
	c, err := geo.EPSG(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// squareIn returns parcel n, a square of 50 m, in a system.
func squareIn(in, zone geo.CRS, n int) [][]geo.XY {
	const side = 50
	x, y := field36.X+side*float64(n), field36.Y
	ring := []geo.XY{{X: x, Y: y}, {X: x, Y: y + side}, {X: x + side, Y: y + side}, {X: x + side, Y: y}, {X: x, Y: y}}
	if in != zone {
		for i, p := range ring {
			ring[i] = in.Forward(zone.Inverse(p))
		}
	}
	return [][]geo.XY{ring}
}

// spoil is what is done to the delivery while it is written.
type spoil struct {
	ending string // of the file; "" is shp
	in     int    // the system of the coordinates; 0 is EPSG:4524
	says   int    // the one that the file names; 0 is in
	values func(n int, values []any)
	shape  func(n int, polygons [][][]geo.XY) [][][]geo.XY
}

// made writes the delivery of a county into a folder of its own, as DLTB.shp or of
// another ending.
func made(t testing.TB, s spoil) string {
	t.Helper()
	if s.in == 0 {
		s.in = 4524
	}
	if s.says == 0 {
		s.says = s.in
	}
	if s.ending == "" {
		s.ending = "shp"
	}
	dir := filepath.Join(t.TempDir(), "610402")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "DLTB."+s.ending)
	l := &source.Layer{Table: "DLTB", CRS: source.CRSInfo{EPSG: s.says}, Fields: []source.Field{
		{Name: "BSM", Width: 18}, {Name: "DLBM", Width: 5}, {Name: "ZLDWDM", Width: 19}, {Name: "ZLDWMC", Width: 60},
		{Name: "TBMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "SCRQ", Kind: source.Date, Width: 8},
	}}
	w, err := source.Create(path, l, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range parcels {
		f := source.Feature{
			Polygons: [][][]geo.XY{squareIn(system(t, s.in), system(t, 4524), n)},
			Values:   []any{fmt.Sprintf("6104021000%08d", n+1), "0101", "6104020010010000000", "渭滨村", 2500.0, "2024-10-31"},
		}
		if s.values != nil {
			s.values(n, f.Values)
		}
		if s.shape != nil {
			f.Polygons = s.shape(n, f.Polygons)
		}
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// onlyIn spoils the shape of one parcel.
func onlyIn(which int, change func([][][]geo.XY) [][][]geo.XY) func(int, [][][]geo.XY) [][][]geo.XY {
	return func(n int, p [][][]geo.XY) [][][]geo.XY {
		if n == which {
			return change(p)
		}
		return p
	}
}

// moved spoils each position.
func moved(change func(geo.XY) geo.XY) func(int, [][][]geo.XY) [][][]geo.XY {
	return func(_ int, polygons [][][]geo.XY) [][][]geo.XY {
		for _, rings := range polygons {
			for _, r := range rings {
				for i := range r {
					r[i] = change(r[i])
				}
			}
		}
		return polygons
	}
}

// edited changes the bytes of a file beside path, with another ending, and returns
// path; nil bytes delete it.
func edited(t testing.TB, path, ending string, change func([]byte) []byte) string {
	t.Helper()
	name := strings.TrimSuffix(path, filepath.Ext(path)) + ending
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if data = change(data); data == nil {
		err = os.Remove(name)
	} else {
		err = os.WriteFile(name, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// gone deletes a file.
func gone([]byte) []byte { return nil }

// put32 writes a number of 32 bits, the lowest byte first.
func put32(at int, v uint32) func([]byte) []byte {
	return func(b []byte) []byte {
		bytesof.LittleEndian.PutUint32(b[at:], v)
		return b
	}
}

// value overwrites the text of a field of one record, from 0, of a dbf.
func value(record int, field, text string) func([]byte) []byte {
	return func(b []byte) []byte {
		head, size := int(bytesof.LittleEndian.Uint16(b[8:])), int(bytesof.LittleEndian.Uint16(b[10:]))
		at := 1
		for d := 32; b[d] != '\r'; d += 32 {
			width := int(b[d+16])
			if strings.TrimRight(string(b[d:d+11]), "\x00") == field {
				copy(b[head+record*size+at:][:width], text+strings.Repeat(" ", width))
			}
			at += width
		}
		return b
	}
}

// packed writes an archive of members, of which names may lie; a name that ends in @
// is a link.
func packed(t testing.TB, members ...zipMember) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, NonUTF8: m.gbk}
		if m.link {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return written(t, "成果.zip", b.Bytes())
}

// zipMember is a file in an archive.
type zipMember struct {
	name      string
	data      []byte
	link, gbk bool
}

// shapefileMembers are the files of the delivery under a name.
func shapefileMembers(t testing.TB, name string) []zipMember {
	t.Helper()
	path := made(t, spoil{})
	var out []zipMember
	for _, ending := range []string{".shp", ".shx", ".dbf", ".prj", ".cpg"} {
		b, err := os.ReadFile(strings.TrimSuffix(path, ".shp") + ending)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, zipMember{name: name + ending, data: b})
	}
	return out
}

// written writes a file into a folder of its own.
func written(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// geoPackage writes the delivery as a GeoPackage and changes it by statements.
func geoPackage(t testing.TB, statements ...string) string {
	t.Helper()
	path := made(t, spoil{ending: "gpkg"})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var triggers string // which ask for functions that are not there
	if err := db.QueryRow(`SELECT coalesce(group_concat('DROP TRIGGER "' || name || '"', ';'), '') FROM sqlite_master WHERE type = 'trigger'`).Scan(&triggers); err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{triggers}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// round is a ring of n positions around a middle.
func round(middle geo.XY, radius float64, n int) []geo.XY {
	out := make([]geo.XY, 0, n+1)
	for i := range n {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / float64(n))
		out = append(out, geo.XY{X: middle.X + radius*cos, Y: middle.Y + radius*sin})
	}
	return append(out, out[0])
}

// sieve is a square with n holes, in rows.
func sieve(corner geo.XY, n int) [][]geo.XY {
	side := int(math.Ceil(math.Sqrt(float64(n))))
	s := float64(side)
	out := [][]geo.XY{{corner, {X: corner.X, Y: corner.Y + s}, {X: corner.X + s, Y: corner.Y + s}, {X: corner.X + s, Y: corner.Y}, corner}}
	for i := range n {
		x, y := corner.X+float64(i%side)+0.25, corner.Y+float64(i/side)+0.25
		out = append(out, []geo.XY{{X: x, Y: y}, {X: x + 0.5, Y: y}, {X: x + 0.5, Y: y + 0.5}, {X: x, Y: y + 0.5}, {X: x, Y: y}})
	}
	return out
}

// star is a ring that crosses itself at about n·n/4 places.
func star(middle geo.XY, n int) []geo.XY {
	out := make([]geo.XY, 0, n+1)
	for i := range n {
		turn := float64(i) * (math.Pi + math.Pi/float64(n))
		sin, cos := math.Sincos(turn)
		out = append(out, geo.XY{X: middle.X + 500*cos, Y: middle.Y + 500*sin})
	}
	return append(out, out[0])
}

// vctText is a VCT of two parcels that share a border, before faults are planted.
func vctText(t testing.TB) string {
	t.Helper()
	path := made(t, spoil{ending: "vct"})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
