package index

import "gengtu/index/geo"

// Box returns the box around feature i, in units of 1e-10 degree in CGCS2000
// (EPSG:4490); the empty box when the file has been damaged since it was opened,
// which [Layer.Feature] tells. It takes no memory. Safe for concurrent use.
func (l *Layer) Box(i int) geo.Box {
	b := geo.EmptyBox()
	err := guard(func() error {
		d := decode(l.record(i))
		d.Uvarint()
		box := d.box()
		if d.Bad {
			return errRecord
		}
		b = box
		return nil
	})
	if err != nil {
		return geo.EmptyBox()
	}
	return b
}
