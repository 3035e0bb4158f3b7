package wms

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"gengtu/tileserver/tile"
)

// keys are the parameters that WMS reads; any other is left to the server. X
// and Y are those of 1.1.1, I and J those of 1.3.0, as are SRS and CRS.
var keys = []string{
	"SERVICE", "REQUEST", "VERSION", "UPDATESEQUENCE", "LAYERS", "STYLES", "CRS", "SRS", "BBOX", "WIDTH", "HEIGHT",
	"FORMAT", "TRANSPARENT", "BGCOLOR", "EXCEPTIONS", "QUERY_LAYERS", "INFO_FORMAT", "FEATURE_COUNT", "I", "J", "X", "Y",
	"LAYER", "STYLE",
}

// longestKey bounds the work on a name that can be none of keys.
const longestKey = len("UPDATESEQUENCE")

// params are the known parameters of a query, by their name in upper case.
type params map[string]string

// ParseKVP reads a query, whose names and values are decoded already. Exactly
// one of the results has a meaning: the Fault, unless it is nil.
//
// Names count in any case, values as they are. Names that WMS does not know
// (tk, vintage) are passed over. A parameter may be repeated with the same
// value only. An empty value is a missing one. STYLES may be missing, as may
// SERVICE, which the standard asks for in GetCapabilities alone.
//
// infoFormats are the media types of feature information, the one used without
// asking first.
func ParseKVP(query iter.Seq2[string, string], infoFormats []string) (Request, *Fault) {
	p, fault := collect(query)
	if fault != nil {
		return Request{}, fault
	}
	if s := p["SERVICE"]; s != "" && s != "WMS" {
		return Request{}, invalid("", "SERVICE", s, "WMS")
	}
	request, fault := p.need("REQUEST")
	if fault != nil {
		return Request{}, fault
	}
	switch Operation(request) {
	case GetCapabilities:
		if _, fault := p.need("SERVICE"); fault != nil {
			return Request{}, fault
		}
		return Request{Operation: GetCapabilities, Version: negotiated(p["VERSION"]), UpdateSequence: p["UPDATESEQUENCE"]}, nil
	case GetMap:
		return p.picture(GetMap)
	case GetFeatureInfo:
		return p.featureInfo(infoFormats)
	case GetLegendGraphic:
		return p.legend()
	default:
		return Request{}, notSupported(request)
	}
}

// legend reads what GetLegendGraphic has. The size of the picture follows from what
// it shows, so WIDTH and HEIGHT, which are hints, are passed over.
func (p params) legend() (Request, *Fault) {
	layer, fault := p.need("LAYER")
	if fault != nil {
		return Request{}, fault
	}
	if f := p["FORMAT"]; f != "" && f != PNG {
		return Request{}, invalid(InvalidFormat, "FORMAT", f, PNG)
	}
	style := p["STYLE"]
	if style == "" {
		style = DefaultStyle
	}
	return Request{Operation: GetLegendGraphic, Version: negotiated(p["VERSION"]), Layers: []string{layer}, Styles: []string{style}}, nil
}

// Form is how the answer to a query is written when the query is refused.
type Form struct {
	Version    Version
	Exceptions Exceptions
	Canvas     Canvas
}

// FormOf reads of a query how its refusal is to be written; it never fails.
// Pictures are told of only where the query asks for a map of a size.
func FormOf(query iter.Seq2[string, string]) Form {
	p := params{}
	for name, value := range query {
		if key := known(name); key != "" && p[key] == "" {
			p[key] = value
		}
	}
	f := Form{Version: negotiated(p["VERSION"])}
	asked, ok := parseExceptions(p["EXCEPTIONS"])
	canvas, fault := p.canvas()
	if ok && fault == nil && p["REQUEST"] == string(GetMap) {
		f.Exceptions, f.Canvas = asked, canvas
	}
	return f
}

// negotiated is the version of an answer to a request for that version: the
// highest that is not above it, and if there is none the lowest (06-042 6.2.4).
func negotiated(asked string) Version {
	if asked != "" && asked < V130.String() {
		return V111
	}
	return V130
}

func collect(query iter.Seq2[string, string]) (params, *Fault) {
	p := params{}
	for name, value := range query {
		key := known(name)
		if key == "" {
			continue
		}
		if first, seen := p[key]; seen && first != value {
			return nil, twice(key, first, value)
		}
		p[key] = value
	}
	return p, nil
}

