package policy

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/ingest"
)

// No text of a policy, however it is written, lets a personal or an unknown field
// of a standard layer through; and a text reads the same each time.
func FuzzParse(f *testing.F) {
	f.Add(defaultYAML)
	f.Add([]byte("tiers: {public: {grid_m: 25, max_zoom: 3, layers: {hsf: {fields: [XMMC]}, x: {fields: [ODD]}}}}"))
	f.Add([]byte("tiers: {public: &a {max_zoom: 3, layers: {pbf: {fields: known}}}, government: *a}"))
	layers := []string{"dltb", "cropland", "pbf", "hsf", "region", "contract", "estate", "x"}
	var metas []edition.Layer
	for _, name := range layers {
		p, err := ingest.ProfileOf(name)
		if err != nil {
			f.Fatal(err)
		}
		m := edition.Layer{Name: name, Fields: []edition.Field{{Name: "ODD"}, {Name: "BSM"}, {Name: "LXDH", Known: true}, {Name: "X", Known: true, Personal: true}}}
		for _, pf := range p.Fields {
			m.Fields = append(m.Fields, edition.Field{Name: pf.Name, Known: true, Personal: pf.Personal})
		}
		metas = append(metas, m)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p", data)
		if err != nil {
			if q := problem.Of(err); q == nil || q.Code != "POLICY_FILE" {
				t.Fatal(err)
			}
			return
		}
		again, err := Parse("p", data)
		if err != nil || again.digest != p.digest {
			t.Fatalf("read again: %v", err)
		}
		for name, tier := range p.Tiers {
			if !edition.Secure.Above(name) {
				t.Fatalf("tier %s", name)
			}
			for _, m := range metas {
				keep, err := tier.Layers[m.Name].allowed(&m)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range keep {
					if fd := m.Fields[i]; fd.Personal || fd.Name == "LXDH" || m.Name != "x" && !fd.Known {
						t.Fatalf("%s of %s goes through", fd.Name, m.Name)
					}
				}
				if len(keep) > 0 && tier.Layers[m.Name].Dissolve {
					t.Fatal("dissolved features have fields")
				}
			}
		}
	})
}

// Cells are no smaller than the step anywhere in the box, hardly larger, and stay
// the same while the box grows within its degree.
func TestNewGrid(t *testing.T) {
	for _, lat := range []float64{0, 18, 34.3, 52.6, -34.3, 88.2} {
		for _, step := range []float64{1, 25, 1000} {
			box := geo.Box{Min: geo.PositionOf(geo.LonLat{Lon: 108, Lat: lat}), Max: geo.PositionOf(geo.LonLat{Lon: 109, Lat: lat + 0.5})}
			g := newGrid(step, box)
			plane := geo.NewEqualAreaPlane(box.Max)
			p := plane.To(geo.Position{Lon: box.Max.Lon + g.lon, Lat: box.Max.Lat})
			q := plane.To(geo.Position{Lon: box.Max.Lon, Lat: box.Max.Lat + g.lat})
			if p.X < step*(1-1e-6) && lat >= 0 || q.Y < step*(1-1e-3) || q.Y > step*1.02+0.2 || lat < 60 && p.X > step*1.04+0.2 {
				t.Errorf("at %v a step of %v m is %.3f × %.3f m", lat, step, p.X, q.Y)
			}
			if g.lon%gridStep != 0 || g.lat%gridStep != 0 {
				t.Errorf("steps %v are no multiples", g)
			}
			grown := box
			grown.Max.Lat += 1e7
			grown.Min.Lon -= 1e11
			if newGrid(step, grown) != g {
				t.Errorf("at %v the grid changes with the box", lat)
			}
		}
	}
	if newGrid(0, geo.Box{}) != (grid{}) || newGrid(25, geo.EmptyBox()) != (grid{}) {
		t.Error("no step or no ground has a grid")
	}
}

// The walk through a block meets every cell once, each beside the one before.
func TestHilbertCell(t *testing.T) {
	seen := map[[2]int]bool{}
	px, py := 0, 0
	for d := range blockCells * blockCells {
		x, y := hilbertCell(d)
		if x < 0 || y < 0 || x >= blockCells || y >= blockCells || seen[[2]int{x, y}] {
			t.Fatalf("step %d leads to %d,%d", d, x, y)
		}
		seen[[2]int{x, y}] = true
		if dx, dy := x-px, y-py; d > 0 && dx*dx+dy*dy != 1 {
			t.Fatalf("step %d leads from %d,%d to %d,%d", d, px, py, x, y)
		}
		px, py = x, y
	}
}

// A key that is in place is not replaced.
func TestMakeKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	if err := makeKey(dir, path); err != nil {
		t.Fatal(err)
	}
	first, err := readKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeKey(dir, path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second key: %v", err)
	}
	if again, err := readKey(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the key is another (%v)", err)
	}
}

// A rule that names what it may not, however it came about, lets nothing through.
func TestAllowedAlone(t *testing.T) {
	m := edition.Layer{Name: "hsf", Fields: []edition.Field{{Name: "ODD"}, {Name: "LXDH", Known: true}, {Name: "XMMC"}, {Name: "XMLX", Known: true, Personal: true}, {Name: "JSND", Known: true}}}
	keep, err := Layer{Fields: Fields{Names: []string{"ODD", "LXDH", "XMMC", "XMLX", "JSND"}}}.allowed(&m)
	if err != nil || !slices.Equal(keep, []int{4}) {
		t.Errorf("fields %v go through (%v)", keep, err)
	}
}
