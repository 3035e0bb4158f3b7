package main_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"gengtu/benchmarks/suite"
	"gengtu/index/geo"
)

// bad is a delivery that is not as it should be, and what is to become of it.
type bad struct {
	name string
	file func(t testing.TB) string
	args []string
	// code is that of the refusal, "" when the file is taken; check judges what is taken
	// by rules of its own.
	code string
	// listed is the code of what is listed where the file is taken, "" for nothing,
	// and about the record that it is about, or that the refusal names.
	listed string
	about  int
	// says stands in the English line.
	says string
	// elsewhere: the fault is not in the file.
	elsewhere bool
}

const (
	// hostileKB is the data that a run may use: three times what reading a small
	// delivery takes, and less than any of these would take that was believed.
	hostileKB   = 900 << 10
	hostileTime = 100 * time.Second
)

// refusedLine is a refusal in either language: its place, what was found, what to do and a code.
var refusedLine = regexp.MustCompile(`^gengtu: ([^\n]+) \[([A-Z0-9_]+)\]\n$`)

// bounded runs the binary with a bound on its memory and time, in a language, and
// makes sure that nothing passing is left behind.
func bounded(t testing.TB, lang string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	passing := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), hostileTime)
	defer cancel()
	script := fmt.Sprintf(`ulimit -d %d; ulimit -f %d; exec "$0" "$@"`, hostileKB, 4<<20)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, binary()}, args...)...)
	cmd.Env = append(os.Environ(), "GENGTU_LANG="+lang, "GOMAXPROCS=2", "TMPDIR="+passing)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its exit code tells
	if cmd.ProcessState == nil {
		t.Fatal("it did not start")
	}
	if ctx.Err() != nil {
		t.Errorf("gengtu %s: no end after %v", strings.Join(args, " "), hostileTime)
	}
	if left, err := os.ReadDir(passing); err != nil || len(left) > 0 {
		t.Errorf("gengtu %s left %v in TMPDIR (%v)", strings.Join(args, " "), left, err)
	}
	if text := errs.String(); strings.Contains(text, "panic") || strings.Contains(text, "goroutine ") || strings.Contains(text, "out of memory") {
		t.Errorf("gengtu %s: %.2000s", strings.Join(args, " "), text)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// try gives a bad delivery to a verb in one language.
func (b bad) try(t *testing.T, path, verb, lang string) {
	t.Helper()
	edition := filepath.Join(t.TempDir(), "edition")
	args := []string{"check", path, "--layer", "dltb"}
	if verb == "ingest" {
		args = []string{"ingest", "--out", edition, "--layer", "dltb=" + path, "--vintage", "2024", "--zooms", "10-10"}
	}
	out, errs, code := bounded(t, lang, append(args, b.args...)...)
	record := fmt.Sprintf("record %d", b.about)
	if lang == "zh" {
		record = fmt.Sprintf("第 %d 条记录", b.about)
	}
	if b.code == "" {
		if verb == "ingest" && code != 0 || code > 1 {
			t.Errorf("exit code %d: %.2000s", code, errs)
		}
		told := ""
		for line := range strings.Lines(out + errs) {
			if strings.HasSuffix(line, "["+b.listed+"]\n") {
				told = line
			}
		}
		if verb == "ingest" && b.listed != "" && (told == "" || b.about > 0 && !strings.Contains(told, record)) {
			t.Errorf("%s is not listed, or not of %s:\n%.3000s%.3000s", b.listed, record, out, errs)
		}
		return
	}
	m := refusedLine.FindStringSubmatch(errs)
	switch {
	case code != 1 || m == nil:
		t.Errorf("exit code %d, %.2000s", code, errs)
		return
	case m[2] != b.code:
		t.Errorf("refused as %s, want %s: %s", m[2], b.code, errs)
	case !b.elsewhere && !strings.Contains(m[1], strings.TrimSuffix(path, filepath.Ext(path))):
		t.Errorf("the line does not name the file: %s", errs)
	case b.about > 0 && !strings.Contains(m[1], record):
		t.Errorf("the line does not name %s: %s", record, errs)
	case lang == "en" && (!strings.Contains(m[1], b.says) || !strings.Contains(m[1], "; ")), lang == "zh" && !strings.Contains(m[1], "；"):
		t.Errorf("the line does not say %q, or what to do: %s", b.says, errs)
	case lang == "zh" && !strings.ContainsFunc(m[1], func(r rune) bool { return unicode.Is(unicode.Han, r) }):
		t.Errorf("no Chinese: %s", errs)
	}
	if _, err := os.Stat(edition); !os.IsNotExist(err) {
		t.Errorf("refused, and something is stored (%v)", err)
	}
}

// Bad deliveries end in a clear line in each language that names file and record and
// what to do, or are mended and listed, within bounds of time and memory; nothing is
// stored of what is refused, and nothing is left behind.
func TestHostileDeliveries(t *testing.T) {
	var cases []bad
	for _, some := range [][]bad{badTables(t), badShapes(t), badPlaces(t), badArchives(t), badTexts(t), badPackages(t)} {
		cases = append(cases, some...)
	}
	suite.Count(t, "hostile-deliveries", float64(len(cases)), "deliveries")
	if len(cases) < 60 {
		t.Errorf("only %d deliveries", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := c.file(t)
			before := folder(t, filepath.Dir(path))
			for _, verb := range []string{"check", "ingest"} {
				for _, lang := range []string{"zh", "en"} {
					if lang == "en" && strings.HasPrefix(c.name, "large") {
						continue // what is said is told by another
					}
					c.try(t, path, verb, lang)
				}
			}
			if _, errs, code := bounded(t, "en", "info", path); code > 1 || code == 1 && !oneLine.MatchString(errs) {
				t.Errorf("info: exit code %d, %.2000s", code, errs)
			}
			if now := folder(t, filepath.Dir(path)); now != before {
				t.Errorf("the delivery's folder holds %s, was %s", now, before)
			}
		})
	}
}

