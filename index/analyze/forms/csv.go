package forms

import (
	"bufio"
	"context"
	"strings"

	"gengtu/index/analyze"
	"gengtu/index/problem"
	"gengtu/index/sheet"
)

// Origin are the fields that stand behind a table's own where a file of one table must
// say by itself which answer it is of, with their values, which every row has.
func Origin(r *analyze.Result) (names, values []string) {
	return []string{"run_id", "generation", "rule_version", "tier", "crs"},
		[]string{r.Run, r.Generation, r.Rules.Version, string(r.Tier), crsName}
}

// TableOf returns the table of that name, the first for "", or a problem ANSWER_TABLE.
func TableOf(r *analyze.Result, name string) (*analyze.Table, error) {
	var names []string
	for _, t := range r.Tables {
		if name == "" || t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return nil, noTable("表", "table", name, names)
}

// ShapesOf returns the layer of shapes of that name, or whose table has it, the first for
// "", or a problem ANSWER_TABLE.
func ShapesOf(r *analyze.Result, name string) (*analyze.Shapes, error) {
	var names []string
	for _, s := range r.Shapes {
		if name == "" || s.Name == name || s.Table.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, noTable("图形层", "layer of shapes", name, names)
}

func noTable(zh, en, name string, names []string) *problem.Problem {
	if len(names) == 0 {
		return problem.New("ANSWER_TABLE", "这份答案没有%[1]s", "this answer has no %[2]s", zh, en)
	}
	return problem.New("ANSWER_TABLE", "这份答案没有%[1]s %.40[3]q", "this answer has no %[2]s %.40[3]q", zh, en, name).
		Advise("有 %s", "there are %s", strings.Join(names, " "))
}

// writeCSV writes a table with the names that programs use, and behind each row where it
// comes from.
func writeCSV(ctx context.Context, w *bufio.Writer, r *analyze.Result, t *analyze.Table) error {
	fields, err := Fields(t)
	if err != nil {
		return err
	}
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	more, values := Origin(r)
	out, err := sheet.NewCSV(w, append(names, more...))
	if err != nil {
		return err
	}
	for i := range values {
		values[i] = sheet.Harmless(values[i])
	}
	for i, row := range t.Rows {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line := names[:0]
		for k := range fields {
			text, err := fields[k].Text(row)
			if err != nil {
				return err
			}
			if _, is := row[fields[k].Column].(string); is {
				text = sheet.Harmless(text)
			}
			line = append(line, text)
		}
		if err := out.Write(append(line, values...)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
