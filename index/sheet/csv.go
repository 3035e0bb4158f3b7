package sheet

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// NewCSV begins a table of comma-separated values on w with the columns' names:
// UTF-8 with a byte order mark, by which spreadsheets know it, and lines that end in
// CR LF (RFC 4180). Texts that come from outside are to be [Harmless].
func NewCSV(w io.Writer, columns []string) (*csv.Writer, error) {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return nil, err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out, out.Write(columns)
}

// Harmless puts an apostrophe before a text that a spreadsheet would run as a
// formula (OWASP, CSV Injection); a plain number is none.
func Harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if plainNumber(s) {
		return s
	}
	return "'" + s
}

// plainNumber tells whether s is digits with a point and a sign; no other form of
// number.
func plainNumber(s string) bool {
	if strings.Trim(s, "0123456789.-+") != "" {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
