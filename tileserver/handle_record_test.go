package tileserver_test

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver"
	"gengtu/tileserver/catalog"
)

// The catalogue's tables are followed while the server runs; one that is wrong leaves
// what was said before, and is told once in the log and counted.
func TestCatalogueFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "public.yaml")
	say := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	say("tier: public\ndefaults: {source: 甲}\n")
	s := serve(t, func(c *tileserver.Config) {
		var err error
		c.Catalogue, err = catalog.Open([]string{path}, func() (map[edition.Tier][]string, error) {
			return map[edition.Tier][]string{edition.Public: {"cropland", "pbf"}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}, edition.Public)
	want := func(name, source, taken, refused string) {
		t.Helper()
		s.Reload()
		s.Reload()
		for _, l := range decode[struct {
			Layers []struct{ Record catalog.Record }
		}](t, s.get(t, "/public/catalog")).Layers {
			if l.Record.Source != source {
				t.Errorf("%s: the source is %q", name, l.Record.Source)
			}
		}
		r := s.get(t, "/public/catalog/cropland.xml?generation="+s.generations[edition.Public])
		if !bytes.Contains(r.body, []byte("<gmd:statement><gco:CharacterString>"+source+"<")) || strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v %s", name, r.Header, r.body)
		}
		m := string(s.get(t, "/metrics").body)
		if !strings.Contains(m, "\ngengtu_catalogue_tables_total "+taken+"\n") || !strings.Contains(m, "\ngengtu_catalogue_tables_refused_total "+refused+"\n") {
			t.Errorf("%s: %s", name, regexp.MustCompile(`(?m)^gengtu_catalogue.*`).FindAllString(m, -1))
		}
	}
	want("at the start", "甲", "0", "0")
	say("tier: public\ndefaults: {source: 乙}\n")
	want("changed", "乙", "1", "0")
	say("tier: public\nlayers: {dltb: {source: 丙}}\n")
	want("broken", "乙", "1", "1")
	if n := strings.Count(s.log.String(), "catalogue table not taken"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
	say("tier: public\ndefaults: {source: 丁}\n")
	want("mended", "丁", "2", "1")
}

// Every address in the metadata of every layer and tier answers as it is, below the
// address that the server is known by; the picture is one with the layer on it.
func TestRecordAddresses(t *testing.T) {
	const base = "https://map.example.cn/one"
	s := serve(t, func(c *tileserver.Config) { c.PublicURL = base + "/" }, edition.Secure, edition.Public)
	for tier, generation := range s.generations {
		carried := "?vintage=2024&generation=" + generation
		if tier != edition.Public {
			carried += "&tk=" + s.tokens[tier]
		}
		for _, l := range decode[struct{ Layers []struct{ Name string } }](t, s.get(t, "/"+string(tier)+"/catalog"+carried)).Layers {
			r := s.get(t, "/"+string(tier)+"/catalog/"+l.Name+".xml"+carried)
			addresses := addressesIn(t, r.body, base+"/"+string(tier)+"/")
			if len(addresses) != 4 {
				t.Errorf("%s %s: %v", tier, l.Name, addresses)
			}
			for _, a := range addresses {
				answer := s.get(t, strings.TrimPrefix(a, base))
				if answer.StatusCode != http.StatusOK || !strings.Contains(a, "generation="+generation) {
					t.Errorf("%s: %d %.200s", a, answer.StatusCode, answer.body)
				}
				if strings.Contains(a, "map.png") {
					drawn(t, a, answer.body, l.Name != "region")
				}
			}
		}
	}
}

// addressesIn returns the texts of metadata that are addresses below a base.
func addressesIn(t *testing.T, data []byte, base string) []string {
	t.Helper()
	var out []string
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err != nil {
			return out
		}
		if text, is := token.(xml.CharData); is && strings.HasPrefix(string(text), base) {
			out = append(out, string(text))
		}
	}
}

// drawn holds that a picture has something on it, and nothing at its border where no
// places lie beneath: nothing but the imprint, grey on white in the lower third, which
// stands in the corner.
func drawn(t *testing.T, name string, data []byte, places bool) {
	t.Helper()
	p, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	inside, n := p.Bounds().Inset(2), 0
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			if c, _ := color.NRGBAModel.Convert(p.At(x, y)).(color.NRGBA); c.A > 0 {
				if y >= p.Bounds().Max.Y*2/3 && max(c.R, c.G, c.B)-min(c.R, c.G, c.B) < 12 {
					continue
				}
				n++
				if !places && (x < inside.Min.X || y < inside.Min.Y || x >= inside.Max.X || y >= inside.Max.Y) {
					t.Fatalf("%s: it is drawn at the border, %d %d", name, x, y)
				}
			}
		}
	}
	if n == 0 {
		t.Errorf("%s: it is empty", name)
	}
}
