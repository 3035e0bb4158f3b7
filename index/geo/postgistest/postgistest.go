// Package postgistest starts PostGIS for tests that hold answers of ours against its.
//
// Nothing of the product imports it.
package postgistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Install says how to get what [Start] needs.
const Install = "apt-get install -y postgresql-15 postgresql-15-postgis-3 gdal-bin"

// Cluster is a private cluster with PostGIS. It listens on a socket in Dir and nowhere
// else; the user is gengtu, the database postgres.
type Cluster struct {
	Dir string
	bin string
	as  *syscall.SysProcAttr // who runs it: PostgreSQL refuses root
}

// Start makes a cluster with these settings, such as "shared_buffers=256MB", and starts
// it; it is stopped and removed when the test ends. Without PostgreSQL the test fails.
func Start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Fatalf("PostgreSQL is missing: %s", Install)
	}
	c := &Cluster{bin: bins[len(bins)-1]}
	// Sockets have short names, and the directories of the testing package are
	// closed to other users.
	if c.Dir, err = os.MkdirTemp("", "gengtu-pg-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(c.Dir); err != nil {
			t.Error(err)
		}
	})
	if err := c.owner(); err != nil {
		t.Fatalf("%v: %s", err, Install)
	}
	data := filepath.Join(c.Dir, "data")
	c.must(t, "initdb", "-D", data, "-A", "trust", "-U", "gengtu", "-E", "UTF8", "--no-sync")
	options := "-c listen_addresses= -c unix_socket_directories=" + c.Dir + " -c fsync=off"
	for _, s := range settings {
		options += " -c " + s
	}
	c.must(t, "pg_ctl", "-D", data, "-l", filepath.Join(c.Dir, "log"), "-w", "-o", options, "start")
	t.Cleanup(func() { c.must(t, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop") })
	if _, err := c.Query("CREATE EXTENSION postgis"); err != nil {
		t.Fatalf("%v: %s", err, Install)
	}
	return c
}

// owner gives the directory to the user postgres when the test runs as root.
func (c *Cluster) owner() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, errU := strconv.Atoi(u.Uid)
	gid, errG := strconv.Atoi(u.Gid)
	if err := errors.Join(errU, errG); err != nil {
		return err
	}
	c.as = As(uid, gid)
	return errors.Join(os.Chown(c.Dir, uid, gid), os.Chmod(c.Dir, 0o755))
}

// must runs one of PostgreSQL's programs, after the test too, whose context has ended then.
func (c *Cluster) must(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), filepath.Join(c.bin, name), args...)
	cmd.Dir = c.Dir
	cmd.SysProcAttr = c.as
	// The server outlives pg_ctl and would hold a pipe open: a file it is.
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := errors.Join(cmd.Run(), out.Close()); err != nil {
		said, rerr := os.ReadFile(out.Name())
		t.Fatalf("%s: %v, %v\n%s", name, err, rerr, said)
	}
}

// Query runs a script and returns the rows of all its answers, without empty ones.
func (c *Cluster) Query(script string) ([][]string, error) {
	cmd := exec.CommandContext(context.Background(), "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", c.Dir, "-U", "gengtu", "-d", "postgres", "-f", "-")
	cmd.Stdin = strings.NewReader("SET client_min_messages TO warning;\n" + script + ";\n")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("psql: %w: %s", err, errs.String())
	}
	var rows [][]string
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows, nil
}

// Ask is [Cluster.Query] for scripts that do not fail.
func (c *Cluster) Ask(t testing.TB, script string) [][]string {
	t.Helper()
	rows, err := c.Query(script)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
