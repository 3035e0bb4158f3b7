package tileserver_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver"
	"gengtu/tileserver/access"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// A question is asked, followed to its end and answered in all forms; asked again it is
// the same job with the same bytes, and a server that never saw it finds the same bytes.
func TestAnalysis(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, func(c *tileserver.Config) { c.JobsDir = dir }, edition.Secure)
	head := s.bearer(edition.Secure)
	list := decode[struct {
		Questions []struct {
			Name       string
			Answerable bool
		}
		Jobs []analysis
	}](t, s.get(t, "/secure/analyses", head...))
	if len(list.Questions) < 3 || len(list.Jobs) > 0 {
		t.Errorf("%+v", list)
	}
	a := s.analyse(t, edition.Secure, outside, http.StatusAccepted, head...)
	events := s.follow(t, edition.Secure, a.ID, head...)
	if names(events) != "waiting running progress done" {
		t.Error(names(events))
	}
	if rest := s.follow(t, edition.Secure, a.ID, append(head, "Last-Event-ID", events[len(events)-2].id)...); names(rest) != "done" {
		t.Errorf("behind the last but one: %s", names(rest))
	}
	again := s.analyse(t, edition.Secure, `{"by":"village","question":"hsf-outside-pbf"}`, http.StatusOK, head...)
	if again.ID != a.ID || again.State != "done" || !again.Current {
		t.Errorf("%+v", again)
	}
	files := s.results(t, again, head...)
	forms := map[string]bool{}
	for name := range files {
		form, _, _ := strings.Cut(name, " ")
		forms[form] = true
	}
	for _, form := range []string{"json", "csv", "xlsx", "geojson", "html"} {
		if !forms[form] {
			t.Errorf("no %s in %v", form, forms)
		}
	}
	if !strings.Contains(files["json "], again.Run) || strings.Contains(files["json "], a.ID) {
		t.Error("the answer does not name its run, or names its job")
	}
	other := s.analyse(t, edition.Secure, `{"question":"hsf-outside-pbf","by":"county"}`, http.StatusAccepted, head...)
	if other.ID == a.ID || other.Run == a.Run {
		t.Error("another question is the same job")
	}
	s.follow(t, edition.Secure, other.ID, head...)
	fresh := serve(t, nil, edition.Secure)
	b := fresh.answered(t, edition.Secure, outside, fresh.bearer(edition.Secure)...)
	for name, body := range fresh.results(t, b, fresh.bearer(edition.Secure)...) {
		if body != files[name] {
			t.Errorf("%s differs from one server to another", name)
		}
	}
	list.Jobs = nil
	list = decode[struct {
		Questions []struct {
			Name       string
			Answerable bool
		}
		Jobs []analysis
	}](t, s.get(t, "/secure/analyses", head...))
	if len(list.Jobs) != 2 || list.Jobs[0].ID != other.ID {
		t.Errorf("%+v", list.Jobs)
	}
}