// folder lists a folder.
func folder(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// badTables are shapefiles whose tables of attributes are wrong.
func badTables(testing.TB) []bad {
	dbf := func(change func([]byte) []byte) func(testing.TB) string {
		return func(t testing.TB) string { return edited(t, made(t, spoil{}), ".dbf", change) }
	}
	return []bad{
		{name: "more records announced than there are", file: dbf(put32(4, 1_000_000)), code: "DBF_TRUNCATED"},
		{name: "billions of records announced", file: dbf(put32(4, math.MaxUint32)), code: "DBF_TRUNCATED"},
		{name: "fewer records announced than shapes", file: dbf(put32(4, 5)), code: "SHP_DBF_COUNT"},
		{name: "a dbf that ends early", file: dbf(func(b []byte) []byte { return b[:len(b)-150] }), code: "DBF_TRUNCATED"},
		{name: "a dbf of a record more", file: dbf(func(b []byte) []byte {
			size := int(b[10]) + int(b[11])<<8
			b = append(b[:len(b)-1], b[len(b)-1-size:]...)
			b[4]++
			return b
		}), code: "SHP_DBF_COUNT"},
		{name: "records of another length", file: dbf(func(b []byte) []byte { b[10]++; return b }), code: "DBF_TRUNCATED"},
		{name: "no fields", file: dbf(func(b []byte) []byte { b[32] = '\r'; return b }), code: "DBF_HEADER"},
		{name: "a number that overflowed", file: dbf(value(4, "TBMJ", "***************")), listed: "DBF_OVERFLOW", about: 5},
		{name: "a number that is none", file: dbf(value(6, "TBMJ", "12,5 亩")), listed: "DBF_VALUE", about: 7},
		{name: "a date of zeros", file: dbf(value(2, "SCRQ", "00000000"))},
		{name: "one name in UTF-8 among GBK", file: dbf(value(8, "ZLDWMC", "渭滨村一二三")), listed: "DBF_ENCODING", about: 9},
		{name: "two records of one key", file: func(t testing.TB) string {
			return made(t, spoil{values: func(n int, v []any) {
				if n == 7 {
					v[0] = "610402100000000003"
				}
			}})
		}, listed: "DUPLICATE", about: 8},
		{name: "all records of one key", file: func(t testing.TB) string {
			return made(t, spoil{values: func(_ int, v []any) { v[0] = "610402100000000003" }})
		}, listed: "DUPLICATE", about: 12},
		{name: "no .dbf", file: func(t testing.TB) string { return edited(t, made(t, spoil{}), ".dbf", gone) }, code: "SHP_NO_DBF"},
	}
}

// badShapes are shapefiles whose shapes are wrong.
func badShapes(testing.TB) []bad {
	shape := func(change func(int, [][][]geo.XY) [][][]geo.XY) func(testing.TB) string {
		return func(t testing.TB) string { return made(t, spoil{shape: change}) }
	}
	only := func(change func([][][]geo.XY) [][][]geo.XY) func(testing.TB) string { return shape(onlyIn(3, change)) }
	position := func(p geo.XY) func(testing.TB) string {
		return only(func(m [][][]geo.XY) [][][]geo.XY { m[0][0][2] = p; return m })
	}
	shp := func(ending string, change func([]byte) []byte) func(testing.TB) string {
		return func(t testing.TB) string { return edited(t, made(t, spoil{}), ending, change) }
	}
	return []bad{
		{name: "a shape that ends early", file: shp(".shp", func(b []byte) []byte { return b[:len(b)-37] }), code: "SHP_TRUNCATED"},
		{name: "a part that begins nowhere", file: shp(".shp", put32(100+8+44, 1<<30)), listed: "SHP_SHAPE", about: 1},
		{name: "billions of positions announced", file: shp(".shp", put32(100+8+40, 1<<31-1)), listed: "SHP_SHAPE", about: 1},
		{name: "no .shx", file: shp(".shx", gone), listed: "SHX_MISSING"},
		{name: "an .shx of other places", file: shp(".shx", func(b []byte) []byte { b[100+8*3+2]++; return b }), listed: "SHX_DISAGREES"},
		{name: "an absurd coordinate", file: position(geo.XY{X: 1e300, Y: -1e300}), listed: "COORDINATE", about: 4},
		{name: "a coordinate that is no number", file: position(geo.XY{X: math.NaN(), Y: field36.Y}), listed: "SOURCE_COORDINATE", about: 4},
		{name: "an infinite coordinate", file: position(geo.XY{X: field36.X, Y: math.Inf(1)}), listed: "SOURCE_COORDINATE", about: 4},
		{name: "nothing but infinite coordinates", file: shape(moved(func(geo.XY) geo.XY { return geo.XY{X: math.Inf(1), Y: math.Inf(-1)} })), code: "NOTHING_KEPT", about: 1},
		{name: "no shape", file: only(func([][][]geo.XY) [][][]geo.XY { return nil }), listed: "GEOMETRY_MISSING", about: 4},
		{name: "no shapes at all", file: shape(func(int, [][][]geo.XY) [][][]geo.XY { return nil }), code: "NOTHING_KEPT", about: 1},
		{name: "a shape without ground", file: only(func(m [][][]geo.XY) [][][]geo.XY {
			m[0][0] = []geo.XY{m[0][0][0], m[0][0][1], m[0][0][0]}
			return m
		}), listed: "GEOMETRY_EMPTY", about: 4},
		{name: "a shape that crosses itself", file: only(func(m [][][]geo.XY) [][][]geo.XY {
			m[0][0][1], m[0][0][2] = m[0][0][2], m[0][0][1]
			return m
		}), listed: "RING_SELF_TOUCH", about: 4},
		{name: "large: a ring of a million positions", file: only(func([][][]geo.XY) [][][]geo.XY {
			return [][][]geo.XY{{round(geo.XY{X: field36.X, Y: field36.Y + 10_000}, 5000, 1_000_000)}}
		})},
		{name: "large: a hundred thousand holes", file: only(func([][][]geo.XY) [][][]geo.XY {
			return [][][]geo.XY{sieve(geo.XY{X: field36.X, Y: field36.Y + 1000}, 100_000)}
		})},
		{name: "large: a hundred thousand times the same hole", file: only(func([][][]geo.XY) [][][]geo.XY {
			p := sieve(geo.XY{X: field36.X, Y: field36.Y + 1000}, 1)
			for len(p) < 100_000 {
				p = append(p, p[1])
			}
			return [][][]geo.XY{p}
		}), listed: "SHP_COMPLEX", about: 4},
		{name: "large: a star that crosses itself at a million places", file: only(func([][][]geo.XY) [][][]geo.XY {
			return [][][]geo.XY{{star(geo.XY{X: field36.X, Y: field36.Y + 10_000}, 2001)}}
		}), listed: "GEOMETRY_UNMENDABLE", about: 4},
	}
}
