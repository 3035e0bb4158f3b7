package areas

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strconv"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// Tally is a layer added up: what features have in common place and values
// together. All its areas of record are sums of integers of 0.01 m². It is not
// changed once it is made; safe for concurrent use.
type Tally struct {
	layer *index.Layer
	cells []tallyCell
	// told are the fields by which cells are told apart.
	told [len(tallyFields)]bool
	// gridM is the grid that the policy put the shapes on, in metres; 0 for none.
	gridM float64
}

// The fields that features are told apart by, of those that the layer has: first
// those that sums are asked by, then what else tells records of the survey's base
// table apart (国土调查 基础统计表).
var tallyFields = [...]string{
	"DLBM", "QSXZ", "MSSM", "QSDWDM", "GDPDJB", "GDLX", "ZZSXDM", "CZCSXM", "TBXHDM", "FRDBS",
}

// ClassField is the field of land classes.
const ClassField = "DLBM"

// The places of fields in a cell's values.
const (
	tallyClass = iota
	tallyOwner
	tallyIsland
)

// deductedField is the area that is deducted from a patch (TD/T 1057-2020).
const deductedField = "KCMJ"

// tallyCell adds up the features with the same place and values.
type tallyCell struct {
	place  string
	values [len(tallyFields)]string
	sums   tallySums
}

// tallySums add up features.
type tallySums struct {
	features int
	areaM2   float64
	// cents adds the features' areas up, each rounded to 0.01 m².
	cents      geo.Hundredths
	patch, net tallyRecord
	// booked is the patch area, of record or else computed, and ridges what of it is
	// deducted; unbooked counts the features without any patch area.
	booked, ridges int64
	unbooked       int
}

// tallyRecord adds up one kind of area of record, in 0.01 m², and apart from it
// what stands in for it.
type tallyRecord struct {
	sum, computed           int64
	features, computedCount int
}

func (r *tallyRecord) add(area int64) {
	if index.OfRecord(area) {
		r.sum, r.features = r.sum+area, r.features+1
	} else if c, ok := index.ComputedOf(area); ok {
		r.computed, r.computedCount = r.computed+c, r.computedCount+1
	}
}

func (r *tallyRecord) plus(o tallyRecord) {
	r.sum, r.computed = r.sum+o.sum, r.computed+o.computed
	r.features, r.computedCount = r.features+o.features, r.computedCount+o.computedCount
}

// m2 is the sum of record in m², nil where no feature has one.
func (r *tallyRecord) m2() *float64 {
	if r.features == 0 {
		return nil
	}
	v := float64(r.sum) / recordUnits
	return &v
}

// standIn is what was computed, nil where nothing was.
func (r *tallyRecord) standIn() *edition.ComputedArea {
	if r.computedCount == 0 {
		return nil
	}
	return &edition.ComputedArea{Features: r.computedCount, M2: float64(r.computed) / recordUnits}
}

func (s *tallySums) plus(o *tallySums) {
	s.features += o.features
	s.areaM2 += o.areaM2
	s.cents += o.cents
	s.patch.plus(o.patch)
	s.net.plus(o.net)
	s.booked, s.ridges, s.unbooked = s.booked+o.booked, s.ridges+o.ridges, s.unbooked+o.unbooked
}

// add takes in a feature; deducted is its KCMJ in 0.01 m², or index.NoArea.
func (s *tallySums) add(a *index.Attributes, deducted int64) {
	s.features++
	s.areaM2 += a.AreaM2
	s.cents += geo.HundredthsOf(a.AreaM2)
	s.patch.add(a.Patch)
	s.net.add(a.Net)
	patch, ok := bookedArea(a.Patch)
	if !ok {
		s.unbooked++
		return
	}
	s.booked += patch
	if deducted == index.NoArea || deducted > patch {
		net, ok := bookedArea(a.Net)
		if !ok || net > patch {
			return
		}
		deducted = patch - net
	}
	s.ridges += deducted
}

