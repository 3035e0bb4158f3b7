// Package index is the meeting point of gengtu: the frozen features of an
// edition. Ingest writes them, the server reads them.
//
// Features lie in features.db (bbolt), mapped into memory by the system and
// decoded when they are asked for. Held in memory are an R-tree (tidwall/rtree)
// over their boxes and a list of their ids; together with its areas, sums over
// neighbours and where its record lies a feature takes about 185 bytes, 45 more for
// its share of the partition of the ground, and 24 more for each view that holds it. An
// Index never changes once it is open, so that any number of goroutines may read
// it; a new generation is a new Index.
//
// It judges no shape and shows none: ingest decides what is stored, tileserver and the
// packages of answers what is told of it.
package index

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/ground"
	"gengtu/index/patch"
)

// Index is one generation of one edition, open for reading. Safe for
// concurrent use until Close.
type Index struct {
	Manifest *edition.Manifest
	Dir      string // the generation's directory

	file   *patch.File
	layers map[string]*Layer

	lineages []*Lineage

	ground     *ground.Ground
	groundFile *patch.File
	owners     *groundSource // of the partition

	mu   sync.Mutex
	done bool // closed
}

// Open opens the generation in force of the edition at dir, or the one named.
// The features' checksum is compared with the manifest's first: a damaged file
// is a problem with code FEATURES_DAMAGED and never an answer.
func Open(dir, generation string) (*Index, error) {
	name, m, err := edition.Read(dir, generation)
	if err != nil {
		return nil, err
	}
	return OpenFiles(edition.Path(dir, name), m)
}

// OpenFiles opens the features.db in gdir, which need not be committed yet,
// with the layers that m lists. The checksum is compared when m has one. The
// Index is to be closed; m is kept and must not change.
func OpenFiles(gdir string, m *edition.Manifest) (*Index, error) {
	return openFiles(gdir, m, opening{near: everywhere})
}

// opening says how features are read.
type opening struct {
	sums *patch.Sums // what is read is compared with, or nil
	near geo.Box     // where searches are to be quick
}

// everywhere is a box around all positions.
var everywhere = geo.Box{Min: geo.Position{Lon: math.MinInt64, Lat: math.MinInt64}, Max: geo.Position{Lon: math.MaxInt64, Lat: math.MaxInt64}}

// openFiles is OpenFiles in a certain way.
func openFiles(gdir string, m *edition.Manifest, o opening) (*Index, error) {
	ix := &Index{Manifest: m, Dir: gdir, layers: map[string]*Layer{}}
	// The two files are checked and read at once: most of it is checksums.
	var group errgroup.Group
	group.Go(func() error { return ix.loadFeatures(o) })
	group.Go(ix.loadGround)
	err := group.Wait()
	if err == nil {
		err = ix.join()
	}
	if err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	return ix, nil
}

func (ix *Index) loadFeatures(o opening) error {
	path := filepath.Join(ix.Dir, edition.FeaturesFile)
	if err := ix.Manifest.CheckFile(ix.Dir, edition.FeaturesFile); err != nil {
		return damaged(path, err)
	}
	var err error
	if ix.file, err = open(path, o.sums); err != nil {
		return err
	}
	if err := guard(func() error { return ix.load(o.near) }); err != nil {
		return damaged(path, err)
	}
	return nil
}

// load reads the layers, views after what they are views of.
func (ix *Index) load(near geo.Box) error {
	for _, views := range []bool{false, true} {
		if err := ix.loadLayers(near, views); err != nil {
			return err
		}
	}
	var err error
	ix.lineages, err = readLineages(ix.file)
	return err
}

// loadLayers loads the views, or the others, several at once.
func (ix *Index) loadLayers(near geo.Box, views bool) error {
	loaded := make([]*Layer, len(ix.Manifest.Layers))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range ix.Manifest.Layers {
		meta := &ix.Manifest.Layers[i]
		if (meta.View != nil) != views {
			continue
		}
		group.Go(func() error {
			return guard(func() (err error) {
				if loaded[i], err = ix.loadLayer(meta, near); err != nil {
					err = fmt.Errorf("layer %s: %w", meta.Key(), err)
				}
				return err
			})
		})
	}
	err := group.Wait()
	for _, l := range loaded {
		if l != nil {
			ix.layers[l.Meta.Key()] = l
		}
	}
	return err
}