// What cannot be asked is refused before it waits, each with its status and code.
func TestAnalysisRefused(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.Limits.BodyBytes = 20_000; c.Limits.AOIFeatures = 3 }, edition.Secure, edition.Public)
	head := s.bearer(edition.Secure)
	square := lotPolygon(0, 0, 1, 1)
	feature := `{"type":"Feature","properties":{},"geometry":` + square + `}`
	for body, want := range map[string]string{
		``: "400 json_syntax", `{`: "400 json_syntax", `[]`: "400 json_member", `{} {}`: "400 json_syntax", `{"question":1}`: "400 json_member", `{"quest":"x"}`: "400 json_member",
		`{}`: "404 analyze_unknown", `{"question":"flow"}`: "404 analyze_unknown", `{"question":"hsf-outside-pbf","by":"street"}`: "400 parameter_by",
		`{"question":"hsf-outside-pbf","vintage":"1999"}`: "404 analyze_layer", `{"question":"hsf-outside-pbf","parameters":{"x":"y"}}`: "400 analyze_parameter",
		`{"question":"hsf-outside-pbf","previous":"x"}`: "400 parameter_previous", `{"question":"hsf-outside-pbf","shapes":[]}`: "400 geojson_syntax",
		`{"question":"hsf-outside-pbf","shapes":` + square + `,"crs":"EPSG:1"}`:                                                              "400 crs_unknown",
		`{"question":"hsf-outside-pbf","shapes":{"type":"FeatureCollection","features":[` + strings.Repeat(feature+",", 3) + feature + `]}}`: "413 too_large_collection",
		strings.Repeat(" ", 20_001): "413 too_large_body", "{\"question\":\"\xff\"}": "400 geojson_encoding",
	} {
		r := s.post(t, "/secure/analyses", body, head...)
		if d := decode[struct{ Code string }](t, r); fmt.Sprint(r.StatusCode, " ", d.Code) != want {
			t.Errorf("%.90q: %d %s, want %s", body, r.StatusCode, r.body, want)
		}
	}
	wantProblem(t, "a policy that names no analyses", s.post(t, "/public/analyses", outside), http.StatusForbidden, "policy")
	for address, want := range map[string]string{"analyses/x": "no_job", "analyses/x/events": "no_job", "analyses/x/result.json": "no_job"} {
		wantProblem(t, address, s.get(t, "/secure/"+address, head...), http.StatusNotFound, want)
	}
}

