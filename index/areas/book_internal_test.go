package areas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomCounty makes villages of records with classes of all sizes: many that lie
// on or beside half a step, and beside 1 ha.
func randomCounty(rng *rand.Rand) []hectareVillage {
	codes := []string{"0101", "0103", "0201", "0301", "0404", "0702", "1006", "1104", "1203"}
	area := func() int64 {
		switch rng.IntN(6) {
		case 0:
			return 1 + rng.Int64N(4) // hardly anything
		case 1:
			return unitsPerStep/2 + rng.Int64N(3) - 1
		case 2:
			return hectare + rng.Int64N(3) - 1
		case 3:
			return rng.Int64N(hectare)
		}
		return rng.Int64N(200 * hectare)
	}
	var out []hectareVillage
	for v := range 1 + rng.IntN(12) {
		village := hectareVillage{place: fmt.Sprintf("610402001%03d", 200+v)}
		for range 1 + rng.IntN(8) {
			var r hectareRecord
			for _, k := range rng.Perm(len(codes))[:1+rng.IntN(len(codes))] {
				r.put(codes[k], area())
			}
			for _, c := range r.classes {
				r.exact += c.exact
			}
			village.exact += r.exact
			village.records = append(village.records, r)
		}
		out = append(out, village)
	}
	return out
}

// Leveled areas are none below 0, add up to the county's at every level, and a
// village is its rounded area give or take the steps that it was given.
func TestLevelCloses(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for n := range 3000 {
		villages := randomCounty(rng)
		got := map[string]map[string]int64{}
		levelCounty(villages, got)
		exact, rounded, sum := int64(0), int64(0), int64(0)
		for _, v := range villages {
			exact, rounded = exact+v.exact, rounded+inHectares(v.exact)
		}
		for _, v := range villages {
			row := int64(0)
			for code, a := range got[v.place] {
				if row += a; a < 0 {
					t.Fatalf("county %d, %s: %d of %s", n, v.place, a, code)
				}
			}
			off := inHectares(exact) - rounded
			most := max(off, -off)/int64(len(villages)) + 1
			if d := row - inHectares(v.exact); d < -most || d > most {
				t.Fatalf("county %d, %s: %d steps of %d for an area of %d", n, v.place, d, most, v.exact)
			}
			sum += row
		}
		if sum != inHectares(exact) {
			t.Fatalf("county %d: %d steps, its area is %d", n, sum, inHectares(exact))
		}
	}
}

// The same as a script written from the rule alone.
func TestLevelAgainstScript(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is missing: apt-get install -y python3")
	}
	rng := rand.New(rand.NewPCG(7, 2))
	var counties [][]hectareVillage
	var question [][][][][2]any
	for range 300 {
		c := randomCounty(rng)
		counties = append(counties, c)
		var villages [][][][2]any
		for _, v := range c {
			var records [][][2]any
			for _, r := range v.records {
				var classes [][2]any
				for _, x := range r.classes {
					classes = append(classes, [2]any{x.code, x.exact})
				}
				records = append(records, classes)
			}
			villages = append(villages, records)
		}
		question = append(question, villages)
	}
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/level.py")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][][][]int64
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for n, c := range counties {
		got := map[string]map[string]int64{}
		levelCounty(c, got)
		for i, v := range c {
			sums := map[string]int64{}
			for k, r := range v.records {
				for x, class := range r.classes {
					sums[class.code] += want[n][i][k][x]
				}
			}
			if diff := cmp.Diff(sums, got[v.place]); diff != "" {
				t.Fatalf("county %d, %s (-script +ours):\n%s", n, v.place, diff)
			}
		}
	}
}

// Worked out by hand. Villages of 2.344, 1.344 and 1.344 ha are 5.032 ha, which is
// 5.03; they round to 5.02, so that the largest gets 0.01. Its classes 1.004 of 0101,
// 0.335 of 0103 and 1.005 of 0301 round to 1.00, 0.34 and 1.01 and are leveled from
// 2.35 to 2.35. The second's 0.504, 0.335 and 0.505 are all under 1 ha; they round to
// 1.35, one step too much, which the highest code gives up.
func TestLevelByHand(t *testing.T) {
	record := func(areas ...float64) hectareRecord {
		var r hectareRecord
		for i, a := range areas {
			r.put([]string{"0101", "0103", "0301"}[i], int64(a*hectare+0.5))
		}
		for _, c := range r.classes {
			r.exact += c.exact
		}
		return r
	}
	villages := []hectareVillage{
		{place: "a", records: []hectareRecord{record(0.504, 0.335, 0.505)}},
		{place: "b", records: []hectareRecord{record(1.004, 0.335, 1.005)}},
		{place: "c", records: []hectareRecord{record(1.344)}},
	}
	for i := range villages {
		villages[i].exact = villages[i].records[0].exact
	}
	got := map[string]map[string]int64{}
	levelCounty(villages, got)
	want := map[string]map[string]int64{
		"a": {"0101": 50, "0103": 34, "0301": 50},
		"b": {"0101": 100, "0103": 34, "0301": 101},
		"c": {"0101": 134},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
