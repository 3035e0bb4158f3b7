package source_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gengtu/index/geo"
	"gengtu/ingest/source"
)

// BenchmarkRead reads 20,000 parcels of 37 vertices with six attributes.
func BenchmarkRead(b *testing.B) {
	l := &source.Layer{Table: "parcels", CRS: source.CRSInfo{EPSG: 4490}, Fields: []source.Field{
		{Name: "BSM", Width: 18}, {Name: "DLBM", Width: 5}, {Name: "DLMC", Width: 60}, {Name: "ZLDWMC", Width: 60},
		{Name: "TBMJ", Kind: source.Real, Width: 15, Decimals: 2}, {Name: "SJNF", Kind: source.Integer, Width: 4},
	}}
	for _, ext := range []string{"shp", "gpkg", "geojson", "fgb", "vct"} {
		path := filepath.Join(b.TempDir(), "x."+ext)
		w, err := source.Create(path, l, source.WriteOptions{})
		if err != nil {
			b.Fatal(err)
		}
		const n = 20_000
		for i := range n {
			x, y := 108+float64(i%200)*1e-3, 34+float64(i/200)*1e-3
			ring := make([]geo.XY, 0, 37)
			for k := range 36 {
				d := float64(k%9) * 1.0123456e-4
				ring = append(ring, [...]geo.XY{{X: x + d, Y: y}, {X: x + 9.111111e-4, Y: y + d}, {X: x + 9.111111e-4 - d, Y: y + 9.111111e-4}, {X: x, Y: y + 9.111111e-4 - d}}[k/9])
			}
			f := source.Feature{Polygons: [][][]geo.XY{{append(ring, ring[0])}}, Values: []any{
				"610402300100" + string([]byte{byte('0' + i/10000%10), byte('0' + i/1000%10), byte('0' + i/100%10), byte('0' + i/10%10), byte('0' + i%10), '0'}),
				"0102", "水浇地", "某某村", float64(i) + 0.25, int64(2024),
			}}
			if err := w.Write(&f); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(ext, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(info.Size())
			for b.Loop() {
				r, err := source.Open(context.Background(), path, source.Options{})
				if err != nil {
					b.Fatal(err)
				}
				count := 0
				var f source.Feature
				for ; err == nil; err = r.Next(&f) {
					count++
				}
				if count != n+1 || !errors.Is(err, io.EOF) {
					b.Fatal(count, err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "feature/s")
		})
	}
}
