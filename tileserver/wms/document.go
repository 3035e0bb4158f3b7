package wms

import (
	"slices"
	"strconv"
	"strings"

	"gengtu/index/geo"
	"gengtu/tileserver/ows"
	"gengtu/tileserver/tile"
)

// Capabilities is what a service offers. It is printed by
// [Capabilities.Document] and requests are held against it by
// [Capabilities.Check]; neither changes it, so one value may be used by many
// goroutines at once.
type Capabilities struct {
	Title, Abstract string
	// Constraints are the use conditions; none are printed as the standard's
	// word "none".
	Constraints []string
	// UpdateSequence grows, compared as text, with each change of the document;
	// "" leaves the attribute out.
	UpdateSequence string
	// Address is the absolute address of the service, with what it repeats of
	// the caller's query, ending in "?" or "&".
	Address string
	// InfoFormats are the media types of feature information.
	InfoFormats []string
	Layers      []Layer
}

// Layer is one layer of a service.
type Layer struct {
	Name, Title string
	// Box is where the layer has features; the empty box is taken as unknown and
	// printed as the world.
	Box geo.Box
	// Queryable tells whether features may be asked for.
	Queryable bool
	// Vintages are the values of the dimension vintage, the one used without
	// asking first; nil is a layer without the dimension.
	Vintages []string
	// Styles are those of the layer, the one used without asking first; nil
	// means [DefaultStyle] alone.
	Styles []Style
}

// Style is one way in which a layer is painted. Legend is the address of a
// picture that explains it, or "".
type Style struct{ Name, Title, Legend string }

func (l Layer) styles() []Style {
	if l.Styles == nil {
		return []Style{{Name: DefaultStyle, Title: DefaultStyle}}
	}
	return l.Styles
}

// Styled tells whether a layer has a style.
func (c *Capabilities) Styled(layer, style string) bool {
	i := slices.IndexFunc(c.Layers, func(l Layer) bool { return l.Name == layer })
	return i >= 0 && slices.ContainsFunc(c.Layers[i].styles(), func(s Style) bool { return s.Name == style })
}

// Check tells whether c offers what r asks for; nil means that it does.
func (c *Capabilities) Check(r Request) *Fault {
	if r.Operation == GetCapabilities {
		if c.UpdateSequence != "" && r.UpdateSequence > c.UpdateSequence {
			return sequenceAhead(r.UpdateSequence, c.UpdateSequence)
		}
		return nil
	}
	for k, name := range r.Layers {
		i := slices.IndexFunc(c.Layers, func(l Layer) bool { return l.Name == name })
		if i < 0 {
			return invalid(LayerNotDefined, "LAYERS", name, "Capability/Layer/Layer/Name")
		}
		l := c.Layers[i]
		if !c.Styled(name, r.Styles[k]) {
			return invalid(StyleNotDefined, "STYLES", r.Styles[k], "Capability/Layer/Layer/Style/Name")
		}
		if !l.Queryable && slices.Contains(r.QueryLayers, name) {
			return invalid(LayerNotQueryable, "QUERY_LAYERS", name, `queryable="1"`)
		}
	}
	return nil
}

