package wmts

import (
	"slices"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/tileserver/ows"
	"gengtu/tileserver/tile"
)

// Document answers r, a request for capabilities that [Capabilities.Check] let
// pass, as an XML document in UTF-8. To a client that knows the current update
// sequence it says no more than that. The result belongs to the caller.
//
// It is valid against OGC's schemas, their first edition included, in which the
// limits of a matrix could not be 0. Where they would be, that matrix is left
// out of the limits: clients take the tiles of the next zoom in its place,
// which the limits keep few. A layer of which no matrix can be limited so has
// no limits at all.
func (c *Capabilities) Document(r Request) []byte {
	p := ows.NewPrinter()
	root := []string{
		"xmlns", "http://www.opengis.net/wmts/1.0",
		"xmlns:ows", "http://www.opengis.net/ows/1.1",
		"xmlns:xlink", "http://www.w3.org/1999/xlink",
		"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance",
		"xsi:schemaLocation", "http://www.opengis.net/wmts/1.0 " +
			"http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd",
		"version", Version,
	}
	if c.UpdateSequence != "" {
		root = append(root, "updateSequence", c.UpdateSequence)
		if r.UpdateSequence == c.UpdateSequence {
			p.Empty("Capabilities", root...)
			return p.Bytes()
		}
	}
	p.Open("Capabilities", root...)
	c.identification(p)
	c.operations(p)
	p.Open("Contents")
	for _, l := range c.Layers {
		c.layer(p, l)
	}
	for _, g := range c.grids() {
		c.matrixSet(p, g)
	}
	p.Close("Contents")
	if c.Dialect == Standard {
		p.Empty("ServiceMetadataURL", "xlink:href", c.address(CapabilitiesPath))
	}
	p.Close("Capabilities")
	return p.Bytes()
}

func (c *Capabilities) identification(p *ows.Printer) {
	p.Open("ows:ServiceIdentification")
	p.Leaf("ows:Title", c.Title)
	p.Optional("ows:Abstract", c.Abstract)
	if len(c.Keywords) > 0 {
		p.Open("ows:Keywords")
		for _, k := range c.Keywords {
			p.Leaf("ows:Keyword", k)
		}
		p.Close("ows:Keywords")
	}
	p.Leaf("ows:ServiceType", "OGC WMTS")
	p.Leaf("ows:ServiceTypeVersion", Version)
	// NONE is what OWS Common (06-121r3 table 11) writes for no conditions.
	const none = "NONE"
	fees, constraints := c.Fees, c.Constraints
	if fees == "" {
		fees = none
	}
	p.Leaf("ows:Fees", fees)
	if len(constraints) == 0 {
		constraints = []string{none}
	}
	for _, s := range constraints {
		p.Leaf("ows:AccessConstraints", s)
	}
	p.Close("ows:ServiceIdentification")
	if c.Provider != "" {
		p.Open("ows:ServiceProvider")
		p.Leaf("ows:ProviderName", c.Provider)
		p.Empty("ows:ServiceContact")
		p.Close("ows:ServiceProvider")
	}
}

func (c *Capabilities) operations(p *ows.Printer) {
	kvp := c.Base + "?"
	if c.Query != "" {
		kvp += encodeAddress(c.Query) + "&"
	}
	get := func(address, encoding string) {
		p.Open("ows:Get", "xlink:href", address)
		p.Open("ows:Constraint", "name", "GetEncoding")
		p.Open("ows:AllowedValues")
		p.Leaf("ows:Value", encoding)
		p.Close("ows:AllowedValues")
		p.Close("ows:Constraint")
		p.Close("ows:Get")
	}
	p.Open("ows:OperationsMetadata")
	offered := []Operation{GetCapabilities, GetTile}
	if slices.ContainsFunc(c.Layers, func(l Layer) bool { return len(l.InfoFormats) > 0 }) {
		offered = append(offered, GetFeatureInfo)
	}
	for _, o := range offered {
		p.Open("ows:Operation", "name", string(o))
		p.Open("ows:DCP")
		p.Open("ows:HTTP")
		get(kvp, "KVP")
		switch {
		case c.Dialect == Tianditu:
		case o == GetCapabilities:
			get(c.address(CapabilitiesPath), "RESTful")
		default:
			// Where these lie is said by each layer's ResourceURL.
			get(c.Base+"/", "RESTful")
		}
		p.Close("ows:HTTP")
		p.Close("ows:DCP")
		p.Close("ows:Operation")
	}
	p.Close("ows:OperationsMetadata")
}

