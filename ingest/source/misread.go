package source

import (
	"strings"
	"unicode/utf8"
)

// misreadAs are the encodings that Chinese texts are in, in the order in which they are
// tried.
var misreadAs = []charset{charsetUTF8, charsetGB18030, charsetBig5}

// Misread tells that got, which was read in the encoding of the name as, is want read in
// the wrong one, and in which encoding the bytes are want. Where bytes had no meaning,
// U+FFFD in got, those before them decide. False for what is another text, and for an
// encoding that is not known.
func Misread(got, as, want string) (encoding string, ok bool) {
	from, known := charsetOf(as)
	if !known || got == want || isASCII([]byte(got)) {
		return "", false
	}
	if from.name == charsetGBK.name {
		from = charsetGB18030
	}
	whole, cut := got, false
	if i := strings.IndexRune(got, utf8.RuneError); i >= 0 {
		whole, cut = got[:i], true
	}
	bytes, ok := newEncoder(from).encode(whole)
	if !ok || len(bytes) == 0 {
		return "", false
	}
	for _, c := range misreadAs {
		if c.name == from.name {
			continue
		}
		right, ok := newEncoder(c).encode(want)
		if !ok || isASCII(right) {
			continue
		}
		if string(right) == string(bytes) || cut && strings.HasPrefix(string(right), string(bytes)) {
			if c.name == charsetGB18030.name {
				return charsetGBK.name, true
			}
			return c.name, true
		}
	}
	return "", false
}
