package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/index/edition"
)

// counts are the numbers of features by layer key.
func counts(t testing.TB, dir string) map[string]int {
	t.Helper()
	_, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for i := range m.Layers {
		out[m.Layers[i].Key()] = m.Layers[i].Features
	}
	return out
}

// The parts of one project share its number. One that is refused must not cost the
// others that are stored; parts that are not given again go, and that is said.
func TestUpdateParts(t *testing.T) {
	c := smallCountry(t, 40)
	var parts []*parcel
	for _, p := range c.layers["hsf"][:3] {
		q := p.clone()
		delete(q.Properties, "BSM")
		q.Properties["XMBH"] = "P1"
		parts = append(parts, q)
	}
	c.layers["hsf"] = append(parts, c.layers["hsf"][3:]...)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	before := counts(t, dir)["hsf@2024"]
	bad := parts[1].clone()
	bad.Geometry.Coordinates = json.RawMessage(`[]`)
	_, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "hsf="+write(t, "hsf", []*parcel{parts[0].moved(t, 1e-5, 0), bad}))
	if now := counts(t, dir)["hsf@2024"]; code != 1 || !strings.Contains(errs, "[UPDATE_GROUP]") || now != before {
		t.Errorf("a part refused: exit code %d, %d features, %d before\n%s", code, now, before, errs)
	}
	out, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "hsf="+write(t, "hsf", []*parcel{parts[0].moved(t, 1e-5, 0)}))
	if now := counts(t, dir)["hsf@2024"]; code != 0 || !strings.Contains(out+errs, "UPDATE_PARTS") || now != before-2 {
		t.Errorf("a part alone: exit code %d, %d features, %d before\n%s%s", code, now, before, out, errs)
	}
}

// What a file of changes does not have is said, and so is that features without a key
// replace none.
func TestUpdateNotes(t *testing.T) {
	c := smallCountry(t, 40)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	lacking, keyless := c.layers["dltb"][0].clone(), c.layers["dltb"][1].moved(t, 0.001, 0)
	delete(lacking.Properties, "DLMC")
	delete(keyless.Properties, "DLMC")
	delete(keyless.Properties, "BSM")
	out, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "dltb="+write(t, "dltb", []*parcel{lacking, keyless}))
	if said := out + errs; code != 0 || !strings.Contains(said, "UPDATE_LACKS") || !strings.Contains(said, "DLMC") || !strings.Contains(said, "UPDATE_KEYLESS") {
		t.Errorf("exit code %d\n%s", code, said)
	}
}

// Keys are deleted from what is, not from what was; a list may be in GBK.
func TestUpdateDeletesLatest(t *testing.T) {
	c := smallCountry(t, 40)
	dir := filepath.Join(t.TempDir(), "s")
	file := write(t, "pbf", c.layers["pbf"])
	must(t, "ingest", "--out", dir, "--layer", "pbf@2023="+file, "--layer", "pbf@2024="+file)
	before := counts(t, dir)
	list := filepath.Join(t.TempDir(), "list.csv")
	gbk := "\xb1\xea\xca\xb6\xc2\xeb,x\n" // 标识码
	if err := os.WriteFile(list, []byte(gbk+c.layers["pbf"][0].key()+",1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "update", "--edition", dir, "--delete", list)
	if now := counts(t, dir); now["pbf@2023"] != before["pbf@2023"] || now["pbf@2024"] != before["pbf@2024"]-1 {
		t.Errorf("%v, before %v", now, before)
	}
}

// Tiles that were drawn in another way are not mixed with new ones.
func TestUpdateDrawing(t *testing.T) {
	c := smallCountry(t, 20)
	dir := filepath.Join(t.TempDir(), "s")
	c.ingest(t, dir)
	name, m, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.Drawing++
	data, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name, "manifest.json"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, errs, code := gengtu(t, "update", "--edition", dir, "--layer", "hsf="+write(t, "hsf", c.layers["hsf"][:1]))
	if code != 1 || !strings.Contains(errs, "[UPDATE_DRAWING]") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
