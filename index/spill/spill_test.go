package spill_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/spill"
)

// texts returns n strings of 0 to some 60 bytes, some of them twice.
func texts(n int) [][]byte {
	rnd := rand.New(rand.NewPCG(3, uint64(n)))
	out := make([][]byte, n)
	for i := range out {
		if i > 0 && i%17 == 0 {
			out[i] = out[rnd.IntN(i)]
			continue
		}
		out[i] = make([]byte, rnd.IntN(60))
		for k := range out[i] {
			out[i][k] = byte(rnd.IntN(4))
		}
	}
	return out
}

// Whatever the memory, a sorter gives what slices.SortFunc gives, and leaves nothing
// in the directory.
func TestSorter(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000, 30_000} {
		all := texts(n)
		want := slices.SortedFunc(slices.Values(all), bytes.Compare)
		for _, memory := range []int64{0, 1, 5_000, 200_000, 1 << 30} {
			if memory == 1 && n > 1000 {
				continue // a run for each string
			}
			dir := t.TempDir()
			s := spill.NewSorter(dir, memory)
			for _, text := range all {
				if err := s.Add(text[:len(text)/2], text[len(text)/2:]); err != nil {
					t.Fatal(err)
				}
			}
			got := make([][]byte, 0, n)
			err := s.Each(func(text []byte) error { got = append(got, bytes.Clone(text)); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(want, got, bytes.Equal) {
				t.Errorf("%d strings in %d bytes: another order", n, memory)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left in the directory: %v (%v)", left, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// What was put is found where it lies, whether it has gone to the file yet or not.
func TestRunsAt(t *testing.T) {
	r := spill.Runs{Dir: t.TempDir()}
	all := texts(3000)
	places := map[int64][]byte{}
	for run := range 3 {
		if err := r.Begin(); err != nil {
			t.Fatal(err)
		}
		for _, text := range slices.SortedFunc(slices.Values(all[run*1000:(run+1)*1000]), bytes.Compare) {
			at, err := r.Put(text)
			if err != nil {
				t.Fatal(err)
			}
			places[at] = text
			if got, err := r.At(at); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("at %d: %x, want %x (%v)", at, got, text, err)
			}
		}
	}
	n := 0
	err := r.Merge(1, func(at int64, text []byte) error {
		n++
		if !bytes.Equal(text, places[at]) {
			t.Errorf("at %d: %x, want %x", at, text, places[at])
		}
		return nil
	})
	if err != nil || n != len(all) {
		t.Errorf("%d strings of %d (%v)", n, len(all), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Errors end the work: of a directory that is not there, and of whoever visits.
func TestErrors(t *testing.T) {
	s := spill.NewSorter(t.TempDir()+"/none", 1)
	if err := s.Add([]byte("a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
	for _, memory := range []int64{0, 1} {
		s := spill.NewSorter(t.TempDir(), memory)
		for _, text := range []string{"b", "a", "c"} {
			if err := s.Add([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		stop := errors.New("stop")
		var seen []string
		err := s.Each(func(text []byte) error {
			seen = append(seen, string(text))
			if len(seen) == 2 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"a", "b"}, seen); d != "" {
			t.Error(d)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
