package tileserver

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// verdict is what is said of an answer's receipt.
type verdict struct {
	Genuine bool `json:"genuine"`
	// Of an answer that is genuine:
	Signer    string           `json:"signer,omitempty"`
	Key       string           `json:"key,omitempty"`
	Algorithm seal.Algorithm   `json:"algorithm,omitempty"`
	Parts     int              `json:"parts,omitempty"`
	InForce   *bool            `json:"in_force,omitempty"` // its generation is the current one, and its scope the token's
	Receipt   *receipt.Receipt `json:"receipt,omitempty"`
	// Of one that is not:
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	Advice string `json:"advice,omitempty"`
}

// handleVerify tells whether an answer, the body, is one that this server, or one
// whose key it trusts, gave for this tier, and unaltered. An answer in JSON carries
// its receipt; that of another form is given in the header Gengtu-Receipt, as it
// came. Of an answer that is not genuine the answer, 200 as well, says why.
func (s *Server) handleVerify(r *request) error {
	judge, able := s.judge()
	if !able {
		return problem.New("RECEIPT_OFF", "本服务没有密钥，不验回执", "this server has no keys and judges no receipts").
			Advise("用 gengtu verify-answer --trust FILE 核验", "use gengtu verify-answer --trust FILE")
	}
	// A body that comes slowly holds no place.
	if _, err := r.wholeBody(); err != nil {
		return err
	}
	done, err := s.overlays.Take(r.asker())
	if err != nil {
		return err
	}
	defer done()
	body, err := (&overlayRequest{request: r}).plainBody()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Overlay)
	defer cancel()
	v, err := r.judged(ctx, judge, body)
	if err == nil && v.Receipt.Tier != r.tier {
		err = problem.New("RECEIPT_TIER", "回执是%[1]s的，不在这里核验", "the receipt is one of the tier %[2]s, which is not judged here", v.Receipt.Tier.Title(problem.Chinese), string(v.Receipt.Tier)).
			Advise("到出具它的那一版核验", "have it judged where it was given")
	}
	answer, err := r.verdict(v, err)
	if err != nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return r.sendOnce("application/json", text)
}

// handleKeys answers with the public half of the key that this server signs receipts
// with, as `gengtu verify-answer --trust` and OpenSSL read it. Whoever trusts it compares
// its ID by another way.
func (s *Server) handleKeys(r *request) error {
	var text []byte
	if s.cfg.Seal != nil {
		text = s.cfg.Seal.Signer.Public().File()
	}
	if text == nil {
		return problem.New("RECEIPT_OFF", "本服务没有可公布的公钥", "this server has no public key to give").
			Advise("设备里的密钥由设备核验；或以 --seal KEY 启动服务", "a device's key is verified by the device; or start the server with --seal KEY")
	}
	r.pinned = false // a key may be another one without a new generation
	return r.send("application/x-pem-file", text)
}

// judged judges the body by its receipt, in it or in the header.
func (r *request) judged(ctx context.Context, judge receipt.Judge, body []byte) (receipt.Verdict, error) {
	beside := r.ctx.Request.Header.Peek(receiptHeader)
	if len(beside) == 0 {
		return judge.JSON(ctx, bytes.NewReader(body))
	}
	text, err := base64.StdEncoding.DecodeString(string(beside))
	if err != nil {
		return receipt.Verdict{}, problem.New("PARAMETER_RECEIPT", "请求头 %[1]s 不是 base64", "the header %[1]s is no base64", receiptHeader).Because(err)
	}
	return judge.File(ctx, bytes.NewReader(body), text)
}

// verdict is what is said of a judgement. What is no fault of the answer is an error.
func (r *request) verdict(v receipt.Verdict, err error) (verdict, error) {
	if err == nil {
		// Of whichever generation= names, and of what whoever asks reaches.
		inForce := v.Receipt.Generation == r.state.tier.Current() && v.Receipt.Scope == r.scope.Ground()
		return verdict{
			Genuine: true, Signer: v.Signer.Name, Key: v.Signer.ID(), Algorithm: v.Signer.Algorithm, Parts: v.Parts,
			InForce: &inForce, Receipt: &v.Receipt,
		}, nil
	}
	p := problem.Of(err)
	if p == nil || p.Code == "SEAL_DEVICE" || strings.HasPrefix(p.Code, "PARAMETER") {
		return verdict{}, err
	}
	lang := r.lang()
	return verdict{Code: strings.ToLower(p.Code), Detail: p.Found(lang), Advice: p.Advice(lang)}, nil
}
