package tileserver_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"gengtu/benchmarks/suite"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
)

// The form of an answer, by f= and by Accept.
func TestOverlayFormats(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
	for _, c := range []struct{ name, query, accept, want string }{
		{"nothing asked", "", "", "application/json"}, {"anything", "", "*/*", "application/json"}, {"JSON by name", "&f=json", "text/csv", "application/json"},
		{"lines", "&f=ndjson", "", "application/x-ndjson"}, {"lines by Accept", "", "application/x-ndjson", "application/x-ndjson"}, {"lines by another name", "", "application/ndjson", "application/x-ndjson"},
		{"a table", "&f=csv", "", "text/csv; charset=utf-8"}, {"a table by Accept", "", "text/csv, application/json;q=0.5", "text/csv; charset=utf-8"},
		{"a workbook", "&f=xlsx", "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"a page", "&f=html", "", "text/html; charset=utf-8"}, {"what a browser asks", "", browser, "text/html; charset=utf-8"},
		{"pieces", "&f=geojson", "", "application/geo+json"}, {"pieces by Accept", "", "application/geo+json", "application/geo+json"},
		{"application/*", "", "application/*", "application/json"}, {"the more particular range counts", "", "application/json;q=0, application/*", "application/x-ndjson"},
	} {
		h := head
		if c.accept != "" {
			h = append(h, "Accept", c.accept)
		}
		for _, send := range []func() reply{
			func() reply { return s.get(t, "/government/overlay?place=610402001&group_by=DLBM"+c.query, h...) },
			func() reply { return s.post(t, "/government/overlay?x=1"+c.query, `{"place":"610402001"}`, h...) },
		} {
			r := send()
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != c.want {
				t.Errorf("%s: %d %s, want %s", c.name, r.StatusCode, r.Header.Get("Content-Type"), c.want)
				continue
			}
			if c.query == "" && !strings.Contains(r.Header.Get("Vary"), "Accept") {
				t.Errorf("%s: Vary %q", c.name, r.Header.Get("Vary"))
			}
			checkForm(t, c.name, r)
		}
	}
	wantProblem(t, "a form there is not", s.get(t, "/government/overlay?place=61", append(head, "Accept", "image/png")...), 406, "not_acceptable")
	public := serve(t, nil, edition.Public)
	wantProblem(t, "pieces that the policy refuses", public.get(t, "/public/overlay?bbox=108.7,34.3,108.701,34.301&f=geojson"), 403, "policy")
}

// checkForm checks that an answer about the place is of the form it says.
func checkForm(t *testing.T, at string, r reply) {
	t.Helper()
	var err error
	var ok bool
	switch kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind {
	case "application/json":
		ok = near(decode[overlayAnswer](t, r).AOI.AreaM2, lotArea(0, 0, 4, lots))
	case "application/x-ndjson":
		ok = strings.Count(string(r.body), "\n") == 1 && decode[overlayAnswer](t, r).Status == "ok"
	case "text/csv":
		var rows [][]string
		rows, err = csv.NewReader(bytes.NewReader(r.body[3:])).ReadAll()
		ok = len(rows) > 4 && rows[1][3] == "aoi" && strings.Contains(r.Header.Get("Content-Disposition"), "overlay.csv")
	case "text/html":
		ok = bytes.Contains(r.body, []byte("<h1>叠加面积表")) && strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'")
	case "application/geo+json":
		ok = len(decode[struct{ Features []any }](t, r).Features) > 30
	default:
		_, err = zip.NewReader(bytes.NewReader(r.body), int64(len(r.body)))
		ok = strings.Contains(r.Header.Get("Content-Disposition"), "overlay.xlsx")
	}
	if err != nil || !ok {
		t.Errorf("%s: %v %.300s", at, err, r.body)
	}
}

// Asked again the answer has the same bytes, and the same ETag where it may be
// kept.
func TestOverlayAgain(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	for _, form := range []string{"json", "ndjson", "csv", "xlsx", "html", "geojson"} {
		address := "/government/overlay?bbox=108.7001,34.3001,108.7053,34.3049&group_by=DLBM&f=" + form
		a, b := s.get(t, address, head...), s.get(t, address, head...)
		if !bytes.Equal(a.body, b.body) || a.Header.Get("ETag") == "" || a.Header.Get("ETag") != b.Header.Get("ETag") {
			t.Errorf("%s: other bytes, or ETag %q and %q", form, a.Header.Get("ETag"), b.Header.Get("ETag"))
		}
		if r := s.get(t, address, append(head, "If-None-Match", a.Header.Get("ETag"))...); r.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for what is held", form, r.StatusCode)
		}
	}
}

// boundaryFile is a surveyor's TXT of plots of lots.
func boundaryFile(boxes ...geo.Box) string {
	crs, err := geo.EPSG(4524)
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	b.WriteString("[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n带号=36\n计量单位=米\n[地块坐标]\n")
	for i, box := range boxes {
		fmt.Fprintf(&b, "5,1.0,DK%02d,地块,面,,道路,,@\n", i+1)
		for k, p := range box.Polygon()[0] {
			xy := crs.Forward(p.LonLat())
			fmt.Fprintf(&b, "J%d,1,%.4f,%.4f\n", k%4+1, xy.Y, xy.X)
		}
	}
	return b.String()
}

