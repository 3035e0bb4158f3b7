package ogc

// API is what the OpenAPI document tells of a service.
type API struct {
	Title, Version, Server string
	// Secured tells that a token is needed.
	Secured                bool
	DefaultLimit, MaxLimit int
	Collections            []APICollection
}

// APICollection is a collection of an [API].
type APICollection struct {
	ID, Title  string
	Queryables []Queryable
}

type object = map[string]any

const mediaHTML = "text/html"

// parameter is a parameter of the query.
func parameter(name, description string, schema object) object {
	return object{"name": name, "in": "query", "description": description, "required": false, "style": "form", "explode": false, "schema": schema}
}

var text = object{"type": "string"}

// shared are the parameters of more than one operation.
func (a API) shared() object {
	box := object{"type": "array", "oneOf": []any{object{"minItems": 4, "maxItems": 4}, object{"minItems": 6, "maxItems": 6}}, "items": object{"type": "number"}}
	uri := object{"type": "string", "format": "uri"}
	return object{
		"f":          parameter("f", "form of the answer", object{"type": "string", "enum": []string{"json", "html"}}),
		"fItems":     parameter("f", "form of the answer", object{"type": "string", "enum": []string{"json", "csv", "html"}}),
		"bbox":       parameter("bbox", "features that meet a box; longitude first, or as bbox-crs says", box),
		"bbox-crs":   parameter("bbox-crs", "coordinate system of bbox", uri),
		"crs":        parameter("crs", "coordinate system of the answer", uri),
		"limit":      parameter("limit", "features of a page", object{"type": "integer", "minimum": 1, "maximum": a.MaxLimit, "default": a.DefaultLimit}),
		"offset":     parameter("offset", "features before the page, as the links of pages have it", object{"type": "integer", "minimum": 0, "default": 0}),
		"datetime":   parameter("datetime", "an instant or interval: the latest vintage that meets it answers", text),
		"properties": parameter("properties", "properties that features are answered with", object{"type": "array", "items": text}),
		"sortby":     parameter("sortby", "properties that features are put in order by, - before those that fall", object{"type": "array", "maxItems": 8, "items": text}),
		"filter":     parameter("filter", "CQL2 Text", object{"type": "string", "maxLength": MaxFilterBytes}),
		"filter-lang": parameter("filter-lang", "language of filter",
			object{"type": "string", "enum": []string{"cql2-text"}, "default": "cql2-text"}),
		"filter-crs":  parameter("filter-crs", "coordinate system of geometries in filter", uri),
		"collections": parameter("collections", "layers of the tiles", object{"type": "array", "items": text}),
		"vintage":     parameter("vintage", "period that the state speaks of, the latest by default", text),
		"generation":  parameter("generation", "frozen state of the edition, the one in force by default", text),
	}
}

// refs are references to shared parameters.
func refs(names ...string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = object{"$ref": "#/components/parameters/" + n}
	}
	return out
}

// get is a path with one operation.
func get(id, summary, tag string, parameters []any, media ...string) object {
	content := object{}
	for _, m := range media {
		schema := object{"type": "object"}
		switch m {
		case "text/csv", mediaHTML:
			schema = object{"type": "string"}
		case "image/png", "application/vnd.mapbox-vector-tile":
			schema = object{"type": "string", "format": "binary"}
		}
		content[m] = object{"schema": schema}
	}
	return object{"get": object{
		"operationId": id, "summary": summary, "tags": []string{tag}, "parameters": parameters,
		"responses": object{
			"200": object{"description": summary, "content": content}, "400": object{"$ref": "#/components/responses/problem"},
			"404": object{"$ref": "#/components/responses/problem"}, "default": object{"$ref": "#/components/responses/problem"},
		},
	}}
}

