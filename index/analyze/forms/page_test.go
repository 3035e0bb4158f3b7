package forms_test

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// pageAnswer is an answer with more rows than a page lists, and the places around it.
func pageAnswer() (*analyze.Result, forms.Options) {
	r := answer()
	list := r.Tables[1]
	first := list.Rows[0]
	list.Rows = nil
	for range 200 {
		list.Rows = append(list.Rows, first)
	}
	r.Shapes[0].Geometry = func(_ context.Context, row int) (geo.MultiPolygon, error) {
		return lot(int64(row%20)*30_000, int64(row/20)*30_000, 20_000), nil
	}
	return r, forms.Options{Places: []forms.Outline{{Code: "340100211", Name: "甲村<b>&amp;", Shape: lot(0, 0, 600_000)}}}
}

// browse opens a page in a real browser, and returns what it complained of and what else it
// asked for.
func browse(t *testing.T, html []byte) (ctx context.Context, said func() []string) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is needed: apt-get install -y chromium")
	}
	path := filepath.Join(t.TempDir(), "answer.html")
	if err := os.WriteFile(path, html, 0o600); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "answer.html"), html, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var heard []string
	listen := func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			heard = append(heard, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			heard = append(heard, string(e.Type))
		case *log.EventEntryAdded:
			heard = append(heard, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != "file://"+path {
				heard = append(heard, e.Request.URL)
			}
		}
	}
	allocated, _ := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	tab, cancel := chromedp.NewContext(allocated, chromedp.WithListener(listen))
	limited, cancelTime := context.WithTimeout(tab, 2*time.Minute)
	t.Cleanup(func() { cancelTime(); cancel() })
	if err := chromedp.Do(limited, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}),
		chromedp.EmulateViewport(1000, 1400), chromedp.Navigate("file://"+path)); err != nil {
		t.Fatal(err)
	}
	return limited, func() []string { mu.Lock(); defer mu.Unlock(); return heard }
}

