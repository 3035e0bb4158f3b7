package tileserver

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gengtu/index"
	"gengtu/index/problem"
	"gengtu/tileserver/ogc"
)

// ogcItems is how many features a page has for which no number is asked. The most are
// [Limits.Features].
const ogcItems = 100

// ogcPageBytes ends a page before its limit does, behind the feature that goes beyond.
const ogcPageBytes = 8 << 20

// ogcHTMLBytes does so for pages that are shown as HTML, in bytes of GeoJSON.
const ogcHTMLBytes = 1 << 20

// itemsRequest asks for features of a layer.
type itemsRequest struct {
	*request
	l             *index.Layer // nil where datetime= meets no vintage
	format        string       // json or csv
	crs           ogc.CRS
	offset, limit int
	queryables    []ogc.Queryable
	filter        *ogc.Filter // nil is all
	sort          []sortKey
	columns       []ogcColumn
	positions     int    // of the shapes that it asks by
	place         func() // gives back its place among long answers; nil while it has none
}

// itemParameters are what items take beside queryables; [choosingParameters] of them say
// which features an answer is of, and in what order.
var (
	choosingParameters = []string{"bbox", "bbox-crs", "filter", "filter-crs", "sortby"}
	itemParameters     = append([]string{"f", "crs", "limit", "offset", "datetime", "properties", "filter-lang", "vintage", "generation", "tk"}, choosingParameters...)
)

// handleOGCItems answers with a page of a layer's features, in the order of the generation
// or of sortby=. The address of the next page names the generation: pages fit each other,
// and each costs what the first one does.
func (s *Server) handleOGCItems(r *request) error {
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	q := &itemsRequest{request: r}
	defer q.leave()
	if err := q.parse(); err != nil {
		return err
	}
	// A page of a thousand features takes milliseconds and megabytes.
	if err := q.takePlace(); err != nil {
		return err
	}
	page, err := q.page()
	if err != nil {
		return err
	}
	q.askFeatures(page.returned)
	h := &r.ctx.Response.Header
	h.Set("Content-Crs", "<"+q.crs.URI+">")
	for _, l := range page.links {
		h.Add("Link", `<`+l.Href+`>; rel="`+l.Rel+`"; type="`+l.Type+`"`)
	}
	h.Set("OGC-NumberMatched", strconv.Itoa(page.matched))
	h.Set("OGC-NumberReturned", strconv.Itoa(page.returned))
	if exposed := h.PeekCanonical(nameExposed); len(exposed) > 0 { // to scripts of other sites
		h.SetCanonical(nameExposed, append(slices.Clone(exposed), ", Content-Crs, Link, OGC-NumberMatched, OGC-NumberReturned"...))
	}
	if q.format == formCSV {
		return r.send("text/csv; charset=utf-8", page.body)
	}
	return r.sendFeatures(q.format, "items", page.body)
}

// parse reads the query.
func (q *itemsRequest) parse() (err error) {
	if err := q.each(); err != nil {
		return err
	}
	if q.format, err = q.ogcForm(formJSON, formCSV, formHTML); err != nil {
		return err
	}
	if q.l, err = q.ogcLayer(); err != nil {
		return err
	}
	described := q.l
	if described == nil {
		described = q.ix().Layer(q.params["layer"], "")
	}
	q.queryables = queryables(described)
	if q.crs, err = ogc.ParseCRS(q.query("crs"), offeredCRS(described)); err != nil {
		return err
	}
	if q.columns, err = q.ogcColumns(described); err != nil {
		return err
	}
	if q.limit, err = q.natural("limit", ogcItems, 1); err != nil {
		return err
	}
	q.limit = min(q.limit, q.server.cfg.Limits.Features)
	if q.offset, err = q.natural("offset", 0, 0); err != nil {
		return err
	}
	if err := q.parseSort(); err != nil {
		return err
	}
	return q.parseFilter(described)
}

// valued are the parameters of items that mean nothing without a value.
var valued = []string{"bbox", "bbox-crs", "crs", "limit", "offset", "datetime", "filter", "filter-lang", "filter-crs"}

