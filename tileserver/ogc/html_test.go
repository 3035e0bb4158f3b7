package ogc_test

import (
	"strings"
	"testing"

	"gengtu/tileserver/ogc"
)

// What a document holds is shown as text, whatever is written in it, and only addresses
// of the web become links.
func TestHTMLHolds(t *testing.T) {
	page, err := ogc.HTML(ogc.Page{Title: "<script>", Home: `http://x/?a="b"`, Language: "en"},
		[]byte(`{"a":"<script>alert(1)</script>","b":"javascript:alert(1)","c":"http://x/\"onclick=\"y","d":null,"e":[1,2.50,true],
		"f":[{"type":"Feature","id":7,"properties":{"<b>":"q&r"},"geometry":{"type":"Point","coordinates":[108.70,34.3]}},{"type":"Feature","id":8}],"g":"http://x/{z}"}`))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, not := range []string{"<script>", `href="javascript`, `"onclick`, "<b>", `href="http://x/{z}`} {
		if strings.Contains(text, not) {
			t.Errorf("the page has %s:\n%s", not, text)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", "javascript:alert(1)", "<li>2.50</li>", "<th>&lt;b&gt;</th>", "<td>q&amp;r</td>", "[108.70, 34.3]", "<td>8</td>", "http://x/{z}"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s:\n%s", want, text)
		}
	}
	for _, broken := range []string{"", "{", `{"a":`, strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		if _, err := ogc.HTML(ogc.Page{}, []byte(broken)); err == nil {
			t.Errorf("%.20q is shown", broken)
		}
	}
}

// Vintages that are no periods have no time: any datetime= meets them.
func TestUndatedVintages(t *testing.T) {
	for _, c := range []struct {
		vintages []string
		want     string
		ok       bool
	}{
		{[]string{"三调", "二调"}, "三调", true},
		{[]string{"三调", "2020"}, "", false},
		{nil, "", false},
	} {
		got, ok, err := ogc.PickVintage("1999", c.vintages)
		if got != c.want || ok != c.ok || err != nil {
			t.Errorf("%v: %q %t %v", c.vintages, got, ok, err)
		}
	}
}
