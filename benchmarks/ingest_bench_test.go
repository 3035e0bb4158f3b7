package benchmarks

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// BenchmarkIngest measures a delivery's parcels on their way from file to store:
// read, mapped to the standard's fields, projected, checked, mended and stored
// with an R-tree. GDAL reads, projects, mends and stores as a GeoPackage with
// an R-tree.
func BenchmarkIngest(b *testing.B) {
	for _, name := range []string{"delivery", "nl", "sample", "zones"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			want := d.ix.Layer(d.files[0].layer, "").Len()
			dir := b.TempDir()
			b.Run("by=gengtu", func(b *testing.B) {
				b.ReportAllocs()
				b.ReportMetric(float64(want), "parcels")
				path := filepath.Join(dir, "features.db")
				var inputs []ingest.Input
				for _, f := range d.main() {
					inputs = append(inputs, ingest.Input{Layer: f.layer, Vintage: d.vintage, Path: f.path})
				}
				timed(b, processor, func() {
					_, rep, err := ingest.Run(b.Context(), inputs, path, ingest.Options{Tier: edition.Secure})
					if err != nil {
						b.Fatal(err)
					}
					if l := rep.Layers[0]; l.Kept != want || l.Refused != 0 {
						b.Fatalf("%d kept of %d", l.Kept, want)
					}
					if err := os.Remove(path); err != nil {
						b.Fatal(err)
					}
				})
			})
			if name == "zones" {
				return // one command of GDAL's reads one file
			}
			b.Run("by=gdal", func(b *testing.B) {
				rivals(b, installGDAL, "ogr2ogr")
				path := filepath.Join(dir, "out.gpkg")
				var used time.Duration
				timed(b, func(*testing.B) time.Duration { return used }, func() {
					gdal(b, &used, "-f", "GPKG", path, d.files[0].path, "-t_srs", "EPSG:4490", "-makevalid", "-nlt", "PROMOTE_TO_MULTI")
					if err := os.Remove(path); err != nil {
						b.Fatal(err)
					}
				})
			})
		})
	}
}

// BenchmarkEdition measures the command that takes a whole delivery in, all of
// its layers, with what is prepared for overlays; tiles as few as can be.
func BenchmarkEdition(b *testing.B) {
	for _, name := range []string{"sample", "landscape"} {
		b.Run("data="+name+"/by=gengtu", func(b *testing.B) {
			d := open(b, name)
			if err := build(); err != nil {
				b.Fatal(err)
			}
			args := d.arguments(filepath.Join(b.TempDir(), "edition"), "5-5")
			var used time.Duration
			timed(b, func(*testing.B) time.Duration { return used }, func() {
				cmd := exec.Command(filepath.Join(work, "gengtu"), args...)
				if said, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, said)
				}
				used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				if n := mostMemory(cmd.ProcessState); n > 0 {
					b.ReportMetric(float64(n)/(1<<20), "MiB")
				}
			})
		})
	}
}

// BenchmarkRead measures the reading of a delivery's parcels alone, geometry and
// every attribute. GDAL needs somewhere to put them: a FlatGeobuf in memory,
// without index. data=nothing is its start with an empty file.
func BenchmarkRead(b *testing.B) {
	into := []string{"-f", "FlatGeobuf", "-nlt", "PROMOTE_TO_MULTI", "-lco", "SPATIAL_INDEX=NO", "/vsimem/out.fgb"}
	b.Run("data=nothing/by=gdal", func(b *testing.B) {
		rivals(b, installGDAL, "ogr2ogr")
		path := filepath.Join(b.TempDir(), "nothing.geojson")
		if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[]}`), 0o644); err != nil {
			b.Fatal(err)
		}
		var used time.Duration
		timed(b, func(*testing.B) time.Duration { return used }, func() { gdal(b, &used, append(into, path)...) })
	})
	for _, name := range []string{"delivery", "nl", "sample"} {
		b.Run("data="+name, func(b *testing.B) {
			d := open(b, name)
			path, want := d.files[0].path, d.ix.Layer(d.files[0].layer, "").Len()
			b.Run("by=gengtu", func(b *testing.B) {
				b.ReportAllocs()
				timed(b, processor, func() {
					if got := records(b, path); got != want {
						b.Fatalf("%d records, %d in the edition", got, want)
					}
				})
			})
			b.Run("by=gdal", func(b *testing.B) {
				rivals(b, installGDAL, "ogr2ogr")
				var used time.Duration
				timed(b, func(*testing.B) time.Duration { return used }, func() { gdal(b, &used, append(into, path)...) })
			})
		})
	}
}

// records reads a file and returns the number of its polygons' records.
func records(tb testing.TB, path string) int {
	tb.Helper()
	r, err := source.Open(context.Background(), path, source.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var f source.Feature
	for n := 0; ; n++ {
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			tb.Fatal(err)
		}
		if f.Problem != nil || len(f.Polygons) == 0 || len(f.Values) != len(r.Layer().Fields) {
			tb.Fatalf("record %d: %v", f.Record, f.Problem)
		}
	}
}
