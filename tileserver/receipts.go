package tileserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"slices"
	"strings"

	"gengtu/index/areas"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// receiptHeader carries, in base64, the receipt of an answer in another form than
// JSON.
const receiptHeader = "Gengtu-Receipt"

// signed are the parameters, by resource, that receipts are signed with: those that the
// resource knows. What somebody else thinks of is not put under our name.
var signed = map[string][]string{
	"overlay": {"bbox", "combinations", "crs", "f", "generation", "group_by", "layers", "outline", "place", "point", "return", "survey", "vintage"},
	"summary": {"by", "f", "generation", "kind", "layers", "place", "table", "vintage"},
	"result":  {"f", "generation", "table"},
	"diff":    {"by", "f", "from", "generation", "layer", "list", "to", "vintage"},
}

// receipts begins the receipts of a question when the address asks for them with
// receipt=1; nil when it does not. sent is the request's body, unpacked, nil for
// none.
func (r *request) receipts(about string, sent []byte) (*receipt.Sheet, error) {
	asked, err := r.truth("receipt")
	if err != nil || asked == nil || !*asked {
		return nil, err
	}
	sealer := r.server.cfg.Seal
	if sealer == nil {
		return nil, problem.New("PARAMETER_RECEIPT", "本服务没有签名密钥，不出回执", "this server has no key and signs no receipts").
			Advise("去掉 receipt=，或以 --seal KEY 启动服务", "leave receipt= out, or start the server with --seal KEY")
	}
	q := receipt.Question{About: about, Parameters: map[string]string{}}
	for k, v := range r.ctx.QueryArgs().All() {
		name := string(k)
		if name == "tk" || name == "receipt" { // tokens are nobody's business
			continue
		}
		if !slices.Contains(signed[about], name) {
			return nil, problem.New("PARAMETER_UNKNOWN", "%[1]s 没有参数 %.40[2]q，不能写进回执", "%[1]s has no parameter %.40[2]q, which a receipt would be signed with", about, name).
				Advise("去掉它；可用：%[1]s", "leave it out; there are: %[1]s", strings.Join(signed[about], " "))
		}
		// Of a key that stands twice the first counts.
		if _, twice := q.Parameters[name]; !twice {
			q.Parameters[name] = strings.ToValidUTF8(string(v), "\uFFFD")
		}
	}
	var body io.Reader
	if sent != nil {
		body = bytes.NewReader(sent)
	}
	return sealer.Begin(receipt.Source{Tier: r.tier, Generation: cmp.Or(r.answerOf, r.gen.Name()), Scope: r.scope.Ground()}, q, body)
}

// placeOf is the place of an element in a collection, as receipts name it.
func placeOf(number int, last bool) *receipt.Part {
	if number == 0 {
		return nil
	}
	return &receipt.Part{Number: number, Last: last}
}

// sealsParts tells whether the form holds a receipt for each shape.
func (o *overlayRequest) sealsParts() bool { return o.form == areas.JSON || o.form == areas.NDJSON }

// writer writes results in the form that is asked for, sealed where that is asked.
func (o *overlayRequest) writer(w io.Writer) areas.ResultWriter {
	if o.sheet == nil || !o.sealsParts() {
		return areas.NewWriter(w, o.form, o.about())
	}
	return areas.Sealed(w, o.form, func(element []byte, number int, last bool) ([]byte, error) {
		return o.sheet.Object(o.ctx, element, placeOf(number, last))
	})
}

// sendSealed answers with a body that has receipts in it, or else one beside it.
func (o *overlayRequest) sendSealed(mediaType string, body []byte) error {
	if !o.sealsParts() {
		if err := o.receiptBeside(o.ctx, o.sheet, body); err != nil {
			return err
		}
	}
	return o.sendOnce(mediaType, body)
}

// receiptBeside sets the header with the receipt of a body.
func (r *request) receiptBeside(ctx context.Context, sheet *receipt.Sheet, body []byte) error {
	text, err := sheet.File(ctx, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.ctx.Response.Header.Set(receiptHeader, base64.StdEncoding.EncodeToString(text))
	return nil
}

// sendReport answers with a report, an object of JSON or another form, and with its
// receipt where that is asked for.
func (r *request) sendReport(about, mediaType string, body []byte) error {
	sheet, err := r.receipts(about, nil)
	if err != nil {
		return err
	}
	if body, err = r.withScope(body); err != nil {
		return err
	}
	if sheet == nil {
		return r.send(mediaType, body)
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.server.cfg.Limits.Overlay)
	defer cancel()
	if mediaType == areas.JSON.MediaType() {
		body, err = sheet.Object(ctx, body, nil)
	} else {
		err = r.receiptBeside(ctx, sheet, body)
	}
	if err != nil {
		return err
	}
	return r.sendOnce(mediaType, body)
}

// judge is who tells whether a receipt is genuine; false when the server has no keys.
func (s *Server) judge() (receipt.Judge, bool) {
	t := s.cfg.Trust
	if s.cfg.Seal != nil {
		own := s.cfg.Seal.Signer.Public()
		if _, known := t.Find(own.ID()); !known {
			t.Keys = append(append([]seal.Key(nil), t.Keys...), own)
		}
	}
	return receipt.Judge{Trust: t}, len(t.Keys) > 0
}
