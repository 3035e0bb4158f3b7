package benchmarks

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// changedShare is how many of a layer's parcels an update brings: 1 in 1,000.
const changedShare = 1000

// The line that an update is judged by: its time is at most lineFactor times the
// share of dirty tiles in the time of a full build, and lineSeconds.
const (
	lineFactor  = 1.3
	lineSeconds = 1
)

// BenchmarkUpdate measures `gengtu update` with 1 in 1,000 parcels of cropland
// made smaller: those around one place (change=village), or every thousandth
// (change=scattered). Each update brings shapes that are in no generation kept.
// Metrics: share and share-bytes are what part of the tiles was made anew, by number
// and by the bytes that they take; full-ms and full-cpu-ms are what a full ingest of
// the same files took in the same run, times how often an update goes into that by
// the clock; and line and line-bytes are the update's time divided by what the line
// allows, 1.3·share·full+1 s, by either share: 1 or less is kept.
func BenchmarkUpdate(b *testing.B) {
	b.Run("data=landscape/zooms="+raceZooms, func(b *testing.B) {
		d := open(b, "landscape")
		target := filepath.Join(work, "edition-"+d.name+"-updated")
		defer func() {
			if err := os.RemoveAll(target); err != nil {
				b.Error(err)
			}
		}()
		var full fullBuild
		for _, kind := range []string{"village", "scattered"} {
			b.Run("change="+kind+"/by=gengtu", func(b *testing.B) {
				if err := build(); err != nil {
					b.Fatal(err)
				}
				if full.clock == 0 {
					full = d.ingestTiled(b, target)
				}
				d.update(b, target, d.change(b, kind), full)
			})
		}
	})
}

// fullBuild is what a full ingest took.
type fullBuild struct{ clock, processor time.Duration }

