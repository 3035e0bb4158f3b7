package scoped_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/tileserver/access"
	"gengtu/tileserver/live"
	"gengtu/tileserver/scoped"
	"gengtu/tileserver/tileset"
)

// Two villages lie beside each other; each has two lots, one above the other.
const west, east = "610402001200", "610402001201"

var (
	inWest = &access.Scope{Places: []string{west}}
	inEast = &access.Scope{Places: []string{east}}
	far    = &access.Scope{Area: `{"type":"Polygon","coordinates":[[[90,30],[90.1,30],[90.1,30.1],[90,30.1],[90,30]]]}`}
)

// opened is a generation with its index alone.
type opened struct {
	live.Hold
	ix *index.Index
}

func (o *opened) Index() *index.Index { return o.ix }

// house is an edition on disc, the editions for scopes of it, and what they were told.
type house struct {
	*scoped.Editions[*opened]
	of  *live.Edition[*opened]
	dir string // of the edition
	opt scoped.Options[*opened]
	log bytes.Buffer

	open, made, failed atomic.Int32
	refuse             error // of opening an edition for a scope
}

func newHouse(t *testing.T, change func(*scoped.Options[*opened])) *house {
	t.Helper()
	h := &house{dir: t.TempDir()}
	h.of = live.NewEdition(h.dir, func(name string) (*opened, error) {
		_, m, err := edition.Read(h.dir, name)
		if err != nil {
			return nil, err
		}
		return h.hold(edition.Path(h.dir, name), m)
	})
	h.generation(t, 2)
	h.opt = scoped.Options[*opened]{
		Limits: scoped.Limits{Make: time.Minute, Wait: time.Minute, Queue: 8, Editions: 8, Bytes: 1 << 30},
		Of:     func(edition.Tier) *live.Edition[*opened] { return h.of },
		Open: func(gdir string, m *edition.Manifest, _ string) (*opened, error) {
			if h.refuse != nil {
				return nil, h.refuse
			}
			return h.hold(gdir, m)
		},
		Log:  slog.New(slog.NewTextHandler(&h.log, nil)),
		Made: func(edition.Tier) { h.made.Add(1) }, Failed: func(edition.Tier) { h.failed.Add(1) },
	}
	if change != nil {
		change(&h.opt)
	}
	h.Editions = scoped.New(h.opt)
	t.Cleanup(func() {
		if err := errors.Join(h.Close(), h.of.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// hold opens the files in gdir and counts them while they are open.
func (h *house) hold(gdir string, m *edition.Manifest) (*opened, error) {
	ix, err := index.OpenFiles(gdir, m)
	if err != nil {
		return nil, err
	}
	h.open.Add(1)
	g := &opened{ix: ix}
	g.Begin(m.Generation, func() error {
		h.open.Add(-1)
		return ix.Close()
	})
	return g, nil
}

// generation puts a generation of so many lots a village in force.
func (h *house) generation(t *testing.T, lots int) {
	t.Helper()
	d, err := edition.Begin(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	w := index.NewWriter(d.File(edition.FeaturesFile))
	code := []edition.Field{{Name: "XZQDM", Kind: edition.Text, Code: true}}
	region := w.Layer(edition.Layer{Name: "region", Vintage: "2024", Fields: code})
	cropland := w.Layer(edition.Layer{Name: "cropland", Vintage: "2024"})
	for x, place := range []string{west, east} {
		add(t, region, uint64(1+x), lot(x, 0, 2), place, place)
		for y := range lots {
			add(t, cropland, uint64(10+10*x+y), lot(x, y, 1), place)
		}
	}
	m := &edition.Manifest{Tier: edition.Secure, MaxZoom: 18, Policy: edition.Policy{Digest: "d"}}
	if m.Layers, err = w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := index.Seal(t.Context(), d.File(edition.FeaturesFile)); err != nil {
		t.Fatal(err)
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tileset.BuildOneZoom(t.Context(), d, ix), ix.Close()); err != nil {
		t.Fatal(err)
	}
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(m, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := h.of.Follow(); err != nil {
		t.Fatal(err)
	}
}

func lot(x, y, high int) geo.Box {
	const step = 10_000_000 // 0.001 degree
	at := geo.Position{Lon: 1087e9 + int64(x)*step, Lat: 343e9 + int64(y)*step}
	return geo.Box{Min: at, Max: geo.Position{Lon: at.Lon + step, Lat: at.Lat + int64(high)*step}}
}

func add(t *testing.T, w *index.LayerWriter, id uint64, b geo.Box, place string, values ...any) {
	t.Helper()
	g := geo.MultiPolygon{b.Polygon()}
	if err := w.Add(&index.Feature{ID: id, Geometry: g, AreaM2: geo.Area(g), Place: place, Patch: index.NoArea, Net: index.NoArea, Values: values}); err != nil {
		t.Fatal(err)
	}
}

// take takes the edition for a scope and lets it go when the test is over.
func (h *house) take(t *testing.T, scope *access.Scope) *opened {
	t.Helper()
	g, err := h.Take(h.of, scope)
	if err != nil {
		t.Fatalf("%v\n%s", err, &h.log)
	}
	t.Cleanup(func() {
		if err := g.Release(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// Of what a generation has an edition for a scope holds what lies in it, and nothing more,
// under the name of the generation; no scope is the generation itself.
func TestTakeHoldsTheScopeAlone(t *testing.T) {
	h := newHouse(t, nil)
	for _, scope := range []*access.Scope{nil, {Operations: []access.Operation{access.Tiles}}} {
		if g := h.take(t, scope); g.Name() != h.of.Current() || g.ix.Layer("cropland", "").Len() != 4 || h.made.Load() != 0 {
			t.Errorf("scope %v: %s has %d lots, %d editions made", scope, g.Name(), g.ix.Layer("cropland", "").Len(), h.made.Load())
		}
	}
	for first, scope := range map[uint64]*access.Scope{10: inWest, 20: inEast} {
		g := h.take(t, scope)
		l := g.ix.Layer("cropland", "")
		if g.Name() != h.of.Current() || l.Len() != 2 {
			t.Fatalf("%v: %s of %s has %d lots", scope.Places, g.Name(), h.of.Current(), l.Len())
		}
		area := 0.0
		for i := range l.Len() {
			f, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			if f.ID-first > 1 {
				t.Errorf("%v: lot %d", scope.Places, f.ID)
			}
			area += f.AreaM2
		}
		column := lot(0, 0, 2)
		if want := geo.CellArea(column.Min.LonLat(), column.Max.LonLat()); math.Abs(area-want) > 1e-3 {
			t.Errorf("%v: %.4f m², want %.4f", scope.Places, area, want)
		}
	}
}

// Scopes that bound alike have one digest, any others another.
func TestDigest(t *testing.T) {
	digest := func(s access.Scope) string {
		t.Helper()
		d, err := scoped.Digest(&s)
		if err != nil || len(d) != 32 {
			t.Fatalf("%q, %v", d, err)
		}
		return d
	}
	alike := []access.Scope{
		{Layers: []string{"cropland", "pbf"}, Places: []string{west, east}},
		{Layers: []string{"pbf", "cropland", "pbf"}, Places: []string{east, west, east}},
		{Layers: []string{"cropland", "pbf"}, Places: []string{west, east}, Area: "\n"},
		{Layers: []string{"cropland", "pbf"}, Places: []string{west, east}, MinZoom: 3, MaxZoom: 9, Operations: []access.Operation{access.Tiles}},
	}
	for i, s := range alike {
		if digest(s) != digest(alike[0]) {
			t.Errorf("scope %d bounds as the first, under another digest", i)
		}
	}
	seen := map[string]int{}
	for i, s := range []access.Scope{
		{}, alike[0], {Layers: []string{"cropland", "pbf"}}, {Places: []string{west, east}}, {Places: []string{west}}, {Places: []string{east}},
		{Layers: []string{west, east}}, {Area: far.Area}, {Area: far.Area, Layers: []string{"pbf"}},
	} {
		d := digest(s)
		if k, ok := seen[d]; ok {
			t.Errorf("scopes %d and %d bound differently, under one digest", k, i)
		}
		seen[d] = i
	}
}

// However many ask at once, an edition is made once.
func TestMadeOnce(t *testing.T) {
	h := newHouse(t, nil)
	var wg sync.WaitGroup
	got := make([]*opened, 16)
	for i := range got {
		wg.Go(func() {
			g, err := h.Take(h.of, inWest)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = g
			_ = g.Release()
		})
	}
	wg.Wait()
	for i, g := range got {
		if g != got[0] {
			t.Errorf("number %d has an edition of its own", i)
		}
	}
	if h.made.Load() != 1 {
		t.Errorf("made %d times", h.made.Load())
	}
}

// While the edition of a new generation is not there, the one before answers for it; a
// generation that is asked for by name is answered by no other.
func TestBeforeAnswersMeanwhile(t *testing.T) {
	h := newHouse(t, nil)
	before := h.take(t, inWest)
	h.refuse = errors.New("no more files")
	h.generation(t, 1)
	if g := h.take(t, inWest); g != before {
		t.Errorf("%s answers", g.Name())
	}
	if g, err := h.Pin(h.of, inWest, h.of.Current()); !errors.Is(err, live.ErrClosed) {
		t.Errorf("the new generation by name: %v, %v", g, err)
	}
	if _, err := h.Take(h.of, inEast); !errors.Is(err, live.ErrClosed) {
		t.Errorf("another scope: %v", err)
	}
	if g, err := h.Pin(h.of, inWest, before.Name()); err != nil || g != before {
		t.Errorf("the generation before by name: %v", err)
	} else if err := g.Release(); err != nil {
		t.Error(err)
	}
}

// Why there is no edition is told apart, and what cannot be made is told of once and is
// not tried again at once.
func TestNotMade(t *testing.T) {
	broken := errors.New("no more files")
	for _, tt := range []struct {
		name   string
		scope  *access.Scope
		change func(*scoped.Options[*opened])
		refuse error
		want   error
		times  int
		failed int32
		log    string
	}{
		{"nothing lies in it", far, nil, nil, scoped.ErrEmpty, 3, 0, "nothing lies in the scope"},
		{"it cannot be opened", inWest, nil, broken, live.ErrClosed, 3, 1, broken.Error()},
		{"larger than all may be", inWest, func(o *scoped.Options[*opened]) { o.Limits.Bytes = 1 }, nil, live.ErrClosed, 3, 1, "SCOPE_TOO_LARGE"},
		{"no time to make it", inWest, func(o *scoped.Options[*opened]) { o.Limits.Make = time.Nanosecond }, nil, live.ErrClosed, 3, 1, "deadline"},
		{"no place in the queue", inWest, func(o *scoped.Options[*opened]) { o.Limits.Queue = 0 }, nil, scoped.ErrMaking, 1, 0, ""},
		{"no time to wait", inWest, func(o *scoped.Options[*opened]) { o.Limits.Wait = 0 }, nil, scoped.ErrMaking, 1, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, tt.change)
			h.refuse = tt.refuse
			for range tt.times {
				if g, err := h.Take(h.of, tt.scope); !errors.Is(err, tt.want) {
					t.Fatalf("%v, %v; want %v", g, err, tt.want)
				}
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if h.failed.Load() != tt.failed || !strings.Contains(h.log.String(), tt.log) {
				t.Errorf("told of %d failures, want %d; the log has\n%s", h.failed.Load(), tt.failed, &h.log)
			}
		})
	}
}

// What is closed holds nothing open, and leaves a directory only where one was given; what
// lies there is opened again and not made.
func TestCloseAndRecall(t *testing.T) {
	t.Run("temporary", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		h := newHouse(t, nil)
		h.letGo(t, inWest)
		if got := dirs(t, os.TempDir()); len(got) != 1 {
			t.Fatalf("there are %v", got)
		}
		h.closed(t)
		if got := dirs(t, os.TempDir()); len(got) != 0 {
			t.Errorf("there are %v", got)
		}
	})
	t.Run("given", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "scoped")
		h := newHouse(t, func(o *scoped.Options[*opened]) { o.Dir = dir })
		h.letGo(t, inWest)
		h.closed(t)
		if got := dirs(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], string(edition.Secure)+"-"+h.of.Current()+"-") {
			t.Fatalf("there are %v", got)
		}
		h.Editions = scoped.New(h.opt)
		h.Recall()
		h.letGo(t, inWest)
		if h.made.Load() != 1 {
			t.Errorf("made %d times", h.made.Load())
		}
		h.generation(t, 1)
		h.generation(t, 3) // the first generation is not kept any more
		h.of.Prune()
		h.Prune()
		if got := dirs(t, dir); len(got) != 0 {
			t.Errorf("of a generation that is gone there are %v", got)
		}
	})
}

// letGo takes the edition for a scope and lets it go.
func (h *house) letGo(t *testing.T, scope *access.Scope) {
	t.Helper()
	g, err := h.Take(h.of, scope)
	if err != nil {
		t.Fatalf("%v\n%s", err, &h.log)
	}
	if err := g.Release(); err != nil {
		t.Fatal(err)
	}
}

// closed closes the editions, after which the generation in force alone is open.
func (h *house) closed(t *testing.T) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if h.open.Load() != 1 {
		t.Errorf("%d generations are open", h.open.Load())
	}
}

// dirs lists what lies in a directory.
func dirs(t *testing.T, dir string) []string {
	t.Helper()
	lying, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range lying {
		out = append(out, d.Name())
	}
	return out
}
