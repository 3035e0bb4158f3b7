package source

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestCharsetOf(t *testing.T) {
	for name, want := range map[string]string{
		"GBK": "GBK", "gb2312": "GBK", "CP936": "GBK", "936": "GBK", "ms936": "GBK", "ANSI 936": "GBK", "OEM 936": "GBK",
		"windows-936": "GBK", "x-gbk": "GBK", "EUC-CN": "GBK", "GB_2312-80": "GBK", "GB18030": "GB18030", "gb18030-2000": "",
		"UTF-8": "UTF-8", "utf8": "UTF-8", "65001": "UTF-8", "CP65001": "UTF-8", "Big5": "Big5", "cp950": "Big5",
		"ISO-8859-1": "ISO-8859-1", "8859_1": "ISO-8859-1", "ISO 88591": "ISO-8859-1", "LATIN1": "ISO-8859-1", "ISO-8859-15": "ISO-8859-15",
		"1252": "windows-1252", "ANSI 1252": "windows-1252", "cp1252": "windows-1252", "LDID/77": "", "OEM": "", "ANSI": "", "": "", "klingon": "",
	} {
		if got, _ := charsetOf(name); got.name != want {
			t.Errorf("%q: got %q, want %q", name, got.name, want)
		}
	}
	for id, name := range languageIDs {
		if _, ok := charsetOf(name); !ok {
			t.Errorf("language id %#x stands for %q, which is unknown", id, name)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		charset charset
		bytes   string
		want    string
		ok      bool
	}{
		{charsetGBK, "\xcb\xae\xcc\xef", "水田", true},
		{charsetGBK, "\x81\x30\x81\x30", "\u0080", true}, // four bytes are GB18030 only
		{charsetGBK, "\x95\x32\x82\x36", "𠀀", true},
		{charsetGBK, "a\xcb", "a\uFFFD", false},
		{charsetUTF8, "水\xcb", "水\uFFFD", false},
		{charsetBig5, "\xa4\xf4\xa5\xd0", "水田", true},
		{charsetLatin1, "\xe9", "é", true},
	} {
		got, ok := newDecoder(c.charset).decode([]byte(c.bytes))
		if got != c.want || ok != c.ok {
			t.Errorf("%s %q: got %q, %v", c.charset.name, c.bytes, got, ok)
		}
	}
}

// Both number parsers must give what strconv gives.
func TestNumbersAgainstStrconv(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 200_000 {
		v := math.Float64frombits(rnd.Uint64())
		switch rnd.IntN(3) {
		case 0:
			v = float64(rnd.IntN(1<<50)) / 1e9
		case 1:
			v = 108 + rnd.Float64()
		}
		if !finite(v) {
			continue
		}
		for _, s := range []string{
			strconv.FormatFloat(v, 'f', -1, 64), strconv.FormatFloat(v, 'g', -1, 64), strconv.FormatFloat(v, 'f', rnd.IntN(18), 64),
		} {
			want, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := parseDecimal([]byte(s))
			c := jsonCursor{b: []byte(s + ", 1.2"[:rnd.IntN(6)])}
			again, also := c.number()
			if !ok || !also || got != want || again != want || c.i != len(s) {
				t.Fatalf("%s: got %v %v, %v %v, want %v", s, got, ok, again, also, want)
			}
		}
	}
	for _, s := range []string{"", "-", "+", ".", "a", "1a", "0x10", "1_0", "Inf", "NaN", "1.2.3", "1,2.3", "--1", "1e999", "1-2"} {
		if v, ok := parseDecimal([]byte(s)); ok {
			t.Errorf("%q is read as %v", s, v)
		}
	}
	if v, ok := parseDecimal([]byte("12,5")); !ok || v != 12.5 {
		t.Error("a comma for the point is not read")
	}
	for s, want := range map[string]int64{"610402300100000001": 610402300100000001, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "0007": 7} {
		if v, ok := parseInteger([]byte(s)); !ok || v != want {
			t.Errorf("%s: %d", s, v)
		}
	}
	if _, ok := parseInteger([]byte("9223372036854775808")); ok {
		t.Error("2^63 is read as an int64")
	}
}
