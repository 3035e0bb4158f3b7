package policy

import (
	"context"

	"gengtu/index"
	"gengtu/index/cells"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/overlay"
	"gengtu/ingest"
)

// owners say what the features of a layer go to, by ordinal: to themselves, to a feature
// that stands for several, or to none. nil: each to itself.
type owners []int32

// nobody owns what is left out.
const nobody = -1

// of returns what feature i goes to.
func (o owners) of(i int) int32 {
	if o == nil {
		return int32(i)
	}
	return o[i]
}

// standing counts those of n features that are there afterwards, for themselves or for others.
func (o owners) standing(n int) int {
	count := 0
	for i := range n {
		if o.of(i) == int32(i) {
			count++
		}
	}
	return count
}

// gather gives the cells of features to what the features go to.
func (o owners) gather(owned map[int32][]cells.Cell) map[int32][]cells.Cell {
	if o == nil {
		return owned
	}
	out := map[int32][]cells.Cell{}
	for i, set := range owned {
		to := o[i]
		out[to] = append(out[to], set...)
	}
	return out
}

// byPlace makes features one where the policy tells of one place.
func (d *derivation) byPlace(l *index.Layer) owners {
	o, first := make(owners, l.Len()), map[string]int32{}
	for i := range o {
		place := d.told(l.Head(i).Place)
		if _, ok := first[place]; !ok {
			first[place] = int32(i)
		}
		o[i] = first[place]
	}
	return o
}

// told cuts a code of place to the digits that the policy tells.
func (d *derivation) told(place string) string {
	return place[:min(len(place), d.tier.PlaceDigits)]
}

// finerTold tells what became of places that are finer than the policy tells.
type finerTold struct {
	// Merged are the features that stand as the place they lie in, of which there was
	// none in the layer, and Into how many of those they became. They keep no name.
	Merged int `json:"merged"`
	Into   int `json:"into"`
	// LeftOut are those that are not shown: the place that they lie in is in the layer,
	// or the policy tells of none.
	LeftOut   int     `json:"left_out"`
	LeftOutM2 float64 `json:"left_out_m2"`
}

// gathered is a layer with what is finer than the policy tells made coarser.
type gathered struct {
	*derivation
	layer   *index.Layer
	owners  owners
	members map[int32][]int // of features that stand for the place that they lie in
	codes   []int           // the fields with codes of place
}

// coarser finds what is to become of the places of a layer of places. Of any other layer,
// and of one that has no finer places, owners is nil.
func (d *derivation) coarser(l *index.Layer, reg *RegisterLayer) (*gathered, error) {
	g := &gathered{derivation: d, layer: l}
	p, err := ingest.ProfileOf(l.Meta.Name)
	if err != nil || l.Meta.Name != edition.Region && p.Serves != edition.Region {
		return g, err
	}
	for _, name := range p.Place {
		if k := l.Field(name); k >= 0 {
			g.codes = append(g.codes, k)
		}
	}
	whole, finer := map[string]bool{}, 0
	for i := range l.Len() {
		place := l.Head(i).Place
		if d.told(place) == place {
			whole[place] = true
		} else {
			finer++
		}
	}
	if finer == 0 {
		return g, nil
	}
	g.owners, g.members = make(owners, l.Len()), map[int32][]int{}
	first := map[string]int32{}
	for i := range g.owners {
		h := l.Head(i)
		place := d.told(h.Place)
		to, begun := first[place]
		switch {
		case place == h.Place:
			to = int32(i)
		case place == "" || whole[place]:
			to = nobody
			d.forget(l, h.ID)
			reg.Finer.LeftOut, reg.Finer.LeftOutM2 = reg.Finer.LeftOut+1, reg.Finer.LeftOutM2+h.AreaM2
		default:
			if !begun {
				to = int32(i)
				first[place], reg.Finer.Into = to, reg.Finer.Into+1
			}
			d.forget(l, h.ID) // the feature that it becomes part of is another
			g.members[to] = append(g.members[to], i)
			reg.Finer.Merged++
		}
		g.owners[i] = to
	}
	return g, nil
}

// stands tells whether feature i is one of the lower edition, for itself or for others.
func (g *gathered) stands(i int) bool { return g.owners.of(i) == int32(i) }

// feature reads feature i, or what stands for the place that it lies in: that has the
// code of the place, and nothing else that its members tell. Where there is no grid it has
// their ground; AreaM2 is theirs together.
func (g *gathered) feature(ctx context.Context, i int) (index.Feature, error) {
	f, err := g.layer.Feature(i)
	members := g.members[int32(i)]
	if err != nil || len(members) == 0 {
		return f, err
	}
	var parts []geo.MultiPolygon
	f.AreaM2 = 0
	for _, k := range members {
		m, err := g.layer.Feature(k)
		if err != nil {
			return f, err
		}
		f.AreaM2 += m.AreaM2
		parts = append(parts, m.Geometry)
	}
	if g.grid == (grid{}) {
		if f.Geometry, err = overlay.Dissolve(ctx, parts); err != nil {
			return f, err
		}
		f.AreaM2 = geo.Area(f.Geometry)
	}
	f.Place, f.Patch, f.Net = g.told(f.Place), index.NoArea, index.NoArea
	values := make([]any, len(f.Values))
	for _, k := range g.codes {
		if _, text := f.Values[k].(string); text {
			values[k] = f.Place
		}
	}
	f.Values = values
	return f, nil
}

// id returns the id of feature i, which is read, in the lower edition.
func (g *gathered) id(i int, f *index.Feature) uint64 {
	if len(g.members[int32(i)]) > 0 {
		return g.hash([]byte(g.layer.Meta.Name + "\x00place\x00" + f.Place))
	}
	return g.derivation.id(g.layer.Meta, f.ID)
}
