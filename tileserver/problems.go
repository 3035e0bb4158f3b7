package tileserver

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/valyala/fasthttp"

	"gengtu/index/problem"
	"gengtu/tileserver/tile"
)

// The problems that requests meet. Their codes, in lower case, are the `code`
// of the answer.
var (
	errNotFound = problem.New("NOT_FOUND", "这里没有内容", "there is nothing here")
	errToken    = problem.New("TOKEN_MISSING", "需要令牌", "a token is needed").
			Advise("用 Authorization: Bearer 或 tk= 给出", "give it as Authorization: Bearer, or as tk=")
	errUnknownToken = problem.New("TOKEN_INVALID", "令牌无效", "the token is not valid").
			Advise("它可能已被收回或过期", "it may have been revoked or have expired")
	errForbidden = problem.New("TOKEN_REFUSED", "令牌到不了这里", "the token does not reach here")
	errBusy      = problem.New("TOO_MANY", "请求太多", "there are too many requests at once").
			Advise("稍后再试", "try again later")
	errGone = problem.New("GENERATION_GONE", "这一代已不再保留", "this generation is no longer kept").
		Advise("去掉 generation= 取当前一代", "leave generation= out to get the current one")
	errMethod  = problem.New("METHOD", "这个地址不接受此方法", "this address does not take the method")
	errNotHere = problem.New("NOT_AVAILABLE", "这一版程序还没有此功能", "this program does not have this yet")
	errServing = problem.New("NOT_READY", "数据还没有装好", "the data are not loaded yet")
	errTimeout = problem.New("TIMEOUT", "请求用时超过上限", "the request took longer than the limit").
			Advise("缩小范围后再试", "try a smaller area")
)

// statuses is the one table from problems to HTTP statuses. The first match
// wins; an error that matches none is a fault of ours and answers 500 with
// nothing but its title.
var statuses = []struct {
	code   string // a code, or its beginning when it ends in *
	status int
}{
	{"NOT_FOUND", 404}, {"NO_LAYER", 404}, {"NO_VINTAGE", 404}, {"NO_FEATURE", 404}, {"NO_PLACE", 404}, {"NO_ZOOM", 404},
	{"TOKEN_MISSING", 401}, {"TOKEN_INVALID", 401}, {"TOKEN_REFUSED", 403}, {"POLICY", 403},
	{"TILE_RANGE", 400}, {"GRID_UNKNOWN", 404}, {"PARAMETER*", 400}, {"GEOMETRY*", 400}, {"GEOJSON*", 400}, {"CRS*", 400}, {"JSON*", 400}, {"AOI_EMPTY", 400},
	{"TOO_LARGE*", 413}, {"URL_TOO_LONG", 414}, {"TOO_MANY", 429}, {"GENERATION_GONE", 410}, {"METHOD", 405},
	{"NOT_ACCEPTABLE", 406}, {"NOT_AVAILABLE", 501}, {"NOT_READY", 503}, {"TIMEOUT", 503},
}

// titles name the statuses for people.
var titles = map[int]struct{ zh, en string }{
	400: {"请求不对", "Bad request"}, 401: {"需要令牌", "Token needed"}, 403: {"不允许", "Not allowed"},
	404: {"没有", "Not found"}, 405: {"方法不对", "Method not allowed"}, 406: {"没有这种格式", "Not acceptable"},
	410: {"已不保留", "Gone"}, 413: {"太大", "Too large"}, 414: {"地址太长", "Address too long"}, 429: {"太多", "Too many requests"},
	500: {"服务器出错", "Server fault"}, 501: {"还没有", "Not available yet"}, 503: {"暂时不行", "Not ready"},
}

// statusOf returns the status of err, and the problem to show, which is nil for
// a fault of ours.
func statusOf(err error) (int, *problem.Problem) {
	switch {
	case errors.Is(err, tile.ErrRange):
		return 400, problem.New("TILE_RANGE", "瓦片超出矩阵（%v）", "%v", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return 503, errTimeout
	}
	p := problem.Of(err)
	if p == nil {
		return 500, nil
	}
	for _, s := range statuses {
		if s.code == p.Code || strings.HasSuffix(s.code, "*") && strings.HasPrefix(p.Code, s.code[:len(s.code)-1]) {
			return s.status, p
		}
	}
	return 500, nil
}

// writeProblem answers with problem+json (RFC 9457).
func writeProblem(ctx *fasthttp.RequestCtx, err error, lang problem.Lang) int {
	status, p := statusOf(err)
	return writeProblemStatus(ctx, status, p, lang)
}

// writeProblemStatus answers with p, which may be nil for a fault of ours.
func writeProblemStatus(ctx *fasthttp.RequestCtx, status int, p *problem.Problem, lang problem.Lang) int {
	title := titles[status].en
	if lang == problem.Chinese {
		title = titles[status].zh
	}
	body := map[string]any{"type": "/problems/server-fault", "title": title, "status": status, "code": "server_fault"}
	if p != nil {
		code := strings.ToLower(p.Code)
		body["type"] = "/problems/" + strings.ReplaceAll(code, "_", "-")
		body["code"] = code
		detail := p.Found(lang)
		if a := p.Advice(lang); a != "" {
			body["advice"] = a
		}
		body["detail"] = detail
	}
	body["request"] = string(ctx.Response.Header.Peek("X-Request-Id"))
	data, merr := json.Marshal(body)
	if merr != nil {
		data = []byte(`{"title":"Server fault","status":500}`)
	}
	ctx.Response.ResetBody()
	ctx.Response.Header.Del("Content-Encoding")
	ctx.Response.Header.Del("ETag")
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/problem+json; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	switch status {
	case 401:
		ctx.Response.Header.Set("WWW-Authenticate", `Bearer realm="gengtu"`)
	case 429, 503:
		ctx.Response.Header.Set("Retry-After", "2")
	}
	ctx.SetBody(data)
	return status
}
