package wms

import (
	"gengtu/index/problem"
	"gengtu/tileserver/ows"
)

// Code is an exception code of WMS (06-042 table E.1, 01-068r3 annex A.3); ""
// is a fault for which the standard has no word.
type Code string

// The exception codes. InvalidCRS is written InvalidSRS in 1.1.1, which has no
// InvalidPoint and no OperationNotSupported: they are left out there.
const (
	InvalidFormat         Code = "InvalidFormat"
	InvalidCRS            Code = "InvalidCRS"
	LayerNotDefined       Code = "LayerNotDefined"
	StyleNotDefined       Code = "StyleNotDefined"
	LayerNotQueryable     Code = "LayerNotQueryable"
	InvalidPoint          Code = "InvalidPoint"
	InvalidUpdateSequence Code = "InvalidUpdateSequence"
	InvalidDimensionValue Code = "InvalidDimensionValue"
	OperationNotSupported Code = "OperationNotSupported"
)

// in returns the code as version v has it.
func (c Code) in(v Version) Code {
	switch {
	case v != V111:
		return c
	case c == InvalidCRS:
		return "InvalidSRS"
	case c == InvalidPoint || c == OperationNotSupported:
		return ""
	}
	return c
}

// The statuses of HTTP that faults of this package have.
const (
	statusBadRequest     = 400
	statusNotImplemented = 501
)

// Fault is why a request is refused. It is an error, and its Problem is found
// by [problem.Of]. A Fault is not changed after it has been returned.
type Fault struct {
	Code Code
	// Locator is the parameter that is wrong, in upper case; "" for none.
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

// ReportType is the media type of a report in version v.
func ReportType(v Version) string {
	if v == V111 {
		return "application/vnd.ogc.se_xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}

// Report returns f as a ServiceExceptionReport of version v, with its text in
// language l. The result is well-formed whatever the request held, and belongs
// to the caller.
func (f *Fault) Report(v Version, l problem.Lang) []byte {
	p := ows.NewPrinter()
	root := []string{"version", v.String()}
	if v == V111 {
		p.Doctype("ServiceExceptionReport", "http://schemas.opengis.net/wms/1.1.1/WMS_exception_1_1_1.dtd")
	} else {
		root = append(root, "xmlns", "http://www.opengis.net/ogc",
			"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance",
			"xsi:schemaLocation", "http://www.opengis.net/ogc http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd")
	}
	p.Open("ServiceExceptionReport", root...)
	var attributes []string
	if c := f.Code.in(v); c != "" {
		attributes = append(attributes, "code", string(c))
	}
	if f.Locator != "" && v != V111 { // 1.1.1's document type has no such attribute
		attributes = append(attributes, "locator", f.Locator)
	}
	p.Leaf("ServiceException", f.Problem.Text(l), attributes...)
	p.Close("ServiceExceptionReport")
	return p.Bytes()
}

func bad(code Code, locator string, p *problem.Problem) *Fault {
	return &Fault{Code: code, Locator: locator, Status: statusBadRequest, Problem: p}
}

func missing(key string) *Fault {
	return bad("", key, problem.New("WMS_MISSING", "缺少参数 %s", "parameter %s is missing", key))
}

// invalid is a value that is not among those allowed, which the message lists.
func invalid(code Code, key, value, allowed string) *Fault {
	return bad(code, key, problem.New("WMS_VALUE",
		"参数 %s 的值 %.60q 无效，允许：%s", "parameter %s has the value %.60q, allowed: %s", key, value, allowed))
}

func twice(key, first, second string) *Fault {
	return bad("", key, problem.New("WMS_TWICE",
		"参数 %s 出现两次且值不同：%.60q 与 %.60q", "parameter %s is given twice, as %.60q and as %.60q", key, first, second))
}

func notSupported(request string) *Fault {
	return &Fault{OperationNotSupported, "REQUEST", statusNotImplemented, problem.New("WMS_OPERATION",
		"不支持操作 %.60q，可用 GetCapabilities、GetMap、GetFeatureInfo、GetLegendGraphic",
		"no operation %.60q, there are GetCapabilities, GetMap, GetFeatureInfo and GetLegendGraphic", request)}
}

func sequenceAhead(asked, current string) *Fault {
	return bad(InvalidUpdateSequence, "UPDATESEQUENCE", problem.New("WMS_UPDATE_SEQUENCE",
		"UPDATESEQUENCE %.60q 晚于当前的 %q", "UPDATESEQUENCE %.60q is ahead of the current %q", asked, current).
		Advise("请不带 UPDATESEQUENCE 重新请求", "ask again without UPDATESEQUENCE"))
}