// each refuses parameters that are given twice, or empty (17-069r4, 7.5).
func (q *itemsRequest) each() error {
	var given []string
	for k, v := range q.request.ctx.QueryArgs().All() {
		name := string(k)
		switch {
		case !slices.Contains(itemParameters, name):
			continue
		case slices.Contains(given, name):
			return problem.New("PARAMETER_TWICE", "%s 给了两次", "%s is given twice", name)
		case len(v) == 0 && slices.Contains(valued, name):
			return problem.New("PARAMETER_EMPTY", "%s 没有值", "%s has no value", name).Advise("写上值，或去掉这个参数", "write one, or leave the parameter out")
		}
		given = append(given, name)
	}
	return nil
}

// natural reads a whole number of at least least.
func (r *request) natural(name string, otherwise, least int) (int, error) {
	text := r.query(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || int(n) < least {
		return 0, problem.New("PARAMETER_"+strings.ToUpper(name), "%[1]s 是 %.20[2]q，应是不小于 %[3]d 的整数", "%[1]s is %.20[2]q; it is a whole number from %[3]d", name, text, least)
	}
	return int(n), nil
}

// parseSort reads sortby=: names with commas, + or - before them.
func (q *itemsRequest) parseSort() error {
	for _, text := range commaList(q.query("sortby")) {
		// A + that was not encoded arrives as a space.
		name, falling := strings.CutPrefix(strings.TrimLeft(text, " +"), "-")
		i := slices.IndexFunc(q.queryables, func(c ogc.Queryable) bool { return c.Name == name })
		if i < 0 {
			return q.noQueryable("sortby", name)
		}
		q.sort = append(q.sort, sortKey{i, falling})
	}
	if len(q.sort) > 8 {
		return problem.New("PARAMETER_SORTBY", "sortby 多于 8 个字段", "sortby has more than 8 properties")
	}
	return nil
}

func (q *itemsRequest) noQueryable(parameter, name string) error {
	names := make([]string, len(q.queryables))
	for i, c := range q.queryables {
		names[i] = c.Name
	}
	return problem.New("PARAMETER_"+strings.ToUpper(parameter), "%s：没有字段 %.40q", "%s: there is no property %.40q", parameter, name).
		Advise("有：%.400s", "there are: %.400s", strings.Join(names, " "))
}

// parseFilter reads what chooses features: bbox=, filter= and queryables; all together.
func (q *itemsRequest) parseFilter(l *index.Layer) error {
	if lang := q.query("filter-lang"); lang != "" && lang != "cql2-text" {
		return problem.New("PARAMETER_FILTER", "filter-lang 是 %.20q，只有 cql2-text", "filter-lang is %.20q; there is cql2-text", lang)
	}
	var parts []*ogc.Filter
	// Both are judged where nothing is in them, too (19-079r2, /req/features-filter/response).
	boxCRS, err := ogc.ParseCRS(q.query("bbox-crs"), offeredCRS(l))
	if err != nil {
		return err
	}
	crs, err := ogc.ParseCRS(q.query("filter-crs"), offeredCRS(l))
	if err != nil {
		return err
	}
	if text := q.query("bbox"); text != "" {
		f, err := q.boxFilter(boxCRS, text)
		if err != nil {
			return err
		}
		parts = append(parts, f)
	}
	if text := q.query("filter"); text != "" {
		placer := ogcPlacer{crs, q}
		f, err := ogc.ParseFilter(text, ogc.Vocabulary{Queryables: q.queryables, Shape: placer.shape})
		if err != nil {
			return err
		}
		parts = append(parts, f)
	}
	for k, v := range q.request.ctx.QueryArgs().All() {
		name := string(k)
		if slices.Contains(itemParameters, name) {
			continue
		}
		i := slices.IndexFunc(q.queryables, func(c ogc.Queryable) bool { return c.Name == name })
		if i < 0 {
			return q.noQueryable("query", name)
		}
		if len(q.request.ctx.QueryArgs().PeekMulti(name)) > 1 { // thousands fit into an address
			return problem.New("PARAMETER_TWICE", "%.40s 给了不止一次", "%.40s is given more than once", name).
				Advise("几个值用 filter=，以 IN 或 OR", "ask for several values by filter=, with IN or OR")
		}
		f, ok := ogc.Equal(i, q.queryables[i].Kind, string(v))
		if !ok {
			return problem.New("PARAMETER_QUERY", "%[1]s 是 %.40[2]q，应是 %[3]s", "%[1]s is %.40[2]q, which is no %[3]s", name, v, q.queryables[i].Kind)
		}
		parts = append(parts, f)
	}
	q.filter = ogc.All(parts...)
	return nil
}

// boxFilter reads bbox= in a system.
func (q *itemsRequest) boxFilter(crs ogc.CRS, text string) (*ogc.Filter, error) {
	count := 4
	if strings.Count(text, ",") == 5 {
		count = 6 // heights, which no feature has
	}
	n, err := numbers(text, count)
	if err != nil {
		return nil, err
	}
	if count == 6 {
		n = []float64{n[0], n[1], n[3], n[4]}
	}
	shape, err := ogcPlacer{crs, q}.boxShape(n)
	if err != nil {
		return nil, err
	}
	if lo, hi := shape.Box().Min.LonLat(), shape.Box().Max.LonLat(); q.asked.box == nil {
		q.asked.box = []float64{lo.Lon, lo.Lat, hi.Lon, hi.Lat}
	}
	return ogc.Meeting(shape), nil
}

// ogcPage is a page of features.
type ogcPage struct {
	body              []byte
	links             []ogc.Link
	matched, returned int
}

// choice are the features of all pages: so many of them, in the layer's own order or as
// listed.
type choice struct {
	n      int
	listed []int32
}

// choose finds the features of all pages, or remembers them.
func (q *itemsRequest) choose() (choice, error) {
	switch {
	case q.l == nil:
		return choice{}, nil
	case q.filter == nil && len(q.sort) == 0:
		return choice{n: q.l.Len()}, nil
	}
	key := q.l.Meta.Key() + "?" + q.choosing().Encode()
	if list, ok := q.gen.chosen.Get(key); ok {
		return choice{len(list), list}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), q.server.cfg.Limits.Overlay)
	defer cancel()
	row := &ogcRow{layer: q.l, roundM2: q.policy().RoundM2}
	var list []int32
	var err error
	if q.filter == nil {
		for i := range q.l.Len() {
			list = append(list, int32(i))
		}
	} else if list, err = row.choose(ctx, q.filter); err != nil {
		return choice{}, err
	}
	if len(q.sort) > 0 {
		if err := row.order(ctx, list, q.sort); err != nil {
			return choice{}, err
		}
	}
	q.gen.chosen.Put(key, list)
	return choice{len(list), list}, nil
}

