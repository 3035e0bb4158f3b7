package areas

import (
	"encoding/json"
	"errors"
	"strconv"

	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/txt"
)

// LooksLikeTXT tells whether data is the beginning of a surveyor's TXT.
func LooksLikeTXT(data []byte) bool { return txt.LooksLike(data) }

// ParseTXT reads the surveyor's TXT of boundary points (报盘格式), see [txt.Parse].
// Each parcel is a shape with its number as id.
//
// The coordinate system is that of the file; crs, when it is not nil, takes its
// place. Without a zone in the file that of the eastings is taken, and told. What
// is wrong with one parcel fails no other; the error is of what concerns the
// file, and of the limits (TXT_…, TOO_LARGE_COLLECTION, TOO_LARGE_SHAPES).
// Problems name the line. Nothing of data is kept.
func ParseTXT(data []byte, crs *geo.CRS, lim Limits) ([]Given, geo.CRS, error) {
	f, err := txt.Parse(data, txt.Limits{Points: lim.Vertices, Parcels: lim.Features})
	switch {
	case errors.Is(err, txt.ErrParcels):
		return nil, geo.CRS{}, tooManyShapes(lim)
	case errors.Is(err, txt.ErrPoints):
		return nil, geo.CRS{}, tooLarge(geo.ErrGeometryLimit)
	case err != nil:
		return nil, geo.CRS{}, err
	}
	shapes := make([]Given, len(f.Parcels))
	for i := range f.Parcels {
		shapes[i] = givenParcel(&f.Parcels[i])
	}
	var found geo.CRS
	var note *problem.Problem
	if crs != nil {
		found = *crs
	} else {
		found, note, err = f.CRS()
	}
	for i := range shapes {
		shapes[i].CRS = found
		if note != nil {
			shapes[i].Notes = append(shapes[i].Notes, note)
		}
	}
	return shapes, found, err
}

// givenParcel makes a parcel a shape.
func givenParcel(p *txt.Parcel) Given {
	g := Given{Polygons: p.Polygons, Notes: p.Notes}
	if p.Number != "" {
		g.ID = jsonText(p.Number)
	}
	stated := json.RawMessage("null")
	if p.Stated {
		stated = json.RawMessage(strconv.FormatFloat(p.AreaHa, 'f', -1, 64))
		g.Stated = &StatedArea{M2: p.AreaHa * 1e4, StepM2: p.StepHa * 1e4}
	}
	g.Properties = txtProperties(p, stated)
	if p.Problem != nil {
		g.Err = p.Problem
		return g
	}
	if g.Stated != nil {
		g.Stated.PlaneM2 = planeArea(p.Rings)
	}
	return g
}

// txtProperties is what an answer says of a parcel.
func txtProperties(p *txt.Parcel, statedHa json.RawMessage) json.RawMessage {
	out := append([]byte(`{"name":`), jsonText(p.Name)...)
	out = append(append(out, `,"use":`...), jsonText(p.Use)...)
	out = append(append(out, `,"class":`...), jsonText(p.Class)...)
	out = append(append(out, `,"sheet":`...), jsonText(p.Sheet)...)
	return append(append(append(out, `,"stated_ha":`...), statedHa...), '}')
}

func jsonText(s string) json.RawMessage { return appendText(nil, s) }
