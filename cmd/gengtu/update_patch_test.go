package main_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

var editionFiles = []string{edition.FeaturesFile, edition.GroundFile, edition.TilesFile}

var patchNames = map[string]string{
	edition.FeaturesFile: edition.FeaturesPatch, edition.GroundFile: edition.GroundPatch, edition.TilesFile: edition.TilesPatch,
}

func isFile(t testing.TB, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// Updated many times an edition answers, exports and holds what a full ingest makes. Its
// large files are those of the generation before, but where their patches have become
// too large: then they are written anew.
func TestUpdatePatches(t *testing.T) {
	c := smallCountry(t, 500)
	dir := filepath.Join(t.TempDir(), "updated")
	c.ingest(t, dir)
	before, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	linked, merged := map[string]int{}, map[string]int{}
	const emptied, many = 3, 7
	for round := range 10 {
		ch := &change{put: map[string][]*parcel{}}
		switch round {
		case emptied: // a layer goes, and comes back
			for _, p := range c.layers["hsf"] {
				ch.gone = append(ch.gone, p.key())
			}
		case emptied + 1:
			ch.put["hsf"] = c.layers["hsf"]
		case many:
			for layer, field := range map[string]string{"dltb": "TBDLMJ", "pbf": "YJJBNTMJ"} {
				for _, p := range slices.Clone(c.layers[layer]) {
					q := p.clone()
					q.Properties[field] = 77.5
					c.put(ch, layer, q)
				}
			}
		default:
			ch = c.random(t, rand.New(rand.NewPCG(uint64(round), 23)), []int{3, 40, 2}[round%3])
		}
		out := must(t, ch.args(t, dir)...)
		now, m, err := edition.Current(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range editionFiles {
			_, patched := m.Files[patchNames[name]]
			told := strings.Contains(out, name+" 与其补丁") || strings.Contains(out, name+" was written anew")
			if patched {
				linked[name]++
			} else if told {
				merged[name]++
			}
			if round == emptied+1 || round == emptied+2 {
				continue // the content is that of a generation before, which is kept and goes then
			}
			if same := isFile(t, filepath.Join(dir, now, name), filepath.Join(dir, before, name)); same != patched {
				t.Errorf("round %d: %s has a patch: %v, and is the file of before: %v", round, name, patched, same)
			}
			if told && patched {
				t.Errorf("round %d: %s is said to be written anew\n%s", round, name, out)
			}
		}
		must(t, "verify", dir)
		if round != emptied { // a file of no features has no fields to ingest
			c.sameAsIngest(t, dir)
		}
		before = now
	}
	for _, name := range editionFiles {
		if linked[name] < 3 || merged[name] < 1 && name != edition.GroundFile {
			t.Errorf("linked %v, written anew %v: it says little", linked, merged)
		}
	}
	// What it answers and gives out, beside an edition that was made at once; and a copy
	// of the directory with no other generation is an edition by itself.
	whole, copied := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "copied")
	c.ingest(t, whole)
	if err := os.MkdirAll(copied, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(copied, before), os.DirFS(filepath.Join(dir, before))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "CURRENT"), []byte(before+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	must(t, "verify", copied)
	answer := func(dir string) string {
		return must(t, "overlay", "--edition", dir, "--place", "610402", "--by", "DLBM")
	}
	if want, got := answer(whole), answer(copied); got != want || len(want) < 200 {
		t.Errorf("it answers %.300s, want %.300s", got, want)
	}
	for _, ending := range []string{"pmtiles", "geojsonl"} {
		var both [2][]byte
		for i, e := range []string{whole, copied} {
			file := filepath.Join(t.TempDir(), "out."+ending)
			must(t, "export", "--edition", e, "--layer", "dltb", "--out", file)
			if both[i], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		if len(both[0]) < 1000 || !bytes.Equal(both[0], both[1]) {
			t.Errorf("%s: %d bytes, want the %d of the edition made at once", ending, len(both[1]), len(both[0]))
		}
	}
	public := filepath.Join(t.TempDir(), "public")
	must(t, "publish", "--from", copied, "--tier", "public", "--out", public)
	must(t, "verify", public)
	must(t, c.random(t, rand.New(rand.NewPCG(99, 23)), 3).args(t, copied)...)
	c.sameAsIngest(t, copied)
}

// Whatever is wrong with a patch, or with a file that is linked, is found.
func TestUpdatePatchDamaged(t *testing.T) {
	c := smallCountry(t, 500)
	first := filepath.Join(t.TempDir(), "first")
	c.ingest(t, first)
	p := c.layers["dltb"][7].clone()
	p.Properties["TBDLMJ"] = 77.5
	must(t, "update", "--edition", first, "--layer", "dltb="+write(t, "dltb", []*parcel{p}))
	name, m, err := edition.Current(first)
	if err != nil {
		t.Fatal(err)
	}
	hsf := write(t, "hsf", c.layers["hsf"][:1])
	for file := range m.Files {
		data, err := os.ReadFile(filepath.Join(first, name, file))
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(data)
		bad[len(bad)/3] ^= 1
		isPatch := strings.HasSuffix(file, ".patch")
		for what, spoil := range map[string]func(path string) error{
			"a bit":     func(path string) error { return os.WriteFile(path, bad, 0o644) },
			"cut short": func(path string) error { return os.WriteFile(path, data[:len(data)/2], 0o644) },
			"missing":   os.Remove,
		} {
			dir := filepath.Join(t.TempDir(), "spoiled")
			if err := os.CopyFS(dir, os.DirFS(first)); err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(dir, name, file)); err != nil {
				t.Fatal(err)
			}
			if _, errs, code := gengtu(t, "verify", dir); code != 1 || !strings.Contains(errs, "CHECKSUM") && !strings.Contains(errs, "EDITION_INCOMPLETE") {
				t.Errorf("%s, %s: verify ends with %d, %s", file, what, code, errs)
			}
			if _, err := index.Open(dir, ""); !strings.HasPrefix(file, "tiles") && problem.Of(err) == nil {
				t.Errorf("%s, %s: the index opens (%v)", file, what, err)
			}
			if !strings.HasPrefix(file, "features") && !isPatch && what == "a bit" {
				continue // an update reads what it needs of it
			}
			if _, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "hsf="+hsf); code != 1 {
				t.Errorf("%s, %s: an update of it ends with %d, %s", file, what, code, errs)
			}
			if now, _, err := edition.Current(dir); err != nil || now != name {
				t.Errorf("%s, %s: the edition is at %s (%v)", file, what, now, err)
			}
		}
	}
	if len(m.Files) != 6 {
		t.Errorf("the edition has the files %v: it says little", m.Files)
	}
	// A patch that no manifest lists would be read, too.
	dir := filepath.Join(t.TempDir(), "stray")
	c.ingest(t, dir)
	now, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range editionFiles {
		stray := filepath.Join(dir, now, patchNames[file])
		data, err := os.ReadFile(filepath.Join(first, name, patchNames[file]))
		if err == nil {
			err = os.WriteFile(stray, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, errs, code := gengtu(t, "verify", dir); code != 1 || !strings.Contains(errs, "CHECKSUM") {
			t.Errorf("with a stray %s verify ends with %d, %s", stray, code, errs)
		}
		if _, err := index.Open(dir, ""); file != edition.TilesFile && problem.Of(err) == nil {
			t.Errorf("with a stray %s the index opens (%v)", stray, err)
		}
		if err := os.Remove(stray); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "verify", dir)
}

// Where files cannot be linked they are copied, which the report tells, and nothing else
// is another.
func TestUpdateCopies(t *testing.T) {
	elsewhere, err := os.MkdirTemp("/dev/shm", "gengtu")
	if err != nil {
		t.Skip("there is no other file system to be had")
	}
	t.Cleanup(func() { _ = os.RemoveAll(elsewhere) }) // it is in memory
	c := smallCountry(t, 120)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	for round := range 3 {
		name, _, err := edition.Current(dir)
		if err != nil {
			t.Fatal(err)
		}
		// The generation in force lies on another disk.
		moved := filepath.Join(elsewhere, name)
		if err := os.CopyFS(moved, os.DirFS(filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(moved, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		ch := c.random(t, rand.New(rand.NewPCG(uint64(round), 31)), 3)
		var rep struct {
			Work struct {
				Copied []string `json:"copied"`
			} `json:"work"`
		}
		decode(t, []byte(must(t, append(ch.args(t, dir), "--json")...)), &rep)
		if !slices.Equal(rep.Work.Copied, editionFiles) {
			t.Errorf("round %d: copied are %v", round, rep.Work.Copied)
		}
		must(t, "verify", dir)
		c.sameAsIngest(t, dir)
	}
}
