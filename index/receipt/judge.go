package receipt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// The limits of what is judged.
const (
	// MaxReceiptBytes is how long a receipt may be: addresses are far shorter.
	MaxReceiptBytes = 256 << 10
	// MaxAnswerBytes is how long an answer in JSON may be. One part of it is held
	// in memory at a time. Of answers in other forms nothing is held.
	MaxAnswerBytes = 4 << 30
)

// Verdict is what is said of an answer that is genuine and unaltered.
type Verdict struct {
	// Receipt is that of the answer, of a collection that of its last part.
	Receipt Receipt
	// Signer is the trusted key that signed.
	Signer seal.Key
	// Parts is how many there are; 1 of an answer that stands alone.
	Parts int
}

// Judge tells whether answers are genuine: signed by a key of Trust, and not
// altered since. It may be used by several goroutines at once.
type Judge struct {
	Trust seal.Trust
}

// JSON judges an answer in JSON that carries its receipts: an object, an array or
// a line for each part of a collection. It is read to its end.
//
// Problems: JSON_SYNTAX as [Canonical]; RECEIPT_MISSING where there is no receipt,
// RECEIPT_FORMAT of one that cannot be read, RECEIPT_ALTERED when the figures are
// not those that were signed, RECEIPT_PARTS when parts of a collection are missing,
// doubled, in another order or from another answer, RECEIPT_LONG beyond
// [MaxAnswerBytes]; and those of [seal.Verify].
func (j Judge) JSON(ctx context.Context, answer io.Reader) (Verdict, error) {
	limited := &io.LimitedReader{R: answer, N: MaxAnswerBytes + 1}
	text := bufio.NewReader(limited)
	many, err := isArray(text)
	if err != nil {
		return Verdict{}, err
	}
	p := parts{judge: j, many: many}
	err = p.read(ctx, json.NewDecoder(text))
	if limited.N <= 0 {
		return Verdict{}, problem.New("RECEIPT_LONG", "答案超过 %d 字节", "the answer is longer than %d bytes", int64(MaxAnswerBytes)).
			Advise("分成几次来问", "ask in several questions")
	}
	if err != nil {
		return Verdict{}, err
	}
	return p.verdict()
}

// isArray tells whether a text of JSON begins as an array. Nothing is taken from it.
func isArray(text *bufio.Reader) (bool, error) {
	for {
		b, err := text.Peek(1)
		switch {
		case errors.Is(err, io.EOF):
			return false, unreadable("是空的", "it is empty")
		case err != nil:
			return false, err
		case !bytes.Contains([]byte(" \t\r\n"), b):
			return b[0] == '[', nil
		}
		if _, err := text.Discard(1); err != nil {
			return false, err
		}
	}
}

// parts judges one part after another.
type parts struct {
	judge Judge
	many  bool // they stand in an array
	n     int
	last  Receipt
	by    seal.Key
}

// read judges all that d reads.
func (p *parts) read(ctx context.Context, d *json.Decoder) error {
	if !p.many {
		for {
			var object json.RawMessage
			switch err := d.Decode(&object); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return readError(err)
			}
			if err := p.part(ctx, object); err != nil {
				return err
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return readError(err)
	}
	for d.More() {
		var object json.RawMessage
		if err := d.Decode(&object); err != nil {
			return readError(err)
		}
		if err := p.part(ctx, object); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return readError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return unreadable("后面还有别的内容", "something else follows")
	}
	return nil
}

// readError is what is told of an error of a decoder: what the reader said, if
// that is it.
func readError(err error) error {
	var s *json.SyntaxError
	if errors.As(err, &s) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return unreadable("不是完整的 JSON", "it is no whole JSON").Because(err)
	}
	return err
}

// part judges the next part, and whether it follows the one before.
func (p *parts) part(ctx context.Context, object []byte) error {
	r, by, err := p.judge.object(ctx, object)
	if err != nil {
		if problem := problem.Of(err); problem != nil && (p.many || p.n > 0) {
			return problem.At(int64(p.n+1), "")
		}
		return err
	}
	p.n++
	switch {
	case p.n == 1 && r.Part == nil && !p.many:
	case r.Part == nil || r.Part.Number != p.n:
		return wrongParts("第 %d 部分不在它的位置上", "part %d does not stand in its place", p.n)
	case p.n > 1 && (p.last.Part == nil || p.last.Part.Last):
		return wrongParts("第 %d 部分在最后一部分之后", "part %d stands after the last one", p.n)
	case p.n > 1 && (!p.last.Time.Equal(r.Time) || p.last.Generation != r.Generation || p.last.Scope != r.Scope || p.last.Tier != r.Tier ||
		p.last.Program != r.Program || p.by.ID() != by.ID() || !reflect.DeepEqual(p.last.Question, r.Question)):
		return wrongParts("第 %d 部分是另一个答案的", "part %d is of another answer", p.n)
	}
	p.last, p.by = r, by
	return nil
}

func wrongParts(zh, en string, args ...any) error {
	return problem.New("RECEIPT_PARTS", zh, en, args...).
		Advise("答案被拼接或删减：请对方重发整个答案", "the answer was put together or cut: have the whole of it sent again")
}

