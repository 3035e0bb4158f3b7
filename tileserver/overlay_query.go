package tileserver

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// readQuery reads the GET form: one of place=, bbox= and point=, and what a body
// may hold, layers and group_by as comma lists.
func (o *overlayRequest) readQuery() error {
	b := &o.body
	b.Place, b.Return = o.query("place"), o.query("return")
	b.CRS, b.Vintage = cmp.Or(o.query("crs"), b.CRS), cmp.Or(o.query("vintage"), b.Vintage)
	if l := commaList(o.query("layers")); l != nil {
		b.Layers = l
	}
	combinations, err := o.truth("combinations")
	if err != nil {
		return err
	}
	survey, err := o.truth("survey")
	if err != nil {
		return err
	}
	outline, err := o.truth("outline")
	if err != nil {
		return err
	}
	b.Combinations, b.Survey, b.Outline = combinations, survey != nil && *survey, outline != nil && *outline
	if err := o.groupEverything(commaList(o.query("group_by"))); err != nil {
		return err
	}
	bbox, point := o.query("bbox"), o.query("point")
	if bbox != "" && point != "" {
		return problem.New("PARAMETER_SHAPE", "bbox 和 point 只能给一个", "give one of bbox and point")
	}
	switch {
	case bbox != "":
		n, err := boxNumbers(bbox)
		if err != nil {
			return err
		}
		b.Geometry = boxJSON(n)
	case point != "":
		n, err := numbers(point, 2)
		if err != nil {
			return err
		}
		d, err := pointSize(b.CRS)
		if err != nil {
			return err
		}
		b.Geometry = boxJSON([]float64{n[0] - d, n[1] - d, n[0] + d, n[1] + d})
	}
	return nil
}

// truth reads a parameter that is true or false; nil when it is not given.
func (r *request) truth(name string) (*bool, error) {
	v := r.query(name)
	if v == "" {
		return nil, nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return nil, problem.New("PARAMETER_"+strings.ToUpper(name), "%[1]s 是 %.20[2]q，只有 true 和 false", "%[1]s is %.20[2]q; there are true and false", name, v)
	}
	return &on, nil
}

func commaList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// groupEverything groups each layer asked about by those of fields that it has.
func (o *overlayRequest) groupEverything(fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	names := o.body.Layers
	if len(names) == 0 {
		names = areas.DefaultLayers
	}
	o.body.GroupBy = map[string][]string{}
	for _, f := range fields {
		found := false
		for _, n := range names {
			l := o.ix().Layer(n, o.body.Vintage)
			if l != nil && l.Field(f) >= 0 && !slices.Contains(o.body.GroupBy[n], f) {
				o.body.GroupBy[n] = append(o.body.GroupBy[n], f)
				found = true
			}
		}
		if !found {
			return problem.New("PARAMETER_FIELD", "所问图层都没有字段 %.40q", "no layer asked about has the field %.40q", f).
				Advise("目录列出各图层的字段", "the catalogue lists the fields of each layer")
		}
	}
	return nil
}

// pointSize returns half the side of the square that stands for a point in a
// coordinate system: a point has no area, and a millimetre around it names the
// features that it lies in.
func pointSize(crsName string) (float64, error) {
	crs, err := areas.ParseCRS(crsName)
	if err != nil {
		return 0, err
	}
	if crs.Geographic() {
		return 5e-9, nil // half a millimetre of latitude
	}
	return 5e-4, nil
}

// boxNumbers reads minx,miny,maxx,maxy. A box over the antimeridian, whose least
// x would be the greater, is refused.
func boxNumbers(text string) ([]float64, error) {
	n, err := numbers(text, 4)
	if err != nil {
		return nil, err
	}
	if n[0] >= n[2] || n[1] >= n[3] {
		return nil, problem.New("PARAMETER_BBOX", "bbox %.80q 的最小值不小于最大值", "in bbox %.80q the least is not below the greatest", text).
			Advise("顺序是 最小经度,最小纬度,最大经度,最大纬度", "the order is min x, min y, max x, max y; x is longitude or easting")
	}
	return n, nil
}

// numbers reads n numbers with commas between them. None is greater than any
// coordinate could be.
func numbers(text string, n int) ([]float64, error) {
	bad := problem.New("PARAMETER_NUMBER", "%.80q 不是 %d 个数", "%.80q is not %d numbers", text, n)
	switch n {
	case 2:
		bad = bad.Advise("point=经度,纬度", "it is point=x,y")
	case 4:
		bad = bad.Advise("bbox=最小经度,最小纬度,最大经度,最大纬度", "it is bbox=min x,min y,max x,max y")
	}
	parts := strings.Split(text, ",")
	if len(parts) != n {
		return nil, bad
	}
	out := make([]float64, n)
	for i, p := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || !(math.Abs(v) <= 1e9) {
			return nil, bad
		}
		out[i] = v
	}
	return out, nil
}

// boxJSON is the box as a GeoJSON polygon.
func boxJSON(n []float64) json.RawMessage {
	b := []byte(`{"type":"Polygon","coordinates":[[`)
	for i, p := range []geo.XY{{X: n[0], Y: n[1]}, {X: n[2], Y: n[1]}, {X: n[2], Y: n[3]}, {X: n[0], Y: n[3]}, {X: n[0], Y: n[1]}} {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendFloat(b, p.X, 'f', -1, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, p.Y, 'f', -1, 64)
		b = append(b, ']')
	}
	return append(b, "]]}"...)
}
