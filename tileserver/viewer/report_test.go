package viewer_test

import (
	"strings"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// What is wrong with a shape or with single features is said, sums that do not
// agree are shown as such, and text from data is text.
func TestReport(t *testing.T) {
	in := viewertest.Browser(t)
	c := newContract(t)
	b := viewertest.OpenMap(t, in, c.URL+"/", viewertest.Desktop)
	odd := figures(1)
	aoi := odd["aoi"].(map[string]any)
	aoi["mended"], aoi["problems"] = true, []any{map[string]any{"code": "RING_CROSSES", "zh": "环自相交", "en": "ring crosses itself"}, "AOI_OUTSIDE"}
	aoi["area_m2"] = aoi["area_m2"].(float64) - 100
	layer := odd["layers"].([]any)[0].(map[string]any)
	layer["gross_area_m2"] = layer["area_m2"].(float64) + 5
	layer["groups"] = []any{map[string]any{"DLBM": `<img src=x onerror="document.title='hacked'">`, "features": 1, "area_m2": 1, "net_m2": nil}}
	odd["failed"] = []any{map[string]any{"layer": "pbf", "id": 17, "code": "GEOMETRY", "zh": "图形无效", "en": "geometry not valid"}}
	c.answerNext(odd)
	viewertest.Eval[any](t, b, "gengtu.drawPolygon("+square+")")
	viewertest.Eval[bool](t, b, "(document.querySelector('.failed').open = true)")
	got := b.Text(t, "overlay-panel")
	for _, want := range []string{"环自相交", "RING_CROSSES", "没有所选图层的数据", "相差 100.00 平方米", "重叠重复计", "<img src=x", "图形无效", "未能计算的图斑（1）"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if title := viewertest.Eval[string](t, b, "document.title"); !strings.Contains(title, "耕图") {
		t.Errorf("title: %q", title)
	}
	b.CheckWidth(t)
	b.Picture(t, "report-odd")
}
