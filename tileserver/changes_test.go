package tileserver_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

type changesDoc struct {
	Generation, Since, Tier string
	Listed                  bool
	Layers                  []struct {
		Layer, Vintage          string
		Added, Changed, Removed int
	}
	Changes []struct {
		Layer, Vintage, Op, Change, Key string
		ID                              uint64
		Feature                         *struct {
			ID         uint64
			Geometry   struct{ Coordinates [][][2]float64 }
			Properties map[string]any
			Vintage    string
		}
	}
	Next *string
}

// content is each feature of a farm as text, by layer and id.
func (f *farm) content() map[string]string {
	out := map[string]string{}
	for _, l := range f.layers {
		for i := range l.features {
			x := &l.features[i]
			values := map[string]any{}
			for k, v := range x.Values {
				values[l.meta.Fields[k].Name] = v
			}
			delete(values, "KD") // not a number
			at := x.Geometry[0][0][0].LonLat()
			out[fmt.Sprintf("%s %d", l.meta.Key(), x.ID)] = fmt.Sprintf("%v %.7f %.7f", values, at.Lon, at.Lat)
		}
	}
	return out
}

// mutate makes the farm another: lots go, come back elsewhere, change their values and
// their shapes, a layer goes and one comes, and one has another field.
func (f *farm) mutate(rng *rand.Rand, round int) {
	f.variant = fmt.Sprint("m", round)
	for i := range f.layers {
		l := &f.layers[i]
		if l.meta.Name != "cropland" {
			continue
		}
		l.features = slices.Clone(l.features)
		for range 4 {
			k := rng.IntN(len(l.features))
			switch rng.IntN(4) {
			case 0:
				l.features = slices.Delete(l.features, k, k+1)
			case 1:
				x := l.features[k]
				x.ID = uint64(9000 + rng.IntN(1000))
				if !slices.ContainsFunc(l.features, func(o index.Feature) bool { return o.ID == x.ID }) {
					l.features = append(l.features, x)
				}
			case 2:
				x := &l.features[k]
				if len(x.Values) > 1 {
					x.Values = slices.Clone(x.Values)
					x.Values[1] = fmt.Sprintf("01%02d", rng.IntN(90))
				}
			default: // elsewhere, so that it lies elsewhere on the curve too
				x := &l.features[k]
				b := lotBox(rng.IntN(lots), 20, lots+1, 21)
				x.Geometry, x.AreaM2 = geo.MultiPolygon{b.Polygon()}, geo.CellArea(b.Min.LonLat(), b.Max.LonLat())
			}
		}
	}
	if round%2 == 1 {
		f.layers = append(f.layers, f.block(fmt.Sprint("extra", round), edition.Title{Zh: "x", En: "x"}, lotBox(0, 0, 1, 1), "XMMC"))
	} else if round > 0 {
		f.layers = slices.DeleteFunc(f.layers, func(l farmLayer) bool { return strings.HasPrefix(l.meta.Name, "extra") })
		for i := range f.layers {
			if l := &f.layers[i]; l.meta.Name == "hsf" {
				l.meta.Fields = []edition.Field{{Name: fmt.Sprint("F", round), Kind: edition.Text, Tile: true}}
			}
		}
	}
}

// Whoever applies the changes since a generation to a copy of it has the one in force,
// in pages of any length; what is put in force between two pages changes none of them.
func TestChanges(t *testing.T) {
	s := serve(t, nil, edition.Secure)
	head := s.bearer(edition.Secure)
	f := newFarm(edition.Secure)
	type state struct {
		name string
		has  map[string]string
	}
	states := []state{{s.generations[edition.Secure], f.content()}}
	rng := rand.New(rand.NewPCG(6, 6))
	for round := range 6 {
		f.mutate(rng, round)
		states = append(states, state{f.commit(t, s.dirs[edition.Secure], 10), f.content()})
	}
	for _, pair := range [][2]int{{0, 1}, {0, 6}, {3, 4}, {6, 2}, {5, 5}} {
		for _, limit := range []int{1, 7, 1000} {
			then, now := states[pair[0]], states[pair[1]]
			has := map[string]string{}
			for k, v := range then.has {
				has[k] = v
			}
			address := fmt.Sprintf("/secure/changes?since=%s&generation=%s&return=features&limit=%d", then.name, now.name, limit)
			for n := 0; address != ""; n++ {
				if n > 500 {
					t.Fatal("the pages do not end")
				}
				r := s.get(t, address, head...)
				if r.StatusCode != http.StatusOK || r.Header.Get("Gengtu-Generation") != now.name {
					t.Fatalf("%s: %d %s", address, r.StatusCode, r.body)
				}
				d := decode[changesDoc](t, r)
				if len(d.Changes) > limit || d.Since != then.name || d.Generation != now.name || !d.Listed {
					t.Fatalf("%s: %d changes, %+v", address, len(d.Changes), d)
				}
				for _, c := range d.Changes {
					k := fmt.Sprintf("%s@%s %d", c.Layer, c.Vintage, c.ID)
					_, had := then.has[k]
					_, is := now.has[k]
					if want := map[[2]bool]string{{true, true}: "changed", {true, false}: "removed", {false, true}: "added"}[[2]bool{had, is}]; want != c.Change {
						t.Errorf("%s: %s, want %s", k, c.Change, want)
					}
					if c.Op == "delete" {
						delete(has, k)
						continue
					}
					delete(c.Feature.Properties, "KD")
					p := c.Feature.Geometry.Coordinates[0][0]
					has[k] = fmt.Sprintf("%v %.7f %.7f", c.Feature.Properties, p[0], p[1])
				}
				address = ""
				if d.Next != nil {
					address = strings.TrimPrefix(*d.Next, "http://gengtu.test")
				}
			}
			if diff := cmp.Diff(now.has, has); diff != "" {
				t.Errorf("%v, pages of %d: %s", pair, limit, diff)
			}
		}
	}
}

