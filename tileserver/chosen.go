package tileserver

import (
	"container/list"
	"sync"
)

// chosenBytes bounds the lists that one generation keeps.
const chosenBytes = 64 << 20

// chosenLists keeps which features questions have chosen, the last used ones: a page far
// down a list costs what the first one does. The zero value is empty. Safe for concurrent use.
type chosenLists struct {
	mu    sync.Mutex
	size  int64
	byKey map[string]*list.Element
	order list.List // of *chosenList, the last used first
}

// chosenList are the ordinals of features in the order of an answer. They must not be
// changed.
type chosenList struct {
	key      string
	ordinals []int32
}

func (c *chosenList) bytes() int64 { return 4*int64(cap(c.ordinals)) + 2*int64(len(c.key)) + 200 }

// get returns the list under key; false when there is none.
func (c *chosenLists) get(key string) ([]int32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil, false
	}
	c.order.MoveToFront(e)
	l, _ := e.Value.(*chosenList)
	return l.ordinals, true
}

// put keeps a list, and gives up what was used longest ago.
func (c *chosenLists) put(key string, ordinals []int32) {
	l := &chosenList{key, ordinals}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil || l.bytes() > chosenBytes {
		return
	}
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	c.byKey[key] = c.order.PushFront(l)
	c.size += l.bytes()
	for c.size > chosenBytes {
		last, _ := c.order.Remove(c.order.Back()).(*chosenList)
		delete(c.byKey, last.key)
		c.size -= last.bytes()
	}
}
