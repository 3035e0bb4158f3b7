package main_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/access"
	"gengtu/tileserver/viewer/viewertest"
)

// toolsOf are the tools that a user with some operations sees, by what each asks.
func toolsOf(operations []access.Operation) []string {
	may := func(all ...access.Operation) bool {
		for _, o := range all {
			if !slices.Contains(operations, o) {
				return false
			}
		}
		return true
	}
	tools := []string{"zoom-in", "zoom-out", "zoom-fit"}
	add := func(is bool, more ...string) {
		if is {
			tools = append(tools, more...)
		}
	}
	add(may(access.Tiles), "layers-open", "swipe-open", "share-open")
	add(may(access.Overlay), "draw-polygon", "draw-rectangle", "draw-circle", "ask-file")
	add(may(access.Overlay, access.Tiles), "draw-pick")
	add(may(access.Analyses), "analyses-open")
	add(may(access.Analyses) || may(access.Overlay), "dash-open")
	add(may(access.Features), "search")
	slices.Sort(tools)
	return tools
}

// routesOf are parts of the addresses that belong to an operation.
var routesOf = map[access.Operation][]string{
	access.Tiles:    {"/secure/tiles/", "/secure/map.png", "/secure/base"},
	access.Features: {"/secure/features/", "/secure/places", "/secure/diff", "/items"},
	access.Overlay:  {"/secure/overlay", "/secure/summary"},
	access.Analyses: {"/secure/analyses"},
}

// useTools does with each tool that is seen what it is for.
func useTools(t *testing.T, b *viewertest.Tab, tools []string) {
	t.Helper()
	sees := func(id string) bool { return slices.Contains(tools, id) }
	if sees("ask-file") {
		viewertest.Eval[any](t, b, "gengtu.drawPolygon("+deliveryRings[1]+")")
		if pieces := viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=pieces-cropland]') !== null"); pieces != sees("search") {
			t.Errorf("single pieces are offered: %t", pieces)
		}
		if sees("search") {
			b.Click(t, "pieces-cropland")
			b.Until(t, "document.querySelector('[data-testid=pieces-sum]') !== null")
		}
		b.Click(t, "overlay-keep")
		b.Text(t, "compare")
		b.Click(t, "side-close")
		b.Click(t, "side-close")
	}
	// What is dropped is measured, or refused in words.
	b.Drop(t, viewertest.File{Name: "a.geojson", Data: collectionOf(deliveryRings)})
	b.Until(t, "document.querySelector('[data-testid=several]') !== null || document.getElementById('toast').innerText.includes('算面积')")
	if got := viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=several]') !== null"); got != sees("ask-file") {
		t.Errorf("a dropped file is measured: %t", got)
	}
	if sees("draw-pick") {
		b.Click(t, "draw-pick")
		b.Press(t, 640, 420)
		b.Until(t, "document.querySelectorAll('[data-testid=pick-levels] button').length > 2")
		b.Click(t, "draw-pick")
	}
	if sees("search") {
		viewertest.Eval[any](t, b, `(() => { const e = document.querySelector('[data-testid=search]'); e.value = '610402'; e.dispatchEvent(new Event('input')); })()`)
		b.Until(t, "document.querySelectorAll('#search-list [role=option]').length > 0")
		viewertest.Eval[any](t, b, "document.querySelector('[data-testid=search]').dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true})); null")
	}
	if sees("share-open") {
		b.Click(t, "share-open")
		b.Text(t, "share-list")
		b.Click(t, "swipe-open")
		b.Until(t, "document.getElementById('swipe') !== null")
		b.Click(t, "swipe-open")
	}
	if sees("analyses-open") {
		b.Click(t, "analyses-open")
		b.Click(t, "analyses-question-pbf-not-hsf")
		b.Click(t, "analyses-start")
		b.Text(t, "analyses-grid")
		goes := viewertest.Eval[bool](t, b, "document.querySelector('[data-testid=analyses-go-0]') !== null")
		if goes != sees("search") {
			t.Errorf("rows of an answer lead to the map: %t", goes)
		}
		if goes {
			b.Click(t, "analyses-go-0")
		}
	}
	if sees("dash-open") {
		useDashboard(t, b, sees("analyses-open"), sees("search"))
	}
	b.Idle(t)
}

