package viewer_test

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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
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
	)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	started = ctx
	return ctx, nil
})

// started is what TestMain closes; nil when no test needed a browser.
var started context.Context

func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		if err := chromedp.Cancel(started); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, "close chromium:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// browser returns the browser, or ends the test when there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is one page of the viewer in a profile of its own, with what it said and
// what it asked for.
type tab struct {
	context.Context
	width int64 // Of the window, in CSS pixels.

	mu    sync.Mutex
	said  []string // Errors on the console, exceptions, policy violations.
	asked []string // Addresses of all requests.
}

// view is a window's size and language.
type view struct {
	width, height int64
	lang          string
	mobile        bool
}

var (
	desktop = view{1280, 800, "zh-CN", false}
	phone   = view{390, 844, "zh-CN", true}
	english = view{1280, 800, "en-US", false}
)

// open loads address in a new tab, without waiting for the map.
func open(t *testing.T, in context.Context, address string, v view) *tab {
	t.Helper()
	b := &tab{width: v.width}
	ctx, cancel := chromedp.NewContext(in, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	limited, cancelTime := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(func() { cancelTime(); cancel() })
	b.Context = limited
	size := chromedp.EmulateViewport(v.width, v.height)
	if v.mobile {
		size = chromedp.EmulateViewport(v.width, v.height, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.run(t, size,
		command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}),
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(
			"for (const [k, v] of [['language', %[1]q], ['languages', [%[1]q]]]) Object.defineProperty(navigator, k, {get: () => v});", v.lang)}),
		chromedp.Navigate(address))
	return b
}

// command is an action of one protocol command whose result nobody needs.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// openMap is [open] and waits until the map stands there.
func openMap(t *testing.T, in context.Context, address string, v view) *tab {
	t.Helper()
	b := open(t, in, address, v)
	b.ready(t)
	return b
}

func (b *tab) listen(event any) {
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

// run does actions, or ends the test with what the page said.
func (b *tab) run(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.fatal(t, err)
	}
}

// fatal ends the test with what the page said.
func (b *tab) fatal(t *testing.T, err error) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Fatalf("%v\nthe page said: %s", err, strings.Join(b.said, "\n"))
}

// ready waits for the map and its first tiles.
func (b *tab) ready(t *testing.T) {
	t.Helper()
	eval[bool](t, b, "gengtu.ready.then(() => true)")
}

// eval returns the value of a JavaScript expression, waiting for a promise.
func eval[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fatal(t, fmt.Errorf("%s: %w", expression, err))
	}
	return value
}

// until waits until a JavaScript condition holds.
func (b *tab) until(t *testing.T, condition string) {
	t.Helper()
	b.run(t, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second)))
}

// idle waits until the map has drawn what it was told.
func (b *tab) idle(t *testing.T) {
	t.Helper()
	eval[bool](t, b, "new Promise((resolve) => { gengtu.map.once('idle', () => resolve(true)); gengtu.map.triggerRepaint(); })")
}

// id is the selector of a data-testid.
func id(name string) chromedp.CSS { return chromedp.CSS(`[data-testid="` + name + `"]`) }

func (b *tab) click(t *testing.T, testid string) {
	t.Helper()
	b.run(t, chromedp.Click(id(testid), chromedp.NodeVisible))
}

// text returns the visible text of an element.
func (b *tab) text(t *testing.T, testid string) string {
	t.Helper()
	b.run(t, chromedp.WaitVisible(id(testid)))
	return eval[string](t, b, fmt.Sprintf("document.querySelector(%q).innerText", id(testid)))
}

// picture returns what the window shows. With SCREENSHOTS=directory it is also
// kept there, to be looked at.
func (b *tab) picture(t *testing.T, name string) image.Image {
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

// quiet fails the test if the page complained, asked another host, or put a
// token into an address.
func (b *tab) quiet(t *testing.T, server string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		t.Errorf("the page said: %s", s)
	}
	for _, a := range b.asked {
		if !strings.HasPrefix(a, server+"/") && !strings.HasPrefix(a, "blob:"+server+"/") && !strings.HasPrefix(a, "data:") {
			t.Errorf("the page asked another host: %s", a)
		}
	}
}
