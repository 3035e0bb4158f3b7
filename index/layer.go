package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidwall/rtree"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/patch"
)

// Layer is one layer in one vintage. Features are counted by ordinals in
// [0, Len), whose order is fixed for a generation and means nothing else. Safe
// for concurrent use until its Index is closed.
type Layer struct {
	Meta *edition.Layer

	*stored
	fields map[string]int
	extent geo.Box
	blocks blocks
	// of and at are set for a view: the stored ordinals of its features in rising
	// order, and of each stored feature the view's ordinal, or -1.
	of, at []int32
}

// stored are the features of a layer as they lie in the file. Views share them.
type stored struct {
	codes   *patch.Bucket // nil when there are none
	records [][]byte      // in the mapped file
	heads   []Record      // parallel to records
	boxes   []geo.Box
	byID    []idAt // by id
	// Numbers of floating point: areas of int64, by which it divides its nodes, would
	// overflow, and searches then look at most of it. Positions are below 2^53.
	tree    rtree.RTreeGN[float64, int32]
	wide    wideTree
	columns columns

	partitioned partitioned
}

type idAt struct {
	id uint64
	at int32
}

// Record is what is known of a feature's areas.
type Record struct {
	AreaM2     float64 // ellipsoidal
	Patch, Net int64   // of record, in 0.01 m², or NoArea, or marked by Computed
}

// Head is what can be said of a feature without its values and geometry.
type Head struct {
	ID         uint64
	Box        geo.Box
	AreaM2     float64
	Patch, Net int64 // in 0.01 m², or NoArea, or marked by Computed
	Place      string
}

// leastRecord is the length of the shortest record that can be: it bounds what
// a manifest's count is believed.
const leastRecord = 20

