package benchmarks

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// formatParcels is how many parcels BenchmarkFormats reads, each of 20 vertices with
// six attributes, on the survey's grid of 0.1 mm.
const formatParcels = 200_000

// BenchmarkFormats measures the reading of one survey in each format, by batches as
// ingest does it, and GDAL's, where it knows the format. Figures are of processor
// time: parcels a second and core, bytes a second and core.
func BenchmarkFormats(b *testing.B) {
	into := []string{"-f", "FlatGeobuf", "-nlt", "PROMOTE_TO_MULTI", "-lco", "SPATIAL_INDEX=NO", "/vsimem/out.fgb"}
	dir := b.TempDir()
	for _, ending := range []string{"shp", "geojson", "gpkg", "fgb", "vct"} {
		path := filepath.Join(dir, "DLTB."+ending)
		writeParcels(b, path)
		size := int64(0)
		for _, part := range []string{path, filepath.Join(dir, "DLTB.dbf")} {
			if info, err := os.Stat(part); err == nil && (part == path || ending == "shp") {
				size += info.Size()
			}
		}
		figures := func(b *testing.B, used time.Duration) {
			b.Helper()
			b.ReportMetric(formatParcels*float64(b.N)/used.Seconds(), "parcels/cpu-s")
			b.ReportMetric(float64(size)*float64(b.N)/1e6/used.Seconds(), "MB/cpu-s")
		}
		b.Run(fmt.Sprintf("format=%s/by=gengtu", ending), func(b *testing.B) {
			start := processor(b)
			for b.Loop() {
				if n := batched(b, path); n != formatParcels {
					b.Fatalf("%d parcels", n)
				}
			}
			figures(b, processor(b)-start)
		})
		if ending == "vct" {
			continue // GDAL has no driver for it
		}
		b.Run(fmt.Sprintf("format=%s/by=gdal", ending), func(b *testing.B) {
			rivals(b, installGDAL, "ogr2ogr")
			var used time.Duration
			for b.Loop() {
				gdal(b, &used, append(into, path)...)
			}
			figures(b, used)
		})
	}
}

// batched reads a file by batches and returns the number of its records.
func batched(b *testing.B, path string) int {
	b.Helper()
	r, err := source.Open(b.Context(), path, source.Options{Learning: source.LearnSamples, Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var scratch source.Scratch
	n := 0
	for {
		batch, err := source.NextBatch(r)
		if batch != nil {
			for _, f := range batch.Features(&scratch) {
				if f.Problem != nil || len(f.Polygons) == 0 || len(f.Polygons[0][0]) != 21 {
					b.Fatalf("record %d: %v", f.Record, f.Problem)
				}
				n++
			}
		}
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// writeParcels writes parcels round as fields are not, on a lattice of 100 m.
func writeParcels(b *testing.B, path string) {
	b.Helper()
	l := &source.Layer{Table: "DLTB", CRS: source.CRSInfo{EPSG: 4524}, Fields: []source.Field{
		{Name: "BSM", Width: 18}, {Name: "DLBM", Width: 5}, {Name: "DLMC", Width: 60}, {Name: "ZLDWMC", Width: 60},
		{Name: "TBMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "SJNF", Kind: source.Integer, Width: 4},
	}}
	w, err := source.Create(path, l, source.WriteOptions{})
	if err != nil {
		b.Fatal(err)
	}
	ring := make([]geo.XY, 21)
	for i := range formatParcels {
		x, y := 36_500_000+100*float64(i%500), 3_800_000+100*float64(i/500)
		for k := range 20 {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / 20)
			ring[k] = geo.XY{X: math.Round((x+45*cos)*1e4) / 1e4, Y: math.Round((y+45*sin)*1e4) / 1e4}
		}
		ring[20] = ring[0]
		f := source.Feature{Polygons: [][][]geo.XY{{ring}}, Values: []any{fmt.Sprintf("610402%012d", i), "0102", "水浇地", "某某村", float64(i) + 0.25, int64(2024)}}
		if err := w.Write(&f); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}