// ingestTiled takes all of d into a new edition at target.
func (d *dataset) ingestTiled(b *testing.B, target string) fullBuild {
	b.Helper()
	if err := os.RemoveAll(target); err != nil {
		b.Fatal(err)
	}
	args := []string{"ingest", "--out", target, "--vintage", d.vintage, "--zooms", raceZooms}
	for _, l := range d.asked {
		args = append(args, "--layer", l+"="+d.sequence(b, l))
	}
	cmd := exec.Command(filepath.Join(work, "gengtu"), args...)
	begun := time.Now()
	if said, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, said)
	}
	return fullBuild{time.Since(begun), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// update measures updates of the edition at target by the files of c in turn.
func (d *dataset) update(b *testing.B, target string, c *change, full fullBuild) {
	var used, clock time.Duration
	var tiles, bytes, lineTiles, lineBytes float64
	turn := 0
	timed(b, func(*testing.B) time.Duration { return used }, func() {
		cmd := exec.Command(filepath.Join(work, "gengtu"), "update", "--json", "--edition", target, "--layer", "cropland@"+d.vintage+"="+c.files[turn%len(c.files)])
		turn++
		begun := time.Now()
		said, err := cmd.Output()
		took := time.Since(begun)
		if err != nil {
			b.Fatalf("%v\n%s", err, said)
		}
		var rep struct {
			Work struct {
				AllTiles struct {
					Share      float64 `json:"share"`
					BytesShare float64 `json:"bytes_share"`
				} `json:"all_tiles"`
			} `json:"work"`
		}
		if err := json.Unmarshal(said, &rep); err != nil {
			b.Fatal(err)
		}
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		clock += took
		line := func(share float64) float64 {
			return took.Seconds() / (lineFactor*share*full.clock.Seconds() + lineSeconds)
		}
		tiles, bytes = rep.Work.AllTiles.Share, rep.Work.AllTiles.BytesShare
		lineTiles, lineBytes = lineTiles+line(tiles), lineBytes+line(bytes)
	})
	// The edition is left as it was.
	gengtu(b, "update", "--edition", target, "--layer", "cropland@"+d.vintage+"="+c.files[len(c.files)-1])
	b.ReportMetric(float64(c.parcels), "parcels")
	b.ReportMetric(tiles, "share")
	b.ReportMetric(bytes, "share-bytes")
	b.ReportMetric(full.clock.Seconds()*1000, "full-ms")
	b.ReportMetric(full.processor.Seconds()*1000, "full-cpu-ms")
	b.ReportMetric(full.clock.Seconds()*float64(turn)/clock.Seconds(), "times")
	b.ReportMetric(lineTiles/float64(turn), "line")
	b.ReportMetric(lineBytes/float64(turn), "line-bytes")
}

// change is a set of parcels that updates bring: more and less changed in all files
// but the last, which has them as they were. There are more files than generations
// are kept.
type change struct {
	files   [3]string
	parcels int
}

// shrinking is by which part of the way to its first one each position is moved.
var shrinking = [...]float64{0.05, 0.03, 0}

// change picks parcels of cropland and shrinks them.
func (d *dataset) change(b *testing.B, kind string) *change {
	b.Helper()
	lines := d.picked(b, kind == "village")
	c := &change{parcels: len(lines)}
	for i, by := range shrinking {
		var text strings.Builder
		for _, line := range lines {
			text.WriteString(shrunk(b, line, by) + "\n")
		}
		c.files[i] = filepath.Join(work, fmt.Sprintf("%s-%s-%d.geojsonl", d.name, kind, i))
		if err := os.WriteFile(c.files[i], []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// shrunk returns a feature with its shape made smaller.
func shrunk(b *testing.B, line string, by float64) string {
	b.Helper()
	if by == 0 {
		return line
	}
	var f map[string]json.RawMessage
	var g struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
	err := json.Unmarshal([]byte(line), &f)
	if err == nil {
		err = json.Unmarshal(f["geometry"], &g)
	}
	if err == nil {
		var at []float64
		shrink(g.Coordinates, &at, by)
		f["geometry"], err = json.Marshal(g)
	}
	out, merr := json.Marshal(f)
	if err != nil || merr != nil {
		b.Fatal(err, merr)
	}
	return string(out)
}

// shrink moves every position of GeoJSON coordinates a part of its way to the first
// one.
func shrink(v any, at *[]float64, by float64) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return
	}
	if _, ok := list[0].(float64); !ok {
		for _, w := range list {
			shrink(w, at, by)
		}
		return
	}
	lon, lat := list[0].(float64), list[1].(float64)
	if *at == nil {
		*at = []float64{lon, lat}
	}
	list[0], list[1] = lon+((*at)[0]-lon)*by, lat+((*at)[1]-lat)*by
}

// picked returns lines of the layer's sequence: those nearest to the centre, or
// evenly from all.
func (d *dataset) picked(b *testing.B, village bool) []string {
	b.Helper()
	file, err := os.Open(d.sequence(b, "cropland"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	type line struct {
		text  string
		apart float64
	}
	var all []line
	centre := d.centre().LonLat()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 16<<20)
	for n := 0; in.Scan(); n++ {
		text := in.Text()
		if !village {
			if n%changedShare == 0 {
				all = append(all, line{text, float64(n)})
			}
			continue
		}
		lon, lat := firstPosition(text)
		all = append(all, line{text, math.Hypot((lon-centre.Lon)*math.Cos(lat*math.Pi/180), lat-centre.Lat)})
	}
	if err := in.Err(); err != nil {
		b.Fatal(err)
	}
	slices.SortFunc(all, func(a, b line) int { return cmp.Compare(a.apart, b.apart) })
	var out []string
	for _, l := range all[:min(len(all), d.ix.Layer("cropland", "").Len()/changedShare)] {
		out = append(out, l.text)
	}
	return out
}

// firstPosition reads the first position of a feature's geometry.
func firstPosition(text string) (lon, lat float64) {
	_, rest, _ := strings.Cut(text, `"coordinates"`)
	rest = strings.TrimLeft(rest, ": [")
	pair, _, _ := strings.Cut(rest, "]")
	x, y, _ := strings.Cut(pair, ",")
	return number64(x), number64(y)
}

func number64(text string) float64 {
	var v float64
	if err := json.Unmarshal([]byte(strings.TrimSpace(text)), &v); err != nil {
		return math.NaN()
	}
	return v
}
