package access

import (
	"bytes"
	"encoding/json"

	"gengtu/index/problem"
)

// place is where in an access file something stands: names of members and, as int,
// numbers of elements, from the outermost on.
type place []any

// lineAt is the line, from 1, of the byte at an offset.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// lineOf is the line, from 1, on which what stands at a place begins; of what is not
// there, as where a member has been left out, that of the last thing around it that is.
func lineOf(data []byte, at place) int {
	d := json.NewDecoder(bytes.NewReader(data))
	line := 1
	for _, step := range at {
		if !enter(d, step) {
			return line
		}
		// The decoder stands behind a name or a comma.
		rest := data[d.InputOffset():]
		line = lineAt(data, d.InputOffset()+int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,"))))
	}
	return line
}

// enter reads into the next value up to one of its members, by name, or elements, by
// number; false where there is none.
func enter(d *json.Decoder, step any) bool {
	open, err := d.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return false
	}
	for n := 0; d.More(); n++ {
		var name any = n
		if open == json.Delim('{') {
			if name, err = d.Token(); err != nil {
				return false
			}
		}
		if name == step {
			return true
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// onLine returns p with the line that it is about.
func onLine(p *problem.Problem, line int) *problem.Problem {
	zh, en := p.Found(problem.Chinese), p.Found(problem.English)
	return problem.New(p.Code, "第 %[1]d 行：%[2]s", "line %[1]d: %[3]s", line, zh, en).
		Advise("%[1]s", "%[2]s", p.Advice(problem.Chinese), p.Advice(problem.English)).
		Because(p).At(p.Record, p.Key)
}
