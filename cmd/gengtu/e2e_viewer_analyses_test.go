package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gengtu/tileserver/viewer/viewertest"
)

// shownCell is a figure of a table of the page: its row, its column and its value.
type shownCell struct {
	Row   int
	Name  string
	Value float64
}

// answerRead is result.json as far as the page shows it.
type answerRead struct {
	Tables []struct {
		Name string
		Rows []map[string]any
	}
}

// askedOnPage asks a question by the page's form, by village, waits for its answer and
// returns the job's id and the API's result.json.
func askedOnPage(t *testing.T, s *server, b *viewertest.Tab, question string) (string, answerRead) {
	t.Helper()
	b.Click(t, "analyses-open")
	b.Until(t, `document.querySelector('[data-testid="analyses-question-`+question+`"]')`)
	b.Click(t, "analyses-question-"+question)
	b.Click(t, "analyses-start")
	b.Until(t, `document.querySelector('[data-testid="analyses-grid"]')`)
	id := viewertest.Eval[string](t, b, `document.querySelector('[data-testid="analyses-result"]').dataset.job`)
	var a answerRead
	decode(t, s.get(t, http.StatusOK, "/secure/analyses/"+id+"/result.json").Body, &a)
	return id, a
}

// checkShown compares every figure of every table of the page, in all units, with the API's.
func checkShown(t *testing.T, b *viewertest.Tab, a answerRead) {
	t.Helper()
	for _, table := range a.Tables {
		if len(table.Rows) == 0 {
			continue
		}
		b.Click(t, "analyses-table-"+table.Name)
		compared := map[string]bool{}
		for _, unit := range []string{"mu", "ha", "m2"} {
			viewertest.Eval[any](t, b, `(() => { const e = document.querySelector('[data-testid="analyses-unit"]'); if (e) { e.value = '`+unit+`'; e.dispatchEvent(new Event('change')); } })()`)
			cells := viewertest.Eval[[]shownCell](t, b, `[...document.querySelectorAll('[data-testid="analyses-grid"] tbody td data')].map((d) => ({Row: Number(d.closest('tr').dataset.row), Name: d.closest('td').dataset.name, Value: Number(d.value)}))`)
			for _, c := range cells {
				compared[fmt.Sprint(c.Row, " ", c.Name)] = true
				if want, ok := table.Rows[c.Row][c.Name].(float64); !ok || want != c.Value {
					t.Errorf("%s, row %d, %s: the page has %v, the API %v", table.Name, c.Row, c.Name, c.Value, table.Rows[c.Row][c.Name])
				}
			}
		}
		want := 0
		for _, row := range table.Rows[:min(len(table.Rows), 200)] {
			for _, v := range row {
				if _, is := v.(float64); is {
					want++
				}
			}
		}
		if len(compared) != want {
			t.Errorf("%s: the page shows %d figures of its first rows, the API has %d", table.Name, len(compared), want)
		}
	}
}

// pageMiddle is where the middle of the part of the map that no card covers is, in degrees.
const pageMiddle = `(({lng, lat}) => [lng, lat])(gengtu.map.unproject([document.getElementById('side').getBoundingClientRect().left / 2, gengtu.map.getContainer().clientHeight / 2]))`

// checkDownload compares what the page's button saves with the API's bytes.
func checkDownload(t *testing.T, s *server, b *viewertest.Tab, button, path string) {
	t.Helper()
	digest := viewertest.Eval[string](t, b, `(async () => {
		const made = URL.createObjectURL;
		const blob = await new Promise((resolve) => {
			URL.createObjectURL = (b) => { resolve(b); return made.call(URL, new Blob([])); };
			document.querySelector('[data-testid="`+button+`"]').click();
		});
		URL.createObjectURL = made;
		return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (c) => String.fromCharCode(c)).join(''));
	})()`)
	var got []byte
	if err := json.Unmarshal([]byte(strconv.Quote(digest)), &got); err != nil {
		t.Fatal(err)
	}
	if want := s.get(t, http.StatusOK, path).Body; !bytes.Equal(got, want) {
		t.Errorf("%s saves %d bytes, the API gives %d", button, len(got), len(want))
	}
}

