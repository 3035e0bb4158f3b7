package benchmarks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gengtu/index"
	"gengtu/index/disk"
	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/policy"
	"gengtu/tileserver/cache"
	"gengtu/tileserver/tileset"
)

// lineVariable holds how many counties each point of the line has, such as
// "1,5,25,100", which are 0.1, 0.5, 2.5 and 10 million polygons; lineMemory what
// --memory is given, in bytes.
const (
	lineVariable   = "BENCH_LINE"
	lineMemory     = "BENCH_LINE_MEMORY"
	lineStagesText = "BENCH_LINE_STAGES"
)

// lineDiskBytes is what a polygon takes of the disk at most while its edition is
// made: features, ground, tiles and the spool of tiles.
const lineDiskBytes = 2600

// TestLine takes provinces of different sizes in, the way of `gengtu ingest`, and
// prints for each what every stage took: it shows what grows faster than the
// polygons. One size is in the work directory at a time, and its files are removed
// as soon as they are read.
func TestLine(t *testing.T) {
	sizes := os.Getenv(lineVariable)
	if sizes == "" {
		t.Skip(lineVariable + "=1,5,25,100 measures 0.1, 0.5, 2.5 and 10 million polygons")
	}
	county := readCounty(t)
	row(t, "| polygons | stage | s | CPU s | CPU s / million | anonymous MiB | MiB with mapped files | on disk MB |")
	row(t, "|--:|---|--:|--:|--:|--:|--:|--:|")
	for text := range strings.SplitSeq(sizes, ",") {
		copies, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", lineVariable, err)
		}
		polygons := copies * county.polygons()
		dir := filepath.Join(work, "line-"+text)
		requireDisk(t, work, int64(polygons)*lineDiskBytes)
		start := time.Now()
		files := county.province(t, filepath.Join(dir, "in"), copies)
		t.Logf("%d files of %d MB written in %.0f s", len(files), bytesIn(t, dir)/1e6, time.Since(start).Seconds())
		in := lineInput{Dir: dir, Edition: filepath.Join(dir, "edition"), Files: files, Polygons: polygons}
		in.Memory, _ = strconv.ParseInt(os.Getenv(lineMemory), 10, 64) // absent: the usual
		all := lineStage{Name: "all"}
		for _, s := range lineStages(t, &in) {
			all.Clock, all.CPU, all.Bytes = all.Clock+s.Clock, all.CPU+s.CPU, s.Bytes
			all.AnonBytes, all.PeakBytes = max(all.AnonBytes, s.AnonBytes), max(all.PeakBytes, s.PeakBytes)
		}
		all.print(t, polygons)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// row prints a line of the table at once: a run takes hours.
func row(t *testing.T, text string) {
	t.Helper()
	if _, err := fmt.Fprintln(os.Stdout, text); err != nil {
		t.Fatal(err)
	}
}

// lineInput is what the process of [TestLineStages] is told.
type lineInput struct {
	Dir, Edition string
	Files        []delivered
	Polygons     int
	Memory       int64
}

// MarshalJSON writes the fields of a file, which are not exported, as well.
func (d delivered) MarshalJSON() ([]byte, error) { return json.Marshal([2]string{d.layer, d.path}) }

// UnmarshalJSON undoes MarshalJSON.
func (d *delivered) UnmarshalJSON(text []byte) error {
	var pair [2]string
	err := json.Unmarshal(text, &pair)
	d.layer, d.path = pair[0], pair[1]
	return err
}

// lineStage is what one stage took.
type lineStage struct {
	Name       string
	Clock, CPU time.Duration
	// AnonBytes is the most memory that the process had of its own, PeakBytes the
	// most with the pages of mapped files, which the system takes back when it needs
	// them; Bytes are on the disk at the end of the stage.
	AnonBytes, PeakBytes, Bytes int64
}

func (s *lineStage) print(t *testing.T, polygons int) {
	row(t, fmt.Sprintf("| %d | %s | %.1f | %.1f | %.1f | %d | %d | %d |", polygons, s.Name, s.Clock.Seconds(), s.CPU.Seconds(),
		s.CPU.Seconds()/float64(polygons)*1e6, s.AnonBytes>>20, s.PeakBytes>>20, s.Bytes/1e6))
	if s.Name == "all" { // what RESULTS.md is made of
		row(t, fmt.Sprintf("BenchmarkLine/polygons=%d/by=gengtu 1 %d ns/op %.1f cpu-ms/op %[1]d polygons %[4]d MiB", polygons, s.Clock.Nanoseconds(), s.CPU.Seconds()*1e3, s.AnonBytes>>20))
	}
}

// lineStages runs the stages in a process of their own, which prints each when it is
// done.
func lineStages(t *testing.T, in *lineInput) []lineStage {
	t.Helper()
	told := filepath.Join(in.Dir, "stages.json")
	text, err := json.Marshal(in)
	if err == nil {
		err = os.WriteFile(told, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestLineStages$", "-test.timeout", "24h")
	cmd.Env = append(os.Environ(), lineStagesText+"="+told)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	var stages []lineStage
	if err := json.Unmarshal(text, &stages); err != nil {
		t.Fatal(err)
	}
	return stages
}

// TestLineStages goes the way of `gengtu ingest` stage by stage for [TestLine].
func TestLineStages(t *testing.T) {
	told := os.Getenv(lineStagesText)
	if told == "" {
		t.Skip("a part of TestLine")
	}
	var in lineInput
	text, err := os.ReadFile(told)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &lineRun{t: t, dir: in.Edition, polygons: in.Polygons}
	w.all(&in)
	if text, err = json.Marshal(w.stages); err == nil {
		err = os.WriteFile(told, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lineRun is one walk through the stages.
type lineRun struct {
	t        *testing.T
	dir      string
	polygons int
	stages   []lineStage
}

// all does what the product's command does.
func (w *lineRun) all(in *lineInput) {
	t := w.t
	var inputs []ingest.Input
	for _, f := range in.Files {
		inputs = append(inputs, ingest.Input{Layer: f.layer, Vintage: "2024", Path: f.path})
	}
	d, err := edition.Begin(in.Edition)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Abort()
	m := &edition.Manifest{Tier: edition.Secure, BuiltZooms: [2]int{raceFrom, raceTo}, MaxZoom: tileset.MaxZoom, Policy: policy.Everything()}
	w.stage("read", func() (err error) {
		m.Layers, _, err = ingest.Run(t.Context(), inputs, d.File(edition.FeaturesFile), ingest.Options{Tier: edition.Secure, MemoryBytes: in.Memory})
		return err
	})
	for _, f := range in.Files {
		if err := os.Remove(f.path); err != nil {
			t.Fatal(err)
		}
	}
	w.stage("seal", func() error { return index.Seal(t.Context(), d.File(edition.FeaturesFile)) })
	var ix *index.Index
	w.stage("index", func() (err error) {
		ix, err = index.OpenFiles(d.File(""), m)
		return err
	})
	w.stage("ground", func() error {
		_, err := index.BuildGround(t.Context(), ix, d.File(edition.GroundFile), func(int, int) {})
		return err
	})
	w.stage("tiles", func() error {
		_, err := tileset.Build(t.Context(), ix, d.File(edition.TilesFile), tileset.BuildOptions{MinZoom: raceFrom, MaxZoom: raceTo, MemoryBytes: in.Memory})
		return err
	})
	w.stage("hash", func() error {
		if err := ix.Close(); err != nil {
			return err
		}
		_, err := index.ContentDigest(d.File(edition.FeaturesFile))
		if err != nil {
			return err
		}
		r, err := cache.Open(d.File(edition.TilesFile))
		if err != nil {
			return err
		}
		m.ContentHash, err = r.Digest()
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		return d.Commit(m, 1)
	})
}

// stage measures do.
func (w *lineRun) stage(name string, do func() error) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var anon int64
	var watch sync.WaitGroup
	// Writing 5 sets the peak back to what is resident now; see proc(5).
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		w.t.Fatal(err)
	}
	watch.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			anon = max(anon, statusBytes(w.t, "RssAnon"))
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	start, used := time.Now(), ownProcessor(w.t)
	err := do()
	s := lineStage{Name: name, Clock: time.Since(start), CPU: ownProcessor(w.t) - used}
	cancel()
	watch.Wait()
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	s.AnonBytes, s.PeakBytes, s.Bytes = anon, statusBytes(w.t, "VmHWM"), bytesIn(w.t, w.dir)
	w.stages = append(w.stages, s)
	s.print(w.t, w.polygons)
}

// statusBytes returns a size that the system tells of this process, see proc(5).
func statusBytes(t *testing.T, name string) int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), name+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return kb << 10
		}
	}
	t.Errorf("/proc/self/status has no %s", name)
	return 0
}

// bytesIn adds up the files under dir.
func bytesIn(t *testing.T, dir string) int64 {
	t.Helper()
	sum := int64(0)
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		st, err := e.Info()
		if err == nil {
			sum += st.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// requireDisk ends the test when dir's file system has less room.
func requireDisk(t *testing.T, dir string, bytes int64) {
	t.Helper()
	free, err := disk.Free(dir)
	if err != nil {
		t.Fatal(err)
	}
	if free < bytes {
		t.Fatalf("%s has %d MB of room, %d are needed", dir, free/1e6, bytes/1e6)
	}
}
