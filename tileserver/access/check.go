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
	"gengtu/index/extract"
	"gengtu/index/problem"
)

// maxName is the longest name of a token, in characters.
const maxName = 64

// check tells what is wrong with f and where, or nil. Areas that are known to be right
// are not looked at.
func (f *File) check(known areas) (*problem.Problem, place) {
	if p, at := f.checkLists(); p != nil {
		return p, at
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for i, t := range f.Tokens {
		p := t.check()
		switch {
		case p != nil:
		case names[t.Name]:
			p = problem.New("ACCESS_NAME", "令牌名称 %q 重复", "two tokens are called %q", t.Name).
				Advise("请换一个名称；已撤回的令牌也占着它的名称，审计日志里才分得清", "choose another name; a revoked token keeps its own, so that the audit log tells one from the other")
		case hashes[t.Hash]:
			p = problem.New("ACCESS_HASH", "两个令牌的散列相同", "two tokens have the same hash")
		}
		if p != nil {
			return p.At(int64(i+1), p.Key), place{"tokens", i}
		}
		names[t.Name], hashes[t.Hash] = true, true
	}
	return f.checkAreas(known)
}

// checkLists tells what is wrong with all but the tokens, and where.
func (f *File) checkLists() (*problem.Problem, place) {
	for _, l := range []struct {
		name, zh, en string
		n, most      int
	}{{"tokens", "令牌", "tokens", len(f.Tokens), MaxTokens}, {"origins", "来源", "origins", len(f.Origins), MaxOrigins}, {"oidc", "签发方", "issuers", len(f.OIDC), maxIssuers}} {
		if l.n > l.most {
			return problem.New("ACCESS_TOO_LARGE", "%[1]s %[3]d 个，最多 %[4]d 个", "%[3]d %[2]s, at most %[4]d may be", l.zh, l.en, l.n, l.most), place{l.name}
		}
	}
	for i, o := range f.Origins {
		if p := checkOrigin(o); p != nil {
			return p, place{"origins", i}
		}
	}
	for i := range f.OIDC {
		if p := f.OIDC[i].check(); p != nil {
			return p, place{"oidc", i}
		}
	}
	return f.Audit.check(), place{"audit"}
}

// areas are texts of areas that are right, so that a file that is read anew, as when a
// token is revoked, is not held up by outlines that it had before.
type areas map[string]bool

// areas returns those of f, which has been checked.
func (f *File) areas() areas {
	known := areas{}
	_, _ = f.eachArea(func(text string, _ int64, _ string, _ place) *problem.Problem {
		known[text] = true
		return nil
	})
	return known
}

// eachArea calls do with each area of f, the number and the name of what has it, and
// where it stands, until do returns a problem, which it returns with the place.
func (f *File) eachArea(do func(text string, number int64, name string, at place) *problem.Problem) (*problem.Problem, place) {
	one := func(s *Scope, number int64, name string, at place) (*problem.Problem, place) {
		if s == nil || s.Area == "" {
			return nil, nil
		}
		at = append(at, "scope", "area")
		return do(s.Area, number, name, at), at
	}
	for i := range f.Tokens {
		if p, at := one(f.Tokens[i].Scope, int64(i+1), f.Tokens[i].Name, place{"tokens", i}); p != nil {
			return p, at
		}
	}
	for i := range f.OIDC {
		for n := range f.OIDC[i].Grants {
			if p, at := one(f.OIDC[i].Grants[n].Scope, int64(n+1), f.OIDC[i].Issuer, place{"oidc", i, "grants", n}); p != nil {
				return p, at
			}
		}
	}
	return nil, nil
}

// checkAreas tells which area cannot be read, or has no ground, and where it stands.
func (f *File) checkAreas(known areas) (*problem.Problem, place) {
	return f.eachArea(func(text string, number int64, name string, _ place) *problem.Problem {
		if known[text] {
			return nil
		}
		_, err := extract.ParseArea(text)
		if err == nil {
			return nil
		}
		zh, en := err.Error(), err.Error()
		if p := problem.Of(err); p != nil {
			zh, en = p.Found(problem.Chinese), p.Found(problem.English)
		}
		return problem.New("ACCESS_SCOPE", "范围 area 不能用：%[1]s", "the area cannot be used: %[2]s", zh, en).Because(err).At(number, name).
			Advise("写一个 EPSG:4490 的 GeoJSON Polygon 或 MultiPolygon，先经度后纬度；gengtu token add --area FILE 会从面文件写出", "it is a GeoJSON Polygon or MultiPolygon in EPSG:4490, longitude first; gengtu token add --area FILE writes one of a file of polygons")
	})
}

// Check tells what is wrong with t by itself, as it is to be added, or nil: what no file
// could make right. Its hash is not looked at.
func (t Token) Check() *problem.Problem {
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

// check tells what is wrong with t as it stands in a file, or nil.
func (t Token) check() *problem.Problem {
	if p := t.Check(); p != nil {
		return p
	}
	if parseHash(t.Hash) == nil {
		return problem.New("ACCESS_HASH", "令牌 %s 的散列不是 64 位小写十六进制数",
			"the hash of token %s is not 64 lower-case hexadecimal digits", t.Name)
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
	// Neither is ever sent so, and would be equal to nothing.
	if usual := map[string]string{"http": "80", "https": "443"}[u.Scheme]; u.Port() == usual || strings.HasSuffix(u.Host, ":") {
		return problem.New("ACCESS_ORIGIN", "来源 %.80q 写了默认端口，浏览器不这样发送", "the origin %.80q has the usual port, which browsers leave out", s).
			Advise("写作 %[1]s", "write %[1]s", u.Scheme+"://"+strings.TrimSuffix(strings.TrimSuffix(u.Host, usual), ":"))
	}
	if strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return problem.New("ACCESS_ORIGIN", "来源 %.80q 不是 ASCII，浏览器不这样发送", "the origin %.80q is not in ASCII, as browsers send it", s).
			Advise("国际化域名写成 xn-- 开头的形式", "write international names in the form that begins with xn--")
	}
	return nil
}
