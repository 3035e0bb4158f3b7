package tileserver_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gengtu/index/edition"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tile"
)

// A refusal says in both languages what the token does not grant, and advises; of what
// is there and of what is not it says the same.
func TestRefusalsSayWhatIsNotGranted(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	layers := s.token(t, access.Token{Name: "layers", Scope: &access.Scope{Layers: []string{"pbf", "region"}}})
	zooms := s.token(t, access.Token{Name: "zooms", Scope: &access.Scope{MinZoom: 11}})
	place := s.token(t, access.Token{Name: "place", Scope: &access.Scope{Places: []string{village}}})
	tiles := s.token(t, access.Token{Name: "tiles", Scope: &access.Scope{Operations: []access.Operation{access.Tiles}}})
	page := s.token(t, access.Token{Name: "page", Bounds: access.Bounds{Origins: []string{"https://secret-page.example"}}})
	away := s.token(t, access.Token{Name: "away", Bounds: access.Bounds{Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.8.0/24")}}})
	expired := s.token(t, access.Token{Name: "expired", Created: time.Unix(1, 0), Expires: time.Unix(2, 0)})
	revoked := s.token(t, access.Token{Name: "revoked"})
	if err := access.Revoke(s.accessFile, "revoked", time.Now()); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	at := strings.Split(tileAt(tile.W, 13), "/")
	low := strings.Split(tileAt(tile.W, 8), "/")
	kvp := func(layer string, xyz []string) string {
		return fmt.Sprintf("wmts?SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=%s&STYLE=default&FORMAT=tiles&TILEMATRIXSET=w&TILEMATRIX=%s&TILECOL=%s&TILEROW=%s", layer, xyz[0], xyz[1], xyz[2])
	}
	for _, c := range []struct {
		token   string
		paths   []string // of each %s is what is asked for
		there   string
		not     string // what the edition does not have
		status  int
		zh, en  string
		headers []string
	}{
		{layers, []string{
			"tiles/%s/w/" + strings.Join(at, "/") + ".mvt", "tiles/pbf,%s/w/" + strings.Join(at, "/") + ".png", "tiles/%s/w.json", "features/%s/1", "features/%s?code=1", "overlay?place=610402001&layers=%s",
			"summary?layers=%s", "catalog/%s.xml", "map.png?bbox=108.7,34.3,108.71,34.31&width=100&layers=%s", "diff?layer=%s&from=2023&to=2024", kvp("%s", at), "%s_w/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
			"wmts/%s/default/w/" + at[0] + "/" + at[2] + "/" + at[1] + ".png", "wmts/%s/default/w/" + at[0] + "/" + at[2] + "/" + at[1] + "/5/5.json",
		}, "cropland", "forest", 403, "没有授予图层", "does not grant the layer", nil},
		{zooms, []string{"tiles/pbf/w/%s.mvt", "tiles/pbf/w/%s@2x.png"}, strings.Join(low, "/"), "3/0/0", 403, "没有授予第", "does not grant zoom", nil},
		{zooms, []string{kvp("pbf", low), "wmts/pbf/default/w/" + low[0] + "/" + low[2] + "/" + low[1] + ".png"}, "", "", 403, "没有授予第 8 级", "does not grant zoom 8", nil},
		{place, []string{"overlay?place=%s", "summary?place=%s"}, "610402002", "999999", 403, "没有授予地点", "does not grant the place", nil},
		{tiles, []string{"overlay?place=%s", "places?parent=%s"}, "610402", "999999", 403, "没有授予操作", "does not grant the operation", nil},
		{tiles, []string{"wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&CRS=CRS:84&BBOX=108.7,34.3,108.71,34.31&WIDTH=100&HEIGHT=100&FORMAT=image/png&STYLES=&I=1&J=1&INFO_FORMAT=application/json&LAYERS=pbf&QUERY_LAYERS=pbf"}, "", "", 403, "没有授予操作 features", "does not grant the operation features, it grants: tiles", nil},
		{page, []string{"catalog", "features/%s/1"}, "pbf", "forest", 403, "网页", "pages of certain origins", nil},
		{page, []string{"catalog", "features/%s/1"}, "pbf", "forest", 403, "https://evil.example", "https://evil.example", []string{"Origin", "https://evil.example"}},
		{away, []string{"catalog", "features/%s/1"}, "pbf", "forest", 403, "没有授予从地址", "not granted to the address", nil},
		{expired, []string{"catalog", "features/%s/1"}, "pbf", "forest", 401, "已过期", "has expired", nil},
		{revoked, []string{"catalog", "features/%s/1"}, "pbf", "forest", 401, "已被收回", "was revoked", nil},
		{"gt_none", []string{"catalog", "features/%s/1"}, "pbf", "forest", 401, "令牌无效", "is not valid", nil},
		{"", []string{"catalog", "features/%s/1"}, "pbf", "forest", 401, "需要令牌", "a token is needed", nil},
	} {
		for _, path := range c.paths {
			for lang, word := range map[string]string{"zh": c.zh, "en": c.en} {
				ask := func(what string) reply {
					return s.get(t, "/secure/"+strings.ReplaceAll(path, "%s", what), append([]string{"Authorization", "Bearer " + c.token, "Accept-Language", lang}, c.headers...)...)
				}
				there, not := ask(c.there), ask(c.not)
				body := string(there.body)
				if there.StatusCode != c.status || !strings.Contains(body, word) || c.status == 401 && there.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s (%s): %d %s, want %d with %q", path, lang, there.StatusCode, body, c.status, word)
				}
				if !strings.Contains(path, "wmts?") && !strings.Contains(path, "wms?") && !strings.Contains(body, `"advice":"`) {
					t.Errorf("%s (%s): no advice: %s", path, lang, body)
				}
				for _, secret := range []string{"secret-page", "10.9.8", "dltb", "hsf", "gt_"} {
					if strings.Contains(body, secret) {
						t.Errorf("%s tells %q: %s", path, secret, body)
					}
				}
				zoom := func(of string) string { return strings.SplitN(of, "/", 2)[0] }
				same := strings.NewReplacer(c.not, c.there, "zoom "+zoom(c.not)+",", "zoom "+zoom(c.there)+",", "第 "+zoom(c.not)+" 级", "第 "+zoom(c.there)+" 级")
				if c.not == "" {
					same = strings.NewReplacer()
				}
				if got := same.Replace(changing.ReplaceAllString(string(not.body), "")); not.StatusCode != c.status || got != changing.ReplaceAllString(body, "") {
					t.Errorf("%s: what is not there is told from what is:\n%d %s\n%d %s", path, not.StatusCode, not.body, there.StatusCode, body)
				}
			}
		}
	}
	if r := s.get(t, "/secure/places?parent=610402", "Authorization", "Bearer "+place); r.StatusCode != http.StatusOK {
		t.Errorf("the places around one that is granted: %d", r.StatusCode)
	}
}
