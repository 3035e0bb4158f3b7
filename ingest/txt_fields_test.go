package ingest_test

import (
	"os"
	"path/filepath"
	"testing"

	"gengtu/ingest/source"
)

// A TXT without the attributes of supplement cropland has no schema: neither its fields nor
// a name of no layer's say what it is.
func TestUntoldTXT(t *testing.T) {
	const text = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=36\n[地块坐标]\n" +
		"5,1.0,DK01,一号地,面,I49G001001,建设用地,0701,@\n" +
		"J1,1,3790000,36500000\nJ2,1,3790000,36500100\nJ3,1,3790100,36500100\nJ4,1,3790100,36500000\nJ1,1,3790000,36500000\n"
	path := filepath.Join(t.TempDir(), "坐标.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := describe(t, path, source.Options{})
	if err != nil || d.Layer != "other" || len(d.Candidates) > 0 || d.Doubt == nil || d.Doubt.Code != "LAYER_UNTOLD" {
		t.Errorf("%+v, %v", d, err)
	}
}

// A surveyor's TXT is guessed as what it is of, by its fields and its name, and all of
// its fields are known to the layers that come so.
func TestSurveyorsTXT(t *testing.T) {
	const head = "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=36\n[地块坐标]\n"
	const square = "J1,1,3790000,36500000\nJ2,1,3790000,36500100\nJ3,1,3790100,36500100\nJ4,1,3790100,36500000\nJ1,1,3790000,36500000\n"
	for _, c := range []struct {
		name, parcel, layer string
	}{
		{"某镇补充耕地.txt", "5,1.0,DK02,二号地,2024,2,面,I49G001001,耕地,备注,0103,8,@\n", "supplement"},
		{"坐标.txt", "5,1.0,DK02,二号地,2024,2,面,I49G001001,耕地,备注,0103,8,@\n", "supplement"},
		{"ZZ_NYDZYFW.txt", "5,1.0,DK01,一号地,面,I49G001001,建设用地,0701,@\n", "approval"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, []byte(head+c.parcel+square), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := describe(t, path, source.Options{})
		if err != nil || d.Layer != c.layer {
			t.Errorf("%s looks like %+v, %v", c.name, d, err)
			continue
		}
		r := mustTake(t, c.layer+"="+path)
		l := r.report.Layers[0]
		if l.Kept != 1 || len(l.UnknownFields)+len(l.Notes) > 0 || *r.layers[0].PatchM2 != 10000 {
			t.Errorf("%s: kept %d, unknown %v, notes %v, %v m²", c.name, l.Kept, l.UnknownFields, l.Notes, *r.layers[0].PatchM2)
		}
		if c.layer == "supplement" && len(l.MissingFields) > 0 {
			t.Errorf("%s: missing %v", c.name, l.MissingFields)
		}
	}
}
