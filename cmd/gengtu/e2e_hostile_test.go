package main_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oneLine is the whole of what a refusal may say: one line that ends in a code.
var oneLine = regexp.MustCompile(`^gengtu: [^\n]+ \[[A-Z0-9_]+\]\n$`)

// limited runs the binary for at most a minute, so that what hangs fails.
func limited(t testing.TB, args ...string) (stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(), args...)
	cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Errorf("gengtu %s: no end after a minute", strings.Join(args, " "))
	}
	return errs.String(), cmd.ProcessState.ExitCode()
}

// judged ingests a layer into a new edition. A refusal must be exit code 1, one
// line with a code, and no directory; what is taken must verify. It returns the
// code of the refusal, "" when it was taken.
func judged(t testing.TB, layer string, more ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "edition")
	errs, code := limited(t, append([]string{"ingest", "--out", out, "--layer", layer, "--vintage", "2024", "--zooms", "10-10"}, more...)...)
	_, err := os.Stat(out)
	switch {
	case strings.Contains(errs, "panic") || strings.Contains(errs, "goroutine"):
		t.Errorf("%s: %s", layer, errs)
	case code == 0:
		must(t, "verify", out)
		return ""
	case code != 1:
		t.Errorf("%s: exit code %d: %s", layer, code, errs)
	case !oneLine.MatchString(errs):
		t.Errorf("%s: not one line with a code:\n%s", layer, errs)
	case !os.IsNotExist(err):
		t.Errorf("%s: refused, and %s is there (%v)", layer, out, err)
	}
	return errs[strings.LastIndexByte(errs, '[')+1 : max(strings.LastIndexByte(errs, ']'), strings.LastIndexByte(errs, '[')+1)]
}

// samples writes the 115 blocks of the delivery's high-standard farmland in all
// formats that ingest reads, and returns the file to name of each.
func samples(t testing.TB) map[string]string {
	t.Helper()
	e, dir, out := theEditions(t), t.TempDir(), map[string]string{}
	for _, ending := range []string{"shp", "gpkg", "fgb", "geojson", "geojsonl"} {
		out[ending] = filepath.Join(dir, ending, "hsf."+ending)
		if err := os.Mkdir(filepath.Dir(out[ending]), 0o755); err != nil {
			t.Fatal(err)
		}
		must(t, "export", "--edition", e.Secure, "--layer", "hsf", "--out", out[ending])
	}
	return out
}

// spoiled copies the files beside path into a new directory, the one with that
// ending spoiled, and returns where path is now.
func spoiled(t testing.TB, path, ending string, spoil func([]byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(f) == ending {
			data = spoil(data)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.Base(path))
}

// Files cut short are refused in one line, wherever the cut is; nothing is taken
// in part.
func TestTruncatedFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for format, path := range samples(t) {
		endings := []string{"." + format}
		if format == "shp" {
			endings = []string{".shp", ".dbf"}
		}
		for _, ending := range endings {
			whole, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ending)
			if err != nil {
				t.Fatal(err)
			}
			n := len(whole)
			cuts := []int{0, 1, 7, 31, 32, 99, 100, 101, n / 2, n - 100, n - 9}
			for range 9 {
				cuts = append(cuts, r.IntN(n-3))
			}
			for _, cut := range cuts {
				file := spoiled(t, path, ending, func(b []byte) []byte { return b[:cut] })
				if code := judged(t, "hsf="+file); code == "" && !endsALine(format, whole, cut) {
					t.Errorf("%s%s cut to %d of %d bytes is taken", format, ending, cut, n)
				}
			}
		}
	}
}

// endsALine tells whether a cut leaves a whole text sequence, only shorter.
func endsALine(format string, whole []byte, cut int) bool {
	return format == "geojsonl" && cut > 0 && (whole[cut-1] == '\n' || whole[cut] == '\n')
}

