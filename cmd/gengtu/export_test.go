package main_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // reads MBTiles

	"gengtu/tileserver/archive/archivetest"
	"gengtu/tileserver/viewer/viewertest"
)

// exported is the bytes of an export and what they hold unpacked.
func exported(t testing.TB, edition, layer, file string) (stored, content []byte) {
	t.Helper()
	must(t, "export", "--edition", edition, "--layer", layer, "--out", file)
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch filepath.Ext(file) {
	case ".pmtiles":
		a, err := archivetest.Read(stored)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, a.Metadata...)
		err = a.Each(1<<20, func(_, _, _ int, packed []byte) error {
			content = append(content, unzipped(t, packed)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	case ".mbtiles":
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rows, err := db.Query("SELECT tile_data, '' FROM tiles UNION ALL SELECT name, value FROM metadata")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var a, b []byte
			if err := rows.Scan(&a, &b); err != nil {
				t.Fatal(err)
			}
			if len(b) == 0 {
				a = unzipped(t, a)
			}
			content = append(append(content, a...), b...)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	case ".xlsx":
		content = unpackedSheet(t, stored)
	}
	return stored, content
}

// unpackedSheet returns what the parts of an xlsx hold.
func unpackedSheet(t testing.TB, stored []byte) (content []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(stored), int64(len(stored)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, part...)
	}
	return content
}

func unzipped(t testing.TB, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a tier may not show is in none of its exports, packed or unpacked, and the
// same search finds it in exports of secure.
func TestExportsDoNotLeak(t *testing.T) {
	e := theEditions(t)
	government, public, publicFiles := hunts(t)
	dir := t.TempDir()
	layers := map[string][]string{
		".pmtiles": {"cropland,pbf,hsf,region"}, ".mbtiles": {"cropland,pbf,hsf,region"}, ".xlsx": {"cropland", "pbf", "hsf", "region"},
	}
	for _, ending := range []string{".pmtiles", ".mbtiles", ".xlsx"} {
		// A government edition may show codes, but nobody's name; a public one neither.
		for _, c := range []struct {
			dir   string
			hunt  *hunt
			layer []string
		}{{e.Government, government, layers[ending]}, {e.Public, publicFiles, layers[ending]}} {
			for _, layer := range c.layer {
				name := filepath.Base(c.dir) + ending
				stored, content := exported(t, c.dir, layer, filepath.Join(dir, name))
				if len(content) < 1000 {
					t.Errorf("%s of %s unpacks to %d bytes", name, layer, len(content))
				}
				found := map[secret]bool{}
				c.hunt.find(stored, found)
				c.hunt.find(content, found)
				clean(t, name+" of "+layer, found)
			}
		}
		found := map[secret]bool{}
		for _, layer := range append(slices.Clone(layers[ending]), "dltb") {
			_, content := exported(t, e.Secure, layer, filepath.Join(dir, "secure"+ending))
			public.find(content, found)
		}
		n := byField(found)
		if n["DLTB.shp BSM"] < 10000 || n["YJJBNTTB.gpkg BSM"] < 8487 || ending == ".xlsx" && n["YJJBNTTB.gpkg ZRRMC"] < 8487 {
			t.Errorf("the search finds only %v in %s of secure", n, ending)
		}
	}
	// A zoom or a layer that the tier does not show is refused, and no file is there.
	for _, args := range [][]string{{"--layer", "pbf", "--zooms", "14-15"}, {"--layer", "dltb"}, {"--layer", "pbf,dltb"}} {
		file := filepath.Join(t.TempDir(), "a.pmtiles")
		_, errs, code := gengtu(t, append([]string{"export", "--edition", e.Public, "--out", file}, args...)...)
		if left, err := os.ReadDir(filepath.Dir(file)); code != 1 || err != nil || len(left) > 0 || !strings.Contains(errs, "NO_ZOOM") && !strings.Contains(errs, "NO_LAYER") {
			t.Errorf("%v: exit code %d, %v is there\n%s", args, code, left, errs)
		}
	}
}

// GDAL reads every zoom of an MBTiles archive with the area that the layer has, and
// at parcel zooms every feature by its id.
func TestGDALReadsMBTiles(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "all.mbtiles")
	must(t, "export", "--edition", e.Secure, "--layer", "all", "--out", file, "--zooms", "8-14")
	for _, layer := range []string{"cropland", "pbf", "hsf"} {
		want, ids := 0.0, map[uint64]bool{}
		for _, f := range export(t, e.Secure, layer, filepath.Join(dir, layer+".geojson")) {
			want += f.number(t, "area_m2")
			ids[f.id(t)] = true
		}
		for zoom, tolerance := range map[int]float64{8: 0.01, 12: 0.01, 14: 0.01} {
			area, seen := 0.0, map[uint64]bool{}
			for _, f := range read(t, dir, "-oo", fmt.Sprintf("ZOOM_LEVEL=%d", zoom), "-oo", "CLIP=YES", "-t_srs", "EPSG:4490", file, layer) {
				area += f.area(t)
				if id, ok := f.Properties["mvt_id"].(float64); ok {
					seen[uint64(id)] = true
				}
			}
			// Features of hsf lie over each other.
			if math.Abs(area/want-1) > tolerance && layer != "hsf" {
				t.Errorf("%s at zoom %d: %.0f m², the layer has %.0f", layer, zoom, area, want)
			}
			if zoom >= 14 && len(seen) != len(ids) {
				t.Errorf("%s at zoom %d: %d ids, the layer has %d", layer, zoom, len(seen), len(ids))
			}
			for id := range seen {
				if !ids[id] {
					t.Errorf("%s at zoom %d: id %d is none of the layer's", layer, zoom, id)
					break
				}
			}
		}
	}
}

// Wrong command lines and places are told, exit codes and codes with them.
func TestExportRefuses(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		exit int
		code string
	}{
		{[]string{"--layer", "all", "--out", filepath.Join(dir, "a.pmtiles"), "--grid", "c"}, 2, "GRID_UNKNOWN"},
		{[]string{"--layer", "all", "--out", filepath.Join(dir, "a.mbtiles"), "--grid", "x"}, 2, "GRID_UNKNOWN"},
		{[]string{"--layer", "all", "--out", filepath.Join(dir, "a.mbtiles"), "--zooms", "9-5"}, 2, "ZOOMS"},
		{[]string{"--layer", "all", "--out", filepath.Join(dir, "a.csv")}, 2, "FLAGS"},
		{[]string{"--layer", "pbf,hsf", "--out", filepath.Join(dir, "a.xlsx")}, 2, "FLAGS"},
		{[]string{"--layer", "pbf", "--out", filepath.Join(dir, "a.gpkg"), "--zooms", "5-9"}, 2, "FLAGS"},
		{[]string{"--layer", "pbf", "--out", filepath.Join(dir, "a.zip")}, 2, "FORMAT_UNKNOWN"},
		{[]string{"--layer", "pbf,pbf", "--out", filepath.Join(dir, "a.pmtiles")}, 1, "PARAMETER_LAYERS"},
		{[]string{"--layer", "soil", "--out", filepath.Join(dir, "a.pmtiles")}, 1, "NO_LAYER"},
		{[]string{"--layer", "pbf@1999", "--out", filepath.Join(dir, "a.pmtiles")}, 1, "NO_VINTAGE"},
		{[]string{"--layer", "pbf", "--vintage", "1999", "--out", filepath.Join(dir, "a.geojson")}, 1, "NO_VINTAGE"},
		{[]string{"--layer", "soil", "--out", filepath.Join(dir, "a.geojson")}, 1, "NO_LAYER"},
		{[]string{"--layer", "pbf", "--out", filepath.Join(dir, "none", "a.pmtiles")}, 1, "OUT_UNWRITABLE"},
		{[]string{"--layer", "pbf", "--out", filepath.Join(dir, "none", "a.mbtiles"), "--zooms", "15-15"}, 1, "OUT_UNWRITABLE"},
	} {
		_, errs, code := gengtu(t, append([]string{"export", "--edition", e.Secure}, c.args...)...)
		if code != c.exit || !strings.Contains(errs, "["+c.code+"]") {
			t.Errorf("%v: exit code %d, want %d with %s\n%s", c.args, code, c.exit, c.code, errs)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

// An export of features goes where a link leads, keeps the mode of the file there,
// and does not take the place of a pipe.
func TestExportThroughLinks(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	link, file, pipe := filepath.Join(dir, "link.csv"), filepath.Join(dir, "file.csv"), filepath.Join(dir, "pipe.csv")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("file.csv", link), exec.Command("mkfifo", "-m", "600", pipe).Run()); err != nil {
		t.Fatal(err)
	}
	must(t, "export", "--edition", e.Secure, "--layer", "region", "--out", link)
	at, err := os.Lstat(link)
	if err != nil || at.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", at.Mode(), err)
	}
	written, err := os.Stat(file)
	if err != nil || written.Mode() != 0o600 || written.Size() == 0 {
		t.Errorf("behind the link %v, %d bytes, %v", written.Mode(), written.Size(), err)
	}
	_, errs, code := gengtu(t, "export", "--edition", e.Secure, "--layer", "region", "--out", pipe)
	if at, err := os.Lstat(pipe); err != nil || at.Mode()&os.ModeNamedPipe == 0 || code != 1 || !strings.Contains(errs, "[OUT_UNWRITABLE]") {
		t.Errorf("exit code %d, %s; the pipe is %v, %v", code, errs, at.Mode(), err)
	}
}

// Exports of tiles have the same bytes each time, and whether zooms were built or
// are made for them.
func TestExportedTilesAreTheSame(t *testing.T) {
	e := theEditions(t)
	dir := t.TempDir()
	other := filepath.Join(dir, "few")
	must(t, "ingest", "--out", other, "--vintage", "2024", "--zooms", "8-9", "--layer", "hsf="+delivery(t, "delivery", "2024", "GBZNT.geojson"))
	for _, ending := range []string{".pmtiles", ".mbtiles"} {
		first, _ := exported(t, e.Secure, "hsf", filepath.Join(dir, "a"+ending))
		second, _ := exported(t, e.Secure, "hsf", filepath.Join(dir, "b"+ending))
		if !bytes.Equal(first, second) {
			t.Errorf("%s: a second export has other bytes", ending)
		}
	}
	files := map[string][]byte{}
	for name, edition := range map[string]string{"built": e.Secure, "made": other} {
		file := filepath.Join(dir, name+".pmtiles")
		must(t, "export", "--edition", edition, "--layer", "hsf", "--out", file, "--zooms", "7-14")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := archivetest.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data[a.TilesOffset : a.TilesOffset+a.TilesLength]
	}
	if !bytes.Equal(files["built"], files["made"]) {
		t.Error("tiles that were made for the export are not those that were built")
	}
}

// mapPage shows an archive by MapLibre, with a protocol that reads PMTiles by ranges
// as far as the page needs: the root and one level of leaves.
const mapPage = `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/maplibre/maplibre-gl.css">
<style>html, body, #map { margin: 0; height: 100%; background: #fff }</style><div id="map"></div>
<script type="module">
import * as maplibregl from '/maplibre/maplibre-gl.mjs';
const lib = maplibregl.default ?? maplibregl;
const part = async (from, length) => {
	const r = await fetch('/archive', {headers: {Range: 'bytes=' + from + '-' + (from + length - 1)}});
	if (r.status !== 206) throw new Error('status ' + r.status);
	return r.arrayBuffer();
};
const unpack = async (data) => new Uint8Array(await new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
const numbers = (bytes) => {
	const out = [];
	for (let i = 0, v = 0, f = 1; i < bytes.length; i++) {
		v += (bytes[i] & 127) * f;
		if (bytes[i] < 128) { out.push(v); v = 0; f = 1; } else f *= 128;
	}
	return out;
};
const directory = async (from, length) => {
	const v = numbers(await unpack(await part(from, length))), n = v[0], out = [];
	for (let i = 0, id = 0; i < n; i++) {
		id += v[1 + i];
		const length = v[1 + 2 * n + i], told = v[1 + 3 * n + i];
		out.push({id, run: v[1 + n + i], length, offset: told ? told - 1 : out[i - 1].offset + out[i - 1].length});
	}
	return out;
};
const number = (z, x, y) => {
	let id = (4 ** z - 1) / 3;
	for (let s = 2 ** z / 2; s >= 1; s /= 2) {
		const rx = x & s ? 1 : 0, ry = y & s ? 1 : 0;
		id += s * s * ((3 * rx) ^ ry);
		x %= s; y %= s;
		if (!ry) { if (rx) { x = s - 1 - x; y = s - 1 - y; } [x, y] = [y, x]; }
	}
	return id;
};
const head = new DataView(await part(0, 127)), at = (i) => Number(head.getBigUint64(8 + 8 * i, true));
const root = await directory(at(0), at(1));
const metadata = JSON.parse(new TextDecoder().decode(await unpack(await part(at(2), at(3)))));
const tile = async (z, x, y) => {
	const id = number(z, x, y);
	let entries = root;
	for (;;) {
		const e = entries.findLast((e) => e.id <= id);
		if (!e || e.run && id >= e.id + e.run) return new ArrayBuffer(0);
		if (e.run) return (await unpack(await part(at(6) + e.offset, e.length))).buffer;
		entries = await directory(at(4) + e.offset, e.length);
	}
};
lib.addProtocol('pmtiles', async (params) => {
	const [z, x, y] = params.url.split('//')[1].split('/').map(Number);
	return {data: await tile(z, x, y)};
});
const degrees = (i) => head.getInt32(i, true) / 1e7;
const colours = {cropland: '#e8c15a', pbf: '#3f8f4f', hsf: '#4a78c4', region: '#999'};
const map = new lib.Map({
	container: 'map', center: [degrees(119), degrees(123)], zoom: head.getUint8(118) - 1, preserveDrawingBuffer: true, attributionControl: {customAttribution: metadata.attribution},
	style: {version: 8, sources: {land: {type: 'vector', tiles: ['pmtiles://{z}/{x}/{y}'], minzoom: head.getUint8(100), maxzoom: head.getUint8(101)}},
		layers: metadata.vector_layers.map((l) => l.id === 'region' ?
			{id: l.id, type: 'line', source: 'land', 'source-layer': l.id, paint: {'line-color': colours[l.id]}} :
			{id: l.id, type: 'fill', source: 'land', 'source-layer': l.id, paint: {'fill-color': colours[l.id], 'fill-opacity': 0.6}})},
});
const wrong = [];
map.on('error', (e) => wrong.push(String(e.error)));
window.look = (zoom) => new Promise((resolve) => {
	map.jumpTo({zoom});
	map.once('idle', () => {
		const drawn = {};
		for (const f of map.queryRenderedFeatures()) (drawn[f.sourceLayer] ??= new Set()).add(JSON.stringify([f.id, f.properties]));
		resolve({Wrong: wrong, Drawn: Object.fromEntries(Object.entries(drawn).map(([k, v]) => [k, v.size])), Fields: [...new Set(map.queryRenderedFeatures({layers: ['pbf']}).flatMap((f) => Object.keys(f.properties)))].sort().join()});
	});
	map.triggerRepaint();
});
map.once('load', () => { window.ready = true; });
</script>`

// MapLibre draws an archive, merged shapes at low zooms and parcels at high ones.
func TestMapLibreReadsPMTiles(t *testing.T) {
	e := theEditions(t)
	file := filepath.Join(t.TempDir(), "all.pmtiles")
	must(t, "export", "--edition", e.Secure, "--layer", "all", "--out", file)
	mux := http.NewServeMux()
	mux.Handle("/maplibre/", http.StripPrefix("/maplibre/", http.FileServer(http.Dir(mapLibre(t)))))
	mux.HandleFunc("/archive", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, mapPage)
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	p := viewertest.Open(t, viewertest.Browser(t), s.URL, viewertest.View{Width: 900, Height: 600, Lang: "zh-CN"})
	viewertest.Eval[bool](t, p, "new Promise((done) => { const wait = () => window.ready ? done(true) : setTimeout(wait, 50); wait(); })")
	for _, c := range []struct {
		zoom   float64
		fields string
		least  int // of different features of pbf
	}{{9, "area_m2,count,net_m2", 1}, {12.6, "area_m2,count,net_m2", 1}, {13.2, "", 500}} {
		v := viewertest.Eval[struct {
			Wrong  []string
			Drawn  map[string]int
			Fields string
		}](t, p, fmt.Sprintf("look(%g)", c.zoom))
		for _, layer := range []string{"cropland", "pbf", "hsf", "region"} {
			if v.Drawn[layer] == 0 {
				t.Errorf("zoom %g: nothing of layer %s is drawn: %v", c.zoom, layer, v.Drawn)
			}
		}
		if len(v.Wrong) > 0 || v.Drawn["pbf"] < c.least || c.fields != "" && v.Fields != c.fields {
			t.Errorf("zoom %g: %+v", c.zoom, v)
		}
		if n := colours(p.Picture(t, fmt.Sprintf("pmtiles-%g", c.zoom))); n < 5 {
			t.Errorf("zoom %g shows %d colours: nothing is drawn", c.zoom, n)
		}
	}
}