// A job is its token's: to another one it is not there, by no address, nor are its
// layers; so it is to its own token once that reaches less.
func TestAnalysisOfOthers(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Government)
	head := s.bearer(edition.Secure)
	a := s.answered(t, edition.Secure, outside, head...)
	layer := a.Layers[0].Name
	thief := s.token(t, access.Token{Name: "thief"})
	narrow := s.issue(t, "narrow", access.Scope{Places: []string{village}})
	at := tileAt(tile.W, 14)
	addresses := []string{
		"analyses/" + a.ID, "analyses/" + a.ID + "/events", "analyses/" + a.ID + "/result.json", "tiles/" + layer + "/w.json", "tiles/" + layer + "/w/" + at + ".mvt", "tiles/" + layer + "/w/" + at + ".png",
		"features/" + layer + "/1", "ogc/collections/" + layer, "ogc/collections/" + layer + "/items", "ogc/collections/" + layer + "/tiles/w", "catalog/" + layer + ".xml", "map.png?width=64&height=64&layers=" + layer + "&bbox=108.7,34.3,108.701,34.301",
		layer + "_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&FORMAT=tiles&STYLE=default&TILEMATRIXSET=w&TILEMATRIX=0&TILEROW=0&TILECOL=0&LAYER=" + layer,
		"wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&SRS=EPSG:4490&FORMAT=image/png&WIDTH=9&HEIGHT=9&STYLES=&BBOX=108.7,34.3,108.701,34.301&LAYERS=" + layer,
	}
	for range 2 { // the second time the owner has put all of it into caches
		for _, address := range addresses {
			if r := s.get(t, "/secure/"+address, head...); r.StatusCode >= 300 {
				t.Errorf("its owner: %s: %d %.300s", address, r.StatusCode, r.body)
			}
			none := strings.NewReplacer(a.ID, strings.Repeat("0", 24), a.Run, strings.Repeat("0", 16)).Replace(address)
			for _, token := range []string{thief, narrow} {
				r, nothing := s.get(t, "/secure/"+address, "Authorization", "Bearer "+token), s.get(t, "/secure/"+none, "Authorization", "Bearer "+token)
				said := strings.NewReplacer(a.ID, "", a.Run, "", strings.Repeat("0", 24), "", strings.Repeat("0", 16), "", r.Header.Get("X-Request-Id"), "", nothing.Header.Get("X-Request-Id"), "")
				if r.StatusCode < 400 || r.StatusCode != nothing.StatusCode || said.Replace(string(r.body)) != said.Replace(string(nothing.body)) {
					t.Errorf("another: %s: %d %.300s, and of nothing %d %.300s", address, r.StatusCode, r.body, nothing.StatusCode, nothing.body)
				}
			}
		}
	}
	for _, address := range []string{"catalog", "wmts/1.0.0/WMTSCapabilities.xml", "wms?SERVICE=WMS&REQUEST=GetCapabilities", "ogc/collections", "analyses"} {
		if r := s.get(t, "/secure/"+address, head...); !bytes.Contains(r.body, []byte(layer)) {
			t.Errorf("%s does not list the layer to its owner", address)
		}
		if r := s.get(t, "/secure/"+address, "Authorization", "Bearer "+thief); bytes.Contains(r.body, []byte(a.Run)) || r.StatusCode != http.StatusOK {
			t.Errorf("%s lists the layer to another: %d", address, r.StatusCode)
		}
	}
	if r := s.do(t, http.MethodDelete, "/secure/analyses/"+a.ID, nil, "Authorization", "Bearer "+thief); r.StatusCode != http.StatusNotFound {
		t.Errorf("another cancels: %d", r.StatusCode)
	}
	if r := s.get(t, "/government/analyses/"+a.ID, s.bearer(edition.Government)...); r.StatusCode != http.StatusNotFound {
		t.Errorf("another tier: %d", r.StatusCode)
	}
	// The same question of another is another job, which is run.
	if b := s.analyse(t, edition.Secure, outside, http.StatusAccepted, "Authorization", "Bearer "+thief); b.ID == a.ID || b.Run != a.Run {
		t.Errorf("%+v", b)
	}
	scope := func(bounds *access.Scope) {
		t.Helper()
		f, err := access.Load(s.accessFile)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Tokens {
			if f.Tokens[i].Name == "secure" {
				f.Tokens[i].Scope = bounds
			}
		}
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, s.accessFile, data)
		s.Reload()
	}
	scope(&access.Scope{Places: []string{village}})
	for _, address := range addresses {
		if r := s.get(t, "/secure/"+address, head...); r.StatusCode < 400 {
			t.Errorf("its owner, of whom less is granted now: %s: %d", address, r.StatusCode)
		}
	}
	wantProblem(t, "an answer of more to go on from", s.post(t, "/secure/analyses", `{"question":"hsf-outside-pbf","previous":"`+a.ID+`"}`, head...), http.StatusBadRequest, "parameter_previous")
	scope(nil)
	if r := s.do(t, http.MethodDelete, "/secure/analyses/"+a.ID, nil, head...); r.StatusCode != http.StatusNoContent {
		t.Errorf("its owner: %d %s", r.StatusCode, r.body)
	}
	for _, address := range addresses {
		if r := s.get(t, "/secure/"+address, head...); r.StatusCode < 400 {
			t.Errorf("when it is gone: %s: %d", address, r.StatusCode)
		}
	}
}

