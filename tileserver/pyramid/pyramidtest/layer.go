package pyramidtest

import "gengtu/index"

// FeaturesOf reads what the checker knows of a layer's features. Errors are those of
// the layer.
func FeaturesOf(l *index.Layer) ([]Feature, error) {
	out := make([]Feature, l.Len())
	class := l.Field(l.Meta.ClassField)
	for i := range out {
		f, err := l.Feature(i)
		if err != nil {
			return nil, err
		}
		out[i] = Feature{ID: f.ID, Geometry: f.Geometry, AreaM2: int64(f.AreaM2*100 + 0.5)}
		if f.Net != index.NoArea {
			out[i].NetM2 = f.Net
		}
		if class >= 0 {
			out[i].Class, _ = f.Values[class].(string)
		}
	}
	return out, nil
}
