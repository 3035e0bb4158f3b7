package index

import (
	"bytes"

	"gengtu/index/ground"
	"gengtu/index/overlay"
)

// What [overlay.Join] may know of stored features.
var _ overlay.Known = (*Layer)(nil)

// partitioned is the place of a stored layer in the partition of the ground.
type partitioned struct {
	loners *ground.Loners // nil when there is none
	first  int            // owner of the layer's first feature
}

// Area returns the area of feature i in m². It implements [overlay.Known].
func (l *Layer) Area(i int) float64 { return l.Record(i).AreaM2 }

// Alone tells that feature i shares no ground with another feature of its layer,
// nor of the layer that it is a view of; false when the edition has no partition
// of the ground. It implements [overlay.Known].
func (l *Layer) Alone(i int) bool {
	return l.partitioned.loners.Has(int32(l.partitioned.first + l.storedOrdinal(i)))
}

// Twin tells that feature i is, position by position, feature j of the other
// source, when that is a layer too. It implements [overlay.Known].
func (l *Layer) Twin(i int, other overlay.Source, j int) bool {
	o, ok := other.(*Layer)
	if !ok {
		return false
	}
	same := false
	err := guard(func() error {
		a, b := decode(l.record(i)), decode(o.record(j))
		f, g := a.shape(), b.shape()
		same = !f.Bad && !g.Bad && bytes.Equal(f.Data, g.Data)
		return nil
	})
	return err == nil && same
}
