package main_test

import (
	bytesof "encoding/binary" // binary is the program here
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index"
	"gengtu/index/edition"
)

// years are the three editions of a sample of two years that was updated: the secure one
// has two vintages, a lineage, and patches beside all three of its large files.
type years struct {
	sample, secure, government, public string
	// ids are the secure edition's, lineage those that its lineage names, by layer key.
	ids, lineage map[string][]uint64
}

// What the update brings, and the files that it comes in.
const (
	newName, newPhone, newArea  = "更名承包人甲乙丙", "13800138000", "7171.71"
	changedFile, gonePBF        = "changed-pbf", "deleted-pbf.csv"
	updatedParcels, goneParcels = 3, 2
)

// theYears makes them.
func theYears(t *testing.T) *years {
	t.Helper()
	dir := t.TempDir()
	y := &years{sample: twoYears(t, "800"), secure: filepath.Join(dir, "secure"), government: filepath.Join(dir, "government"), public: filepath.Join(dir, "public")}
	folder, _, _ := samplePackage(t, y.sample)
	must(t, slices.Concat([]string{"ingest", "--zooms", "10-15", "--out", y.secure}, yearOf(y.sample, "2023", "dltb", "pbf", "hsf", "region"))...)
	must(t, "update", "--edition", y.secure, "--package", folder)
	must(t, slices.Concat([]string{"ingest", "--add", "--out", y.secure}, yearOf(y.sample, "2024", "pbf", "hsf"))...)

	parcels := exportedPatches(t, y.secure, "pbf@2024")
	keys := slices.Sorted(maps.Keys(parcels))
	var changed []*parcel
	for _, k := range keys[:updatedParcels] {
		p := parcels[k].clone()
		p.Properties["ZRRMC"], p.Properties["LXDH"], p.Properties["YJJBNTTBMJ"] = newName, newPhone, 7171.71
		changed = append(changed, p)
	}
	key := filepath.Join(dir, "key")
	must(t, "key", "new", "--out", key)
	// send carries the lower editions to another network.
	send := func(more ...string) {
		for _, from := range []string{y.government, y.public} {
			file := from + ".gtp"
			must(t, append([]string{"pack", "--edition", from, "--key", key, "--out", file, "--force", "--approved-by", "甲", "--approved-by", "乙"}, more...)...)
			must(t, "unpack", "--trust", key+".pub", "--tier", filepath.Base(from), "--out", received(from), file)
		}
	}
	gone := filepath.Join(dir, gonePBF)
	if err := os.WriteFile(gone, []byte("BSM\n"+strings.Join(keys[updatedParcels:updatedParcels+goneParcels], "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A generation before the last one, so that there are changes to ask for.
	must(t, "publish", "--from", y.secure, "--tier", "government", "--out", y.government)
	must(t, "publish", "--from", y.secure, "--tier", "public", "--out", y.public)
	send()
	must(t, "update", "--edition", y.secure, "--layer", "pbf@2024="+write(t, changedFile, changed), "--delete", gone)
	must(t, "publish", "--from", y.secure, "--tier", "government", "--out", y.government)
	must(t, "publish", "--from", y.secure, "--tier", "public", "--out", y.public)
	send("--since", "last")
	y.ids, y.lineage = idsOf(t, y.secure)
	return y
}

// received is the edition that came of packages of a lower one, the last of them a delta.
func received(from string) string { return from + "-there" }

// idsOf returns the ids of an edition's features, and those that its lineage names.
func idsOf(t testing.TB, dir string) (ids, lineage map[string][]uint64) {
	t.Helper()
	ix, err := index.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ix.Close() }() // only read
	ids, lineage = map[string][]uint64{}, map[string][]uint64{}
	for i := range ix.Manifest.Layers {
		m := &ix.Manifest.Layers[i]
		l := ix.Layer(m.Name, m.Vintage)
		for k := range l.Len() {
			ids[m.Key()] = append(ids[m.Key()], l.Head(k).ID)
		}
	}
	for _, g := range ix.Lineages() {
		for _, k := range g.Links() {
			lineage[g.Layer+"@"+g.From] = append(lineage[g.Layer+"@"+g.From], k.From)
			lineage[g.Layer+"@"+g.To] = append(lineage[g.Layer+"@"+g.To], k.To)
		}
	}
	return ids, lineage
}

// hideIDs hunts for ids in all spellings that they could have.
func (h *hunt) hideIDs(field string, ids []uint64) {
	for _, id := range ids {
		s := secret{field, strconv.FormatUint(id, 10)}
		for _, b := range [][]byte{[]byte(s.value), bytesof.BigEndian.AppendUint64(nil, id), bytesof.LittleEndian.AppendUint64(nil, id), bytesof.AppendUvarint(nil, id)} {
			h.hide(s, b)
		}
	}
}

// sums adds up the areas of a field of a file by class and by place, as a summary and a
// difference would tell them.
func sums(t *testing.T, file, field string) map[string][]string {
	t.Helper()
	by := map[string]int64{}
	for _, row := range tableRows(t, file, field, "DLBM", "ZLDWDM") {
		x, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			continue // a record without the area
		}
		for _, class := range []string{"", row[1], row[1][:2]} {
			for _, digits := range []int{0, 6, 9, 12} {
				by[class+" "+row[2][:digits]] += int64(math.Round(100 * x))
			}
		}
	}
	out := map[string][]string{}
	for _, cents := range by {
		name := "sums of " + field
		out[name] = append(out[name], fmt.Sprintf("%d.%02d", cents/100, cents%100))
	}
	return out
}

// hunts returns what is hunted for in government, in answers of public and in its files.
func (y *years) hunts(t *testing.T) (government, public, publicFiles *hunt) {
	t.Helper()
	was := filepath.Join(y.sample, "2023")
	v := valuesOf(t, was, filepath.Join(y.sample, "2024"))
	v.personal["file names"] = append(v.personal["file names"], changedFile, gonePBF, samplePatches, sampleFlows)
	v.personal["updated"] = []string{newName, newPhone}
	v.hidden["updated area"] = []string{newArea}
	patches, pbf := filepath.Join(was, "DLTB.shp"), filepath.Join(was, "YJJBNTTB.gpkg")
	v.hidden = joined(v.hidden, sums(t, patches, "TBMJ"), sums(t, patches, "TBDLMJ"), sums(t, pbf, "YJJBNTTBMJ"))
	v.shown = joined(v.shown, sums(t, pbf, "YJJBNTMJ"))
	government, public, publicFiles = v.hunts()
	for _, h := range []*hunt{government, public, publicFiles} {
		for key, ids := range y.ids {
			if strings.HasPrefix(key, "cropland@") {
				continue // a view: they are those of dltb
			}
			h.hideIDs("ids of "+key[:strings.IndexByte(key, '@')], ids)
		}
	}
	return government, public, publicFiles
}

// crawlYears asks for what became of what, and for sums, in every form.
func (s *server) crawlYears(t *testing.T, tier string, ids map[string][]uint64, look func(body []byte)) {
	t.Helper()
	ask := func(path string) {
		a := s.do(t, "GET", "/"+tier+path, nil, "Accept-Encoding", "identity")
		if a.Status >= 500 {
			t.Errorf("GET /%s%s: %d", tier, path, a.Status)
		}
		if strings.Contains(a.Header.Get("Content-Type"), "spreadsheetml") {
			a.Body = unpackedSheet(t, a.Body)
		}
		look(a.Body)
	}
	var catalog struct {
		Layers []struct {
			Name     string
			Vintages []string
			Fields   []struct{ Name string }
		}
	}
	decode(t, s.get(t, 200, "/"+tier+"/catalog").Body, &catalog)
	for _, l := range catalog.Layers {
		for _, form := range []string{"json", "csv", "flows.csv", "geojson", "xlsx"} {
			ask("/diff?layer=" + l.Name + "&f=" + form)
		}
		for _, f := range l.Fields {
			ask("/diff?layer=" + l.Name + "&by=" + f.Name)
			ask("/diff?layer=" + l.Name + "&list=false&by=" + f.Name)
		}
		for _, v := range l.Vintages {
			for _, id := range ids[l.Name+"@"+v] {
				ask(fmt.Sprintf("/features/%s/%d/lineage?vintage=%s", l.Name, id, v))
			}
		}
	}
	for _, v := range []string{"2023", "2024"} {
		for _, form := range []string{"json", "csv", "xlsx"} {
			for _, by := range []string{"county", "township", "village", "group"} {
				ask("/summary?by=" + by + "&vintage=" + v + "&f=" + form)
			}
			for _, layer := range []string{"cropland", "pbf", "dltb"} {
				ask("/summary?table=hectare&layers=" + layer + "&vintage=" + v + "&f=" + form)
			}
			for _, kind := range []string{"total", "first", "broad", "owner", "island"} {
				ask("/summary?kind=" + kind + "&vintage=" + v + "&f=" + form)
			}
		}
	}
}

// publicSumsAlone looks at what public says of years: of single features nothing, and of
// places no more than their townships.
func (s *server) publicSumsAlone(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/diff?layer=pbf&f=csv", "/diff?layer=pbf&by=YJJBNTTBBH"} {
		if a := s.get(t, 403, "/public"+path); !strings.Contains(string(a.Body), `"policy"`) {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	var d struct {
		Counts  map[string]int
		Changes []json.RawMessage
	}
	decode(t, s.get(t, 200, "/public/diff?layer=pbf").Body, &d)
	if d.Counts["unchanged"] == 0 || len(d.Changes) > 0 {
		t.Errorf("the difference of pbf: %v, %d changes are listed", d.Counts, len(d.Changes))
	}
	for _, v := range []string{"2023", "2024"} {
		var sum struct {
			Rows []struct{ Layer, Place string }
		}
		decode(t, s.get(t, 200, "/public/summary?by=village&vintage="+v).Body, &sum)
		for _, row := range sum.Rows {
			if len(row.Place) > 9 {
				t.Errorf("%s: %s is summed by the place %s", v, row.Layer, row.Place)
			}
		}
		if len(sum.Rows) == 0 {
			t.Errorf("%s: no sums", v)
		}
	}
}

// filesOf returns the names of the files of the generation in force.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	name, _, err := edition.Current(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range list {
		out = append(out, f.Name())
	}
	return out
}

