package benchmarks

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gengtu/index/geo"
	"gengtu/index/geo/postgistest"
)

const (
	installPostGIS = "apt-get install -y postgresql-15 postgresql-15-postgis-3 gdal-bin"
	installGDAL    = "apt-get install -y gdal-bin"
)

// rivals lets a measurement of another program go on. It is skipped unless
// BENCH_RIVALS=1 asks for it, and where the program is missing; in CI a missing
// program is an error.
func rivals(b *testing.B, install string, needed ...string) {
	b.Helper()
	if os.Getenv("BENCH_RIVALS") != "1" {
		b.Skip("BENCH_RIVALS=1 measures this program too")
	}
	for _, n := range needed {
		if found, err := filepath.Glob(n); err == nil && len(found) > 0 {
			continue
		}
		if _, err := exec.LookPath(n); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			b.Fatalf("%s is missing: %s", n, install)
		}
		b.Skipf("not measured: %s is missing: %s", n, install)
	}
}

// gdal runs ogr2ogr and adds the processor time that it took to *used.
func gdal(tb testing.TB, used *time.Duration, args ...string) {
	tb.Helper()
	cmd := exec.Command("ogr2ogr", args...)
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("ERROR")) {
		tb.Fatalf("ogr2ogr %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	*used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// database is a private PostgreSQL cluster that listens on a socket in its own
// directory and nowhere else, with one session that stays open: a question
// costs no start of a process and no connection.
type database struct {
	dir, bin string
	data     string
	as       *syscall.SysProcAttr // who runs it: PostgreSQL refuses root
	psql     *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	errs     bytes.Buffer
	server   string // ids of processes
	backend  string
	loaded   map[string]bool
}

var rivalDatabase database

// postgis returns the database with the layers of d in it.
func postgis(b *testing.B, d *dataset) *database {
	b.Helper()
	rivals(b, installPostGIS, "/usr/lib/postgresql/*/bin/postgres", "/usr/share/postgresql/*/extension/postgis.control", "psql", "ogr2ogr")
	p := &rivalDatabase
	if p.dir == "" {
		p.start(b)
	}
	for _, l := range d.asked {
		if t := d.table(l); !p.loaded[t] {
			p.load(b, d, l)
			p.loaded[t] = true
		}
	}
	return p
}

// start makes the cluster. Nothing waits for the disc, there is memory for all
// of the data, nothing is done in the background and no plan is compiled.
func (p *database) start(b *testing.B) {
	b.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		b.Fatalf("PostgreSQL is missing: %s", installPostGIS)
	}
	p.bin = bins[len(bins)-1]
	// Sockets have short names, and the directories of the testing package are
	// closed to other users.
	if p.dir, err = os.MkdirTemp("", "gengtu-pg-"); err != nil {
		b.Fatal(err)
	}
	if err := p.owner(); err != nil {
		b.Fatalf("%v: %s", err, installPostGIS)
	}
	if _, err = os.Stat(filepath.Join(p.data, "PG_VERSION")); err != nil {
		if err := p.run("initdb", "-D", p.data, "-A", "trust", "-U", "gengtu", "-E", "UTF8", "--no-sync"); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.run("pg_ctl", "-D", p.data, "-l", filepath.Join(p.dir, "log"), "-w", "-o",
		"-c listen_addresses= -c unix_socket_directories="+p.dir+" -c fsync=off -c shared_buffers=2GB -c work_mem=256MB -c jit=off -c autovacuum=off -c max_wal_size=8GB", "start"); err != nil {
		b.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid"))
	if err != nil {
		b.Fatal(err)
	}
	p.server, _, _ = strings.Cut(string(pid), "\n")
	p.psql = exec.Command("psql", "-X", "-q", "-A", "-t", "-F", " ", "-v", "ON_ERROR_STOP=1", "-h", p.dir, "-U", "gengtu", "-d", "postgres", "-f", "-")
	p.psql.Stderr = &p.errs
	out, err := p.psql.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if p.in, err = p.psql.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if err := p.psql.Start(); err != nil {
		b.Fatal(err)
	}
	p.loaded = map[string]bool{}
	p.backend = p.ask(b, "SET client_min_messages TO warning; CREATE EXTENSION IF NOT EXISTS postgis; SELECT pg_backend_pid()")
	for _, t := range strings.Fields(p.ask(b, "SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relname LIKE '%\\_ready'")) {
		p.loaded[strings.TrimSuffix(t, "_ready")] = true
	}
}

// owner gives the directories to the user postgres when root runs the
// measurements. The cluster stays for the next run of the program where the
// environment names a directory that does.
func (p *database) owner() error {
	p.data = filepath.Join(p.dir, "data")
	if p.kept() {
		p.data = filepath.Join(work, "postgis")
	}
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	p.as = postgistest.As(uid, gid)
	return errors.Join(os.Chown(p.dir, uid, gid), os.Chmod(p.dir, 0o755), os.Chown(p.data, uid, gid), os.Chmod(work, 0o755))
}

func (p *database) kept() bool { return os.Getenv("BENCH_WORK") != "" }

// run runs a program of PostgreSQL's. The server outlives pg_ctl and would hold
// a pipe open, so what they say goes to a file.
func (p *database) run(name string, args ...string) error {
	said, err := os.CreateTemp("", "gengtu-pg-said-")
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = p.as
	cmd.Stdout, cmd.Stderr = said, said
	err = errors.Join(cmd.Run(), said.Close())
	if err != nil {
		text, rerr := os.ReadFile(said.Name())
		err = errors.Join(fmt.Errorf("%s: %w\n%s", name, err, text), rerr)
	}
	return errors.Join(err, os.Remove(said.Name()))
}

// stop ends the session and the server, and removes the cluster unless it is to
// be kept.
func (p *database) stop() error {
	if p.dir == "" {
		return nil
	}
	var errs []error
	if p.psql != nil {
		errs = append(errs, p.in.Close(), p.psql.Wait())
	}
	if p.server != "" {
		mode := "immediate"
		if p.kept() {
			mode = "fast"
		}
		errs = append(errs, p.run("pg_ctl", "-D", p.data, "-m", mode, "-w", "stop"))
	}
	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}

// ask sends statements, the last of which gives one row, and returns the row.
func (p *database) ask(b *testing.B, statements string) string {
	_, err := io.WriteString(p.in, statements+";\n")
	line := ""
	if err == nil {
		line, err = p.out.ReadString('\n')
	}
	if err != nil {
		werr := p.psql.Wait()
		p.psql = nil
		b.Fatalf("psql: %v, %v\n%s", err, werr, p.errs.String())
	}
	return strings.TrimSuffix(line, "\n")
}

// processor returns the time that the session's process and the workers that it
// has had took so far.
func (p *database) processor(b *testing.B) time.Duration {
	stat, err := os.ReadFile("/proc/" + p.backend + "/schedstat") // nanoseconds, first of three
	if err != nil {
		b.Fatal(err)
	}
	own, err := strconv.ParseInt(strings.Fields(string(stat))[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	// Behind the name in parentheses fields 16 and 17 of proc(5) are the time of
	// children that have ended, in ticks of 10 ms.
	stat, err = os.ReadFile("/proc/" + p.server + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err1 := strconv.ParseInt(fields[13], 10, 64)
	system, err2 := strconv.ParseInt(fields[14], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return time.Duration(own) + time.Duration(user+system)*10*time.Millisecond
}

// loadSQL prepares a layer as well as can be: mended, in the order of the
// ground, with its area beside it, in the equal-area plane (g, in which plane
// area is the area on the ellipsoid), in degrees (l) and in Web Mercator (m).
const loadSQL = `CREATE OR REPLACE FUNCTION plane(geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
 SELECT ST_SetSRID(ST_Transform($1, '+proj=longlat +a=6378137 +rf=298.257222101 +no_defs',
  '+proj=cea +lon_0=108.64 +lat_ts=34.34 +a=6378137 +rf=298.257222101 +no_defs'), 0) $$;
CREATE TABLE LAYER AS SELECT ST_CollectionExtract(ST_MakeValid(plane(geom)),3) g, ST_CollectionExtract(ST_MakeValid(geom),3) l,
  ST_Transform(geom,3857) m, 0::float8 ga, 0::float8 la TAGS FROM LAYER_raw ORDER BY geom;
UPDATE LAYER SET ga = ST_Area(g), la = ST_Area(l::geography);
VACUUM FULL LAYER;
CREATE INDEX ON LAYER USING gist(g); CREATE INDEX ON LAYER USING gist(l); CREATE INDEX ON LAYER USING gist(m);
ANALYZE LAYER; DROP TABLE LAYER_raw; CREATE TABLE LAYER_ready (); SELECT count(*) FROM LAYER`

// load brings a layer, as the edition holds it, into the database.
func (p *database) load(b *testing.B, d *dataset, layer string) {
	b.Helper()
	table := d.table(layer)
	var used time.Duration
	p.ask(b, strings.ReplaceAll("DROP TABLE IF EXISTS LAYER, LAYER_raw, LAYER_ready; SELECT 1", "LAYER", table))
	gdal(b, &used, "-f", "PostgreSQL", "PG:host="+p.dir+" user=gengtu dbname=postgres", d.export(b, layer),
		"-nln", table+"_raw", "-nlt", "PROMOTE_TO_MULTI", "-lco", "GEOMETRY_NAME=geom", "-lco", "SPATIAL_INDEX=NONE")
	tags := ""
	for _, t := range tileFields(d, layer) {
		tags += ", " + strings.ToLower(t)
	}
	n := p.ask(b, strings.NewReplacer("LAYER", table, "TAGS", tags).Replace(loadSQL))
	if want := strconv.Itoa(d.layer(layer).Len()); n != want {
		b.Fatalf("%s features of %s in the database, %s in the edition", n, layer, want)
	}
}

// tileFields lists the fields that our tiles carry, as rivals' do, and those that questions
// of the dataset need besides.
func tileFields(d *dataset, layer string) []string {
	var out []string
	for _, f := range d.layer(layer).Meta.Fields {
		if f.Tile || slices.Contains(d.fields, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// literal returns a shape as the database takes it, in degrees.
func literal(shape geo.MultiPolygon) string {
	return "ST_SetSRID('" + postgistest.WKB(shape) + "'::geometry,4490)"
}