func (c *Capabilities) layer(p *ows.Printer, l Layer) {
	p.Open("Layer")
	p.Leaf("ows:Title", l.Title)
	p.Optional("ows:Abstract", l.Abstract)
	if !l.Box.Empty() {
		p.Open("ows:WGS84BoundingBox")
		p.Leaf("ows:LowerCorner", corner(l.Box.Min))
		p.Leaf("ows:UpperCorner", corner(l.Box.Max))
		p.Close("ows:WGS84BoundingBox")
	}
	p.Leaf("ows:Identifier", l.Identifier)
	for i, s := range l.styles() {
		p.Open("Style", "isDefault", strconv.FormatBool(i == 0))
		p.Optional("ows:Title", s.Title)
		p.Leaf("ows:Identifier", s.Identifier)
		if s.Legend != nil {
			p.Empty("LegendURL", legend(s.Legend)...)
		}
		p.Close("Style")
	}
	for _, f := range l.formats() {
		p.Leaf("Format", f.MIME())
	}
	for _, f := range l.InfoFormats {
		p.Leaf("InfoFormat", f.MIME())
	}
	if len(l.Vintages) > 0 {
		p.Open("Dimension")
		p.Leaf("ows:Identifier", VintageDimension)
		p.Leaf("Default", l.Vintages[0])
		for _, v := range l.Vintages {
			p.Leaf("Value", v)
		}
		p.Close("Dimension")
	}
	for _, g := range c.grids() {
		p.Open("TileMatrixSetLink")
		p.Leaf("TileMatrixSet", g.String())
		limits(p, l, g)
		p.Close("TileMatrixSetLink")
	}
	if c.Dialect == Standard {
		c.resources(p, l)
	}
	p.Close("Layer")
}

// resources writes the addresses of the RESTful binding.
func (c *Capabilities) resources(p *ows.Printer, l Layer) {
	prefix := encodeSegment(l.Identifier) + "/{Style}/"
	if len(l.Vintages) > 0 {
		prefix += "{" + VintageDimension + "}/"
	}
	prefix += "{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}"
	// One form alone, the first: OpenLayers asks for the tiles of a layer at its templates
	// in turn, whatever their format (openlayers 12901), and pictures and vector tiles mix.
	// The other forms are named as Format, and found by KVP and at the same addresses.
	if formats := l.formats(); len(formats) > 0 {
		p.Empty("ResourceURL", "format", formats[0].MIME(), "resourceType", "tile",
			"template", c.address(prefix+"."+formats[0].Extension()))
	}
	for _, f := range l.InfoFormats {
		p.Empty("ResourceURL", "format", f.MIME(), "resourceType", "FeatureInfo",
			"template", c.address(prefix+"/{J}/{I}."+f.Extension()))
	}
}

func corner(p geo.Position) string {
	ll := p.LonLat()
	return number(ll.Lon) + " " + number(ll.Lat)
}

// number prints v without an exponent, as short as v can be read back from.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func legend(l *Legend) []string {
	attributes := []string{"format", l.MIME, "xlink:href", l.URL}
	if l.Width > 0 && l.Height > 0 {
		attributes = append(attributes, "width", strconv.Itoa(l.Width), "height", strconv.Itoa(l.Height))
	}
	return attributes
}

