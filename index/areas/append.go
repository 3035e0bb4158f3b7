package areas

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"gengtu/index/geo"
	"gengtu/index/problem"
)

// AppendJSON appends the answer, as [json.Marshal] writes it, to dst and returns
// the extended slice.
func (a *Answer) AppendJSON(dst []byte) []byte {
	return a.appendMembers(append(dst, '{'))
}

// appendMembers appends the members of the answer and the end of the object.
func (a *Answer) appendMembers(dst []byte) []byte {
	dst = appendText(append(dst, `"generation":`...), a.Generation)
	if a.Scope != "" {
		dst = appendText(append(dst, `,"scope":`...), a.Scope)
	}
	dst = appendText(append(dst, `,"program":`...), a.Program)
	dst = appendText(append(dst, `,"tier":`...), string(a.Tier))
	dst = appendText(append(dst, `,"formula":`...), a.Formula)
	if a.RoundedM2 != 0 {
		dst = appendNumber(append(dst, `,"rounded_to_m2":`...), a.RoundedM2)
	}
	dst = a.AOI.appendJSON(append(dst, `,"aoi":`...))
	dst = appendList(append(dst, `,"layers":`...), a.Layers, (*Layer).appendJSON)
	if a.Combinations != nil {
		dst = appendList(append(dst, `,"combinations":`...), a.Combinations, (*Combination).appendJSON)
	}
	dst = appendList(append(dst, `,"failed":`...), a.Failed, (*Failed).appendJSON)
	return append(dst, '}')
}

func (a *AOI) appendJSON(dst []byte) []byte {
	dst = appendNumber(append(dst, `{"area_m2":`...), a.AreaM2)
	dst = appendNumber(append(dst, `,"area_mu":`...), a.AreaMu)
	dst = appendNumber(append(dst, `,"area_ha":`...), a.AreaHa)
	if a.SurveyM2 != nil {
		dst = appendNumber(append(dst, `,"survey_m2":`...), *a.SurveyM2)
	}
	if a.SurveyZone != "" {
		dst = appendText(append(dst, `,"survey_zone":`...), a.SurveyZone)
	}
	dst = strconv.AppendBool(append(dst, `,"mended":`...), a.Mended)
	dst = appendList(append(dst, `,"problems":`...), a.Problems, appendProblem)
	if len(a.Outline) > 0 {
		dst = geo.AppendGeoJSON(append(dst, `,"geometry":`...), geo.MultiPolygon(a.Outline))
	}
	return append(dst, '}')
}

func appendProblem(p **problem.Problem, dst []byte) []byte {
	data, err := json.Marshal(*p)
	if err != nil { // texts and a number always marshal
		return append(dst, "null"...)
	}
	return append(dst, data...)
}

func (l *Layer) appendJSON(dst []byte) []byte {
	dst = appendText(append(dst, `{"layer":`...), l.Layer)
	dst = appendText(append(dst, `,"vintage":`...), l.Vintage)
	dst = strconv.AppendInt(append(dst, `,"features":`...), int64(l.Count), 10)
	dst = appendNumber(append(dst, `,"area_m2":`...), l.AreaM2)
	dst = appendNumber(append(dst, `,"area_mu":`...), l.AreaMu)
	dst = appendNumber(append(dst, `,"area_ha":`...), l.AreaHa)
	dst = appendOptional(append(dst, `,"patch_m2":`...), l.PatchM2)
	dst = appendOptional(append(dst, `,"net_m2":`...), l.NetM2)
	dst = appendOptional(append(dst, `,"net_mu":`...), l.NetMu)
	if l.NoPatchM2 != 0 {
		dst = appendNumber(append(dst, `,"no_patch_area_m2":`...), l.NoPatchM2)
	}
	if l.NoNetM2 != 0 {
		dst = appendNumber(append(dst, `,"no_net_area_m2":`...), l.NoNetM2)
	}
	dst = appendNumber(append(dst, `,"gross_area_m2":`...), l.GrossM2)
	if l.LayerPatchWithheldM2 != 0 {
		dst = appendNumber(append(dst, `,"layer_patch_withheld_m2":`...), l.LayerPatchWithheldM2)
	}
	if l.LayerNetWithheldM2 != 0 {
		dst = appendNumber(append(dst, `,"layer_net_withheld_m2":`...), l.LayerNetWithheldM2)
	}
	if l.PatchComputedM2 != nil {
		dst = appendNumber(append(dst, `,"patch_computed_m2":`...), *l.PatchComputedM2)
	}
	if l.NetComputedM2 != nil {
		dst = appendNumber(append(dst, `,"net_computed_m2":`...), *l.NetComputedM2)
	}
	if l.SurveyM2 != nil {
		dst = appendNumber(append(dst, `,"survey_m2":`...), *l.SurveyM2)
	}
	if l.Groups != nil {
		dst = appendList(append(dst, `,"groups":`...), l.Groups, (*Group).appendJSON)
	}
	if l.Pieces != nil {
		dst = appendList(append(dst, `,"pieces":`...), l.Pieces, (*Piece).appendJSON)
	}
	return append(dst, '}')
}

func (g *Group) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, f := range g.Fields {
		dst = append(appendText(dst, f), ':')
		dst = append(appendValue(dst, g.Values[i]), ',')
	}
	dst = strconv.AppendInt(append(dst, `"features":`...), int64(g.Count), 10)
	dst = appendNumber(append(dst, `,"area_m2":`...), g.AreaM2)
	dst = appendNumber(append(dst, `,"area_mu":`...), g.AreaMu)
	dst = appendOptional(append(dst, `,"patch_m2":`...), g.PatchM2)
	dst = appendOptional(append(dst, `,"net_m2":`...), g.NetM2)
	dst = appendOptional(append(dst, `,"net_mu":`...), g.NetMu)
	return append(dst, '}')
}