// A token of a village is answered from its village: the answer says so, has another
// name, and nothing of the rest is in any form or layer of it.
func TestAnalysisOfScope(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	whole := s.answered(t, edition.Secure, outside, s.bearer(edition.Secure)...)
	head := []string{"Authorization", "Bearer " + s.issue(t, "village", access.Scope{Places: []string{village}})}
	part := s.answered(t, edition.Secure, outside, head...)
	if part.Run == whole.Run || part.Scope != village || whole.Scope != "" {
		t.Errorf("%+v\n%+v", part, whole)
	}
	secrets := beyond()
	found := map[string]bool{}
	look := func(a analysis, head []string, beyondThere bool) {
		for name, body := range s.results(t, a, head...) {
			if name == "json " && strings.Contains(body, `"scope":"`+village+`"`) == beyondThere {
				t.Errorf("the answer says of what scope it is: %t", beyondThere)
			}
			for group, values := range secrets {
				if strings.HasPrefix(name, "html") && strings.HasSuffix(group, "itude") {
					continue // the map's frame is larger than what it shows
				}
				for _, v := range values {
					if strings.Contains(body, v) {
						if found[group] = true; !beyondThere {
							t.Errorf("%s: %q is beyond the village", name, v)
						}
					}
				}
			}
		}
	}
	look(whole, s.bearer(edition.Secure), true)
	if len(found) < 2 {
		t.Errorf("the whole answer holds %v", found)
	}
	look(part, head, false)
	// Layers of the scope bound what is asked.
	few := []string{"Authorization", "Bearer " + s.issue(t, "few", access.Scope{Layers: []string{"cropland", "region"}})}
	wantProblem(t, "a layer that is not granted", s.post(t, "/secure/analyses", outside, few...), http.StatusForbidden, "token_refused")
	wantProblem(t, "a place that is not granted", s.post(t, "/secure/analyses", `{"question":"hsf-outside-pbf","place":"610402002"}`, head...), http.StatusForbidden, "token_refused")
	enough := []string{"Authorization", "Bearer " + s.issue(t, "enough", access.Scope{Layers: []string{"cropland", "pbf", "hsf"}})}
	b := s.answered(t, edition.Secure, outside, enough...)
	if r := s.get(t, "/secure/features/"+b.Layers[0].Name+"/1", enough...); b.Run == whole.Run || r.StatusCode != http.StatusOK {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	// Without features no single ones.
	sums := []string{"Authorization", "Bearer " + s.issue(t, "sums", access.Scope{Operations: []access.Operation{access.Analyses}})}
	c := s.answered(t, edition.Secure, outside, sums...)
	for _, f := range c.Results {
		if f.Form == "geojson" {
			t.Error("single features are told where they may not be asked for")
		}
	}
	if len(c.Layers) > 0 {
		t.Errorf("%+v", c.Layers)
	}
}

// The shapes of an answer are tiles, features and maps like any other layer's, the
// figures those of its table.
func TestAnalysisLayer(t *testing.T) {
	s := serve(t, func(c *tileserver.Config) { c.JobsDir = t.TempDir() }, edition.Secure)
	head := s.bearer(edition.Secure)
	a := s.answered(t, edition.Secure, outside, head...)
	l := a.Layers[0]
	items := decode[struct {
		Features []struct {
			ID         int
			Properties map[string]any
		}
	}](t, s.get(t, "/secure/ogc/collections/"+l.Name+"/items?limit=1000", head...))
	if len(items.Features) != l.Features || l.Features == 0 {
		t.Fatalf("%d features of %d", len(items.Features), l.Features)
	}
	table := decode[struct {
		Features []struct{ Properties map[string]any }
	}](t, s.get(t, "/secure/analyses/"+a.ID+"/result.geojson", head...))
	first, one := table.Features[0].Properties, items.Features[slices.IndexFunc(items.Features, func(f struct {
		ID         int
		Properties map[string]any
	}) bool {
		return f.ID == 1
	})].Properties
	same := 0
	for name, v := range first {
		if w, there := one[name]; there {
			if same++; fmt.Sprint(v) != fmt.Sprint(w) {
				t.Errorf("%s is %v in the file and %v in the layer", name, v, w)
			}
		}
	}
	if same < 5 {
		t.Errorf("%d fields in common: %v %v", same, first, one)
	}
	for _, z := range []uint8{0, 9, 14, 18} {
		at := tile.W.At(geo.Position{Lon: corner.Lon + geo.Unit/2000, Lat: corner.Lat + geo.Unit/2000}, z)
		r := s.get(t, fmt.Sprintf("/secure/tiles/%s/w/%d/%d/%d.mvt", l.Name, z, at.X, at.Y), head...)
		if r.StatusCode == http.StatusNoContent {
			continue
		}
		layers, err := mvt.Decode(r.body)
		if err != nil || r.StatusCode != http.StatusOK || layers[0].Name != l.Name {
			t.Errorf("%d: %d %v", z, r.StatusCode, err)
		}
	}
	for _, address := range []string{l.Services["style"], l.Services["legend"], l.Services["tilejson"]} {
		if r := s.get(t, strings.TrimPrefix(address, "http://gengtu.test"), head...); r.StatusCode != http.StatusOK || !bytes.Contains(r.body, []byte(l.Name)) {
			t.Errorf("%s: %d %.200s", address, r.StatusCode, r.body)
		}
	}
	wantProblem(t, "with another layer", s.get(t, "/secure/tiles/"+l.Name+",pbf/w/0/0/0.mvt", head...), http.StatusBadRequest, "parameter_layers")
	wantProblem(t, "of another generation", s.get(t, "/secure/tiles/"+l.Name+"/w/0/0/0.mvt?generation=g0000000000000000", head...), http.StatusGone, "generation_gone")
	// `all` and summaries are of the edition.
	for _, address := range []string{"tiles/all/w.json", "summary", "changes?since=" + s.generations[edition.Secure]} {
		if r := s.get(t, "/secure/"+address, head...); r.StatusCode != http.StatusOK || bytes.Contains(r.body, []byte(l.Name)) {
			t.Errorf("%s: %d, with the layer of an answer", address, r.StatusCode)
		}
	}
}

// The line is bounded for one token and for all, a stream of events for all; a job is
// cancelled while it runs and while it waits; an administrator cancels anybody's, and is
// told nothing of what it asks.
func TestAnalysisLimits(t *testing.T) {
	g := newGate()
	s := serve(t, func(c *tileserver.Config) {
		c.AnswerFiles = []answer.Extra{g.file()}
		c.Limits.JobsWaiting, c.Limits.JobsOfOne, c.Limits.JobStreams = 3, 2, 1
	}, edition.Secure)
	head := s.bearer(edition.Secure)
	level := func(by string) string { return `{"question":"hsf-outside-pbf","by":"` + by + `"}` }
	running := s.analyse(t, edition.Secure, level("village"), http.StatusAccepted, head...)
	<-g.entered
	waiting := s.analyse(t, edition.Secure, level("county"), http.StatusAccepted, head...)
	if waiting.State != "waiting" || waiting.Ahead == nil || *waiting.Ahead != 1 {
		t.Errorf("%+v", waiting)
	}
	r := s.post(t, "/secure/analyses", level("township"), head...)
	if wantProblem(t, "one token", r, http.StatusTooManyRequests, "too_many"); r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other := []string{"Authorization", "Bearer " + s.token(t, access.Token{Name: "other"})}
	third := s.analyse(t, edition.Secure, level("village"), http.StatusAccepted, other...)
	wantProblem(t, "all", s.post(t, "/secure/analyses", level("county"), other...), http.StatusTooManyRequests, "too_many")
	wantProblem(t, "not done", s.get(t, "/secure/analyses/"+running.ID+"/result.json", head...), http.StatusNotFound, "no_answer")

	stream, err := s.Get("http://gengtu.test/secure/analyses/" + running.ID + "/events?tk=" + s.tokens[edition.Secure])
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, "a stream too many", s.get(t, "/secure/analyses/"+running.ID+"/events", head...), http.StatusTooManyRequests, "too_many")
	if r := s.do(t, http.MethodDelete, "/secure/analyses/"+waiting.ID, nil, head...); r.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if r := s.do(t, http.MethodDelete, "/secure/analyses/"+running.ID, nil, head...); r.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	var last string
	for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			last = name
		}
	}
	_ = stream.Body.Close() // read to its end
	if last != "cancelled" {
		t.Errorf("the stream ends with %s", last)
	}
	wantProblem(t, "cancelled", s.get(t, "/secure/analyses/"+running.ID+"/result.json", head...), http.StatusNotFound, "no_answer")
	<-g.entered // the third one runs

	admin := s.token(t, access.Token{Name: "admin"})
	wantProblem(t, "no role", s.do(t, http.MethodDelete, "/secure/analyses/"+third.ID, nil, "Authorization", "Bearer "+admin), http.StatusNotFound, "no_job")
	f, err := access.Load(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	f.Roles = access.Roles{access.System: {"token:admin"}}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.accessFile, data)
	s.Reload()
	list := s.get(t, "/secure/analyses", "Authorization", "Bearer "+admin)
	if !bytes.Contains(list.body, []byte(third.ID)) || bytes.Contains(list.body, []byte(third.Run)) || !bytes.Contains(list.body, []byte(`"who":"other"`)) {
		t.Errorf("%s", list.body)
	}
	wantProblem(t, "its question", s.get(t, "/secure/analyses/"+third.ID, "Authorization", "Bearer "+admin), http.StatusNotFound, "no_job")
	if r := s.do(t, http.MethodDelete, "/secure/analyses/"+third.ID, nil, "Authorization", "Bearer "+admin); r.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if events := s.follow(t, edition.Secure, third.ID, other...); events[len(events)-1].name != "cancelled" {
		t.Errorf("%+v", events)
	}
}

