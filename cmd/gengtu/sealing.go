package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"

	"gengtu/index/edition"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// sealing is what a command that answers is told of receipts.
type sealing struct {
	key     *string
	receipt *bool
}

func newSealing(fs *flags) sealing {
	return sealing{
		key:     fs.String("seal", "", "签名密钥文件；答案带签名回执|key file that signs: the answer carries a receipt"),
		receipt: fs.Bool("receipt", false, "要回执（同时给 --seal）|with a receipt, signed with --seal"),
	}
}

// fileSealer is sealer of a command whose receipts lie beside the file out.
func (s sealing) fileSealer(tier edition.Tier, out string) (*receipt.Sealer, error) {
	sealer, err := s.sealer(tier)
	if err == nil && sealer != nil && (out == "" || isStream(out)) {
		return nil, usage("FLAGS", "--seal 要写到文件", "--seal goes with a file to write")
	}
	return sealer, err
}

// sealer reads the key for an edition of the tier; nil when no receipt is asked for.
func (s sealing) sealer(tier edition.Tier) (*receipt.Sealer, error) {
	if *s.key == "" {
		if *s.receipt {
			return nil, need("seal", "")
		}
		return nil, nil
	}
	return readSealer(*s.key, tier)
}

func readSealer(path string, tier edition.Tier) (*receipt.Sealer, error) {
	signer, err := seal.ReadSigner(path, tier)
	if err != nil {
		return nil, err
	}
	return &receipt.Sealer{Signer: signer, Program: programVersion()}, nil
}

// answered is what was asked, as receipts have it.
type answered struct {
	source receipt.Source
	about  string
	// parameters that are "" are left out.
	parameters map[string]string
	// files are those that figures depend on beside the data, by parameter: a receipt has
	// their SHA-256; "" for none.
	files map[string]string
	// shapes is the file that was asked about, "" for none.
	shapes string
}

// begin begins the receipts of an answer.
func (a *answered) begin(s *receipt.Sealer) (*receipt.Sheet, error) {
	maps.DeleteFunc(a.parameters, func(_, value string) bool { return value == "" })
	for name, path := range a.files {
		if path == "" {
			continue
		}
		h := sha256.New()
		if err := readWhole(path, func(r io.Reader) error { _, err := io.Copy(h, r); return err }); err != nil {
			return nil, err
		}
		a.parameters[name] = "sha256:" + hex.EncodeToString(h.Sum(nil))
	}
	return begin(s, a.source, receipt.Question{About: a.about, Parameters: a.parameters}, a.shapes)
}

// sealFiles writes the receipts of an answer beside its files; a sealer that is nil
// signs none.
func (e *env) sealFiles(s *receipt.Sealer, a answered, files ...string) error {
	if s == nil {
		return nil
	}
	sheet, err := a.begin(s)
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := e.sealFile(sheet, path); err != nil {
			return err
		}
	}
	return nil
}

// sealFile writes the receipt of the file at path beside it.
func (e *env) sealFile(sheet *receipt.Sheet, path string) error {
	var text []byte
	err := readWhole(path, func(r io.Reader) (err error) { text, err = sheet.File(e.ctx, r); return err })
	if err != nil {
		return err
	}
	return writeFile(path+receiptEnding, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// begin begins the receipts of a question about the shapes in a file, "" for none.
// Of a folder nothing is taken into them.
func begin(s *receipt.Sealer, src receipt.Source, q receipt.Question, shapes string) (sheet *receipt.Sheet, err error) {
	if st, err := os.Stat(shapes); shapes == "" || err == nil && !st.Mode().IsRegular() {
		return s.Begin(src, q, nil)
	}
	err = readWhole(shapes, func(r io.Reader) error { sheet, err = s.Begin(src, q, r); return err })
	return sheet, err
}
