package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/overlay"
)

// KeyID returns the id of the feature of a layer with that business key: the
// first 53 bits of SHA-256 over layer, a zero byte and key. It is never 0.
func KeyID(layer, key string) uint64 {
	return first53([]byte(layer + "\x00" + key))
}

func first53(data []byte) uint64 {
	sum := sha256.Sum256(data)
	return max(binary.BigEndian.Uint64(sum[:])>>11, 1)
}

// contentID returns the id of a feature whose key is missing or shared: the
// hash of its geometry and attributes.
func contentID(layer string, f *index.Feature) uint64 {
	b := []byte(layer + "\x00\x00")
	for _, v := range f.Values {
		b = fmt.Appendf(b, "%T:%v\x00", v, v)
	}
	for _, p := range f.Geometry {
		for _, r := range p {
			for _, v := range r {
				b = binary.AppendVarint(b, v.Lon)
				b = binary.AppendVarint(b, v.Lat)
			}
			b = append(b, 0)
		}
		b = append(b, 1)
	}
	return first53(b)
}

// identify gives a feature its id, and its place where the attributes name none.
func (l *layerRun) identify(j *judged) {
	if j.key != "" {
		j.keyID = KeyID(l.rep.Layer, j.key)
		j.ID = j.keyID
	} else {
		j.ID = contentID(l.rep.Layer, &j.Feature)
	}
	if j.Place == "" {
		j.Place = l.run.placeIn(j.Geometry)
	}
}

// regionShape is a place that features without a code of place may lie in.
type regionShape struct {
	code  string
	shape geo.MultiPolygon
	box   geo.Box
}

// placeIn returns the place that most of m lies in, or "".
func (r *run) placeIn(m geo.MultiPolygon) string {
	box := m.Box()
	best, most := "", 0.0
	for _, g := range r.regions {
		if !g.box.Intersects(box) {
			continue
		}
		if a := overlay.SharedArea(m, g.shape); a > most {
			best, most = g.code, a
		}
	}
	return best
}
