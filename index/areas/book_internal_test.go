package areas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/problem"
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
		levelCounty(countySum(villages), villages, got)
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
		levelCounty(countySum(c), c, got)
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
	levelCounty(countySum(villages), villages, got)
	want := map[string]map[string]int64{
		"a": {"0101": 50, "0103": 34, "0301": 50},
		"b": {"0101": 100, "0103": 34, "0301": 101},
		"c": {"0101": 134},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// countySum is what a county is leveled to where no control area is given.
func countySum(villages []hectareVillage) int64 {
	sum := int64(0)
	for i := range villages {
		sum += villages[i].exact
	}
	return inHectares(sum)
}

// A county that is leveled to a control area has it, each village its rounded area and the
// same number of steps, the largest one more (reference domain 2.6, 3).
func TestLevelToControl(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for n := range 2000 {
		villages := randomCounty(rng)
		with, rounded := 0, int64(0)
		for _, v := range villages {
			rounded += inHectares(v.exact)
			if v.exact > 0 {
				with++
			}
		}
		if with == 0 {
			continue
		}
		d := rng.Int64N(4*int64(with)) + 1
		got := map[string]map[string]int64{}
		levelCounty(rounded+d, villages, got)
		e, f, more, sum := d/int64(with), d%int64(with), int64(0), int64(0)
		for _, v := range villages {
			is := int64(0)
			for _, a := range got[v.place] {
				is += a
			}
			sum += is
			switch steps := is - inHectares(v.exact); {
			case v.exact > 0 && steps == e+1:
				more++
			case v.exact > 0 && steps != e, v.exact == 0 && steps != 0:
				t.Fatalf("county %d: village %s got %d steps of %d", n, v.place, steps, d)
			}
		}
		if sum != rounded+d || more != f {
			t.Fatalf("county %d: %d is leveled to, want %d; %d villages have one more, want %d", n, sum, rounded+d, more, f)
		}
	}
}

// Control areas are read to 0.01 ha, and what is none is refused.
func TestParseControl(t *testing.T) {
	for text, want := range map[string]Control{
		"610402=6448.92": {"610402", "", 644892}, "330902/01=35.1": {"330902", "01", 3510}, "610402=7": {"610402", "", 700},
	} {
		if got, err := ParseControl(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "610402", "610402=", "=1", "61040=1", "61040a=1", "610402=0", "610402=-1", "610402=NaN", "610402=1e3", "610402=1.234", "610402/=1", "610402=1e99", "610402=Inf", "610402=0x1"} {
		if got, err := ParseControl(text); problem.Of(err) == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A control area that is far from the sum, or of no county, is refused.
func TestControlIsChecked(t *testing.T) {
	villages := []hectareVillage{{place: "610402001001", exact: 100 * hectare}}
	for hundredths, ok := range map[int64]bool{10_000: true, 10_050: true, 9_950: true, 10_200: false, 1_000_000: false} {
		h := hectares{q: &SummaryQuestion{Controls: []Control{{County: "610402", Hundredths: hundredths}}}, parts: map[string]int{"610402": 1}}
		got, err := h.control("610402", "", villages)
		if (err == nil) != ok || ok && got != hundredths {
			t.Errorf("%d: %d, %v", hundredths, got, err)
		}
	}
	q := SummaryQuestion{Controls: []Control{{County: "610402"}, {County: "610403"}}}
	if err := q.unusedControl([]int{0}); problem.Of(err) == nil {
		t.Error("a control area of no county is not told")
	}
	if err := q.unusedControl([]int{1, 0}); err != nil {
		t.Error(err)
	}
}
