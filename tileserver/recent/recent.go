// Package recent keeps the values that were used last, as many as go into a number of
// bytes: pictures, tiles, finished answers, lists of features.
//
// What is taken out is what was put in: nothing is copied, and a value that is given up
// stays whole for those who have it. Package recent makes nothing, waits for nobody, and
// writes nothing to a disk.
package recent

import "sync"

// Values are values under keys, the last used ones, up to a number of bytes. Its methods
// may be called by several goroutines.
type Values[K comparable, V any] struct {
	limit int64
	bytes func(K, V) int64

	mu    sync.Mutex
	at    map[K]*item[K, V]
	ring  item[K, V] // its next was used last, its prev longest ago
	stats Stats
}

// item is a value in its place in the ring.
type item[K comparable, V any] struct {
	key        K
	value      V
	bytes      int64
	next, prev *item[K, V]
}

// Stats is what values were asked for, and what is kept now.
type Stats struct {
	Hits, Misses int64 // of Get
	Count        int
	Bytes        int64
}

// New returns Values that keep at most limit bytes, none where that is below one. bytes
// tells what a value takes with its key; [Overhead] is added to it. It is called once for
// each value that is put in.
func New[K comparable, V any](limit int64, bytes func(K, V) int64) *Values[K, V] {
	v := &Values[K, V]{limit: limit, bytes: bytes, at: map[K]*item[K, V]{}}
	v.ring.next, v.ring.prev = &v.ring, &v.ring
	return v
}

// Overhead is about how many bytes a value takes beside its own and those that its key
// refers to: its place in the map and in the ring.
const Overhead = 300

// Get returns the value under key, which is the last used from then on; false where there
// is none. It takes no memory. The value is shared with all who get it.
func (v *Values[K, V]) Get(key K) (V, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := v.at[key]
	if i == nil {
		v.stats.Misses++
		var none V
		return none, false
	}
	v.stats.Hits++
	i.unlink()
	v.first(i)
	return i.value, true
}

// Put keeps value under key, in place of what was there, and gives up what was used
// longest ago. A value that is larger than all that may be kept is not.
func (v *Values[K, V]) Put(key K, value V) {
	bytes := v.bytes(key, value) + Overhead
	v.mu.Lock()
	defer v.mu.Unlock()
	if old := v.at[key]; old != nil {
		v.drop(old)
	}
	if bytes > v.limit {
		return
	}
	i := &item[K, V]{key: key, value: value, bytes: bytes}
	v.at[key] = i
	v.first(i)
	v.stats.Count++
	for v.stats.Bytes += bytes; v.stats.Bytes > v.limit; {
		v.drop(v.ring.prev)
	}
}

// Stats returns what was asked for since New, and what is kept.
func (v *Values[K, V]) Stats() Stats {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stats
}

// first puts i where what was used last is.
func (v *Values[K, V]) first(i *item[K, V]) {
	i.prev, i.next = &v.ring, v.ring.next
	i.next.prev, v.ring.next = i, i
}

func (v *Values[K, V]) drop(i *item[K, V]) {
	i.unlink()
	delete(v.at, i.key)
	v.stats.Count--
	v.stats.Bytes -= i.bytes
}

func (i *item[K, V]) unlink() { i.prev.next, i.next.prev = i.next, i.prev }
