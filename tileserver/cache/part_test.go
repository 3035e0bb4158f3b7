package cache_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"hash/crc32"
	"io"
	"os/exec"
	"testing"

	"gengtu/tileserver/cache"
)

func TestAppendGzip(t *testing.T) {
	if _, err := exec.LookPath("gzip"); err != nil {
		t.Fatal("gzip is missing: apt-get install gzip")
	}
	for _, c := range []struct {
		name  string
		sizes []int
	}{
		{"no part", nil},
		{"an empty part", []int{0}},
		{"one byte", []int{1}},
		{"one part", []int{1000}},
		{"three parts and an empty one", []int{1000, 0, 70000, 3}},
		{"a part longer than a window and a block", []int{5, 3 << 20, 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var parts []cache.Part
			var want []byte
			for i, n := range c.sizes {
				raw := content(uint64(i), n)
				want = append(want, raw...)
				parts = append(parts, cache.Compress(raw))
			}
			data := cache.AppendGzip([]byte("before"), parts)
			if !bytes.HasPrefix(data, []byte("before")) {
				t.Fatal("what was there is gone")
			}
			data = data[len("before"):]
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			r.Multistream(false)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("gzip reader: %d bytes, %v, want %d", len(got), err, len(want))
			}
			cmd := exec.Command("gzip", "-dc")
			cmd.Stdin = bytes.NewReader(data)
			got, err = cmd.Output()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("gzip -dc: %d bytes, %v, want %d", len(got), err, len(want))
			}
		})
	}
}

func FuzzAppendGzip(f *testing.F) {
	f.Add([]byte("one"), []byte("two"))
	f.Add([]byte{}, bytes.Repeat([]byte("ab"), 40000))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		data := cache.AppendGzip(nil, []cache.Part{cache.Compress(a), cache.Compress(b)})
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, append(append([]byte{}, a...), b...)) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

// Raw takes nothing but what Compress could have made, whatever is changed.
func FuzzPartRaw(f *testing.F) {
	p := cache.Compress(content(1, 500))
	f.Add(p.CRC, p.RawLen, p.Deflated)
	f.Add(uint32(0), uint32(1<<31), []byte{0, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, crc, rawLen uint32, deflated []byte) {
		p := cache.Part{CRC: crc, RawLen: rawLen, Deflated: deflated}
		raw, err := p.Raw()
		if err != nil {
			if !errors.Is(err, cache.ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if uint32(len(raw)) != rawLen || crc32.ChecksumIEEE(raw) != crc && rawLen > 0 {
			t.Fatalf("%d bytes taken for %d", len(raw), rawLen)
		}
		if rawLen == 0 {
			return
		}
		r, err := gzip.NewReader(bytes.NewReader(cache.AppendGzip(nil, []cache.Part{p})))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, raw) {
			t.Fatalf("what Raw takes is no gzip part: %v", err)
		}
	})
}

func TestPartRaw(t *testing.T) {
	good := cache.Compress(content(1, 5000))
	if raw, err := good.Raw(); err != nil || !bytes.Equal(raw, content(1, 5000)) {
		t.Fatal(err)
	}
	edit := func(f func(p *cache.Part)) cache.Part {
		p := cache.Part{CRC: good.CRC, RawLen: good.RawLen, Deflated: bytes.Clone(good.Deflated)}
		f(&p)
		return p
	}
	for name, p := range map[string]cache.Part{
		"a wrong CRC":          edit(func(p *cache.Part) { p.CRC++ }),
		"a length too short":   edit(func(p *cache.Part) { p.RawLen-- }),
		"a length too long":    edit(func(p *cache.Part) { p.RawLen++ }),
		"a length past belief": edit(func(p *cache.Part) { p.RawLen = 1 << 31 }),
		"a byte turned":        edit(func(p *cache.Part) { p.Deflated[100] ^= 4 }),
		"cut short":            edit(func(p *cache.Part) { p.Deflated = p.Deflated[:len(p.Deflated)-3] }),
		"a last block inside":  edit(func(p *cache.Part) { p.Deflated = append(append([]byte{3, 0}, p.Deflated...), 0, 0, 0xff, 0xff) }),
		"no data":              {CRC: 1, RawLen: 4},
	} {
		if _, err := p.Raw(); !errors.Is(err, cache.ErrCorrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
