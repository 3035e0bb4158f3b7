package main_test

import (
	"bytes"
	bytesof "encoding/binary" // binary is the program here
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// caught fails unless the hunt finds a field's value where it was planted, and nothing
// before that.
func caught(t *testing.T, h *hunt, field string, before, planted []byte) {
	t.Helper()
	found := map[secret]bool{}
	h.find(before, found)
	clean(t, "before "+field+" was planted", found)
	h.find(planted, found)
	if byField(found)[field] == 0 {
		t.Errorf("%s was planted and not found", field)
	}
}

// copied copies the edition in force and returns where one of its files is in the copy.
func copied(t *testing.T, dir, file string) (to, path string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to, filepath.Join(to, generationOf(t, dir), file)
}

// alteredCopy alters a file of a copy of an edition, and returns the bytes of the whole copy.
func alteredCopy(t *testing.T, dir, file string, alter func([]byte) []byte) []byte {
	t.Helper()
	to, path := copied(t, dir, file)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, alter(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return bytesOf(t, to)
}

// planted leaks are caught by the searches that found nothing: the test of the test.
func (y *years) planted(t *testing.T, s *server, government, public, files *hunt) {
	t.Helper()
	whole := bytesOf(t, y.public)

	// A field more than the policy has.
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := must(t, "policy", "show")
	open := strings.Replace(text, "fields: [YJJBNTTBBH, YJJBNTMJ]", "fields: [YJJBNTTBBH, YJJBNTMJ, BSM]", 1)
	if open == text {
		t.Fatal("the default policy has other fields")
	}
	if err := os.WriteFile(policy, []byte(open), 0o600); err != nil {
		t.Fatal(err)
	}
	leaky := filepath.Join(t.TempDir(), "leaky")
	must(t, "publish", "--from", y.secure, "--tier", "public", "--policy", policy, "--out", leaky)
	caught(t, files, "YJJBNTTB.gpkg BSM", whole, bytesOf(t, leaky))
	caught(t, files, "YJJBNTTB.gpkg BSM", nil, []byte(must(t, "verify", leaky, "--dump")))
	caught(t, files, "YJJBNTTB.gpkg BSM", nil, packedBytes(t, leaky))

	// A narrower policy for the same edition leaves nothing of it behind.
	must(t, "publish", "--from", y.secure, "--tier", "public", "--out", leaky)
	found := map[secret]bool{}
	files.searchBytes(bytesOf(t, leaky), found)
	clean(t, "after a narrower policy", without(found, files.own(t, leaky)))

	// One vertex that is not on the grid.
	true1, shown := firstVertex(t, y.secure, leastDigits), firstVertex(t, y.public, 1)
	stored := must(t, "verify", y.public, "--dump")
	caught(t, files, "vertices", []byte(stored), []byte(strings.Replace(stored, shown, true1, 1)))

	// An id of the secure edition: in a file, in a tile, in an answer.
	var id uint64
	for key, ids := range y.ids {
		if strings.HasPrefix(key, "pbf@") {
			id = ids[0]
		}
	}
	caught(t, files, "ids of the edition", whole, alteredCopy(t, y.public, "features.db", func(b []byte) []byte {
		bytesof.BigEndian.PutUint64(b[len(b)/2:], id)
		return b
	}))
	tile := []byte{0x1a, 0x05, 0x0a, 0x03, 'p', 'b', 'f', 0x12, 0x0a, 0x08}
	caught(t, public, "ids of the edition", tile, append(bytesof.AppendUvarint(tile, id), 0x18, 0x03))
	caught(t, government, "ids of the edition", nil, []byte(`{"type":"Feature","id":`+strconv.FormatUint(id, 10)+`}`))

	// A hash of the secure edition in the manifest, its name in a header, its ETag.
	name := generationOf(t, y.secure)
	caught(t, files, "generation", whole, alteredCopy(t, y.public, "manifest.json", func(b []byte) []byte {
		return []byte(strings.Replace(string(b), `"program"`, `"from": "`+name+`", "program"`, 1))
	}))
	caught(t, government, "generation", nil, []byte("Gengtu-Generation: "+name))
	if tags := foreignTags(map[string][]byte{`"a"`: {1}, `"b"`: {2}}, map[string][]byte{`"a"`: {1}, `"b"`: {3}}); !slices.Equal(tags, []string{`"b"`}) {
		t.Errorf("of ETags %q are found to be those of other answers", tags)
	}

	y.plantedInPages(t, files, whole)
	y.plantedOnTheWay(t, s, government, public)

	// The name of a source in the server's log and in the audit log, and a person's in GBK.
	audit := bytesOf(t, filepath.Dir(s.access))
	caught(t, government, "file names", nil, append(audit, `{"act":"ingest","detail":"YJJBNTTB.gpkg"}`...))
	caught(t, government, "updated", nil, append([]byte("log "), spellings(newName)[1]...))
	caught(t, government, "publisher's key", nil, keyOf(t, y.secure))

	// A route that nobody has thought of, and a question for one that is gone.
	patterns, questions := routePatterns(t), (&target{code: "610402001"}).questions()
	gone := slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return p == "/ready" })
	if f := forgotten(append(gone, "/{tier}/new"), questions); !slices.Equal(f, []string{"/{tier}/new", "/ready"}) {
		t.Errorf("of the routes %q are found to be forgotten", f)
	}
}

