package tileserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

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
			Advise("请核对是否抄全，或请签发令牌的人换发", "check that it is whole, or ask who issued it for another")
	errEnded = problem.New("TOKEN_ENDED", "令牌在作答期间被收回或过期", "the token was revoked or has expired while this was answered").
			Advise("请签发令牌的人换发", "ask who issued it for another")
	errMethod = problem.New("METHOD", "这个地址不接受此方法", "this address does not take the method")
	errAudit  = problem.New("AUDIT_WRITE", "审计记录写不下来，因此不能作答", "the audit line cannot be written, so there is no answer").
			Advise("请系统管理员检查审计日志的磁盘空间与权限；恢复后无须重启", "have the system administrator see to the audit log's disk space and permissions; no restart is needed then")
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
	{"NOT_FOUND", 404}, {"NO_LAYER", 404}, {"NO_JOB", 404}, {"NO_ANSWER", 404}, {"ANALYZE_UNKNOWN", 404}, {"ANALYZE_LAYER", 404}, {"ANALYZE*", 400}, {"RECONCILE*", 400}, {"FIGURES*", 400}, {"NO_VINTAGE", 404}, {"NO_FEATURE", 404}, {"NO_PLACE", 404}, {"BOOK_AREA", 404}, {"NO_ZOOM", 404}, {"NO_TILE", 404}, {"NO_BASE*", 404}, {"BASE_UPSTREAM", 502}, {"GRID_UNKNOWN", 404},
	{"LOGIN_DENIED", 403}, {"LOGIN_GRANT", 403}, {"LOGIN_TOKEN", 403}, {"LOGIN_AWAY", 503}, {"LOGIN*", 400},
	{"TOKEN_MISSING", 401}, {"TOKEN_INVALID", 401}, {"TOKEN_ENDED", 401}, {"TOKEN_REFUSED", 403}, {"POLICY", 403},
	{"TILE_RANGE", 400}, {"PARAMETER*", 400}, {"CODE_CHECK", 400}, {"CODE_FORM", 400}, {"GEOMETRY*", 400}, {"GEOJSON*", 400}, {"TXT*", 400}, {"CRS*", 400}, {"JSON*", 400}, {"AOI_EMPTY", 400},
	{"OVERLAY_RANGE", 400}, {"DIFF*", 400}, {"FONT_STACK", 400}, {"GLYPH_RANGE", 400}, {"PICTURE*", 400},
	{"TOO_LARGE*", 413}, {"OVERLAY_TOO*", 413}, {"URL_TOO_LONG", 414}, {"CONTENT_CODING", 415}, {"TOO_MANY", 429}, {"GENERATION_GONE", 410}, {"METHOD", 405},
	{"NOT_ACCEPTABLE", 406}, {"REQUEST_SLOW", 408}, {"NOT_READY", 503}, {"OVERLOADED", 503}, {"RECEIPT_OFF", 404}, {"RECEIPT_MEMBER", 400}, {"SEAL_DEVICE", 503}, {"AUDIT_WRITE", 503}, {"SCOPE_MAKING", 503}, {"TIMEOUT", 503},
}

// titles name the statuses for people.
var titles = map[int]struct{ zh, en string }{
	400: {"请求不对", "Bad request"}, 401: {"需要令牌", "Token needed"}, 403: {"不允许", "Not allowed"},
	404: {"没有", "Not found"}, 405: {"方法不对", "Method not allowed"}, 406: {"没有这种格式", "Not acceptable"},
	408: {"请求太慢", "Request timeout"}, 410: {"已不保留", "Gone"}, 413: {"太大", "Too large"}, 414: {"地址太长", "Address too long"}, 415: {"没有这种编码", "Unsupported media type"}, 429: {"太多", "Too many requests"},
	500: {"服务器出错", "Server fault"}, 501: {"还没有", "Not available yet"}, 502: {"上游无答复", "Bad gateway"}, 503: {"暂时不行", "Not ready"},
}

// statusOf returns the status of err, and the problem to show, which is nil for
// a fault of ours.
func statusOf(err error) (int, *problem.Problem) {
	switch {
	case errors.Is(err, tile.ErrRange):
		return fasthttp.StatusBadRequest, problem.New("TILE_RANGE", "瓦片超出矩阵（%v）", "%v", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fasthttp.StatusServiceUnavailable, errTimeout
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

// What every problem is sent with.
const (
	problemType = "application/problem+json; charset=utf-8"
	retryAfter  = "2" // seconds
)

// writeProblem answers with p, which is nil for a fault of ours, as problem+json
// (RFC 9457), and returns the status.
func (r *request) writeProblem(status int, p *problem.Problem) int {
	lang := r.lang()
	r.errorHeaders(status)
	r.ctx.SetContentType(problemType)
	r.ctx.SetBody(problemBody(status, p, lang, r.id(), r.loginsFor(p)))
	return status
}

// errorHeaders takes back what a handler has begun, and sets what every error
// is sent with.
func (r *request) errorHeaders(status int) {
	h := &r.ctx.Response.Header
	r.ctx.Response.ResetBody()
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "ETag", receiptHeader} {
		h.Del(name)
	}
	r.ctx.SetStatusCode(status)
	h.Set("Cache-Control", "no-store")
	switch status {
	case fasthttp.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="gengtu"`)
	case fasthttp.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip") // RFC 9110, 15.5.16
	case fasthttp.StatusTooManyRequests, fasthttp.StatusServiceUnavailable:
		h.Set("Retry-After", cmp.Or(wholeSeconds(r.retry), retryAfter))
	}
}

// wholeSeconds writes a time as Retry-After does, rounded up; "" for none.
func wholeSeconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// problemBody is the document of problem p, or of a fault of ours, of which
// nothing but the title is shown. logins are where a token can be had.
func problemBody(status int, p *problem.Problem, lang problem.Lang, id string, logins []offer) []byte {
	body := struct {
		Type    string  `json:"type"`
		Title   string  `json:"title"`
		Status  int     `json:"status"`
		Code    string  `json:"code"`
		Detail  string  `json:"detail,omitempty"`
		Advice  string  `json:"advice,omitempty"`
		Request string  `json:"request"`
		Login   []offer `json:"login,omitempty"`
	}{"/problems/server-fault", titles[status].en, status, "server_fault", "", "", id, logins}
	if lang == problem.Chinese {
		body.Title = titles[status].zh
	}
	if p != nil {
		body.Code = strings.ToLower(p.Code)
		body.Type = "/problems/" + strings.ReplaceAll(body.Code, "_", "-")
		body.Detail, body.Advice = p.Found(lang), p.Advice(lang)
	}
	data, err := json.Marshal(body)
	if err != nil { // texts and a number always marshal
		return []byte(`{"title":"Server fault","status":500}`)
	}
	return data
}
