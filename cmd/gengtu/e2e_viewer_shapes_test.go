package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/tileserver/viewer/viewertest"
)

// sitingOf asks for siting of shapes by the API and returns a table of it.
func sitingOf(t *testing.T, s *server, shapes []byte, alt, crs string) []map[string]any {
	t.Helper()
	var collection struct {
		Type     string           `json:"type"`
		Features []map[string]any `json:"features"`
	}
	decode(t, shapes, &collection)
	for _, f := range collection.Features {
		f["properties"] = map[string]any{"alt": alt}
	}
	data, err := json.Marshal(map[string]any{"question": "siting", "shapes": collection, "crs": crs})
	if err != nil {
		t.Fatal(err)
	}
	return s.answerOf(t, "secure", string(data), "siting")
}

// A zipped shapefile in a zone, GeoJSON and a TXT in GBK that are dropped on
// the form of siting are asked about as the API is, and are not measured, too. What is wrong
// with a file is said in the form.
func TestViewerSitingFiles(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure)
	collection := collectionOf(deliveryRings)
	packed, _, plane := zonedShapefile(t, collection)
	data, err := os.ReadFile(boundaryFile(t, 3, 65))
	if err != nil {
		t.Fatal(err)
	}
	txt := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(",36466"), []byte(",36559")), []byte(",3799"), []byte(",3800"))
	var job askedJob
	decode(t, s.do(t, http.MethodPost, "/secure/analyses?question=siting", txt, "Content-Type", "text/plain").Body, &job)
	s.do(t, http.MethodGet, "/secure/analyses/"+job.ID+"/events", nil)
	ofTXT := rowsOfJob(t, s, job.ID, "siting")

	b := openViewer(t, s, "secure", "map=13/34.33/108.64", viewertest.Desktop)
	form := func() {
		b.Click(t, "analyses-open")
		b.Click(t, "analyses-question-siting")
		b.Text(t, "analyses-shapes")
	}
	form()
	b.DropOn(t, "[data-testid=analyses-shapes]", viewertest.File{Name: "a.zip", Data: packed[:len(packed)/2]})
	b.Until(t, "document.querySelector('#analyses [data-testid=file-problem]')?.innerText.includes('不完整')")
	b.Picture(t, "siting-file-bad")
	for name, c := range map[string]struct {
		file viewertest.File
		want []map[string]any
	}{
		"zip":     {viewertest.File{Name: "地块.zip", Data: packed}, sitingOf(t, s, plane, "地块", "EPSG:4524")},
		"GeoJSON": {viewertest.File{Name: "地块.geojson", Data: collection}, sitingOf(t, s, collection, "地块", "")},
		"TXT":     {viewertest.File{Name: "界址点.txt", Data: txt}, ofTXT},
	} {
		form()
		b.DropOn(t, "[data-testid=analyses-shapes]", c.file)
		b.Until(t, "document.querySelectorAll('.analyses-shapes li').length === 1")
		b.Picture(t, "siting-file-"+name)
		b.Click(t, "analyses-start")
		b.Text(t, "analyses-grid")
		id := viewertest.Eval[string](t, b, `document.querySelector('[data-testid="analyses-result"]').dataset.job`)
		got := rowsOfJob(t, s, id, "siting")
		if diff := cmp.Diff(c.want, got); diff != "" || len(got) == 0 || fmt.Sprint(got[0]["area_m2"]) == "0" {
			t.Errorf("%s: the page's answer is another than the API's (-API +page):\n%s%v", name, diff, got)
		}
	}
	for _, a := range b.Asked() {
		if strings.Contains(a, "/overlay") {
			t.Errorf("a file for siting was measured, too: %s", a)
		}
	}
}

// rowsOfJob is a table of a job's answer.
func rowsOfJob(t *testing.T, s *server, id, name string) []map[string]any {
	t.Helper()
	var a answerRead
	decode(t, s.get(t, http.StatusOK, "/secure/analyses/"+id+"/result.json").Body, &a)
	for _, table := range a.Tables {
		if table.Name == name {
			return table.Rows
		}
	}
	t.Fatalf("job %s has no table %s", id, name)
	return nil
}