// useDashboard looks at its views; features tells whether it leads to places and patches.
func useDashboard(t *testing.T, b *viewertest.Tab, analyses, features bool) {
	t.Helper()
	b.Click(t, "dash-open")
	b.Text(t, "dash-table")
	if goes := viewertest.Eval[bool](t, b, "document.querySelector('[data-testid^=dash-go-], #dashboard button.bar-row') !== null"); goes != features {
		t.Errorf("places of the ranking lead to the map: %t", goes)
	}
	if features {
		viewertest.Eval[any](t, b, "document.querySelector('[data-testid^=dash-go-]').click()")
		b.Until(t, "gengtu.map.querySourceFeatures('gengtu-selected').length > 0")
	}
	for view, there := range map[string]string{"trend": "dash-trend-pbf", "progress": "dash-progress-years", "flow": "dash-flow-table"} {
		b.Click(t, "dash-view-"+view)
		if !analyses {
			there = "dash-refused"
		}
		b.Until(t, "document.querySelector('[data-testid="+there+"]') !== null")
		if view == "flow" && analyses {
			viewertest.Eval[any](t, b, "document.querySelector('[data-testid^=dash-flow-0]').click()")
			listed := "dash-flow-picked"
			if !features {
				listed = "dash-flow-refused"
			}
			b.Until(t, "document.querySelector('[data-testid="+listed+"]') !== null")
		}
	}
}

// A user sees the tools that their token opens and no others, whatever each asks beside its
// own kind; using all of them, and an address that asks for all, no request is refused, and
// nothing is asked of what the token does not open.
func TestViewerTools(t *testing.T) {
	s := serve(t, bothYears(t))
	for _, operations := range [][]access.Operation{
		{access.Tiles}, {access.Features}, {access.Overlay}, {access.Analyses}, {access.Exchange},
		{access.Tiles, access.Overlay}, {access.Tiles, access.Features, access.Analyses}, access.Operations,
	} {
		var names []string
		for _, o := range operations {
			names = append(names, string(o))
		}
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			token := issueFor(t, s, access.Token{Name: strings.Join(names, "+"), Tier: "secure", Created: time.Now(), Expires: time.Now().Add(time.Hour), Scope: &access.Scope{Operations: operations}})
			b := viewertest.OpenMap(t, viewertest.Browser(t), s.URL+"/?tier=secure#tk="+token+"&map=13/34.33/108.64", viewertest.Desktop)
			want := toolsOf(operations)
			seen := viewertest.Eval[[]string](t, b, "[...document.querySelectorAll('#tools button, [data-testid=search]')].filter((e) => e.getClientRects().length > 0).map((e) => e.dataset.testid).sort()")
			if !slices.Equal(seen, want) {
				t.Errorf("seen: %v, want %v", seen, want)
			}
			b.Picture(t, "tools-"+strings.Join(names, "-"))
			useTools(t, b, want)
			// The address of a colleague who may do all.
			viewertest.Eval[any](t, b, "(location.hash = 'map=13/34.33/108.64&compare=2023,,50&job=none&dash=trend,,township,cropland,net,mu,')")
			b.Idle(t)
			for operation, routes := range routesOf {
				if slices.Contains(operations, operation) {
					continue
				}
				for _, a := range b.Asked() {
					if slices.ContainsFunc(routes, func(r string) bool { return strings.Contains(a, r) }) {
						t.Errorf("without %s, %s was asked for", operation, a)
					}
				}
			}
			for _, c := range b.Complaints(s.URL) {
				if !strings.Contains(c, "/analyses/none") { // which no one has
					t.Error(c)
				}
			}
		})
	}
}
