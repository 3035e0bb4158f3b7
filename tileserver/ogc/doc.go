// Package ogc is OGC API as far as it is no matter of this program's data: filters in
// CQL2 Text, the names and axes of coordinate systems, the parameters of a request for
// features, and the documents that describe the service.
//
// The package reads no edition and answers no request: what is described and what is chosen
// comes from the caller.
package ogc
