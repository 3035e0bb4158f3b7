// Package viewertest drives the page in Chromium, for the tests of the page: tabs that
// note what the page says and whom it asks. It never speaks for a server: a test brings
// its own.
package viewertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the browser of all tests, started by the first that asks.
var chromium = sync.OnceValues(func() (context.Context, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errors.New("chromium is needed: apt-get install -y chromium")
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Headless,
		chromedp.Flag("use-gl", "angle"), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true),
		// Software draws the page and WebGL alike; put together by the GPU process it costs twice.
		chromedp.Flag("disable-gpu-compositing", true),
	)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	started = ctx
	return ctx, nil
})

// started is what Main closes; nil when no test needed a browser.
var started context.Context

// Main runs the tests of a package and closes the browser: for its TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if err := Close(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Close closes the browser, when a test has started one.
func Close() error {
	if started == nil {
		return nil
	}
	if err := chromedp.Cancel(started); err != nil {
		return fmt.Errorf("close chromium: %w", err)
	}
	return nil
}

// Browser returns the browser, or ends the test when there is none.
func Browser(t testing.TB) context.Context {
	t.Helper()
	ctx, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Tab is one page of the viewer in a profile of its own, with what it said and
// what it asked for.
type Tab struct {
	context.Context
	Width int64 // Of the window, in CSS pixels.

	close func()
	mu    sync.Mutex
	said  []string // Errors on the console, exceptions, policy violations.
	asked []string // Addresses of all requests.
}

// View is a window's size and language.
type View struct {
	Width, Height int64
	Lang          string
	Mobile        bool
}

// The windows that tests look at: a desk in both languages, and a phone.
var (
	Desktop = View{1280, 800, "zh-CN", false}
	Phone   = View{390, 844, "zh-CN", true}
	English = View{1280, 800, "en-US", false}
	Narrow  = View{360, 740, "zh-CN", true} // The narrowest that the page is made for.
)

// Open loads address in a new tab, without waiting for the map.
func Open(t testing.TB, in context.Context, address string, v View) *Tab {
	t.Helper()
	b := &Tab{Width: v.Width}
	ctx, cancel := chromedp.NewContext(in, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	limited, cancelTime := context.WithTimeout(ctx, 3*time.Minute)
	b.Context, b.close = limited, func() { cancelTime(); cancel() }
	t.Cleanup(b.close)
	size := chromedp.EmulateViewport(v.Width, v.Height)
	if v.Mobile {
		size = chromedp.EmulateViewport(v.Width, v.Height, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.Run(t, size,
		command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}),
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(
			"for (const [k, v] of [['language', %[1]q], ['languages', [%[1]q]]]) Object.defineProperty(navigator, k, {get: () => v});"+violations, v.Lang)}),
		chromedp.Navigate(address))
	return b
}

// violations makes the page say what its policy has kept it from.
const violations = "addEventListener('securitypolicyviolation', (e) => console.error(`the policy forbids ${e.effectiveDirective} ${e.blockedURI} (${e.sourceFile}:${e.lineNumber})`));"

// command is an action of one protocol command whose result nobody needs.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// OpenMap is [Open] and waits until the map stands there.
func OpenMap(t testing.TB, in context.Context, address string, v View) *Tab {
	t.Helper()
	b := Open(t, in, address, v)
	b.Ready(t)
	return b
}

// Close closes the tab, which the end of its test does as well.
func (b *Tab) Close() { b.close() }

func (b *Tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.said = append(b.said, text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			for _, a := range e.Args {
				b.said = append(b.said, fmt.Sprintf("%s %s", a.Value, a.Description))
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.said = append(b.said, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	}
}

// Run does actions, or ends the test with what the page said.
func (b *Tab) Run(t testing.TB, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.fatal(t, err)
	}
}

// fatal ends the test with what the page said.
func (b *Tab) fatal(t testing.TB, err error) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Fatalf("%v\nthe page said: %s", err, strings.Join(b.said, "\n"))
}

// Ready waits for the map and its first tiles.
func (b *Tab) Ready(t testing.TB) {
	t.Helper()
	Eval[bool](t, b, "gengtu.ready.then(() => true)")
}

// Eval returns the value of a JavaScript expression, waiting for a promise.
func Eval[T any](t testing.TB, b *Tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fatal(t, fmt.Errorf("%s: %w", expression, err))
	}
	return value
}

