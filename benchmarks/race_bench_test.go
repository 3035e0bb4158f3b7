package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/policy"
	"gengtu/tileserver/tile"
	"gengtu/tileserver/tileset"
)

// The race: GeoJSON sequences in, tiles of these zooms out.
const (
	raceFrom, raceTo = 5, 14
	raceZooms        = "5-14"
)

// tippecanoeVariable names the program to race with; it is never built here.
const tippecanoeVariable = "BENCH_TIPPECANOE"

// named returns the program that the environment variable names; without one the
// measurement is skipped, and in CI too, because no package has these programs.
func named(b *testing.B, variable string) string {
	b.Helper()
	path := os.Getenv(variable)
	if path == "" {
		b.Skipf("not measured: %s=PATH names the program", variable)
	}
	if _, err := exec.LookPath(path); err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return path
}

// BenchmarkRace measures GeoJSON sequences of three layers on their way to tiles
// of zooms 5 to 14 that can be served: by=gengtu reads, indexes and builds,
// stage by stage in a process of its own; gengtu-command is the product's whole
// command, which also prepares what overlays need; tippecanoe is its default with
// --drop-densest-as-needed, tippecanoe-keep told to leave nothing out. The data
// are the scale line.
func BenchmarkRace(b *testing.B) {
	for _, name := range []string{"polygons100k", "polygons500k", "landscape", "polygons2500k"} {
		b.Run("data="+name+"/zooms="+raceZooms, func(b *testing.B) {
			if name == "polygons2500k" && os.Getenv("BENCH_LARGE") != "1" {
				b.Skip("BENCH_LARGE=1 measures 2.5 million polygons too")
			}
			d := open(b, name)
			r := &race{d: d, dir: b.TempDir()}
			for _, l := range d.asked {
				r.inputs = append(r.inputs, delivered{l, d.sequence(b, l)})
				r.polygons += d.ix.Layer(l, "").Len()
			}
			b.Run("by=gengtu", r.stages)
			b.Run("by=gengtu-command", r.command)
			b.Run("by=tippecanoe", func(b *testing.B) { r.tippecanoe(b, "--drop-densest-as-needed") })
			b.Run("by=tippecanoe-keep", func(b *testing.B) { r.tippecanoe(b, "--no-feature-limit", "--no-tile-size-limit") })
		})
	}
}

// sequence returns a layer as a GeoJSON sequence, as the edition holds it.
func (d *dataset) sequence(tb testing.TB, layer string) string {
	tb.Helper()
	path := filepath.Join(work, d.name+"-"+layer+".geojsonl")
	if _, err := os.Stat(path); err != nil {
		gengtu(tb, "export", "--edition", d.edition, "--layer", layer, "--out", path)
	}
	return path
}

type race struct {
	d        *dataset
	dir      string
	inputs   []delivered
	polygons int
}

// run runs a program of the race and adds its processor time to *used; it reports
// the most memory that the program held and the number of polygons.
func (r *race) run(b *testing.B, used *time.Duration, cmd *exec.Cmd) []byte {
	b.Helper()
	out, err := cmd.Output()
	if err != nil {
		said := ""
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			said = string(exit.Stderr)
		}
		b.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, said)
	}
	*used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if n := mostMemory(cmd.ProcessState); n > 0 {
		b.ReportMetric(float64(n)/(1<<20), "MiB")
	}
	b.ReportMetric(float64(r.polygons), "polygons")
	return out
}

func (r *race) command(b *testing.B) {
	if err := build(); err != nil {
		b.Fatal(err)
	}
	var used time.Duration
	timed(b, func(*testing.B) time.Duration { return used }, func() {
		out := filepath.Join(r.dir, "edition")
		args := []string{"ingest", "--out", out, "--vintage", r.d.vintage, "--zooms", raceZooms}
		for _, in := range r.inputs {
			args = append(args, "--layer", in.layer+"="+in.path)
		}
		r.run(b, &used, exec.Command(filepath.Join(work, "gengtu"), args...))
		if err := os.RemoveAll(out); err != nil {
			b.Fatal(err)
		}
	})
}

// tippecanoe runs the rival over the same layers, with the fields that our tiles
// carry and the same ids. -P reads each file with all processors.
func (r *race) tippecanoe(b *testing.B, mode ...string) {
	program := named(b, tippecanoeVariable)
	out := filepath.Join(r.dir, "tiles.mbtiles")
	args := append([]string{"-q", "-f", "-P", "-Z", strconv.Itoa(raceFrom), "-z", strconv.Itoa(raceTo), "--use-attribute-for-id=gengtu_id", "-o", out}, mode...)
	dropped := map[string]bool{"gengtu_id": true, "area_m2": true}
	for _, in := range r.inputs {
		for _, f := range r.d.ix.Layer(in.layer, "").Meta.Fields {
			if !f.Tile {
				dropped[f.Name] = true
			}
		}
		args = append(args, "-L", in.layer+":"+in.path)
	}
	for name := range dropped {
		args = append(args, "-x", name)
	}
	var used time.Duration
	timed(b, func(*testing.B) time.Duration { return used }, func() { r.run(b, &used, exec.Command(program, args...)) })
	reportSizes(b, mbtiles(b, out))
}

// sizes are the bytes of tiles as they are sent, by zoom.
type zoomSizes map[uint8][]int