// The questions of flows, of areas and of progress are asked of both vintages of the
// delivery on the page: the figures of their tables and what is saved are the API's, a row
// takes the map to its place or its piece, and the layer of pieces is drawn.
func TestViewerAnalyses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secure")
	args := []string{"ingest", "--out", dir, "--zooms", "9-11"}
	for _, year := range []string{"2023", "2024"} {
		args = append(args, "--layer", "dltb@"+year+"="+delivery(t, "delivery", year, "DLTB.shp"), "--layer", "pbf@"+year+"="+delivery(t, "delivery", year, "YJJBNTTB.gpkg"),
			"--layer", "hsf@"+year+"="+delivery(t, "delivery", year, "GBZNT.geojson"), "--layer", "region@"+year+"="+delivery(t, "delivery", year, "XZQ.fgb"))
	}
	must(t, args...)
	s := serve(t, dir)
	b := openViewer(t, s, "secure", "", viewertest.Desktop)

	flows, a := askedOnPage(t, s, b, "flows")
	checkShown(t, b, a)
	_, a = askedOnPage(t, s, b, "summary")
	checkShown(t, b, a)
	b.Picture(t, "binary-analyses-summary")
	b.Click(t, "analyses-table-"+a.Tables[0].Name)
	b.Click(t, "analyses-go-0")
	code := a.Tables[0].Rows[0]["xzqdm"].(string)
	var found struct {
		Places []struct {
			Code   string
			Extent [4]float64
		}
	}
	decode(t, s.get(t, http.StatusOK, "/secure/places?q="+code).Body, &found)
	if len(found.Places) == 0 || found.Places[0].Code != code {
		t.Fatalf("no place %s: %+v", code, found)
	}
	e := found.Places[0].Extent
	b.Until(t, fmt.Sprintf("(([lng, lat]) => lng > %v && lng < %v && lat > %v && lat < %v)(%s)", e[0], e[2], e[1], e[3], pageMiddle))

	id, a := askedOnPage(t, s, b, "pbf-not-hsf")
	checkShown(t, b, a)
	run := viewertest.Eval[string](t, b, `gengtu.map.getStyle().layers.find((l) => l.id.startsWith('a-')).id.split('-')[1]`)
	layer := "a-" + run + "-pbf_not_hsf"
	b.Click(t, "analyses-table-pbf_not_hsf")
	b.Click(t, "analyses-go-0")
	b.Until(t, "gengtu.map.getZoom() > 13")
	b.Idle(t)
	pieces := viewertest.Eval[[]int](t, b, `gengtu.map.queryRenderedFeatures({layers: gengtu.map.getStyle().layers.map((l) => l.id).filter((id) => id.startsWith('`+layer+`'))}).map((f) => f.id)`)
	if !slices.Contains(pieces, 1) {
		t.Errorf("the piece of the first row is not drawn: %v", pieces)
	}
	b.Picture(t, "binary-analyses-pieces")
	viewertest.Eval[any](t, b, `void (document.querySelector('[data-testid="analyses-downloads"]').open = true)`)
	checkDownload(t, s, b, "analyses-file-csv-pbf_hsf_progress", "/secure/analyses/"+id+"/result.csv?table=pbf_hsf_progress")
	checkDownload(t, s, b, "analyses-file-zip", "/secure/analyses/"+id+"/result.zip")

	// The address restores a job for whoever may see it.
	again := openViewer(t, s, "secure", "job="+flows, viewertest.English)
	again.Until(t, `document.querySelector('[data-testid="analyses-grid"]')?.dataset.table === 'flow'`)
}

// Public is asked for what its policy lets be told, and no more.
func TestViewerAnalysesPublic(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	b := openViewer(t, s, "public", "", viewertest.Phone)
	var list struct{ Questions []struct{ Name string } }
	decode(t, s.get(t, http.StatusOK, "/public/analyses").Body, &list)
	if len(list.Questions) != 1 || list.Questions[0].Name != "summary" {
		t.Fatalf("public offers %+v", list)
	}
	b.Click(t, "analyses-open")
	b.Until(t, `document.querySelector('[data-testid="analyses-question-summary"]')`)
	if n := viewertest.Eval[int](t, b, `document.querySelectorAll('.analyses-question').length`); n != 1 {
		t.Errorf("the page offers %d questions", n)
	}
	b.Click(t, "analyses-question-summary")
	b.Click(t, "analyses-start")
	b.Until(t, `document.querySelector('[data-testid="analyses-grid"]')`)
	b.Click(t, "analyses-back")
	b.Until(t, `document.querySelector('.analyses-job')`) // the tab remembers it
	b.Picture(t, "binary-analyses-public")
}