// choosing are the parameters of the query that say which features an answer is of.
func (q *itemsRequest) choosing() url.Values {
	v := url.Values{}
	for k, value := range q.request.ctx.QueryArgs().All() {
		if name := string(k); slices.Contains(choosingParameters, name) || !slices.Contains(itemParameters, name) {
			v.Add(name, string(value))
		}
	}
	return v
}

// page makes the page.
func (q *itemsRequest) page() (*ogcPage, error) {
	all, err := q.choose()
	if err != nil {
		return nil, err
	}
	p := &ogcPage{matched: all.n}
	printer := newOGCPrinter(q)
	most := ogcPageBytes
	if q.format == formHTML {
		most = ogcHTMLBytes
	}
	for at := q.offset; at < all.n && p.returned < q.limit && len(printer.body()) < most; at++ {
		i := at
		if all.listed != nil {
			i = int(all.listed[at])
		}
		f, err := q.l.Feature(i)
		if err != nil {
			return nil, err
		}
		if err := printer.add(&f); err != nil {
			return nil, err
		}
		p.returned++
	}
	p.links = q.links(p)
	p.body, err = printer.close(p)
	return p, err
}

// links are those of a page.
func (q *itemsRequest) links(p *ogcPage) []ogc.Link {
	resource := "ogc/collections/" + q.params["layer"] + "/items"
	at := func(change map[string]string) string {
		v := url.Values{}
		for k, value := range q.request.ctx.QueryArgs().All() {
			v.Add(string(k), string(value))
		}
		for k, value := range change {
			v.Set(k, value)
		}
		if len(v) == 0 {
			return q.path(resource)
		}
		return q.path(resource) + "?" + v.Encode()
	}
	mine := mediaTypes[q.format]
	links := []ogc.Link{{Href: at(nil), Rel: "self", Type: mine}}
	for _, f := range []string{formJSON, formCSV, formHTML} {
		if f != q.format {
			links = append(links, ogc.Link{Href: at(map[string]string{"f": f}), Rel: "alternate", Type: mediaTypes[f]})
		}
	}
	links = append(links, ogc.Link{Href: q.address("ogc/collections/" + q.params["layer"]), Rel: "collection", Type: mediaJSON})
	pinned := map[string]string{"generation": q.gen.Name(), "limit": strconv.Itoa(q.limit)}
	if next := q.offset + p.returned; next < p.matched && p.returned > 0 {
		pinned["offset"] = strconv.Itoa(next)
		links = append(links, ogc.Link{Href: at(pinned), Rel: "next", Type: mine})
	}
	if q.offset > 0 {
		pinned["offset"] = strconv.Itoa(max(0, q.offset-q.limit))
		links = append(links, ogc.Link{Href: at(pinned), Rel: "prev", Type: mine})
	}
	return links
}

