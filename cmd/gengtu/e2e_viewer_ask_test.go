package main_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"gengtu/index/analyze"
	"gengtu/tileserver/viewer/viewertest"
)

// askedAnswer is what the tests of asking read of an overlay answer.
type askedAnswer struct {
	Generation string
	AOI        struct {
		AreaM2   float64 `json:"area_m2"`
		AreaMu   float64 `json:"area_mu"`
		Geometry json.RawMessage
	}
	Layers []struct {
		Layer       string
		Vintage     string
		Features    int
		AreaM2      float64  `json:"area_m2"`
		AreaMu      float64  `json:"area_mu"`
		AreaHa      float64  `json:"area_ha"`
		PatchM2     *float64 `json:"patch_m2"`
		NetM2       *float64 `json:"net_m2"`
		GrossAreaM2 float64  `json:"gross_area_m2"`
		Groups      []struct {
			DLBM   string
			AreaM2 float64 `json:"area_m2"`
			AreaMu float64 `json:"area_mu"`
		}
	}
}

// deliveryRings are two shapes over the delivery, a triangle and a square.
var deliveryRings = []string{
	"[[108.63,34.32],[108.65,34.32],[108.64,34.335],[108.63,34.32]]",
	"[[108.652,34.322],[108.66,34.322],[108.66,34.33],[108.652,34.33],[108.652,34.322]]",
}

// overlayOf asks the API itself, with the question that the page asks.
func overlayOf[T any](t *testing.T, s *server, tier, query, contentType string, body []byte) T {
	t.Helper()
	a := s.do(t, "POST", "/"+tier+"/overlay?layers=cropland,pbf,hsf&group_by=DLBM&"+query, body, "Content-Type", contentType)
	var out T
	if a.Status != 200 {
		t.Fatalf("overlay answers %d %s", a.Status, a.Body)
	}
	decode(t, a.Body, &out)
	return out
}

func polygonOf(ring string) string { return `{"type":"Polygon","coordinates":[` + ring + `]}` }

// collectionOf is a collection of the rings, with names.
func collectionOf(rings []string) []byte {
	parts := make([]string, len(rings))
	for i, ring := range rings {
		parts[i] = fmt.Sprintf(`{"type":"Feature","id":%d,"properties":{"name":"地块%d"},"geometry":%s}`, i+1, i+1, polygonOf(ring))
	}
	return []byte(`{"type":"FeatureCollection","features":[` + strings.Join(parts, ",") + `]}`)
}

// valueOf is the raw figure of an element.
func valueOf(t *testing.T, b *viewertest.Tab, testid string) float64 {
	t.Helper()
	return viewertest.Eval[float64](t, b, fmt.Sprintf(`Number(document.querySelector('[data-testid=%q]')?.value ?? NaN)`, testid))
}

func wantFigure(t *testing.T, b *viewertest.Tab, testid string, want float64) {
	t.Helper()
	if got := valueOf(t, b, testid); got != want {
		t.Errorf("%s: the page has %v, the API %v", testid, got, want)
	}
}

// wantReport compares the report that is shown with an answer, to the last digit.
func wantReport(t *testing.T, b *viewertest.Tab, want *askedAnswer) {
	t.Helper()
	b.Until(t, "document.querySelector('[data-testid=overlay-result], [data-testid=problem]') !== null")
	wantFigure(t, b, "overlay-aoi-m2", want.AOI.AreaM2)
	wantFigure(t, b, "overlay-aoi-mu", want.AOI.AreaMu)
	for _, l := range want.Layers {
		wantFigure(t, b, "overlay-area-"+l.Layer+"-m2", l.AreaM2)
		wantFigure(t, b, "overlay-area-"+l.Layer+"-mu", l.AreaMu)
		wantFigure(t, b, "overlay-area-"+l.Layer+"-ha", l.AreaHa)
		for kind, v := range map[string]*float64{"patch": l.PatchM2, "net": l.NetM2} {
			if v != nil {
				wantFigure(t, b, "overlay-"+kind+"-"+l.Layer+"-m2", *v)
			}
		}
		if l.Layer == "cropland" {
			for _, g := range l.Groups {
				wantFigure(t, b, "overlay-group-"+g.DLBM+"-m2", g.AreaM2)
				wantFigure(t, b, "overlay-group-"+g.DLBM+"-mu", g.AreaMu)
			}
		}
	}
	if got := b.Text(t, "overlay-generation"); !strings.Contains(got, want.Generation) || want.Generation == "" {
		t.Errorf("the page says %q, the generation is %q", got, want.Generation)
	}
}

