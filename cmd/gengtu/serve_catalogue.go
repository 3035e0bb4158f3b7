package main

import (
	"os"
	"slices"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
	"gengtu/tileserver"
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
func (f *serving) readCatalogue(cfg *tileserver.Config) error {
	if len(f.catalogue) == 0 {
		return nil
	}
	layers := map[edition.Tier][]edition.Layer{}
	for _, dir := range f.editions {
		_, m, err := edition.Current(dir)
		if err != nil {
			return err
		}
		layers[m.Tier] = m.Layers
	}
	cfg.Catalogue = map[edition.Tier]*catalog.Table{}
	for _, path := range f.catalogue {
		data, err := os.ReadFile(path)
		if err != nil {
			return problem.New("CATALOGUE_FILE", "数据目录表读不出来（%v）", "the table of the catalogue cannot be read (%v)", err).In(path).Because(err)
		}
		t, err := catalog.Parse(path, data, func(tier edition.Tier, name string) bool {
			return slices.ContainsFunc(layers[tier], func(l edition.Layer) bool { return l.Name == name })
		})
		if err != nil {
			return err
		}
		if layers[t.Tier] == nil || cfg.Catalogue[t.Tier] != nil {
			return problem.New("CATALOGUE_TIER", "%[1]s没有给出版本目录，或有两个表", "there is no edition of the tier %[2]s, or there are two tables", t.Tier.Title(problem.Chinese), string(t.Tier)).In(path).
				Advise("每版给一个表", "give one table for each tier that is served")
		}
		cfg.Catalogue[t.Tier] = t
	}
	return nil
}