// Layers can be chosen; sums take the place of features where these are refused; a
// generation that is not kept is gone, and what makes no sense is refused.
func TestChangesRequests(t *testing.T) {
	s := serve(t, nil, edition.Secure, edition.Public)
	head := s.bearer(edition.Secure)
	for _, tier := range []edition.Tier{edition.Secure, edition.Public} {
		f := newFarm(tier)
		f.variant = "b"
		f.layers[0], f.layers[1] = f.cropland("2023"), f.cropland("2024")
		f.layers[2] = f.block("pbf", edition.Title{Zh: "x", En: "x"}, lotBox(0, 0, 4, 4), "YJJBNTTBBH")
		f.commit(t, s.dirs[tier], 2)
	}
	s.Reload()
	old := s.generations[edition.Secure]
	d := decode[changesDoc](t, s.get(t, "/secure/changes?layer=pbf&since="+old, head...))
	if len(d.Changes) != 1 || d.Changes[0].Layer != "pbf" || d.Changes[0].Op != "put" || d.Changes[0].Feature != nil || d.Changes[0].Key != "pbf-1b" || d.Next != nil {
		t.Errorf("%+v", d)
	}
	for _, c := range []struct {
		address string
		head    []string
	}{
		{"/secure/changes?list=false&layer=cropland&since=" + old, head},
		{"/public/changes?since=" + s.generations[edition.Public], nil},
	} {
		d := decode[changesDoc](t, s.get(t, c.address, c.head...))
		if d.Listed || len(d.Changes) > 0 || len(d.Layers) == 0 {
			t.Errorf("%s: %+v", c.address, d)
		}
		for _, l := range d.Layers {
			if l.Layer == "cropland" && (l.Changed != lots*lots && l.Changed != lots*(lots-1) || l.Added+l.Removed > 0) {
				t.Errorf("%+v", l)
			}
		}
	}
	d = decode[changesDoc](t, s.get(t, "/secure/changes?limit=1&since="+old, head...))
	if d.Next == nil || !strings.Contains(*d.Next, "generation="+d.Generation) {
		t.Errorf("the next page is not of the same generation: %+v", d.Next)
	}
	for _, c := range []struct {
		query  string
		status int
		code   string
	}{
		{"", 400, "parameter_since"},
		{"since=nonsense", 400, "parameter_generation"},
		{"since=g0000000000000000", 410, "generation_gone"},
		{"since=" + old + "&layer=roads", 404, "no_layer"},
		{"since=" + old + "&limit=0", 400, "parameter_limit"},
		{"since=" + old + "&limit=1001", 400, "parameter_limit"},
		{"since=" + old + "&return=all", 400, "parameter_return"},
		{"since=" + old + "&list=perhaps", 400, "parameter_list"},
		{"since=" + old + "&after=x", 400, "parameter_after"},
		{"since=" + old + "&vintage=1999", 404, "no_vintage"},
	} {
		wantProblem(t, c.query, s.get(t, "/secure/changes?"+c.query, head...), c.status, c.code)
	}
	// Whose copy is too old is told how to go on, not to leave out what he did not give.
	if r := s.get(t, "/secure/changes?since=g0000000000000000", head...); !strings.Contains(string(r.body), "anew, whole") {
		t.Errorf("%s", r.body)
	}
	if r := s.get(t, "/secure/changes?since="+old); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", r.StatusCode)
	}
	free := s.HoldPlaces()
	wantProblem(t, "busy", s.get(t, "/secure/changes?since="+old, head...), 429, "too_many")
	free()
}