// verdict is what is said when all parts are read.
func (p *parts) verdict() (Verdict, error) {
	switch {
	case p.n == 0:
		return Verdict{}, missing()
	case p.last.Part != nil && !p.last.Part.Last:
		return Verdict{}, wrongParts("第 %d 部分之后还应有", "more should follow after part %d", p.n)
	}
	return Verdict{p.last, p.by, p.n}, nil
}

func missing() *problem.Problem {
	return problem.New("RECEIPT_MISSING", "答案没有回执", "the answer carries no receipt").
		Advise("提问时加 receipt=1（命令用 --seal）；其他格式另给 --receipt 文件", "ask with receipt=1 (--seal of the command); in forms other than JSON the receipt lies beside: give --receipt")
}

// object judges one object of JSON.
func (j Judge) object(ctx context.Context, object []byte) (Receipt, seal.Key, error) {
	var text []byte
	err := members(object, func(name string, value json.RawMessage) error {
		if name == Member {
			text = value
		}
		return nil
	})
	if err != nil {
		return Receipt{}, seal.Key{}, err
	}
	if text == nil {
		return Receipt{}, seal.Key{}, missing()
	}
	// Before the answer is looked at, which costs far more.
	r, by, err := j.receipt(ctx, text, Values)
	if err != nil {
		return Receipt{}, seal.Key{}, err
	}
	form, err := Canonical(nil, object, Member)
	if err != nil {
		return Receipt{}, seal.Key{}, err
	}
	h := by.Algorithm.NewHash()
	_, _ = h.Write(form) // a hash takes everything
	if digest(h) != r.Digest {
		return Receipt{}, seal.Key{}, altered()
	}
	return r, by, nil
}

func altered() *problem.Problem {
	return problem.New("RECEIPT_ALTERED", "答案与回执不符：内容被改动，或回执是另一个答案的", "the answer is not the one of the receipt: it was altered, or the receipt is another answer's").
		Advise("请向出具单位重新索取", "ask whoever gave it for the answer again")
}

// File judges an answer in another form by the receipt that lies beside it. The
// answer is read to its end. Problems are those of [Judge.JSON] but JSON_SYNTAX and
// RECEIPT_PARTS.
func (j Judge) File(ctx context.Context, answer io.Reader, beside []byte) (Verdict, error) {
	r, by, err := j.receipt(ctx, beside, Bytes)
	if err != nil {
		return Verdict{}, err
	}
	h := by.Algorithm.NewHash()
	if _, err := io.Copy(h, answer); err != nil {
		return Verdict{}, err
	}
	if digest(h) != r.Digest {
		return Verdict{}, altered()
	}
	return Verdict{r, by, 1}, nil
}

// receipt reads a receipt and says whose it is.
func (j Judge) receipt(ctx context.Context, text []byte, content Content) (Receipt, seal.Key, error) {
	var r Receipt
	if len(text) > MaxReceiptBytes {
		return r, seal.Key{}, wrongReceipt("超过 %d 字节", "it is longer than %d bytes", MaxReceiptBytes)
	}
	message, err := Canonical(nil, text, signatureMember)
	if err != nil {
		return r, seal.Key{}, wrongReceipt("不是 JSON", "it is no JSON").Because(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, seal.Key{}, wrongReceipt("读不懂", "it cannot be read").Because(err)
	}
	if r.Format != Format {
		return r, seal.Key{}, wrongReceipt("格式是 %.40q，本程序认 %[2]s", "its format is %.40q, this program reads %[2]s", r.Format, Format)
	}
	by, err := seal.Verify(ctx, j.Trust, seal.Answer, message, r.Signature)
	switch {
	case err != nil:
		return Receipt{}, seal.Key{}, err
	case r.Tier == edition.Secure && by.Algorithm == seal.SM2:
		return Receipt{}, seal.Key{}, wrongReceipt("涉密版不用软件实现的 SM2 密钥", "the secure tier uses no SM2 key in software")
	case r.Hash != by.Algorithm.HashName() || r.Content != content:
		return Receipt{}, seal.Key{}, wrongReceipt("摘要是 %.20q、对象是 %.20q，与答案不符", "its digest is %.20q of %.20q, which does not fit the answer", r.Hash, string(r.Content))
	}
	return r, by, nil
}

func wrongReceipt(zh, en string, args ...any) *problem.Problem {
	return problem.New("RECEIPT_FORMAT", "回执"+zh, "the receipt cannot be used: "+en, args...).
		Advise("请向出具单位重新索取", "ask whoever gave it for the answer again")
}

// Body refuses a verdict whose question was not asked with this body or file of
// shapes, which is read to its end: RECEIPT_SHAPE.
func (v Verdict) Body(body io.Reader) error {
	h := v.Signer.Algorithm.NewHash()
	if _, err := io.Copy(h, body); err != nil {
		return err
	}
	if digest(h) != v.Receipt.Question.Body {
		return problem.New("RECEIPT_SHAPE", "答案问的不是这个范围文件", "the answer was not asked about this file of shapes").
			Advise("核对是否原样的文件（一个字节都不能变）", "take the very file that was sent, byte by byte")
	}
	return nil
}
