package main_test

import (
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
)

// stand is where a package stands in ARCHITECTURE.md's picture: its line from the top, its
// place in the line, and the house that it is in.
type stand struct {
	line, column int
	house        string
}

// above says whether a package at p may import one at q: below its line or behind it in its
// line, and never in the neighbouring house.
func (p stand) above(q stand) bool {
	if p.house != q.house && p.house != "cmd/gengtu" && q.house != "index" {
		return false
	}
	return p.line < q.line || p.line == q.line && p.column < q.column
}

// pictureOf reads the picture, the first block of a document in Markdown: names of packages
// without their house, two houses side by side divided by │ or all of a line in index.
// What follows ── on a line is a heading.
func pictureOf(document string) map[string]stand {
	blocks := strings.SplitN(document, "```", 3)
	if len(blocks) < 3 {
		return nil
	}
	all := map[string]stand{"cmd/gengtu": {house: "cmd/gengtu"}}
	for line, text := range strings.Split(blocks[1], "\n") {
		if strings.Contains(text, "──") {
			continue
		}
		houses := []string{"index"}
		if strings.Contains(text, "│") {
			houses = []string{"ingest", "tileserver"}
		}
		for i, half := range strings.Split(text, "│") {
			for column, name := range strings.Fields(half) {
				full := houses[i]
				switch name {
				case full:
				case "styles": // its folder is at the top
					full = name
				default:
					full = path.Join(full, name)
				}
				all[full] = stand{line: line, column: column, house: houses[i]}
			}
		}
	}
	return all
}

// strayed lists what of the imports the picture does not show: packages that are not drawn,
// drawn ones that are none, and imports that lead upwards or to the neighbour.
func strayed(picture map[string]stand, all []imported) []string {
	var faults []string
	seen := map[string]bool{}
	for _, p := range all {
		room := strings.TrimPrefix(p.ImportPath, "gengtu/")
		if strings.HasSuffix(room, "test") || strings.HasPrefix(room, "benchmarks") || room == "cmd/gengtu/deploy/sbom" {
			continue
		}
		seen[room] = true
		from, ok := picture[room]
		if !ok {
			faults = append(faults, room+" is not drawn")
			continue
		}
		for _, i := range p.Imports {
			if of, ours := strings.CutPrefix(i, "gengtu/"); ours && !from.above(picture[of]) {
				faults = append(faults, fmt.Sprintf("%s imports %s, which does not stand below or behind it", room, of))
			}
		}
	}
	for room := range picture {
		if !seen[room] {
			faults = append(faults, room+" is drawn, and is no package")
		}
	}
	return faults
}

// TestPicture: the picture drawn from the imports is the picture of ARCHITECTURE.md.
func TestPicture(t *testing.T) {
	document, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := pictureOf(string(document))
	for _, fault := range strayed(shown, packages(t)) {
		t.Error(fault)
	}
	t.Run("planted", func(t *testing.T) {
		const small = "```\n cmd/gengtu ── \n source │ tileserver access live\n ── index/: kernels\n seal edition geo\n```"
		pkg := func(name string, imports ...string) imported {
			p := imported{ImportPath: "gengtu/" + name}
			for _, i := range imports {
				p.Imports = append(p.Imports, "gengtu/"+i)
			}
			return p
		}
		right := []imported{
			pkg("cmd/gengtu", "tileserver", "ingest/source"), pkg("ingest/source", "index/geo"), pkg("tileserver", "tileserver/live", "index/seal"),
			pkg("tileserver/access"), pkg("tileserver/live"), pkg("index/seal", "index/edition"), pkg("index/edition"), pkg("index/geo"),
		}
		if faults := strayed(pictureOf(small), right); len(faults) != 0 {
			t.Fatalf("what is right: %v", faults)
		}
		for _, wrong := range []imported{
			pkg("index/geo", "index/edition"),             // backwards in its line
			pkg("index/geo", "tileserver"),                // upwards
			pkg("tileserver/access", "ingest/source"),     // to the neighbour
			pkg("ingest/source", "tileserver"),            // the other way
			pkg("tileserver/live", "tileserver/live/new"), // to what is not drawn
			pkg("tileserver/new"),                         // not drawn itself
		} {
			if faults := strayed(pictureOf(small), append(right[:len(right):len(right)], wrong)); len(faults) != 1 {
				t.Errorf("%v: %v", wrong, faults)
			}
		}
		if faults := strayed(pictureOf(small), right[:len(right)-1]); len(faults) != 1 {
			t.Errorf("drawn, and no package: %v", faults)
		}
	})
}
