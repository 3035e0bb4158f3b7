package wmts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"

	"gengtu/tileserver/ows"
)

// Info is one feature under the pixel that was asked for.
type Info struct {
	Layer  string
	ID     uint64
	Fields []Field
}

// Field is one attribute of a feature. Title is for people, Name for programs;
// a Title of "" means the Name. Value is nil, a bool, a number or a string.
type Field struct {
	Name, Title string
	Value       any
}

// Print returns features as the answer to GetFeatureInfo in form f and UTF-8:
// a GeoJSON FeatureCollection without geometries, a page with one table a
// feature, or a FeatureInfo document of our own in XML. Fields keep their
// order. No features give an answer that holds none. The error is of a Value
// that JSON cannot hold, such as NaN.
func Print(f InfoFormat, features []Info) ([]byte, error) {
	switch f {
	case HTML:
		return printHTML(features), nil
	case XML:
		return printXML(features), nil
	default:
		return printJSON(features)
	}
}

// maxExactID is the largest identifier that JavaScript's numbers hold exactly;
// larger ones are written as strings.
const maxExactID = 1<<53 - 1

func printJSON(features []Info) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(`{"type":"FeatureCollection","features":[`)
	for i, feature := range features {
		if i > 0 {
			out.WriteByte(',')
		}
		id := strconv.FormatUint(feature.ID, 10)
		if feature.ID > maxExactID {
			id = strconv.Quote(id)
		}
		layer, err := json.Marshal(feature.Layer)
		if err != nil {
			return nil, fmt.Errorf("layer of feature %s: %w", id, err)
		}
		fmt.Fprintf(&out, `{"type":"Feature","id":%s,"layer":%s,"geometry":null,"properties":{`, id, layer)
		for j, field := range feature.Fields {
			if j > 0 {
				out.WriteByte(',')
			}
			name, err := json.Marshal(field.Name)
			if err != nil {
				return nil, fmt.Errorf("name of field %d of feature %s: %w", j, id, err)
			}
			value, err := json.Marshal(field.Value)
			if err != nil {
				return nil, fmt.Errorf("field %s of feature %s: %w", field.Name, id, err)
			}
			out.Write(name)
			out.WriteByte(':')
			out.Write(value)
		}
		out.WriteString("}}")
	}
	out.WriteString("]}\n")
	return out.Bytes(), nil
}

// shown returns v as a person reads it, control characters replaced.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return number(v)
	default:
		return strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				return unicode.ReplacementChar
			}
			return r
		}, fmt.Sprint(v))
	}
}

func printHTML(features []Info) []byte {
	var out bytes.Buffer
	out.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>FeatureInfo</title></head><body>\n")
	for _, feature := range features {
		fmt.Fprintf(&out, "<table><caption>%s %d</caption>\n", html.EscapeString(feature.Layer), feature.ID)
		for _, field := range feature.Fields {
			title := field.Title
			if title == "" {
				title = field.Name
			}
			fmt.Fprintf(&out, "<tr><th>%s</th><td>%s</td></tr>\n",
				html.EscapeString(title), html.EscapeString(shown(field.Value)))
		}
		out.WriteString("</table>\n")
	}
	out.WriteString("</body></html>\n")
	return out.Bytes()
}

func printXML(features []Info) []byte {
	p := ows.NewPrinter()
	p.Open("FeatureInfo")
	for _, feature := range features {
		p.Open("Feature", "layer", feature.Layer, "id", strconv.FormatUint(feature.ID, 10))
		for _, field := range feature.Fields {
			p.Leaf("Field", shown(field.Value), "name", field.Name)
		}
		p.Close("Feature")
	}
	p.Close("FeatureInfo")
	return p.Bytes()
}
