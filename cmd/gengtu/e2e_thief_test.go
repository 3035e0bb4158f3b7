package main_test

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gengtu/benchmarks/suite"
	"gengtu/index"
	"gengtu/index/edition"
)

// generationOf is the generation of an edition that is in force.
func generationOf(t testing.TB, dir string) string {
	t.Helper()
	name, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// hideEdition hunts for what names the edition in dir and what only it has: its ids,
// its generation, the hashes of its content and its files, its key and its register.
func (h *hunt) hideEdition(t testing.TB, dir string) {
	t.Helper()
	kept, err := edition.History(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range kept {
		h.hideText("generation", m.Generation, m.ContentHash)
		for _, sum := range m.Files {
			h.hideText("hashes of files", sum)
		}
	}
	key, err := os.ReadFile(filepath.Join(dir, "publisher.key"))
	if err != nil {
		t.Fatal(err)
	}
	h.hideText("publisher's key", strings.TrimSpace(string(key)), "publisher.key", "register.jsonl")
	register, err := os.ReadFile(filepath.Join(dir, "register.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(register)) {
		var r struct{ Prev string }
		decode(t, []byte(line), &r)
		h.hideText("register", r.Prev)
	}
	ids, _ := idsOf(t, dir)
	for key, list := range ids {
		if !strings.HasPrefix(key, "cropland@") { // a view: they are those of dltb
			h.hideIDs("ids of the edition", list)
		}
	}
}

// hideText hunts for texts, and for the bytes that they are in hexadecimal.
func (h *hunt) hideText(field string, texts ...string) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		h.hide(secret{field, text}, []byte(text))
		if raw, err := hex.DecodeString(text); err == nil {
			h.hide(secret{field, text}, raw)
		}
	}
}

// telling tells whether a piece of a file could not stand in any file: it is neither text,
// which a lower edition may have, nor fill, nor a table of small numbers: of pages, or of which
// borders meet in a cell. Three signs of three bytes, or eight letters and digits, in a row
// are text: what is secret of it is hunted for by its fields.
func telling(p []byte) bool {
	var seen [256]bool
	different, small, letters := 0, 0, 0
	for i, b := range p {
		if letters++; !(b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z') {
			letters = 0
		}
		if letters == 8 || i+9 <= len(p) && b >= 0xe4 && p[i+3] >= 0xe4 && p[i+6] >= 0xe4 && utf8.Valid(p[i:i+9]) {
			return false
		}
		if b < 16 {
			small++
		}
		if !seen[b] {
			seen[b] = true
			different++
		}
	}
	return different >= 24 && small <= 16 && !utf8.Valid(p) && !utf8.Valid(p[1:len(p)-2]) && !utf8.Valid(p[2:len(p)-1])
}

// all is everything that a tier gives away: files, dump, package, answers and logs.
type all struct {
	dir, tier string
	hunt      *hunt
	own       map[secret]bool // see [hunt.own] and [hunt.sums]
}

// clean fails when something was found that is not the tier's own.
func (c all) clean(t *testing.T, where string, found map[secret]bool) {
	t.Helper()
	clean(t, c.tier+" "+where, without(found, c.own))
}

// searchFiles hunts in the edition's files as they are, free pages included, in all of
// its stored values, and in a package of it.
func (c all) searchFiles(t *testing.T, found map[secret]bool) {
	t.Helper()
	c.hunt.searchBytes(bytesOf(t, c.dir), found)
	c.clean(t, "files", found)
	c.hunt.find([]byte(must(t, "verify", c.dir, "--dump")), found)
	c.clean(t, "--dump", found)
	c.hunt.find(packedBytes(t, c.dir), found)
	c.clean(t, "package", found)
}

// packedBytes returns the bytes of a package of an edition, as a file and each part unpacked.
func packedBytes(t *testing.T, dir string) []byte {
	t.Helper()
	file, signer := filepath.Join(t.TempDir(), "p.gtp"), key(t, "std")
	must(t, "pack", "--edition", dir, "--key", signer, "--out", file, "--approved-by", "甲", "--approved-by", "乙")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.Clone(raw)
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".gz") {
			part = gunzipped(t, part)
		}
		out = append(append(append(out, h.Name...), '\n'), part...)
	}
}

// wanted are the statuses that must have been seen below a tier: that a search goes over
// errors, too, is no accident.
var wanted = []int{200, 204, 304, 400, 403, 404, 405, 410, 413, 414, 415, 501}

