package tileserver

import (
	"net/netip"
	"slices"
	"strings"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// What a refusal tells is what was asked, which whoever asks knows, and what the token
// grants, which its holder may know; never whether what was asked is there. So it is the
// same for what the edition has and for what it has not.

// codeRefused is the code of what a token does not grant, or an address may not do.
const codeRefused = "TOKEN_REFUSED"

// refuse is the problem of what a token does not grant.
func refuse(zh, en string, args ...any) *problem.Problem {
	return problem.New(codeRefused, zh, en, args...).
		Advise("需要时请签发令牌的人扩大授权", "where it is needed, ask who issued the token to grant it")
}

// refusedToken is the problem of a token that does not open what is asked for.
func (r *request) refusedToken(outcome access.Outcome, op access.Operation) error {
	switch outcome {
	case access.NoToken:
		return errToken
	case access.Expired:
		return problem.New(errUnknownToken.Code, "令牌已过期，或尚未生效", "the token has expired, or is not valid yet").
			Advise("请签发令牌的人换发；时钟也要对", "ask who issued it for another; clocks must agree, too")
	case access.Revoked:
		return problem.New(errUnknownToken.Code, "令牌已被收回", "the token was revoked").
			Advise("请签发令牌的人换发", "ask who issued it for another")
	case access.WrongTier:
		return refuse("令牌没有授予%[1]s", "the token does not grant the tier %[2]s", r.tier.Title(problem.Chinese), r.tier)
	case access.WrongAddress:
		return refuse("令牌没有授予从地址 %[1]s 使用", "the token is not granted to the address %[2]s", nameOf(r.from, "（不明）"), nameOf(r.from, "(not known)")).
			Advise("从授予的网络使用；在反向代理后面时由运行人员设 --trusted-proxy", "use it from the networks that it is granted to; behind a proxy the operator sets --trusted-proxy")
	case access.WrongOrigin:
		origin, _, _ := strings.Cut(string(r.ctx.Request.Header.Peek("Origin")), "\n")
		if origin == "" {
			return refuse("令牌只授予指定来源的网页使用，这一请求的 Origin 和 Referer 没有说是其中之一", "the token is granted to pages of certain origins, and neither Origin nor Referer of the request names one of them").
				Advise("从授予的网页使用；网页的 Referrer-Policy 不要设为 no-referrer", "use it from the pages that it is granted to; their Referrer-Policy must not be no-referrer")
		}
		return refuse("令牌没有授予来源 %.80[1]q 的网页使用", "the token is not granted to pages of the origin %.80[1]q", origin)
	case access.WrongOperation:
		return refuse("令牌没有授予操作 %[1]s，授予的是：%[2]s", "the token does not grant the operation %[1]s, it grants: %[2]s", op, some(named(r.scope.Operations)))
	}
	return errUnknownToken
}

// nameOf is an address as text, or unknown.
func nameOf(a netip.Addr, unknown string) string {
	if !a.IsValid() {
		return unknown
	}
	return a.String()
}

// named are operations as texts.
func named(all []access.Operation) []string {
	var out []string
	for _, o := range all {
		out = append(out, string(o))
	}
	return out
}

// some lists the first of what a token grants.
func some(all []string) string {
	const most = 12
	if len(all) > most {
		return strings.Join(all[:most], " ") + " …"
	}
	return strings.Join(all, " ")
}

// grantsLayer refuses a layer that the token does not grant.
func (r *request) grantsLayer(name string) error {
	if r.scope.Layer(name) {
		return nil
	}
	return refuse("令牌没有授予图层 %.40[1]q，授予的是：%[2]s", "the token does not grant the layer %.40[1]q, it grants: %[2]s", name, some(r.scope.Layers))
}

// grantsZoom refuses a zoom that the token does not grant.
func (r *request) grantsZoom(z int) error {
	switch {
	case r.scope.Zoom(z):
		return nil
	case r.scope.MaxZoom == 0:
		return refuse("令牌没有授予第 %[1]d 级，授予的是 %[2]d 级起", "the token does not grant zoom %[1]d, it grants those from %[2]d on", z, r.scope.MinZoom)
	}
	return refuse("令牌没有授予第 %[1]d 级，授予的是 %[2]d 到 %[3]d 级", "the token does not grant zoom %[1]d, it grants %[2]d to %[3]d", z, r.scope.MinZoom, r.scope.MaxZoom)
}

// grantsPlace refuses a place that is in none of those that the token grants.
func (r *request) grantsPlace(code string) error {
	if r.scope == nil || len(r.scope.Places) == 0 || slices.ContainsFunc(r.scope.Places, func(p string) bool { return strings.HasPrefix(code, p) }) {
		return nil
	}
	return refuse("令牌没有授予地点 %.20[1]q，授予的是：%[2]s", "the token does not grant the place %.20[1]q, it grants: %[2]s", code, some(r.scope.Places))
}

// grantsOutlines refuses a question by place where the token does not grant the layer
// that has the outlines of places.
func (r *request) grantsOutlines() error {
	const outlines = edition.Region
	if r.scope.Layer(outlines) {
		return nil
	}
	r.outcome = access.WrongScope
	return refuse("按地点提问要用行政区的界线，令牌没有授予图层 %[1]q，授予的是：%[2]s", "a question by place needs the outlines of places, and the token does not grant the layer %[1]q, it grants: %[2]s", outlines, some(r.scope.Layers)).
		Advise("给出 geometry 或 bbox；或请签发令牌的人加上图层 %[1]s", "give a geometry or bbox, or ask who issued the token to add the layer %[1]s", outlines)
}

// ungranted is err, or where it says that something is not there which the token does
// not grant, whether it is there or not, that the token does not grant it.
func (r *request) ungranted(err error) error {
	p := problem.Of(err)
	if p == nil || r.scope == nil {
		return err
	}
	refusal := error(nil)
	switch p.Code {
	case "NO_LAYER":
		if p.Key != "" {
			refusal = r.grantsLayer(p.Key)
		}
	case "NO_PLACE":
		refusal = r.grantsPlace(p.Key)
	}
	if refusal == nil {
		return err
	}
	r.outcome = access.WrongScope
	return refusal
}