// Files with changed bytes are refused in one line, or taken and whole; they
// never bring the program down.
func TestChangedBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	refused := 0
	for format, path := range samples(t) {
		endings := []string{"." + format}
		if format == "shp" {
			endings = []string{".shp", ".dbf", ".shx", ".prj", ".cpg"}
		}
		for _, ending := range endings {
			for i := range 12 {
				file := spoiled(t, path, ending, func(b []byte) []byte {
					within := len(b)
					if i%2 == 0 {
						within = min(within, 120) // headers hold the counts and offsets
					}
					for range 1 + r.IntN(3) {
						b[r.IntN(within)] = byte(r.Uint32())
					}
					return b
				})
				if judged(t, "hsf="+file) != "" {
					refused++
				}
			}
		}
	}
	if refused < 10 {
		t.Errorf("only %d spoiled files were refused", refused)
	}
}

// prj is a coordinate system of the old datums, as their software writes it.
func prj(name, datum, spheroid string) func([]byte) []byte {
	return func([]byte) []byte {
		return []byte(`PROJCS["` + name + `",GEOGCS["GCS_` + datum + `",DATUM["D_` + datum + `",SPHEROID[` + spheroid + `]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],` +
			`PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",36500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",108.0],` +
			`PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`)
	}
}

// Files of a wrong kind, system or content are refused by the right code.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	text := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	feature := func(geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":` + geometry + `}]}`
	}
	endless := filepath.Join(dir, "endless.geojson")
	if err := os.Symlink("/dev/zero", endless); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe.geojson")
	if err := exec.Command("mkfifo", "-m", "600", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	shp := samples(t)["shp"]
	for _, c := range []struct{ name, path, code string }{
		{"Beijing 54", spoiled(t, shp, ".prj", prj("Beijing_1954_3_Degree_GK_Zone_36", "Beijing_1954", `"Krasovsky_1940",6378245.0,298.3`)), "CRS_REFUSED"},
		{"Xi'an 80", spoiled(t, shp, ".prj", prj("Xian_1980_3_Degree_GK_Zone_36", "Xian_1980", `"Xian_1980",6378140.0,298.257`)), "CRS_REFUSED"},
		{"the Netherlands' system", delivery(t, "nl_parcels", "fields.shp"), "CRS_REFUSED"},
		{"an unreadable .prj", spoiled(t, shp, ".prj", func([]byte) []byte { return []byte("PROJCS[\x00\xff") }), "CRS_REFUSED"},
		{"an empty .prj", spoiled(t, shp, ".prj", func([]byte) []byte { return nil }), "CRS_MISSING"},
		{"points", delivery(t, "shapefile_cases", "point.shp"), "SHP_TYPE"},
		{"lines", delivery(t, "shapefile_cases", "linez.shp"), "SHP_TYPE"},
		{"multipatches", delivery(t, "shapefile_cases", "multipatch.shp"), "SHP_TYPE"},
		{"no attribute table", delivery(t, "shapefile_cases", "polygon.shp"), "SHP_NO_DBF"},
		{"an archive of points", delivery(t, "shapefile_cases", "10m_populated_places_simple.zip"), "SHP_TYPE"},
		{"an old FlatGeobuf", delivery(t, "flatgeobuf", "topp_states.fgb"), "FGB_VERSION"},
		{"mixed geometries", delivery(t, "flatgeobuf", "heterogeneous.fgb"), "CRS_MISSING"},
		{"a companion", strings.TrimSuffix(shp, ".shp") + ".dbf", "SOURCE_COMPANION"},
		{"text", text("a.shp", "no shapefile at all, but longer than a header of a hundred bytes, so that something is there to be read"), "SOURCE_FORMAT"},
		{"an empty file", text("empty.gpkg", ""), "SOURCE_EMPTY"},
		{"a folder", dir, "SOURCE_DIRECTORY"},
		{"nothing", filepath.Join(dir, "absent.fgb"), "SOURCE_MISSING"},
		{"endless zeros", endless, "SOURCE_"},
		{"a named pipe", pipe, "SOURCE_"},
		{"a million brackets", text("deep.geojson", strings.Repeat("[", 1_000_000)), "GEOJSON_SYNTAX"},
		{"deep properties", text("deeper.geojson", `{"type":"Feature","properties":{"a":`+strings.Repeat("[", 500_000)+strings.Repeat("]", 500_000)+`},"geometry":null}`), "NOTHING_KEPT"},
		{"collections in collections", text("nested.geojson", feature(strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 5000)+strings.Repeat("]}", 5000))), "NOTHING_KEPT"},
		{"infinite numbers", text("inf.geojson", feature(`{"type":"Polygon","coordinates":[[[1e999,34],[108,34],[108,35],[1e999,34]]]}`)), "NOTHING_KEPT"},
		{"latitude first", text("yx.geojson", feature(`{"type":"Polygon","coordinates":[[[34,108],[34,109],[35,109],[34,108]]]}`)), "NOTHING_KEPT"},
		{"metres as degrees", text("m.geojson", feature(`{"type":"Polygon","coordinates":[[[36555177,3797090],[36555277,3797090],[36555277,3797190],[36555177,3797090]]]}`)), "NOTHING_KEPT"},
		{"a web page", text("page.geojson", "<!doctype html><title>404</title>"), "SOURCE_FORMAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judged(t, "hsf="+c.path); !strings.HasPrefix(got, c.code) {
				t.Errorf("refused as %q, want %q", got, c.code)
			}
		})
	}
	bare := spoiled(t, shp, ".none", nil)
	if err := os.Remove(strings.TrimSuffix(bare, ".shp") + ".prj"); err != nil {
		t.Fatal(err)
	}
	if got := judged(t, "hsf="+bare); got != "CRS_MISSING" {
		t.Errorf("without a .prj refused as %q", got)
	}
	if got := judged(t, "hsf="+bare, "--crs", "EPSG:4490"); got != "" {
		t.Errorf("without a .prj, with --crs, refused as %q", got)
	}
	if got := judged(t, "hsf="+delivery(t, "nl_parcels", "fields.shp"), "--crs", "EPSG:4490"); got != "NOTHING_KEPT" {
		t.Errorf("metres called degrees refused as %q", got)
	}
}