// limits writes which tiles of g the layer has; the reasons for what it leaves
// out are at [Capabilities.Document].
func limits(p *ows.Printer, l Layer, g tile.Grid) {
	opened := false
	for z := max(l.MinZoom, g.MinZoom()); z <= min(l.MaxZoom, MaxZoom); z++ {
		x0, y0, x1, y1 := g.Range(l.Box, z)
		if x0 < 1 || y0 < 1 || x0 > x1 {
			continue
		}
		if !opened {
			p.Open("TileMatrixSetLimits")
			opened = true
		}
		p.Open("TileMatrixLimits")
		p.Leaf("TileMatrix", decimal(uint32(z)))
		p.Leaf("MinTileRow", decimal(y0))
		p.Leaf("MaxTileRow", decimal(y1))
		p.Leaf("MinTileCol", decimal(x0))
		p.Leaf("MaxTileCol", decimal(x1))
		p.Close("TileMatrixLimits")
	}
	if opened {
		p.Close("TileMatrixSetLimits")
	}
}

func (c *Capabilities) matrixSet(p *ows.Printer, g tile.Grid) {
	crs, corner, denominator := g.CRS(), g.TopLeftCorner(), tile.ScaleDenominator
	if c.Dialect == Tianditu {
		denominator = tile.ScaleDenominator96
		if g == tile.W {
			crs, corner = "urn:ogc:def:crs:EPSG::900913", "20037508.3427892 -20037508.3427892"
		}
	}
	p.Open("TileMatrixSet")
	p.Leaf("ows:Identifier", g.String())
	p.Leaf("ows:SupportedCRS", crs)
	last := c.lastZoom()
	if g == tile.W && c.Dialect == Standard && last == MaxZoom {
		p.Leaf("WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
	}
	for z := g.MinZoom(); z <= last; z++ {
		cols, rows := g.Size(z)
		p.Open("TileMatrix")
		p.Leaf("ows:Identifier", decimal(uint32(z)))
		p.Leaf("ScaleDenominator", number(denominator(z)))
		p.Leaf("TopLeftCorner", corner)
		p.Leaf("TileWidth", decimal(tile.PixelsPerTile))
		p.Leaf("TileHeight", decimal(tile.PixelsPerTile))
		p.Leaf("MatrixWidth", decimal(cols))
		p.Leaf("MatrixHeight", decimal(rows))
		p.Close("TileMatrix")
	}
	p.Close("TileMatrixSet")
}

// lastZoom is the last zoom that any layer is served at. The sets end there:
// clients read the finest matrix of a set, whatever a layer's limits say, and
// would find nothing.
func (c *Capabilities) lastZoom() uint8 {
	last := uint8(0)
	for _, l := range c.Layers {
		last = max(last, min(l.MaxZoom, MaxZoom))
	}
	if last == 0 {
		return MaxZoom
	}
	return last
}

// address returns where path lies in the RESTful binding, the query included.
func (c *Capabilities) address(path string) string {
	a := c.Base + "/" + path
	if c.Query != "" {
		a += "?" + encodeAddress(c.Query)
	}
	return a
}

// encodeAddress percent-encodes what may not stand in the schema's
// URLTemplateType, and the braces, which would name a variable. What is encoded
// already stays.
func encodeAddress(s string) string {
	return encode(s, "-_.!~*'();/?:@+$,=&%")
}

// encodeSegment percent-encodes s for one element of a path.
func encodeSegment(s string) string { return encode(s, "-_.~") }

func encode(s, plain string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		letter := '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z'
		lonePercent := ch == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]))
		if letter || strings.IndexByte(plain, ch) >= 0 && !lonePercent {
			b.WriteByte(ch)
			continue
		}
		b.Write([]byte{'%', hex[ch>>4], hex[ch&15]})
	}
	return b.String()
}

func isHex(ch byte) bool {
	return '0' <= ch && ch <= '9' || 'a' <= ch && ch <= 'f' || 'A' <= ch && ch <= 'F'
}
