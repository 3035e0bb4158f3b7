package viewertest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe is the program that judges a page by WCAG 2.2 A and AA, read once from the packages
// of the page's tests. It is never part of the page.
var axe = struct {
	sync.Mutex
	source string
}{}

// judged runs axe and lists what it calls serious or critical: the rule, what is wrong,
// and each element with what axe says of it. A target that lies partly under a menu that
// the reader has opened is none too small (WCAG 2.5.8).
const judged = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations']})
	.then(({violations}) => violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.flatMap((v) => v.nodes.filter((n) => !n.any.some(({data}) => /obscured/i.test(data?.messageKey ?? ''))).map((n) => v.impact + ' ' + v.id + ': ' + v.help + '\n  ' + n.target.join(' ') + ' ' + n.html.slice(0, 200) + '\n  ' + n.failureSummary.replaceAll('\n', ' '))))`

// Faults lists what axe finds serious or critical for those who do not see the page, or do
// not use a mouse, in its present state.
func (b *Tab) Faults(t testing.TB) []string {
	t.Helper()
	if !Eval[bool](t, b, "'axe' in window") {
		b.Run(t, chromedp.Evaluate[chromedp.Void](axeSource(t)))
	}
	return Eval[[]string](t, b, judged)
}

// CheckAccess fails the test when axe finds a serious fault: see [Tab.Faults].
func (b *Tab) CheckAccess(t testing.TB) {
	t.Helper()
	for _, f := range b.Faults(t) {
		t.Error(f)
	}
}

func axeSource(t testing.TB) string {
	t.Helper()
	axe.Lock()
	defer axe.Unlock()
	if axe.source == "" {
		data, err := os.ReadFile(filepath.Join(Page(t), "node_modules", "axe-core", "axe.min.js"))
		if err != nil {
			t.Fatal(err)
		}
		axe.source = string(data)
	}
	return axe.source
}
