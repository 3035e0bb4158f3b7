package source

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// geoPackageWriter writes a GeoPackage 1.2 (OGC 12-128r14) of feature tables with their
// R-trees, and of tables of attributes. The same features give the same bytes.
type geoPackageWriter struct {
	opt    WriteOptions
	file   *stagedFile
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	index  *sql.Stmt
	layer  *Layer
	srsID  int64
	extent extent
	fid    int64
	blob   []byte
	args   []any
}

// geoPackageSchema are the tables of every GeoPackage (12-128r14 annex C), and
// the row types that clause 1.1.2.1.2 demands.
const geoPackageSchema = `
PRAGMA application_id = 0x47504B47;
PRAGMA user_version = 10200;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name), CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name), CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
INSERT INTO gpkg_spatial_ref_sys VALUES ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system');
INSERT INTO gpkg_spatial_ref_sys VALUES ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84 geodetic', 4326, 'EPSG', 4326, '` + wgs84WKT + `', 'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid');
`

// geoPackageTriggers keep the R-tree true when another program changes the
// table (12-128r14 annex F.3); that program brings the ST_ functions. {t} is the
// table, {i} its index.
const geoPackageTriggers = `
CREATE TRIGGER "{i}_insert" AFTER INSERT ON "{t}" WHEN (new."geom" NOT NULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN INSERT OR REPLACE INTO "{i}" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "{i}_update1" AFTER UPDATE OF "geom" ON "{t}" WHEN OLD."fid" = NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN INSERT OR REPLACE INTO "{i}" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "{i}_update2" AFTER UPDATE OF "geom" ON "{t}" WHEN OLD."fid" = NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom")) BEGIN DELETE FROM "{i}" WHERE id = OLD."fid"; END;
CREATE TRIGGER "{i}_update3" AFTER UPDATE ON "{t}" WHEN OLD."fid" != NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN DELETE FROM "{i}" WHERE id = OLD."fid"; INSERT OR REPLACE INTO "{i}" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "{i}_update4" AFTER UPDATE ON "{t}" WHEN OLD."fid" != NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom")) BEGIN DELETE FROM "{i}" WHERE id IN (OLD."fid", NEW."fid"); END;
CREATE TRIGGER "{i}_delete" AFTER DELETE ON "{t}" WHEN old."geom" NOT NULL BEGIN DELETE FROM "{i}" WHERE id = OLD."fid"; END;
`

// createGeoPackage begins the database.
func createGeoPackage(path string, l *Layer, opt WriteOptions) (*geoPackageWriter, error) {
	file, err := stage(path)
	if err != nil {
		return nil, err
	}
	w := &geoPackageWriter{opt: opt, file: file}
	if err := w.create(l); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// create is createGeoPackage without the cleaning up.
func (w *geoPackageWriter) create(l *Layer) error {
	absolute, err := filepath.Abs(w.file.file.Name())
	if err != nil {
		return w.file.failed(err)
	}
	name := filepath.ToSlash(absolute)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // file:///C:/… by RFC 8089
	}
	// The file has a passing name: nobody needs a journal of it.
	dsn := url.URL{Scheme: "file", Path: name, RawQuery: url.Values{
		"_pragma": {"journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)"},
	}.Encode()}
	if w.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return w.file.failed(err)
	}
	w.db.SetMaxOpenConns(1)
	if _, err := w.db.ExecContext(context.Background(), geoPackageSchema); err != nil {
		return w.file.failed(err)
	}
	return w.begin(l)
}

// begin begins a table.
func (w *geoPackageWriter) begin(l *Layer) error {
	w.layer, w.extent, w.fid, w.index = l, emptyExtent(), 0, nil
	ctx := context.Background()
	var err error
	if w.tx, err = w.db.BeginTx(ctx, nil); err != nil {
		return w.file.failed(err)
	}
	if err := w.describe(ctx, w.opt); err != nil {
		return w.file.failed(err)
	}
	return w.file.failed(w.prepare(ctx))
}