// searchAnswers hunts in whatever the routes answer, and in what the server logs of it.
func (c all) searchAnswers(t *testing.T, s *server, secure string, found map[secret]bool) *thief {
	t.Helper()
	h := newThief(s, c.tier, c.hunt, found)
	x := h.targetOf(t, c.dir, secure)
	h.steal(t, x)
	wanted := wanted
	if c.tier == "government" {
		h.poorTokens(t, x)
		wanted = append([]int{401, 429}, wanted...)
	}
	c.clean(t, "answers", found)
	all := map[int]int{}
	for pattern, byStatus := range h.statuses {
		for status, n := range byStatus {
			all[status] += n
		}
		if later := byStatus[501] > 0; byStatus[200] == 0 && !later && pattern != "" && !(c.tier == "public" && (strings.HasSuffix(pattern, "/lineage") || strings.HasSuffix(pattern, "/reconcile"))) && !strings.HasPrefix(pattern, "/{tier}/base/") && !strings.HasPrefix(pattern, "/{tier}/login") { // no base map and no issuer is configured
			t.Errorf("%s: %s was never answered: %v", c.tier, pattern, byStatus)
		}
		if n := byStatus[500] + byStatus[502]; n > 0 {
			t.Errorf("%s: %s failed %d times", c.tier, pattern, n)
		}
	}
	for _, status := range wanted {
		if all[status] == 0 {
			t.Errorf("%s: no answer had the status %d: %v", c.tier, status, all)
		}
	}
	return h
}

// poorTokens asks with a token that reaches tiles alone, and with one that may ask once
// in a hundred seconds.
func (h *thief) poorTokens(t *testing.T, x *target) {
	t.Helper()
	for name, bounds := range map[string][]string{"tiles": {"--operations", "tiles", "--layers", x.layer}, "slow": {"--rate", "0.01", "--burst", "1"}} {
		token := strings.TrimSpace(must(t, append([]string{"token", "add", "--access", h.s.access, "--tier", h.tier, "--name", "poor-" + name}, bounds...)...))
		deadline := time.Now().Add(10 * time.Second)
		for h.s.do(t, "GET", "/"+h.tier+"/catalog", nil, "Authorization", "Bearer "+token).Status == 401 && time.Now().Before(deadline) {
			<-time.After(50 * time.Millisecond) // the server looks for new tokens four times a second
		}
		for pattern, paths := range x.questions() {
			if strings.HasPrefix(pattern, "/{tier}") {
				h.ask(t, pattern, "GET", "/"+h.tier+paths[0], nil, "Authorization", "Bearer "+token)
			}
		}
	}
}

// searchLogs hunts in what the server wrote, its audit log included.
func (c all) searchLogs(t *testing.T, s *server) {
	t.Helper()
	c.clean(t, "log, audit log and access file", c.inLogs(t, s))
}

// inLogs is what is found there.
func (c all) inLogs(t *testing.T, s *server) map[secret]bool {
	t.Helper()
	found := map[secret]bool{}
	c.hunt.searchBytes([]byte(s.log.String()), found)
	c.hunt.searchBytes(bytesOf(t, filepath.Dir(s.access)), found)
	return found
}

// The thief goes over every route, every error, header, metric, log line and ETag of
// the two lower tiers, and over their files and packages.
func TestThief(t *testing.T) {
	t.Run("delivery", func(t *testing.T) {
		e := theEditions(t)
		government, public, files := hunts(t)
		thieve(t, [3]string{e.Secure, e.Government, e.Public}, [3]*hunt{government, public, files})
	})
	// A sample of another seed, of one year, with layers that the policy does not name.
	t.Run("sample", func(t *testing.T) {
		dir := t.TempDir()
		sample := filepath.Join(dir, "sample")
		must(t, "sample", "--out", sample, "--parcels", "800", "--seed", "23")
		dirs := [3]string{filepath.Join(dir, "secure"), filepath.Join(dir, "government"), filepath.Join(dir, "public")}
		unnamed := filepath.Join(sample, "专题", "DK.shp")
		must(t, slices.Concat([]string{"ingest", "--zooms", "10-13", "--out", dirs[0], "--layer", "contract@2024=" + unnamed}, yearOf(sample, "2024", "dltb", "pbf", "hsf", "region"))...)
		must(t, "publish", "--from", dirs[0], "--tier", "government", "--out", dirs[1])
		must(t, "publish", "--from", dirs[0], "--tier", "public", "--out", dirs[2])
		v := valuesOf(t, filepath.Join(sample, "2024"))
		v.personal = joined(v.personal, table(t, unnamed, "DKBM", "CBFMC"))
		government, public, files := v.hunts()
		found := map[secret]bool{}
		government.find([]byte(must(t, "verify", dirs[0], "--dump")), found)
		least(t, "dump of secure", found, map[string]int{"DK.shp DKBM": 100, "DK.shp CBFMC": 50})
		thieve(t, dirs, [3]*hunt{government, public, files})
	})
	t.Run("years", func(t *testing.T) {
		y := theYears(t)
		government, public, files := y.hunts(t)
		s := thieve(t, [3]string{y.secure, y.government, y.public}, [3]*hunt{government, public, files})
		y.planted(t, s, government, public, files)
		all{y.public, "public", public, public.own(t, y.public)}.faults(t, "g"+strings.Repeat("1", 16))
	})
}

