package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the import table: what each package of ours may import of ours.
// A package imports what stands here and nothing else; ARCHITECTURE.md draws it.
var mayImport = map[string][]string{
	"index/geo":                      {},
	"index/problem":                  {},
	"index/disk":                     {},
	"index/backup":                   {"index/disk", "index/problem"},
	"index/cells":                    {},
	"index/overlay":                  {"index/geo", "index/problem", "index/wire"},
	"index/edition":                  {"index/disk", "index/problem"},
	"index/overlay/pairtest":         {"index/geo"},
	"index/geo/postgistest":          {"index/geo"},
	"index/wire":                     {},
	"index/seal":                     {"index/disk", "index/edition", "index/problem"},
	"index/receipt":                  {"index/edition", "index/problem", "index/seal"},
	"index/setting":                  {"index/problem"},
	"index/sheet":                    {},
	"index/txt":                      {"index/geo", "index/problem"},
	"index/ground":                   {"index/geo", "index/overlay", "index/spill", "index/wire"},
	"index/spill":                    {"index/disk"},
	"index/patch":                    {},
	"index":                          {"index/geo", "index/problem", "index/edition", "index/ground", "index/overlay", "index/patch", "index/spill", "index/wire"},
	"index/compare/comparetest":      {"index", "index/geo", "index/edition", "index/overlay"},
	"index/compare":                  {"index", "index/geo", "index/problem", "index/edition", "index/overlay", "index/sheet"},
	"index/indextest":                {"index", "index/edition"},
	"index/relate":                   {"index/geo", "index/overlay"},
	"index/areas":                    {"index", "index/geo", "index/problem", "index/edition", "index/ground", "index/overlay", "index/setting", "index/sheet", "index/txt"},
	"index/codes":                    {"index/edition", "index/problem", "index/wire"},
	"index/pieces":                   {"index", "index/geo", "index/overlay"},
	"index/analyze/analyzetest":      {"index", "index/cells", "index/edition", "index/geo", "index/geo/postgistest", "index/indextest"},
	"index/analyze":                  {"index", "index/areas", "index/edition", "index/geo", "index/ground", "index/overlay", "index/pieces", "index/problem", "index/setting", "index/contiguity", "index/compare", "index/codes"},
	"index/analyze/forms":            {"index", "index/analyze", "index/areas", "index/edition", "index/geo", "index/overlay", "index/problem", "index/sheet"},
	"index/contiguity":               {"index", "index/geo", "index/pieces"},
	"index/reconcile":                {"index", "index/analyze", "index/analyze/forms", "index/areas", "index/compare", "index/edition", "index/geo", "index/overlay", "index/pieces", "index/problem"},
	"index/question":                 {"index/analyze", "index/reconcile"},
	"index/extract":                  {"index", "index/areas", "index/edition", "index/geo", "index/overlay", "index/problem"},
	"ingest/source":                  {"index/geo", "index/problem", "index/sheet", "index/txt"},
	"ingest/sample":                  {"index/edition", "index/geo", "index/problem", "ingest/profiles", "ingest/source"},
	"ingest/profiles":                {"index/edition", "index/problem", "index/setting"},
	"ingest":                         {"index", "index/geo", "index/problem", "index/edition", "index/overlay", "index/setting", "ingest/profiles", "ingest/source"},
	"ingest/check":                   {"index/disk", "index/geo", "index/problem", "index/edition", "index/overlay", "index/setting", "ingest", "ingest/profiles"},
	"ingest/report":                  {"index/disk", "index/edition", "index/geo", "index/problem", "ingest", "ingest/check", "ingest/profiles", "ingest/source"},
	"ingest/coding":                  {"index", "index/codes", "index/disk", "index/edition", "index/overlay", "index/problem"},
	"ingest/change":                  {"index", "index/geo", "index/problem", "index/edition", "index/overlay", "ingest", "ingest/source", "ingest/profiles"},
	"ingest/policy":                  {"index/disk", "index", "index/analyze", "index/question", "index/codes", "index/geo", "index/problem", "index/edition", "index/cells", "index/overlay", "index/setting", "ingest", "ingest/profiles"},
	"ingest/exchange":                {"index/disk", "index", "index/areas", "index/compare", "index/edition", "index/geo", "index/overlay", "index/problem", "index/seal", "index/setting", "index/wire", "ingest", "ingest/policy"},
	"styles":                         {},
	"tileserver/tile":                {"index/geo"},
	"tileserver/mvt":                 {"index/problem"},
	"tileserver/pyramid":             {"index/geo", "index/problem", "tileserver/tile", "tileserver/mvt"},
	"tileserver/raster":              {"index/problem", "styles", "tileserver/glyph", "tileserver/mvt"},
	"tileserver/glyph":               {"index/problem"},
	"tileserver/cache":               {"index/disk", "index/patch", "index/problem", "tileserver/recent", "tileserver/tile"},
	"tileserver/archive":             {"index/geo", "tileserver/tile"},
	"tileserver/tileset":             {"index", "index/edition", "index/geo", "index/patch", "index/problem", "tileserver/archive", "tileserver/cache", "tileserver/load", "tileserver/mvt", "tileserver/pyramid", "tileserver/tile"},
	"tileserver/archive/archivetest": {},
	"tileserver/ows":                 {},
	"tileserver/wms":                 {"index/geo", "index/problem", "tileserver/ows", "tileserver/tile"},
	"tileserver/wmts":                {"index/geo", "index/problem", "tileserver/ows", "tileserver/tile"},
	"tileserver/ogc":                 {"index/geo", "index/problem", "index/relate", "tileserver/tile"},
	"tileserver/catalog":             {"index/edition", "index/problem", "index/setting"},
	"tileserver/basemap":             {"index/edition", "index/problem", "index/setting", "tileserver/recent", "tileserver/tile"},
	"tileserver/access":              {"index/disk", "index/edition", "index/extract", "index/problem", "tileserver/access/oidc"},
	"tileserver/access/oidc":         {"index/problem"},
	"tileserver/audit":               {"index/disk", "index/problem", "tileserver/access"},
	"tileserver/viewer":              {},
	"tileserver/viewer/viewertest":   {"index/disk"},
	"tileserver/jobs":                {"index/disk", "index/problem"},
	"tileserver/load":                {"index/problem"},
	"tileserver/recent":              {},
	"tileserver/live":                {"index/edition", "index/problem", "tileserver/load"},
	"tileserver/answer":              {"index", "index/analyze", "index/analyze/forms", "index/edition", "index/geo", "index/problem", "tileserver/tileset"},
	"tileserver/scoped":              {"index", "index/disk", "index/edition", "index/extract", "index/problem", "tileserver/access", "tileserver/live", "tileserver/tileset"},
	"tileserver/gate":                {"tileserver/load"},
	"tileserver": {
		"index", "index/analyze", "index/analyze/forms", "index/areas", "index/codes", "index/compare", "index/disk", "index/edition", "index/extract", "index/geo", "index/overlay", "index/problem", "index/question", "index/receipt", "index/reconcile", "index/relate", "index/seal", "index/setting", "index/sheet",
		"styles", "tileserver/access", "tileserver/access/oidc", "tileserver/answer", "tileserver/archive", "tileserver/audit", "tileserver/basemap", "tileserver/cache", "tileserver/catalog", "tileserver/gate", "tileserver/glyph", "tileserver/jobs", "tileserver/live", "tileserver/load", "tileserver/mvt", "tileserver/ogc", "tileserver/raster", "tileserver/recent", "tileserver/scoped", "tileserver/tile", "tileserver/tileset", "tileserver/viewer", "tileserver/wms", "tileserver/wmts",
	},
	"tileserver/access/oidc/oidctest": {},
	"tileserver/pyramid/pyramidtest":  {"index", "index/geo", "index/overlay", "tileserver/tile", "tileserver/mvt"},

	"cmd/gengtu": {"*"},
	"benchmarks": {"*"},
	// What joins figures and lines knows nothing of the product, and what counts, nothing at all.
	"benchmarks/asked": {},
	"benchmarks/suite": {},
	// A program of its own, of the standard library alone.
	"cmd/gengtu/deploy/sbom": {},
}