// DocumentType is the media type of capabilities in version v.
func DocumentType(v Version) string {
	if v == V111 {
		return "application/vnd.ogc.wms_xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}

// Document returns the capabilities in version v, as an XML document in UTF-8
// that belongs to the caller.
func (c *Capabilities) Document(v Version) []byte {
	p := ows.NewPrinter()
	name, service := "WMS_Capabilities", "WMS"
	root := []string{"version", v.String()}
	if c.UpdateSequence != "" {
		root = append(root, "updateSequence", c.UpdateSequence)
	}
	if v == V111 {
		name, service = "WMT_MS_Capabilities", "OGC:WMS"
		p.Doctype(name, "http://schemas.opengis.net/wms/1.1.1/WMS_MS_Capabilities.dtd")
	} else {
		root = append(root, "xmlns", "http://www.opengis.net/wms",
			"xmlns:xlink", "http://www.w3.org/1999/xlink", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance",
			"xmlns:sld", "http://www.opengis.net/sld",
			"xsi:schemaLocation", "http://www.opengis.net/wms http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd "+
				"http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/sld_capabilities.xsd")
	}
	p.Open(name, root...)
	p.Open("Service")
	p.Leaf("Name", service)
	p.Leaf("Title", c.Title)
	p.Optional("Abstract", c.Abstract)
	online(p, c.Address)
	const none = "none" // 06-042 7.2.4.3
	p.Leaf("Fees", none)
	constraints := strings.Join(c.Constraints, "; ")
	if constraints == "" {
		constraints = none
	}
	p.Leaf("AccessConstraints", constraints)
	if v == V130 {
		p.Leaf("LayerLimit", strconv.Itoa(MaxLayers))
		p.Leaf("MaxWidth", strconv.Itoa(MaxSide))
		p.Leaf("MaxHeight", strconv.Itoa(MaxSide))
	}
	p.Close("Service")
	p.Open("Capability")
	c.operations(p, v)
	p.Open("Exception")
	for _, names := range exceptions {
		p.Leaf("Format", names[v])
	}
	p.Close("Exception")
	c.layers(p, v)
	p.Close("Capability")
	p.Close(name)
	return p.Bytes()
}

// online writes an address. In 1.1.1 the namespace stands at each element, as
// that version's document type has no other place for it.
func online(p *ows.Printer, address string) {
	p.Empty("OnlineResource", "xmlns:xlink", "http://www.w3.org/1999/xlink", "xlink:type", "simple", "xlink:href", address)
}

func (c *Capabilities) operations(p *ows.Printer, v Version) {
	operation := func(name string, formats ...string) {
		p.Open(name)
		for _, f := range formats {
			p.Leaf("Format", f)
		}
		p.Open("DCPType")
		p.Open("HTTP")
		p.Open("Get")
		online(p, c.Address)
		p.Close("Get")
		p.Close("HTTP")
		p.Close("DCPType")
		p.Close(name)
	}
	document, _, _ := strings.Cut(DocumentType(v), ";")
	p.Open("Request")
	operation(string(GetCapabilities), document)
	operation(string(GetMap), PNG)
	if slices.ContainsFunc(c.Layers, func(l Layer) bool { return l.Queryable }) {
		operation(string(GetFeatureInfo), c.InfoFormats...)
	}
	// In 1.3.0 it is an operation of another standard's namespace.
	legend := string(GetLegendGraphic)
	if v == V130 {
		legend = "sld:" + legend
	}
	operation(legend, PNG)
	p.Close("Request")
}

// layers writes a layer without a name that holds all others.
func (c *Capabilities) layers(p *ows.Printer, v Version) {
	all := geo.EmptyBox()
	for _, l := range c.Layers {
		all = all.Union(l.Box)
	}
	p.Open("Layer")
	p.Leaf("Title", c.Title)
	for _, s := range offered(v) {
		if v == V111 {
			p.Leaf("SRS", s.name)
		} else {
			p.Leaf("CRS", s.name)
		}
	}
	boxes(p, v, all)
	for _, l := range c.Layers {
		queryable := "0"
		if l.Queryable {
			queryable = "1"
		}
		p.Open("Layer", "queryable", queryable, "opaque", "0")
		p.Leaf("Name", l.Name)
		p.Leaf("Title", l.Title)
		boxes(p, v, l.Box)
		dimension(p, v, l.Vintages)
		for _, s := range l.styles() {
			style(p, v, s)
		}
		p.Close("Layer")
	}
	p.Close("Layer")
}

// style writes a style. The document type of 1.1.1 wants the size of a legend, which is
// known when it has been painted; its clients ask GetLegendGraphic.
func style(p *ows.Printer, v Version, s Style) {
	p.Open("Style")
	p.Leaf("Name", s.Name)
	title := s.Title
	if title == "" {
		title = s.Name
	}
	p.Leaf("Title", title)
	if s.Legend != "" && v == V130 {
		p.Open("LegendURL")
		p.Leaf("Format", PNG)
		online(p, s.Legend)
		p.Close("LegendURL")
	}
	p.Close("Style")
}

// dimension writes the vintages. They are names, which may not even be years,
// so they are a dimension of their own without unit (06-042 C.2).
func dimension(p *ows.Printer, v Version, vintages []string) {
	if len(vintages) == 0 {
		return
	}
	values := strings.Join(vintages, ",")
	if v == V111 {
		p.Empty("Dimension", "name", "vintage", "units", "")
		p.Leaf("Extent", values, "name", "vintage", "default", vintages[0])
		return
	}
	p.Leaf("Dimension", values, "name", "vintage", "units", "", "default", vintages[0])
}

// boxes writes where a layer lies, in degrees and in each system that is
// offered, in the axis order of its version.
func boxes(p *ows.Printer, v Version, box geo.Box) {
	if box.Empty() {
		box = geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: -180, Lat: -90}), Max: geo.PositionOf(geo.LonLat{Lon: 180, Lat: 90})}
	}
	lo, hi := box.Min.LonLat(), box.Max.LonLat()
	if v == V111 {
		p.Empty("LatLonBoundingBox", "minx", number(lo.Lon), "miny", number(lo.Lat), "maxx", number(hi.Lon), "maxy", number(hi.Lat))
	} else {
		p.Open("EX_GeographicBoundingBox")
		p.Leaf("westBoundLongitude", number(lo.Lon))
		p.Leaf("eastBoundLongitude", number(hi.Lon))
		p.Leaf("southBoundLatitude", number(lo.Lat))
		p.Leaf("northBoundLatitude", number(hi.Lat))
		p.Close("EX_GeographicBoundingBox")
	}
	key := "CRS"
	if v == V111 {
		key = "SRS"
	}
	for _, s := range offered(v) {
		minX, minY, maxX, maxY := lo.Lon, lo.Lat, hi.Lon, hi.Lat
		switch {
		case s.grid == tile.W:
			round := s.grid.Resolution(0) * tile.PixelsPerTile
			nw, se := s.grid.Project(geo.Position{Lon: box.Min.Lon, Lat: box.Max.Lat}), s.grid.Project(geo.Position{Lon: box.Max.Lon, Lat: box.Min.Lat})
			minX, maxX = (nw.X-0.5)*round, (se.X-0.5)*round
			minY, maxY = (0.5-se.Y)*round, (0.5-nw.Y)*round
		case s.northFirst && v == V130:
			minX, minY, maxX, maxY = minY, minX, maxY, maxX
		}
		p.Empty("BoundingBox", key, s.name, "minx", number(minX), "miny", number(minY), "maxx", number(maxX), "maxy", number(maxY))
	}
}

// number prints v without an exponent, as short as v can be read back from.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