// thieve searches the government and the public edition for what is hunted for in
// government, in answers of public and in its files, and the secure one as the proof.
// The server of the public edition is returned.
func thieve(t *testing.T, dirs [3]string, hunts [3]*hunt) *server {
	t.Helper()
	secure, name := dirs[0], generationOf(t, dirs[0])
	for _, h := range hunts {
		h.hideEdition(t, secure)
	}
	ground := newHunt(nil, nil)
	ground.hideGround(t, secure)
	ground.hidePieces(t, secure)
	for spelling, what := range ground.spelling {
		hunts[1].hide(what, []byte(spelling))
		hunts[2].hide(what, []byte(spelling))
	}
	found := map[secret]bool{}
	hunts[2].searchBytes(bytesOf(t, secure), found)
	hunts[2].find([]byte(must(t, "verify", secure, "--dump")), found)
	least(t, "secure files", found, map[string]int{
		huntPositions: 400, huntEdges: 5000, huntTileLines: 500, huntVertices: 1000, "ids of the edition": 500, "generation": 2, "publisher's key": 2, "register": 1, "hashes of files": 3, "pieces of features.db": 100, "pieces of tiles.db": 100, "YJJBNTTB.gpkg ZRRMC": 400, "YJJBNTTB.gpkg LXDH": 400,
	})
	found = map[secret]bool{}
	hunts[2].find(packedBytes(t, secure), found)
	least(t, "package of secure", found, map[string]int{"YJJBNTTB.gpkg ZRRMC": 400, "YJJBNTTB.gpkg BSM": 400, "DLTB.shp BSM": 500, "generation": 1})
	eachStreamIsFound(t, secure)
	government := all{dirs[1], "government", hunts[0], nil}
	public := all{dirs[2], "public", hunts[2], hunts[2].own(t, dirs[2])}
	government.searchFiles(t, map[secret]bool{})
	public.searchFiles(t, map[secret]bool{})
	public.hunt = hunts[1] // answers may name classes

	// The secure server is another one, as its network is.
	above := serve(t, secure)
	stolen := map[secret]bool{}
	h := newThief(above, "secure", hunts[1], stolen)
	h.steal(t, h.targetOf(t, secure, name))
	least(t, "answers of secure", stolen, map[string]int{
		"YJJBNTTB.gpkg ZRRMC": 1, "YJJBNTTB.gpkg BSM": 1, "ids of the edition": 5, "generation": 1, huntVertices: 3, huntTileLines: 50,
	})

	var below *server
	for _, c := range []all{government, public} {
		below = c.rob(t, h)
	}
	sameToAll(t, below, name)
	return below
}

