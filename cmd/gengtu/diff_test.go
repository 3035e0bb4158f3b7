package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// The layers that are compared are those that the states name, each the other's where it
// names none; without a name the command and the server take the same.
func TestDiffLayer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "edition")
	must(t, "ingest", "--out", dir, "--zooms", "9-9", "--layer", "pbf@2024="+delivery(t, "delivery", "2024", "YJJBNTTB.gpkg"),
		"--layer", "hsf@2023="+delivery(t, "delivery", "2023", "GBZNT.geojson"), "--layer", "hsf@2024="+delivery(t, "delivery", "2024", "GBZNT.geojson"))
	type states struct {
		From, To struct{ Layer, Vintage string }
	}
	check := func(name string, answer []byte, from, to string) {
		t.Helper()
		var d states
		decode(t, answer, &d)
		if got := [2]string{d.From.Layer + "@" + d.From.Vintage, d.To.Layer + "@" + d.To.Vintage}; got != [2]string{from, to} {
			t.Errorf("%s: compared %v, want %s and %s", name, got, from, to)
		}
	}
	both := theEditions(t).Secure
	for _, tt := range []struct {
		from, to         string
		within           bool
		wantFrom, wantTo string
	}{
		{"@2023", "@2024", true, "hsf@2023", "hsf@2024"},
		{"pbf@2024", "@2024", true, "pbf@2024", "pbf@2024"},
		{"@2024", "pbf@2024", true, "pbf@2024", "pbf@2024"},
		{"pbf@2024", "hsf@2024", true, "pbf@2024", "hsf@2024"},
		{dir, both, false, "pbf@2024", "pbf@2024"}, // which both hold, as neither dltb nor cropland
		{both, both, false, "dltb@2024", "dltb@2024"},
	} {
		args := []string{"--json", "diff", tt.from, tt.to}
		if tt.within {
			args = append(args, "--edition", dir)
		}
		check(tt.from+" "+tt.to, []byte(must(t, args...)), tt.wantFrom, tt.wantTo)
	}
	// A name of a state goes before --layer, and that before the other's; each has its own vintage.
	check("--layer and a name", []byte(must(t, "--json", "diff", "--edition", dir, "--layer", "pbf", "hsf@2023", "@2024")), "hsf@2023", "pbf@2024")
	check("years of editions", []byte(must(t, "--json", "diff", "--layer", "hsf", dir+"@2023", both+"@2024")), "hsf@2023", "hsf@2024")
	check("--layer", []byte(must(t, "--json", "diff", "--layer", "hsf", dir, both)), "hsf@2024", "hsf@2024")
	s := serve(t, dir)
	check("GET", s.get(t, 200, "/secure/diff?list=false").Body, "hsf@2023", "hsf@2024")
	check("GET of one layer", s.get(t, 200, "/secure/diff?list=false&layer=pbf&from=2024&to=2024").Body, "pbf@2024", "pbf@2024")
}

// Two states without a layer in common are told so, with what each holds, by the command
// and by the server.
func TestDiffNothingInCommon(t *testing.T) {
	dir, other := filepath.Join(t.TempDir(), "edition"), filepath.Join(t.TempDir(), "other")
	hsf, pbf := "hsf@2024="+delivery(t, "delivery", "2024", "GBZNT.geojson"), "pbf@2024="+delivery(t, "delivery", "2024", "YJJBNTTB.gpkg")
	must(t, "ingest", "--out", dir, "--zooms", "9-9", "--layer", hsf)
	first, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "ingest", "--out", other, "--zooms", "9-9", "--layer", pbf)
	must(t, "ingest", "--out", dir, "--zooms", "9-9", "--layer", pbf)
	second, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{
		"zh": "gengtu: diff: 两者没有共同的图层；前者有：hsf；后者有：pbf [NO_LAYER]\n",
		"en": "gengtu: diff: the two hold no layer in common; the first holds: hsf; the second holds: pbf [NO_LAYER]\n",
	} {
		for _, args := range [][]string{{dir + "#" + first, other}, {"--edition", dir, first, second}} {
			if out, said, code := gengtu(t, append([]string{"--lang", lang, "diff"}, args...)...); code != 1 || out != "" || said != want {
				t.Errorf("%v: exit code %d, %s%s", args, code, out, said)
			}
		}
	}
	s := serve(t, dir)
	var p struct{ Code, Title, Detail string }
	answer := s.get(t, 404, "/secure/diff?list=false&from="+first+"&to="+second).Body
	decode(t, answer, &p)
	if said := string(answer); p.Code != "no_layer" || !strings.Contains(said, "no layer in common") || !strings.Contains(said, "the first holds: hsf; the second holds: pbf") {
		t.Errorf("GET: %s", said)
	}
}
