package ingest_test

import (
	"archive/zip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
	"gengtu/ingest/source"
)

func embedded(t *testing.T) *profiles.Set {
	t.Helper()
	s, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lay writes one-square layers at the given places in a new folder: a path with an
// ending of ours is written in that format; PATH.zip!NAME is zipped; any other file
// holds a few bytes.
func lay(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range paths {
		file, inside, zipped := strings.Cut(p, "!")
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		switch {
		case zipped && inside == "": // nothing of what its name says
			if err := os.WriteFile(path, []byte("a document"), 0o600); err != nil {
				t.Fatal(err)
			}
		case zipped:
			zipLayer(t, path, inside)
		case strings.Contains(".shp.gpkg.geojson.fgb.vct.ndjson.jsonl.json", filepath.Ext(path)):
			squareFile(t, path, float64(i))
		default:
			if err := os.WriteFile(path, []byte("a document"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// squareFile writes a layer of one square of 1 km at the x-th place of zone 36.
func squareFile(t *testing.T, path string, x float64) {
	t.Helper()
	w, err := source.Create(path, &source.Layer{Fields: []source.Field{{Name: "BSM"}, {Name: "DLBM"}}, CRS: source.CRSInfo{EPSG: 4524}}, source.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e, n := 36500000+2000*x, 3800000.0
	ring := []geo.XY{{X: e, Y: n}, {X: e, Y: n + 1000}, {X: e + 1000, Y: n + 1000}, {X: e + 1000, Y: n}, {X: e, Y: n}}
	if err := w.Write(&source.Feature{Polygons: [][][]geo.XY{{ring}}, Values: []any{"6104020000000000" + string(rune('a'+int(x))), "0101"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func zipLayer(t *testing.T, path, name string) {
	t.Helper()
	shp := filepath.Join(t.TempDir(), "x.shp")
	squareFile(t, shp, 20)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, ending := range []string{".shp", ".shx", ".dbf", ".prj"} {
		b, err := os.ReadFile(strings.TrimSuffix(shp, ".shp") + ending)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(name + ending)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if z.Close() != nil || f.Close() != nil {
		t.Fatal("close")
	}
}

// Files and tables must be taken as the layers that their names are of, those of
// several counties together, and everything else be named.
func TestFindDelivery(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   []string
		without []string
		taken   []string // LAYER=PATH#TABLE
		aside   []string
		others  int
	}{
		{
			"a county", []string{"DLTB.shp", "YJJBNTBHTB.gpkg", "XZQ.fgb", "CJDCQ.geojson", "说明.docx", "LXDW.shp"}, nil,
			[]string{"pbf=YJJBNTBHTB.gpkg", "region=XZQ.fgb", "dltb=DLTB.shp", "cjdcq=CJDCQ.geojson"}, []string{"LXDW.shp"}, 1,
		},
		{
			"counties and zones", []string{"610402/610402DLTB2024.shp", "610403/dltb_610403.shp", "620102/(620102)渭城区地类图斑.shp"}, nil,
			[]string{"dltb=610402/610402DLTB2024.shp", "dltb=610403/dltb_610403.shp", "dltb=620102/(620102)渭城区地类图斑.shp"}, nil, 0,
		},
		{
			"projects", []string{"a/XM2020610402GT一号YS.shp", "a/GBZ2020610402GT一号YS.shp", "b/XM2021610402NY二号YS.shp"}, nil,
			[]string{"hsf=a/GBZ2020610402GT一号YS.shp", "hsf-project=a/XM2020610402GT一号YS.shp", "hsf-project=b/XM2021610402NY二号YS.shp"}, nil, 0,
		},
		{"projects alone", []string{"a/XM2020610402GT一号YS.shp"}, nil, []string{"hsf=a/XM2020610402GT一号YS.shp"}, nil, 0},
		{"villages alone", []string{"CJDCQ.shp", "DLTB.shp"}, nil, []string{"region=CJDCQ.shp", "dltb=DLTB.shp"}, nil, 0},
		{"villages beside given regions", []string{"CJDCQ.shp"}, []string{"region"}, []string{"cjdcq=CJDCQ.shp"}, nil, 0},
		{
			"names in names", []string{"DLTB.shp", "DLTBGX.shp", "DLTBGXGC.gpkg", "XZQ.shp", "XZQJX.shp", "DLTBZJ.shp", "XZQGX.shp", "变更前地类图斑.shp"}, nil,
			[]string{"region=XZQ.shp", "dltb=DLTB.shp"}, []string{"DLTBGX.shp", "DLTBGXGC.gpkg", "DLTBZJ.shp", "XZQGX.shp", "XZQJX.shp", "变更前地类图斑.shp"}, 0,
		},
		{"approvals add up", []string{"ZZ_NYDZYFW.shp", "XS_XMKJFW.shp"}, nil, []string{"approval=XS_XMKJFW.shp", "approval=ZZ_NYDZYFW.shp"}, nil, 0},
		{"a view and its layer", []string{"DLTB.shp", "耕地图斑.shp"}, nil, []string{"dltb=DLTB.shp"}, []string{"耕地图斑.shp"}, 0},
		{"a view alone", []string{"渭城区_耕地图斑2024年.shp"}, nil, []string{"cropland=渭城区_耕地图斑2024年.shp"}, nil, 0},
		{
			"years and quarters", []string{"2023/DLTB.shp", "2024年度/DLTB.gpkg", "2024/疑似变化图斑_2024Q3.shp", "2024年第四季度监测图斑.shp", "2024/标准格式数据/GBZ2020610402GT一号YS.shp", "甲县(610402)2022年度国土变更调查数据库更新成果/基础数据包/XZQ.shp"}, nil,
			[]string{
				"hsf@2024=2024/标准格式数据/GBZ2020610402GT一号YS.shp", "region@2022=甲县(610402)2022年度国土变更调查数据库更新成果/基础数据包/XZQ.shp", "dltb@2023=2023/DLTB.shp", "dltb@2024=2024年度/DLTB.gpkg",
				"change@2024Q3=2024/疑似变化图斑_2024Q3.shp", "change@2024Q4=2024年第四季度监测图斑.shp",
			}, nil, 0,
		},
		{"tables of a vct", []string{"标准格式数据/DLTB.vct", "汇总表格/x.xlsx"}, nil, []string{"dltb=标准格式数据/DLTB.vct"}, nil, 1},
		{"a zip", []string{"x.zip!data/YJJBNT"}, nil, []string{"pbf=x.zip"}, nil, 0},
		{"a layer that is given", []string{"DLTB.shp", "XZQ.shp"}, []string{"dltb"}, []string{"region=XZQ.shp"}, []string{"DLTB.shp"}, 0},
		{"two formats, one given", []string{"a/DLTB.shp", "b/DLTB.gpkg"}, []string{"dltb"}, nil, []string{"a/DLTB.shp", "b/DLTB.gpkg"}, 0},
		{"hidden files", []string{"DLTB.shp", ".old/DLTB.gpkg", "__MACOSX/DLTB.gpkg"}, nil, []string{"dltb=DLTB.shp"}, nil, 0},
		{"lines of features", []string{"DLTB.ndjson", "XZQ.jsonl", "YJJBNT.json"}, nil, []string{"pbf=YJJBNT.json", "region=XZQ.jsonl", "dltb=DLTB.ndjson"}, nil, 0},
		{"named as lines of features", []string{"DLTB.shp", "XZQ.ndjson!", "roads.jsonl"}, nil, []string{"dltb=DLTB.shp"}, []string{"XZQ.ndjson", "roads.jsonl"}, 0},
		{"formats of others", []string{"DLTB.shp", "XZQ.mdb", "a/XZQ.kml", "XZQ.rar", "x.docx", "x.csv"}, nil, []string{"dltb=DLTB.shp"}, []string{"XZQ.mdb", "XZQ.rar", "a/XZQ.kml"}, 2},
		{"a dbf alone", []string{"DLTB.shp", "DLTBGXGC.dbf"}, nil, []string{"dltb=DLTB.shp"}, []string{"DLTBGXGC.dbf"}, 0},
		{"a damaged archive", []string{"DLTB.shp", "x.zip"}, nil, []string{"dltb=DLTB.shp"}, []string{"x.zip"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, c.files...)
			d, err := ingest.FindDelivery(context.Background(), embedded(t), dir, c.without)
			if err != nil {
				t.Fatal(err)
			}
			var taken, aside []string
			relative := func(path string) string {
				return filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))
			}
			for _, x := range d.Taken {
				layer := x.Layer
				if x.Vintage != "" {
					layer += "@" + x.Vintage
				}
				taken = append(taken, layer+"="+relative(x.Path))
			}
			for _, x := range d.Aside {
				if x.Problem == nil {
					t.Errorf("%s is left aside without a reason", x.Path)
				}
				aside = append(aside, relative(x.Path))
			}
			if diff := cmp.Diff(c.taken, taken) + cmp.Diff(c.aside, aside); diff != "" || d.Others != c.others {
				t.Errorf("others %d, want %d\n%s", d.Others, c.others, diff)
			}
		})
	}
	for _, c := range []struct {
		name, code string
		files      []string
	}{
		{"two formats", "DELIVERY_AMBIGUOUS", []string{"标准格式数据/DLTB.vct", "原格式数据/DLTB.gpkg"}},
		{"two names", "DELIVERY_AMBIGUOUS", []string{"YJJBNTTB.shp", "YJJBNT.shp"}},
		{"nothing known", "DELIVERY_EMPTY", []string{"roads.shp", "x.docx"}},
		{"nothing", "DELIVERY_EMPTY", nil},
	} {
		dir := lay(t, c.files...)
		_, err := ingest.FindDelivery(context.Background(), embedded(t), dir, nil)
		if p := problem.Of(err); p == nil || p.Code != c.code || p.Advice(problem.Chinese) == "" || p.Advice(problem.English) == "" {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := ingest.FindDelivery(context.Background(), embedded(t), filepath.Join(t.TempDir(), "absent"), nil); problem.Of(err) == nil || problem.Of(err).Code != "DELIVERY_FOLDER" {
		t.Errorf("an absent folder: %v", err)
	}
}

// The folder that is named says the vintage, too, of all in it that says none, and the
// user's word goes before it.
func TestDeliveryFolderIsTheVintage(t *testing.T) {
	dir := lay(t, "2024/DLTB.shp", "2024/2023/XZQ.shp", "2024年度/DLTB.shp", "data/DLTB.shp", "某县2022年度国土变更调查/DLTB.shp", "2024Q3/DLTB.shp", "1902402/DLTB.shp")
	for _, c := range []struct {
		folder, vintage string
		want            []string
	}{
		{"2024", "", []string{"2023", "2024"}},
		{"2024", "2022", []string{"2023", "2022"}},
		{"2024/", "", []string{"2023", "2024"}},
		{"2024/2023/..", "", []string{"2023", "2024"}},
		{"2024年度", "", []string{"2024"}},
		{"2024Q3", "", []string{"2024Q3"}},
		{"某县2022年度国土变更调查", "", []string{"2022"}},
		{"data", "", []string{""}},
		{"data", "2024", []string{"2024"}},
		{"1902402", "", []string{""}},
	} {
		d, err := ingest.FindDelivery(t.Context(), embedded(t), dir+"/"+c.folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, in := range d.Inputs(c.vintage) {
			got = append(got, in.Vintage)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, --vintage %q: %s", c.folder, c.vintage, diff)
		}
	}
}

// Counties of one layer, in several formats of archive, must read as one.
func TestDeliveryJoins(t *testing.T) {
	dir := lay(t, "1/DLTB.shp", "2/DLTB.shp", "3/DLTB.shp")
	d, err := ingest.FindDelivery(context.Background(), embedded(t), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, rep, err := ingest.Run(context.Background(), d.Inputs("2024"), filepath.Join(t.TempDir(), "features.db"), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Layers) != 1 || rep.Layers[0].Kept != 3 || len(rep.Layers[0].Sources) != 3 {
		t.Errorf("%+v", rep.Layers[0])
	}
}

// The folder may be named by a link; links inside it are not followed.
func TestDeliveryByLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(lay(t, "DLTB.shp"), link); err != nil {
		t.Skip(err)
	}
	d, err := ingest.FindDelivery(context.Background(), embedded(t), link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Taken) != 1 || d.Taken[0].Path != filepath.Join(link, "DLTB.shp") {
		t.Errorf("taken %+v", d.Taken)
	}
}