func (ix *Index) loadLayer(meta *edition.Layer, near geo.Box) (*Layer, error) {
	if err := ix.checkSchema(meta); err != nil {
		return nil, err
	}
	var l *Layer
	var err error
	if meta.View != nil {
		l, err = loadView(meta, ix.layers[meta.View.Of+"@"+meta.Vintage])
	} else {
		l, err = loadStored(meta, ix.file, near)
	}
	if err != nil {
		return nil, err
	}
	if l.Len() != meta.Features {
		return nil, fmt.Errorf("it holds %d features, the manifest says %d", l.Len(), meta.Features)
	}
	return l, nil
}

// checkSchema compares what the file says that a layer is with the manifest.
func (ix *Index) checkSchema(meta *edition.Layer) error {
	want, err := schemaOf(meta)
	if err != nil {
		return err
	}
	b := ix.file.Bucket(layersBucket)
	if b == nil {
		return errors.New("not in the file")
	}
	switch got := b.Get([]byte(meta.Key())); {
	case got == nil:
		return errors.New("not in the file")
	case !bytes.Equal(got, want):
		return errors.New("its fields are others than those in the manifest")
	}
	return nil
}

// schemaOf returns what of a layer's description the file holds, so that it
// counts for the content hash: equal values under other names are another
// content.
func schemaOf(m *edition.Layer) ([]byte, error) {
	return json.Marshal(struct {
		Title  edition.Title   `json:"title"`
		View   *edition.View   `json:"view,omitempty"`
		Fields []edition.Field `json:"fields"`
		Class  string          `json:"class_field,omitempty"`
	}{m.Title, m.View, append([]edition.Field{}, m.Fields...), m.ClassField})
}

// Close closes the files; features that were handed out stay valid. Nothing may be read
// at the time: who has several readers counts them. Closing twice does nothing.
func (ix *Index) Close() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.done {
		return nil
	}
	ix.done = true
	var err error
	if ix.groundFile != nil {
		err = ix.groundFile.Close()
	}
	if ix.file != nil {
		err = errors.Join(err, ix.file.Close())
	}
	return err
}

// Layer returns the layer of that name in that vintage, or in its latest
// vintage when vintage is ""; nil when there is none.
func (ix *Index) Layer(name, vintage string) *Layer {
	if vintage == "" {
		vs := ix.Vintages(name)
		if len(vs) == 0 {
			return nil
		}
		vintage = vs[0]
	}
	return ix.layers[name+"@"+vintage]
}

// Regions returns the layer of places in that vintage or, where it has none of it, in its
// latest: that names the same places. nil where the edition has no places. What compares
// vintages, or shows one alone, asks [Index.Layer].
func (ix *Index) Regions(vintage string) *Layer {
	if l := ix.Layer(edition.Region, vintage); l != nil {
		return l
	}
	return ix.Layer(edition.Region, "")
}

// Names lists the layers' names, each once, in the manifest's order.
func (ix *Index) Names() []string {
	var out []string
	for i := range ix.Manifest.Layers {
		if n := ix.Manifest.Layers[i].Name; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// Vintages lists the vintages of a layer, latest first; see
// [edition.CompareVintages].
func (ix *Index) Vintages(name string) []string {
	var out []string
	for i := range ix.Manifest.Layers {
		if l := &ix.Manifest.Layers[i]; l.Name == name {
			out = append(out, l.Vintage)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return edition.CompareVintages(b, a) })
	return out
}

// pageBytes is the size of a page of the files that we write: some twenty parcels, so
// that less room is lost at the end of pages and a file is written in fewer pieces than
// with the system's pages of 4 KiB.
const pageBytes = 16 << 10

// create makes a new bbolt file at path, which must not exist. It is not synced
// before it is closed.
func create(ctx context.Context, path string) (*bolt.DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return bolt.Open(path, 0o644, &bolt.Options{
		NoSync: true, NoFreelistSync: true, PageSize: pageBytes,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, flag|os.O_EXCL, mode)
		},
	})
}
