package wmts

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"gengtu/tileserver/tile"
)

// keys are the parameters that WMTS reads; any other is left to the server.
var keys = []string{
	"SERVICE", "REQUEST", "VERSION", "ACCEPTVERSIONS", "UPDATESEQUENCE",
	"LAYER", "STYLE", "FORMAT", "TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL",
	"I", "J", "INFOFORMAT",
}

// longestKey bounds the work on a name that can be none of keys.
const longestKey = len("ACCEPTVERSIONS")

// params are the known parameters of a query, by their name in upper case.
type params map[string]string

// ParseKVP reads a query of the KVP binding, whose names and values are decoded
// already. Exactly one of the results has a meaning: the Fault, unless it is nil.
//
// Names count in any case, values as they are. Names that WMTS does not know
// (tk, vintage) are passed over. A parameter may be repeated with the same
// value only. An empty value is a missing one; STYLE may be missing, as many
// clients leave it out, and is [DefaultStyle] then.
func ParseKVP(query iter.Seq2[string, string]) (Request, *Fault) {
	p, fault := collect(query)
	if fault != nil {
		return Request{}, fault
	}
	if fault := p.expect("SERVICE", "WMTS"); fault != nil {
		return Request{}, fault
	}
	request, fault := p.need("REQUEST")
	if fault != nil {
		return Request{}, fault
	}
	switch Operation(request) {
	case GetCapabilities:
		return p.capabilities()
	case GetTile:
		return p.tile(GetTile)
	case GetFeatureInfo:
		return p.featureInfo()
	default:
		return Request{}, notSupported(request)
	}
}

func collect(query iter.Seq2[string, string]) (params, *Fault) {
	p := params{}
	for name, value := range query {
		if len(name) > longestKey {
			continue
		}
		key := upper(name)
		if !slices.Contains(keys, key) {
			continue
		}
		if first, seen := p[key]; seen && first != value {
			return nil, twice(key, first, value)
		}
		p[key] = value
	}
	return p, nil
}

// upper returns s with its ASCII letters in upper case. Unicode's rules would
// take a long s for an S.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// need returns the value of key, which must be there.
func (p params) need(key string) (string, *Fault) {
	if p[key] == "" {
		return "", missing(key)
	}
	return p[key], nil
}

// expect demands that key is there and has the value want.
func (p params) expect(key, want string) *Fault {
	value, fault := p.need(key)
	if fault != nil {
		return fault
	}
	if value != want {
		return invalid(key, value, want)
	}
	return nil
}

func (p params) capabilities() (Request, *Fault) {
	versions := p["ACCEPTVERSIONS"]
	if versions != "" && !slices.Contains(strings.Split(versions, ","), Version) {
		return Request{}, noVersion(versions)
	}
	return Request{Operation: GetCapabilities, UpdateSequence: p["UPDATESEQUENCE"]}, nil
}

func (p params) tile(o Operation) (Request, *Fault) {
	r := Request{Operation: o, Style: p["STYLE"]}
	if r.Style == "" {
		r.Style = DefaultStyle
	}
	if fault := p.expect("VERSION", Version); fault != nil {
		return Request{}, fault
	}
	var fault *Fault
	if r.Layer, fault = p.need("LAYER"); fault != nil {
		return Request{}, fault
	}
	format, fault := p.need("FORMAT")
	if fault != nil {
		return Request{}, fault
	}
	var known bool
	if r.Format, known = parseFormat(format); !known {
		return Request{}, invalid("FORMAT", format, PNG.MIME()+", "+MVT.MIME()+", tiles")
	}
	for _, key := range []string{"TILEMATRIXSET", "TILEMATRIX", "TILEROW", "TILECOL"} {
		if _, fault = p.need(key); fault != nil {
			return Request{}, fault
		}
	}
	r.Tile, fault = parseTile(p["TILEMATRIXSET"], p["TILEMATRIX"], p["TILEROW"], p["TILECOL"])
	if fault != nil {
		return Request{}, fault
	}
	return r, nil
}

func (p params) featureInfo() (Request, *Fault) {
	r, fault := p.tile(GetFeatureInfo)
	if fault != nil {
		return Request{}, fault
	}
	for _, key := range []string{"I", "J", "INFOFORMAT"} {
		if _, fault = p.need(key); fault != nil {
			return Request{}, fault
		}
	}
	if r.I, fault = parsePixel("I", p["I"]); fault != nil {
		return Request{}, fault
	}
	if r.J, fault = parsePixel("J", p["J"]); fault != nil {
		return Request{}, fault
	}
	for _, f := range InfoFormats() {
		if p["INFOFORMAT"] == f.MIME() {
			r.InfoFormat = f
			return r, nil
		}
	}
	return Request{}, invalid("INFOFORMAT", p["INFOFORMAT"], "application/json, text/html, text/xml")
}

// parseTile reads the address of a tile in WMTS's order, row before column.
func parseTile(set, matrix, row, col string) (tile.Tile, *Fault) {
	g, err := tile.ParseGrid(set)
	if err != nil {
		return tile.Tile{}, invalid("TILEMATRIXSET", set, "c, w")
	}
	z, err := tile.ParseZoom(matrix)
	if err != nil || z < g.MinZoom() || z > MaxZoom {
		return tile.Tile{}, invalid("TILEMATRIX", matrix, fmt.Sprintf("%d-%d", g.MinZoom(), MaxZoom))
	}
	cols, rows := g.Size(z)
	y, negative, fault := parseIndex("TILEROW", row)
	if fault != nil {
		return tile.Tile{}, fault
	}
	if negative || y >= rows {
		return tile.Tile{}, outside("TILEROW", row, z, rows-1)
	}
	x, negative, fault := parseIndex("TILECOL", col)
	if fault != nil {
		return tile.Tile{}, fault
	}
	if negative || x >= cols {
		return tile.Tile{}, outside("TILECOL", col, z, cols-1)
	}
	return tile.Tile{Grid: g, Z: z, X: x, Y: y}, nil
}

// beyond is what a number too large for a tile address is read as; it is
// outside every matrix and every tile.
const beyond = 1<<32 - 1

// parseIndex reads a row, column or pixel. A negative number is a number that
// is out of range, as clients that count over an edge send it.
func parseIndex(key, value string) (n uint32, negative bool, fault *Fault) {
	digits, negative := strings.CutPrefix(value, "-")
	n, err := tile.ParseNumber(digits)
	switch {
	case err == nil:
		return n, negative, nil
	case errors.Is(err, tile.ErrRange):
		return beyond, negative, nil
	default:
		return 0, false, invalid(key, value, "0, 1, 2 …")
	}
}

func parsePixel(key, value string) (uint32, *Fault) {
	n, negative, fault := parseIndex(key, value)
	if fault != nil {
		return 0, fault
	}
	if negative || n >= tile.PixelsPerTile {
		return 0, pointOutside(key, value, tile.PixelsPerTile-1)
	}
	return n, nil
}
