package access_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"gengtu/tileserver/access"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an address", "/secure/wmts?SERVICE=WMTS&tk=abc123&LAYER=vec", "/secure/wmts?SERVICE=WMTS&tk=***&LAYER=vec"},
		{"a bare query", "tk=abc123", "tk=***"},
		{"at the end", "/x?a=1&tk=abc", "/x?a=1&tk=***"},
		{"upper case", "/x?TK=abc&Tk=abc&tK=abc", "/x?TK=***&Tk=***&tK=***"},
		{"an encoded name", "/x?%74k=abc&t%6b=abc&%74%6B=abc&%54%4b=abc", "/x?%74k=***&t%6b=***&%74%6B=***&%54%4b=***"},
		{"a name encoded twice", "/x?%2574k=abc", "/x?%2574k=***"},
		{"repeated", "tk=a&tk=b&x=1&tk=c", "tk=***&tk=***&x=1&tk=***"},
		{"no value", "/x?tk=&a=1", "/x?tk=&a=1"},
		{"a value with everything in it", "/x?tk=a;b?c/d=e,f\"g&h=1", "/x?tk=***&h=1"},
		{"after a semicolon", "/x?a=1;tk=abc", "/x?a=1;tk=***"},
		{"in a fragment", "/x#tk=abc", "/x#tk=***"},
		{"as an array", "/x?tk[]=abc&tk%5B%5D=abc", "/x?tk[]=***&tk%5B%5D=***"},
		{"a space before the name", "/x?+tk=abc", "/x?+tk=***"},
		{"an encoded equals sign", "/x?tk%3Dabc&y=1", "/x?***&y=1"},
		{"an encoded ampersand", "/x?y=1%26tk=abc", "/x?***"},
		{"an address in an address", "/x?url=https%3A%2F%2Fh%2F%3Ftk%3Dabc&y=1", "/x?***&y=1"},
		{"and in another", "/x?url=%2Fa%3Furl%3D%252Fb%253Ftk%253Dabc", "/x?***"},
		{"other names of a token", "/x?token=a&access_token=b&Authorization=c", "/x?token=***&access_token=***&Authorization=***"},

		{"a bearer header", "Authorization: Bearer abc.def-_~+/=", "Authorization: Bearer ***"},
		{"a bearer in lower case", "bearer   abc", "bearer   ***"},
		{"a bearer with tabs", "BEARER\tabc", "BEARER\t***"},
		{"an encoded bearer", "h=Bearer%20abc&x=1", "h=Bearer%20***&x=1"},
		{"a wholly encoded bearer", "h=%42earer%20abc&x=1", "***&x=1"},
		{"one of our tokens, anywhere", "/secure/gt_0123456789abcdefghij/x", "/secure/***/x"},
		{"one of our tokens, encoded", "/secure/%67t_0123456789abcdefghij/x", "***"},

		{"nothing", "", ""},
		{"no token", "/public/tiles/cropland/c/14/12889/2475.mvt?vintage=2024#x", "/public/tiles/cropland/c/14/12889/2475.mvt?vintage=2024#x"},
		{"names that only end like it", "/x?stk=1&atk=2&tk2=3", "/x?stk=1&atk=2&tk2=3"},
		{"Chinese, encoded", "/places?q=%E8%80%95%E5%9C%B0+1", "/places?q=%E8%80%95%E5%9C%B0+1"},
		{"bad encoding", "/x?a=%&b=%4&c=%zz%", "/x?a=%&b=%4&c=%zz%"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := access.Mask(c.in); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if again := access.Mask(c.want); again != c.want {
				t.Errorf("masked again it becomes %s", again)
			}
		})
	}
}

// Every way of writing the name of tk that a server could decode to it is
// found: each letter in either case, plain or encoded up to three times.
func TestMaskAllEncodings(t *testing.T) {
	var spellings []string
	letters := func(lower byte) []string {
		var list []string
		for _, c := range []byte{lower, lower - 'a' + 'A'} {
			list = append(list, string(c))
			for _, form := range []string{"%%%02x", "%%%02X", "%%25%02x", "%%2525%02X"} {
				list = append(list, fmt.Sprintf(form, c))
			}
		}
		return list
	}
	for _, a := range letters('t') {
		for _, b := range letters('k') {
			spellings = append(spellings, a+b)
		}
	}
	const secret = "s3cr3t"
	for _, name := range spellings {
		in := "/secure/wmts?a=1&" + name + "=" + secret + "&b=2"
		if got, want := access.Mask(in), "/secure/wmts?a=1&"+name+"=***&b=2"; got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if len(spellings) != 100 {
		t.Errorf("%d spellings, want 100", len(spellings))
	}
}

// A long line of hostile input takes time in proportion: some milliseconds,
// where the square of its length would be many seconds.
func TestMaskIsLinear(t *testing.T) {
	for _, part := range []string{"tk=", "tk=x&", "%25", "=", "%", "Bearer ", "gt_", "tk%3D", "?", "%2574%256b="} {
		s := strings.Repeat(part, 100_000/len(part))
		start := time.Now()
		if got := access.Mask(s); len(got) > 2*len(s) {
			t.Errorf("%q: %d bytes became %d", part, len(s), len(got))
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%q: took %v", part, took)
		}
	}
}

// The secret never shows, wherever a query puts it and whatever stands around
// it; masking twice changes nothing more.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "/x?a=1&", "&b=2", "%", "%74", "tk", "=", "#", "bearer ", "%2", "+", "\x00", "gt_", "/x?u=%3F"} {
		f.Add(s, s, uint64(len(s)))
		f.Add("/secure/wmts?a=1&", s, uint64(len(s)))
	}
	f.Fuzz(func(t *testing.T, before, after string, seed uint64) {
		const secret = "Zq7Zq7Zq7Zq7"
		if strings.Contains(before, "Zq7") || strings.Contains(after, "Zq7") {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		var name strings.Builder
		for _, c := range []byte("tk") {
			if rng.IntN(2) == 0 {
				c -= 'a' - 'A'
			}
			if rng.IntN(2) == 0 {
				fmt.Fprintf(&name, "%%%02x", c)
			} else {
				name.WriteByte(c)
			}
		}
		in := before + "&" + name.String() + "=" + secret + "&" + after
		for range rng.IntN(2) {
			in = "/x?url=" + url.QueryEscape(in)
		}
		got := access.Mask(in)
		if strings.Contains(got, "Zq7") {
			t.Fatalf("%q masked is %q", in, got)
		}
		if again := access.Mask(got); again != got {
			t.Fatalf("%q masked is %q, masked again %q", in, got, again)
		}
	})
}
