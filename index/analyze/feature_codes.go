package analyze

import (
	"strconv"

	"gengtu/index"
)

// featureCodes tells what features of a layer are called: the first of the layer's code
// fields that a feature has, else its id. No code is one of a person. It is used by one
// goroutine at a time.
type featureCodes struct {
	layer   *index.Layer
	columns []*column
}

func newFeatureCodes(l *index.Layer) (*featureCodes, error) {
	c := &featureCodes{layer: l}
	for _, f := range l.Meta.Fields {
		if f.Code && !f.Personal {
			col, err := columnOf(l, f.Name)
			if err != nil {
				return nil, err
			}
			c.columns = append(c.columns, col)
		}
	}
	return c, nil
}

// of returns what feature i is called.
func (c *featureCodes) of(i int) (string, error) {
	for _, col := range c.columns {
		if t, err := col.text(i); err != nil || t != "" {
			return t, err
		}
	}
	return strconv.FormatUint(c.layer.Head(i).ID, 10), nil
}

// idOf names a feature in all vintages: by its layer and its id there.
func idOf(l *index.Layer, i int) [2]string {
	return [2]string{l.Meta.Name, strconv.FormatUint(l.Head(i).ID, 10)}
}
