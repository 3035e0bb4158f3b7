package analyze

import (
	"encoding/json"
	"path/filepath"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// ReadShapes reads one file of shapes for [Request.Shapes]: the surveyor's TXT, a GeoJSON
// text or a sequence of them. Each shape keeps the name of its file and the coordinate
// system that it is in: crs where that is not nil, else what the file says, else CGCS2000
// degrees. What is wrong with the coordinate system of a TXT, or with one shape, stands in
// the shapes as their Err, so that it can be listed with whatever else is to be
// corrected; the error is of what leaves nothing to be listed (TXT_SYNTAX,
// GEOJSON_SYNTAX …) and of limits. Nothing of data is kept.
func ReadShapes(file string, data []byte, crs *geo.CRS, lim areas.Limits) ([]areas.Given, error) {
	shapes, err := readShapes(data, crs, lim)
	if file != "" {
		file = filepath.Base(file)
	}
	if err != nil {
		if p := problem.Of(err); p != nil {
			return nil, p.In(file)
		}
		return nil, err
	}
	for i := range shapes {
		shapes[i].File = file
	}
	return shapes, nil
}

func readShapes(data []byte, crs *geo.CRS, lim areas.Limits) ([]areas.Given, error) {
	if areas.LooksLikeTXT(data) && !json.Valid(data) {
		shapes, _, err := areas.ParseTXT(data, crs, lim)
		if len(shapes) == 0 {
			return nil, err
		}
		for i := range shapes {
			if err != nil && shapes[i].Err == nil {
				shapes[i].Err = err
			}
		}
		return shapes, nil
	}
	stated := areas.StatedCRS
	shapes, _, err := areas.ParseShapes(data, lim)
	if err != nil && !json.Valid(data) {
		stated = areas.StatedSequenceCRS
		shapes, err = areas.ParseSequence(data, lim)
	}
	if err != nil {
		return nil, err
	}
	if crs == nil {
		if crs, err = stated(data); err != nil {
			return nil, err
		}
	}
	if crs != nil {
		for i := range shapes {
			shapes[i].CRS = *crs
		}
	}
	return shapes, nil
}
