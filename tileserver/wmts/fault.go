package wmts

import (
	"unicode/utf8"

	"gengtu/index/problem"
	"gengtu/tileserver/ows"
)

// Code is an exception code of WMTS (07-057r7 tables 21, 24 and 30) or of OWS
// Common (06-121r3 table 27).
type Code string

// The exception codes.
const (
	MissingParameterValue    Code = "MissingParameterValue"
	InvalidParameterValue    Code = "InvalidParameterValue"
	TileOutOfRange           Code = "TileOutOfRange"
	PointIJOutOfRange        Code = "PointIJOutOfRange"
	OperationNotSupported    Code = "OperationNotSupported"
	VersionNegotiationFailed Code = "VersionNegotiationFailed"
	InvalidUpdateSequence    Code = "InvalidUpdateSequence"
	NoApplicableCode         Code = "NoApplicableCode"
)

// The statuses of HTTP that faults of this package have.
const (
	statusBadRequest     = 400
	statusNotFound       = 404
	statusNotImplemented = 501
)

// Fault is why a request is refused. It is an error, and its Problem is found
// by [problem.Of]. A Fault is not changed after it has been returned.
type Fault struct {
	// Code is the standard's word for it.
	Code Code
	// Locator is the parameter that is wrong, in upper case, or the unknown
	// operation; "" where the standard asks for none.
	Locator string
	// Status is that of the HTTP answer.
	Status int
	// Problem says it to a person; never nil.
	Problem *problem.Problem
}

// Error returns the English text.
func (f *Fault) Error() string { return f.Problem.Error() }

// Unwrap returns the problem.
func (f *Fault) Unwrap() error { return f.Problem }

// REST returns f as the RESTful binding answers it: there an address that is
// wrong does not exist, so that 400 and 501 become 404 (07-057r7 clause 10.2).
func (f *Fault) REST() *Fault {
	g := *f
	if g.Status == statusBadRequest || g.Status == statusNotImplemented {
		g.Status = statusNotFound
	}
	return &g
}

// XML returns f as an ows:ExceptionReport, version 1.1.0, with its text in
// language l. The result is valid against owsExceptionReport.xsd whatever the
// request held, and belongs to the caller.
func (f *Fault) XML(l problem.Lang) []byte {
	p := ows.NewPrinter()
	p.Open("ows:ExceptionReport",
		"xmlns:ows", "http://www.opengis.net/ows/1.1",
		"version", "1.1.0", "xml:lang", string(l))
	attributes := []string{"exceptionCode", string(f.Code)}
	if f.Locator != "" {
		attributes = append(attributes, "locator", f.Locator)
	}
	p.Open("ows:Exception", attributes...)
	p.Leaf("ows:ExceptionText", f.Problem.Text(l))
	p.Close("ows:Exception")
	p.Close("ows:ExceptionReport")
	return p.Bytes()
}

// Report returns p as a fault that WMTS has no word for: a token that is
// missing, a server that is busy, an error of our own. Status is that of the
// HTTP answer.
func Report(status int, p *problem.Problem) *Fault {
	return &Fault{Code: NoApplicableCode, Status: status, Problem: p}
}

// clip returns s cut to a length that a message may repeat.
func clip(s string) string {
	const longest = 60
	if len(s) <= longest {
		return s
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func missing(key string) *Fault {
	return &Fault{MissingParameterValue, key, statusBadRequest, problem.New("WMTS_MISSING",
		"缺少参数 %s", "parameter %s is missing", key)}
}

// invalid is a value that is not among those allowed, which the message lists.
func invalid(key, value, allowed string) *Fault {
	return &Fault{InvalidParameterValue, key, statusBadRequest, problem.New("WMTS_VALUE",
		"参数 %s 的值 %q 无效，允许：%s", "parameter %s has the value %q, allowed: %s", key, clip(value), allowed)}
}

func twice(key, first, second string) *Fault {
	return &Fault{InvalidParameterValue, key, statusBadRequest, problem.New("WMTS_TWICE",
		"参数 %s 出现两次且值不同：%q 与 %q", "parameter %s is given twice, as %q and as %q",
		key, clip(first), clip(second))}
}

// outside is a row or column that is not in [0, last] at the zoom.
func outside(key, value string, zoom uint8, last uint32) *Fault {
	return &Fault{TileOutOfRange, key, statusBadRequest, problem.New("WMTS_TILE_RANGE",
		"%s=%s 超出范围，第 %d 级为 0 至 %d", "%s=%s is outside the matrix, which has 0 to %[4]d at zoom %[3]d",
		key, clip(value), zoom, last)}
}

func pointOutside(key, value string, last uint32) *Fault {
	return &Fault{PointIJOutOfRange, key, statusBadRequest, problem.New("WMTS_POINT_RANGE",
		"%s=%s 超出瓦片范围，应为 0 至 %d", "%s=%s is outside the tile, whose pixels are 0 to %d",
		key, clip(value), last)}
}

func notSupported(request string) *Fault {
	return &Fault{OperationNotSupported, clip(request), statusNotImplemented, problem.New("WMTS_OPERATION",
		"不支持操作 %q，可用 GetCapabilities、GetTile、GetFeatureInfo",
		"no operation %q, there are GetCapabilities, GetTile and GetFeatureInfo", clip(request))}
}

func noVersion(versions string) *Fault {
	return &Fault{VersionNegotiationFailed, "", statusBadRequest, problem.New("WMTS_VERSION",
		"不支持版本 %q，本服务仅支持 %s", "no version of %q, this service speaks %s", clip(versions), Version)}
}

func sequenceAhead(asked, current string) *Fault {
	return &Fault{InvalidUpdateSequence, "", statusBadRequest, problem.New("WMTS_UPDATE_SEQUENCE",
		"updateSequence %q 晚于当前的 %q", "updateSequence %q is ahead of the current %q", clip(asked), current).
		Advise("请不带 updateSequence 重新请求", "ask again without updateSequence")}
}

func noSuchPath(path string) *Fault {
	return &Fault{InvalidParameterValue, "", statusNotFound, problem.New("WMTS_PATH",
		"WMTS 没有地址 %q", "no WMTS resource at %q", clip(path)).
		Advise("地址形式为 图层/样式/c或w/级别/行/列.png", "addresses are layer/style/grid/z/row/col.png")}
}

// notServed is a zoom that the grid has and the layer does not.
func notServed(zoom, minZoom, maxZoom uint8) *Fault {
	return &Fault{InvalidParameterValue, "TILEMATRIX", statusBadRequest, problem.New("WMTS_ZOOM",
		"该图层没有第 %d 级，可用 %d 至 %d 级", "the layer has no zoom %d, it has %d to %d", zoom, minZoom, maxZoom)}
}
