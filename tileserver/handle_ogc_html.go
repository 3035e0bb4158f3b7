package tileserver

import (
	"encoding/json"
	"strings"

	"gengtu/index/problem"
	"gengtu/tileserver/ogc"
)

// documentForm is the form of a document, json or html: what f= names, or html where
// Accept names it and no JSON, as browsers do.
func (r *request) documentForm() (string, error) {
	r.vary("Accept")
	header := string(r.ctx.Request.Header.Peek("Accept"))
	switch f := r.query("f"); {
	case f == formJSON, f == formHTML:
		return f, nil
	case f != "":
		return "", problem.New("PARAMETER_F", "f 是 %.20q，只有 json 和 html", "f is %.20q; there are json and html", f)
	case strings.Contains(header, mediaHTML) && !strings.Contains(header, "json") && r.accepts(mediaHTML):
		return formHTML, nil
	}
	return formJSON, nil
}

// documentSelf are the links of a document to itself and to its other form.
func (r *request) documentSelf(resource string) []ogc.Link {
	form, err := r.documentForm()
	if err != nil {
		form = formJSON // refused when it is sent
	}
	return r.ogcSelf(resource, form, mediaJSON)
}

// ogcSelf is documentSelf of an answer in that form; media is that of JSON.
func (r *request) ogcSelf(resource, form, media string) []ogc.Link {
	if form == formHTML {
		return []ogc.Link{{Href: r.addressAs(resource, formHTML), Rel: "self", Type: mediaHTML}, {Href: r.addressAs(resource, formJSON), Rel: "alternate", Type: media}}
	}
	return []ogc.Link{{Href: r.address(resource), Rel: "self", Type: media}, {Href: r.addressAs(resource, formHTML), Rel: "alternate", Type: mediaHTML}}
}

// sendDocument answers with a document under its media type, or as HTML.
func (r *request) sendDocument(media string, v any) error {
	form, err := r.documentForm()
	if err != nil {
		return err
	}
	if form == formJSON {
		return r.sendAs(media, v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.sendHTML(string(r.ctx.Path()), data)
}

// sendFeatures answers with GeoJSON, or as HTML.
func (r *request) sendFeatures(form, title string, data []byte) error {
	if form == formHTML {
		return r.sendHTML(title, data)
	}
	data, err := r.withScope(data)
	if err != nil {
		return err
	}
	return r.send(mediaGeoJSON, data)
}

// sendHTML shows an object of JSON.
func (r *request) sendHTML(title string, object []byte) error {
	object, err := r.withScope(object)
	if err != nil {
		return err
	}
	page, err := ogc.HTML(ogc.Page{Title: title, Home: r.address("ogc"), Language: string(r.lang())}, object)
	if err != nil {
		return err
	}
	r.ctx.Response.Header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return r.send("text/html; charset=utf-8", page)
}
