package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// addresses are paths of every route below a tier, of what exists and of what
// does not.
var addresses = []string{
	"", "/", "/catalog", "/tiles/all/w.json", "/tiles/all/w/13/6568/3263.mvt", "/tiles/pbf/c/13/6568/1266.png", "/tiles/dltb/w/18/210201/104414.mvt", "/tiles/secret/w/1/0/0.mvt",
	"/map.png?bbox=108.6,34.3,108.62,34.32&width=10&height=10", "/style.json", "/legend.json", "/fonts/Noto/0-255.pbf", "/sprites/map.json", "/sprites/map@2x.png",
	"/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml", "/wmts/pbf/default/w/13/3263/6568.png", "/wmts/pbf/default/w/13/3263/6568.mvt",
	"/wmts/pbf/default/w/13/3263/6568/100/100.json", "/pbf_c/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=pbf&STYLE=default&TILEMATRIXSET=c&FORMAT=tiles&TILEMATRIX=13&TILEROW=1266&TILECOL=6568",
	"/ogc", "/ogc/collections", "/features/pbf/1", "/features/pbf?code=610402200500000077", "/features/nothing/1", "/places", "/places?q=村", "/overlay?place=610402",
	"/overlay?bbox=108.6,34.3,108.62,34.32", "/summary?by=township", "/analyses", "/analyses/1/events", "/catalog?generation=g0000000000000000", "/no/such/place",
}

// None of the routes of a higher tier answers without a token that reaches it,
// by any method, and a refusal tells nothing of what lies behind.
func TestTokensAreAsked(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Secure, e.Government, e.Public)
	tokens := s.tokens
	s.tokens = nil // each request says its own
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"}
	for _, tier := range []string{"secure", "government"} {
		other := map[string]string{"secure": "government", "government": "secure"}[tier]
		for _, who := range []struct {
			name, token string
			status      int
		}{{"no token", "", 401}, {"a wrong token", strings.Repeat("x", len(tokens[tier])), 401}, {"a token cut short", tokens[tier][:len(tokens[tier])-1], 401}, {"the other tier's token", tokens[other], 403}} {
			bodies := map[string]string{}
			for _, address := range addresses {
				for _, method := range methods {
					for _, way := range []string{"header", "tk"} {
						if who.token == "" && way == "tk" {
							continue
						}
						path := "/" + tier + address
						var a answer
						if way == "tk" {
							a = s.do(t, method, withQuery(path, "tk="+who.token), []byte("{}"))
						} else {
							a = s.do(t, method, path, []byte("{}"), "Authorization", strings.TrimSpace("Bearer "+who.token))
						}
						s.refused(t, fmt.Sprintf("%s %s with %s (%s)", method, path, who.name, way), method, a, who.status)
						if method == "GET" && a.Header.Get("Content-Type") == "application/problem+json; charset=utf-8" && a.Status == who.status {
							bodies[withoutRequest(t, a.Body)] = address
						}
					}
				}
			}
			if len(bodies) != 1 {
				t.Errorf("%s with %s: %d different refusals tell what exists: %v", tier, who.name, len(bodies), bodies)
			}
		}
		for _, way := range []func() answer{
			func() answer {
				return s.do(t, "GET", "/"+tier+"/catalog", nil, "Authorization", "Bearer "+tokens[tier])
			},
			func() answer { return s.do(t, "GET", "/"+tier+"/catalog?tk="+tokens[tier], nil) },
		} {
			if a := way(); a.Status != 200 {
				t.Errorf("%s with its own token: %d", tier, a.Status)
			}
		}
	}
	for _, tok := range tokens {
		if strings.Contains(s.log.String(), tok) {
			t.Error("a token stands in the log")
		}
	}
}

// refused fails unless the answer is the refusal wanted. Methods that no route
// has may be refused as such, and OPTIONS answers what CORS asks; neither may
// carry anything.
func (s *server) refused(t *testing.T, name, method string, a answer, want int) {
	t.Helper()
	ok := a.Status == want
	switch method {
	case "OPTIONS":
		ok = ok || a.Status == 204 || a.Status == 404
	case "GET", "HEAD":
		ok = ok || a.Status == 404 && strings.Contains(string(a.Body), `"not_found"`) || a.Status == 404 && method == "HEAD"
	default:
		ok = ok || a.Status == 404 || a.Status == 405 || a.Status == 400 || a.Status == 501
	}
	if !ok {
		t.Errorf("%s: status %d, want %d\n%.200s", name, a.Status, want, a.Body)
	}
	if g := a.Header.Get("Gengtu-Generation") + a.Header.Get("ETag"); g != "" {
		t.Errorf("%s: the refusal names the generation or content %q", name, g)
	}
	if len(a.Body) > 600 || method == "HEAD" && len(a.Body) > 0 {
		t.Errorf("%s: the refusal has %d bytes", name, len(a.Body))
	}
}

