package source

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"gengtu/index/problem"
)

// geoPackage reads one feature table, or one table of attributes, of an OGC GeoPackage
// (12-128r18).
type geoPackage struct {
	layer  Layer
	db     *sql.DB
	rows   *sql.Rows
	srsID  int64
	record int64
	row    []any // what Scan fills: the geometry, NULL in a table of attributes, then the fields
	into   []any // pointers to row
	shape  shape
	arena  arena
}

// openGeoPackage opens the table opt.Table of the GeoPackage at path, or the only one
// with features, or the only one.
func openGeoPackage(ctx context.Context, path string, opt Options) (*geoPackage, error) {
	db, err := openSQLite(path)
	if err != nil {
		return nil, badGeoPackage(err)
	}
	r := &geoPackage{db: db}
	if err := r.open(ctx, path, opt.Table); err != nil {
		if problem.Of(err) == nil && ctx.Err() == nil {
			err = badGeoPackage(err)
		}
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// openSQLite opens the database at path without ever writing beside it. A
// database that another program has open or left in the middle of a write has
// companions; only then may SQLite look at them, which it does under locks.
func openSQLite(path string) (*sql.DB, error) {
	query := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"trusted_schema(0)"}}
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			query.Del("immutable")
		}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := filepath.ToSlash(absolute)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // file:///C:/… by RFC 8089
	}
	dsn := url.URL{Scheme: "file", Path: name, RawQuery: query.Encode()}
	return sql.Open("sqlite", dsn.String())
}

// badGeoPackage is the problem of a database that cannot be read.
func badGeoPackage(err error) *problem.Problem {
	return problem.New("GPKG_DATABASE", "GeoPackage 无法读取：%v", "the GeoPackage cannot be read: %v", err).
		Advise("文件可能损坏，或正被其他程序写入", "it may be damaged, or another program may be writing to it").Because(err)
}

// geoPackageTables lists the tables of features and of attributes of the GeoPackage at
// path.
func geoPackageTables(path string) ([]TableInfo, error) {
	db, err := openSQLite(path)
	if err != nil {
		return nil, badGeoPackage(err)
	}
	tables, err := contentTables(context.Background(), db)
	if err = errors.Join(err, db.Close()); err != nil && problem.Of(err) == nil {
		err = badGeoPackage(err)
	}
	return tables, err
}