// zonedShapefile makes a shapefile in a Gauss-Krüger zone, with names in GBK, of GeoJSON in
// degrees: the zip, its parts, and its shapes in the zone as ogr2ogr reads them.
func zonedShapefile(t *testing.T, geojson []byte) (packed []byte, parts []viewertest.File, plane []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.geojson"), geojson, 0o600); err != nil {
		t.Fatal(err)
	}
	gdal(t, dir, "ogr2ogr", "-f", "ESRI Shapefile", "-s_srs", "EPSG:4490", "-t_srs", "EPSG:4524", "-lco", "ENCODING=GBK", "plots.shp", "in.geojson")
	gdal(t, dir, "ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=10", "-lco", "RFC7946=NO", "plane.geojson", "plots.shp")
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, ending := range []string{"shp", "shx", "dbf", "prj", "cpg"} {
		data := read("plots." + ending)
		w, err := z.Create("地块/plots." + ending)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, viewertest.File{Name: "plots." + ending, Data: data})
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), parts[:1:1], read("plane.geojson")
}

// Each kind of file that is dropped is measured as the API measures it: the list and each
// report have the API's figures to the last digit, and every shape is on the map.
func TestViewerAskFiles(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	collection := collectionOf(deliveryRings)
	packed, loose, plane := zonedShapefile(t, collection)
	// The same plots, over the delivery's middle.
	data, err := os.ReadFile(boundaryFile(t, 3, 65))
	if err != nil {
		t.Fatal(err)
	}
	txt := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(",36466"), []byte(",36559")), []byte(",3799"), []byte(",3800"))
	zoned := "crs=" + url.QueryEscape("EPSG:4524")
	type answers = []askedAnswer
	for _, c := range []struct {
		name  string
		files []viewertest.File
		first string // What the first shape is called.
		want  answers
	}{
		{"GeoJSON", []viewertest.File{{Name: "地块.geojson", Data: collection}}, "地块1", overlayOf[answers](t, s, "secure", "", "application/geo+json", collection)},
		{"zipped shapefile in a zone", []viewertest.File{{Name: "地块.zip", Data: packed}}, "地块1", overlayOf[answers](t, s, "secure", zoned, "application/geo+json", plane)},
		{"surveyor's TXT", []viewertest.File{{Name: "界址点.txt", Data: txt}}, "DK0001 地块1号", overlayOf[answers](t, s, "secure", "", "text/plain", txt)},
		{"shapefile without a .prj", loose, "1", overlayOf[answers](t, s, "secure", zoned, "application/geo+json", plane)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
			b.Drop(t, c.files...)
			b.Until(t, "document.querySelector('[data-testid=several], [data-testid=problem], [data-testid=file-problem]') !== null")
			if strings.Contains(c.name, "without") { // The server proposes the zone, and the page takes it.
				b.Picture(t, "ask-file-proposed")
				b.Click(t, "file-as")
				b.Until(t, "document.querySelector('[data-testid=several-0-aoi]') !== null")
			}
			sums := map[string]float64{}
			for i, a := range c.want {
				wantFigure(t, b, fmt.Sprintf("several-%d-aoi", i), a.AOI.AreaMu)
				sums["aoi"] += a.AOI.AreaM2
				for _, l := range a.Layers {
					wantFigure(t, b, fmt.Sprintf("several-%d-%s", i, l.Layer), l.AreaMu)
					sums[l.Layer] += l.AreaM2
				}
			}
			for key, sum := range sums {
				if got := valueOf(t, b, "several-sum-"+key); math.Abs(got-sum) > 1e-6 || sum == 0 && key != "hsf" {
					t.Errorf("sum of %s: the page has %v, the answers add up to %v", key, got, sum)
				}
			}
			if got := b.Text(t, "several-open-0"); got != c.first {
				t.Errorf("the first shape is called %q, want %q", got, c.first)
			}
			b.Idle(t)
			if drawn := viewertest.Eval[int](t, b, "gengtu.map.queryRenderedFeatures({layers: ['gengtu-aoi-fill']}).length"); drawn < 1 {
				t.Error("nothing of the file is on the map")
			}
			b.Picture(t, "ask-file-"+strings.Fields(c.name)[0])
			for i := range c.want {
				b.Click(t, fmt.Sprintf("several-open-%d", i))
				wantReport(t, b, &c.want[i])
				b.Click(t, "several-back")
			}
		})
	}
}

