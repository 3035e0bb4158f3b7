package source

import "strings"

// misreadAs are the encodings that Chinese texts are in, in the order in which they are
// tried.
var misreadAs = []charset{charsetUTF8, charsetGBK, charsetBig5}

// Misread tells that got, which was read in the encoding of the name as, is what want
// looks like when its bytes are another encoding's, and returns that one. False for what
// is another text, and for an encoding that is not known.
func Misread(got, as, want string) (encoding string, ok bool) {
	from, known := charsetOf(as)
	if !known || got == want || isASCII([]byte(got)) {
		return "", false
	}
	read := newDecoder(from)
	for _, c := range misreadAs {
		if c.name == from.name || from.name == charsetGB18030.name && c.name == charsetGBK.name {
			continue
		}
		bytes, ok := newEncoder(c).encode(want)
		if !ok {
			continue
		}
		// The blanks that fill a field up may belong to a character that is cut off.
		for _, filling := range [...]string{"", "  "} {
			text, _ := read.decode(append(bytes[:len(bytes):len(bytes)], filling...))
			if strings.TrimSpace(text) == got {
				return c.name, true
			}
		}
	}
	return "", false
}