// doors names the packages that alone may import a library.
var doors = map[string][]string{
	"github.com/valyala/fasthttp":          {"tileserver", "cmd/gengtu"},
	"github.com/emmansun/gmsm":             {"index/seal"},
	"github.com/go-jose/go-jose":           {"tileserver/access/oidc"},
	"go.etcd.io/bbolt":                     {"index", "index/patch", "tileserver/cache", "tileserver/jobs"},
	"github.com/paulmach/orb/encoding/mvt": {"tileserver/mvt"},
	"github.com/tidwall/rtree":             {"index", "ingest/source"},
	"modernc.org/sqlite":                   {"ingest/source", "tileserver/archive"},
	"github.com/prometheus/client_golang":  {"tileserver"},
	"golang.org/x/image/font/sfnt":         {"tileserver/glyph"},
	"github.com/klauspost/compress":        {"tileserver", "tileserver/cache", "tileserver/glyph", "tileserver/viewer"},
}

// Rooms import what the table lets them and all of it, so the table is the drawing of the
// house: ingest and the server meet in index alone, and each library has one door.
func TestImports(t *testing.T) {
	drawn := map[string][]string{}
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "gengtu/")
		allowed, ok := mayImport[room]
		if !ok {
			t.Errorf("%s is not in the import table", room)
			continue
		}
		drawn[room] = []string{"*"}
		for _, i := range p.Imports {
			if of, ours := strings.CutPrefix(i, "gengtu/"); ours {
				drawn[room] = append(drawn[room], of)
				if !slices.Contains(allowed, of) && !slices.Contains(allowed, "*") {
					t.Errorf("%s imports %s, which the table does not allow", room, of)
				}
			}
			for lib, rooms := range doors {
				if (i == lib || strings.HasPrefix(i, lib+"/")) && !slices.Contains(rooms, room) {
					t.Errorf("%s imports %s, whose door is %v", room, i, rooms)
				}
			}
		}
	}
	for room, allowed := range mayImport {
		if drawn[room] == nil {
			t.Errorf("%s is in the import table, and is no package", room)
			continue
		}
		for _, of := range allowed {
			if !slices.Contains(drawn[room], of) {
				t.Errorf("the table lets %s import %s, which it does not", room, of)
			}
		}
	}
}

// imported is a package and what it imports, tests apart.
type imported struct {
	ImportPath string
	Imports    []string
}

// packages lists all packages of ours.
func packages(t *testing.T) []imported {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "gengtu/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []imported
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p imported
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