// Until waits until a JavaScript condition holds, in the page that is there then: it may be
// another one than was there at first.
func (b *Tab) Until(t testing.TB, condition string) {
	t.Helper()
	var last error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		var holds bool
		if holds, last = chromedp.Run(b, chromedp.Evaluate[bool]("!!("+condition+")")); last == nil && holds {
			return
		}
		if b.Err() != nil {
			break
		}
	}
	b.fatal(t, errors.Join(fmt.Errorf("it never came to %s", condition), last, b.Err()))
}

// Idle waits until the map has drawn what it was told.
func (b *Tab) Idle(t testing.TB) {
	t.Helper()
	Eval[bool](t, b, "new Promise((resolve) => { gengtu.map.once('idle', () => resolve(true)); gengtu.map.triggerRepaint(); })")
}

// ID is the selector of a data-testid.
func ID(name string) chromedp.CSS { return chromedp.CSS(`[data-testid="` + name + `"]`) }

// Click clicks an element once it is there to be seen.
func (b *Tab) Click(t testing.TB, testid string) {
	t.Helper()
	b.Run(t, chromedp.Click(ID(testid), chromedp.NodeVisible))
}

// Text returns the visible text of an element.
func (b *Tab) Text(t testing.TB, testid string) string {
	t.Helper()
	b.Run(t, chromedp.WaitVisible(ID(testid)))
	return Eval[string](t, b, fmt.Sprintf("document.querySelector(%q).innerText", ID(testid)))
}

// Picture returns what the window shows. With SCREENSHOTS=directory it is also
// kept there, to be looked at.
func (b *Tab) Picture(t testing.TB, name string) image.Image {
	t.Helper()
	data, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		b.fatal(t, err)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Complaints are what the page said on the console, its exceptions, what its policy
// forbade, and the addresses that it asked for on other hosts than server, in order.
func (b *Tab) Complaints(server string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, s := range b.said {
		all = append(all, "the page said: "+s)
	}
	for _, a := range b.asked {
		if !strings.HasPrefix(a, server+"/") && !strings.HasPrefix(a, "blob:"+server+"/") && !strings.HasPrefix(a, "data:") {
			all = append(all, "the page asked another host: "+a)
		}
	}
	return all
}

// Quiet fails the test if the page complained or asked another host.
func (b *Tab) Quiet(t testing.TB, server string) {
	t.Helper()
	for _, c := range b.Complaints(server) {
		t.Error(c)
	}
}

// Resize gives the window another size, in CSS pixels, as turning a phone or a zoom of the
// browser does.
func (b *Tab) Resize(t testing.TB, width, height int64) {
	t.Helper()
	b.Width = width
	b.Run(t, chromedp.EmulateViewport(width, height))
	Eval[bool](t, b, "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))")
}

// Wide lists what is wider than its place or reaches beyond the window, where a reader
// would have to scroll sideways: the page itself, and all that lies in its cards. What may
// scroll by itself says so in its style (overflow-x), and is then no longer looked into.
func (b *Tab) Wide(t testing.TB) []string {
	t.Helper()
	return Eval[[]string](t, b, fmt.Sprintf(`(() => {
		const wide = [];
		const scrolls = (el) => ['auto', 'scroll'].includes(getComputedStyle(el).overflowX) && !el.matches('html, body, .card-body');
		const look = (el) => {
			const box = el.getBoundingClientRect(), style = getComputedStyle(el);
			if (!box.width || !box.height || style.visibility === 'hidden' || el.closest('svg, canvas, .map, .hidden')) return;
			const place = el.matches('html, body, .card, .card-body, .top, .bottom, .dialog, table');
			if (box.right > %d + 1 || box.left < -1 || place && el.scrollWidth > el.clientWidth + 1) {
				wide.push(el.tagName.toLowerCase() + (el.id ? '#' + el.id : '') + '.' + el.className + ': ' + Math.round(box.left) + '–' + Math.round(box.right) + ', ' + el.scrollWidth + ' in ' + el.clientWidth);
			}
			if (!scrolls(el)) for (const child of el.children) look(child);
		};
		look(document.documentElement);
		return wide;
	})()`, b.Width))
}

// CheckWidth fails the test when something is wider than its place: see [Tab.Wide].
func (b *Tab) CheckWidth(t testing.TB) {
	t.Helper()
	for _, w := range b.Wide(t) {
		t.Errorf("wider than its place at %d pixels: %s", b.Width, w)
	}
}

// Press clicks the map at a pixel of the window.
func (b *Tab) Press(t testing.TB, x, y float64) {
	t.Helper()
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y), chromedp.MouseClickXY(x, y))
}

// Asked returns the addresses of all requests of the tab so far.
func (b *Tab) Asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

// Said returns what the page has complained of so far.
func (b *Tab) Said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}
