package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// parcel is a line of a GeoJSON text sequence.
type parcel struct {
	Type       string         `json:"type"`
	Properties map[string]any `json:"properties"`
	Geometry   struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

func (p *parcel) key() string { return fmt.Sprint(p.Properties["BSM"]) }

// polygons returns the rings, whichever type the geometry has.
func (p *parcel) polygons(t testing.TB) [][][][2]float64 {
	t.Helper()
	var many [][][][2]float64
	if p.Geometry.Type == "Polygon" {
		many = make([][][][2]float64, 1)
		decode(t, p.Geometry.Coordinates, &many[0])
		return many
	}
	decode(t, p.Geometry.Coordinates, &many)
	return many
}

func (p *parcel) set(t testing.TB, m [][][][2]float64) {
	t.Helper()
	b := []byte("[")
	for i, poly := range m {
		for k, ring := range poly {
			b = append(b, [...]string{"[[", ",["}[min(k, 1)]...)
			for n, v := range ring {
				b = append(b, [...]string{"[", ",["}[min(n, 1)]...)
				b = strconv.AppendFloat(b, v[0], 'f', 10, 64)
				b = strconv.AppendFloat(append(b, ','), v[1], 'f', 10, 64)
				b = append(b, ']')
			}
			b = append(b, ']')
		}
		b = append(b, ']')
		if i < len(m)-1 {
			b = append(b, ',')
		}
	}
	p.Geometry.Type, p.Geometry.Coordinates = "MultiPolygon", append(b, ']')
}

func (p *parcel) clone() *parcel {
	q := *p
	q.Properties = map[string]any{}
	for k, v := range p.Properties {
		q.Properties[k] = v
	}
	return &q
}

func (p *parcel) moved(t testing.TB, dx, dy float64) *parcel {
	t.Helper()
	q, m := p.clone(), p.polygons(t)
	for _, poly := range m {
		for _, ring := range poly {
			for i := range ring {
				ring[i][0] += dx
				ring[i][1] += dy
			}
		}
	}
	q.set(t, m)
	return q
}

// country is a small edition's delivery, by layer: what a full ingest takes.
type country struct {
	layers map[string][]*parcel
}

// smallCountry takes the first parcels of each layer of the delivery.
func smallCountry(t testing.TB, limit int) *country {
	t.Helper()
	e := theEditions(t)
	c := &country{layers: map[string][]*parcel{}}
	for _, layer := range []string{"dltb", "pbf", "hsf", "region"} {
		file := filepath.Join(t.TempDir(), layer+".geojsonl")
		must(t, "export", "--edition", e.Secure, "--layer", layer, "--out", file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(line, []byte{0x1e})))
			d.UseNumber()
			p := &parcel{}
			if err := d.Decode(p); err != nil {
				t.Fatal(err)
			}
			delete(p.Properties, "gengtu_id")
			delete(p.Properties, "area_m2")
			if c.layers[layer] = append(c.layers[layer], p); len(c.layers[layer]) == limit {
				break
			}
		}
	}
	return c
}

