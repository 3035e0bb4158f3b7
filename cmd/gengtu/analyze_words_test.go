package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/question"
)

// codeLike are texts that only a program would write: words of small ASCII letters.
var codeLike = regexp.MustCompile(`^[a-z][a-z_]*[a-z0-9]([ +、][a-z][a-z0-9_]*)*$`)

// Every code of an answer's own has words in both languages, in all questions: officers read
// no nongrain and no pbf_nocond. So have the layers that questions name, there or not.
func TestAnalyzeWords(t *testing.T) {
	e := themed(t)
	site := filepath.Join(t.TempDir(), "site.geojson")
	if err := os.WriteFile(site, []byte(polygonOf(deliveryRings[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	seen, coded := 0, map[string]bool{}
	for _, q := range question.All() {
		if q.Name == "reconcile" {
			continue // which has texts of both languages in columns of their own
		}
		args := []string{"analyze", "--edition", e, q.Name, "--json", "--by", "village"}
		if q.NeedsShapes {
			args = append(args, site)
		}
		var answer struct {
			Layers []struct {
				Layer string
				Title struct{ Zh, En string }
			}
			Tables []struct {
				Name    string
				Columns []struct {
					Name, Kind string
					Title      struct{ Zh, En string }
					Values     []analyze.Choice
				}
				Rows []map[string]any
			}
		}
		if err := json.Unmarshal([]byte(must(t, args...)), &answer); err != nil {
			t.Fatal(err)
		}
		for _, l := range answer.Layers {
			if l.Title.Zh == "" || l.Title.Zh == l.Layer {
				t.Errorf("%s: the layer %s is called %q", q.Name, l.Layer, l.Title.Zh)
			}
		}
		for _, table := range answer.Tables {
			for _, c := range table.Columns {
				if regexp.MustCompile(`[a-z]+/[a-z]+|\b(nongrain|enclave|frdbs|unjudged)\b`).MatchString(c.Title.Zh) {
					t.Errorf("%s.%s is called %q", table.Name, c.Name, c.Title.Zh)
				}
				for _, row := range table.Rows {
					text, is := row[c.Name].(string)
					if !is || text == "" {
						continue
					}
					seen++
					told := analyze.Told(table.Name, c.Name, text)
					switch {
					case c.Values != nil && told.Zh == text && told.En == text, c.Values == nil && codeLike.MatchString(text):
						t.Errorf("%s: %s.%s says %q, for which there are no words", q.Name, table.Name, c.Name, text)
					case c.Values != nil:
						coded[table.Name+"."+c.Name] = true
					}
				}
			}
		}
		for _, name := range slices.Concat(q.Layers, q.Optional, q.Twice) {
			if title := analyze.LayerTitle(name); title.Zh == name || title.En == name && strings.Contains(name, "_") {
				t.Errorf("%s names the layer %s, which is called %q", q.Name, name, title)
			}
		}
	}
	if seen < 1000 || len(coded) < 8 {
		t.Errorf("%d texts were looked at, %d columns of codes had some: %v", seen, len(coded), coded)
	}
}
