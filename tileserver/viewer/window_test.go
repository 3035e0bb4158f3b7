package viewer_test

import (
	"fmt"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// covered names the controls that are to be seen and whose middle is not theirs: another
// thing lies over it, or it lies out of the window or out of sight in what scrolls, cards aside.
const covered = `[...document.querySelectorAll('button, input, select, summary, a[href], [tabindex="0"]')].filter((el) => {
	const box = el.getBoundingClientRect();
	if (!box.width || !box.height || getComputedStyle(el).visibility === 'hidden' || el.closest('.map, [hidden], .hidden')) return false;
	const [x, y, card] = [box.left + box.width / 2, box.top + box.height / 2, el.closest('.card-body')?.getBoundingClientRect()];
	if (card && (y < card.top || y > card.bottom)) return false; // what a card scrolls to
	const hit = document.elementFromPoint(x, y);
	return !hit || !(el.contains(hit) || hit.closest('label')?.contains(el));
}).map((el) => (el.dataset.testid || el.id || el.className || el.tagName) + JSON.stringify(el.getBoundingClientRect()))`

// On small phones, upright and turned, and on a low window of a desk, no control lies under
// another or out of sight, in either language, with the slider of years and with two years
// side by side.
func TestControlsAreHit(t *testing.T) {
	for _, size := range [][2]int64{{360, 640}, {320, 568}, {640, 360}, {390, 844}, {720, 450}, {1024, 560}} {
		for _, lang := range []string{"zh-CN", "en-US"} {
			t.Run(fmt.Sprintf("%dx%d %s", size[0], size[1], lang), func(t *testing.T) {
				b := openYears(t, newContract(t), "", viewertest.View{Width: size[0], Height: size[1], Lang: lang, Mobile: size[0] < 720})
				check := func(state string) {
					t.Helper()
					b.Picture(t, fmt.Sprintf("window-%d-%s-%s", size[0], lang, state))
					for _, c := range viewertest.Eval[[]string](t, b, covered) {
						t.Errorf("%s: covered or out of sight: %s", state, c)
					}
					b.CheckWidth(t)
				}
				check("first")
				if n := viewertest.Eval[int](t, b, "[...document.querySelectorAll('#tools button')].filter((e) => e.getClientRects().length).length"); n < 10 {
					t.Errorf("%d tools are shown: the test would prove little", n)
				}
				if size[0] >= 720 {
					return
				}
				b.Click(t, "swipe-open")
				comparing(t, b)
				check("compared")
			})
		}
	}
}

// What the map shows first, and what the tool of the whole map brings back, is not covered
// by the slider of years, nor by the card or the tools: all of the extent lies beside them.
func TestFirstViewBesideSlider(t *testing.T) {
	for _, v := range []viewertest.View{{Width: 1280, Height: 800, Lang: "zh-CN"}, {Width: 1024, Height: 640, Lang: "en-US"}, {Width: 360, Height: 640, Lang: "zh-CN", Mobile: true}, {Width: 640, Height: 360, Lang: "zh-CN", Mobile: true}} {
		t.Run(fmt.Sprint(v.Width), func(t *testing.T) {
			b := openYears(t, newContract(t), "", v)
			beside := fmt.Sprintf(`(() => {
				const box = gengtu.map.getContainer().getBoundingClientRect(), over = (id) => document.getElementById(id).getBoundingClientRect();
				const at = (lon, lat) => { const p = gengtu.map.project([lon, lat]); return [p.x + box.left, p.y + box.top]; };
				const [left, top] = at(%v, %v), [right, bottom] = at(%v, %v);
				const wrong = [];
				if (bottom > over('vintage').top) wrong.push('the south lies under the slider: ' + bottom + ' > ' + over('vintage').top);
				if (innerWidth >= 720 && left < over('layers').right) wrong.push('the west lies under the card');
				if (innerWidth < 720 && right > document.querySelector('.tool-box').getBoundingClientRect().left) wrong.push('the east lies under the tools');
				if (top < box.top || left < 0 || right > innerWidth) wrong.push('beyond the window: ' + [left, top, right, bottom]);
				if (Math.max(right - left, bottom - top) < 60) wrong.push('next to nothing is shown: ' + [left, top, right, bottom]);
				return wrong;
			})()`, west, north, east, south)
			for _, wrong := range viewertest.Eval[[]string](t, b, beside) {
				t.Error("at first ", wrong)
			}
			viewertest.Eval[bool](t, b, "(gengtu.map.jumpTo({zoom: 15}), true)")
			b.Click(t, "zoom-fit")
			b.Until(t, "!gengtu.map.isMoving() && gengtu.map.getZoom() < 15")
			for _, wrong := range viewertest.Eval[[]string](t, b, beside) {
				t.Error("brought back ", wrong)
			}
			b.Picture(t, fmt.Sprintf("first-%d", v.Width))
		})
	}
}
