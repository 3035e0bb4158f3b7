package recent_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"gengtu/tileserver/recent"
)

func bytesOf(key, value string) int64 { return int64(len(key) + len(value)) }

// model is the same in the plainest way: a list of keys, the one used last at the end.
type model struct {
	limit, bytes, hits, misses int64
	order                      []string
	at                         map[string]string
}

func (m *model) drop(key string) {
	m.bytes -= bytesOf(key, m.at[key]) + recent.Overhead
	delete(m.at, key)
	m.order = slices.DeleteFunc(m.order, func(k string) bool { return k == key })
}

func (m *model) get(key string) (string, bool) {
	value, ok := m.at[key]
	if !ok {
		m.misses++
		return "", false
	}
	m.hits++
	m.order = append(slices.DeleteFunc(m.order, func(k string) bool { return k == key }), key)
	return value, true
}

func (m *model) put(key, value string) {
	if _, ok := m.at[key]; ok {
		m.drop(key)
	}
	if bytesOf(key, value)+recent.Overhead > m.limit {
		return
	}
	m.at[key], m.order = value, append(m.order, key)
	for m.bytes += bytesOf(key, value) + recent.Overhead; m.bytes > m.limit; {
		m.drop(m.order[0])
	}
}

// Whatever is put in and asked for, what is kept is what a plain list would keep.
func TestValues(t *testing.T) {
	for _, limit := range []int64{-1, 0, recent.Overhead + 4, 2000, 20_000} {
		rng := rand.New(rand.NewPCG(5, uint64(limit)))
		v, m := recent.New(limit, bytesOf), &model{limit: limit, at: map[string]string{}}
		for step := range 20_000 {
			key := fmt.Sprint(rng.IntN(40))
			if rng.IntN(2) == 0 {
				value := string(make([]byte, rng.IntN(900)))
				v.Put(key, value)
				m.put(key, value)
			} else {
				got, ok := v.Get(key)
				want, kept := m.get(key)
				if got != want || ok != kept {
					t.Fatalf("limit %d, step %d, key %s: %d bytes, %t; want %d bytes, %t", limit, step, key, len(got), ok, len(want), kept)
				}
			}
			want := recent.Stats{Hits: m.hits, Misses: m.misses, Count: len(m.order), Bytes: m.bytes}
			if got := v.Stats(); got != want || got.Bytes > max(limit, 0) {
				t.Fatalf("limit %d, step %d: %+v, want %+v", limit, step, got, want)
			}
		}
		if limit > recent.Overhead && (m.hits == 0 || m.misses == 0) {
			t.Errorf("limit %d: %d hits, %d misses", limit, m.hits, m.misses)
		}
	}
}

// Getting takes no memory, and neither does putting in what is too large.
func TestAllocations(t *testing.T) {
	v := recent.New(1000, bytesOf)
	large := string(make([]byte, 1000))
	v.Put("a", "b")
	if n := testing.AllocsPerRun(100, func() { v.Get("a"); v.Get("c"); v.Put("d", large) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Several may ask at once (the race detector judges).
func TestAtOnce(t *testing.T) {
	v := recent.New(3000, bytesOf)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 2000 {
				key := fmt.Sprint(rng.IntN(20))
				v.Put(key, key)
				if got, ok := v.Get(key); ok && got != key {
					t.Errorf("%q under %q", got, key)
				}
				v.Stats()
			}
		})
	}
	all.Wait()
}