// known returns the one of keys that name is in any case of its ASCII letters,
// or "".
func known(name string) string {
	if len(name) > longestKey {
		return ""
	}
	key := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, name)
	if !slices.Contains(keys, key) {
		return ""
	}
	return key
}

// need returns the value of key, which must be there.
func (p params) need(key string) (string, *Fault) {
	if p[key] == "" {
		return "", missing(key)
	}
	return p[key], nil
}

// picture reads what GetMap has, which GetFeatureInfo repeats.
func (p params) picture(o Operation) (Request, *Fault) {
	r := Request{Operation: o}
	version, fault := p.need("VERSION")
	if fault != nil {
		return Request{}, fault
	}
	r.Version = negotiated(version)
	if version != r.Version.String() {
		return Request{}, invalid("", "VERSION", version, "1.3.0, 1.1.1")
	}
	if _, ok := parseExceptions(p["EXCEPTIONS"]); !ok {
		return Request{}, invalid("", "EXCEPTIONS", p["EXCEPTIONS"], "XML, INIMAGE, BLANK")
	}
	if r.Layers, fault = p.list("LAYERS"); fault != nil {
		return Request{}, fault
	}
	if r.Styles, fault = p.styles(len(r.Layers)); fault != nil {
		return Request{}, fault
	}
	if fault = p.place(&r); fault != nil {
		return Request{}, fault
	}
	if r.Canvas, fault = p.canvas(); fault != nil {
		return Request{}, fault
	}
	format, fault := p.need("FORMAT")
	if o == GetFeatureInfo && format == "" {
		return r, nil // 06-042 7.4.3: a part of the map request, of which the picture's form says nothing here
	}
	if fault != nil {
		return Request{}, fault
	}
	if format != PNG {
		return Request{}, invalid(InvalidFormat, "FORMAT", format, PNG)
	}
	return r, nil
}

// list reads a list of layers.
func (p params) list(key string) ([]string, *Fault) {
	text, fault := p.need(key)
	if fault != nil {
		return nil, fault
	}
	if n := strings.Count(text, ",") + 1; n > MaxLayers {
		return nil, invalid("", key, text, fmt.Sprintf("%d", MaxLayers))
	}
	return strings.Split(text, ","), nil
}

// styles reads STYLES: nothing, or a style for each layer, of which any may be
// empty.
func (p params) styles(layers int) ([]string, *Fault) {
	text := p["STYLES"]
	if text == "" {
		text = strings.Repeat(",", layers-1)
	}
	if strings.Count(text, ",")+1 != layers {
		return nil, invalid(StyleNotDefined, "STYLES", text, fmt.Sprintf("%d", layers))
	}
	out := strings.Split(text, ",")
	for i := range out {
		if out[i] == "" {
			out[i] = DefaultStyle
		}
	}
	return out, nil
}

// place reads CRS or SRS, and BBOX.
func (p params) place(r *Request) *Fault {
	key := "CRS"
	if r.Version == V111 {
		key = "SRS"
	}
	name, fault := p.need(key)
	if fault != nil {
		return fault
	}
	var names []string
	system := crs{}
	for _, s := range offered(r.Version) {
		names = append(names, s.name)
		if s.name == name {
			system = s
		}
	}
	if system.name == "" {
		return invalid(InvalidCRS, key, name, strings.Join(names, ", "))
	}
	text, fault := p.need("BBOX")
	if fault != nil {
		return fault
	}
	box, ok := parseBox(text)
	if !ok {
		return invalid("", "BBOX", text, "minx,miny,maxx,maxy")
	}
	if system.northFirst && r.Version == V130 {
		box = [4]float64{box[1], box[0], box[3], box[2]}
	}
	r.Grid = system.grid
	r.NorthWest, r.SouthEast = plane(r.Grid, box[0], box[3]), plane(r.Grid, box[2], box[1])
	if !(r.NorthWest.X < r.SouthEast.X) || !(r.NorthWest.Y < r.SouthEast.Y) {
		return invalid("", "BBOX", text, "minx < maxx, miny < maxy")
	}
	return nil
}

// offered are the systems that version v has.
func offered(v Version) []crs {
	if v == V130 {
		return systems
	}
	return slices.DeleteFunc(slices.Clone(systems), func(s crs) bool { return s.name == "CRS:84" })
}

// farthest bounds the numbers of BBOX. A picture may reach beyond the world, but
// not so far that its pixels are lost in the numbers' last digits.
const farthest = 1e9

