package cache_test

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"testing"

	"gengtu/tileserver/cache"
	"gengtu/tileserver/tile"
)

func BenchmarkCompress(b *testing.B) {
	raw := content(1, 100_000)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		cache.Compress(raw)
	}
}

func BenchmarkAppendGzip(b *testing.B) {
	parts := []cache.Part{cache.Compress(content(1, 100_000)), cache.Compress(content(2, 50_000)), cache.Compress(content(3, 10_000))}
	var buf []byte
	for b.Loop() {
		buf = cache.AppendGzip(buf[:0], parts)
	}
	b.SetBytes(int64(len(buf)))
}

// The rival compresses the joined tile again.
func BenchmarkAppendGzipAgain(b *testing.B) {
	raw := content(1, 160_000)
	n := 0
	for b.Loop() {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(raw); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		n = buf.Len()
	}
	b.SetBytes(int64(n))
}

func BenchmarkReaderGet(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tiles.db")
	w, err := cache.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	for x := range uint32(2000) {
		if err := w.Put("a@1", mustTile(b, tile.W, 12, x, 5), cache.Compress(content(uint64(x), 20_000))); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	r, err := cache.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	x := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := r.Get("a@1", mustTile(b, tile.W, 12, x%2000, 5)); !ok || err != nil {
			b.Fatal(ok, err)
		}
		x++
	}
}
