package forms_test

import (
	"bytes"
	"context"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/geo"
)

// hostile is a text that is code to a page, a formula to a spreadsheet, and has a line end.
const hostile = "=1+1,\"<script>alert('图')</script>\"\r\n&"

// lot returns a square of about 11 m × side in 1e-7 degree, near a place of the sample.
func lot(lon, lat, side int64) geo.MultiPolygon {
	x, y := 117_0000000000+lon*1000, 32_0000000000+lat*1000
	s := side * 1000
	return geo.MultiPolygon{{{{Lon: x, Lat: y}, {Lon: x + s, Lat: y}, {Lon: x + s, Lat: y + s}, {Lon: x, Lat: y + s}, {Lon: x, Lat: y}}}}
}

// answer returns an answer with a column of each kind, with nothing in each, and with
// shapes whose areas are those of its table. It is made anew each time.
func answer() *analyze.Result {
	sum := &analyze.Table{
		Name: "by_place", Title: edition.Title{Zh: "按地区", En: "By place"},
		Columns: []analyze.Column{
			{Name: "xzqdm", Title: edition.Title{Zh: "地区代码", En: "code of place"}, Kind: analyze.Code},
			{Name: "xzqmc", Title: edition.Title{Zh: "地区", En: "place"}, Kind: analyze.Text},
			{Name: "n", Title: edition.Title{Zh: "地块数", En: "lots"}, Kind: analyze.Count},
			{Name: "area", Title: edition.Title{Zh: "面积", En: "area"}, Kind: analyze.Areas},
			{Name: "share", Title: edition.Title{Zh: "占比", En: "share"}, Kind: analyze.Ratio},
			{Name: "edge", Title: edition.Title{Zh: "边长", En: "edge"}, Kind: analyze.Length},
			{Name: "gain", Title: edition.Title{Zh: "增益", En: "gain"}, Kind: analyze.Number},
			{Name: "flag", Title: edition.Title{Zh: "超限", En: "over the limit"}, Kind: analyze.Truth},
		},
	}
	sum.Add("340100", "甲县", int64(3), analyze.Area(1_234_567_891), 1.0/3, 12.345, -0.0000001, true)
	sum.Add("010203", hostile, int64(-7), analyze.Area(-5), 0.5, 0.0, 1e12, false)
	sum.Add(nil, nil, nil, nil, nil, nil, nil, nil)
	list := &analyze.Table{
		Name: "lots", Title: edition.Title{Zh: "地块", En: "Lots"},
		Columns: []analyze.Column{
			{Name: "BSM", Title: edition.Title{Zh: "标识码", En: "BSM"}, Kind: analyze.Code},
			{Name: "ground", Title: edition.Title{Zh: "椭球面积", En: "ellipsoidal area"}, Kind: analyze.Areas},
			{Name: "a_very_long_name", Title: edition.Title{Zh: "说明", En: "remark"}, Kind: analyze.Text},
			{Name: "a_very_long_nation", Title: edition.Title{Zh: "数", En: "number"}, Kind: analyze.Count},
		},
	}
	lots := []geo.MultiPolygon{lot(0, 0, 1000), lot(2000, 0, 1500), nil}
	for i, m := range lots {
		list.Add([]string{"340100211000000001", "340100211000000002", "340100211000000003"}[i],
			analyze.Area(geo.HundredthsOf(geo.Area(m))), "一等地，灌溉条件好", int64(i))
	}
	question := &analyze.Question{
		Name: "test-lots", Title: edition.Title{Zh: "地块试验", En: "A trial of lots"},
		About:   edition.Title{Zh: "把地块加起来。", En: "Lots are added up."},
		Sources: []edition.Title{{Zh: "自然资发〔2024〕1号", En: "document 1 of 2024"}},
	}
	return &analyze.Result{
		Run: "00112233aabbccdd", Question: question, Generation: "0123456789abcdef", Program: "v1", Tier: edition.Government, Formula: areas.Formula,
		Request: analyze.Request{
			Question: question.Name, By: "county", Place: "3401", Parameters: map[string]string{"b": "2", "a": "1"},
			Previous: &analyze.Result{Run: "ffffffffffffffff"},
		},
		Rules:  analyze.Version{Version: "2026-11", Digest: "aa11"},
		Layers: []analyze.LayerVersion{{Layer: "pbf", Vintage: "2024", Title: edition.Title{Zh: "永久基本农田", En: "PBF"}, Features: 3}, {Layer: "eco", Missing: true}},
		Tables: []*analyze.Table{sum, list},
		Shapes: []*analyze.Shapes{{
			Name: "test_lots", Title: edition.Title{Zh: "地块", En: "Lots"}, Table: list,
			Geometry: func(_ context.Context, row int) (geo.MultiPolygon, error) { return lots[row], nil },
		}},
		Identities: []analyze.Identity{{Name: "whole", Title: edition.Title{Zh: "全部＝各部分之和", En: "the whole is the sum of its parts"}, Left: 1_234_567_886, Right: 1_234_567_885}},
		Notes:      []edition.Title{{Zh: "有 1 个图斑没有登记面积 <b>", En: "1 feature has no area of record <b>"}},
		Extra:      map[string]any{"sankey": map[string]any{"links": []int{1, 2}, "of": "<a&b>"}, "aside": nil},
		Policy:     edition.Policy{Name: "government", Use: edition.Title{Zh: "内部使用", En: "internal use"}, Approval: "审图号：GS(2024)0000号", Disclaimer: edition.Title{Zh: "界线不作权属依据", En: "Lines are no proof of title"}},
	}
}

// written returns an answer in a form.
func written(t *testing.T, r *analyze.Result, form forms.Form, opt forms.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := forms.Write(t.Context(), &b, r, form, opt); err != nil {
		t.Fatalf("%s: %v", form, err)
	}
	return b.Bytes()
}