func parseBox(text string) (box [4]float64, ok bool) {
	if strings.Count(text, ",") != len(box)-1 {
		return box, false
	}
	for i, s := range strings.SplitN(text, ",", len(box)) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(math.Abs(v) <= farthest) {
			return box, false
		}
		box[i] = v
	}
	return box, true
}

// plane returns where a position lies in the plane of g, in its coordinates,
// easting or longitude first. Beyond the world the plane goes on.
func plane(g tile.Grid, x, y float64) tile.World {
	if g == tile.C {
		return tile.World{X: (x + 180) / 360, Y: (90 - y) / 360}
	}
	round := g.Resolution(0) * tile.PixelsPerTile // once around the earth, in metres
	return tile.World{X: x/round + 0.5, Y: 0.5 - y/round}
}

// canvas reads the size and the background.
func (p params) canvas() (Canvas, *Fault) {
	var c Canvas
	for key, to := range map[string]*int{"WIDTH": &c.Width, "HEIGHT": &c.Height} {
		text, fault := p.need(key)
		if fault != nil {
			return Canvas{}, fault
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MaxSide {
			return Canvas{}, invalid("", key, text, fmt.Sprintf("1-%d", MaxSide))
		}
		*to = n
	}
	switch strings.ToUpper(p["TRANSPARENT"]) {
	case "", "FALSE":
	case "TRUE":
		c.Transparent = true
	default:
		return Canvas{}, invalid("", "TRANSPARENT", p["TRANSPARENT"], "TRUE, FALSE")
	}
	c.Red, c.Green, c.Blue = 0xFF, 0xFF, 0xFF
	if text := p["BGCOLOR"]; text != "" {
		digits, found := strings.CutPrefix(strings.ToLower(text), "0x")
		v, err := strconv.ParseUint(digits, 16, 32)
		if !found || len(digits) != 6 || err != nil {
			return Canvas{}, invalid("", "BGCOLOR", text, "0xRRGGBB")
		}
		c.Red, c.Green, c.Blue = uint8(v>>16), uint8(v>>8), uint8(v)
	}
	return c, nil
}

// parseExceptions reads EXCEPTIONS, by the names of either version; without one
// it is a report.
func parseExceptions(text string) (Exceptions, bool) {
	if text == "" {
		return XML, true
	}
	for e, names := range exceptions {
		if text == names[0] || text == names[1] {
			return Exceptions(e), true
		}
	}
	return XML, text == "text/xml" // as many clients of 1.3.0 write it
}

func (p params) featureInfo(infoFormats []string) (Request, *Fault) {
	r, fault := p.picture(GetFeatureInfo)
	if fault != nil {
		return Request{}, fault
	}
	if r.QueryLayers, fault = p.list("QUERY_LAYERS"); fault != nil {
		return Request{}, fault
	}
	for _, l := range r.QueryLayers {
		if !slices.Contains(r.Layers, l) {
			return Request{}, invalid(LayerNotDefined, "QUERY_LAYERS", l, strings.Join(r.Layers, ","))
		}
	}
	columnKey, rowKey := "I", "J"
	if r.Version == V111 {
		columnKey, rowKey = "X", "Y"
	}
	if r.I, fault = p.pixel(columnKey, r.Canvas.Width); fault != nil {
		return Request{}, fault
	}
	if r.J, fault = p.pixel(rowKey, r.Canvas.Height); fault != nil {
		return Request{}, fault
	}
	r.Count = 1
	if text := p["FEATURE_COUNT"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return Request{}, invalid("", "FEATURE_COUNT", text, "1, 2, 3 …")
		}
		r.Count = min(n, MaxFeatures)
	}
	if r.InfoFormat = p["INFO_FORMAT"]; r.InfoFormat == "" && len(infoFormats) > 0 {
		r.InfoFormat = infoFormats[0]
	}
	if !slices.Contains(infoFormats, r.InfoFormat) {
		return Request{}, invalid(InvalidFormat, "INFO_FORMAT", r.InfoFormat, strings.Join(infoFormats, ", "))
	}
	return r, nil
}

// pixel reads a column or row of a picture with so many.
func (p params) pixel(key string, count int) (int, *Fault) {
	text, fault := p.need(key)
	if fault != nil {
		return 0, fault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= count {
		return 0, invalid(InvalidPoint, key, text, fmt.Sprintf("0-%d", count-1))
	}
	return n, nil
}
