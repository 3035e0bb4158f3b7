package access

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gengtu/index/edition"
	"gengtu/index/problem"
)

// maxName is the longest name of a token, in characters.
const maxName = 64

// check tells what is wrong with f, or nil.
func (f *File) check() error {
	if len(f.Tokens) > MaxTokens {
		return problem.New("ACCESS_TOO_LARGE", "令牌 %d 个，最多 %d 个", "%d tokens, at most %d may be",
			len(f.Tokens), MaxTokens)
	}
	if len(f.Origins) > MaxOrigins {
		return problem.New("ACCESS_TOO_LARGE", "来源 %d 个，最多 %d 个", "%d origins, at most %d may be",
			len(f.Origins), MaxOrigins)
	}
	for _, o := range f.Origins {
		if p := checkOrigin(o); p != nil {
			return p
		}
	}
	if len(f.OIDC) > maxIssuers {
		return problem.New("ACCESS_TOO_LARGE", "签发方 %d 个，最多 %d 个", "%d issuers, at most %d may be", len(f.OIDC), maxIssuers)
	}
	for i := range f.OIDC {
		if p := f.OIDC[i].check(); p != nil {
			return p
		}
	}
	if p := f.Audit.check(); p != nil {
		return p
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for i, t := range f.Tokens {
		p := t.check()
		switch {
		case p != nil:
		case names[t.Name]:
			p = problem.New("ACCESS_NAME", "令牌名称 %q 重复", "two tokens are called %q", t.Name).
				Advise("请换一个名称", "choose another name")
		case hashes[t.Hash]:
			p = problem.New("ACCESS_HASH", "两个令牌的散列相同", "two tokens have the same hash")
		}
		if p != nil {
			return p.At(int64(i+1), p.Key)
		}
		names[t.Name], hashes[t.Hash] = true, true
	}
	return nil
}

// check tells what is wrong with t, or nil.
func (t Token) check() *problem.Problem {
	if !validName(t.Name) {
		return problem.New("ACCESS_NAME", "令牌名称 %.80q 无效：1 至 %d 个可见字符，不含空格",
			"the token's name %.80q is not valid: 1 to %d visible characters without spaces", t.Name, maxName)
	}
	if !opens(t.Tier) {
		return problem.New("ACCESS_TIER", "令牌 %s 的版本 %.40q 无效", "token %s has the tier %.40q", t.Name, t.Tier).
			Advise("应为 secure 或 government；公众版不需要令牌", "it may be secure or government; public needs no token")
	}
	p := t.Scope.check()
	if p == nil {
		p = t.Bounds.check()
	}
	if p != nil {
		return p.At(0, t.Name)
	}
	if parseHash(t.Hash) == nil {
		return problem.New("ACCESS_HASH", "令牌 %s 的散列不是 64 位小写十六进制数",
			"the hash of token %s is not 64 lower-case hexadecimal digits", t.Name)
	}
	for _, at := range []time.Time{t.Created, t.Expires, t.Revoked} {
		// JSON's times have four digits for the year.
		if y := at.Year(); y < 0 || y > 9999 {
			return problem.New("ACCESS_TIME", "令牌 %s 的年份 %d 无效", "token %s has the year %d", t.Name, y)
		}
	}
	if !t.Expires.IsZero() && !t.Expires.After(t.Created) {
		return problem.New("ACCESS_TIME", "令牌 %s 在创建前即已过期", "token %s expires before it is created", t.Name)
	}
	return nil
}

// opens tells whether a tier is one that a token opens.
func opens(tier string) bool {
	return tier == string(edition.Secure) || tier == string(edition.Government)
}

func validName(s string) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) < 0
}

// parseHash returns the digest that s writes, or nil.
func parseHash(s string) *[sha256.Size]byte {
	var digest [sha256.Size]byte
	if len(s) != hex.EncodedLen(len(digest)) || strings.ToLower(s) != s {
		return nil
	}
	if _, err := hex.Decode(digest[:], []byte(s)); err != nil {
		return nil
	}
	return &digest
}

// checkOrigin demands an origin as browsers send it (RFC 6454 clause 6.2):
// scheme, host in lower case and perhaps a port, nothing else. "*" is none: the
// tiers above public are not for every page.
func checkOrigin(s string) *problem.Problem {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) {
		return problem.New("ACCESS_ORIGIN", "来源 %.80q 无效", "the origin %.80q is not valid", s).
			Advise("写作 https://主机 或 https://主机:端口，小写，不带路径", "write https://host or https://host:port, in lower case, without a path")
	}
	return nil
}
