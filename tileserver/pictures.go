package tileserver

import (
	"context"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/styles"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/recent"
	"gengtu/tileserver/tile"
)

// pictures are the painted tiles of a generation that were asked for last.
type pictures = recent.Values[pictureKey, *picture]

// pictureKey is what a tile's picture depends on within a generation.
type pictureKey struct {
	layers string // their keys, with commas
	style  string
	tile   tile.Tile
	side   int
	// parcels tells that borders are drawn: from which zoom depends on the layers that a
	// token reaches, beside those of the picture.
	parcels bool
}

// picture is a painted tile. Its bytes must not be changed.
type picture struct {
	tag string
	png []byte
}

func newPictures(limit int64) *pictures {
	return recent.New(limit, func(k pictureKey, p *picture) int64 { return int64(len(p.png) + len(k.layers) + len(k.style)) })
}

// paintedShare is the part of the disc of tiles made on demand that pictures take
// beside it, as a divisor.
const paintedShare = 4

// paintedSuffix names the store of pictures on disc, beside that of tiles. Without a
// directory it keeps nothing, and makes those wait for one picture who ask for it at
// one time. In memory pictures are kept as they are sent, see [pictures].
const paintedSuffix = "-pictures"

// paintedKey names a picture on disc, where another program may have painted it in
// another look.
func (k pictureKey) paintedKey(program string) string {
	return strings.Join([]string{program, styles.Default().Digest, k.style, strconv.Itoa(k.side), strconv.FormatBool(k.parcels), k.layers}, "\x1f")
}

// painted returns a picture from the disc, or paints it. Whoever asks waits for it to
// the end, for the one who paints reads the request: tileContext bounds the painting.
func (r *request) painted(layers []*index.Layer, key pictureKey, look *styles.Sheet) (*picture, error) {
	p, err := r.gen.painted.Get(context.Background(), key.paintedKey(r.server.cfg.Program), key.tile, func(context.Context) (cache.Part, error) {
		png, err := r.paint(layers, key, look)
		if err != nil {
			return cache.Part{}, err
		}
		return cache.Compress(png), nil
	})
	if err != nil {
		return nil, err
	}
	png, err := p.Raw()
	if err != nil {
		return nil, err
	}
	return &picture{tag: etag(png), png: png}, nil
}
