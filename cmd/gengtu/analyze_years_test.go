package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// answered is an answer of gengtu analyze as a program reads it.
type answered struct {
	Identities []struct {
		Name        string  `json:"name"`
		Left, Right float64 `json:"-"`
		Difference  float64 `json:"difference_m2"`
	} `json:"identities"`
	Sankey struct {
		Nodes []struct {
			Name string `json:"name"`
		} `json:"nodes"`
		Links []struct {
			Source string  `json:"source"`
			Target string  `json:"target"`
			AreaM2 float64 `json:"area_m2"`
		} `json:"links"`
	} `json:"sankey"`
	Tables []struct {
		Name string           `json:"name"`
		Rows []map[string]any `json:"rows"`
	} `json:"tables"`
}

// analyzed asks a question of an edition.
func analyzed(t testing.TB, edition, question string, args ...string) *answered {
	t.Helper()
	out := filepath.Join(t.TempDir(), "answer.json")
	must(t, append([]string{"analyze", "--edition", edition, question, "--out", out}, args...)...)
	var a answered
	readJSON(t, out, &a)
	for _, i := range a.Identities {
		if math.Abs(i.Difference) > 0.01 {
			t.Errorf("%s: %s is %.2f m² off", question, i.Name, i.Difference)
		}
	}
	if len(a.Identities) == 0 {
		t.Errorf("%s has no identity", question)
	}
	return &a
}

