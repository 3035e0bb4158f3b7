package viewer_test

import (
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// What the catalogue says of a layer lies folded below it, in the page's language,
// as text whatever it is, with its picture and links; of a layer of which nothing is said there is no fold.
func TestRecord(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	first := "record-" + served[0].Name
	for name, want := range map[string][]string{
		"zh": {"现状 › 耕地资源 › 耕地资源", "核心 （待确认）", "按需", "<b>变更调查</b>", "县局\n0910", "公众版"},
		"en": {"Core (not confirmed)", "As needed", "Public edition"},
	} {
		v := viewertest.Desktop
		if name == "en" {
			v = viewertest.English
		}
		b := viewertest.OpenMap(t, in, c.URL+"/", v)
		b.Click(t, first)
		b.Until(t, "document.querySelector('details.record img')?.naturalWidth > 0")
		got := b.Text(t, first)
		b.Picture(t, "record-"+name)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in %q", name, w, got)
			}
		}
		if n := viewertest.Eval[int](t, b, "document.querySelectorAll('details.record').length"); n != 1 {
			t.Errorf("%s: %d folds", name, n)
		}
		if links := viewertest.Eval[string](t, b, "[...document.querySelectorAll('.record-links a')].map((a) => a.getAttribute('href')).join()"); links != "/public/legend.json" {
			t.Errorf("%s: links %s", name, links)
		}
		b.Quiet(t, c.URL)
	}
}