// Shapes come in as the body itself too, with the question in the address.
func TestOverlayBodies(t *testing.T) {
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	const address = "/government/overlay?layers=cropland,pbf&group_by=DLBM"
	square := lotPolygon(0, 0, 2, 2)
	want := lotArea(0, 0, 2, 2)
	feature := `{"type":"Feature","id":"x","properties":{"n":1},"geometry":` + square + `}`
	txt := boundaryFile(lotBox(0, 0, 2, 2), lotBox(60, 60, 61, 61))
	for _, c := range []struct {
		name, contentType, query, body string
		count                          int // of answers; 0 is one that stands alone
	}{
		{"GeoJSON", "application/geo+json", "", square, 0}, {"a feature", "application/geo+json", "", feature, 0},
		{"a collection", "application/geo+json; charset=utf-8", "", `{"type":"FeatureCollection","features":[` + feature + `,` + feature + `]}`, 2},
		{"lines", "application/x-ndjson", "", feature + "\n" + square + "\n", 2}, {"a text sequence", "application/geo+json-seq", "", "\x1e" + feature + "\n\x1e" + feature + "\n", 2},
		{"boundary points", "text/plain", "", txt, 2}, {"boundary points in a system that is said", "text/plain; charset=utf-8", "&crs=EPSG:4524", txt, 2},
	} {
		r := s.post(t, address+c.query, c.body, append(head, "Content-Type", c.contentType)...)
		var first overlayAnswer
		if c.count == 0 {
			first = decode[overlayAnswer](t, r)
		} else if all := decode[[]overlayAnswer](t, r); len(all) == c.count {
			first = all[0]
		}
		if len(first.Layers) != 2 || !(first.AOI.AreaM2 > want-0.02 && first.AOI.AreaM2 < want+0.02) || len(first.Layers[0].Groups) != 3 {
			t.Errorf("%s: %d %.300s", c.name, r.StatusCode, r.body)
		}
	}
	all := decode[[]overlayAnswer](t, s.post(t, address, txt, append(head, "Content-Type", "text/plain")...))
	if all[0].ID != "DK01" || all[0].Properties.(map[string]any)["use"] != "道路" || len(all[0].AOI.Problems) != 1 || all[0].AOI.Problems[0].Code != "AREA_STATED" || all[1].AOI.Problems[0].Code != "AOI_OUTSIDE" {
		t.Errorf("boundary points: %+v", all)
	}
	if r := s.post(t, "/government/overlay", `{"geometry":`+square+`,"layers":["pbf"]}`, append(head, "Content-Type", "text/plain;charset=UTF-8")...); len(decode[overlayAnswer](t, r).Layers) != 1 {
		t.Errorf("JSON sent as text: %.300s", r.body)
	}
	for _, c := range []struct{ name, contentType, query, body, code string }{
		{"a place beside", "application/geo+json", "?place=61", square, "parameter_shape"}, {"a box beside", "text/plain", "?bbox=1,2,3,4", txt, "parameter_shape"},
		{"no GeoJSON", "application/geo+json", "", "x", "geojson_syntax"}, {"no TXT", "text/plain", "", "hello", "txt_syntax"}, {"an empty one", "text/plain", "", "", "txt_no_parcels"},
		{"TXT without its type", "application/json", "", txt, "parameter_content"}, {"a member twice", "application/json", "", `{"place":"61","place":"62"}`, "json_member"},
		{"a file of another zone", "text/plain", "", strings.Replace(txt, "带号=36", "带号=37", 1), "txt_zone"},
	} {
		wantProblem(t, c.name, s.post(t, "/government/overlay"+c.query, c.body, append(head, "Content-Type", c.contentType)...), 400, c.code)
	}
}

