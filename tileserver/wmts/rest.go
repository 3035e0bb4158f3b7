package wmts

import "strings"

// CapabilitiesPath is where the RESTful binding has the capabilities, below the
// address of the service.
const CapabilitiesPath = "1.0.0/WMTSCapabilities.xml"

// ParseREST reads an address of the RESTful binding: what follows the address
// of the service and its slash, decoded, without a query. The forms are
// [CapabilitiesPath],
//
//	layer/style/grid/z/row/col.ext        ext is png or mvt
//	layer/style/grid/z/row/col/j/i.ext    ext is json, html or xml
//
// Exactly one of the results has a meaning: the Fault, unless it is nil. All
// faults have the status 404.
func ParseREST(path string) (Request, *Fault) {
	if path == CapabilitiesPath {
		return Request{Operation: GetCapabilities}, nil
	}
	const tileParts, infoParts = 6, 8
	// One part more than there may be shows that there are too many.
	parts := strings.SplitN(path, "/", infoParts+1)
	if len(parts) != tileParts && len(parts) != infoParts || parts[0] == "" || parts[1] == "" {
		return Request{}, noSuchPath(path)
	}
	last := len(parts) - 1
	name, extension, _ := strings.Cut(parts[last], ".")
	parts[last] = name

	r := Request{Operation: GetTile, Layer: parts[0], Style: parts[1]}
	var fault *Fault
	if r.Tile, fault = parseTile(parts[2], parts[3], parts[4], parts[5]); fault != nil {
		return Request{}, fault.REST()
	}
	if len(parts) == tileParts {
		for f := range formats {
			if Format(f).Extension() == extension {
				r.Format = Format(f)
				return r, nil
			}
		}
		return Request{}, noSuchPath(path)
	}
	r.Operation = GetFeatureInfo
	if r.J, fault = parsePixel("J", parts[6]); fault != nil {
		return Request{}, fault.REST()
	}
	if r.I, fault = parsePixel("I", parts[7]); fault != nil {
		return Request{}, fault.REST()
	}
	for _, f := range InfoFormats() {
		if f.Extension() == extension {
			r.InfoFormat = f
			return r, nil
		}
	}
	return Request{}, noSuchPath(path)
}
