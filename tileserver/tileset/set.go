package tileset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/archive"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
	"gengtu/tileserver/tile"
)

// Options choose the tiles of a [Set].
type Options struct {
	// Layers are names, each as "name" or "name@vintage", in the order in which
	// tiles hold them; "all" alone stands for what the server calls all. Vintage is
	// that of names without one, "" the latest.
	Layers  []string
	Vintage string
	// Zooms are the lowest and the highest zoom, nil for those that were built.
	Zooms *[2]int
	// WorkDir takes a file with tiles of zooms that were not built, until Close.
	WorkDir string
	// Making is called, when it is not nil, with the layer whose tiles are made and the
	// number of tiles made so far, by one goroutine at a time.
	Making func(layer string, tiles int)
}

// Set is the finished tiles of some layers of one generation in grid w, for
// an archive. It holds what the server would answer and nothing else. One
// goroutine uses it.
type Set struct {
	ix     *index.Index
	layers []*index.Layer
	built  *cache.Reader
	covers *pyramid.Covers // of built
	made   *cache.Reader   // nil when all zooms were built
	work   string          // the directory of made
	ids    []uint64        // of all tiles, sorted
	zooms  map[string]*[2]int
}

// Open opens the generation in force of the edition at dir and makes tiles
// of zooms that it was not built for; that takes as long as building them. An
// unknown layer, a zoom that the edition does not show, and a set without tiles
// are [*problem.Problem]s.
func Open(ctx context.Context, dir string, opt Options) (*Set, error) {
	ix, err := index.Open(dir, "")
	if err != nil {
		return nil, err
	}
	s := &Set{ix: ix, zooms: map[string]*[2]int{}}
	if err := s.open(ctx, &opt); err != nil {
		if p := problem.Of(err); p != nil {
			err = p.In(dir)
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Set) open(ctx context.Context, opt *Options) error {
	m := s.ix.Manifest
	if err := s.choose(opt); err != nil {
		return err
	}
	lo, hi := m.BuiltZooms[0], min(m.BuiltZooms[1], m.MaxZoom)
	if opt.Zooms != nil {
		lo, hi = opt.Zooms[0], opt.Zooms[1]
	}
	if lo < m.Policy.MinZoom || hi < lo || hi > m.MaxZoom {
		return problem.New("NO_ZOOM", "要 %d 到 %d 级，这一版有 %d 到 %d 级", "zooms %d to %d are asked for, this edition has %d to %d", lo, hi, m.Policy.MinZoom, m.MaxZoom).
			Advise("--zooms 应在 %d 到 %d 之间", "give --zooms from %d up to %d", m.Policy.MinZoom, m.MaxZoom)
	}
	path := filepath.Join(s.ix.Dir, edition.TilesFile)
	// A file that is cut short would be mapped into memory all the same.
	err := m.CheckFile(s.ix.Dir, edition.TilesFile)
	if err == nil {
		s.built, err = cache.Open(path)
	}
	if err == nil {
		err = s.make(ctx, lo, hi, opt)
	}
	if err == nil {
		err = s.list(ctx, lo, hi)
	}
	if err == nil && len(s.ids) == 0 {
		err = problem.New("NO_TILES", "第 %d 到 %d 级没有瓦片", "zooms %d to %d have no tiles", lo, hi).
			Advise("换别的级别，或核对图层里有没有要素", "give other zooms, or see whether the layers have features")
	}
	return err
}

// choose finds the layers.
func (s *Set) choose(opt *Options) error {
	names, all := opt.Layers, slices.Equal(opt.Layers, []string{All})
	if all {
		names = ShownLayers(s.ix.Manifest)
	}
	for _, n := range names {
		name, vintage, ok := strings.Cut(n, "@")
		if !ok {
			vintage = opt.Vintage
		}
		l := s.ix.Layer(name, vintage)
		switch {
		case l == nil && all:
			continue // `all` takes what there is of a vintage
		case l == nil:
			_, err := s.ix.FindLayer(name, vintage)
			return err
		case slices.ContainsFunc(s.layers, func(o *index.Layer) bool { return o.Meta.Name == name }):
			return problem.New("PARAMETER_LAYERS", "图层 %.40q 写了两次", "layer %.40q is named twice", name).
				Advise("每个图层只写一次", "name each layer once")
		}
		s.layers = append(s.layers, l)
	}
	if len(s.layers) == 0 && opt.Vintage != "" {
		return s.ix.NoVintage("", opt.Vintage)
	}
	if len(s.layers) == 0 {
		return problem.New("NO_LAYER", "没有可导出的图层", "there is no layer to write").
			Advise("用 --layer 指名图层；有：%s", "name a layer with --layer; there are: %s", strings.Join(s.ix.Names(), " "))
	}
	return nil
}

// make makes the tiles of the zooms in [lo, hi] that were not built.
func (s *Set) make(ctx context.Context, lo, hi int, opt *Options) error {
	built := s.ix.Manifest.BuiltZooms
	var missing [][2]int
	for _, r := range [][2]int{{lo, min(hi, built[0]-1)}, {max(lo, built[1]+1), hi}} {
		if r[0] <= r[1] {
			missing = append(missing, r)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	work, err := os.MkdirTemp(opt.WorkDir, ".gengtu-tiles-*")
	if err != nil {
		return problem.New("OUT_UNWRITABLE", "放不下要生成的瓦片（%v）", "there is no place for the tiles that are to be made (%v)", errors.Unwrap(err)).In(opt.WorkDir).Because(err)
	}
	s.work = work
	s.covers = pyramid.NewCovers(pyramid.DefaultMemoryBytes/4, s.built.Cells)
	path := filepath.Join(work, edition.TilesFile)
	w, err := cache.Create(path)
	if err != nil {
		return err
	}
	m, err := s.newMaker(w, opt)
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	for _, l := range s.layers {
		for _, zooms := range missing {
			zooms[0], zooms[1] = l.Meta.Within(zooms[0], zooms[1])
			if zooms[0] > zooms[1] {
				continue
			}
			if err := m.layer(ctx, l, zooms); err != nil {
				return errors.Join(err, m.close(), w.Abort())
			}
		}
	}
	if err := errors.Join(m.close(), w.Close()); err != nil {
		return err
	}
	s.made, err = cache.Open(path)
	return err
}

// reader returns where tiles of zoom z are.
func (s *Set) reader(z int) *cache.Reader {
	if b := s.ix.Manifest.BuiltZooms; z >= b[0] && z <= b[1] {
		return s.built
	}
	return s.made
}

// list finds the tiles that there are, of all layers, and the zooms of each.
func (s *Set) list(ctx context.Context, lo, hi int) error {
	for _, l := range s.layers {
		for z := lo; z <= hi; z++ {
			before := len(s.ids)
			err := s.reader(z).Tiles(l.Meta.Key(), tile.W, uint8(z), func(t tile.Tile) error {
				s.ids = append(s.ids, archive.TileID(t))
				return ctx.Err()
			})
			if err != nil {
				return err
			}
			if len(s.ids) == before {
				continue
			}
			if s.zooms[l.Meta.Name] == nil {
				s.zooms[l.Meta.Name] = &[2]int{z, z}
			}
			s.zooms[l.Meta.Name][1] = z
		}
	}
	slices.Sort(s.ids)
	s.ids = slices.Compact(s.ids)
	return nil
}

// Len returns the number of tiles, each with all layers.
func (s *Set) Len() int { return len(s.ids) }

// Info describes the set. Titles are in both languages, so that it does not
// depend on who asks. Layers without a tile are left out.
func (s *Set) Info(program string) archive.Info {
	m := s.ix.Manifest
	first, _ := archive.TileOf(s.ids[0])
	last, _ := archive.TileOf(s.ids[len(s.ids)-1])
	info := archive.Info{
		Version: program, Tier: string(m.Tier), Generation: m.Generation, Box: ExtentOf(s.layers),
		Description: bothLanguages(m.Policy.Use), Attribution: strings.TrimSpace(bothLanguages(m.Policy.Disclaimer) + " " + m.Policy.Approval),
	}
	info.CenterZoom = uint8(CenterZoom(tile.W, info.Box, int(first.Z), int(last.Z)))
	var names []string
	for _, l := range s.layers {
		if z := s.zooms[l.Meta.Name]; z != nil {
			info.Layers = append(info.Layers, VectorLayer(l, bothLanguages(l.Meta.Title), z[0], z[1]))
			names = append(names, l.Meta.Key())
		}
	}
	info.Name = "gengtu " + string(m.Tier) + " " + strings.Join(names, ",")
	return info
}

func bothLanguages(t edition.Title) string {
	if t.Zh == t.En || t.Zh == "" || t.En == "" {
		return max(t.Zh, t.En)
	}
	return t.Zh + " / " + t.En
}

// Each calls visit with every tile, packed by gzip, in the order of
// [archive.TileID]. data are valid until visit returns. Its first error ends it,
// and so does the end of ctx.
func (s *Set) Each(ctx context.Context, visit func(t tile.Tile, data []byte) error) error {
	var data []byte
	var parts []cache.Part
	for _, id := range s.ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, _ := archive.TileOf(id)
		parts = parts[:0]
		for _, l := range s.layers {
			p, ok, err := s.reader(int(t.Z)).Get(l.Meta.Key(), t)
			if err != nil {
				return err
			}
			if ok {
				parts = append(parts, p)
			}
		}
		data = cache.AppendGzip(data[:0], parts)
		if err := visit(t, data); err != nil {
			return err
		}
	}
	return nil
}

// Close closes what is open and removes the tiles that were made.
func (s *Set) Close() error {
	var err error
	for _, r := range []*cache.Reader{s.built, s.made} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	if s.work != "" {
		err = errors.Join(err, os.RemoveAll(s.work))
	}
	return errors.Join(err, s.ix.Close())
}