// Next implements [Layered].
func (w *geoPackageWriter) Next(l *Layer) error {
	if err := w.finish(context.Background()); err != nil {
		return w.file.failed(err)
	}
	layer := *l
	return w.begin(&layer)
}

// describe adds the coordinate system and the layer to GeoPackage's own tables.
func (w *geoPackageWriter) describe(ctx context.Context, opt WriteOptions) error {
	kind, system := "attributes", any(nil)
	if !w.layer.NoGeometry {
		if err := w.describeCRS(ctx, opt.CRS); err != nil {
			return err
		}
		kind, system = "features", w.srsID
	}
	_, err := w.tx.ExecContext(ctx, `INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) VALUES (?, ?, ?, ?, ?)`,
		w.layer.Table, kind, w.layer.Table, opt.Modified.UTC().Format("2006-01-02T15:04:05.000Z"), system)
	return err
}

// describeCRS adds the coordinate system, once for all tables.
func (w *geoPackageWriter) describeCRS(ctx context.Context, c CRSInfo) error {
	switch {
	case c.EPSG == 4326:
		w.srsID = 4326
	case c.EPSG != 0 || c.WKT != "":
		w.srsID = int64(c.EPSG)
		organization := "EPSG"
		if c.EPSG == 0 {
			// The first id that OGC leaves to users (12-128r14 clause 1.1.2.1.2).
			w.srsID, organization = 100000, "NONE"
		}
		definition, name := c.WKT, c.Name
		if definition == "" {
			definition = "undefined"
		}
		if name == "" {
			name = organization + ":" + strconv.FormatInt(w.srsID, 10)
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)`,
			name, w.srsID, organization, w.srsID, definition); err != nil {
			return err
		}
	default:
		w.srsID = -1
	}
	return nil
}

// prepare makes the table, its index if it has shapes, and the statements that fill them.
func (w *geoPackageWriter) prepare(ctx context.Context) error {
	columns := []string{`"fid" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL`}
	taken := map[string]bool{"fid": true, "geom": true}
	if !w.layer.NoGeometry {
		columns = append(columns, `"geom" MULTIPOLYGON`)
	}
	for _, f := range w.layer.Fields {
		name := f.Name
		for n := 1; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", f.Name, n)
		}
		taken[strings.ToLower(name)] = true
		columns = append(columns, quoteName(name)+" "+geoPackageType(f))
	}
	table := quoteName(w.layer.Table)
	if _, err := w.tx.ExecContext(ctx, "CREATE TABLE "+table+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	w.args = make([]any, len(columns))
	marks := strings.Repeat(", ?", len(columns))[len(", "):]
	var err error
	if w.insert, err = w.tx.PrepareContext(ctx, "INSERT INTO "+table+" VALUES ("+marks+")"); err != nil || w.layer.NoGeometry {
		return err
	}
	return w.prepareIndex(ctx)
}

// prepareIndex makes the R-tree.
func (w *geoPackageWriter) prepareIndex(ctx context.Context) error {
	index := quoteName("rtree_" + w.layer.Table + "_geom")
	if _, err := w.tx.ExecContext(ctx, "CREATE VIRTUAL TABLE "+index+" USING rtree(id, minx, maxx, miny, maxy)"); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, `INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')`, w.layer.Table); err != nil {
		return err
	}
	var err error
	w.index, err = w.tx.PrepareContext(ctx, "INSERT INTO "+index+" VALUES (?, ?, ?, ?, ?)")
	return err
}

// geoPackageType returns the column type of a field (12-128r14 table 1).
func geoPackageType(f Field) string {
	switch f.Kind {
	case Integer:
		return "INTEGER"
	case Real:
		return "REAL"
	case Bool:
		return "BOOLEAN"
	}
	// Dates are text as found, which may be a date or a time; a width counts
	// characters here and bytes in a dbf, so it is left out.
	return "TEXT"
}