func (p *Piece) appendJSON(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"id":`...), p.ID, 10)
	if p.Code != "" {
		dst = appendText(append(dst, `,"code":`...), p.Code)
	}
	dst = appendNumber(append(dst, `,"area_m2":`...), p.AreaM2)
	dst = appendOptional(append(dst, `,"patch_m2":`...), p.PatchM2)
	dst = appendOptional(append(dst, `,"net_m2":`...), p.NetM2)
	if p.SurveyM2 != nil {
		dst = appendNumber(append(dst, `,"survey_m2":`...), *p.SurveyM2)
	}
	dst = geo.AppendGeoJSON(append(dst, `,"geometry":`...), p.Shape)
	return append(dst, '}')
}

func (c *Combination) appendJSON(dst []byte) []byte {
	dst = appendTexts(append(dst, `{"inside":`...), c.Inside)
	dst = appendTexts(append(dst, `,"outside":`...), c.Outside)
	dst = appendNumber(append(dst, `,"area_m2":`...), c.AreaM2)
	dst = append(dst, `,"net_m2":`...)
	if c.NetM2 == nil {
		return append(dst, "null}"...)
	}
	dst = append(dst, '{')
	names := make([]string, 0, 16) // as many layers as can be asked about
	for n := range c.NetM2 {
		names = append(names, n)
	}
	slices.Sort(names)
	for i, n := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOptional(append(appendText(dst, n), ':'), c.NetM2[n])
	}
	return append(dst, "}}"...)
}

func (f *Failed) appendJSON(dst []byte) []byte {
	dst = appendText(append(dst, `{"layer":`...), f.Layer)
	dst = strconv.AppendUint(append(dst, `,"id":`...), f.ID, 10)
	dst = appendText(append(dst, `,"reason":`...), f.Reason)
	dst = appendText(append(dst, `,"reason_zh":`...), f.ReasonZh)
	return append(dst, '}')
}

// AppendJSON appends the answer with the shape's own id, properties and status,
// which is "ok" or "failed", to dst and returns the extended slice.
func (r *Result) AppendJSON(dst []byte) []byte {
	dst = appendRaw(append(dst, `{"id":`...), r.ID)
	dst = appendRaw(append(dst, `,"properties":`...), r.Properties)
	if r.Problem == nil {
		dst = append(dst, `,"status":"ok"`...)
	} else {
		dst = appendProblem(&r.Problem, append(dst, `,"status":"failed","problem":`...))
	}
	if r.Answer == nil {
		return append(dst, '}')
	}
	return r.Answer.appendMembers(append(dst, ','))
}

// MarshalJSON is [Result.AppendJSON] for encoding/json.
func (r Result) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// MarshalJSON is the group as an answer has it: the class's fields as members
// beside the figures.
func (g Group) MarshalJSON() ([]byte, error) { return g.appendJSON(nil), nil }

// MarshalJSON is the piece as an answer has it, with its geometry as GeoJSON.
func (p Piece) MarshalJSON() ([]byte, error) { return p.appendJSON(nil), nil }

// appendList appends a JSON array of items, or null for nil.
func appendList[T any](dst []byte, items []T, item func(*T, []byte) []byte) []byte {
	if items == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(&items[i], dst)
	}
	return append(dst, ']')
}

func appendTexts(dst []byte, texts []string) []byte {
	return appendList(dst, texts, func(s *string, dst []byte) []byte { return appendText(dst, *s) })
}

func appendOptional(dst []byte, v *float64) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	return appendNumber(dst, *v)
}

// appendValue appends a value of a feature's field.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return appendNumber(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	}
	data, err := json.Marshal(v)
	if err != nil { // fields have no other kinds
		return append(dst, "null"...)
	}
	return append(dst, data...)
}

// appendNumber appends a number as ECMAScript writes it, which encoding/json
// follows; one that JSON cannot hold is null.
func appendNumber(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 && !(v == 0 && math.Signbit(v)) {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
		// e-09 to e-9.
		if n := len(dst); n >= 4 && dst[n-4] == 'e' && (dst[n-3] == '-' || dst[n-3] == '+') && dst[n-2] == '0' {
			dst[n-2] = dst[n-1]
			dst = dst[:n-1]
		}
		return dst
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON text, escaped as encoding/json does: <, > and &
// too, so that it may stand in HTML.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
				i++
				continue
			}
			dst = appendEscape(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[start:i]...), `\ufffd`...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[start:i]...), `\u202`...)
			dst = append(dst, hexDigits[r&0xF])
			start = i + n
		}
		i += n
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}

// appendRaw appends a JSON value that was given, without white space and escaped
// as [appendText] does; nothing is null.
func appendRaw(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, "null"...)
	}
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case !quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
		case quoted && c == '\\' && i+1 < len(raw):
			dst = append(dst, c, raw[i+1])
			i++
		case c == '<' || c == '>' || c == '&':
			dst = appendEscape(dst, c)
		case c == 0xE2 && i+2 < len(raw) && raw[i+1] == 0x80 && raw[i+2]&^1 == 0xA8:
			dst = append(dst, '\\', 'u', '2', '0', '2', hexDigits[raw[i+2]&0xF])
			i += 2
		default:
			if c == '"' {
				quoted = !quoted
			}
			dst = append(dst, c)
		}
	}
	return dst
}
