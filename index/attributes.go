package index

import "fmt"

// Attributes are what a feature has beside its geometry, read without taking
// memory for each feature. The zero value is ready for use, and again and again.
type Attributes struct {
	AreaM2 float64
	// Patch and Net are in 0.01 m², or [NoArea], or marked by [Computed].
	Patch, Net int64
	// Place is the code of the feature's place. Like the texts of Values it aliases
	// the mapped file and is valid until the index is closed.
	Place []byte
	// Values are parallel to the layer's fields.
	Values []RawValue
}

// Attributes reads those of feature i into a.
func (l *Layer) Attributes(i int, a *Attributes) error {
	err := guard(func() error {
		d := decode(l.record(i))
		d.shape()
		d.Uvarint()
		d.box()
		a.AreaM2 = d.Float()
		a.Patch, a.Net = d.Varint(), d.Varint()
		a.Place = d.Take(d.Uvarint())
		list := decode(d.Take(d.Uvarint()))
		a.Values = list.rawValues(a.Values)
		if list.end() != nil || d.end() != nil {
			return errRecord
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("layer %s, feature number %d: %w", l.Meta.Key(), i, err)
	}
	return nil
}
