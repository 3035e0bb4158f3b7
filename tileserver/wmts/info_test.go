package wmts_test

import (
	"encoding/json"
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"gengtu/tileserver/wmts"
)

func features() []wmts.Info {
	return []wmts.Info{{
		Layer: "cropland", ID: 1<<53 - 1,
		Fields: []wmts.Field{
			{Name: "BSM", Title: "标识码", Value: "610402000000000001"},
			{Name: "TBMJ", Value: 8252874.36},
			{Name: "BZ", Title: "备注", Value: "<script>&\x00]]>"},
			{Name: "SJNF", Value: int64(2024)},
			{Name: "KCXS", Value: nil},
		},
	}, {Layer: "pbf", ID: 1 << 53}}
}

func TestPrint(t *testing.T) {
	for f, name := range map[wmts.InfoFormat]string{wmts.JSON: "info.json", wmts.HTML: "info.html", wmts.XML: "info.xml"} {
		out, err := wmts.Print(f, features())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, out)
		none, err := wmts.Print(f, nil)
		if err != nil || len(none) == 0 {
			t.Errorf("%s of nothing: %q, %v", name, none, err)
		}
		switch f {
		case wmts.JSON:
			if !json.Valid(out) || !json.Valid(none) {
				t.Errorf("not JSON: %s %s", out, none)
			}
		case wmts.XML:
			var v struct {
				Feature []struct {
					Field []string
				}
			}
			if err := xml.Unmarshal(out, &v); err != nil || len(v.Feature) != 2 || len(v.Feature[0].Field) != 5 {
				t.Errorf("read back as %+v, %v", v, err)
			}
		case wmts.HTML:
			if strings.Contains(string(out), "<script>") {
				t.Errorf("a value became markup: %s", out)
			}
		}
	}
	if _, err := wmts.Print(wmts.JSON, []wmts.Info{{Fields: []wmts.Field{{Name: "x", Value: math.NaN()}}}}); err == nil {
		t.Error("NaN was printed as JSON")
	}
}
