package source_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// txtHead is the section of attributes as programs write it.
const txtHead = "[属性描述]\r\n格式版本号=1.01版本\r\n坐标系=2000国家大地坐标系\r\n几度分带=3\r\n投影类型=高斯克吕格\r\n计量单位=米\r\n带号=36\r\n精度=0.001\r\n转换参数=,,,,,,\r\n[地块坐标]\r\n"

// A surveyor's TXT must be read as any layer: rings grouped, the area in m², the
// fields of supplement cropland where the file has them, whatever its ending.
func TestTXT(t *testing.T) {
	square := "J1,1,3790000,36500000\r\nJ2,1,3790000,36500100\r\nJ3,1,3790100,36500100\r\nJ4,1,3790100,36500000\r\nJ1,1,3790000,36500000\r\n"
	hole := "J5,2,3790020,36500020\r\nJ6,2,3790020,36500030\r\nJ7,2,3790030,36500030\r\nJ5,2,3790020,36500020\r\n"
	for _, c := range []struct {
		name, file, parcel string
		values             []any
	}{
		{"nine fields", "a.txt", "9,0.995,DK01,一号地,面,I49G001001,建设用地,0701,@\r\n", []any{"DK01", "一号地", 9950.0, "I49G001001", "建设用地", "0701"}},
		{
			"supplement cropland", "b.zb", "9,1.1,DK02,二号地,2024,2,面,I49G001001,耕地,备注,0103,8,@\r\n",
			[]any{"DK02", "二号地", 11000.0, "I49G001001", "耕地", "0103", "2024", "2", "备注", "8"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := simplifiedchinese.GBK.NewEncoder().String(txtHead + c.parcel + square + hole)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
				t.Fatal(err)
			}
			got, l := readTable(t, path, "")
			if len(got) != 1 || l.CRS.EPSG != 4524 || l.Count != 1 || l.Encoding != "GBK" {
				t.Fatalf("%+v, %d records", l, len(got))
			}
			if d := cmp.Diff(c.values, got[0].Values); d != "" {
				t.Error(d)
			}
			want := [][][]geo.XY{{
				{{X: 36500000, Y: 3790000}, {X: 36500100, Y: 3790000}, {X: 36500100, Y: 3790100}, {X: 36500000, Y: 3790100}, {X: 36500000, Y: 3790000}},
				{{X: 36500020, Y: 3790020}, {X: 36500030, Y: 3790020}, {X: 36500030, Y: 3790030}, {X: 36500020, Y: 3790020}},
			}}
			if d := cmp.Diff(want, got[0].Polygons); d != "" {
				t.Error(d)
			}
			if len(l.Notes) > 0 {
				t.Error(l.Notes)
			}
		})
	}
}

// The encoding that the user names is the one that the layer says.
func TestTXTNamed(t *testing.T) {
	b, err := simplifiedchinese.GBK.NewEncoder().String(txtHead + "3,,DK01,一号地,面,,,0701,@\r\nJ1,1,3790000,36500000\r\nJ2,1,3790000,36500100\r\nJ3,1,3790100,36500100\r\n")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := source.Open(context.Background(), path, source.Options{Encoding: "GB18030"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Layer().Encoding; got != "GB18030" {
		t.Errorf("the layer says %s", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
