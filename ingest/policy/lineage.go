package policy

import (
	"gengtu/index"
)

// lineages derives what became of what, for layers whose features come along one by
// one and as they are: below a grid, and where features are dissolved, it would tell
// more than the geometry does. Ids are keyed as those of the features, a feature that
// the layer does not hold is none, and areas of record come along where the features'
// own do.
func (d *derivation) lineages() error {
	if d.grid != (grid{}) {
		return nil
	}
	for i := range d.from.Manifest.Layers {
		meta := &d.from.Manifest.Layers[i]
		rule, ok := d.tier.Layers[meta.Name]
		if !ok || rule.Dissolve {
			continue
		}
		keep, err := rule.allowed(meta)
		if err != nil {
			return err
		}
		// A view that stays one has the lineage of its source.
		if view, err := d.staysView(meta, keep, rule); view || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		l := d.from.Layer(meta.Name, meta.Vintage)
		shows, err := carriedBy(l, keep, rule)
		if err != nil {
			return err
		}
		for _, earlier := range d.from.Vintages(meta.Name) {
			if g := d.from.Lineage(l, earlier, meta.Vintage); g != nil {
				d.out.Lineage(d.lineage(g, d.from.Layer(meta.Name, earlier), l, shows.patch))
			}
		}
	}
	return nil
}

// lineage derives what became of the features of from, which are those of to now.
func (d *derivation) lineage(g *index.Lineage, from, to *index.Layer, areas bool) *index.Lineage {
	id := func(l *index.Layer, id uint64) uint64 {
		if _, ok := l.ByID(id); !ok || d.left[l.Meta.Key()][id] {
			return 0
		}
		return d.id(l.Meta, id)
	}
	var links []index.Link
	step := stepOf(d.tier.RoundM2)
	for _, k := range g.Links() {
		k.From, k.To = id(from, k.From), id(to, k.To)
		if k.From == 0 && k.To == 0 {
			continue
		}
		if !areas {
			k.Area = index.NoArea
		}
		if step > 0 && index.OfRecord(k.Area) {
			k.Area = (k.Area + step/2) / step * step
		}
		links = append(links, k)
	}
	return index.NewLineage(to.Meta.Name, from.Meta.Vintage, to.Meta.Vintage, links)
}
