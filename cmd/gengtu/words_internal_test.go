package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gengtu/ingest/sample"
)

// told runs a command line and returns what it printed and its exit code.
func told(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return o.String(), e.String(), code
}

// A wrong line is told in the user's language, and the hint leads to a page that is there.
func TestWrongLinesInChinese(t *testing.T) {
	for line, want := range map[string]string{
		"sample --out":                  "缺少参数值：--out",
		"sample --nope x":               "没有参数 --nope",
		"sample --out d --parcels many": "参数 --parcels 不能是 \"many\"",
		"ingest --strict=maybe":         "参数 --strict 不能是 \"maybe\"",
		"ingest ---x":                   "参数写法不对：---x",
		"check":                         "缺少要检查的文件",
		"analyze":                       "用法见：gengtu analyze --help",
		"rollback":                      "用法见：gengtu rollback --help",
		"ingest --keep 0":               "参数 --keep 不能是 \"0\"",
		"publish --keep -1":             "参数 --keep 不能是 \"-1\"",
		"unpack --keep two":             "参数 --keep 不能是 \"two\"",
		"export --edition e --layer a@2023 --vintage 2024 --out a.shp": "--layer 已写明时相",
	} {
		_, errs, code := told(t, append(strings.Fields(line), "--lang", "zh")...)
		if code != 2 || !strings.Contains(errs, want) || strings.Contains(errs, "Try:") {
			t.Errorf("%s: exit code %d, %q; want %q", line, code, errs, want)
		}
	}
	if out, _, _ := told(t, "check", "--help", "--lang", "zh"); !strings.Contains(out, "报告写进此目录") {
		t.Errorf("check --help: %s", out)
	}
}

// A language that there is not is a wrong line, whatever stands behind it; those that
// there are may be said as the environment says them.
func TestLanguages(t *testing.T) {
	for _, line := range []string{"--lang fr version", "version --lang=", "version --lang", "version --lang --json"} {
		out, errs, code := told(t, strings.Fields(line)...)
		if code != 2 || out != "" || !strings.Contains(errs, "--lang") {
			t.Errorf("%s: exit code %d, %q, %q", line, code, out, errs)
		}
	}
	for lang, want := range map[string]string{"zh": "没有命令", "zh_CN.UTF-8": "没有命令", "en": "no command", "en-GB": "no command"} {
		if _, errs, code := told(t, "--lang", lang, "nope"); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("--lang %s: exit code %d, %q; want %q", lang, code, errs, want)
		}
	}
}

// The version is told to programs, too.
func TestVersionForPrograms(t *testing.T) {
	out, errs, code := told(t, "version", "--json")
	var v struct{ Product, Version, Go string }
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || v.Product != "gengtu" || v.Version == "" || v.Go == "" {
		t.Errorf("exit code %d, %q, %q: %v", code, out, errs, err)
	}
}

// Editions are called what people call them, once.
func TestTiersInChinese(t *testing.T) {
	dir := t.TempDir()
	if _, err := sample.Write(t.Context(), dir, sample.Options{Parcels: 100, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	secure, public := filepath.Join(dir, "S"), filepath.Join(dir, "P")
	for _, line := range [][]string{
		{"ingest", "--out", secure, "--vintage", "2024", "--zooms", "8-9", "--delivery", filepath.Join(dir, "2024")},
		{"publish", "--from", secure, "--tier", "public", "--out", public},
	} {
		if _, errs, code := told(t, line...); code != 0 {
			t.Fatal(errs)
		}
	}
	patches := "dltb=" + filepath.Join(dir, "2024", "DLTB.shp")
	for _, c := range []struct{ line, want string }{
		{"serve --edition " + secure, "gengtu: serve: 涉密版没有令牌文件不能开放"},
		{"update --edition " + public + " --layer " + patches, "公众版由高一级版本派生"},
		{"publish --from " + public + " --tier government --out " + secure, "公众版不能派生政务版"},
		{"info " + secure + " --by village --vintage 2022", "没有 \"2022\" 这个时相；有：2024"},
		{"info " + secure + " --by village --layers pbf --vintage 2022", "图层 pbf 没有 \"2022\" 这个时相；有：2024"},
	} {
		_, errs, code := told(t, append(strings.Fields(c.line), "--lang", "zh")...)
		if code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %q; want %q", c.line, code, errs, c.want)
		}
	}
}

// A damaged file fails its delivery, and the others are judged; the layer in it is not
// called missing.
func TestDamagedFileOfADelivery(t *testing.T) {
	dir := t.TempDir()
	if _, err := sample.Write(t.Context(), dir, sample.Options{Parcels: 100, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	delivery := filepath.Join(dir, "2024")
	table := filepath.Join(delivery, "DLTB.dbf")
	st, err := os.Stat(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(table, st.Size()/2); err != nil {
		t.Fatal(err)
	}
	out, errs, code := told(t, "check", "--delivery", delivery, "--lang", "zh")
	if code != 1 || !strings.Contains(errs, "DBF_TRUNCATED") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	for _, want := range []string{"共 3 个文件", "region@", "pbf@2024", "hsf@"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if strings.Contains(out, "规则 2201") {
		t.Errorf("the damaged layer is called missing: %s", out)
	}
}

// What is not checked is named, a file of no known layer does not pass unsaid, and notes
// about a file say which.
func TestCheckSaysWhatItLeaves(t *testing.T) {
	dir := t.TempDir()
	if _, err := sample.Write(t.Context(), dir, sample.Options{Parcels: 100, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	delivery := filepath.Join(dir, "2024")
	const shape = `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},"geometry":{"type":"Polygon","coordinates":[[[108.5,34.5],[108.501,34.5],[108.501,34.501],[108.5,34.5]]]}}]}`
	strange := filepath.Join(delivery, "strange.geojson")
	for path, text := range map[string]string{strange: shape, filepath.Join(delivery, "DLTB.cpg"): "UTF-8"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _, _ := told(t, "check", "--delivery", delivery, "--lang", "zh")
	for _, want := range []string{"未检查：" + strange + "：", "! " + filepath.Join(delivery, "DLTB.shp") + ": 第 1 条记录: 字段 DLMC"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	out, errs, code := told(t, "check", strange, "--lang", "zh")
	if code != 0 || !strings.Contains(out, "合格（有提示）") || !strings.Contains(out, "[LAYER_UNKNOWN]") || !strings.Contains(out, "other@undated 其他") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

// Coordinates are written as surveyors write them.
func TestCoordinatesHaveNoExponent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.geojson")
	const text = `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4525"}},"features":[{"type":"Feature","properties":{"a":1},"geometry":{"type":"Polygon","coordinates":[[[36557212.2006,3800150.25],[36557300,3800150],[36557300,3800250],[36557212.2006,3800150.25]]]}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := told(t, "check", path, "--lang", "zh"); code != 1 || !strings.Contains(errs, "36557212.2006, 3800150.25") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