// contentTables lists the tables of features and of attributes of db in the order they
// were added.
func contentTables(ctx context.Context, db *sql.DB) ([]TableInfo, error) {
	var exist int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master
		WHERE lower(name) IN ('gpkg_contents', 'gpkg_geometry_columns', 'gpkg_spatial_ref_sys')`).Scan(&exist)
	if err != nil {
		return nil, err
	}
	if exist < 3 {
		return nil, problem.New("GPKG_NOT", "是 SQLite 数据库，但不是 GeoPackage", "is an SQLite database but no GeoPackage").
			Advise("先转换：ogr2ogr 输出.gpkg 输入", "convert it first: ogr2ogr OUT.gpkg IN")
	}
	if err := noView(ctx, db, "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"); err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT c.table_name, c.data_type = 'attributes' FROM gpkg_contents c
		LEFT JOIN gpkg_geometry_columns g ON lower(g.table_name) = lower(c.table_name)
		WHERE c.data_type = 'features' AND g.table_name IS NOT NULL OR c.data_type = 'attributes' ORDER BY c.rowid`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	var tables []TableInfo
	for rows.Next() {
		var t TableInfo
		if err := rows.Scan(&t.Name, &t.NoGeometry); err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	return tables, rows.Err()
}

// noView refuses views: they are programs of whoever made the file, which need not
// end.
func noView(ctx context.Context, db *sql.DB, names ...string) error {
	for _, name := range names {
		var views int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'view' AND lower(name) = lower(?)`, name).Scan(&views)
		if err != nil {
			return err
		}
		if views > 0 {
			return problem.New("GPKG_VIEW", "%.200q 是视图，不是表，不读", "%.200q is a view and no table; it is not read", name).
				Advise("存成表后再交：ogr2ogr 输出.gpkg 输入", "deliver it as a table: ogr2ogr OUT.gpkg IN")
		}
	}
	return nil
}

// open chooses the table and starts reading it.
func (r *geoPackage) open(ctx context.Context, path, table string) error {
	tables, err := contentTables(ctx, r.db)
	if err != nil {
		return err
	}
	chosen, err := chooseTable(tables, path, table)
	if err != nil {
		return err
	}
	if err := noView(ctx, r.db, chosen.Name); err != nil {
		return err
	}
	r.layer = Layer{Table: chosen.Name, NoGeometry: chosen.NoGeometry, Encoding: charsetUTF8.name}
	return r.query(ctx, chosen.Name)
}

// chooseTable returns the table of that name in the GeoPackage at path; for "" the only
// one with features, or the only one.
func chooseTable(tables []TableInfo, path, table string) (TableInfo, error) {
	var all, featured []string
	var found, feature TableInfo
	for _, t := range tables {
		all = append(all, t.Name)
		if !t.NoGeometry {
			featured, feature = append(featured, t.Name), t
		}
		if t.Name == table || found.Name == "" && strings.EqualFold(t.Name, table) {
			found = t
		}
	}
	switch {
	case table != "" && found.Name == "":
		return found, noTable(table, all)
	case table != "":
		return found, nil
	case len(featured) == 1:
		return feature, nil
	case len(tables) == 1:
		return tables[0], nil
	case len(tables) == 0:
		return found, problem.New("GPKG_NO_LAYER", "没有要素图层", "it has no layer of features").
			Advise("请核对文件", "check the file")
	}
	return found, problem.New("GPKG_MANY_LAYERS", "有 %d 个图层：%s", "it has %d layers: %s", len(all), strings.Join(all, ", ")).
		Advise("用 %[1]s#%[2]s 选一个", "choose one, as %[1]s#%[2]s", filepath.Base(path), all[0])
}

// query reads the description of table and starts selecting its rows.
func (r *geoPackage) query(ctx context.Context, table string) error {
	var geometry string
	shape := "NULL"
	if !r.layer.NoGeometry {
		err := r.db.QueryRowContext(ctx, `SELECT column_name, srs_id FROM gpkg_geometry_columns
			WHERE lower(table_name) = lower(?)`, table).Scan(&geometry, &r.srsID)
		if err != nil {
			return err
		}
		if err := r.readCRS(ctx); err != nil {
			return err
		}
		shape = quoteName(geometry)
	}
	columns, key, err := r.readColumns(ctx, table, geometry)
	if err != nil {
		return err
	}
	from := " FROM " + quoteName(table)
	if err := r.db.QueryRowContext(ctx, "SELECT count(*)"+from).Scan(&r.layer.Count); err != nil {
		return err
	}
	order := ""
	if key != "" {
		order = " ORDER BY " + quoteName(key)
	}
	columns = append([]string{shape}, columns...)
	r.rows, err = r.db.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+from+order) //nolint:rowserrcheck // Next asks for Err at the end
	if err != nil {
		return err
	}
	r.row, r.into = make([]any, len(columns)), make([]any, len(columns))
	for i := range r.row {
		r.into[i] = &r.row[i]
	}
	return nil
}

// readCRS looks up the coordinate system of r.srsID. The ids 0 and -1 say that
// there is none.
func (r *geoPackage) readCRS(ctx context.Context) error {
	if r.srsID == 0 || r.srsID == -1 {
		return nil
	}
	var name, organization, definition sql.NullString
	var code sql.NullInt64
	err := r.db.QueryRowContext(ctx, `SELECT srs_name, organization, organization_coordsys_id, definition
		FROM gpkg_spatial_ref_sys WHERE srs_id = ?`, r.srsID).Scan(&name, &organization, &code, &definition)
	if errors.Is(err, sql.ErrNoRows) {
		r.layer.Notes = append(r.layer.Notes, problem.New("GPKG_SRS", "坐标系 %d 没有定义", "coordinate system %d is not defined", r.srsID))
		return nil
	}
	if err != nil {
		return err
	}
	r.layer.CRS.Name = name.String
	if strings.EqualFold(organization.String, "EPSG") {
		r.layer.CRS.EPSG = int(code.Int64)
	}
	if d := strings.TrimSpace(definition.String); !strings.EqualFold(d, "undefined") {
		r.layer.CRS.WKT = d
	}
	return nil
}

// readColumns fills the layer's fields and returns the expressions that select
// them, and the name of the integer primary key, "" if there is none.
func (r *geoPackage) readColumns(ctx context.Context, table, geometry string) (columns []string, key string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid`, table)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	for rows.Next() {
		var name, typ string
		var pk int
		if err := rows.Scan(&name, &typ, &pk); err != nil {
			return nil, "", err
		}
		if strings.EqualFold(name, geometry) {
			continue
		}
		if pk == 1 && strings.EqualFold(typ, "INTEGER") {
			key = name
			continue
		}
		field := geoPackageField(name, typ)
		expression := quoteName(name)
		if field.Kind == Date {
			// Without a declared type the driver leaves the text as it is.
			expression = "CAST(" + expression + " AS TEXT)"
		}
		r.layer.Fields = append(r.layer.Fields, field)
		columns = append(columns, expression)
	}
	return columns, key, rows.Err()
}

// geoPackageField returns the field of a column by its declared type: the types
// of 12-128r18 table 1, and for others SQLite's rules of affinity.
func geoPackageField(name, declared string) Field {
	typ := strings.ToUpper(declared)
	base, size, _ := strings.Cut(typ, "(")
	width, err := strconv.Atoi(strings.TrimSuffix(size, ")"))
	if err != nil {
		width = 0 // no width, or one that is no single number
	}
	f := Field{Name: name, Kind: Text}
	switch {
	case strings.HasPrefix(base, "BOOL"):
		f.Kind = Bool
	case strings.HasPrefix(base, "DATE") || strings.HasPrefix(base, "TIMESTAMP"):
		f.Kind = Date
	case strings.Contains(base, "INT"):
		f.Kind = Integer
	case strings.Contains(base, "REAL") || strings.Contains(base, "FLOA") || strings.Contains(base, "DOUB") ||
		strings.HasPrefix(base, "NUMERIC") || strings.HasPrefix(base, "DECIMAL"):
		f.Kind = Real
	default:
		f.Width = width
	}
	return f
}

// quoteName quotes an SQL identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Layer implements [Reader].
func (r *geoPackage) Layer() *Layer { return &r.layer }

// Next implements [Reader].
func (r *geoPackage) Next(f *Feature) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return badGeoPackage(err)
		}
		return io.EOF
	}
	if err := r.rows.Scan(r.into...); err != nil {
		return badGeoPackage(err)
	}
	r.record++
	f.Record = r.record
	f.Values = r.arena.row(len(r.layer.Fields))
	for i := range f.Values {
		f.Values[i] = sqliteValue(r.row[i+1], r.layer.Fields[i].Kind)
	}
	switch blob := r.row[0].(type) {
	case nil:
	case []byte:
		r.shape.reset()
		if f.Problem = parseGeoPackageBlob(&r.shape, blob, r.srsID); f.Problem == nil {
			f.Polygons, f.Problem = r.arena.copyShape(&r.shape)
		}
	default:
		f.Problem = badBlob("几何不是二进制数据", "the geometry is no blob")
	}
	return nil
}

// sqliteValue brings what the driver gives into the shape of kind. SQLite does
// not keep a column to its type; a value that does not fit stays as it is.
func sqliteValue(v any, kind Kind) any {
	switch v := v.(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case int64:
		switch kind {
		case Bool:
			return v != 0
		case Real:
			return float64(v)
		case Text, Date:
			return strconv.FormatInt(v, 10)
		}
	case float64:
		if kind == Text || kind == Date {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case string, bool, nil:
	default:
		return fmt.Sprint(v)
	}
	return v
}

// Close implements [Reader].
func (r *geoPackage) Close() error {
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	return errors.Join(err, r.db.Close())
}