func withQuery(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

// withoutRequest returns a problem without the number of its request.
func withoutRequest(t testing.TB, body []byte) string {
	t.Helper()
	var p map[string]any
	decode(t, body, &p)
	delete(p, "request")
	return fmt.Sprint(p)
}

// Paths written otherwise reach no tier around its token, and no tier that is
// not served.
func TestPathsDoNotGoAround(t *testing.T) {
	e := theEditions(t)
	all := serve(t, e.Secure, e.Public)
	one := serve(t, e.Public)
	for _, path := range []string{
		"//secure/catalog", "/./secure/catalog", "/public/../secure/catalog", "/public/%2e%2e/secure/catalog", "/%73ecure/catalog", "/secure%2fcatalog", "/SECURE/catalog",
		"/secure/./catalog", "/secure//catalog", "\\secure\\catalog", "/public/..%2fsecure/catalog", "/public/tiles/../../secure/catalog", "/secure;x/catalog", "/secure/catalog/", "/secure/catalog%00",
		"/secure/catalog?tk=", "/secure/catalog?tk=&tk=x", "/secure/catalog#", "http://127.0.0.1/secure/catalog", "/public/catalog?tier=secure", "/public/features/dltb/1", "/public/tiles/dltb/w/13/6568/3263.mvt",
		"/public/catalog/../../secure/catalog", "/viewer/../secure/catalog", "/viewer/../../../etc/passwd", "/viewer/..%2f..%2fgo.mod", "/public/catalog?generation=../../secure",
	} {
		for _, s := range []*server{all, one} {
			status, body := raw(t, s, "GET "+path+" HTTP/1.1")
			if status == 200 && path != "/public/catalog?tier=secure" || strings.Contains(body, `"tier":"secure"`) || strings.Contains(body, "DLBM") || strings.Contains(body, "root:") {
				t.Errorf("GET %s: status %d\n%.300s", path, status, body)
			}
		}
	}
	for _, tier := range []string{"secure", "government"} {
		for _, address := range addresses {
			if a := one.do(t, "GET", "/"+tier+address, nil); a.Status != 404 {
				t.Errorf("GET /%s%s: status %d from a server of the public edition alone", tier, address, a.Status)
			}
		}
	}
}

// raw sends a request line as it stands, which a client library would put right,
// and returns the status and body of the answer.
func raw(t testing.TB, s *server, line string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\nHost: x\r\nConnection: close\r\n\r\n", line); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&b); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return resp.StatusCode, b.String()
}

// No address of the public tier gives a tile above its last zoom, at any
// protocol, and no shape beyond the policy's bound is measured.
func TestPublicEndsWhereThePolicySays(t *testing.T) {
	e := theEditions(t)
	s := serve(t, e.Public)
	for z := 13; z <= 18; z++ {
		cx, cy, _, _ := tileRange("c", z, [4]float64{108.64, 34.33, 108.64, 34.33})
		wx, wy, _, _ := tileRange("w", z, [4]float64{108.64, 34.33, 108.64, 34.33})
		for _, p := range []string{
			fmt.Sprintf("/tiles/pbf/w/%d/%d/%d.mvt", z, wx, wy), fmt.Sprintf("/tiles/all/c/%d/%d/%d.mvt", z, cx, cy),
			fmt.Sprintf("/tiles/pbf/w/%d/%d/%d.png", z, wx, wy), fmt.Sprintf("/tiles/pbf/c/%d/%d/%d@2x.png", z, cx, cy),
			fmt.Sprintf("/wmts/pbf/default/c/%d/%d/%d.png", z, cy, cx), fmt.Sprintf("/wmts/pbf/default/w/%d/%d/%d.mvt", z, wy, wx), fmt.Sprintf("/wmts/pbf/default/w/%d/%d/%d/9/9.json", z, wy, wx),
			fmt.Sprintf("/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=pbf&STYLE=default&TILEMATRIXSET=c&FORMAT=image/png&TILEMATRIX=%d&TILEROW=%d&TILECOL=%d", z, cy, cx),
			fmt.Sprintf("/pbf_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=pbf&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX=%d&TILEROW=%d&TILECOL=%d", z, wy, wx),
		} {
			a := s.do(t, "GET", "/public"+p, nil)
			if served := a.Status == 200; served != (z <= 14) {
				t.Errorf("GET /public%s: status %d\n%.200s", p, a.Status, a.Body)
			}
		}
	}
	for path, status := range map[string]int{
		"/public/overlay?bbox=108.60,34.30,108.69,34.37": 403, // 64 km², the bound is 25
		"/public/overlay?bbox=108.60,34.30,108.63,34.32": 200,
	} {
		if a := s.do(t, "GET", path, nil); a.Status != status || status == 403 && !strings.Contains(string(a.Body), `"policy"`) {
			t.Errorf("GET %s: status %d, want %d\n%.200s", path, a.Status, status, a.Body)
		}
	}
	a := s.do(t, "POST", "/public/overlay", []byte(`{"geometry":`+randomShapes(1, 1)[0].geoJSON()+`,"return":"features"}`))
	if a.Status != 403 {
		t.Errorf("single features of the public edition: status %d\n%.200s", a.Status, a.Body)
	}
}
