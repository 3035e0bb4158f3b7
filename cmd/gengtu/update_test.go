package main_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gengtu/benchmarks/suite"
	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// stored is all that a generation holds, but for the partition of the ground,
// whose numbers of kinds follow its history.
func stored(t testing.TB, dir string) (map[string]string, *edition.Manifest) {
	t.Helper()
	name, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	err = index.Each(filepath.Join(dir, name, edition.FeaturesFile), func(bucket string, k, v []byte) error {
		out[bucket+" "+string(k)] = string(v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := cache.Open(filepath.Join(dir, name, edition.TilesFile))
	if err != nil {
		t.Fatal(err)
	}
	err = r.Each(func(layer string, at tile.Tile, p cache.Part) error {
		out["tile "+layer+" "+at.String()] = string(p.Deflated)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = r.EachCells(func(layer string, at tile.Tile, data []byte) error {
		out["cells "+layer+" "+at.String()] = string(data)
		return nil
	})
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return out, m
}

// After each of many updates, one on the other, an edition holds what a full
// ingest of all that is there now makes: each feature, code, digest, tile and cell.
func TestUpdateEqualsIngest(t *testing.T) {
	c := smallCountry(t, 700)
	dir := filepath.Join(t.TempDir(), "updated")
	c.ingest(t, dir)
	for round := range 4 {
		rng := rand.New(rand.NewPCG(uint64(round), 17))
		ch := c.random(t, rng, []int{40, 3, 120, 1}[round])
		must(t, ch.args(t, dir)...)
		must(t, "verify", dir)
		c.sameAsIngest(t, dir)
	}
	if n := strings.Count(must(t, "history", dir), "\n"); n != edition.DefaultKeep {
		t.Errorf("%d generations are kept", n)
	}
}

// Tiles and cells that lie far from all others come with a feature and go with it.
func TestUpdateEmpties(t *testing.T) {
	c := smallCountry(t, 60)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	lone := c.layers["dltb"][0].moved(t, 0.9, 0.7)
	lone.Properties["BSM"], lone.Properties["DLBM"] = "610402200100777777", "0101"
	ch := &change{put: map[string][]*parcel{}}
	c.put(ch, "dltb", lone)
	must(t, ch.args(t, dir)...)
	c.sameAsIngest(t, dir)
	many, _ := stored(t, dir)
	ch = &change{put: map[string][]*parcel{}}
	c.remove(ch, "dltb", lone.key())
	must(t, ch.args(t, dir)...)
	must(t, "verify", dir)
	c.sameAsIngest(t, dir)
	if few, _ := stored(t, dir); len(few) > len(many)-40 {
		t.Errorf("%d records are left of %d: it says little", len(few), len(many))
	}
}

// The report counts what became of the features, and names keys that are not
// there.
func TestUpdateReport(t *testing.T) {
	c := smallCountry(t, 300)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	before, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	ps := c.layers["dltb"]
	fresh := ps[3].moved(t, 1e-3, 0)
	fresh.Properties["BSM"] = "610402200100999999"
	ch := &change{
		put:  map[string][]*parcel{"dltb": {ps[0], ps[1].moved(t, 1e-4, 0), ps[2].moved(t, 1e-4, 0), fresh}},
		gone: []string{ps[10].key(), "nosuch", ps[11].key(), ps[12].key(), ""},
	}
	var rep struct {
		Generation string
		Layers     []struct {
			Layer  string
			Update struct {
				Added, Replaced, Deleted, Unchanged int
				NotFound                            []string `json:"not_found"`
			}
		}
	}
	decode(t, []byte(must(t, append(ch.args(t, dir), "--json")...)), &rep)
	if len(rep.Layers) != 1 || rep.Generation == before {
		t.Fatalf("report %+v", rep)
	}
	u := rep.Layers[0].Update
	if u.Added != 1 || u.Replaced != 2 || u.Deleted != 3 || u.Unchanged != 1 || !cmp.Equal(u.NotFound, []string{"nosuch"}) {
		t.Errorf("report %+v, want 1 added, 2 replaced, 3 deleted, 1 unchanged, nosuch not found", u)
	}
	// The way back is a rollback, or the same update the other way round.
	if got := strings.TrimSpace(must(t, "rollback", dir)); got != before {
		t.Errorf("rollback leads to %s, want %s", got, before)
	}
	// Nothing new is nothing new: the same generation.
	must(t, "update", "--edition", dir, "--layer", "dltb="+write(t, "dltb", ps[:5]))
	if now, _, err := edition.Current(dir); err != nil || now != before {
		t.Errorf("an update without a change leads to %s (%v), want %s", now, err, before)
	}
	if _, errs, code := gengtu(t, append(ch.args(t, dir), "--strict")...); code != 1 || !strings.Contains(errs, "STRICT_REFUSED") {
		t.Errorf("strict, with a key that is not there: exit code %d, %s", code, errs)
	}
}

// What an update cannot be is refused, with the edition as it was.
func TestUpdateRefused(t *testing.T) {
	e := theEditions(t)
	c := smallCountry(t, 50)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	before, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	some := write(t, "some", c.layers["dltb"][:3])
	extra := c.layers["dltb"][0].clone()
	extra.Properties["NEWFIELD"] = "x"
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "list.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public := filepath.Join(t.TempDir(), "public")
	if err := os.CopyFS(public, os.DirFS(e.Public)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		want string
		code int
		args []string
	}{
		{"UPDATE_TIER", 1, []string{"--edition", public, "--layer", "pbf=" + some}},
		{"UPDATE_VIEW", 1, []string{"--edition", dir, "--layer", "cropland=" + some}},
		{"UPDATE_LAYER", 1, []string{"--edition", dir, "--layer", "soil=" + some}},
		{"UPDATE_LAYER", 1, []string{"--edition", dir, "--layer", "dltb@2019=" + some}},
		{"UPDATE_FIELDS", 1, []string{"--edition", dir, "--layer", "dltb=" + write(t, "extra", []*parcel{extra})}},
		{"UPDATE_TWICE", 1, []string{"--edition", dir, "--layer", "dltb=" + some, "--delete", file(c.layers["dltb"][1].key())}},
		{"DELETE_COLUMN", 1, []string{"--edition", dir, "--delete", file("a,b\n1,2\n")}},
		{"DELETE_FILE", 1, []string{"--edition", dir, "--delete", filepath.Join(dir, "nosuch")}},
		{"EDITION_MISSING", 1, []string{"--edition", filepath.Join(dir, "nosuch"), "--layer", "dltb=" + some}},
		{"FLAG_MISSING", 2, []string{"--edition", dir}},
		{"FLAG_MISSING", 2, []string{"--layer", "dltb=" + some}},
	} {
		if _, errs, code := gengtu(t, append([]string{"update"}, row.args...)...); code != row.code || !strings.Contains(errs, row.want) {
			t.Errorf("%v: exit code %d, %s; want %s", row.args, code, errs, row.want)
		}
	}
	if now, _, err := edition.Current(dir); err != nil || now != before {
		t.Errorf("the edition is at %s (%v), it was at %s", now, err, before)
	}
	if drafts, _ := filepath.Glob(filepath.Join(dir, ".draft-*")); len(drafts) > 0 {
		t.Errorf("%v are left", drafts)
	}
	// A damaged file is not built upon.
	db := filepath.Join(dir, before, edition.TilesFile)
	data, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(db, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "hsf="+write(t, "hsf", c.layers["hsf"][:1])); code != 1 || !strings.Contains(errs, "CHECKSUM") && !strings.Contains(errs, "TILES") {
		t.Errorf("on a damaged file: exit code %d, %s", code, errs)
	}
}

// Killed at whatever moment, an update leaves the edition as it was or as it
// will be, whole, and the next one does its work.
func TestUpdateKilled(t *testing.T) {
	c := smallCountry(t, 400)
	first := filepath.Join(t.TempDir(), "first")
	c.ingest(t, first)
	must(t, c.random(t, rand.New(rand.NewPCG(1, 5)), 2).args(t, first)...) // there are patches
	before, _, err := edition.Current(first)
	if err != nil {
		t.Fatal(err)
	}
	args := c.random(t, rand.New(rand.NewPCG(3, 5)), 30).args(t, "EDITION")
	in := func(dir string) []string {
		out := append([]string(nil), args...)
		out[2] = dir
		return out
	}
	fork := func(name string) string {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	whole := fork("whole")
	begun := time.Now()
	must(t, in(whole)...)
	took := time.Since(begun)
	after, _, err := edition.Current(whole)
	if err != nil || after == before {
		t.Fatalf("after the update the edition is at %s, it was at %s (%v)", after, before, err)
	}
	const moments = 24
	seen := map[string]int{}
	for i := range moments {
		dir := fork("killed")
		cmd := exec.Command(binary(), in(dir)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(took * time.Duration(i) * 11 / (10 * moments))
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed or not
		now, _, err := edition.Current(dir)
		if err != nil || now != before && now != after {
			t.Fatalf("killed at %d of %d the edition is at %s (%v), which is neither %s nor %s", i, moments, now, err, before, after)
		}
		seen[now]++
		must(t, "verify", dir)
		must(t, in(dir)...)
		if now, _, err := edition.Current(dir); err != nil || now != after {
			t.Fatalf("after the next update the edition is at %s (%v), want %s", now, err, after)
		}
		if drafts, _ := filepath.Glob(filepath.Join(dir, ".draft-*")); len(drafts) > 0 {
			t.Errorf("%v are left", drafts)
		}
	}
	suite.Count(t, "killed-update", moments, "kills")
	if seen[before] < moments/4 {
		t.Errorf("%v: killing came too late to say anything", seen)
	}
}
