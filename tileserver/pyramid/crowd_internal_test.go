package pyramid

import (
	"bytes"
	"testing"
)

// What is read as a crowd is written as one that is read alike.
func FuzzOpenCrowd(f *testing.F) {
	c := &cover{whole: wholeUnits}
	c.class("0101").block(3)[7] = wholeUnits
	for _, k := range []*crowd{{bytes: 600_000}, {bytes: 1 << 30, without: []string{"BZ", "", "备注"}}, {bytes: 7, merged: 1 << 3, cells: c.encode()}} {
		f.Add(k.encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := openCrowd(data)
		if err != nil || k == nil {
			return
		}
		again, err := openCrowd(k.encode())
		if err != nil || !bytes.Equal(again.encode(), k.encode()) {
			t.Errorf("%x becomes %x, %v", data, k.encode(), err)
		}
	})
}
