package analyze

import (
	"fmt"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
)

// column is a field of a layer, read feature by feature. A layer without the field, and
// no layer at all, has "" for every feature. It is used by one goroutine at a time.
type column struct {
	layer   *index.Layer
	field   int // -1 for none
	classes *index.Classes
	texts   []string // of classes
	row     index.Attributes
}

// columnOf returns the first of the fields that the layer has. l may be nil.
func columnOf(l *index.Layer, fields ...string) (*column, error) {
	c := &column{layer: l, field: -1}
	if l == nil {
		return c, nil
	}
	for _, name := range fields {
		if c.field = l.Field(name); c.field >= 0 {
			break
		}
	}
	if c.field < 0 {
		return c, nil
	}
	var err error
	if c.classes, err = l.Classes(c.field); err != nil || c.classes == nil {
		return c, err
	}
	for _, v := range c.classes.Values {
		c.texts = append(c.texts, textOf(v))
	}
	return c, nil
}

// there tells whether the layer has the field.
func (c *column) there() bool { return c.field >= 0 }

// text returns the value of feature i as text, "" for none.
func (c *column) text(i int) (string, error) {
	if c.field < 0 {
		return "", nil
	}
	if c.classes != nil {
		return c.texts[c.classes.Code(i)], nil
	}
	if err := c.layer.Attributes(i, &c.row); err != nil {
		return "", err
	}
	v := c.row.Values[c.field]
	switch v.Kind {
	case index.RawText:
		return string(v.Text), nil
	case index.RawInteger:
		return strconv.FormatInt(v.Int, 10), nil
	case index.RawReal:
		return strconv.FormatFloat(v.Real, 'f', -1, 64), nil
	case index.RawBool:
		return strconv.FormatBool(v.Int != 0), nil
	}
	return "", nil
}

// number returns the value of feature i as a number; false where it is none.
func (c *column) number(i int) (float64, bool, error) {
	t, err := c.text(i)
	if err != nil || t == "" {
		return 0, false, err
	}
	v, perr := strconv.ParseFloat(strings.TrimSpace(t), 64)
	return v, perr == nil, nil
}

// orID returns the value of feature i as text, its id where it has none.
func (c *column) orID(i int) (string, error) {
	if t, err := c.text(i); err != nil || t != "" {
		return t, err
	}
	return strconv.FormatUint(c.layer.Head(i).ID, 10), nil
}

// maxGrade is the worst grade of quality (GB/T 33469).
const maxGrade = 10

// grade returns the grade of quality of feature i, from 1, the best, to [maxGrade]; 0 where
// it is no such whole number.
func (c *column) grade(i int) (int, error) {
	v, ok, err := c.number(i)
	if err != nil || !ok || v < 1 || v > maxGrade || v != float64(int(v)) {
		return 0, err
	}
	return int(v), nil
}

// textOf is a stored value as text, "" for none.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// places tells the places of a layer's features, at the level that is asked for.
type places struct {
	layer  *index.Layer
	digits int
	within string
	known  map[string]string // so that equal codes are one text
}

// places returns the places of the features of l at the question's level.
func (j *Job) places(l *index.Layer) *places {
	return &places{layer: l, digits: j.By.Digits(), within: j.Place, known: map[string]string{}}
}

// of returns the code of feature i's place, cut to the level; a shorter one is as it is,
// "" where it has none. ok is false where the feature lies outside of the place that is
// asked about.
func (p *places) of(i int) (code string, ok bool) {
	code = p.layer.Head(i).Place
	ok = strings.HasPrefix(code, p.within)
	code = code[:min(len(code), p.digits)]
	if same, have := p.known[code]; have {
		return same, ok
	}
	p.known[code] = code
	return code, ok
}

// only returns the choice of the features inside the place that is asked about, nil for
// all of them.
func (p *places) only() func(i int) bool {
	if p.within == "" {
		return nil
	}
	return func(i int) bool { return strings.HasPrefix(p.layer.Head(i).Place, p.within) }
}

// placeName returns what a place is called, nil where nobody says.
func (j *Job) placeName(code string) any {
	if name := j.Names[code]; name != "" {
		return name
	}
	return nil
}

// netOf returns the net area of a record in 0.01 m²; false where it has none.
func netOf(r index.Record) (Area, bool) {
	if !index.OfRecord(r.Net) {
		return 0, false
	}
	return Area(r.Net), true
}

// sumOf adds areas of record; none where either is none.
func sumOf(a, b int64) int64 {
	if !index.OfRecord(a) || !index.OfRecord(b) {
		return index.NoArea
	}
	return a + b
}

// seatOf returns the code of the village that feature i lies in, or of the wider place
// where its record has no village.
func seatOf(l *index.Layer, i int) string {
	code := l.Head(i).Place
	return code[:min(len(code), villageDigits)]
}

// cropland tells whether a class is cropland (domain 1.2).
func cropland(class string) bool { return edition.IsCropland(class) }

// codeOf returns the text of a feature's field, nil for none and for no feature.
func codeOf(c *column, i int32) (any, error) {
	if i < 0 {
		return nil, nil
	}
	text, err := c.text(int(i))
	return textCell(text), err
}

// villageDigits is the length of a village's code.
const villageDigits = 12
