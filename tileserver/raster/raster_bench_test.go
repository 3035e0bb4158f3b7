package raster_test

import (
	"bytes"
	"fmt"
	"image/png"
	"testing"

	"gengtu/tileserver/raster"
)

// One layer of 500 parcels of 36 corners in three classes, filled and outlined.
func BenchmarkPaint(b *testing.B) {
	for _, n := range []int{100, 500, 2000} {
		for _, size := range []int{256, 512} {
			b.Run(fmt.Sprintf("n=%d/size=%d", n, size), func(b *testing.B) {
				layers := parcels(n)[:1]
				b.ReportAllocs()
				for b.Loop() {
					out, err := raster.Paint(layers, raster.Params{Size: size, Zoom: 15})
					if err != nil || len(out) < 1000 {
						b.Fatal(len(out), err)
					}
				}
			})
		}
	}
}

// The same on all cores, as a server does it.
func BenchmarkPaintParallel(b *testing.B) {
	layers := parcels(500)[:1]
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := raster.Paint(layers, raster.Params{Size: 256, Zoom: 15}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tiles/s")
}

// The parts of it, and what the encoder costs without a palette.
func BenchmarkEncode(b *testing.B) {
	c, err := raster.NewCanvas(256, 256, raster.Look{Zoom: 14, Ratio: 1})
	if err != nil {
		b.Fatal(err)
	}
	place := []raster.Placed{{Layers: parcels(500)[:1], To: raster.Affine{XX: 1. / 16, YY: 1. / 16}}}
	if err := c.Paint(place); err != nil {
		b.Fatal(err)
	}
	b.Run("paint alone", func(b *testing.B) {
		for b.Loop() {
			c, err := raster.NewCanvas(256, 256, raster.Look{Zoom: 14, Ratio: 1})
			if err != nil {
				b.Fatal(err)
			}
			if err := c.Paint(place); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("palette", func(b *testing.B) {
		for b.Loop() {
			out, err := c.PNG()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(out)), "bytes")
		}
	})
	b.Run("rival RGBA", func(b *testing.B) {
		enc := png.Encoder{CompressionLevel: png.BestSpeed}
		for b.Loop() {
			var buf bytes.Buffer
			if err := enc.Encode(&buf, c.Image()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(buf.Len()), "bytes")
		}
	})
}