// tilePaths adds the tiles below an address.
func (a API) tilePaths(paths object, at, id string) {
	state := refs("vintage", "generation")
	inPath := func(name string, schema object) object {
		return object{"name": name, "in": "path", "required": true, "schema": schema}
	}
	set := inPath("tileMatrixSetId", object{"type": "string", "enum": []string{WebMercatorQuad, "c"}})
	number := object{"type": "integer", "minimum": 0}
	if at == "" {
		state = append(refs("collections"), state...)
		paths["/tileMatrixSets"] = get("tileMatrixSets", "tile matrix sets", "Tiles", refs("f", "vintage", "generation"), "application/json", mediaHTML)
		paths["/tileMatrixSets/{tileMatrixSetId}"] = get("tileMatrixSet", "tile matrix set", "Tiles", append([]any{set}, refs("f", "vintage", "generation")...), "application/json", mediaHTML)
	}
	for _, kind := range []struct{ path, name, media string }{{"/tiles", ".vector", "application/vnd.mapbox-vector-tile"}, {"/map/tiles", ".map", "image/png"}} {
		base := at + kind.path
		paths[base] = get(id+kind.name+".tilesets", id+": tilesets", "Tiles", refs("f", "vintage", "generation"), "application/json", mediaHTML)
		paths[base+"/{tileMatrixSetId}"] = get(id+kind.name+".tileset", id+": tileset", "Tiles", append([]any{set, refs("f")[0]}, state...), "application/json", mediaHTML)
		tile := append([]any{set, inPath("tileMatrix", object{"type": "string"}), inPath("tileRow", number), inPath("tileCol", number)}, state...)
		if kind.media == "image/png" {
			tile = append(tile, parameter("style", "look, as the legend names it", text))
		}
		paths[base+"/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"] = get(id+kind.name+".tile", id+": tile", "Tiles", tile, kind.media)
	}
}

// Document returns the document, which is OpenAPI 3.0.
func (a API) Document() map[string]any {
	state := refs("vintage", "generation")
	form := append(refs("f"), state...)
	paths := object{
		"/":            get("landingPage", "landing page", "Capabilities", form, "application/json", mediaHTML),
		"/conformance": get("conformance", "classes conformed to", "Capabilities", form, "application/json", mediaHTML),
		"/api":         get("api", "this document", "Capabilities", form, MediaOpenAPI, mediaHTML),
		"/collections": get("collections", "layers", "Capabilities", form, "application/json", mediaHTML),
	}
	a.tilePaths(paths, "", "edition")
	for _, c := range a.Collections {
		a.tilePaths(paths, "/collections/"+c.ID, c.ID)
		at := "/collections/" + c.ID
		paths[at] = get(c.ID+".collection", c.Title, c.ID, form, "application/json", mediaHTML)
		paths[at+"/queryables"] = get(c.ID+".queryables", c.Title+": properties to choose by", c.ID, form, MediaSchema, mediaHTML)
		paths[at+"/schema"] = get(c.ID+".schema", c.Title+": properties", c.ID, form, MediaSchema, mediaHTML)
		parameters := refs("fItems", "bbox", "bbox-crs", "crs", "limit", "offset", "datetime", "properties", "sortby", "filter", "filter-lang", "filter-crs", "vintage", "generation")
		for _, q := range c.Queryables {
			parameters = append(parameters, parameter(q.Name, q.Title, q.schema()))
		}
		paths[at+"/items"] = get(c.ID+".items", c.Title+": features", c.ID, parameters, "application/geo+json", "text/csv", mediaHTML)
		id := object{"name": "featureId", "in": "path", "required": true, "schema": object{"type": "integer", "minimum": 1}}
		paths[at+"/items/{featureId}"] = get(c.ID+".item", c.Title+": one feature", c.ID, append([]any{id}, refs("f", "crs", "vintage", "generation")...), "application/geo+json", mediaHTML)
	}
	components := object{
		"parameters": a.shared(),
		"responses": object{"problem": object{
			"description": "a problem (RFC 9457)", "content": object{"application/problem+json": object{"schema": object{"type": "object"}}},
		}},
	}
	doc := object{
		"openapi": "3.0.3", "info": object{"title": a.Title, "version": a.Version}, "servers": []any{object{"url": a.Server}},
		"paths": paths, "components": components,
	}
	if a.Secured {
		components["securitySchemes"] = object{"bearer": object{"type": "http", "scheme": "bearer"}, "tk": object{"type": "apiKey", "in": "query", "name": "tk"}}
		doc["security"] = []any{object{"bearer": []any{}}, object{"tk": []any{}}}
	}
	return doc
}