// Write implements [Writer].
func (w *geoPackageWriter) Write(f *Feature) error {
	w.fid++
	w.args[0] = w.fid
	if w.layer.NoGeometry {
		return w.row(w.args[1:], f)
	}
	box := extentOf(f.Polygons)
	w.args[1] = nil
	if !box.empty() {
		w.blob = appendGeoPackageBlob(w.blob[:0], closedRings(f.Polygons), box, w.srsID)
		w.args[1] = w.blob
	}
	if err := w.row(w.args[2:], f); err != nil || box.empty() {
		return err
	}
	w.extent = w.extent.union(box)
	_, err := w.index.ExecContext(context.Background(), w.fid, box.minX, box.maxX, box.minY, box.maxY)
	return w.file.failed(err)
}

// row puts the values of f where w.args has them and inserts these.
func (w *geoPackageWriter) row(values []any, f *Feature) error {
	for i := range values {
		values[i] = valueAt(f, i)
	}
	_, err := w.insert.ExecContext(context.Background(), w.args...)
	return w.file.failed(err)
}

// appendGeoPackageBlob appends a GeoPackage multipolygon with an envelope of x and y,
// little-endian.
func appendGeoPackageBlob(b []byte, polygons [][][]geo.XY, box extent, srsID int64) []byte {
	le := binary.LittleEndian
	b = append(b, 'G', 'P', 0, 1|1<<1)
	b = le.AppendUint32(b, uint32(srsID)) //nolint:gosec // ids have 32 bits
	b = appendFloats(b, box.minX, box.maxX, box.minY, box.maxY)
	b = le.AppendUint32(append(b, 1), wkbMultiPolygon)
	b = le.AppendUint32(b, uint32(len(polygons))) //nolint:gosec // a blob is below 2 GB
	for _, polygon := range polygons {
		b = le.AppendUint32(append(b, 1), wkbPolygon)
		b = le.AppendUint32(b, uint32(len(polygon))) //nolint:gosec // a blob is below 2 GB
		for _, ring := range polygon {
			b = le.AppendUint32(b, uint32(len(ring))) //nolint:gosec // a blob is below 2 GB
			for _, p := range ring {
				b = appendFloats(b, p.X, p.Y)
			}
		}
	}
	return b
}

// finish adds what is known at the end: the extent, and the triggers, which must
// not fire before.
func (w *geoPackageWriter) finish(ctx context.Context) error {
	if w.layer.NoGeometry {
		err := errors.Join(w.insert.Close(), w.tx.Commit())
		w.tx = nil
		return err
	}
	if !w.extent.empty() {
		if _, err := w.tx.ExecContext(ctx, `UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?`,
			w.extent.minX, w.extent.minY, w.extent.maxX, w.extent.maxY); err != nil {
			return err
		}
	}
	if _, err := w.tx.ExecContext(ctx, `INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'MULTIPOLYGON', ?, 0, 0)`, w.layer.Table, w.srsID); err != nil {
		return err
	}
	escape := strings.NewReplacer(`"`, `""`)
	triggers := strings.NewReplacer("{t}", escape.Replace(w.layer.Table), "{i}", escape.Replace("rtree_"+w.layer.Table+"_geom"))
	if _, err := w.tx.ExecContext(ctx, triggers.Replace(geoPackageTriggers)); err != nil {
		return err
	}
	err := errors.Join(w.insert.Close(), w.index.Close(), w.tx.Commit())
	w.tx = nil
	return err
}

// Close implements [Writer].
func (w *geoPackageWriter) Close() error {
	if err := w.finish(context.Background()); err != nil {
		return w.file.failed(err)
	}
	if err := w.db.Close(); err != nil {
		return w.file.failed(err)
	}
	w.db = nil
	return w.file.commit()
}

// Abort implements [Writer].
func (w *geoPackageWriter) Abort() error {
	var err error
	if w.tx != nil {
		// Without a journal there is no way back; the file goes as a whole, so
		// what the rollback says does not matter.
		_ = w.tx.Rollback()
		w.tx = nil
	}
	if w.db != nil {
		err, w.db = w.db.Close(), nil
	}
	return errors.Join(err, w.file.abort())
}

// Notes implements [Writer].
func (w *geoPackageWriter) Notes() []*problem.Problem { return nil }