// least fails where a search that must find secrets found too few.
func least(t *testing.T, where string, found map[secret]bool, want map[string]int) {
	t.Helper()
	n := byField(found)
	for field, k := range want {
		if n[field] < k {
			t.Errorf("%s: the search finds %d of %s, want %d at least", where, n[field], field, k)
		}
	}
}

// Of an edition with several vintages, a lineage and patches no lower one has, in its
// files or its answers of any vintage, what its tier may not show: neither values nor
// sums, names of updates or ids of the edition above.
func TestNothingLeaksOfYears(t *testing.T) {
	y := theYears(t)
	government, public, publicFiles := y.hunts(t)
	whole := []string{"features.db", "ground.db", "manifest.json", "tiles.db"}
	patched := []string{"features.db", "features.patch", "ground.db", "ground.patch", "manifest.json", "tiles.db", "tiles.patch"}
	if d := cmp.Diff(patched, filesOf(t, y.secure)); d != "" {
		t.Fatalf("the secure edition: %s", d)
	}
	found := map[secret]bool{}
	publicFiles.find([]byte(must(t, "verify", y.secure, "--dump")), found)
	least(t, "dump of secure", found, map[string]int{
		"YJJBNTTB.gpkg ZRRMC": 400, "DLTB.shp BSM": 800, "file names": 6, "updated": 2, "updated area": 1, "ids of dltb": 800, "ids of pbf": 400,
	})
	name, _, err := edition.Current(y.secure)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]map[string]int{"features.patch": {"updated": 2}, "features.db": {"ids of dltb": 50}} {
		raw, err := os.ReadFile(filepath.Join(y.secure, name, file))
		if err != nil {
			t.Fatal(err)
		}
		found := map[secret]bool{}
		publicFiles.find(raw, found)
		least(t, file+" of secure", found, want)
	}

	for dir, h := range map[string]*hunt{
		y.government: government, y.public: publicFiles, received(y.government): government, received(y.public): publicFiles,
	} {
		if dir == received(y.public) { // what a delta changes of government is more than a patch takes
			if got := filesOf(t, dir); !slices.Contains(got, "features.patch") || !slices.Contains(got, "tiles.patch") {
				t.Errorf("what a delta changed of public has no patches: %v", got)
			}
		} else if d := cmp.Diff(whole, filesOf(t, dir)); d != "" {
			t.Errorf("%s: %s", filepath.Base(dir), d)
		}
		found := map[secret]bool{}
		h.find([]byte(must(t, "verify", dir, "--dump")), found)
		clean(t, filepath.Base(dir)+" --dump", found)
		h.find(bytesOf(t, dir), found)
		clean(t, filepath.Base(dir)+" files", found)
	}
	y.nothingIsAnswered(t, government, public)
}

// nothingIsAnswered hunts in what the editions answer.
func (y *years) nothingIsAnswered(t *testing.T, government, public *hunt) {
	t.Helper()
	s := serve(t, y.secure, y.government, y.public)
	for tier, c := range map[string]struct {
		dir  string
		hunt *hunt
	}{"secure": {y.secure, public}, "government": {y.government, government}, "public": {y.public, public}} {
		ids, lineage := idsOf(t, c.dir)
		if tier == "public" {
			if len(lineage) > 0 {
				t.Errorf("public has a lineage of %d layers", len(lineage))
			}
			lineage = ids
			s.publicSumsAlone(t)
		}
		found := map[secret]bool{}
		look := func(body []byte) { c.hunt.find(body, found) }
		s.crawlYears(t, tier, lineage, look)
		if tier == "secure" {
			least(t, "answers of secure", found, map[string]int{
				"DLTB.shp BSM": 5, "ids of dltb": 5, "ids of pbf": 5, "sums of TBMJ": 5, "sums of TBDLMJ": 5, "sums of YJJBNTTBMJ": 3,
			})
			continue
		}
		for _, vintage := range []string{"2023", "2024"} {
			s.crawl(t, tier, vintage, look)
		}
		clean(t, tier+" answers", found)
	}
}
