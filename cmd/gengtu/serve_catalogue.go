package main

import (
	"fmt"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/tileserver"
	"gengtu/tileserver/basemap"
	"gengtu/tileserver/catalog"
)

// readKeys reads the keys of receipts, which have to be fit for each edition.
func (f *serving) readKeys(cfg *tileserver.Config) error {
	if f.seal == "" && f.trust == "" {
		return nil
	}
	for _, dir := range f.editions {
		_, m, err := edition.Current(dir)
		if err != nil {
			return err
		}
		if f.seal != "" {
			if cfg.Seal, err = readSealer(f.seal, m.Tier); err != nil {
				return err
			}
		}
		if f.trust != "" {
			if cfg.Trust, err = seal.ReadTrust(f.trust, m.Tier); err != nil {
				return err
			}
		}
	}
	return nil
}

// readCatalogue reads the tables of the catalogue, each of which may name only what
// the edition of its tier has.
func (f *serving) readCatalogue(cfg *tileserver.Config) (err error) {
	if cfg.Catalogue, err = catalog.Open(f.catalogue, layersOf(f.editions)); err != nil {
		return err
	}
	f.gaps, err = cfg.Catalogue.Gaps()
	return err
}

// readBases reads the file of base maps.
func (f *serving) readBases(cfg *tileserver.Config) error {
	if f.bases == "" {
		return nil
	}
	sources, err := basemap.Read(f.bases)
	if err != nil {
		return err
	}
	cfg.BaseMaps = basemap.New(sources, basemap.Options{Failed: func(source string, err error) { cfg.Log.Warn("base map fails", "source", source, "error", err) }})
	return nil
}

// layersOf tells which layers the editions have now, vintages counted once.
func layersOf(dirs []string) catalog.Layers {
	return func() (map[edition.Tier][]string, error) {
		out := map[edition.Tier][]string{}
		for _, dir := range dirs {
			_, m, err := edition.Current(dir)
			if err != nil {
				return nil, err
			}
			out[m.Tier] = m.LayerNames()
		}
		return out, nil
	}
}

// tellGaps says of how many layers of the tiers that are served the catalogue says too
// little, and the command that lists them.
func (e *env) tellGaps(f *serving) {
	var line strings.Builder
	line.WriteString("gengtu catalogue check")
	for _, dir := range f.editions {
		line.WriteString(" --edition " + dir)
	}
	for _, file := range f.catalogue {
		line.WriteString(" " + file)
	}
	for _, tier := range edition.Tiers {
		if n := len(f.gaps[tier]); n > 0 {
			e.notef("%s\n", e.pick(
				fmt.Sprintf("%s的数据目录有 %d 个图层缺项，列出：%s", tier.Title(problem.Chinese), n, line.String()),
				fmt.Sprintf("the %s catalogue says too little of %d layers; to list them: %s", tier, n, line.String())))
		}
	}
}
