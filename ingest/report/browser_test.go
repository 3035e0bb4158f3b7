package report_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gengtu/ingest"
	"gengtu/ingest/report"
)

// browse opens a page in a real browser.
func browse(t *testing.T, html string) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is needed: apt-get install -y chromium")
	}
	path := filepath.Join(t.TempDir(), "report.html")
	write(t, path, html)
	ctx, _ := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := chromedp.NewContext(ctx)
	limited, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() { cancelTime(); cancel() })
	if err := chromedp.Do(limited, chromedp.EmulateViewport(1200, 1600), chromedp.Navigate("file://"+path)); err != nil {
		t.Fatal(err)
	}
	return limited
}

// ask returns the value of a JavaScript expression.
func ask[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// A browser shows the page with its picture and nothing from elsewhere; each mark lies on
// the map and leads to a row, each row that names a mark leads back; and one of the
// languages can be hidden.
func TestPageInBrowser(t *testing.T) {
	d := deliver(t, 600)
	d.spoil()
	d.write("")
	r := d.run(ingest.Options{}, report.Options{Drawing: report.Pictures, County: "试验县"})
	html := page(t, r)
	ctx := browse(t, html)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		write(t, filepath.Join(dir, "report.html"), html)
		b, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "report.jpg"), string(b))
	}
	type seen struct {
		Marks, Rows, Astray, Outside, Closeups, Scripts, Loaded int
		Verdict, Picture                                        string
	}
	got := ask[seen](t, ctx, `(async () => {
		const map = document.querySelector('svg.map').getBoundingClientRect();
		const marks = [...document.querySelectorAll('svg.map a')], rows = [...document.querySelectorAll('tr[id]')];
		const lost = (a) => !document.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)));
		const outside = (m) => { const b = m.getBoundingClientRect(), x = (b.left + b.right) / 2, y = (b.top + b.bottom) / 2;
			return x < map.left - 20 || x > map.right + 20 || y < map.top - 20 || y > map.bottom + 20; };
		const img = new Image(); img.src = document.querySelector('svg.map image').getAttribute('href'); await img.decode();
		return { Marks: marks.length, Rows: rows.length, Astray: [...document.querySelectorAll('a[href^="#"]')].filter(lost).length,
			Outside: marks.filter(outside).length, Closeups: document.querySelectorAll('figure svg .gr').length, Scripts: document.scripts.length,
			Loaded: performance.getEntriesByType('resource').filter((e) => !e.name.startsWith('data:')).length,
			Verdict: document.getElementById('verdict').innerText, Picture: img.naturalWidth + 'x' + img.naturalHeight };
	})()`)
	if got.Marks == 0 || got.Rows != len(r.Faults) || got.Astray > 0 || got.Outside > 0 || got.Closeups == 0 || got.Scripts > 0 || got.Loaded > 0 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(got.Verdict, "不合格") || !strings.Contains(got.Verdict, "FAIL") {
		t.Errorf("the verdict reads %q", got.Verdict)
	}
	hidden := ask[bool](t, ctx, `(() => { document.querySelector('label[for=only-zh]').click();
		return [...document.querySelectorAll('main .en')].every((e) => e.getClientRects().length === 0) && document.querySelector('h1 .zh').getClientRects().length > 0; })()`)
	if !hidden {
		t.Error("the English is not hidden where Chinese alone is asked for")
	}
}

// In the browser hostile values are text: no element comes of them.
func TestHostileValuesInBrowser(t *testing.T) {
	ctx := browse(t, page(t, hostileReport(t)))
	n := ask[int](t, ctx, `document.querySelectorAll('script, img, iframe, object, s, u, body b > *, [onerror], [onclick], a[href^="javascript"]').length`)
	if n != 0 {
		t.Errorf("%d elements come of values", n)
	}
	if !ask[bool](t, ctx, `document.body.innerText.includes('<script>alert(1)</script>')`) {
		t.Error("the value is not shown as text")
	}
}