// What a file has wrong with it is said, and nothing of it is sent.
func TestViewerAskBadFiles(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	packed, _, _ := zonedShapefile(t, collectionOf(deliveryRings))
	for _, c := range []struct {
		name string
		file viewertest.File
		want string
	}{
		{"of no kind", viewertest.File{Name: "a.docx", Data: []byte("x")}, "不认识"},
		{"a zip that is cut", viewertest.File{Name: "a.zip", Data: packed[:len(packed)/2]}, "不完整"},
		{"GeoJSON that is cut", viewertest.File{Name: "a.geojson", Data: []byte(`{"type":"Polygon"`)}, "JSON"},
		{"too large", viewertest.File{Name: "a.txt", Data: bytes.Repeat([]byte("a"), 17<<20)}, "上限 16 MB"},
	} {
		if c.name == "too large" {
			// So much does not go through the address of a script.
			viewertest.Eval[bool](t, b, `(() => {
				const dataTransfer = new DataTransfer();
				dataTransfer.items.add(new File([new Uint8Array(17 << 20)], 'a.txt'));
				document.querySelector('#map canvas').dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
				return true;
			})()`)
		} else {
			b.Drop(t, c.file)
		}
		b.Until(t, fmt.Sprintf("document.querySelector('[data-testid=file-problem]')?.textContent.includes(%q)", c.want))
	}
	b.Picture(t, "ask-file-bad")
}

// A circle is drawn by its centre and a radius that is typed; what is measured is its area
// to 1e-4, and less.
func TestViewerAskCircle(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=14/34.33/108.64", viewertest.Desktop)
	b.Click(t, "draw-circle")
	b.Press(t, 640, 400)
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 700, 440))
	shown := viewertest.Eval[float64](t, b, "document.querySelector('[data-testid=draw-radius]').valueAsNumber")
	if shown < 282 || shown > 287 { // 72.1 pixels of 3.945 m
		t.Errorf("72 pixels at zoom 14 are shown as %v m, want 284", shown)
	}
	b.Picture(t, "ask-circle-drawing")
	b.Run(t, chromedp.Focus(viewertest.ID("draw-radius")))
	viewertest.Eval[bool](t, b, "(document.querySelector('[data-testid=draw-radius]').select(), true)")
	b.Run(t, chromedp.KeyEvent("500"+kb.Enter))
	b.Text(t, "overlay-result")
	got, circle := valueOf(t, b, "overlay-aoi-m2"), math.Pi*500*500
	if short := 1 - got/circle; short < 4e-5 || short > 1e-4 {
		t.Errorf("a circle of 500 m has %v m², want %v less 4e-5 to 1e-4 of it", got, circle)
	}
	b.Idle(t)
	b.Picture(t, "ask-circle")
}