// rob searches all that a server of one edition answers, logs and puts on the disc. It
// is a server of its own, as a log tells what its server was asked.
func (c all) rob(t *testing.T, above *thief) *server {
	t.Helper()
	seal, temp, cache := filepath.Join(t.TempDir(), "seal.key"), t.TempDir(), filepath.Join(t.TempDir(), "cache")
	must(t, "key", "new", "--out", seal)
	t.Setenv("TMPDIR", temp)
	s := serveWith(t, []string{"--log", "debug", "--seal", seal, "--cache", cache}, c.dir)
	// The secure generation's name is given by the thief here, and comes back in
	// the log of addresses: it is no one that a thief would know.
	own := c.hunt.sums(t, c.dir)
	maps.Copy(own, c.own)
	c.own = own
	got := c.searchAnswers(t, s, "g"+strings.Repeat("1", 16), map[secret]bool{})
	if tags := foreignTags(got.etags, above.etags); len(tags) > 0 {
		t.Errorf("%s: the ETags %s are those of other answers of secure", c.tier, tags)
	}
	suite.Count(t, "thief", float64(got.answers), "answers")
	if len(got.etags) < 20 || got.answers < 400 {
		t.Errorf("%s: %d answers with %d ETags were looked at", c.tier, got.answers, len(got.etags))
	}
	if c.tier == "government" {
		c.searchScoped(t, s, cache)
	}
	c.searchLogs(t, s)
	found := map[secret]bool{}
	made := append(bytesOf(t, cache), bytesOf(t, temp)...)
	c.hunt.searchBytes(made, found)
	c.clean(t, "cache and temporary files", found)
	if len(made) < 10_000 {
		t.Errorf("%s: the server put %d bytes beside the edition", c.tier, len(made))
	}
	return s
}

// searchScoped asks with a token of one place, and hunts in its answers, and in the
// edition that the server makes for it, for features that lie elsewhere.
func (c all) searchScoped(t *testing.T, s *server, cache string) {
	t.Helper()
	place, elsewhere := c.placeAndRest(t)
	h := newHunt(nil, nil)
	h.hideIDs("ids of other places", elsewhere)
	found := map[secret]bool{}
	h.find([]byte(must(t, "verify", c.dir, "--dump")), found)
	least(t, "the whole edition", found, map[string]int{"ids of other places": len(elsewhere) / 2})

	token := strings.TrimSpace(must(t, "token", "add", "--access", s.access, "--tier", c.tier, "--name", "scoped", "--place", place))
	scoped := *s
	scoped.tokens = map[string]string{c.tier: token}
	found = map[secret]bool{}
	thief := newThief(&scoped, c.tier, h, found)
	thief.until(t, 200, "/catalog")
	x := thief.targetOf(t, c.dir, generationOf(t, c.dir))
	thief.steal(t, x)
	c.hunt.find(nil, found)
	clean(t, "answers of "+place, found)
	made := filepath.Join(cache, "scoped")
	h.searchBytes(bytesOf(t, made), found)
	clean(t, "files of "+place, found)
	if got := thief.statuses["/{tier}/features/{layer}/{id}"]; got[200] == 0 || len(bytesOf(t, made)) < 10_000 {
		t.Errorf("%s: %v answers and %d bytes of what %s has", c.tier, got, len(bytesOf(t, made)), place)
	}
}

// placeAndRest are a place that has features of pbf and the ids of those elsewhere.
func (c all) placeAndRest(t *testing.T) (place string, elsewhere []uint64) {
	t.Helper()
	ix, err := index.Open(c.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	const village = 12
	l := ix.Layer("pbf", "")
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		at := f.Place[:min(village, len(f.Place))]
		if place == "" {
			place = at
		}
		if at != place {
			elsewhere = append(elsewhere, f.ID)
		}
	}
	if len(elsewhere) < 50 {
		t.Fatalf("%d features of pbf lie outside %s", len(elsewhere), place)
	}
	return place, elsewhere
}

// foreignTags are the ETags that stand for another body above.
func foreignTags(mine, above map[string][]byte) (out []string) {
	for tag, body := range mine {
		if other, ok := above[tag]; ok && !bytes.Equal(body, other) {
			out = append(out, tag)
		}
	}
	return out
}

// sameToAll asks for what is there above alone and for what is nowhere: answers that
// differ would tell.
func sameToAll(t *testing.T, s *server, name string) {
	t.Helper()
	for _, pair := range [][2]string{
		{"/catalog?generation=" + name, "/catalog?generation=g" + strings.Repeat("2", 16)},
		{"/features/dltb?code=610402200500000077", "/features/dltb?code=999999999999999999"},
		{"/features/pbf?code=610402200500000077", "/features/pbf?code=999999999999999999"},
	} {
		a, b := s.do(t, "GET", "/public"+pair[0], nil), s.do(t, "GET", "/public"+pair[1], nil)
		if a.Status != b.Status || len(a.Header) != len(b.Header) || a.Header.Get("ETag") != b.Header.Get("ETag") {
			t.Errorf("%s answers %d, %s %d", pair[0], a.Status, pair[1], b.Status)
		}
	}
}