// plots is a collection of n features with ids.
func plots(n int) string {
	var b strings.Builder
	b.WriteString(`{"geometry":{"type":"FeatureCollection","features":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		x, y := i%lots, i/lots%lots
		fmt.Fprintf(&b, `{"type":"Feature","id":%d,"properties":{"n":"%d"},"geometry":%s}`, i+1, i+1, lotPolygon(x, y, x+1, y+1))
	}
	b.WriteString(`]}}`)
	return b.String()
}

// Five thousand plots are answered in one request, in order, in every form that
// lists them; what is long comes in parts.
func TestOverlayManyPlots(t *testing.T) {
	const n = 5000
	s := serve(t, nil, edition.Government)
	head := s.bearer(edition.Government)
	body := plots(n)
	array := s.post(t, "/government/overlay", body, head...)
	var answers []overlayAnswer
	if err := json.Unmarshal(array.body, &answers); err != nil || len(answers) != n || array.ContentLength >= 0 {
		t.Fatalf("%d answers, %v, length %d", len(answers), err, array.ContentLength)
	}
	for i, a := range answers {
		x, y := i%lots, i/lots%lots
		if a.ID != float64(i+1) || a.Status != "ok" || !near(a.Layers[0].AreaM2, lotArea(x, y, x+1, y+1)) {
			t.Fatalf("answer %d: %+v", i+1, a)
		}
	}
	suite.Count(t, "plots", float64(len(answers)), "plots")
	lines := s.post(t, "/government/overlay?f=ndjson", body, head...)
	if got := "[" + strings.ReplaceAll(strings.TrimSpace(string(lines.body)), "\n", ",") + "]"; got != string(array.body) {
		t.Error("lines and array tell different things")
	}
	packed := s.post(t, "/government/overlay?f=ndjson", body, append(head, "Accept-Encoding", "gzip")...)
	z, err := gzip.NewReader(bytes.NewReader(packed.body))
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal(err, packed.Header)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, lines.body) || len(packed.body)*4 > len(got) {
		t.Errorf("compressed: %v, %d of %d bytes", err, len(packed.body), len(got))
	}
	for form, least := range map[string]int{"csv": 5 * n, "html": n, "xlsx": 0} {
		r := s.post(t, "/government/overlay?f="+form, body, head...)
		if r.StatusCode != http.StatusOK || bytes.Count(r.body, []byte("\n")) < least {
			t.Errorf("%s: %d, %d bytes", form, r.StatusCode, len(r.body))
		}
	}
	if m := s.get(t, "/metrics"); strings.Contains(string(m.body), `gengtu_bytes_total{route="overlay",tier="government"} 0`) {
		t.Error("the bytes of what is streamed are not counted")
	}
	wantProblem(t, "plots too many", s.post(t, "/government/overlay", plots(10_001), head...), 413, "too_large_collection")
	free := s.Server.HoldPlaces() // blocks unless all places are free again
	free()
}

// When time is over on the way, the last line says so; what was not begun to be
// sent is a problem as ever.
func TestOverlayCutOff(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.Overlay = 30 * time.Millisecond }, edition.Public)
	body := plots(10_000)
	r := s.post(t, "/public/overlay?f=ndjson", body)
	lines := strings.Split(strings.TrimSpace(string(r.body)), "\n")
	var last overlayAnswer
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || r.StatusCode != http.StatusOK || last.Status != "aborted" || last.Problem.Code != "TIMEOUT" || len(lines) > 10_000 {
		t.Errorf("%d lines, the last is %s, %v", len(lines), lines[len(lines)-1], err)
	}
	for i, l := range lines[:len(lines)-1] {
		if !strings.HasPrefix(l, `{"id":`+strconv.Itoa(i+1)+`,`) {
			t.Fatalf("line %d is %.60s", i+1, l)
		}
	}
	wantProblem(t, "a workbook", s.post(t, "/public/overlay?f=xlsx", body), 503, "timeout")
}

// logged waits until the log says text, and returns whether it did.
func logged(s *service, text string) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if strings.Contains(s.log.String(), text) {
			return true
		}
	}
	return false
}

// A client that goes away ends the work for it: its place is free long before the
// work would be done, and the generation is let go.
func TestOverlayClientGone(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.OverlayAtOnce = 1 }, edition.Public)
	s.stop()
	var err error
	if s.Server, err = tileserver.New(tileserver.Config{
		Editions: []string{s.dirs[edition.Public]}, Limits: tileserver.Limits{OverlayAtOnce: 1, Overlay: time.Minute, AOIFeatures: 200_000, AOIVertices: 2e6, BodyBytes: 64 << 20}, Lang: "en",
		Log: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, ln)
	body := plots(20_000)
	for form, says := range map[string]string{"ndjson": "the client went away", "xlsx": "context canceled"} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "POST /public/overlay?f=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", form, len(body), body); err != nil {
			t.Fatal(err)
		}
		if form == "ndjson" {
			in, line := bufio.NewReader(c), ""
			for err == nil && !strings.HasPrefix(line, `{"id":1,`) {
				line, err = in.ReadString('\n') // the head, then chunks
			}
			if err != nil {
				t.Fatal(err)
			}
		} else {
			<-time.After(100 * time.Millisecond)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if !logged(s, says) {
			t.Errorf("%s: the work went on, %s", form, s.log.String())
		}
		free := s.Server.HoldPlaces() // blocks as long as one is taken
		free()
	}
	if n := s.OpenGenerations(); n != 1 {
		t.Errorf("%d generations are open", n)
	}
}

// A connection serves on after an answer in parts, and requests that were sent
// ahead of it are answered.
func TestOverlayPipelined(t *testing.T) {
	_, addr := serveTCP(t, tileserver.Limits{})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // read to its end
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	body := plots(5000)
	request := fmt.Sprintf("POST /public/overlay?f=ndjson HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	go func() {
		_, _ = io.WriteString(c, request) // reading tells
		<-time.After(60 * time.Millisecond)
		_, _ = io.WriteString(c, request+"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	}()
	in := bufio.NewReader(c)
	for i := range 3 {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i+1, err)
		}
		data, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK || i < 2 && bytes.Count(data, []byte("\n")) != 5000 {
			t.Errorf("answer %d: %d, %d bytes, %v", i+1, res.StatusCode, len(data), err)
		}
	}
}
