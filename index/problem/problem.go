// Package problem is how gengtu tells a person that something is wrong: a
// stable code, the place, what was found and what to do, in Chinese and in
// English.
//
// Every error that can be caused from outside (a file, a flag, a request) is a
// [*Problem] or wraps one. Codes are upper case with underscores and are never
// reused; HTTP answers carry them in lower case. Package problem prints nothing
// itself.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Lang is a language of messages.
type Lang string

// The languages that messages exist in.
const (
	Chinese Lang = "zh"
	English Lang = "en"
)

// Problem is one thing that is wrong, told to a person. It is an error and is
// not changed after it has been returned; the methods that add something
// return a copy.
type Problem struct {
	// Code is stable and made for programs: SHP_TRUNCATED.
	Code string
	// File is what was being read, as the user named it; "" when there is none.
	File string
	// Record is the number of the feature in File, from 1; 0 when the problem
	// is not about one feature.
	Record int64
	// Key is the feature's business key (BSM), when it is known.
	Key string

	zh, en             string
	adviceZh, adviceEn string
	cause              error
}

// New returns a problem whose text is zh and en, each formatted with args.
// Both say what was found and, where there is one, the limit.
func New(code, zh, en string, args ...any) *Problem {
	return &Problem{Code: code, zh: fmt.Sprintf(zh, args...), en: fmt.Sprintf(en, args...)}
}

// Advise returns p with a sentence on what the user can do about it.
func (p *Problem) Advise(zh, en string, args ...any) *Problem {
	q := *p
	q.adviceZh, q.adviceEn = fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)
	return &q
}

// Shown returns a value that came from outside as messages show it: of a text the first
// 60 characters, a number as a person writes it. (The verb %.60v cuts texts, and gives
// numbers 60 digits.)
func Shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%.60s", s)
	}
	return fmt.Sprint(v)
}

// In returns p as found in file. A file that is set already stays.
func (p *Problem) In(file string) *Problem {
	q := *p
	if q.File == "" {
		q.File = file
	}
	return &q
}

// At returns p as found at record, from 1, with business key key ("" if unknown).
func (p *Problem) At(record int64, key string) *Problem {
	q := *p
	q.Record, q.Key = record, key
	return &q
}

// Because returns p with the error that it was found through, for errors.Is
// and errors.As. The cause is not shown to the user.
func (p *Problem) Because(cause error) *Problem {
	q := *p
	q.cause = cause
	return &q
}

// Unwrap returns the cause given to [Problem.Because], or nil.
func (p *Problem) Unwrap() error { return p.cause }

// Error returns the English text with code and place.
func (p *Problem) Error() string { return p.Text(English) }

// Is tells whether target is a problem of the same code, so that a package may
// keep one value of a code as a sentinel.
func (p *Problem) Is(target error) bool {
	q, ok := target.(*Problem)
	return ok && q.Code == p.Code
}

// Found returns what was found, without code, place and advice.
func (p *Problem) Found(l Lang) string {
	if l == Chinese {
		return p.zh
	}
	return p.en
}

// Advice returns what to do, or "".
func (p *Problem) Advice(l Lang) string {
	if l == Chinese {
		return p.adviceZh
	}
	return p.adviceEn
}

// Text returns the whole message on one line: place, what was found, what to
// do, and the code in brackets.
func (p *Problem) Text(l Lang) string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ": ")
	}
	if p.Record > 0 {
		if l == Chinese {
			fmt.Fprintf(&b, "第 %d 条记录", p.Record)
		} else {
			fmt.Fprintf(&b, "record %d", p.Record)
		}
		if p.Key != "" {
			fmt.Fprintf(&b, " (%s)", p.Key)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Found(l))
	if a := p.Advice(l); a != "" {
		if l == Chinese {
			b.WriteString("；" + a)
		} else {
			b.WriteString("; " + a)
		}
	}
	fmt.Fprintf(&b, " [%s]", p.Code)
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// MarshalJSON writes code, place and both texts.
func (p *Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code     string `json:"code"`
		File     string `json:"file,omitempty"`
		Record   int64  `json:"record,omitempty"`
		Key      string `json:"key,omitempty"`
		Zh       string `json:"zh"`
		En       string `json:"en"`
		AdviceZh string `json:"advice_zh,omitempty"`
		AdviceEn string `json:"advice_en,omitempty"`
	}{p.Code, p.File, p.Record, p.Key, p.zh, p.en, p.adviceZh, p.adviceEn})
}

// Of returns the first problem in err's chain, or nil when there is none: then
// the error is a fault of ours or of the machine.
func Of(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}