// The pieces of a layer add up to its figure; a row and its shape on the map mark each
// other, and a click on a piece goes to its row and opens no feature.
func TestViewerAskPieces(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=14/34.328/108.655", viewertest.Desktop)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[1]+")")
	want := overlayOf[askedAnswer](t, s, "secure", "", "application/geo+json", []byte(polygonOf(deliveryRings[1])))
	wantReport(t, b, &want)
	l := want.Layers[0]
	b.Click(t, "pieces-cropland")
	b.Until(t, "document.querySelector('[data-testid=pieces-sum]') !== null")
	if got := valueOf(t, b, "pieces-sum"); math.Abs(got-l.GrossAreaM2) > 0.01 || l.GrossAreaM2 == 0 {
		t.Errorf("the pieces add up to %v, the layer has %v", got, l.GrossAreaM2)
	}
	if rows := viewertest.Eval[int](t, b, "document.querySelectorAll('[data-testid=piece]').length"); rows != min(l.Features, 100) {
		t.Errorf("%d rows, want %d", rows, min(l.Features, 100))
	}
	b.Idle(t)
	at := viewertest.Eval[[]float64](t, b, `(() => {
		const box = gengtu.map.getContainer().getBoundingClientRect();
		const at = gengtu.map.project([108.656, 34.326]);
		const [found] = gengtu.map.queryRenderedFeatures([at.x, at.y], {layers: ['ask-pieces-fill']});
		return found ? [at.x + box.left, at.y + box.top, found.id] : [];
	})()`)
	if len(at) != 3 {
		t.Fatal("no piece of the shape is in the middle of the map")
	}
	b.Press(t, at[0], at[1])
	b.Until(t, "document.querySelector('[data-testid=piece].hot') !== null")
	if hot := viewertest.Eval[int](t, b, "[...document.querySelectorAll('[data-testid=piece]')].findIndex((row) => row.classList.contains('hot'))"); hot != int(at[2]) {
		t.Errorf("a click on piece %v marks row %d", at[2], hot)
	}
	if viewertest.Eval[bool](t, b, "!document.getElementById('feature').hidden") {
		t.Error("a click on a piece has opened a feature")
	}
	b.Idle(t)
	b.Picture(t, "ask-pieces")
}

// A place is picked on the map at a level that is chosen; the figures are the API's. The
// question does not cover the card of layers.
func TestViewerAskPlace(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	b.Click(t, "draw-pick")
	b.Press(t, 640, 420)
	b.Until(t, "document.querySelectorAll('[data-testid=pick-levels] button').length > 2")
	b.Picture(t, "ask-pick")
	code := viewertest.Eval[string](t, b, "[...document.querySelectorAll('[data-testid=pick-levels] button')].map((el) => el.dataset.testid.slice(5)).find((code) => code.length === 9)")
	b.Click(t, "pick-"+code)
	var want askedAnswer
	decode(t, s.do(t, "POST", "/secure/overlay?group_by=DLBM", []byte(`{"place":"`+code+`"}`)).Body, &want)
	wantReport(t, b, &want)

	viewertest.Eval[bool](t, b, "(document.getElementById('lang').click(), true)")
	b.Click(t, "draw-pick")
	b.Press(t, 600, 420)
	b.Until(t, "document.querySelectorAll('[data-testid=pick-levels] button').length > 2")
	b.Picture(t, "ask-pick-beside")
	if covered := viewertest.Eval[bool](t, b, `(() => {
		const of = (id) => document.getElementById(id).getBoundingClientRect();
		return of('layers').width === 0 || of('hint').left < of('layers').right;
	})()`); covered {
		t.Error("the question covers the card of layers, or there is none")
	}
}

