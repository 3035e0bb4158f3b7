package main_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gengtu/index"
	"gengtu/index/geo"
	"gengtu/ingest/policy"
	"gengtu/tileserver/mvt"
	"gengtu/tileserver/tile"
)

// roundedCheck looks at figures of areas by the names that they have.
type roundedCheck struct {
	t    *testing.T
	step float64
	n    int
}

func (c *roundedCheck) figure(where, name string, v float64) {
	c.t.Helper()
	if !strings.HasSuffix(name, "_m2") && !strings.HasSuffix(name, "MJ") || strings.HasSuffix(name, "_aoi_m2") || strings.HasPrefix(name, "aoi_") {
		return
	}
	c.n++
	if math.Abs(v/c.step-math.Round(v/c.step)) > 1e-9 {
		c.t.Errorf("%s: %s is %v", where, name, v)
	}
}

func (c *roundedCheck) document(where, name string, doc any) {
	c.t.Helper()
	switch doc := doc.(type) {
	case float64:
		c.figure(where, name, doc)
	case []any:
		for _, x := range doc {
			c.document(where, name, x)
		}
	case map[string]any:
		for k, x := range doc {
			if _, deeper := x.(map[string]any); !deeper || !strings.HasSuffix(name, "_m2") {
				c.document(where, k, x)
			}
		}
	}
}

func (c *roundedCheck) table(where string, text []byte) {
	c.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\uFEFF"))).ReadAll()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if v, err := strconv.ParseFloat(cell, 64); err == nil {
				c.figure(where, rows[0][i], v)
			}
		}
	}
}

func (c *roundedCheck) tile(where string, data []byte) {
	c.t.Helper()
	layers, err := mvt.Decode(data)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, l := range layers {
		for _, f := range l.Features {
			for _, tag := range f.Tags {
				if v, ok := tag.Value.(float64); ok {
					c.figure(where, tag.Key, v)
				}
			}
		}
	}
}

// Under a policy that rounds, the built program tells no area finer than its step: by no
// route, in no tile, file or record, the edition's own records included.
func TestRoundedByEveryRoute(t *testing.T) {
	secure, dir := small(t), t.TempDir()
	government, rules := filepath.Join(dir, "government"), filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(rules, []byte(strings.Replace(string(policy.DefaultText()), "round_m2: 0", "round_m2: 100", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "publish", "--from", secure, "--tier", "government", "--out", government, "--policy", rules)
	ix, err := index.Open(government, "")
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	s := serve(t, government)
	at := geo.PositionOf(geo.LonLat{Lon: 108.65, Lat: 34.33})
	saw := func(where string, least int, look func(c *roundedCheck)) {
		t.Helper()
		c := &roundedCheck{t: t, step: 100}
		look(c)
		if c.n < least {
			t.Errorf("%s: only %d areas were looked at", where, c.n)
		}
	}
	paths := map[string]int{"/catalog": 6, "/overlay?bbox=108.65,34.33,108.655,34.335&return=features": 100, "/summary?by=village": 10, "/overlay?place=6104": 10}
	for _, name := range []string{"pbf", "hsf"} {
		l := ix.Layer(name, "")
		for i := 0; i < l.Len(); i += l.Len()/3 + 1 {
			paths[fmt.Sprintf("/features/%s/%d", name, l.Head(i).ID)] = 1
		}
	}
	tl := tile.W.At(at, 15)
	paths[fmt.Sprintf("/wmts/pbf/default/w/15/%d/%d/128/128.json", tl.Y, tl.X)] = 0
	for path, least := range paths {
		saw(path, least, func(c *roundedCheck) {
			var doc any
			a := s.get(t, 200, "/government"+path)
			if err := json.Unmarshal(a.Body, &doc); err != nil {
				t.Fatalf("%s: %v %.200s", path, err, a.Body)
			}
			c.document(path, "", doc)
		})
	}
	for _, path := range []string{"/overlay?bbox=108.65,34.33,108.655,34.335&f=csv", "/summary?f=csv&by=village"} {
		saw(path, 2, func(c *roundedCheck) { c.table(path, s.get(t, 200, "/government"+path).Body) })
	}
	for z, least := range map[uint8]int{8: 2, 11: 2, 12: 2, 15: 10, 16: 4} {
		path := "/tiles/pbf,hsf/" + tile.W.At(at, z).String() + ".mvt"
		saw(path, least, func(c *roundedCheck) {
			c.tile(path, s.get(t, 200, "/government"+path, "Accept-Encoding", "identity").Body)
		})
	}
	for _, name := range []string{"pbf", "hsf"} {
		file := filepath.Join(dir, name+".csv")
		must(t, "export", "--edition", government, "--layer", name, "--out", file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		saw(file, 100, func(c *roundedCheck) { c.table(file, text) })
	}
	saw("the records", 20_000, func(c *roundedCheck) {
		l := ix.Layer("pbf", "")
		for i := range l.Len() {
			f, err := l.Feature(i)
			if err != nil {
				t.Fatal(err)
			}
			c.figure("a record", "patch_m2", float64(f.Patch)/100)
			c.figure("a record", "net_m2", float64(f.Net)/100)
			for k, m := range l.Meta.Fields {
				if v, ok := f.Values[k].(float64); ok {
					c.figure("a record", m.Name, v)
				}
			}
		}
	})
}
