// Package receipt makes and judges receipts of answers: who answered what was
// asked, from which generation, when, and with which figures, signed.
//
// A receipt is a member "receipt" of an answer in JSON, of each of a collection's,
// or lies beside an answer in another form (CSV, xlsx, HTML, GeoJSON). In JSON it
// speaks of the canonical form ([Canonical]), so that an answer may be laid out
// anew and its members put in another order; of other forms of the bytes.
// FORMAT.md says the same for those who write a judge of their own.
//
// A receipt that is genuine says that the holder of the key gave these figures. It
// does not say that they are right.
package receipt

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"time"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/seal"
)

// Format is what receipts of this version say that they are.
const Format = "gengtu-receipt/1"

// Member is the name of the member of an answer in JSON that holds its receipt.
const Member = "receipt"

// signatureMember is the member of a receipt that is not signed: the signature.
const signatureMember = "signature"

// Content is what a receipt's digest is taken over.
type Content string

// The contents.
const (
	// Values is the canonical form of an object of JSON without its receipt.
	Values Content = "json"
	// Bytes is a file as it is.
	Bytes Content = "bytes"
)

// Receipt is what is signed, and the signature.
type Receipt struct {
	Format  string       `json:"format"`
	Program string       `json:"program"`
	Tier    edition.Tier `json:"tier"`
	// Generation is that of the edition that the answer was taken from.
	Generation string `json:"generation"`
	// Scope is the part of the edition that the answer was taken from; "" is all of it.
	Scope string `json:"scope,omitempty"`
	// Time is when the answer was signed, UTC, to the second, by the clock of
	// whoever signed.
	Time     time.Time `json:"time"`
	Question Question  `json:"question"`
	Content  Content   `json:"content"`
	// Hash names the digests: "sha256", or "sm3" where the key is one of SM2.
	Hash string `json:"hash"`
	// Digest is that of the content, in hexadecimal digits.
	Digest string `json:"digest"`
	// Part is the place in a collection; nil of an answer that stands alone.
	Part      *Part          `json:"part,omitempty"`
	Signature seal.Signature `json:"signature"`
}

// Question is what was asked.
type Question struct {
	// About is the resource or the command: "overlay", "summary".
	About string `json:"about"`
	// Parameters are those of the address or of the command line, without tokens.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Body is the digest, by the receipt's hash, of the body or the file of shapes
	// that was sent, its content coding undone; "" where there was none.
	Body string `json:"body,omitempty"`
}

// Part is a place in a collection.
type Part struct {
	// Number counts from 1.
	Number int `json:"number"`
	// Last is set of the last one.
	Last bool `json:"last"`
}

// Sealer signs answers. It may be used by several goroutines at once; its fields
// are not changed once it is in use.
type Sealer struct {
	Signer  seal.Signer
	Program string
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Sheet is a question whose answers are signed, all with the same time. It is made
// by [Sealer.Begin] and used by one goroutine.
type Sheet struct {
	sealer *Sealer
	blank  Receipt
}

// Source is the edition that an answer was taken from.
type Source struct {
	Tier       edition.Tier
	Generation string
	// Scope is the part of it, as a token bounds it; "" is all of it.
	Scope string
}

// Begin begins the receipts of one question about src. body is what was sent, nil
// for nothing; it is read to its end and not kept. The error is body's.
func (s *Sealer) Begin(src Source, q Question, body io.Reader) (*Sheet, error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	a := s.Signer.Algorithm()
	if body != nil {
		h := a.NewHash()
		if _, err := io.Copy(h, body); err != nil {
			return nil, err
		}
		q.Body = digest(h)
	}
	return &Sheet{s, Receipt{
		Format: Format, Program: s.Program, Tier: src.Tier, Generation: src.Generation, Scope: src.Scope,
		Time: now().UTC().Truncate(time.Second), Question: q, Hash: a.HashName(),
	}}, nil
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// Object returns an answer that is an object of JSON with its receipt as the last
// member; part is nil of one that stands alone. The answer is not changed. Errors
// are those of [Canonical] and of the signer; RECEIPT_MEMBER of an object that has
// such a member already.
func (s *Sheet) Object(ctx context.Context, object []byte, part *Part) ([]byte, error) {
	object = bytes.TrimSpace(object)
	form, err := Canonical(nil, object, "")
	if err != nil {
		return nil, err
	}
	empty := true
	err = members(object, func(name string, _ json.RawMessage) error {
		empty = false
		if name == Member {
			return problem.New("RECEIPT_MEMBER", "答案已有成员 receipt", "the answer has a member receipt already")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := s.blank
	r.Content, r.Part = Values, part
	h := s.sealer.Signer.Algorithm().NewHash()
	_, _ = h.Write(form) // a hash takes everything
	r.Digest = digest(h)
	signed, err := s.sign(ctx, &r)
	if err != nil {
		return nil, err
	}
	out := append([]byte(nil), object[:len(object)-1]...)
	if !empty {
		out = append(out, ',')
	}
	out = append(out, `"`+Member+`":`...)
	return append(append(out, signed...), '}'), nil
}

// File returns the receipt, as JSON, of an answer that is no JSON, or is not to be
// changed. It is read to its end. Errors are the reader's and the signer's.
func (s *Sheet) File(ctx context.Context, answer io.Reader) ([]byte, error) {
	r := s.blank
	r.Content = Bytes
	h := s.sealer.Signer.Algorithm().NewHash()
	if _, err := io.Copy(h, answer); err != nil {
		return nil, err
	}
	r.Digest = digest(h)
	return s.sign(ctx, &r)
}

// sign signs r and returns it as JSON.
func (s *Sheet) sign(ctx context.Context, r *Receipt) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	message, err := Canonical(nil, text, signatureMember)
	if err != nil {
		return nil, err
	}
	if r.Signature, err = seal.Sign(ctx, s.sealer.Signer, seal.Answer, message); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(r); err != nil || r.Part != nil {
		return text, err
	}
	// So that what was signed can be had by cutting the signature out, see FORMAT.md.
	return Canonical(nil, text, "")
}