// Two shapes side by side have the API's figures; the one with the least permanent basic
// farmland is marked in words; siting gives its verdicts by their names.
func TestViewerAskAlternatives(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	var want []askedAnswer
	for _, ring := range deliveryRings {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+ring+")")
		b.Click(t, "overlay-keep")
		want = append(want, overlayOf[askedAnswer](t, s, "secure", "", "application/geo+json", []byte(polygonOf(ring))))
	}
	least := 0
	for i, a := range want {
		wantFigure(t, b, fmt.Sprintf("compare-%d-aoi", i), a.AOI.AreaMu)
		for _, l := range a.Layers {
			wantFigure(t, b, fmt.Sprintf("compare-%d-%s", i, l.Layer), l.AreaMu)
		}
		if a.Layers[1].AreaM2 < want[least].Layers[1].AreaM2 {
			least = i
		}
	}
	b.Click(t, "compare-unit-m2")
	for i, a := range want {
		wantFigure(t, b, fmt.Sprintf("compare-%d-pbf", i), a.Layers[1].AreaM2)
	}
	if got := viewertest.Eval[[]string](t, b, "[...document.querySelectorAll('.least')].map((el) => el.dataset.testid + ' ' + el.textContent)"); len(got) != 1 || got[0] != fmt.Sprintf("compare-least-%d 占永农最少", least) {
		t.Errorf("marked as least: %v, want option %d", got, least)
	}
	b.Click(t, "compare-siting")
	verdicts := b.Text(t, "siting-verdicts")
	if !strings.Contains(verdicts, "不得占用") {
		t.Errorf("the verdicts are %q, without the reasons", verdicts)
	}
	judged := viewertest.Eval[[]string](t, b, "[...document.querySelectorAll('[data-testid=siting-verdicts] tbody tr')].map((tr) => tr.cells[0].innerText + ' ' + tr.querySelector('strong').innerText)")
	if want := verdictsOf(t, s); !slices.Equal(judged, want) {
		t.Errorf("the verdicts are %q, the API's %q", judged, want)
	}
	b.Idle(t)
	b.Picture(t, "ask-alternatives")
	b.Click(t, "compare-remove-0")
	if viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=alternative-0]') !== null || document.querySelector('.least') !== null || document.querySelector('[data-testid=siting-verdicts]') !== null") {
		t.Error("an option that was removed is still there, or verdicts and marks of before")
	}
}

// verdictsOf are the names and verdicts, in words, of the shapes of the delivery as the API judges them.
func verdictsOf(t *testing.T, s *server) []string {
	t.Helper()
	var features, out []string
	for i, ring := range deliveryRings {
		features = append(features, fmt.Sprintf(`{"type":"Feature","id":%d,"properties":{"alt":"方案%s"},"geometry":%s}`, i+1, []string{"一", "二"}[i], polygonOf(ring)))
	}
	for _, row := range s.answerOf(t, "secure", `{"question":"siting","shapes":{"type":"FeatureCollection","features":[`+strings.Join(features, ",")+`]}}`, "siting_sum") {
		out = append(out, fmt.Sprint(row["alt"], " ", analyze.Told("siting_sum", "verdict", fmt.Sprint(row["verdict"])).Zh))
	}
	if len(out) != len(deliveryRings) || strings.HasSuffix(out[0], "<nil>") {
		t.Fatalf("the API judges %q", out)
	}
	return out
}

// The printed sheet holds the figures, where they come from and the map, and nothing of the
// page around it.
func TestViewerAskPrint(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Government)
	b := openViewer(t, s, "government", "map=13/34.33/108.64", viewertest.Desktop)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[0]+")")
	b.Idle(t)
	viewertest.Eval[bool](t, b, "(window.print = () => { window.printed = true; }, true)")
	b.Click(t, "overlay-print")
	b.Until(t, "window.printed === true")
	if drawn := viewertest.Eval[[]float64](t, b, `(async () => {
		const canvas = document.querySelector('#print canvas');
		const seen = new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce((list, v, i) => (i % 400 === 0 ? [...list.slice(-5000), v] : list), []));
		return [canvas.width, seen.size];
	})()`); drawn[0] < 500 || drawn[1] < 10 {
		t.Errorf("the map on the sheet is %v pixels wide with %v colours", drawn[0], drawn[1])
	}
	pdf, err := chromedp.Run(b, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sheet.pdf")
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		file = filepath.Join(dir, "ask-print.pdf")
	}
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (apt-get install -y poppler-utils): %v", err)
	}
	want := overlayOf[askedAnswer](t, s, "government", "", "application/geo+json", []byte(polygonOf(deliveryRings[0])))
	area := viewertest.Eval[string](t, b, "document.querySelector('[data-testid=overlay-area-cropland-m2]').textContent")
	for _, part := range []string{"政务版", want.Generation, "2024", area, "审图号", "打印时间", "永久基本农田", "合计"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the sheet lacks %q:\n%s", part, text)
		}
	}
	for _, part := range []string{"下载", "图层与图例", "记为"} {
		if strings.Contains(string(text), part) {
			t.Errorf("the sheet holds %q of the page around it", part)
		}
	}
}