// A wrong command line is exit code 2, one line with a code, and a hint.
func TestWrongCommandLines(t *testing.T) {
	hsf, out := delivery(t, "delivery", "2024", "GBZNT.geojson"), filepath.Join(t.TempDir(), "e")
	wrong := regexp.MustCompile(`^gengtu: [^\n]+ \[[A-Z0-9_]+\]\nTry: gengtu [^\n]+\n$`)
	for _, args := range [][]string{
		{"fly"}, {"ingest"}, {"ingest", "--out", out}, {"ingest", "--out", out, "--layer", "hsf"}, {"ingest", "--out", out, "--layer", "HSF=" + hsf},
		{"ingest", "--out", out, "--layer", "hsf@../x=" + hsf}, {"ingest", "--out", out, "--layer", "hsf=" + hsf, "--zooms", "9-99"}, {"ingest", "--out", out, "--layer", "hsf=" + hsf, "--crs", "EPSG:2437"},
		{"ingest", "--out", out, "--layer", "hsf=" + hsf, "--tier", "public"}, {"ingest", "--out", out, "--layer", "hsf=" + hsf, "--nothing"}, {"ingest", "--out", out, "--layer", "all=" + hsf},
		{"publish", "--from", out}, {"publish", "--from", out, "--tier", "top", "--out", out}, {"serve"}, {"serve", "--edition", out, "--open", "--listen", "0.0.0.0:0"}, {"verify"}, {"verify", "a", "b"},
		{"overlay", "--edition", out}, {"overlay", "--edition", out, "--place", "1", hsf}, {"export", "--edition", out}, {"export", "--edition", out, "--layer", "hsf", "--out", "x.doc"}, {"token", "fly"},
		{"rollback"}, {"update", "--edition", out}, {"update", "--layer", "hsf=" + hsf}, {"pack", "--edition", out}, {"analyze", "--edition", out, "x"}, {"info"}, {"history"}, {"policy", "hide"},
	} {
		errs, code := limited(t, args...)
		if code != 2 || !wrong.MatchString(errs) {
			t.Errorf("gengtu %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("gengtu %s left %s behind", strings.Join(args, " "), out)
		}
	}
	for _, args := range [][]string{
		{"verify", out}, {"history", out}, {"rollback", out}, {"overlay", "--edition", out, "--place", "610402"}, {"export", "--edition", out, "--layer", "hsf", "--out", out + ".fgb"},
		{"serve", "--edition", out}, {"publish", "--from", out, "--tier", "public", "--out", out + "2"}, {"info", out}, {"update", "--edition", out, "--layer", "hsf=" + hsf},
	} {
		if errs, code := limited(t, args...); code != 1 || !oneLine.MatchString(errs) {
			t.Errorf("gengtu %s without an edition: exit code %d\n%s", strings.Join(args, " "), code, errs)
		}
	}
}

// interrupted starts an ingest of the whole delivery into dir, sends it a signal
// when its draft has been there for a while, and returns what it said and whether
// the signal came before the end.
func interrupted(t *testing.T, dir string, sig os.Signal, after time.Duration) (stderr string, inTime bool) {
	t.Helper()
	cmd := exec.Command(binary(), "ingest", "--out", dir, "--vintage", "2023", "--layer", "dltb="+delivery(t, "delivery", "2023", "DLTB.shp"),
		"--layer", "pbf="+delivery(t, "delivery", "2023", "YJJBNTTB.gpkg"), "--zooms", "5-15")
	cmd.Env = append(os.Environ(), "GENGTU_LANG=en")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(drafts(t, dir)) == 0 && time.Now().Before(deadline); {
		<-time.After(2 * time.Millisecond)
	}
	<-time.After(after)
	_ = cmd.Process.Signal(sig) // it may have ended
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return errs.String(), err != nil
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatalf("%v after %v: it did not end within 20 s", sig, after)
	}
	return "", false
}

