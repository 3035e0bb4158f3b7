package tileserver

import (
	"bytes"
	"encoding/json"
	"testing"

	"gengtu/index/problem"
)

// Whatever the body of a question, it is refused with a problem, or its members are those
// listed and say the same when they are written and read again.
func FuzzAnalysisBody(f *testing.F) {
	for _, s := range []string{
		`{"question":"hsf-outside-pbf","by":"village","place":"610402001","vintage":"2024","from":"2023","parameters":{"least_mu":"1"}}`,
		"\uFEFF" + `{"question":"siting","shapes":{"type":"Polygon","coordinates":[[[108,34],[108.1,34],[108,34.1],[108,34]]]},"crs":"EPSG:4490"}`,
		`{"question":"siting","shapes":null,"previous":"a"}`, `{"question":1}`, `{"quest":""}`, `{} {}`, `{`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkUTF8(data) != nil {
			return
		}
		b, ok := strictly[analysisBody](t, data, analysisMembers)
		if !ok {
			return
		}
		again, ok := strictly[analysisBody](t, written(t, b), analysisMembers)
		if !ok || !bytes.Equal(written(t, again), written(t, b)) {
			t.Fatalf("%s is read again as %s", written(t, b), written(t, again))
		}
	})
}

// Whatever the body of a reconciliation, it is refused with a problem, or each operand is
// what was sent: the layer's words, a table, or an answer that the question goes on from.
func FuzzReconcileBody(f *testing.F) {
	for _, s := range []string{
		`{"a":"cropland@2024:0101","b":"dltb@2023","by":"county","width":0.5,"lines":"x","shapes":true}`,
		`{"a":{"figures":"place,mu\n610402,1\n"},"b":{"answer":"a1","column":"mu"}}`,
		`{"a":{"answer":"a1"},"b":{"answer":"a2"}}`, `{"a":null,"b":[]}`, `{"a":"x:y","b":"\ud800"}`, `{"a":{"figures":"x","answer":"y"}}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkUTF8(data) != nil {
			return
		}
		b, ok := strictly[reconcileBody](t, data, reconcileMembers)
		if !ok {
			return
		}
		q := &asking{}
		for name, sent := range map[string]json.RawMessage{"a": b.A, "b": b.B} {
			q.Previous = ""
			text, err := operandOf(q, name, sent)
			if err != nil {
				if problem.Of(err) == nil {
					t.Fatal(err)
				}
				continue
			}
			if layer := ""; json.Unmarshal(sent, &layer) == nil {
				if text != layer || q.Previous != "" {
					t.Fatalf("%s is %q of %q", sent, text, q.Previous)
				}
				continue
			}
			var o operandBody
			if err := json.Unmarshal(sent, &o); err != nil {
				t.Fatal(err)
			}
			want := "figures:" + o.Figures
			if o.Answer != "" {
				if want = "answer"; o.Column != "" {
					want += "#" + o.Column
				}
			}
			if text != want || q.Previous != o.Answer || (o.Answer == "") == (o.Figures == "") {
				t.Fatalf("%s is %q of %q", sent, text, q.Previous)
			}
		}
	})
}

// strictly reads data as [strictJSON] does; an error has to be a problem.
func strictly[T any](t *testing.T, data []byte, members string) (out T, ok bool) {
	t.Helper()
	if err := strictJSON(data, &out, members); err != nil {
		if problem.Of(err) == nil {
			t.Fatal(err)
		}
		return out, false
	}
	return out, true
}

func written(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