// loadStored reads a layer. Searches in near are quick.
func loadStored(meta *edition.Layer, file *patch.File, near geo.Box) (*Layer, error) {
	b := file.Bucket(featuresBucket + meta.Key())
	if b == nil {
		return nil, errors.New("not in the file")
	}
	s := &stored{codes: file.Bucket(codesBucket + meta.Key()), wide: wideTree{near: near}}
	n := min(max(meta.Features, 0), int(file.Size()/leastRecord))
	s.records = make([][]byte, 0, n)
	s.heads = make([]Record, 0, n)
	s.boxes = make([]geo.Box, 0, n)
	s.byID = make([]idAt, 0, n)
	l := newLayer(meta, s)
	err := b.ForEach(func(k, v []byte) error {
		d := decode(v)
		d.shape()
		h := d.head()
		if d.Bad || h.Box.Empty() {
			return fmt.Errorf("key %x: %w", k, errRecord)
		}
		i := int32(len(s.records))
		s.records = append(s.records, v)
		s.heads = append(s.heads, Record{h.AreaM2, h.Patch, h.Net})
		s.boxes = append(s.boxes, h.Box)
		s.byID = append(s.byID, idAt{h.ID, i})
		s.plant(i)
		l.extent = l.extent.Union(h.Box)
		l.blocks.add(h.Box, s.heads[i])
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.blocks.gather()
	slices.SortFunc(s.byID, func(a, b idAt) int { return cmp.Compare(a.id, b.id) })
	for i := range s.byID {
		if i > 0 && s.byID[i].id == s.byID[i-1].id {
			return nil, fmt.Errorf("it holds id %d twice", s.byID[i].id)
		}
	}
	return l, nil
}

func newLayer(meta *edition.Layer, s *stored) *Layer {
	l := &Layer{Meta: meta, stored: s, fields: map[string]int{}, extent: geo.EmptyBox()}
	for i, f := range meta.Fields {
		l.fields[f.Name] = i
	}
	return l
}

// loadView takes the features of another layer that the view selects.
func loadView(meta *edition.Layer, of *Layer) (*Layer, error) {
	v := meta.View
	if of == nil {
		return nil, fmt.Errorf("its source %s is missing", v.Of)
	}
	field, ok := of.fields[v.Field]
	if !ok {
		return nil, fmt.Errorf("its source has no field %s", v.Field)
	}
	l := newLayer(meta, of.stored)
	l.at = make([]int32, of.Len())
	for i, rec := range of.records {
		d := decode(rec)
		d.shape()
		d.skipHead()
		text, ok := d.textAt(field)
		if d.Bad {
			return nil, fmt.Errorf("feature number %d: %w", i, errRecord)
		}
		l.at[i] = -1
		if ok && strings.HasPrefix(text, v.Prefix) {
			l.at[i] = int32(len(l.of))
			l.of = append(l.of, int32(i))
			l.extent = l.extent.Union(of.boxes[i])
			l.blocks.add(of.boxes[i], of.heads[i])
		}
	}
	l.blocks.gather()
	return l, nil
}

// Len returns the number of features.
func (l *Layer) Len() int {
	if l.at != nil {
		return len(l.of)
	}
	return len(l.records)
}

// storedOrdinal returns the ordinal that feature i has among the stored ones.
func (l *Layer) storedOrdinal(i int) int {
	if l.at != nil {
		return int(l.of[i])
	}
	return i
}

// record returns the stored bytes of feature i.
func (l *Layer) record(i int) []byte {
	return l.records[l.storedOrdinal(i)]
}

// ordinal returns the layer's ordinal of a stored feature; false when the layer
// is a view that does not hold it.
func (l *Layer) ordinal(i int32) (int, bool) {
	if l.at != nil {
		i = l.at[i]
	}
	return int(i), i >= 0
}

// Field returns the place of a field among a feature's values, or -1.
func (l *Layer) Field(name string) int {
	if i, ok := l.fields[name]; ok {
		return i
	}
	return -1
}

// Extent returns the box around all features; the empty box when there are none.
func (l *Layer) Extent() geo.Box { return l.extent }

// Search visits the features whose boxes meet b, in no particular order, until
// visit returns false.
func (l *Layer) Search(b geo.Box, visit func(i int) bool) {
	l.search(b, func(at int32) bool {
		i, ok := l.ordinal(at)
		return !ok || visit(i)
	})
}

// wideTree is what is known of searches beyond the box near, whose features alone the
// tree of a layer has.
type wideTree struct {
	near  geo.Box
	asked atomic.Int32
	once  sync.Once
	all   rtree.RTreeGN[float64, int32]
}

// plant puts feature i into the tree, if it is to be there.
func (s *stored) plant(i int32) {
	if b := s.boxes[i]; s.wide.near.Intersects(b) {
		s.tree.Insert(corner(b.Min), corner(b.Max), i)
	}
}

// wideSearches is how many searches look at all features, before these are put into a
// tree: that takes as long as some 300 looks.
const wideSearches = 200

// search is Search among the stored features.
func (s *stored) search(b geo.Box, visit func(at int32) bool) {
	w, tree := &s.wide, &s.tree
	if !w.near.Contains(b) {
		if w.asked.Add(1) <= wideSearches {
			s.scan(b, visit)
			return
		}
		w.once.Do(func() {
			for i, x := range s.boxes {
				w.all.Insert(corner(x.Min), corner(x.Max), int32(i))
			}
		})
		tree = &w.all
	}
	tree.Search(corner(b.Min), corner(b.Max), func(_, _ [2]float64, at int32) bool { return visit(at) })
}

// scan is search without a tree.
func (s *stored) scan(b geo.Box, visit func(at int32) bool) {
	for i := range s.boxes {
		if s.boxes[i].Intersects(b) && !visit(int32(i)) {
			return
		}
	}
}

// corner returns p as the tree has it, exactly.
func corner(p geo.Position) [2]float64 { return [2]float64{float64(p.Lon), float64(p.Lat)} }

// Box returns the box around feature i, in units of 1e-10 degree in CGCS2000
// (EPSG:4490).
func (l *Layer) Box(i int) geo.Box {
	return l.boxes[l.storedOrdinal(i)]
}

// Record returns the areas of feature i.
func (l *Layer) Record(i int) Record {
	return l.heads[l.storedOrdinal(i)]
}

// Rings appends the rings of feature i to r. It takes no memory but r's own.
func (l *Layer) Rings(i int, r *geo.Rings) error {
	err := guard(func() error {
		d := decode(l.record(i))
		shape := d.shape()
		shape.rings(r)
		return shape.end()
	})
	if err != nil {
		return fmt.Errorf("layer %s, feature number %d: %w", l.Meta.Key(), i, err)
	}
	return nil
}

// Head returns feature i without values and geometry; the zero Head when the
// file has been damaged since it was opened, which [Layer.Feature] tells.
func (l *Layer) Head(i int) Head {
	var h Head
	err := guard(func() error {
		d := decode(l.record(i))
		d.shape()
		h = d.head()
		if d.Bad {
			return errRecord
		}
		return nil
	})
	if err != nil {
		return Head{}
	}
	return h
}

// Feature returns feature i whole. It is the caller's own.
func (l *Layer) Feature(i int) (Feature, error) {
	var f Feature
	err := guard(func() (err error) {
		f, err = decodeRecord(l.record(i))
		return err
	})
	if err != nil {
		return Feature{}, fmt.Errorf("layer %s, feature number %d: %w", l.Meta.Key(), i, err)
	}
	return f, nil
}

// ByID returns the ordinal of the feature with that id.
func (l *Layer) ByID(id uint64) (int, bool) {
	k, ok := slices.BinarySearchFunc(l.byID, id, func(e idAt, id uint64) int { return cmp.Compare(e.id, id) })
	if !ok {
		return 0, false
	}
	return l.ordinal(l.byID[k].at)
}

// ByCode returns the ordinals of the features with that code (BSM, 空间码 or
// another code field), at most limit, in the order of their ids.
func (l *Layer) ByCode(code string, limit int) ([]int, error) {
	if code == "" || len(code) > maxCode || l.codes == nil {
		return nil, nil
	}
	var out []int
	prefix := append([]byte(code), 0)
	err := guard(func() error {
		c := l.codes.Cursor()
		for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) && len(out) < limit; k, _ = c.Next() {
			if len(k) != len(prefix)+8 {
				continue // a longer code that holds a zero byte
			}
			if i, ok := l.ByID(binary.BigEndian.Uint64(k[len(prefix):])); ok {
				out = append(out, i)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("layer %s, codes: %w", l.Meta.Key(), err)
	}
	return out, nil
}
