// Package tileset joins features and tiles: it makes of an index the tiles that an edition
// has, all of them ([Build]), those that a change shows in ([Update]), single ones of zooms
// that were not built ([Maker]), and the set of some layers for an archive ([Open]).
//
// Whichever of them makes a tile, its bytes are the same. Where layers that are sent together
// would be larger than [LargeTileBytes], those drawn as parcels are generalised.
//
// It knows no request, no token and no address; how shapes are drawn is pyramid's, how tiles
// are stored is cache's.
package tileset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/pyramid"
)

// MaxZoom is the highest zoom that is served, in both grids.
const MaxZoom = 18

// Drawing is the version of the way in which tiles are drawn, see [pyramid.Drawing].
const Drawing = pyramid.Drawing

// All stands for the layers of [ShownLayers].
const All = "all"

// AnswerPrefix begins the names of layers that are shapes of an answer, and of no others.
const AnswerPrefix = "a-"

// ShownLayers lists the layers that [All] stands for, in drawing order; dltb
// and layers beyond the product's own are asked for by name. Of an answer they are all.
func ShownLayers(m *edition.Manifest) []string {
	var out []string
	if len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, func(l edition.Layer) bool { return !strings.HasPrefix(l.Name, AnswerPrefix) }) {
		for i := range m.Layers {
			out = append(out, m.Layers[i].Name)
		}
		return out
	}
	for _, n := range edition.ShownLayers() {
		for i := range m.Layers {
			if m.Layers[i].Name == n {
				out = append(out, n)
				break
			}
		}
	}
	return out
}

// ParcelsFrom returns the zoom from which all shown layers of m are drawn as
// parcels: pictures and styles have no borders below it. It is
// [pyramid.DefaultParcelZoom] where no layer is shown.
func ParcelsFrom(m *edition.Manifest) int {
	zoom := 0
	for _, name := range ShownLayers(m) {
		for i := range m.Layers {
			if l := &m.Layers[i]; l.Name == name {
				zoom = max(zoom, l.ParcelZoom)
			}
		}
	}
	if zoom == 0 {
		return pyramid.DefaultParcelZoom
	}
	return zoom
}

// ContentHash returns the content hash of a generation: of the digests of its features
// and its tiles, which are taken over their sorted keys and values, see [index.Seal].
func ContentHash(features, tiles string) (string, error) {
	of, err := index.ContentDigest(features)
	if err != nil {
		return "", err
	}
	r, err := cache.Open(tiles)
	if err != nil {
		return "", err
	}
	ot, err := r.Digest()
	if err = errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte("features " + of + "\ntiles " + ot + "\n"))
	return hex.EncodeToString(sum[:]), nil
}
