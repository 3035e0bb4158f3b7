package wmts_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/wmts"
)

// schemas unpacks the OGC schemas and returns their directory.
func schemas(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open("testdata/schemas.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		content, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// need returns the path of an external program.
func need(t *testing.T, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", program, debianPackage)
	}
	return path
}

// validate holds document against schema, a path below dir, and returns what
// xmllint says of it, or "" when it is valid.
func validate(t *testing.T, dir, schema string, document []byte) string {
	t.Helper()
	run := exec.CommandContext(t.Context(), need(t, "xmllint", "libxml2-utils"),
		"--nonet", "--noout", "--schema", filepath.Join(dir, schema), "-")
	run.Env = append(os.Environ(), "XML_CATALOG_FILES="+filepath.Join(dir, "catalog.xml"))
	run.Stdin = bytes.NewReader(document)
	if out, err := run.CombinedOutput(); err != nil {
		return string(out)
	}
	return ""
}

const wmtsSchema, exceptionSchema = "wmts/1.0/wmtsGetCapabilities_response.xsd", "ows/1.1.0/owsAll.xsd"

// county is where the synthetic deliveries lie.
func county() geo.Box {
	return geo.Box{
		Min: geo.PositionOf(geo.LonLat{Lon: 107.95, Lat: 34.95}),
		Max: geo.PositionOf(geo.LonLat{Lon: 108.05, Lat: 35.05}),
	}
}

func service() *wmts.Capabilities {
	return &wmts.Capabilities{
		Title: "耕图 · 政务版", Abstract: "耕地 & 永久基本农田 <2024>", Keywords: []string{"耕地", "cropland"},
		Fees: "", Constraints: []string{"仅限内部使用"}, Provider: "自然资源局",
		UpdateSequence: "2026-01-02T03:04:05Z",
		Base:           "https://example.org/government/wmts",
		Query:          "tk=a&b{c}\"<中",
		Layers: []wmts.Layer{
			{
				Identifier: "cropland", Title: "耕地", Abstract: "2024", Box: county(), MinZoom: 1, MaxZoom: 14,
				InfoFormats: wmts.InfoFormats(),
				Styles: []wmts.Style{{Identifier: "default", Title: "默认", Legend: &wmts.Legend{
					URL: "https://example.org/government/legend.png?layer=cropland&tk=a", MIME: "image/png", Width: 20, Height: 40,
				}}, {Identifier: "plain"}},
			},
			{Identifier: "pbf", Title: "永久基本农田", Box: geo.EmptyBox(), MaxZoom: 18, Formats: []wmts.Format{wmts.MVT}},
			{
				Identifier: "region", Title: "政区", MaxZoom: 20,
				Box: geo.Box{Min: geo.Position{Lon: -180e10, Lat: -90e10}, Max: geo.Position{Lon: 180e10, Lat: 90e10}},
			},
		},
	}
}

func TestDocumentIsValid(t *testing.T) {
	dir := schemas(t)
	bare := &wmts.Capabilities{Base: "http://localhost/public/wmts"}
	tianditu := service()
	tianditu.Dialect = wmts.Tianditu
	for _, c := range []struct {
		name    string
		service *wmts.Capabilities
		request wmts.Request
	}{
		{"a full service", service(), wmts.Request{}},
		{"in Tianditu's dialect", tianditu, wmts.Request{}},
		{"a client that is up to date", service(), wmts.Request{UpdateSequence: service().UpdateSequence}},
		{"a service without layers", bare, wmts.Request{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if what := validate(t, dir, wmtsSchema, c.service.Document(c.request)); what != "" {
				t.Error(what)
			}
		})
	}
	// The check must be able to fail.
	broken := bytes.Replace(service().Document(wmts.Request{}), []byte("<MinTileRow>1<"), []byte("<MinTileRow>0<"), 1)
	if validate(t, dir, wmtsSchema, broken) == "" {
		t.Error("a document with a limit of 0 was found valid")
	}
}

// A golden document may change when what is offered changes, never by itself.
func TestDocumentText(t *testing.T) {
	tianditu := service()
	tianditu.Dialect = wmts.Tianditu
	for name, c := range map[string]*wmts.Capabilities{"capabilities": service(), "tianditu": tianditu} {
		golden(t, name, c.Document(wmts.Request{}))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Each limit is what the grid itself says, and none is left out that the
// schema can express.
func TestLimits(t *testing.T) {
	var doc struct {
		Layers []struct {
			ID    string `xml:"Identifier"`
			Links []struct {
				Set    string `xml:"TileMatrixSet"`
				Limits []struct {
					Z  uint8  `xml:"TileMatrix"`
					Y0 uint32 `xml:"MinTileRow"`
					Y1 uint32 `xml:"MaxTileRow"`
					X0 uint32 `xml:"MinTileCol"`
					X1 uint32 `xml:"MaxTileCol"`
				} `xml:"TileMatrixSetLimits>TileMatrixLimits"`
			} `xml:"TileMatrixSetLink"`
		} `xml:"Contents>Layer"`
	}
	if err := xml.Unmarshal(service().Document(wmts.Request{}), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Layers) != 3 {
		t.Fatalf("%d layers, want 3", len(doc.Layers))
	}
	for _, link := range doc.Layers[0].Links {
		g, err := tile.ParseGrid(link.Set)
		if err != nil {
			t.Fatal(err)
		}
		first := uint8(2) // w: at zoom 1 the county lies in row 0.
		if g == tile.C {
			first = 3 // c: latitude 35 leaves row 0 when rows are 45° high.
		}
		if want := int(14 - first + 1); len(link.Limits) != want {
			t.Errorf("%v: %d limits, want %d", g, len(link.Limits), want)
		}
		for i, l := range link.Limits {
			x0, y0, x1, y1 := g.Range(county(), l.Z)
			if l.Z != first+uint8(i) || l.X0 != x0 || l.Y0 != y0 || l.X1 != x1 || l.Y1 != y1 {
				t.Errorf("%v zoom %d: limits are %+v, want columns %d-%d, rows %d-%d", g, l.Z, l, x0, x1, y0, y1)
			}
		}
	}
	for _, l := range doc.Layers[1:] {
		for _, link := range l.Links {
			if len(link.Limits) > 0 {
				t.Errorf("%s has limits in %s, want none", l.ID, link.Set)
			}
		}
	}
}

func TestUpdateSequence(t *testing.T) {
	c := service()
	for _, s := range []struct {
		name, asked string
		want        wmts.Code
		short       bool
	}{
		{"not asked", "", "", false},
		{"behind", "2025-12-31T00:00:00Z", "", false},
		{"current", c.UpdateSequence, "", true},
		{"ahead", "2026-01-02T03:04:06Z", wmts.InvalidUpdateSequence, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			r := wmts.Request{Operation: wmts.GetCapabilities, UpdateSequence: s.asked}
			if f := c.Check(r); s.want == "" && f != nil || s.want != "" && (f == nil || f.Code != s.want) {
				t.Fatalf("got %v, want %q", f, s.want)
			}
			if s.want != "" {
				return
			}
			if short := !bytes.Contains(c.Document(r), []byte("Contents")); short != s.short {
				t.Errorf("short answer: %v, want %v", short, s.short)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	good := wmts.Request{
		Operation: wmts.GetFeatureInfo, Layer: "cropland", Style: "default",
		Tile: tile.Tile{Grid: tile.C, Z: 14, X: 0, Y: 0},
	}
	with := func(change func(*wmts.Request)) wmts.Request {
		r := good
		change(&r)
		return r
	}
	for _, c := range []struct {
		name    string
		request wmts.Request
		locator string
	}{
		{"what is offered", good, ""},
		{"the second style", with(func(r *wmts.Request) { r.Style = "plain" }), ""},
		{"an unknown layer", with(func(r *wmts.Request) { r.Layer = "dltb" }), "LAYER"},
		{"no layer", with(func(r *wmts.Request) { r.Layer = "" }), "LAYER"},
		{"an unknown style", with(func(r *wmts.Request) { r.Style = "Default" }), "STYLE"},
		{"a format the layer has not", with(func(r *wmts.Request) { r.Layer = "pbf" }), "FORMAT"},
		{"a zoom above the layer's", with(func(r *wmts.Request) { r.Tile.Z = 15 }), "TILEMATRIX"},
		{"a zoom below the layer's", with(func(r *wmts.Request) { r.Tile = tile.Tile{Grid: tile.W} }), "TILEMATRIX"},
		{"a layer without feature information", with(func(r *wmts.Request) {
			r.Layer, r.Format = "pbf", wmts.MVT
		}), "INFOFORMAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := service().Check(c.request)
			if c.locator == "" {
				if f != nil {
					t.Error(f)
				}
				return
			}
			if f == nil || f.Code != wmts.InvalidParameterValue || f.Locator != c.locator || f.Status != 400 {
				t.Errorf("got %+v, want InvalidParameterValue at %s", f, c.locator)
			}
		})
	}
}

func TestFaultXMLIsValid(t *testing.T) {
	dir := schemas(t)
	_, fault := wmts.ParseKVP(pairs("SERVICE", "WMTS", "REQUEST", "<&\"'\x00\xff中]]>"))
	for _, f := range []*wmts.Fault{
		fault, wmts.Report(401, problem.New("TOKEN_MISSING", "需要令牌", "a token is needed")),
	} {
		for _, l := range []problem.Lang{problem.Chinese, problem.English} {
			if what := validate(t, dir, exceptionSchema, f.XML(l)); what != "" {
				t.Errorf("%s\n%s", f.XML(l), what)
			}
		}
	}
	golden(t, "fault", fault.XML(problem.Chinese))
	broken := bytes.Replace(fault.XML(problem.English), []byte(`version="1.1.0"`), nil, 1)
	if validate(t, dir, exceptionSchema, broken) == "" {
		t.Error("a report without a version was found valid")
	}
}
