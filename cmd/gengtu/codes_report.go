package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gengtu/index/codes"
	"gengtu/index/problem"
	"gengtu/index/sheet"
	"gengtu/ingest/coding"
)

// codesReport is what gengtu codes tells.
type codesReport struct{ *coding.Report }

// Write implements report.
func (r *codesReport) Write(w io.Writer, lang problem.Lang) error {
	pick := func(zh, en string) string {
		if lang == problem.Chinese {
			return zh
		}
		return en
	}
	var b strings.Builder
	for _, v := range r.Vintages {
		fmt.Fprintf(&b, pick("%s@%s  图斑 %d：沿用 %d，新给 %d", "%s@%s  parcels %d: kept %d, given %d"), r.Layer, v.Vintage, v.Parcels, v.Kept, v.Given)
		for _, by := range slices.Sorted(maps.Keys(v.Groups)) {
			zh, en := groupWord(by)
			fmt.Fprintf(&b, pick("（%s %d）", " (%s %d)"), pick(zh, en), v.Groups[by])
		}
		b.WriteByte('\n')
		if line := eventsLine(v.Events, lang); line != "" {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		for _, x := range []struct {
			n      int
			zh, en string
		}{
			{v.Without, "没有村级代码，不给码：%d", "no village is known, no code: %d"},
			{v.Foreign, "换掉别的编码：%d", "other codes replaced: %d"},
			{v.Elsewhere, "码里的村与现在的坐落不同：%d", "code of another village than the parcel lies in now: %d"},
		} {
			if x.n > 0 {
				fmt.Fprintf(&b, "  "+pick(x.zh, x.en)+"\n", x.n)
			}
		}
	}
	fmt.Fprintf(&b, pick("空间码共发出 %d 个，最新时相在用 %d 个；编法 %s，规则 %s\n", "codes ever given %d, in force in the latest vintage %d; scheme %s, rules %s\n"), r.Issued, r.InForce, r.Scheme, r.Rules)
	if !r.Confirmed {
		b.WriteString(pick("编法没有公布的规则可依，未经确认（规则文件 codes）\n", "no published rule says how codes are made: the scheme is unconfirmed (codes in the rules file)\n"))
	}
	if r.Changed {
		fmt.Fprintf(&b, pick("新的一代 %s\n", "new generation %s\n"), r.Generation)
	} else {
		fmt.Fprintf(&b, pick("没有变化，仍是 %s\n", "nothing changes: still %s\n"), r.Generation)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lineageReport is what became of one code.
type lineageReport struct {
	Code      string       `json:"code"`
	Rows      []coding.Row `json:"lineage"`
	Relatives []string     `json:"relatives"`
}

// Write implements report.
func (r *lineageReport) Write(w io.Writer, lang problem.Lang) error {
	for i := range r.Rows {
		x := &r.Rows[i]
		t := x.Title()
		word := t.En
		if lang == problem.Chinese {
			word = t.Zh
		}
		if _, err := fmt.Fprintf(w, "%s  %-8s %-10s BSM %-18s DKBM %-19s %s\n", x.Code, x.Vintage, word, or(x.BSM), or(x.Contract), strings.Join(x.Others, " ")); err != nil {
			return err
		}
	}
	return nil
}

// or is a text, or a dash for none.
func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// codeColumns are the columns of the table of codes.
var codeColumns = []string{"空间码 KJM", "时相 vintage", "情况", "kind", "相关空间码 related", "标识码 BSM", "承包地块 DKBM", "与承包地块重叠 m²"}

// tableEnding returns what writes the table to a file of that ending, nil for another
// ending. Errors of it are ctx's and the writer's.
func tableEnding(path string) func(ctx context.Context, r *codes.Register, of coding.Contracts) func(w io.Writer) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return codesCSV
	case ".xlsx":
		return codesXLSX
	}
	return nil
}

// codeCells are the cells of a row, but for the area.
func codeCells(x *coding.Row) []string {
	t := x.Title()
	return []string{x.Code, x.Vintage, t.Zh, t.En, strings.Join(x.Others, " "), x.BSM, x.Contract}
}

// eachCode calls visit with the rows of each code.
func eachCode(ctx context.Context, r *codes.Register, of coding.Contracts, visit func(x *coding.Row) error) error {
	for _, code := range r.Codes() {
		rows := coding.Rows(r, code, of)
		for i := range rows {
			if err := visit(&rows[i]); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func codesCSV(ctx context.Context, r *codes.Register, of coding.Contracts) func(w io.Writer) error {
	return func(w io.Writer) error {
		out, err := sheet.NewCSV(w, codeColumns)
		if err != nil {
			return err
		}
		err = eachCode(ctx, r, of, func(x *coding.Row) error {
			cells := codeCells(x)
			for i := range cells {
				cells[i] = sheet.Harmless(cells[i])
			}
			area := ""
			if x.Contract != "" {
				area = strconv.FormatFloat(x.ContractM2, 'f', 2, 64)
			}
			return out.Write(append(cells, area))
		})
		if err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	}
}

func codesXLSX(ctx context.Context, r *codes.Register, of coding.Contracts) func(w io.Writer) error {
	return func(w io.Writer) error {
		s := sheet.New("空间码")
		s.Head(codeColumns, []float64{24, 10, 8, 12, 48, 20, 22, 18})
		err := eachCode(ctx, r, of, func(x *coding.Row) error {
			for _, c := range codeCells(x) {
				s.Text(c)
			}
			if x.Contract != "" {
				s.Number(x.ContractM2, sheet.M2)
			}
			s.End()
			return s.Err()
		})
		if err != nil {
			return err
		}
		return sheet.Write(w, []*sheet.Sheet{s})
	}
}