func drafts(t testing.TB, dir string) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join(dir, ".draft-*"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Ctrl-C at any moment of an ingest leaves the old edition whole and in force,
// and no draft; so does a kill, but for a draft that the next run removes.
func TestInterruptedIngest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "edition")
	first := []string{"ingest", "--out", dir, "--layer", "hsf=" + delivery(t, "delivery", "2024", "GBZNT.geojson"), "--vintage", "2024", "--zooms", "10-12"}
	must(t, first...)
	current := func() string {
		data, err := os.ReadFile(filepath.Join(dir, "CURRENT"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	old, caught := current(), 0
	for _, ms := range []int{0, 5, 30, 100, 200, 400, 800, 1200} {
		errs, inTime := interrupted(t, dir, os.Interrupt, time.Duration(ms)*time.Millisecond)
		if !inTime {
			break // a later signal would come too late as well
		}
		caught++
		lines := strings.SplitAfter(strings.TrimSuffix(errs, "\n"), "\n")
		if last := lines[len(lines)-1] + "\n"; !oneLine.MatchString(last) || !strings.HasSuffix(last, "[INTERRUPTED]\n") {
			t.Errorf("Ctrl-C after %d ms says:\n%s", ms, errs)
		}
		if now := current(); now != old || len(drafts(t, dir)) > 0 {
			t.Errorf("Ctrl-C after %d ms: CURRENT %s, was %s; drafts %v", ms, now, old, drafts(t, dir))
		}
		must(t, "verify", dir)
	}
	if caught < 3 {
		t.Errorf("only %d signals came in time", caught)
	}
	old = current() // another one when the last signal came too late
	if _, inTime := interrupted(t, dir, syscall.SIGKILL, 100*time.Millisecond); !inTime || current() != old || len(drafts(t, dir)) != 1 {
		t.Errorf("a kill: in time %t, CURRENT %s, was %s; drafts %v", inTime, current(), old, drafts(t, dir))
	}
	must(t, "verify", dir)
	must(t, first...)
	if left := drafts(t, dir); len(left) > 0 {
		t.Errorf("the next run leaves %v", left)
	}
	must(t, "verify", dir)
}

// A new edition whose first ingest is interrupted or refused is not there at all.
func TestNoEditionOfNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "edition")
	if errs, inTime := interrupted(t, dir, os.Interrupt, 50*time.Millisecond); inTime {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("interrupted (%s), and the directory is there: %v", errs, err)
		}
	}
	old := filepath.Join(t.TempDir(), "edition")
	hsf := "hsf=" + delivery(t, "delivery", "2024", "GBZNT.geojson")
	must(t, "ingest", "--out", old, "--layer", hsf, "--vintage", "2024", "--zooms", "10-10")
	before := fmt.Sprint(os.ReadDir(old))
	for _, more := range [][]string{
		{"--layer", "pbf=" + delivery(t, "nl_parcels", "fields.shp")}, {"--layer", "dltb=" + delivery(t, "delivery", "2024", "DLTB.shp"), "--strict"},
	} {
		errs, code := limited(t, append([]string{"ingest", "--out", old, "--layer", hsf, "--vintage", "2024"}, more...)...)
		if code != 1 || !oneLine.MatchString(errs) || fmt.Sprint(os.ReadDir(old)) != before {
			t.Errorf("%v: exit code %d\n%s", more, code, errs)
		}
	}
	must(t, "verify", old)
}

