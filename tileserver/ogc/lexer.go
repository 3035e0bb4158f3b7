package ogc

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gengtu/index/problem"
)

// tokenKind is what a part of a filter's text is.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, a name, or a function
	tokenName             // a name in double quotes
	tokenText             // in single quotes
	tokenNumber           // without a sign before it
	tokenSign             // an operator, a bracket or a comma
)

// token is a part of a filter's text.
type token struct {
	kind tokenKind
	text string // without quotes
	at   int    // the byte it begins at, from 0
}

// is tells whether t is that keyword or sign.
func (t token) is(word string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && strings.EqualFold(t.text, word)
}

// lexer cuts a text into tokens.
type lexer struct {
	text string
	at   int
}

// wrong says that a filter's text is not understood at a byte.
func wrong(at int, zh, en string, args ...any) error {
	args = append([]any{at}, args...)
	return problem.New("PARAMETER_FILTER", "filter 第 %[1]d 字节处："+zh, "filter, byte %[1]d: "+en, args...).
		Advise(`例如 DLBM = '0101' AND S_INTERSECTS(geometry, BBOX(108.7,34.3,108.8,34.4))；文本用单引号，特殊的字段名用双引号`,
			`such as DLBM = '0101' AND S_INTERSECTS(geometry, BBOX(108.7,34.3,108.8,34.4)); texts stand in single quotes, unusual names in double ones`)
}

// next returns the next token.
func (l *lexer) next() (token, error) {
	for l.at < len(l.text) { // the grammar's whitespace is Unicode's, the ideographic space too
		r, n := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsSpace(r) {
			break
		}
		l.at += n
	}
	t := token{at: l.at}
	if l.at == len(l.text) {
		return t, nil
	}
	switch c := l.text[l.at]; {
	case c == '\'' || c == '"':
		return l.quoted(c)
	case '0' <= c && c <= '9' || c == '.':
		t.kind, t.text = tokenNumber, l.number()
		return t, nil
	case strings.IndexByte("(),=<>+-*/", c) >= 0:
		n := 1
		if two := l.text[l.at:min(l.at+2, len(l.text))]; two == "<=" || two == ">=" || two == "<>" {
			n = 2
		}
		t.kind, t.text = tokenSign, l.text[l.at:l.at+n]
		l.at += n
		return t, nil
	}
	for l.at < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsLetter(r) && r != '_' && r != ':' && (l.at == t.at || !unicode.IsDigit(r) && r != '.') {
			break
		}
		l.at += n
	}
	if l.at == t.at {
		return t, wrong(t.at, "不认识 %[2]q", "%[2]q is not understood", firstRune(l.text[l.at:]))
	}
	t.kind, t.text = tokenWord, l.text[t.at:l.at]
	return t, nil
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// escapes are the characters that a letter behind a backslash stands for in a text
// (21-065r2, /req/cql2-text/escaping). Any other pair stays as it is for LIKE to read.
var escapes = map[byte]byte{'\'': '\'', 'a': '\a', 'b': '\b', 't': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r'}

// quoted reads what stands in quotes; two of them stand for one.
func (l *lexer) quoted(quote byte) (token, error) {
	t := token{kind: tokenText, at: l.at}
	if quote == '"' {
		t.kind = tokenName
	}
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c, next := l.text[l.at], byte(0)
		if l.at+1 < len(l.text) {
			next = l.text[l.at+1]
		}
		switch {
		case c == quote && next != quote:
			l.at++
			t.text = b.String()
			return t, nil
		case c == quote:
			l.at++
			b.WriteByte(quote)
		case c == '\\' && quote == '\'' && next != 0:
			l.at++
			if as, ok := escapes[next]; ok {
				b.WriteByte(as)
			} else {
				b.Write([]byte{c, next})
			}
		default:
			b.WriteByte(c)
		}
	}
	return t, wrong(t.at, "引号没有闭合", "a quote is not closed")
}

// number takes the characters of a number; what they say is judged later.
func (l *lexer) number() string {
	from := l.at
	for l.at < len(l.text) {
		c := l.text[l.at]
		sign := (c == '+' || c == '-') && (l.text[l.at-1] == 'e' || l.text[l.at-1] == 'E') && l.at > from
		if !sign && c != '.' && c != 'e' && c != 'E' && (c < '0' || c > '9') {
			break
		}
		l.at++
	}
	return l.text[from:l.at]
}