func readJSON(t testing.TB, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rows returns those of a table; none where the answer has no such table.
func (a *answered) rows(table string) []map[string]any {
	for _, t := range a.Tables {
		if t.Name == table {
			return t.Rows
		}
	}
	return nil
}

// m2 is an area of a row, 0 for none.
func m2(row map[string]any, name string) float64 {
	v, _ := row[name+"_m2"].(float64)
	return v
}

// bothYearsEdition is an edition of the delivery's two years, made once for all tests,
// which must not change it.
var bothYearsEdition = sync.OnceValues(func() (string, error) {
	out := filepath.Join(work, "both-years")
	args := []string{"ingest", "--out", out, "--zooms", "9-9"}
	for _, year := range []string{"2023", "2024"} {
		args = append(args, yearOf(filepath.Join("..", "..", "..", "shared", "data", "delivery"), year, "dltb", "pbf", "hsf", "region")...)
	}
	if said, err := exec.Command(binary(), args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("gengtu %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	return out, nil
})

func bothYears(t testing.TB) string {
	t.Helper()
	edition, err := bothYearsEdition()
	if err != nil {
		t.Fatal(err)
	}
	return edition
}

// On the delivery's two years accounts close at every level, finer places add up to wider
// ones, and opening and closing are what sums by place, which know nothing of flows, say.
func TestYearsOfDelivery(t *testing.T) {
	edition := bothYears(t)
	books := map[string]float64{}
	for vintage, column := range map[string]string{"2023": "opening", "2024": "closing"} {
		out := filepath.Join(t.TempDir(), "sums.json")
		must(t, "info", edition, "--by", "county", "--vintage", vintage, "--layers", "dltb,cropland,pbf", "--out", out)
		var sums struct {
			Rows []struct {
				Place, Layer, Class string
				Book                *float64 `json:"book_m2"`
				Net                 *float64 `json:"net_m2"`
			} `json:"rows"`
		}
		readJSON(t, out, &sums)
		for _, r := range sums.Rows {
			if r.Layer == "dltb" && r.Book != nil {
				books[column+" "+r.Place+" "+r.Class] += *r.Book
			}
			if r.Layer != "dltb" && r.Net != nil {
				books[r.Layer+" "+r.Place+" "+vintage] += *r.Net
			}
		}
	}
	fine := map[string]float64{}
	for _, level := range []string{"village", "township", "county", "prefecture", "province"} {
		a := analyzed(t, edition, "flows", "--by", level)
		wide := map[string]float64{}
		for _, table := range []string{"account", "account_record"} {
			for _, row := range a.rows(table) {
				if d := m2(row, "opening") + m2(row, "inflow") - m2(row, "outflow") + m2(row, "transfer_in") - m2(row, "transfer_out") + m2(row, "double") + m2(row, "adjusted") - m2(row, "closing"); math.Abs(d) > 0.001 {
					t.Errorf("%s by %s is %.3f m² off: %v", table, level, d, row)
				}
				for _, column := range []string{"opening", "inflow", "outflow", "double", "adjusted", "closing"} {
					wide[fmt.Sprint(table, " ", column, " ", row["class"])] += m2(row, column)
					if table == "account_record" && level == "county" && (column == "opening" || column == "closing") {
						if want := books[fmt.Sprint(column, " ", row["xzqdm"], " ", row["class"])]; math.Abs(want-m2(row, column)) > 0.001 {
							t.Errorf("%s of class %v in %v is %.2f m², sums by place have %.2f", column, row["class"], row["xzqdm"], m2(row, column), want)
						}
					}
				}
			}
		}
		if level == "village" {
			fine = wide
			continue
		}
		for k, v := range wide {
			if math.Abs(v-fine[k]) > 0.001 {
				t.Errorf("%s by %s is %.2f m², by village %.2f", k, level, v, fine[k])
			}
		}
		if len(wide) == 0 || len(wide) != len(fine) {
			t.Errorf("by %s there are %d figures, by village %d", level, len(wide), len(fine))
		}
	}
	a := analyzed(t, edition, "summary", "--by", "county")
	for _, row := range a.rows("dash_area") {
		for layer, column := range map[string]string{"cropland": "crop", "pbf": "pbf"} {
			if want := books[fmt.Sprint(layer, " ", row["xzqdm"], " ", row["year"])]; want == 0 || math.Abs(want-m2(row, column)) > 0.001 {
				t.Errorf("%s of %v is %.2f m², sums by place have %.2f", layer, row["year"], m2(row, column), want)
			}
		}
	}
	yearsAgree(t, edition)
}

// yearsAgree holds balance against flows: what left cropland is what flows from it, but
// ridges.
func yearsAgree(t testing.TB, edition string) {
	t.Helper()
	flow, balance := 0.0, 0.0
	a := analyzed(t, edition, "flows", "--by", "county")
	for _, row := range a.rows("flow") {
		if from, to := row["from"].(string), row["to"].(string); strings.HasPrefix(from, "01") && !strings.HasPrefix(to, "01") && to != "1203" {
			flow += m2(row, "booked")
		}
	}
	b := analyzed(t, edition, "balance", "--by", "county")
	for _, table := range []string{"occupation", "conversion", "other"} {
		for _, row := range b.rows(table) {
			balance += m2(row, "out")
		}
	}
	if flow < 1e5 || math.Abs(flow-balance) > 0.001 {
		t.Errorf("%.2f m² flow out of cropland, and %.2f m² are in the balances", flow, balance)
	}
	names, drawn := map[string]bool{}, 0.0
	for _, n := range a.Sankey.Nodes {
		names[n.Name] = true
	}
	for _, l := range a.Sankey.Links {
		if !names[l.Source] || !names[l.Target] {
			t.Errorf("the Sankey's link %+v leads to no node", l)
		}
		drawn += l.AreaM2
	}
	all := 0.0
	for _, row := range a.rows("flow") {
		all += m2(row, "area")
	}
	if math.Abs(drawn-all) > 0.01 {
		t.Errorf("the Sankey has %.2f m², the flows %.2f", drawn, all)
	}
}

// A year that an update package made: the flows of record are the package's own areas, and
// nothing is adjusted.
func TestYearsOfPackage(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "sample")
	must(t, "sample", "--out", sample, "--parcels", "3000")
	edition := filepath.Join(t.TempDir(), "edition")
	must(t, "ingest", "--out", edition, "--zooms", "9-9", "--layer", "dltb@2023="+filepath.Join(sample, "2023", "DLTB.shp"))
	folder, _, flows := samplePackage(t, sample)
	must(t, "update", "--edition", edition, "--package", folder)
	layer, list := records(t, flows, "")
	at := map[string]int{}
	for i, f := range layer.Fields {
		at[f.Name] = i
	}
	want := map[string]float64{}
	for _, f := range list {
		area, ok := f.Values[at["TBBGMJ"]].(float64)
		if !ok {
			t.Fatalf("TBBGMJ is %v", f.Values[at["TBBGMJ"]])
		}
		want[fmt.Sprint(f.Values[at["BGQDLBM"]], " ", f.Values[at["BGHDLBM"]])] += area
	}
	a := analyzed(t, edition, "flows", "--by", "province")
	got := map[string]float64{}
	for _, row := range a.rows("flow") {
		if row["from"] != row["to"] && row["from"] != "1203" {
			got[fmt.Sprint(row["from"], " ", row["to"])] += m2(row, "patch")
		}
	}
	for k, v := range want {
		if math.Abs(v-got[k]) > 0.001 {
			t.Errorf("%s has %.2f m², the package %.2f", k, got[k], v)
		}
	}
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("there are %d flows, the package has %d", len(got), len(want))
	}
	for _, row := range a.rows("account_record") {
		if m2(row, "adjusted") != 0 {
			t.Errorf("the package's year is adjusted: %v", row)
		}
	}
}
