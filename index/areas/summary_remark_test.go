package areas_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// A summary of wider places than were asked for says by which it is told, and one of an
// edition on a grid that an overlay by place has other figures, in every form; others have
// neither column nor note.
func TestSummaryRemarks(t *testing.T) {
	ix := crowd(t, rand.New(rand.NewPCG(6, 2)))
	classes, err := areas.DefaultClasses()
	if err != nil {
		t.Fatal(err)
	}
	forms := func(by areas.Level, gridM float64) map[string]string {
		t.Helper()
		tally, err := areas.TallyOf(t.Context(), ix.Layer("cropland", "2024"), &edition.Policy{GridM: gridM}, areas.OfClasses)
		if err != nil {
			t.Fatal(err)
		}
		s, err := areas.Summarise(areas.SummaryQuestion{By: by, Classes: classes}, []*areas.Tally{tally})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		write := func(name string, to func(io.Writer) error) {
			var b bytes.Buffer
			if err := to(&b); err != nil {
				t.Fatal(err)
			}
			out[name] = b.String()
		}
		for _, f := range areas.SummaryForms {
			write(string(f), func(w io.Writer) error { return areas.WriteSummary(w, s, f, areas.About{}) })
		}
		write("groups", func(w io.Writer) error { return areas.WriteGroups(w, s, areas.ByTotal) })
		write("text", func(w io.Writer) error { return s.WriteText(w, classes, problem.English) })
		out["xlsx"] = unzipped(t, out["xlsx"])
		return out
	}
	plain := forms("county", 0)
	coarse := forms("group", 0)
	grid := forms("county", 100)
	var said struct {
		By     string `json:"by"`
		ToldBy string `json:"told_by"`
	}
	if err := json.Unmarshal([]byte(coarse["json"]), &said); err != nil || said.By != "group" || areas.Level(said.ToldBy).Digits() == 0 || said.ToldBy == "group" {
		t.Fatalf("by %s, told by %q: %v", said.By, said.ToldBy, err)
	}
	for name := range plain {
		for _, c := range []struct {
			code      string
			has, lack string
		}{{"LEVEL_COARSER", coarse[name], grid[name]}, {"SUMS_BY_CODE", grid[name], coarse[name]}} {
			if !strings.Contains(c.has, c.code) {
				t.Errorf("%s does not say %s", name, c.code)
			}
			if strings.Contains(c.lack, c.code) || strings.Contains(plain[name], c.code) || strings.Contains(plain[name], "told_by") {
				t.Errorf("%s says %s, or has its columns, where it is not so", name, c.code)
			}
		}
	}
	for _, name := range []string{"csv", "groups"} {
		head, rest, _ := strings.Cut(coarse[name], "\n")
		row, _, _ := strings.Cut(rest, "\n")
		if !strings.HasSuffix(strings.TrimSpace(head), ",told_by,problems") || !strings.HasSuffix(strings.TrimSpace(row), ","+said.ToldBy+",LEVEL_COARSER") {
			t.Errorf("%s: %s\n%s", name, head, row)
		}
	}
}

// unzipped are the texts of the files of an archive, one after another.
func unzipped(t *testing.T, data string) string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		out += string(text)
	}
	return out
}
