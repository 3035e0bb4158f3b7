package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"strconv"

	"gengtu/index"
	"gengtu/index/areas"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
	"gengtu/ingest/source"
)

// overlayInput is a file of shapes that is being read.
type overlayInput struct {
	next  func() (areas.Given, error)
	crs   geo.CRS
	many  bool  // false for a GeoJSON geometry or Feature that stands alone
	total int64 // how many there are, -1 when the file does not say
	close func()
}

// readShapes opens a file of shapes: the surveyor's TXT, GeoJSON, whose features
// keep their ids, or any format that ingest reads. Of ix, which may be nil, they are asked.
func (e *env) readShapes(ix *index.Index, path, table, crsName string) (*overlayInput, error) {
	var named *geo.CRS
	if crsName != "" {
		crs, err := areas.ParseCRS(crsName)
		if err != nil {
			return nil, err
		}
		named = &crs
	}
	if in, err := readTXT(ix, path, named); in != nil || err != nil {
		return in, err
	}
	rd, err := source.Open(e.ctx, path, source.Options{Table: table})
	if err != nil {
		return nil, err
	}
	in := &overlayInput{many: true, total: rd.Layer().Count, close: func() { _ = rd.Close() }} // only read
	if named != nil {
		in.crs = *named
	} else if in.crs, err = ingest.SourceCRS(path, rd.Layer().CRS); err != nil {
		in.close()
		return nil, err
	}
	ending := source.EndingOf(path)
	if !ending.GeoJSON() {
		in.next = records(rd)
		return in, nil
	}
	in.close() // the file has been found whole
	in.close = func() {}
	shapes, many, err := readGeoJSON(path, ending)
	if err != nil {
		return nil, err
	}
	in.next, in.many, in.total = areas.Each(shapes), many, int64(len(shapes))
	return in, nil
}

// readTXT reads the surveyor's TXT; nil when the file is none, or cannot be read:
// the reader of all formats tells that better.
func readTXT(ix *index.Index, path string, crs *geo.CRS) (*overlayInput, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	const sniffed = 4096 // the attributes take some hundred bytes
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil || !areas.LooksLikeTXT(head) || len(head) > 0 && head[0] == '{' {
		return nil, nil
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return nil, problem.New("SOURCE_READ", "读取时出错：%v", "cannot be read: %v", err).In(path).Because(err)
	}
	shapes, found, err := areas.ParseTXT(append(head, rest...), crs, areas.Limits{})
	if err != nil {
		if p := problem.Of(areas.Propose(err, ix, shapes)); p != nil {
			return nil, p.In(path)
		}
		return nil, err
	}
	return &overlayInput{next: areas.Each(shapes), crs: found, many: true, total: int64(len(shapes)), close: func() {}}, nil
}

// readGeoJSON reads a GeoJSON text or text sequence.
func readGeoJSON(path string, ending source.Ending) (shapes []areas.Given, many bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	if !ending.Sequence {
		if shapes, many, err = areas.ParseShapes(data, areas.Limits{}); err == nil || json.Valid(data) {
			return shapes, many, err
		}
	}
	shapes, err = areas.ParseSequence(data, areas.Limits{})
	return shapes, true, err
}

// records is a next function over the records of a file; the id of a shape is its
// number there.
func records(rd source.Reader) func() (areas.Given, error) {
	return func() (areas.Given, error) {
		var f source.Feature
		if err := rd.Next(&f); err != nil {
			return areas.Given{}, err
		}
		props := map[string]any{}
		for i, v := range f.Values {
			if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
				v = nil // JSON has no such number
			}
			props[rd.Layer().Fields[i].Name] = v
		}
		data, err := json.Marshal(props)
		if err != nil {
			return areas.Given{}, err
		}
		g := areas.Given{ID: strconv.AppendInt(nil, f.Record, 10), Properties: data, Polygons: f.Polygons}
		switch {
		case f.Problem != nil:
			g.Err = f.Problem
		case len(f.Polygons) == 0:
			g.Err = errNoShape
		}
		return g, nil
	}
}

// errNoShape is what is said of a record without a geometry.
var errNoShape = problem.New("AOI_EMPTY", "范围没有面积", "the shape has no area").Advise("请给出有面积的面", "give a polygon that has an area")