// searchedFor returns the bytes that a search of files goes over: those that are there and
// those of all streams in them.
func searchedFor(raw []byte) []byte {
	content, _ := unpackedStreams(raw)
	return append(raw, content...)
}

// plantedInPages are what free pages of an edition's files may hold.
func (y *years) plantedInPages(t *testing.T, files *hunt, whole []byte) {
	t.Helper()
	const pageBytes = 4096
	inFreePage := func(data []byte) []byte {
		page := make([]byte, max(pageBytes, len(data)+64))
		copy(page[48:], data) // behind the remains of a page's head
		return searchedFor(alteredCopy(t, y.public, "features.db", func(b []byte) []byte { return append(b, page...) }))
	}
	before := searchedFor(whole)

	secure := func(file string) []byte {
		raw, err := os.ReadFile(filepath.Join(y.secure, generationOf(t, y.secure), file))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	page := secure("features.db")
	caught(t, files, "pieces of features.db", before, inFreePage(page[len(page)/2/pageBytes*pageBytes:][:pageBytes]))

	// Coordinates in every form that a store writes, and packed.
	ring := firstRing(t, y.secure, 4)
	for _, form := range positionForms(ring[1]) {
		caught(t, files, huntPositions, nil, inFreePage(form))
	}
	for _, form := range edgeForms(ring[:3]) {
		caught(t, files, huntEdges, nil, inFreePage(form))
		caught(t, files, huntEdges, nil, inFreePage(inGzip(t, "ring "+string(form))))
	}

	// A tile of the edition above, as its file has it.
	tiles := secure("tiles.db")
	caught(t, files, huntTileLines, nil, inFreePage(tiles[len(tiles)/4/pageBytes*pageBytes:][:16*pageBytes]))

	// A person's name in GBK, packed.
	caught(t, files, "updated", nil, inFreePage(inGzip(t, "name "+string(spellings(newName)[1]))))
}

// plantedOnTheWay asks a server through one that leaks, as a handler would.
func (y *years) plantedOnTheWay(t *testing.T, s *server, government, public *hunt) {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	const path, tag = "/legend.json", `"0123456789abcdef"`
	ask := func(h *hunt, alter func(*http.Response)) (*thief, map[secret]bool) {
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.ModifyResponse = func(r *http.Response) error { alter(r); return nil }
		leaky := httptest.NewServer(proxy)
		defer leaky.Close()
		found := map[secret]bool{}
		through := newThief(&server{URL: leaky.URL}, "public", h, found)
		through.ask(t, "/{tier}/legend.json", http.MethodGet, "/public"+path, nil)
		return through, found
	}
	name := generationOf(t, y.secure)
	for field, leak := range map[string]func(*http.Response){
		"":                   func(*http.Response) {},
		"file names":         func(r *http.Response) { r.Header.Set("X-Source", "2023/DLTB.shp") },
		"generation":         func(r *http.Response) { r.Header.Set("Gengtu-Generation", name) },
		"ids of the edition": func(r *http.Response) { r.Header.Set("X-Feature", strconv.FormatUint(y.ids["pbf@2024"][0], 10)) },
		"updated":            func(r *http.Response) { r.Header.Set("X-Owner", newPhone) },
		huntVertices:         func(r *http.Response) { r.Header.Set("X-At", firstVertex(t, y.secure, leastDigits)) },
	} {
		// A value may stand in two fields; nothing but it is found.
		_, found := ask(public, leak)
		values := map[string]bool{}
		for s := range found {
			values[s.value] = true
		}
		if len(values) != byField(found)[field] || field != "" && len(found) == 0 {
			t.Errorf("a header with one of %q: %v is found", field, byField(found))
		}
	}
	// A tag that stands for what the secure edition answers there.
	through, found := ask(government, func(r *http.Response) { r.Header.Set("ETag", tag) })
	if tags := foreignTags(through.etags, map[string][]byte{tag: []byte("secure")}); !slices.Equal(tags, []string{tag}) || len(found) > 0 {
		t.Errorf("of the ETags %v only %q are foreign", through.etags, tags)
	}
	// A line of the server's own log, written the way it writes one.
	c := all{y.public, "public", government, nil}
	if f := c.inLogs(t, s); byField(f)["file names"] > 0 {
		t.Errorf("before a line was planted: %v", byField(f))
	}
	log := *s
	log.log = &lockedBuffer{}
	_, _ = log.log.Write([]byte(s.log.String() + `{"level":"DEBUG","msg":"opened","source":"2023/DLTB.shp"}` + "\n"))
	if f := c.inLogs(t, &log); byField(f)["file names"] != 1 {
		t.Errorf("in a log with the name of a source %v is found", byField(f))
	}
}

// firstVertex is the first coordinate of so many digits that an edition's dump has.
func firstVertex(t *testing.T, dir string, digits int) string {
	t.Helper()
	for _, d := range dump(t, dir) {
		if d.Geometry == nil {
			continue
		}
		for _, x := range strings.FieldsFunc(string(d.Geometry.Coordinates), func(r rune) bool { return r == '[' || r == ']' || r == ',' }) {
			if len(x) >= digits {
				return x
			}
		}
	}
	t.Fatalf("%s has no vertex", dir)
	return ""
}

func keyOf(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(dir, "publisher.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// faults asks a server whose files are damaged under it: what it then answers and logs is
// searched, too.
func (c all) faults(t *testing.T, secure string) {
	t.Helper()
	dir, path := copied(t, c.dir, "features.db")
	s := serveWith(t, []string{"--log", "debug"}, dir)
	s.faulty = true
	found := map[secret]bool{}
	h := newThief(s, c.tier, c.hunt, found)
	x := h.targetOf(t, dir, secure)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	// What stands at the end of a page is values, of which nothing points elsewhere.
	const pageBytes = 4096
	for at := int64(5 * pageBytes); at < size; at += pageBytes {
		if _, err := f.WriteAt(bytes.Repeat([]byte{0x99}, 600), at-700); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h.steal(t, x)
	failed := 0
	for _, byStatus := range h.statuses {
		failed += byStatus[500]
	}
	if log := s.log.String(); failed == 0 || !strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("%s: nothing failed that was to fail", c.tier)
	}
	c.hunt.find([]byte(s.log.String()), found)
	c.clean(t, "with damaged files", found)
}