// Of a public edition analyses are asked without a token, where its policy names them:
// the job is its id's, single features are left out and areas rounded, and what others
// ask, too, nobody cancels.
func TestAnalysisInPublic(t *testing.T) {
	f := newFarm(edition.Public)
	f.policy.Analyses, f.policy.RoundM2 = []string{"hsf-outside-pbf", "siting"}, 1000
	dir := filepath.Join(t.TempDir(), "public")
	f.commit(t, dir, 1)
	s, _ := serveTCPWith(t, tileserver.Config{})
	s.stop()
	store, err := access.Open(s.accessFile)
	if err != nil {
		t.Fatal(err)
	}
	s.Server, err = tileserver.New(tileserver.Config{
		Editions: []string{dir}, Lang: "en", Program: "gengtu test", Access: store, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listen(t, ln)
	list := s.get(t, "/public/analyses")
	if text := string(list.body); !strings.Contains(text, `"name":"hsf-outside-pbf"`) || strings.Contains(text, `"name":"siting"`) || strings.Contains(text, `"name":"flows"`) {
		t.Errorf("%s", list.body)
	}
	wantProblem(t, "siting", s.post(t, "/public/analyses", `{"question":"siting","shapes":`+lotPolygon(0, 0, 1, 1)+`}`), http.StatusForbidden, "policy")
	wantProblem(t, "flows", s.post(t, "/public/analyses", `{"question":"flows"}`), http.StatusForbidden, "policy")
	a := s.answered(t, edition.Public, outside)
	if len(a.Layers) > 0 {
		t.Errorf("%+v", a.Layers)
	}
	for name, body := range s.results(t, a) {
		if strings.HasPrefix(name, "geojson") {
			t.Error("shapes of single features are told")
		}
		if name != "json " {
			continue
		}
		var doc any
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		areas := 0
		walk(doc, func(key string, v any) {
			if strings.HasSuffix(key, "_m2") {
				areas++
				if n, err := strconv.ParseFloat(fmt.Sprint(v), 64); err == nil && math.Mod(n, 1000) != 0 {
					t.Errorf("%s is %v, no step of 1000", key, v)
				}
			}
		})
		if areas < 2 || !strings.Contains(body, "1000 m²") {
			t.Errorf("%d areas: %s", areas, body)
		}
	}
	list = s.get(t, "/public/analyses")
	if strings.Contains(string(list.body), a.ID) {
		t.Error("the list tells of jobs where nobody is told apart")
	}
	if again := s.analyse(t, edition.Public, outside, http.StatusOK, "X-Forwarded-For", "192.0.2.7"); again.ID != a.ID {
		t.Error("the same question is not the same job")
	}
	wantProblem(t, "cancelled by one of two", s.do(t, http.MethodDelete, "/public/analyses/"+a.ID, nil), http.StatusForbidden, "token_refused")
}

// walk calls visit with all members of a document of JSON.
func walk(doc any, visit func(key string, v any)) {
	switch x := doc.(type) {
	case map[string]any:
		for k, v := range x {
			visit(k, v)
			walk(v, visit)
		}
	case []any:
		for _, v := range x {
			walk(v, visit)
		}
	}
}
