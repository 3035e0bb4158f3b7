package archive

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// MBTiles writes an archive of version 1.3. The table tiles that the format asks
// for is a view: map gives each tile the number of its content in images, so that
// equal tiles are stored once. Rows count from the south, as in TMS.
type MBTiles struct {
	db            *sql.DB
	tx            *sql.Tx
	place, insert *sql.Stmt
	info          Info
	order         sequence
	content       map[[hashBytes]byte]int64
}

// mbtilesSchema are the tables. 0x4d504258 is "MPBX", by which programs know the
// format.
const mbtilesSchema = `
PRAGMA application_id = 0x4d504258;
CREATE TABLE metadata (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE map (zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL, tile_id INTEGER NOT NULL, PRIMARY KEY (zoom_level, tile_column, tile_row)) WITHOUT ROWID;
CREATE TABLE images (tile_id INTEGER NOT NULL PRIMARY KEY, tile_data BLOB NOT NULL);
CREATE VIEW tiles AS SELECT map.zoom_level AS zoom_level, map.tile_column AS tile_column, map.tile_row AS tile_row, images.tile_data AS tile_data FROM map JOIN images ON images.tile_id = map.tile_id;
`

// NewMBTiles begins an archive in the file at path, which is empty or not there.
func NewMBTiles(path string, info Info) (*MBTiles, error) {
	w := &MBTiles{info: info, content: map[[hashBytes]byte]int64{}}
	if err := w.open(path); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

func (w *MBTiles) open(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(absolute)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // file:///C:/… by RFC 8089
	}
	// Nobody reads the file before it is whole, so it needs no journal.
	dsn := url.URL{Scheme: "file", Path: name, RawQuery: url.Values{
		"_pragma": {"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)"},
	}.Encode()}
	if w.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	w.db.SetMaxOpenConns(1)
	ctx := context.Background()
	if _, err := w.db.ExecContext(ctx, mbtilesSchema); err != nil {
		return err
	}
	if w.tx, err = w.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	if w.place, err = w.tx.PrepareContext(ctx, `INSERT INTO map VALUES (?, ?, ?, ?)`); err != nil {
		return err
	}
	w.insert, err = w.tx.PrepareContext(ctx, `INSERT INTO images VALUES (?, ?)`)
	return err
}

// Put implements [Writer].
func (w *MBTiles) Put(t tile.Tile, data []byte) error {
	if _, err := w.order.next(t, data); err != nil {
		return err
	}
	ctx := context.Background()
	sum := sha256.Sum256(data)
	key := [hashBytes]byte(sum[:])
	id, known := w.content[key]
	if !known {
		id = int64(len(w.content)) + 1
		if _, err := w.insert.ExecContext(ctx, id, data); err != nil {
			return err
		}
		w.content[key] = id
	}
	row := int64(1)<<t.Z - 1 - int64(t.Y)
	_, err := w.place.ExecContext(ctx, int64(t.Z), int64(t.X), row, id)
	return err
}

// Close implements [Writer]. Without any tile the error is [ErrEmpty].
func (w *MBTiles) Close() error {
	if w.order.tiles == 0 {
		return errors.Join(ErrEmpty, w.Abort())
	}
	rows, err := w.metadata()
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	for _, r := range rows {
		if _, err := w.tx.ExecContext(context.Background(), `INSERT INTO metadata VALUES (?, ?)`, r[0], r[1]); err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	err = errors.Join(w.place.Close(), w.insert.Close(), w.tx.Commit())
	w.tx = nil
	return errors.Join(err, w.Abort())
}

// Abort implements [Writer].
func (w *MBTiles) Abort() error {
	if w.tx != nil {
		// Without a journal there is no way back; the file goes as a whole, so
		// what the rollback says does not matter.
		_ = w.tx.Rollback()
		w.tx = nil
	}
	if w.db == nil {
		return nil
	}
	err := w.db.Close()
	w.db = nil
	return err
}

// metadata returns the rows of the table metadata.
func (w *MBTiles) metadata() ([][2]string, error) {
	i := &w.info
	layers, err := json.Marshal(map[string]any{"vector_layers": i.Layers})
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	lo, hi, mid := i.Box.Min, i.Box.Max, i.center()
	rows := [][2]string{
		{"name", i.Name}, {"format", "pbf"}, {"type", "overlay"}, {"version", "1"},
		{"bounds", degrees(lo) + "," + degrees(hi)}, {"center", degrees(mid) + "," + strconv.Itoa(int(w.order.center(i.CenterZoom)))},
		{"minzoom", strconv.Itoa(int(w.order.minZoom))}, {"maxzoom", strconv.Itoa(int(w.order.maxZoom))},
		{"description", i.Description}, {"attribution", i.Attribution}, {"json", string(layers)},
		{"generator", Generator}, {"generator_version", i.Version}, {"tier", i.Tier}, {"generation", i.Generation},
	}
	kept := rows[:0]
	for _, r := range rows {
		if r[1] != "" {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// degrees writes a position as "longitude,latitude".
func degrees(p geo.Position) string {
	d := p.LonLat()
	return strconv.FormatFloat(d.Lon, 'f', -1, 64) + "," + strconv.FormatFloat(d.Lat, 'f', -1, 64)
}
