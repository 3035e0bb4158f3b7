package mvt

import (
	"slices"

	"gengtu/index/problem"

	orbmvt "github.com/paulmach/orb/encoding/mvt"
)

// maxUnits bounds the coordinates that the ring rules are applied to, so that
// no product of differences leaves an int64. It is 2^12 tiles on each side.
const maxUnits = 1 << 24

// Validate tells what makes data no valid tile of the Vector Tile Specification
// 2.1, or returns nil. Empty data are a valid tile of no layers.
//
// All of the specification's rules are held, those that it only recommends for
// polygons too: shells first and clockwise on the screen, no ring without area,
// with a repeated point or touching itself, holes inside their shell, the rings
// of a polygon meeting in single points at most. Points and lines are allowed.
// A tile that passes is read once more by orb's decoder, which is not ours, and
// has to show it the same layers and numbers of features. Errors match
// [ErrInvalid].
func Validate(data []byte) error {
	layers, err := parse(data)
	if err != nil {
		return err
	}
	readable := len(layers) > 0
	for i := range layers {
		l := &layers[i]
		for j := range l.features {
			f := &l.features[j]
			if err := l.checkFeature(f); err != nil {
				return inFeature(err, l.name, j)
			}
			// Orb reads no unknown geometry.
			readable = readable && f.kind != typeUnknown
		}
	}
	if readable {
		if err := readByOrb(data, layers); err != nil {
			return err
		}
	}
	return nil
}

func (l *rawLayer) checkFeature(f *rawFeature) *problem.Problem {
	if len(f.tags) > 2 {
		keys := make([]uint32, 0, len(f.tags)/2)
		for i := 0; i < len(f.tags); i += 2 {
			keys = append(keys, f.tags[i])
		}
		slices.Sort(keys)
		if len(slices.Compact(keys)) != len(f.tags)/2 {
			return invalid("同一个键出现两次", "a key appears twice")
		}
	}
	switch f.kind {
	case typeUnknown:
		return nil
	case typePoint, typeLine:
		return f.checkPlain()
	}
	polygons, err := f.polygons()
	if err != nil {
		return err
	}
	for _, p := range polygons {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// readByOrb has an independent decoder read the tile.
func readByOrb(data []byte, layers []rawLayer) error {
	read, err := orbmvt.Unmarshal(data)
	if err != nil {
		return invalid("另一解码器读不出：%v", "a second decoder cannot read it: %v", err)
	}
	if len(read) != len(layers) {
		return invalid("另一解码器读出 %d 个图层，而不是 %d 个", "a second decoder finds %d layers, not %d", len(read), len(layers))
	}
	for i, l := range read {
		if l.Name != layers[i].name || len(l.Features) != len(layers[i].features) {
			return invalid("另一解码器在图层 %q 读出 %d 个要素，而不是 %d 个", "a second decoder finds in layer %q %d features, not %d",
				l.Name, len(l.Features), len(layers[i].features))
		}
	}
	return nil
}