// bookedArea is an area of record, or where there is none what was computed for it.
func bookedArea(area int64) (int64, bool) {
	if index.OfRecord(area) {
		return area, true
	}
	return index.ComputedOf(area)
}

// Detail is what a tally tells apart.
type Detail int

// What sums by place are made of, and what hectare tables are, which may be sums
// too: some ten times as much.
const (
	OfClasses Detail = iota
	OfRecords
)

// classFields is how many of tallyFields sums are asked by.
const classFields = tallyIsland + 1

// TallyOf goes through all features of a layer once. It tells nothing apart that the
// edition's policy does not let answers be grouped by, and rounds areas as the policy
// wants. Errors are ctx's, or say that the file is damaged.
func TallyOf(ctx context.Context, l *index.Layer, p *edition.Policy, detail Detail) (*Tally, error) {
	var fields [len(tallyFields)]int
	for k, name := range tallyFields {
		fields[k] = l.Field(name)
		if detail == OfClasses && k >= classFields {
			fields[k] = -1
		}
	}
	if l.Meta.ClassField != "" {
		fields[tallyClass] = l.Field(l.Meta.ClassField)
	}
	t := &Tally{layer: l, gridM: p.GridM}
	for k, f := range fields {
		// What comes behind the first tells records of a table apart and is not told.
		if f >= 0 && k < classFields && !p.MayGroup(l.Meta.Fields[f].Name) {
			fields[k] = -1
		}
		t.told[k] = fields[k] >= 0
	}
	deducted := l.Field(deductedField)
	at := map[string]int{}
	var a index.Attributes
	var key []byte
	for i := range l.Len() {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := l.Attributes(i, &a); err != nil {
			return nil, err
		}
		key = append(append(key[:0], a.Place...), 0)
		for _, f := range fields {
			key = append(append(key, textValue(&a, f)...), 0)
		}
		k, ok := at[string(key)]
		if !ok {
			k = len(t.cells)
			at[string(key)] = k
			c := tallyCell{place: string(a.Place)}
			for n, v := range bytes.Split(key[len(a.Place)+1:len(key)-1], []byte{0})[:len(fields)] {
				c.values[n] = string(v)
			}
			t.cells = append(t.cells, c)
		}
		t.cells[k].sums.add(&a, deductedOf(&a, deducted))
	}
	slices.SortFunc(t.cells, compareCells)
	t.coarsen(p.RoundM2)
	return t, nil
}

// classed tells whether the classes of the layer are land classes.
func (t *Tally) classed() bool {
	c := t.layer.Meta.ClassField
	return (c == "" || c == ClassField) && t.told[tallyClass]
}

func compareCells(a, b tallyCell) int {
	if a.place != b.place {
		return bytes.Compare([]byte(a.place), []byte(b.place))
	}
	return slices.Compare(a.values[:], b.values[:])
}

// textValue is value number f of a feature as a text, without blanks around it and
// without zero bytes; "" where it is none.
func textValue(a *index.Attributes, f int) []byte {
	if f < 0 || f >= len(a.Values) {
		return nil
	}
	v := &a.Values[f]
	switch v.Kind {
	case index.RawText:
		text := bytes.TrimSpace(v.Text)
		if bytes.IndexByte(text, 0) >= 0 {
			return bytes.ReplaceAll(text, []byte{0}, nil)
		}
		return text
	case index.RawInteger:
		return strconv.AppendInt(nil, v.Int, 10)
	case index.RawNil, index.RawReal, index.RawBool:
	}
	return nil
}

// deductedOf is value number f, an area of record, in 0.01 m², or index.NoArea.
func deductedOf(a *index.Attributes, f int) int64 {
	if f < 0 || f >= len(a.Values) || a.Values[f].Kind != index.RawReal {
		return index.NoArea
	}
	v := a.Values[f].Real
	if !(v >= 0 && v < 1e13) {
		return index.NoArea
	}
	return int64(math.Round(v * recordUnits))
}
