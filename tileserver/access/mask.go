package access

import (
	"regexp"
	"strings"
	"unicode"
)

// masked stands in logs for what must not be there.
const masked = "***"

// maxDecodings is how often [Mask] undoes percent-encoding to look for a token.
// A server undoes it once; an address inside an address, twice.
const maxDecodings = 8

var (
	// bearer is an Authorization header's credential, its spaces perhaps
	// encoded for a query.
	bearer = regexp.MustCompile(`((?i:\bbearer)(?:\s|\+|%20|%09|:|=)+)[^\s&#"',]+`)
	// issued is a token of ours, anywhere. A shorter one is no longer secret
	// enough to be cut, but a part of one still is.
	issued = regexp.MustCompile(tokenPrefix + `[A-Za-z0-9_-]{16,}`)
)

// secretKeys are the parameters whose values are tokens, folded by foldKey.
var secretKeys = map[string]bool{"tk": true, "token": true, "accesstoken": true, "authorization": true}

// Mask returns s, an address, a query or a header, fit for a log: each value of
// tk, and of what else is used to pass a token, and each bearer credential is
// replaced by "***", whatever the case of the name, however often it or the
// address around it is percent-encoded, and as often as it is repeated. A value
// ends at '&', '#' or a space. What holds no token is returned unchanged.
func Mask(s string) string {
	if isInnocent(s) {
		return s
	}
	s = maskText(s)
	var out strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, separates)
		if end < 0 {
			end = len(s)
		}
		out.WriteString(maskEncoded(s[:end]))
		s = s[end:]
		end = strings.IndexFunc(s, func(r rune) bool { return !separates(r) })
		if end < 0 {
			end = len(s)
		}
		out.WriteString(s[:end])
		s = s[end:]
	}
	return out.String()
}

// isInnocent tells that s has nothing that [Mask] could find a token by, as most
// addresses. It is asked of every request.
func isInnocent(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '=' || c == '%':
			return false
		case c == tokenPrefix[0] && strings.HasPrefix(s[i:], tokenPrefix), c|0x20 == 'b' && startsBearer(s[i:]):
			return false
		}
	}
	return true
}

// separates tells where an element of a query ends.
func separates(r rune) bool { return r == '&' || r == '#' || unicode.IsSpace(r) }

// maskText masks what shows in s as it is: credentials and tokens by their
// form, and the values of secret keys.
func maskText(s string) string {
	// The expressions are slow, and nearly no address needs them.
	if containsBearer(s) {
		s = bearer.ReplaceAllString(s, "${1}"+masked)
	}
	if strings.Contains(s, tokenPrefix) {
		s = issued.ReplaceAllString(s, masked)
	}
	var out strings.Builder
	for {
		eq := secretEquals(s)
		if eq < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:eq+1])
		s = s[eq+1:]
		end := strings.IndexFunc(s, separates)
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			out.WriteString(masked)
		}
		s = s[end:]
	}
}

// containsBearer tells whether s has the word bearer in any case.
func containsBearer(s string) bool {
	for i := range len(s) {
		if startsBearer(s[i:]) {
			return true
		}
	}
	return false
}

func startsBearer(s string) bool {
	const word = "bearer"
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}

// secretEquals returns where the first '=' after a secret key is, or -1.
func secretEquals(s string) int {
	from := 0
	for i := range len(s) {
		switch c := s[i]; c {
		case '=':
			if secretKeys[foldKey(s[from:i])] {
				return i
			}
			from = i + 1
		case '?', ';', '/', ',', '"', '\'', '&', '#', ' ', '\t', '\n', '\r':
			from = i + 1
		}
	}
	return -1
}

// foldKey returns the letters and digits of a key in lower case, undone from
// its percent-encoding: "%74K[]" is "tk".
func foldKey(s string) string {
	// No secret key is longer when every byte of it is encoded thrice.
	const longest = 120
	if len(s) > longest {
		return ""
	}
	for range maxDecodings {
		d := unescape(s)
		if d == s {
			break
		}
		s = d
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// maskEncoded masks the whole element e, but for what precedes its query, when
// a token shows in it once its percent-encoding is undone.
func maskEncoded(e string) string {
	d := e
	for i := 0; ; i++ {
		next := unescape(d)
		if next == d {
			return e
		}
		if d = next; i == maxDecodings || maskText(d) != d {
			break
		}
	}
	if path, _, ok := strings.Cut(e, "?"); ok && maskEncoded(path) == path {
		return path + "?" + masked
	}
	return masked
}

// unescape undoes percent-encoding once; what is badly encoded stays. A plus
// becomes a space, as in queries.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(s) {
			if high, low := nibble(s[i+1]), nibble(s[i+2]); high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		out = append(out, c)
	}
	return string(out)
}

func nibble(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}
