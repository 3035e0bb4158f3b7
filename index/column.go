package index

import (
	"fmt"
	"math"
	"sync"
)

// Classes tells the features of a layer apart by the values of one field.
type Classes struct {
	// Codes holds, for each stored feature of the layer, a number in Values.
	codes []int32
	of    []int32 // of a view: stored ordinals
	// Values are the field's different values, NaN and infinity as nil, since JSON
	// has no word for them; they must not be changed.
	Values []any
}

// Code returns the number in Values of feature i's value.
func (c *Classes) Code(i int) int32 {
	if c.of != nil {
		i = int(c.of[i])
	}
	return c.codes[i]
}

// maxClasses is the number of different values up to which a field's are kept in
// memory: of more, a name or a number of each feature, sums by it are rarely
// asked for.
const maxClasses = 1 << 12

// columns keeps the classes of fields, once they are asked for.
type columns struct {
	mu      sync.Mutex
	byField map[int]*Classes // nil for one with too many values
}

// Classes returns the classes of a field, by its place among a feature's values;
// nil when it has too many values to keep. They are found when they are asked for
// first, and kept. Safe for concurrent use.
func (l *Layer) Classes(field int) (*Classes, error) {
	l.columns.mu.Lock()
	defer l.columns.mu.Unlock()
	c, ok := l.columns.byField[field]
	if !ok {
		var err error
		if c, err = l.stored.classes(field); err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.Meta.Key(), err)
		}
		if l.columns.byField == nil {
			l.columns.byField = map[int]*Classes{}
		}
		l.columns.byField[field] = c
	}
	if c == nil {
		return nil, nil
	}
	return &Classes{c.codes, l.of, c.Values}, nil
}

func (s *stored) classes(field int) (*Classes, error) {
	c := &Classes{codes: make([]int32, len(s.records))}
	known := map[any]int32{}
	err := guard(func() error {
		for i, rec := range s.records {
			d := decode(rec)
			d.shape()
			d.skipHead()
			v := d.valueAt(field)
			if d.Bad {
				return fmt.Errorf("feature number %d: %w", i, errRecord)
			}
			k, ok := known[v]
			if !ok {
				if len(c.Values) == maxClasses {
					c = nil
					return nil
				}
				k = int32(len(c.Values))
				known[v] = k
				c.Values = append(c.Values, v)
			}
			c.codes[i] = k
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// valueAt returns value number field as a class has it.
func (d *decoder) valueAt(field int) any {
	d.Uvarint()
	if n := d.Count(1); field >= n {
		d.Fail()
		return nil
	}
	for range field {
		d.skip()
	}
	return classValue(d.value())
}

func classValue(v any) any {
	if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
		return nil
	}
	return v
}

// Class returns feature i's value of a field as [Layer.Classes] has it.
func (l *Layer) Class(i, field int) (any, error) {
	var v any
	err := guard(func() error {
		d := decode(l.record(i))
		d.shape()
		d.skipHead()
		v = d.valueAt(field)
		if d.Bad {
			return errRecord
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("layer %s, feature number %d: %w", l.Meta.Key(), i, err)
	}
	return v, nil
}
