package load

import "sync/atomic"

// Memory is a number of bytes that requests take from and give back. Safe for
// concurrent use.
type Memory struct{ left atomic.Int64 }

// NewMemory returns a memory of so many bytes.
func NewMemory(bytes int64) *Memory {
	m := &Memory{}
	m.left.Store(bytes)
	return m
}

// Take takes n bytes, or tells that there are not so many.
func (m *Memory) Take(n int) bool {
	if m.left.Add(int64(-n)) >= 0 {
		return true
	}
	m.Give(n)
	return false
}

// Give gives n bytes back that were taken.
func (m *Memory) Give(n int) { m.left.Add(int64(n)) }

// FreeForEach is how many bytes of a body and of an answer each connection may hold whatever
// the others do, so that small questions are answered while large ones have taken the memory.
const FreeForEach = 64 << 10