// handleOGCItem answers with one feature.
func (s *Server) handleOGCItem(r *request) error {
	if err := r.mayTellFeatures(); err != nil {
		return err
	}
	if err := r.onlyParameters("f", "crs", "vintage", "generation", "tk"); err != nil {
		return err
	}
	q := &itemsRequest{request: r}
	var err error
	if q.format, err = r.ogcForm(formJSON, formHTML); err != nil {
		return err
	}
	l, i, err := r.featureOf()
	if p := problem.Of(err); p != nil && p.Code == "PARAMETER_ID" {
		// A path that leads nowhere is 404 (17-069r4, table 2).
		return problem.New("NO_FEATURE", "没有要素 %.40q", "there is no feature %.40q", r.params["id"])
	}
	if err != nil {
		return err
	}
	if q.l = l; err == nil {
		q.crs, err = ogc.ParseCRS(r.query("crs"), offeredCRS(l))
	}
	if err == nil {
		q.columns, err = q.ogcColumns(l)
	}
	if err != nil {
		return err
	}
	f, err := l.Feature(i)
	if err != nil {
		return err
	}
	r.askFeatures(1)
	links := r.ogcSelf("ogc/collections/"+l.Meta.Name+"/items/"+r.params["id"], q.format, mediaGeoJSON)
	links = append(links, ogc.Link{Href: r.address("ogc/collections/" + l.Meta.Name), Rel: "collection", Type: mediaJSON})
	body, err := q.appendFeature(nil, &f, links)
	if err != nil {
		return err
	}
	r.ctx.Response.Header.Set("Content-Crs", "<"+q.crs.URI+">")
	return r.sendFeatures(q.format, r.params["id"], body)
}

// ogcLayer is the layer that the path names, in the vintage of vintage= or datetime=; nil
// when there is none of that time.
func (r *request) ogcLayer() (*index.Layer, error) {
	latest, err := r.findLayer(r.params["layer"])
	datetime := r.query("datetime")
	if err != nil || datetime == "" {
		return latest, err
	}
	if r.query("vintage") != "" {
		return nil, problem.New("PARAMETER_TWICE", "vintage 和 datetime 只能给一个", "give one of vintage and datetime")
	}
	name := latest.Meta.Name
	vintage, ok, err := ogc.PickVintage(datetime, r.ix().Vintages(name))
	if err != nil || !ok {
		return nil, err
	}
	return r.ix().Layer(name, vintage), nil
}

// onlyParameters refuses parameters that a resource does not have (17-069r4, 7.5).
func (r *request) onlyParameters(names ...string) error {
	for k := range r.ctx.QueryArgs().All() {
		if !slices.Contains(names, string(k)) {
			return problem.New("PARAMETER_QUERY", "这里没有参数 %.40q", "there is no parameter %.40q here", k).
				Advise("有：%s", "there are: %s", strings.Join(names, " "))
		}
	}
	return nil
}

// ogcForm is the form of an answer, one of forms, of which the first is the default:
// what f= names, or else what Accept does.
func (r *request) ogcForm(forms ...string) (string, error) {
	f := cmp.Or(r.query("f"), r.acceptedForm(forms))
	if f == "" {
		f = forms[0]
		if err := r.need(mediaTypes[f]); err != nil {
			return "", err
		}
	}
	if !slices.Contains(forms, f) {
		return "", problem.New("PARAMETER_F", "f 是 %.20q", "f is %.20q", f).Advise("有：%s", "there are: %s", strings.Join(forms, " "))
	}
	return f, nil
}

// acceptedForm is the first of forms whose media type Accept names itself, "" for none.
func (r *request) acceptedForm(forms []string) string {
	r.vary("Accept")
	header := string(r.ctx.Request.Header.Peek("Accept"))
	for _, f := range forms {
		if strings.Contains(header, mediaTypes[f]) && r.accepts(mediaTypes[f]) {
			return f
		}
	}
	for _, f := range forms {
		if r.accepts(mediaTypes[f]) {
			return f
		}
	}
	return ""
}
