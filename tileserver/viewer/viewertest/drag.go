package viewertest

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Drag presses the left button of the mouse at a pixel of the window, takes it along in a
// few steps and lets it go at another.
func (b *Tab) Drag(t testing.TB, x0, y0, x1, y1 float64) {
	t.Helper()
	left := chromedp.ButtonType(input.MouseButtonLeft)
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x0, y0),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x0, y0, left, chromedp.ClickCount(1)))
	for _, part := range []float64{0.1, 0.5, 0.9, 1} {
		b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x0+part*(x1-x0), y0+part*(y1-y0), left))
	}
	b.Run(t, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x1, y1, left, chromedp.ClickCount(1)))
}

// Swipe is [Tab.Drag] with a finger.
func (b *Tab) Swipe(t testing.TB, x0, y0, x1, y1 float64) {
	t.Helper()
	at := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		b.Run(t, command(input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}))
	}
	at(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: x0, Y: y0})
	for _, part := range []float64{0.1, 0.5, 0.9, 1} {
		at(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: x0 + part*(x1-x0), Y: y0 + part*(y1-y0)})
	}
	at(input.DispatchTouchEventTypeTouchEnd)
}