// reportSizes reports what zooms below the parcels' take together, the largest
// tile there, and the largest of all.
func reportSizes(b *testing.B, z zoomSizes) {
	b.Helper()
	low, largest, largestLow := 0, 0, 0
	for zoom, list := range z {
		sum := 0
		for _, n := range list {
			sum += n
			largest = max(largest, n)
			if zoom < builtParcels {
				largestLow = max(largestLow, n)
			}
		}
		if zoom < builtParcels {
			low += sum
		}
		b.ReportMetric(float64(sum), fmt.Sprintf("z%d-bytes", zoom))
	}
	b.ReportMetric(float64(low), "low-bytes")
	b.ReportMetric(float64(largest), "largest-bytes")
	b.ReportMetric(float64(largestLow), "largest-low-bytes")
}

// builtParcels is the zoom from which the race's parcels are drawn as themselves.
const builtParcels = 13

// A stage is one part of our way from file to tiles.
type stage struct {
	Name          string
	Clock, CPU    time.Duration
	TilesByZoom   zoomSizes `json:",omitempty"`
	FeaturesBytes int64     `json:",omitempty"`
}

// stagesVariable holds the inputs of [TestRaceStages], which runs in a process of
// its own so that its memory is its own.
const stagesVariable = "BENCH_STAGES"

type stagesInput struct {
	Dir, Vintage string
	Layers       [][2]string
	// Ground asks for what overlays need as well.
	Ground bool
}

func (r *race) stages(b *testing.B) {
	in := stagesInput{Dir: filepath.Join(r.dir, "stages"), Vintage: r.d.vintage, Ground: true}
	for _, l := range r.inputs {
		in.Layers = append(in.Layers, [2]string{l.layer, l.path})
	}
	text, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	sums := map[string][2]time.Duration{}
	var used, clock, ground time.Duration
	var sizes zoomSizes
	for b.Loop() {
		if err := os.MkdirAll(in.Dir, 0o755); err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.run", "^TestRaceStages$", "-test.timeout", "12h")
		cmd.Env = append(os.Environ(), stagesVariable+"="+string(text))
		out := r.run(b, &used, cmd)
		line, _, _ := strings.Cut(string(out), "\n")
		var stages []stage
		if err := json.Unmarshal([]byte(line), &stages); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		for _, s := range stages {
			v := sums[s.Name]
			sums[s.Name] = [2]time.Duration{v[0] + s.Clock, v[1] + s.CPU}
			if s.Name == "ground" {
				ground += s.CPU
			} else {
				clock += s.Clock
			}
			if s.TilesByZoom != nil {
				sizes = s.TilesByZoom
			}
		}
		if err := os.RemoveAll(in.Dir); err != nil {
			b.Fatal(err)
		}
	}
	// Tippecanoe makes nothing for overlays: the ground stands apart.
	n := float64(b.N)
	b.ReportMetric(float64(clock)/n, "ns/op")
	b.ReportMetric(float64(used-ground)/n/1e6, "cpu-ms/op")
	for name, v := range sums {
		b.ReportMetric(v[0].Seconds()*1e3/n, name+"-ms")
		b.ReportMetric(v[1].Seconds()*1e3/n, name+"-cpu-ms")
	}
	reportSizes(b, sizes)
}

// TestRaceStages goes the way of `gengtu ingest` stage by stage for
// [BenchmarkRace] and prints what each took.
func TestRaceStages(t *testing.T) {
	text := os.Getenv(stagesVariable)
	if text == "" {
		t.Skip("a part of BenchmarkRace")
	}
	var in stagesInput
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	var inputs []ingest.Input
	for _, l := range in.Layers {
		inputs = append(inputs, ingest.Input{Layer: l[0], Vintage: in.Vintage, Path: l[1]})
	}
	var stages []stage
	during := func(name string, do func() error) {
		start, used := time.Now(), ownProcessor(t)
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		stages = append(stages, stage{Name: name, Clock: time.Since(start), CPU: ownProcessor(t) - used})
	}
	m := &edition.Manifest{Tier: edition.Secure, BuiltZooms: [2]int{raceFrom, raceTo}, MaxZoom: tileset.MaxZoom, Policy: policy.Everything()}
	file := func(name string) string { return filepath.Join(in.Dir, name) }
	during("read", func() (err error) {
		m.Layers, _, err = ingest.Run(t.Context(), inputs, file(edition.FeaturesFile), ingest.Options{Tier: edition.Secure})
		return err
	})
	var ix *index.Index
	during("index", func() (err error) {
		ix, err = index.OpenFiles(in.Dir, m)
		return err
	})
	if in.Ground {
		during("ground", func() error {
			_, err := index.BuildGround(t.Context(), ix, file(edition.GroundFile), func(int, int) {})
			return err
		})
	}
	during("tiles", func() error {
		_, err := tileset.Build(t.Context(), ix, file(edition.TilesFile), tileset.BuildOptions{MinZoom: raceFrom, MaxZoom: raceTo, Grids: []tile.Grid{tile.W}})
		return err
	})
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	stages[len(stages)-1].TilesByZoom = stored(t, file(edition.TilesFile))
	out, err := json.Marshal(stages)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(os.Stdout, string(out)); err != nil {
		t.Fatal(err)
	}
}