// command is an action of one protocol command whose result nobody needs.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// A browser shows the page without a complaint and without asking for anything else: the
// map with every shape inside of its frame, the tables, and hostile values as text.
func TestPageInBrowser(t *testing.T) {
	r, opt := pageAnswer()
	ctx, said := browse(t, written(t, r, forms.HTML, opt))
	type seen struct {
		Scripts, Layers, Outside, Rows, Marks, Wide int
		Text                                        string
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[seen](`(() => {
		const map = document.querySelector('svg.map').getBoundingClientRect();
		const out = (e) => { const b = e.getBoundingClientRect(); return b.width === 0 || b.left < map.left || b.right > map.right || b.top < map.top || b.bottom > map.bottom; };
		return { Scripts: document.querySelectorAll('script, img, iframe, object, [onerror]').length, Layers: document.querySelectorAll('svg.map path.sh').length,
			Outside: [...document.querySelectorAll('svg.map path.sh, svg.map .nm, svg.map g')].filter(out).length,
			Rows: document.querySelectorAll('.lying tbody tr').length, Marks: document.querySelectorAll('.ok').length,
			Wide: [...document.querySelectorAll('table')].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth).length,
			Text: document.body.innerText };
	})()`))
	if err != nil {
		t.Fatal(err)
	}
	if complaints := said(); len(complaints) > 0 {
		t.Errorf("the browser said %q", complaints)
	}
	if got.Scripts > 0 || got.Layers != 1 || got.Outside > 0 || got.Rows != 30 || got.Marks != 1 || got.Wide > 0 {
		got.Text = ""
		t.Errorf("%+v", got)
	}
	for _, want := range []string{
		"地块试验", "A trial of lots", "政务版", "00112233aabbccdd", "0123456789abcdef", "2026-11", "SHA-256 aa11", "18,518.5184", "12,345,678.91", "33.33", "12.35",
		"=1+1,\"<script>alert('图')</script>\" &", "甲村<b>&amp;", "共 200 行，此处未列 170 行", "170 of 200 rows", "12,345,678.86", "12,345,678.85", "相符", "把地块加起来。",
		"有 1 个图斑没有登记面积 <b>", "此版没有，未参与", "自然资发〔2024〕1号", "审图号：GS(2024)0000号", "界线不作权属依据", "内部使用", "负责人", "−0.0001",
	} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// The bar of the scale is as long as it says.
func TestPageScale(t *testing.T) {
	r, opt := pageAnswer()
	html := string(written(t, r, forms.HTML, opt))
	bar := regexp.MustCompile(`v8h([0-9.]+)v-8.*>([0-9.]+) (km|m)</text>`).FindStringSubmatch(html)
	if bar == nil {
		t.Fatal("there is no bar")
	}
	pixels, long := number(t, bar[1]), number(t, bar[2])
	if bar[3] == "km" {
		long *= 1000
	}
	outline := regexp.MustCompile(`class="pl" fill-rule="evenodd" d="M([0-9.]+) [0-9.]+L[^"]*"`).FindString(html)
	least, most := math.Inf(1), math.Inf(-1)
	for _, m := range regexp.MustCompile(`[ML ]([0-9.]+) [0-9.]+`).FindAllStringSubmatch(outline[strings.Index(outline, `d="`):], -1) {
		least, most = min(least, number(t, m[1])), max(most, number(t, m[1]))
	}
	// The outline is 0.06° of longitude wide, about 32.03° north.
	width := 0.06 * math.Pi / 180 * 6378137 * math.Cos(32.03*math.Pi/180)
	if got := (most - least) / pixels * long; math.Abs(got-width) > 0.005*width {
		t.Errorf("by the bar the place is %.0f m wide, not %.0f", got, width)
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Kinds of shapes that a table tells apart are told apart on the map, with their counts.
func TestPageKinds(t *testing.T) {
	r, opt := pageAnswer()
	list := r.Tables[1]
	list.Columns = append(list.Columns, analyze.Column{Name: "eligible", Title: edition.Title{Zh: "可划入", En: "eligible"}, Kind: analyze.Truth})
	for i := range list.Rows {
		list.Rows[i] = append(append([]any(nil), list.Rows[i]...), i%4 > 0)
	}
	html := string(written(t, r, forms.HTML, opt))
	for _, want := range []string{`地块，可划入：是 <span class="en">Lots, eligible: yes</span>（150）`, `地块，可划入：否 <span class="en">Lots, eligible: no</span>（50）`, `class="sh k0"`, `class="sh k1"`} {
		if !strings.Contains(html, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// A page of a public answer has no place to sign; one without shapes and places no map; and
// shapes that are lost in a wide country are shown near by.
func TestPageVariants(t *testing.T) {
	r, opt := pageAnswer()
	r.Tier = edition.Public
	if html := string(written(t, r, forms.HTML, opt)); strings.Contains(html, "负责人") {
		t.Error("a public answer is to be signed")
	}
	bare, _ := pageAnswer()
	bare.Shapes = nil
	if html := string(written(t, bare, forms.HTML, forms.Options{})); strings.Contains(html, "<svg") {
		t.Error("there is a map of nothing")
	}
	far, opt := pageAnswer()
	opt.Places[0].Shape = lot(-30_000_000, -30_000_000, 60_000_000)
	html := string(written(t, far, forms.HTML, opt))
	d := regexp.MustCompile(`class="sh k0" d="M([0-9.]+)[^"]*M([0-9.]+) [^"]*"`).FindStringSubmatch(html)
	if d == nil || math.Abs(number(t, d[1])-number(t, d[2])) < 100 {
		t.Errorf("shapes in a wide country are not near by: %v", d[1:])
	}
	if len(html) > 100_000 {
		t.Errorf("the page has %d bytes", len(html))
	}
}

// Columns that do not fit stand in parts, each of which says what its rows are of.
func TestPageParts(t *testing.T) {
	r, opt := pageAnswer()
	wide := &analyze.Table{Name: "wide", Title: edition.Title{Zh: "宽表", En: "wide"}}
	var row []any
	for i, k := range []analyze.Kind{analyze.Code, analyze.Text, analyze.Code, analyze.Text, analyze.Code} {
		wide.Columns = append(wide.Columns, analyze.Column{Name: "k" + strconv.Itoa(i), Kind: k})
		row = append(row, "key"+strconv.Itoa(i))
	}
	for i := range 9 {
		wide.Columns = append(wide.Columns, analyze.Column{Name: "n" + strconv.Itoa(i), Kind: analyze.Count})
		row = append(row, int64(1000+i))
	}
	wide.Rows = [][]any{row}
	r.Tables = append(r.Tables, wide)
	html := string(written(t, r, forms.HTML, opt))
	parts := strings.Split(html, "宽表")[1:]
	if len(parts) != 3 {
		t.Fatalf("there are %d parts", len(parts))
	}
	all := ""
	for i, part := range parts {
		part, _, _ = strings.Cut(part, "</section>")
		part, _, _ = strings.Cut(part, "<h2")
		all += part
		for _, key := range []string{"key0", "key2", "key4"} {
			if strings.Count(part, key) != 1 {
				t.Errorf("part %d has %s %d times", i+1, key, strings.Count(part, key))
			}
		}
		if n := strings.Count(part, "<th>"); n > 8 {
			t.Errorf("part %d has %d columns", i+1, n)
		}
	}
	for i := range 9 {
		if n := strings.Count(all, ">100"+strconv.Itoa(i)+"<"); n != 1 {
			t.Errorf("figure %d stands %d times", i, n)
		}
	}
}

// A table without rows says so once, however many columns it has.
func TestPageEmpty(t *testing.T) {
	r, opt := pageAnswer()
	wide := &analyze.Table{Name: "wide", Title: edition.Title{Zh: "宽表", En: "wide"}}
	for i := range 20 {
		wide.Columns = append(wide.Columns, analyze.Column{Name: "n" + strconv.Itoa(i), Kind: analyze.Count})
	}
	r.Tables = append(r.Tables, wide)
	html := string(written(t, r, forms.HTML, opt))
	if n := strings.Count(html, "宽表"); n != 1 || strings.Contains(html, "宽表（") {
		t.Errorf("the empty table stands %d times", n)
	}
}

// A diagram of flows draws what changed, as wide as it is, and says what stayed.
func TestPageSankey(t *testing.T) {
	r, opt := pageAnswer()
	r.Extra = map[string]any{"sankey": map[string]any{
		"unit": "ha",
		"nodes": []map[string]any{
			{"name": "0101@2023", "title": "水田", "side": "2023", "depth": 0}, {"name": "0103@2023", "title": "旱地", "side": "2023", "depth": 0},
			{"name": "0101@2024", "title": "水田", "side": "2024", "depth": 1}, {"name": "0301@2024", "title": "林地<b>", "side": "2024", "depth": 1},
		},
		"links": []map[string]any{
			{"source": "0101@2023", "target": "0101@2024", "value": 5000.5}, {"source": "0101@2023", "target": "0301@2024", "value": 30},
			{"source": "0103@2023", "target": "0301@2024", "value": 10},
		},
	}}
	html := string(written(t, r, forms.HTML, opt))
	bands := regexp.MustCompile(`class="band k\d" d="[^"]*" stroke-width="([0-9.]+)"`).FindAllStringSubmatch(html, -1)
	if len(bands) != 2 || number(t, bands[0][1]) != 3*number(t, bands[1][1]) {
		t.Errorf("the bands are %v", bands)
	}
	for _, want := range []string{"共改变 40.00，未变的 5,000.50 不画", ">林地&lt;b&gt; 2024  40.00<", ">旱地 2023  10.00<"} {
		if !strings.Contains(html, want) {
			t.Errorf("there is no %s", want)
		}
	}
	kept, err := forms.Read(strings.NewReader(string(written(t, r, forms.JSON, forms.Options{Geometry: true}))))
	if err != nil {
		t.Fatal(err)
	}
	if again := string(written(t, kept, forms.HTML, opt)); again != html {
		t.Error("the page of a kept answer is another")
	}
}
