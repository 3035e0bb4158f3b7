package analyzetest

import (
	"fmt"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

// Load puts the features of a layer into a table of PostGIS: id (its ordinal), area_m2,
// patch and net (m², null where there is none), place, the named fields as text under
// their names in lower case, and geom in an equal-area plane, where plane area is the
// survey's ellipsoidal area. All layers of a test must be loaded with one origin.
func Load(t testing.TB, db *postgistest.Cluster, table string, l *index.Layer, origin geo.Position, fields ...string) {
	t.Helper()
	plane := geo.NewEqualAreaPlane(origin)
	var sql strings.Builder
	fmt.Fprintf(&sql, "CREATE TABLE %s (id int, area_m2 float8, patch float8, net float8, place text", table)
	for _, f := range fields {
		fmt.Fprintf(&sql, ", %s text", strings.ToLower(f))
	}
	sql.WriteString(", geom geometry);\n")
	flush := func() {
		if _, err := db.Query(sql.String()); err != nil {
			t.Fatal(err)
		}
		sql.Reset()
	}
	flush()
	for i := range l.Len() {
		f, err := l.Feature(i)
		if err != nil {
			t.Fatal(err)
		}
		if sql.Len() == 0 {
			fmt.Fprintf(&sql, "INSERT INTO %s VALUES ", table)
		} else {
			sql.WriteString(",\n")
		}
		fmt.Fprintf(&sql, "(%d,%.17g,%s,%s,'%s'", i, f.AreaM2, m2(f.Patch), m2(f.Net), f.Place)
		for _, name := range fields {
			v := f.Values[l.Field(name)]
			if v == nil {
				sql.WriteString(",NULL")
				continue
			}
			fmt.Fprintf(&sql, ",'%s'", strings.ReplaceAll(fmt.Sprint(v), "'", "''"))
		}
		sql.WriteString(",'")
		wkt(&sql, f.Geometry, plane)
		sql.WriteString("')")
		if sql.Len() > 4<<20 {
			flush()
		}
	}
	if sql.Len() > 0 {
		flush()
	}
	if _, err := db.Query(fmt.Sprintf("CREATE INDEX ON %s USING gist (geom); ANALYZE %s", table, table)); err != nil {
		t.Fatal(err)
	}
}

func m2(cents int64) string {
	if !index.OfRecord(cents) {
		return "NULL"
	}
	return fmt.Sprintf("%.2f", geo.Hundredths(cents).M2())
}

func wkt(sql *strings.Builder, m geo.MultiPolygon, plane geo.EqualAreaPlane) {
	sql.WriteString("MULTIPOLYGON(")
	for i, p := range m {
		if i > 0 {
			sql.WriteByte(',')
		}
		sql.WriteByte('(')
		for k, r := range p {
			if k > 0 {
				sql.WriteByte(',')
			}
			sql.WriteByte('(')
			for n, at := range r {
				if n > 0 {
					sql.WriteByte(',')
				}
				xy := plane.To(at)
				fmt.Fprintf(sql, "%.17g %.17g", xy.X, xy.Y)
			}
			sql.WriteByte(')')
		}
		sql.WriteByte(')')
	}
	sql.WriteByte(')')
}
