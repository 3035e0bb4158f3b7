package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gengtu/index/sheet"
)

// fill writes a few rows, one of them of many columns.
func fill(s *sheet.Sheet) {
	s.Head([]string{"A", "B"}, []float64{8, 10.5})
	s.Text("001")
	s.Number(0.1, sheet.M2)
	s.End()
	s.Skip(2)
	s.Bool(true)
	s.Text("")
	s.Number(12345678901234.5, sheet.General)
	s.End()
	for i := range 710 {
		s.Number(float64(i), sheet.Count)
	}
	s.End()
}

// part returns a file of a workbook.
func part(t testing.TB, book []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A workbook whose rows go out at once has the sheet of one that grew in memory,
// and both the same bytes each time.
func TestBookIsTheSheet(t *testing.T) {
	var grown, streamed [2]bytes.Buffer
	for i := range 2 {
		s := sheet.New("表")
		fill(s)
		if err := sheet.Write(&grown[i], []*sheet.Sheet{s}); err != nil {
			t.Fatal(err)
		}
		b, err := sheet.Create(&streamed[i], "表")
		if err != nil {
			t.Fatal(err)
		}
		fill(b.Sheet)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(grown[0].Bytes(), grown[1].Bytes()) || !bytes.Equal(streamed[0].Bytes(), streamed[1].Bytes()) {
		t.Error("a second workbook has other bytes")
	}
	for _, name := range []string{"xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"} {
		if !bytes.Equal(part(t, grown[0].Bytes(), name), part(t, streamed[0].Bytes(), name)) {
			t.Errorf("%s differs", name)
		}
	}
	var doc struct {
		Rows []struct {
			R     int `xml:"r,attr"`
			Cells []struct {
				R string `xml:"r,attr"`
				S int    `xml:"s,attr"`
				T string `xml:"t,attr"`
				V string `xml:"v"`
				I string `xml:"is>t"`
			} `xml:"c"`
		} `xml:"sheetData>row"`
	}
	if err := xml.Unmarshal(part(t, streamed[0].Bytes(), "xl/worksheets/sheet1.xml"), &doc); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, r := range doc.Rows {
		if r.R != i+1 {
			t.Errorf("row %d is numbered %d", i+1, r.R)
		}
		for k, c := range r.Cells {
			if i < 3 || k%709 == 0 || k == 26 || k == 702 {
				got = append(got, fmt.Sprint(c.R, " ", c.S, c.T, " ", c.V, c.I))
			}
		}
	}
	want := []string{
		"A1 1inlineStr A", "B1 1inlineStr B", "A2 2inlineStr 001", "B2 3 0.1", "C3 0b 1", "E3 0 12345678901234.5",
		"A4 5 0", "AA4 5 26", "AAA4 5 702", "AAH4 5 709",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Whatever the text, the sheet is XML that gives it back, or the text is counted
// as altered.
func FuzzText(f *testing.F) {
	f.Add("一 <&\"'>\r\n\t=1")
	f.Add("\x00\xff\uFFFE\uFFFD")
	f.Add(strings.Repeat("𠀀", 16384))
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		b, err := sheet.Create(&out, text[:min(len(text), sheet.MaxNameLen)])
		if err != nil {
			t.Fatal(err)
		}
		b.Head([]string{"A"}, []float64{8})
		b.Text(text)
		b.End()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Texts []string `xml:"sheetData>row>c>is>t"`
		}
		if err := xml.Unmarshal(part(t, out.Bytes(), "xl/worksheets/sheet1.xml"), &doc); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(doc.Texts) > 1 {
			got = doc.Texts[1]
		}
		if (got == text) != (b.Altered() == 0) {
			t.Errorf("%q came back as %q, %d altered", text, got, b.Altered())
		}
	})
}
