package benchmarks

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gengtu/index/areas"
	"gengtu/index/geo"
)

// passTime is how long one pass over random shapes may take. A pass that takes
// longer ends early, and the metric aois says how many shapes it had.
const passTime = 20 * time.Second

// BenchmarkAskRandom measures 1,000 random shapes of four sizes over the
// landscape, each asked about once in a pass: the mean as ns/op, and the middle,
// the 99th of 100 and the worst by the clock (p50-ms, p99-ms, worst-ms) and by
// processor time (…-cpu-ms).
func BenchmarkAskRandom(b *testing.B) {
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		for _, s := range sizes {
			b.Run("aoi="+s.name+"/by=gengtu", func(b *testing.B) { askEach(b, d.random(s.km2, randomAOIs), askDirect(d)) })
		}
		b.Run("aoi=mixed/by=gengtu", func(b *testing.B) { askEach(b, d.mixed(), askDirect(d)) })
		b.Run("aoi=mixed/by=gengtu-http", func(b *testing.B) {
			c := serveSocket(b, d)
			askEach(b, d.mixed(), func(b *testing.B, shape geo.MultiPolygon) func() {
				post := d.post(shape)
				return func() { c.do(b, post, 200) }
			})
		})
	})
}

// askDirect asks index/areas.
func askDirect(d *dataset) func(*testing.B, geo.MultiPolygon) func() {
	return func(b *testing.B, shape geo.MultiPolygon) func() {
		return func() {
			if a, err := areas.Ask(b.Context(), d.ix, d.question(shape)); err != nil || len(a.Failed) > 0 {
				b.Fatal(err, a)
			}
		}
	}
}

// askEach times each shape by itself. Prepare returns what is timed.
func askEach(b *testing.B, shapes []geo.MultiPolygon, prepare func(*testing.B, geo.MultiPolygon) func()) {
	ops := make([]func(), len(shapes))
	for i, s := range shapes {
		ops[i] = prepare(b, s)
	}
	ops[0]() // what a first question alone costs is not what is measured
	var clock, cpu []float64
	for b.Loop() {
		began := time.Now()
		for _, op := range ops {
			used, start := processor(b), time.Now()
			op()
			clock = append(clock, time.Since(start).Seconds()*1e3)
			cpu = append(cpu, (processor(b)-used).Seconds()*1e3)
			if time.Since(began) > passTime {
				break
			}
		}
	}
	b.ReportMetric(mean(clock)*1e6, "ns/op")
	b.ReportMetric(mean(cpu), "cpu-ms/op")
	b.ReportMetric(float64(len(clock))/float64(b.N), "aois")
	for _, p := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"worst", 1}} {
		b.ReportMetric(percentile(clock, p.at), p.name+"-ms")
		b.ReportMetric(percentile(cpu, p.at), p.name+"-cpu-ms")
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// percentile returns the least of v that at least the part p of v does not
// exceed. It sorts v.
func percentile(v []float64, p float64) float64 {
	slices.Sort(v)
	n := int(p*float64(len(v)) + 0.999999)
	return v[min(max(n, 1), len(v))-1]
}

// BenchmarkCommand measures the command from its start to its end, edition
// opened, shape read, answer written. aoi=nothing, a shape of 1 m², is what
// starting and opening cost.
func BenchmarkCommand(b *testing.B) {
	b.Run("data=landscape", func(b *testing.B) {
		d := open(b, "landscape")
		for _, a := range []aoi{{"nothing", d.random(1e-6, 1)}, {"12km2", d.random(12, 1)}} {
			b.Run("aoi="+a.name+"/by=gengtu", func(b *testing.B) {
				if err := build(); err != nil {
					b.Fatal(err)
				}
				in, out := filepath.Join(b.TempDir(), "aoi.geojson"), filepath.Join(b.TempDir(), "out.json")
				if err := os.WriteFile(in, geo.AppendGeoJSON(nil, a.shapes[0]), 0o644); err != nil {
					b.Fatal(err)
				}
				want := answers(b, d, a.shapes, d.asked)[0].AOI.AreaM2
				var used time.Duration
				timed(b, func(*testing.B) time.Duration { return used }, func() {
					cmd := exec.Command(filepath.Join(work, "gengtu"), "overlay", "--edition", d.edition, "--out", out, in)
					if said, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, said)
					}
					used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				})
				var got struct {
					AOI areas.AOI `json:"aoi"`
				}
				text, err := os.ReadFile(out)
				if err == nil {
					err = json.Unmarshal(text, &got)
				}
				if err != nil || got.AOI.AreaM2 != want {
					b.Fatalf("the answer has %v m², want %v: %v", got.AOI.AreaM2, want, err)
				}
			})
		}
	})
}