// write writes parcels as a file of a layer and returns its path.
func write(t testing.TB, name string, parcels []*parcel) string {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parcels {
		line, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	path := filepath.Join(t.TempDir(), name+".geojsonl")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ingest takes all layers into dir.
func (c *country) ingest(t testing.TB, dir string) {
	t.Helper()
	args := []string{"ingest", "--out", dir, "--vintage", "2024", "--zooms", "5-14"}
	for _, layer := range []string{"dltb", "pbf", "hsf", "region"} {
		args = append(args, "--layer", layer+"="+write(t, layer, c.layers[layer]))
	}
	must(t, args...)
}

// change is what an update is given.
type change struct {
	put  map[string][]*parcel
	gone []string
}

// put makes p part of the country, in place of the one with its key.
func (c *country) put(ch *change, layer string, p *parcel) {
	for i, q := range ch.put[layer] {
		if q.key() == p.key() {
			ch.put[layer][i] = p
			c.replace(layer, p)
			return
		}
	}
	ch.put[layer] = append(ch.put[layer], p)
	c.replace(layer, p)
}

func (c *country) replace(layer string, p *parcel) {
	for i, q := range c.layers[layer] {
		if q.key() == p.key() {
			c.layers[layer][i] = p
			return
		}
	}
	c.layers[layer] = append(c.layers[layer], p)
}

func (c *country) remove(ch *change, layer, key string) {
	for i, q := range c.layers[layer] {
		if q.key() == key {
			c.layers[layer] = append(c.layers[layer][:i:i], c.layers[layer][i+1:]...)
			break
		}
	}
	for _, q := range ch.put[layer] {
		if q.key() == key {
			return // it would be both
		}
	}
	ch.gone = append(ch.gone, key)
	// Keys go from the layers that are named: one that stays as it is names it.
	if len(ch.put[layer]) == 0 {
		ch.put[layer] = []*parcel{c.layers[layer][0]}
	}
}

// random changes the country by moves, splits, merges, deletions, growth, other
// classes and other figures.
func (c *country) random(t testing.TB, rng *rand.Rand, n int) *change {
	t.Helper()
	ch := &change{put: map[string][]*parcel{}}
	touched := map[string]bool{}
	for i := range n {
		layer := []string{"dltb", "dltb", "pbf", "hsf"}[rng.IntN(4)]
		all := c.layers[layer]
		p := all[rng.IntN(len(all))]
		if touched[p.key()] {
			continue
		}
		touched[p.key()] = true
		fresh := p.clone()
		fresh.Properties["BSM"] = fmt.Sprintf("%s9%05d", p.key()[:12], rng.IntN(100_000))
		touched[fresh.key()] = true
		switch rng.IntN(8) {
		case 0, 1:
			c.put(ch, layer, p.moved(t, (rng.Float64()-0.5)*1e-3, (rng.Float64()-0.5)*1e-3))
		case 2: // a split: each half of the vertices' box, under new keys
			m := p.polygons(t)
			lo, hi := m[0][0][0], m[0][0][0]
			for _, v := range m[0][0] {
				lo, hi = [2]float64{min(lo[0], v[0]), min(lo[1], v[1])}, [2]float64{max(hi[0], v[0]), max(hi[1], v[1])}
			}
			mid := (lo[0] + hi[0]) / 2
			q := p.clone()
			q.Properties["BSM"] = fresh.key() + "1"
			fresh.set(t, [][][][2]float64{{{lo, {mid, lo[1]}, {mid, hi[1]}, {lo[0], hi[1]}, lo}}})
			q.set(t, [][][][2]float64{{{{mid, lo[1]}, {hi[0], lo[1]}, hi, {mid, hi[1]}, {mid, lo[1]}}}})
			c.put(ch, layer, fresh)
			c.put(ch, layer, q)
			c.remove(ch, layer, p.key())
		case 3: // a merge with another
			other := all[rng.IntN(len(all))]
			if touched[other.key()] {
				continue
			}
			touched[other.key()] = true
			q := p.clone()
			q.set(t, append(p.polygons(t), other.polygons(t)...))
			c.put(ch, layer, q)
			c.remove(ch, layer, other.key())
		case 4:
			c.remove(ch, layer, p.key())
		case 5:
			q := p.clone()
			if _, ok := q.Properties["DLBM"]; !ok {
				continue
			}
			q.Properties["DLBM"] = []string{"0101", "0103", "0201", "0301K"}[rng.IntN(4)]
			c.put(ch, layer, q)
		case 6:
			q := p.clone()
			for _, f := range []string{"TBDLMJ", "YJJBNTMJ"} {
				if _, ok := q.Properties[f]; ok {
					q.Properties[f] = 1234.5
				}
			}
			c.put(ch, layer, q)
		case 7:
			far := 1e-3
			if i == n-1 {
				far = 0.02 // beyond what there is
			}
			c.put(ch, layer, fresh.moved(t, far, far/2))
		}
	}
	return ch
}

// args are those of an update with ch.
func (ch *change) args(t testing.TB, dir string) []string {
	t.Helper()
	args := []string{"update", "--edition", dir}
	for layer, put := range ch.put {
		args = append(args, "--layer", layer+"="+write(t, layer, put))
	}
	if len(ch.gone) > 0 {
		path := filepath.Join(t.TempDir(), "gone.txt")
		if err := os.WriteFile(path, []byte(strings.Join(ch.gone, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--delete", path)
	}
	return args
}
