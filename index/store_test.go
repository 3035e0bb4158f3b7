package index_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/indextest"
	"gengtu/index/problem"
)

// pageBytes is the size of a page of a features.db, as its first meta page states it.
const pageBytes = 16 << 10

// reopen opens an index and reads all of it; whatever the file holds, that ends
// in answers or an error.
func reopen(dir string, m *edition.Manifest) error {
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range ix.Names() {
		l := ix.Layer(name, "")
		for i := range l.Len() {
			_, err := l.Feature(i)
			errs = append(errs, err)
		}
		_, err := l.ByCode("61040220010000A", 10)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, ix.Close())...)
}

// A file that is cut off, or another one, must be a problem that says so and
// never the end of the program.
func TestDamagedFile(t *testing.T) {
	dir, m := write(t, randomFeatures(300))
	path := filepath.Join(dir, edition.FeaturesFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := reopen(dir, m); err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"empty": {}, "one byte": whole[:1], "one page": whole[:pageBytes], "three eighths": whole[:len(whole)/8*3],
		"half": whole[:len(whole)/2], "zeros": make([]byte, len(whole)), "text": bytes.Repeat([]byte("耕地"), 9000),
		"two meta pages": whole[:2*pageBytes],
	}
	for name, data := range cases {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if p := problem.Of(reopen(dir, m)); p == nil || p.Code != "FEATURES_DAMAGED" || p.File != path {
			t.Errorf("%s: got %v, want FEATURES_DAMAGED", name, p)
		} else if len(data) >= 2*pageBytes && name != "zeros" && name != "text" && !strings.Contains(p.Error(), fmt.Sprintf("%d bytes of", len(data))) {
			t.Errorf("%s: it does not say how much is missing: %v", name, p)
		}
		err := index.Each(path, func(string, []byte, []byte) error { return nil })
		if p := problem.Of(err); p == nil || p.Code != "FEATURES_DAMAGED" {
			t.Errorf("%s, each: got %v, want FEATURES_DAMAGED", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if p := problem.Of(reopen(dir, m)); p == nil || p.Code != "FEATURES_DAMAGED" {
		t.Errorf("missing: got %v, want FEATURES_DAMAGED", p)
	}
}

// With a checksum in the manifest, any changed bit is found. Without one, as in
// a draft, pages of noise end in an error at worst.
func TestChangedBits(t *testing.T) {
	dir, m := write(t, randomFeatures(1500))
	path := filepath.Join(dir, edition.FeaturesFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := *m
	sealed.Files = map[string]string{edition.FeaturesFile: sha(whole)}
	if err := reopen(dir, &sealed); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 100 {
		data := bytes.Clone(whole)
		at := rng.IntN(len(data))
		data[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := reopen(dir, &sealed); problem.Of(err) == nil {
			t.Fatalf("a bit changed at %d is not found: %v", at, err)
		}
		// A page of leaves turned to noise; page numbers of branches are left alone.
		page := (4 + rng.IntN(len(data)/pageBytes-6)) * pageBytes
		for i := page + 16; i < page+pageBytes; i++ {
			data[i] = byte(rng.Uint32())
		}
		if data[page+8] != 2 {
			continue
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := reopen(dir, m); err == nil {
			t.Logf("noise at page %d did no harm", page/pageBytes)
		}
	}
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A file that loses its end while it is open must fail what is read from it, and
// not end the program.
func TestFileShrinksWhileOpen(t *testing.T) {
	dir, m := write(t, randomFeatures(3000))
	path := filepath.Join(dir, edition.FeaturesFile)
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }()
	if err := os.Truncate(path, 2*pageBytes); err != nil {
		t.Fatal(err)
	}
	l := ix.Layer("dltb", "")
	failed := 0
	for i := range l.Len() {
		if _, err := l.Feature(i); err != nil {
			failed++
		}
		_ = l.Head(i)
	}
	if failed == 0 {
		t.Error("features are read from a file that is gone")
	}
	if _, err := l.ByCode("61040220010000A", 10); err == nil {
		t.Error("codes are read from a file that is gone")
	}
}

// What the manifest says that a layer is must be what the file says.
func TestManifestDisagrees(t *testing.T) {
	dir, m := write(t, randomFeatures(30))
	for name, change := range map[string]func(*edition.Manifest){
		"another count":       func(m *edition.Manifest) { m.Layers[1].Features++ },
		"an endless count":    func(m *edition.Manifest) { m.Layers[1].Features = 1 << 60 },
		"a negative count":    func(m *edition.Manifest) { m.Layers[1].Features = -1 },
		"a field renamed":     func(m *edition.Manifest) { m.Layers[1].Fields[1].Name = "X1" },
		"a layer too many":    func(m *edition.Manifest) { m.Layers = append(m.Layers, edition.Layer{Name: "pbf", Vintage: "2024"}) },
		"a view of nothing":   func(m *edition.Manifest) { m.Layers[0].View.Of = "pbf" },
		"a view by no field":  func(m *edition.Manifest) { m.Layers[0].View.Field = "F" },
		"a view of another":   func(m *edition.Manifest) { m.Layers[0].View.Prefix = "02" },
		"a view in two names": func(m *edition.Manifest) { m.Layers[0].Name = "crop" },
	} {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		changed := &edition.Manifest{}
		if err := json.Unmarshal(text, changed); err != nil {
			t.Fatal(err)
		}
		change(changed)
		if p := problem.Of(reopen(dir, changed)); p == nil || p.Code != "FEATURES_DAMAGED" {
			t.Errorf("%s: got %v, want FEATURES_DAMAGED", name, p)
		}
	}
}

// Several processes may have one generation open at once.
func TestTwoProcesses(t *testing.T) {
	if dir := os.Getenv("GENGTU_TEST_INDEX"); dir != "" {
		text, err := os.ReadFile(filepath.Join(dir, "m.json"))
		if err != nil {
			t.Fatal(err)
		}
		m := &edition.Manifest{}
		if err := json.Unmarshal(text, m); err != nil {
			t.Fatal(err)
		}
		ix, err := index.OpenFiles(dir, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("open\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			t.Error(err)
		}
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
		return
	}
	dir, m := write(t, randomFeatures(30))
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, edition.FeaturesFile), 0o444); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTwoProcesses$")
	cmd.Env = append(os.Environ(), "GENGTU_TEST_INDEX="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(out, b); err != nil || string(b) != "open\n" {
		t.Fatalf("the other process says %q, %v", b, err)
	}
	if err := reopen(dir, m); err != nil {
		t.Errorf("while another process has it open: %v", err)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// Any number of goroutines may read.
func TestConcurrentReaders(t *testing.T) {
	dir, m := write(t, randomFeatures(200))
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			l := ix.Layer([]string{"dltb", "cropland"}[g%2], "")
			for i := range l.Len() {
				f, err := l.Feature(i)
				if err != nil || f.ID != l.Head(i).ID {
					t.Error(f.ID, err)
				}
				if _, err := l.ByCode(f.Values[5].(string), 1); err != nil {
					t.Error(err)
				}
				l.Search(f.Box, func(int) bool { return true })
			}
		})
	}
	wg.Wait()
	for range 2 { // closing twice does nothing
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What an open index holds in memory for a feature is bounded; the geometry and
// the values stay in the file.
func TestMemoryOfFeature(t *testing.T) {
	const n = 20_000
	dir, m := write(t, randomFeatures(n))
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	ix, err := index.OpenFiles(dir, m)
	if err != nil {
		t.Fatal(err)
	}
	per := (heap() - before) / n
	t.Logf("%.0f bytes a feature, with a view of all of them", per)
	if per > 210 {
		t.Errorf("%.0f bytes a feature, want at most 210", per)
	}
	if err := ix.Close(); err != nil {
		t.Error(err)
	}
}

// Equal values under another name are another content.
func TestSchemaIsContent(t *testing.T) {
	sum := func(name string) string {
		path := filepath.Join(t.TempDir(), "f.db")
		w := index.NewWriter(path)
		l := w.Layer(edition.Layer{Name: "x", Vintage: "1", Fields: []edition.Field{{Name: name}}})
		if err := l.Add(&index.Feature{ID: 1, Geometry: square(geo.Position{}, 9), Values: []any{"a"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		return indextest.ContentHash(t, path)
	}
	if a, again, b := sum("A"), sum("A"), sum("B"); a != again || a == b {
		t.Error("the name of a field does not show in the content hash")
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{10_000, 540_000} {
		b.Run("n="+map[int]string{10_000: "10000", 540_000: "540000"}[n], func(b *testing.B) {
			dir, m := write(b, randomFeatures(n))
			b.ReportAllocs()
			for b.Loop() {
				ix, err := index.OpenFiles(dir, m)
				if err != nil {
					b.Fatal(err)
				}
				if err := ix.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Half a million features over five degrees, whose nodes are as large as a province's:
// a search for a point is a matter of microseconds, whatever the number of features.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{5_000, 500_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			features := randomFeatures(n)
			rng := rand.New(rand.NewPCG(9, 9))
			at := func() geo.Position {
				return geo.Position{Lon: 1060e9 + rng.Int64N(50e9), Lat: 320e9 + rng.Int64N(50e9)}
			}
			for i := range features {
				features[i].Geometry = square(at(), 1+rng.Int64N(2e7))
				features[i].Box = features[i].Geometry.Box()
			}
			ix, err := index.OpenFiles(write(b, features))
			if err != nil {
				b.Fatal(err)
			}
			defer ix.Close()
			l := ix.Layer("dltb", "")
			for b.Loop() {
				p := at()
				l.Search(geo.Box{Min: p, Max: p}, func(int) bool { return true })
			}
		})
	}
}
