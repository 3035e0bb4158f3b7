package benchmarks

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"gengtu/tileserver/viewer/viewertest"
)

// BenchmarkPage measures the viewer's page as a reader has it: the binary serves the
// landscape, Chromium opens the page, 1280 × 800. There is no graphics card in between:
// SwiftShader paints on the processor, so that frames are slower than on any desk.
//
// open=cold has nothing in the browser's cache, open=warm what a first visit left there:
// first-ms is from the start of the navigation until the map stands there with all its
// tiles, catalog-ms until the page has begun to ask for data (its own code has run), and
// bytes what came over the line.
//
// move=pan and move=zoom are what a hand does, at three zooms: the deltas of
// requestAnimationFrame while the map moves for two seconds, their middle, the 95th of 100
// and the longest. script-ms is the time of a frame that the page's code takes, MapLibre's
// included, on its main thread: what is left where a graphics card paints.
func BenchmarkPage(b *testing.B) {
	b.Run("data=map", func(b *testing.B) {
		server := program(b, open(b, "map").edition)
		for _, cache := range []string{"cold", "warm"} {
			b.Run("open="+cache+"/by=gengtu", func(b *testing.B) { openPage(b, server, cache == "warm") })
		}
		for _, zoom := range []int{11, 14, 16} {
			b.Run(fmt.Sprintf("move=pan/zoom=%d/by=gengtu", zoom), func(b *testing.B) {
				movePage(b, server, fmt.Sprintf("{type: 'pan', zoom: %d}", zoom))
			})
			b.Run(fmt.Sprintf("move=zoom/zoom=%d/by=gengtu", zoom), func(b *testing.B) {
				movePage(b, server, fmt.Sprintf("{type: 'zoom', zoom: %d}", zoom))
			})
		}
	})
}

// program starts the binary on an edition and returns its address; it ends with the
// benchmark.
func program(b *testing.B, edition string) string {
	b.Helper()
	if err := build(); err != nil {
		b.Fatal(err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	at := ln.Addr().String()
	if err := ln.Close(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(work, "gengtu"), "serve", "--edition", edition, "--open", "--listen", at)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			b.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if resp, err := http.Get("http://" + at + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + at
			}
		}
		if time.Now().After(deadline) {
			b.Fatal("the server is not ready after a minute")
		}
		<-time.After(50 * time.Millisecond)
	}
}

// opened is what the page says of its own beginning, in milliseconds from the start of the
// navigation, and bytes.
type opened struct{ First, Catalog, Bytes float64 }

// howOpened waits until the last picture is painted, not asked for alone: SwiftShader would
// else paint it while the next page begins.
const howOpened = `gengtu.ready.then(() => {
	const gl = gengtu.map.getCanvas().getContext('webgl2');
	gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
	const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
	return {
		First: performance.getEntriesByName('gengtu:map')[0].startTime,
		Catalog: all.find((e) => e.name.includes('/catalog')).startTime,
		Bytes: all.reduce((sum, e) => sum + e.transferSize, 0),
	};
})`

// openPage opens the page b.N times, each time in a profile of its own; when warm, what is
// measured is the second visit.
func openPage(b *testing.B, server string, warm bool) {
	in := viewertest.Browser(b)
	var first, catalog, bytes []float64
	for b.Loop() {
		tab := viewertest.OpenMap(b, in, server+"/?tier=secure", viewertest.Desktop)
		if warm {
			viewertest.Eval[opened](b, tab, howOpened)
			tab.Run(b, chromedp.Navigate("about:blank"), chromedp.Navigate(server+"/?tier=secure"))
			tab.Ready(b)
		}
		o := viewertest.Eval[opened](b, tab, howOpened)
		tab.Close()
		first, catalog, bytes = append(first, o.First), append(catalog, o.Catalog), append(bytes, o.Bytes)
	}
	b.ReportMetric(percentile(first, .5)*1e6, "ns/op")
	b.ReportMetric(percentile(first, .5), "first-ms")
	b.ReportMetric(percentile(first, 1), "worst-ms")
	b.ReportMetric(percentile(catalog, .5), "catalog-ms")
	b.ReportMetric(percentile(bytes, .5), "bytes")
}

// moving moves the map for two seconds and returns the deltas of the frames, in
// milliseconds. Nothing is still loading when it begins.
const moving = `(async ({type, zoom}) => {
	const map = gengtu.map;
	const drawn = () => new Promise((resolve) => { map.once('idle', resolve); map.triggerRepaint(); });
	map.jumpTo({zoom, center: map.getCenter()});
	await drawn();
	const deltas = [];
	let last = performance.now(), running = true;
	const frame = (now) => { deltas.push(now - last); last = now; if (running) requestAnimationFrame(frame); };
	requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
	const moved = new Promise((resolve) => map.once('moveend', resolve));
	if (type === 'pan') map.panBy([1600, 500], {duration: 2000, easing: (t) => t});
	else map.easeTo({zoom: zoom + 2, duration: 2000, easing: (t) => t});
	await moved;
	running = false;
	return deltas;
})`

// movePage moves the map b.N times.
func movePage(b *testing.B, server, how string) {
	in := viewertest.Browser(b)
	tab := viewertest.OpenMap(b, in, server+"/?tier=secure", viewertest.Desktop)
	defer tab.Close()
	viewertest.Eval[opened](b, tab, howOpened)
	var deltas []float64
	script := -scripted(b, tab)
	for b.Loop() {
		deltas = append(deltas, viewertest.Eval[[]float64](b, tab, moving+"("+how+")")...)
	}
	if len(deltas) < 2*b.N {
		b.Fatalf("%d frames", len(deltas))
	}
	script += scripted(b, tab)
	b.ReportMetric(mean(deltas)*1e6, "ns/op")
	b.ReportMetric(script*1e3/float64(len(deltas)), "script-ms")
	b.ReportMetric(percentile(deltas, .5), "p50-ms")
	b.ReportMetric(percentile(deltas, .95), "p95-ms")
	b.ReportMetric(percentile(deltas, 1), "worst-ms")
	b.ReportMetric(float64(len(deltas))/float64(b.N), "frames")
}

// scripted is the time that the page's scripts have taken so far, in seconds.
func scripted(b *testing.B, tab *viewertest.Tab) (seconds float64) {
	tab.Run(b, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, performance.Enable, performance.EnableParams{}); err != nil {
			return err
		}
		all, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, m := range all.Metrics {
			if m.Name == "ScriptDuration" {
				seconds = m.Value
			}
		}
		return nil
	}))
	return seconds
}
