package benchmarks

import (
	"database/sql"
	"testing"

	_ "modernc.org/sqlite" // reads MBTiles

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

// packedOverhead is what a gzip file has around what is packed.
const packedOverhead = 18

// stored returns the sizes of the tiles of grid w in a tiles.db as they are sent
// for all layers together.
func stored(tb testing.TB, path string) zoomSizes {
	tb.Helper()
	r, err := cache.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	all := map[tile.Tile]int{}
	err = r.Each(func(_ string, t tile.Tile, p cache.Part) error {
		if t.Grid == tile.W {
			all[t] += len(p.Deflated)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	out := zoomSizes{}
	for t, n := range all {
		out[t.Z] = append(out[t.Z], n+packedOverhead)
	}
	return out
}

// eachOf visits the tiles of an MBTiles file in XYZ numbering, as they are stored.
func eachOf(tb testing.TB, path string, zooms string, visit func(t tile.Tile, data []byte)) {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(tb.Context(), "SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles WHERE zoom_level IN ("+zooms+") ORDER BY 1, 2, 3")
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var z uint8
		var x, y uint32
		var data []byte
		if err := rows.Scan(&z, &x, &y, &data); err != nil {
			tb.Fatal(err)
		}
		visit(tile.Tile{Grid: tile.W, Z: z, X: x, Y: 1<<z - 1 - y}, data)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
}

// mbtiles returns the sizes of the tiles in an MBTiles file.
func mbtiles(tb testing.TB, path string) zoomSizes {
	tb.Helper()
	out := zoomSizes{}
	eachOf(tb, path, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", func(t tile.Tile, data []byte) {
		out[t.Z] = append(out[t.Z], len(data))
	})
	return out
}