// The real Dutch parcels go in: what is read is kept or refused, each mended
// parcel is one that GEOS calls invalid, and the report says that the whole layer
// was taken as cropland.
func TestRealParcels(t *testing.T) {
	file := delivery(t, "nl_parcels", "fields_4490.gpkg")
	dir, report := filepath.Join(t.TempDir(), "nl"), filepath.Join(t.TempDir(), "report.json")
	must(t, "ingest", "--out", dir, "--layer", "cropland="+file, "--vintage", "2020", "--zooms", "10-14", "--report", report)
	must(t, "verify", dir)
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var rep struct {
		Layers []struct {
			Read, Kept, Mended, Refused int
			AreaIn                      float64 `json:"area_in_m2"`
			AreaOut                     float64 `json:"area_out_m2"`
			AreaRefused                 float64 `json:"area_refused_m2"`
			AreaMending                 float64 `json:"area_mending_m2"`
			Notes                       []struct{ Code string }
			Counts                      map[string]int
		}
	}
	decode(t, data, &rep)
	l := rep.Layers[0]
	total := 0.0
	for _, f := range read(t, t.TempDir(), absolute(t, file)) {
		total += f.area(t)
	}
	invalid := strings.Count(gdal(t, t.TempDir(), "ogr2ogr", "-f", "CSV", "/vsistdout/", absolute(t, file), "-dialect", "sqlite", "-sql", "SELECT 1 FROM fields WHERE NOT ST_IsValid(geom)"), "1\n")
	if l.Read != 4872 || l.Kept+l.Refused != l.Read || l.Refused != 0 || l.Mended != invalid {
		t.Errorf("read %d, kept %d, mended %d, refused %d; GEOS calls %d invalid; %v", l.Read, l.Kept, l.Mended, l.Refused, invalid, l.Counts)
	}
	if d := l.AreaIn - l.AreaOut - l.AreaRefused - l.AreaMending; d > 0.01 || d < -0.01 {
		t.Errorf("%.4f m² are not told of", d)
	}
	if d := l.AreaIn - total; d > 1 || d < -1 {
		t.Errorf("%.2f m² came in, GDAL reads %.2f", l.AreaIn, total)
	}
	if len(l.Notes) != 1 || l.Notes[0].Code != "CROPLAND_WHOLE" {
		t.Errorf("notes are %v", l.Notes)
	}
}
