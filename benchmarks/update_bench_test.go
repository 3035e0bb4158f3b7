package benchmarks

import (
	"bufio"
	"cmp"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gengtu/index/geo"
	"gengtu/tileserver/tile"
)

// changedShare is how many of a layer's parcels an update brings: 1 in 1,000.
const changedShare = 1000

// BenchmarkUpdate measures `gengtu update` with 1 in 1,000 parcels of cropland
// made smaller: those around one place (change=village), or every thousandth
// (change=scattered). Every second update brings the old shapes back.
// share is the part of all tiles that the changed parcels lie in; a full build is
// BenchmarkRace's gengtu-command.
func BenchmarkUpdate(b *testing.B) {
	b.Run("data=landscape/zooms="+raceZooms, func(b *testing.B) {
		d := open(b, "landscape")
		target := filepath.Join(work, "edition-"+d.name+"-tiled")
		if _, err := os.Stat(filepath.Join(target, "CURRENT")); err != nil {
			args := []string{"ingest", "--out", target, "--vintage", d.vintage, "--zooms", raceZooms}
			for _, l := range d.asked {
				args = append(args, "--layer", l+"="+d.sequence(b, l))
			}
			gengtu(b, args...)
		}
		for _, kind := range []string{"village", "scattered"} {
			b.Run("change="+kind+"/by=gengtu", func(b *testing.B) {
				c := d.change(b, kind == "village")
				if err := build(); err != nil {
					b.Fatal(err)
				}
				var used time.Duration
				turn := 0
				timed(b, func(*testing.B) time.Duration { return used }, func() {
					cmd := exec.Command(filepath.Join(work, "gengtu"), "update", "--edition", target, "--layer", "cropland@"+d.vintage+"="+c.files[turn%2])
					turn++
					said, err := cmd.CombinedOutput()
					if strings.Contains(string(said), "NOT_AVAILABLE") {
						b.Skip("not measured: this tree has no update")
					}
					if err != nil {
						b.Fatalf("%v\n%s", err, said)
					}
					used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				})
				if turn%2 == 1 { // leave the edition as it was
					gengtu(b, "update", "--edition", target, "--layer", "cropland@"+d.vintage+"="+c.files[1])
				}
				b.ReportMetric(float64(c.parcels), "parcels")
				b.ReportMetric(c.share, "share")
			})
		}
	})
}

// change is a set of parcels that an update brings: files[0] changed, files[1] as
// they were.
type change struct {
	files   [2]string
	parcels int
	share   float64
}

// change picks parcels of cropland and shrinks them.
func (d *dataset) change(b *testing.B, village bool) *change {
	b.Helper()
	kind := map[bool]string{true: "village", false: "scattered"}[village]
	lines := d.picked(b, village)
	c := &change{parcels: len(lines)}
	dirty := map[tile.Tile]bool{}
	var texts [2]strings.Builder
	for _, line := range lines {
		var f map[string]json.RawMessage
		var g struct {
			Type        string          `json:"type"`
			Coordinates json.RawMessage `json:"coordinates"`
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(f["geometry"], &g); err != nil {
			b.Fatal(err)
		}
		var coordinates any
		if err := json.Unmarshal(g.Coordinates, &coordinates); err != nil {
			b.Fatal(err)
		}
		box := geo.EmptyBox()
		var at []float64
		shrink(coordinates, &at, &box)
		for _, grid := range tile.Grids() {
			for z := uint8(raceFrom); z <= raceTo; z++ {
				x0, y0, x1, y1 := grid.Range(box, z)
				for x := x0; x <= x1; x++ {
					for y := y0; y <= y1; y++ {
						dirty[tile.Tile{Grid: grid, Z: z, X: x, Y: y}] = true
					}
				}
			}
		}
		geometry, err := json.Marshal(map[string]any{"type": g.Type, "coordinates": coordinates})
		if err != nil {
			b.Fatal(err)
		}
		f["geometry"] = geometry
		changed, err := json.Marshal(f)
		if err != nil {
			b.Fatal(err)
		}
		texts[0].WriteString(string(changed) + "\n")
		texts[1].WriteString(line + "\n")
	}
	for i, name := range []string{"changed", "before"} {
		c.files[i] = filepath.Join(work, d.name+"-"+kind+"-"+name+".geojsonl")
		if err := os.WriteFile(c.files[i], []byte(texts[i].String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	all := 0
	for _, l := range d.asked {
		for _, grid := range tile.Grids() {
			for z := uint8(raceFrom); z <= raceTo; z++ {
				x0, y0, x1, y1 := grid.Range(d.ix.Layer(l, "").Extent(), z)
				all += int(x1-x0+1) * int(y1-y0+1)
			}
		}
	}
	c.share = float64(len(dirty)) / float64(all)
	return c
}

// shrink moves every position of GeoJSON coordinates a twentieth of its way to
// the first one, and widens box around the old ones.
func shrink(v any, at *[]float64, box *geo.Box) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return
	}
	if _, ok := list[0].(float64); !ok {
		for _, w := range list {
			shrink(w, at, box)
		}
		return
	}
	lon, lat := list[0].(float64), list[1].(float64)
	if *at == nil {
		*at = []float64{lon, lat}
	}
	box.Extend(geo.PositionOf(geo.LonLat{Lon: lon, Lat: lat}))
	list[0], list[1] = lon+((*at)[0]-lon)/20, lat+((*at)[1]-lat)/20
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
