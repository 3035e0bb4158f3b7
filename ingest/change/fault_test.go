package change_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gengtu/index/compare/comparetest"
	"gengtu/index/problem"
	"gengtu/ingest/change"
)

// fault spoils a package and says by what code, of which record, it must be refused;
// "" where this package has nothing to spoil.
type fault struct {
	name  string
	spoil func(d *delivery, rng *rand.Rand) (code string, record int)
}

func pick(rng *rand.Rand, list []*record, fits func(*record) bool) int {
	var at []int
	for i, r := range list {
		if fits(r) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return -1
	}
	return at[rng.IntN(len(at))]
}

func kind(k ...string) func(*record) bool {
	return func(r *record) bool { return slices.Contains(k, r.Properties["XZQTZLX"].(string)) }
}

func spoilFlow(fits func(*record) bool, code string, spoil func(v map[string]any)) func(*delivery, *rand.Rand) (string, int) {
	return func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, fits)
		if i < 0 {
			return "", 0
		}
		spoil(d.flows[i].Properties)
		return code, i + 1
	}
}

var faults = []fault{
	{"a patch before that is not there", spoilFlow(kind("0", "2", "4"), "PACKAGE_FROM_UNKNOWN", func(v map[string]any) { v["BGQTBBSM"] = "610402200199999999" })},
	{"a patch after that is not there", spoilFlow(kind("0", "1", "3"), "PACKAGE_TO_UNKNOWN", func(v map[string]any) { v["BGHTBBSM"] = "610402200199999999" })},
	{"another class before", spoilFlow(kind("0", "2", "4"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGQDLBM"] = "9999" })},
	{"another class after", spoilFlow(kind("0", "1", "3"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGHDLBM"] = "9999" })},
	{"another TBMJ before", spoilFlow(kind("0", "2", "4"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGQTBMJ"] = v["BGQTBMJ"].(float64) + 0.01 })},
	{"another net area after", spoilFlow(kind("0", "1", "3"), "PACKAGE_DIFFERS", func(v map[string]any) { v["BGHTBDLMJ"] = v["BGHTBDLMJ"].(float64) - 0.01 })},
	{"a cent more", spoilFlow(kind("0"), "PACKAGE_AREA_FROM", func(v map[string]any) { v["TBBGMJ"] = v["TBBGMJ"].(float64) + 0.01 })},
	{"a cent less coming in", spoilFlow(kind("1", "3"), "PACKAGE_AREA_TO", func(v map[string]any) { v["TBBGMJ"] = v["TBBGMJ"].(float64) - 0.01 })},
	{"no area", spoilFlow(kind("0"), "PACKAGE_AREA", func(v map[string]any) { v["TBBGMJ"] = -1.0 })},
	{"no kind", spoilFlow(kind("0"), "PACKAGE_KIND", func(v map[string]any) { v["XZQTZLX"] = "7" })},
	{"out that is told as inside", spoilFlow(kind("2", "4"), "PACKAGE_TO_UNKNOWN", func(v map[string]any) { v["XZQTZLX"] = "0" })},
	{"a flow is missing", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, func(r *record) bool {
			bsm, n := r.Properties["BGQTBBSM"], 0
			for _, o := range d.flows {
				if o.Properties["BGQTBBSM"] == bsm {
					n++
				}
			}
			return bsm != nil && n > 1
		})
		if i < 0 {
			return "", 0
		}
		bsm := d.flows[i].Properties["BGQTBBSM"]
		d.flows = slices.Delete(d.flows, i, i+1)
		return "PACKAGE_AREA_FROM", 1 + slices.IndexFunc(d.flows, func(r *record) bool { return r.Properties["BGQTBBSM"] == bsm })
	}},
	{"a patch without a flow", func(d *delivery, rng *rand.Rand) (string, int) {
		p := *d.patches[rng.IntN(len(d.patches))]
		p.Properties = map[string]any{}
		for k, v := range d.patches[0].Properties {
			p.Properties[k] = v
		}
		p.Properties["BSM"] = "610402200188888888"
		d.patches = append(d.patches, &p)
		return "PACKAGE_PATCH_UNTOLD", len(d.patches)
	}},
	{"a patch without a key", func(d *delivery, rng *rand.Rand) (string, int) {
		i := rng.IntN(len(d.patches))
		d.patches[i].Properties["BSM"] = nil
		return "PACKAGE_PATCH_KEYLESS", i + 1
	}},
	{"a key that a patch that stays has", func(d *delivery, rng *rand.Rand) (string, int) {
		if len(d.kept) == 0 {
			return "", 0
		}
		i := rng.IntN(len(d.patches))
		was := d.patches[i].Properties["BSM"]
		d.patches[i].Properties["BSM"] = d.kept[0]
		for _, r := range d.flows {
			if r.Properties["BGHTBBSM"] == was {
				r.Properties["BGHTBBSM"] = d.kept[0]
			}
		}
		return "PACKAGE_PATCH_TAKEN", i + 1
	}},
	{"a patch without an area", func(d *delivery, rng *rand.Rand) (string, int) {
		i := rng.IntN(len(d.patches))
		d.patches[i].Properties["TBMJ"] = nil
		return "PACKAGE_AREA_MISSING", 1 + slices.IndexFunc(d.flows, func(r *record) bool { return r.Properties["BGHTBBSM"] == d.patches[i].Properties["BSM"] })
	}},
	{"ground that two patches have", func(d *delivery, rng *rand.Rand) (string, int) {
		after := map[any]any{} // of a patch before: a patch that it became
		for _, r := range d.flows {
			from, to := r.Properties["BGQTBBSM"], r.Properties["BGHTBBSM"]
			if from == nil || to == nil {
				continue
			}
			if other, ok := after[from]; ok && other != to {
				byKey := func(bsm any) *record {
					return d.patches[slices.IndexFunc(d.patches, func(p *record) bool { return p.Properties["BSM"] == bsm })]
				}
				one, two := byKey(to), byKey(other)
				one.Geometry = joined(one.Geometry, two.Geometry)
				return "PACKAGE_GROUND_DOUBLE", 0
			}
			after[from] = to
		}
		return "", 0
	}},
	{"a patch a metre off", func(d *delivery, rng *rand.Rand) (string, int) {
		i := rng.IntN(len(d.patches))
		shift(d.patches[i], 1e-5)
		return "PACKAGE_GROUND", 0
	}},
	{"a piece that is another", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, kind("0"))
		if i < 0 {
			return "", 0
		}
		d.flows[i].Geometry = json.RawMessage(`{"type":"Polygon","coordinates":[[[108.7,34.3],[108.71,34.3],[108.7,34.31],[108.7,34.3]]]}`)
		return "PACKAGE_PIECE", i + 1
	}},
	{"out without a shape", func(d *delivery, rng *rand.Rand) (string, int) {
		i := pick(rng, d.flows, kind("1", "2", "3", "4"))
		if i < 0 {
			return "", 0
		}
		d.flows[i].Geometry = json.RawMessage("null")
		return "PACKAGE_PLACELESS", 0
	}},
}

// joined returns the polygons of two shapes as one shape.
func joined(shapes ...json.RawMessage) json.RawMessage {
	var all []json.RawMessage
	for _, s := range shapes {
		var g struct {
			Type        string
			Coordinates json.RawMessage
		}
		_ = json.Unmarshal(s, &g) // is our own
		if g.Type == "Polygon" {
			all = append(all, g.Coordinates)
			continue
		}
		var parts []json.RawMessage
		_ = json.Unmarshal(g.Coordinates, &parts)
		all = append(all, parts...)
	}
	out, _ := json.Marshal(map[string]any{"type": "MultiPolygon", "coordinates": all})
	return out
}

// shift moves the first position of a shape by so many degrees.
func shift(r *record, by float64) {
	var g struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
	_ = json.Unmarshal(r.Geometry, &g) // is our own
	at := g.Coordinates.([]any)
	for {
		if _, ok := at[0].([]any)[0].([]any); !ok {
			break
		}
		at = at[0].([]any)
	}
	first, last := at[0].([]any), at[len(at)-1].([]any)
	first[0], last[0] = first[0].(float64)-by, last[0].(float64)-by
	r.Geometry, _ = json.Marshal(g)
}

// Each planted fault is found, told of the record that has it, and by its own code
// first; and a package without a shape of its flows is taken.
func TestFaults(t *testing.T) {
	planted := map[string]int{}
	for seed := range uint64(12) {
		land := comparetest.New(1000+seed, 16)
		b := base(t, land)
		for n, f := range faults {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			d := deliver(t, land)
			code, record := f.spoil(d, rng)
			if code == "" {
				continue
			}
			planted[f.name]++
			_, rep, err := apply(t, b, d, change.Options{})
			p := problem.Of(err)
			if p == nil || p.Code != "PACKAGE_REFUSED" {
				t.Fatalf("seed %d, %s: %v", seed, f.name, err)
			}
			found := slices.ContainsFunc(rep.Faults, func(p *problem.Problem) bool {
				// A sum is told of the first record of its patch, and names the others.
				named := slices.Contains(strings.Fields(strings.NewReplacer(",", " ", ":", " ").Replace(p.Text(problem.English))), fmt.Sprint(record))
				return strings.HasPrefix(p.Code, code) && (record == 0 || p.Record == int64(record) || named)
			})
			if !found {
				t.Errorf("seed %d, %s: want %s of record %d, found %v", seed, f.name, code, record, rep.Faults)
			}
		}
	}
	for _, f := range faults {
		if planted[f.name] < 3 {
			t.Errorf("%s: planted %d times", f.name, planted[f.name])
		}
	}
}
