package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/receipt"
	"gengtu/index/seal"
)

// receiptEnding is that of the file with the receipt beside an answer that is no JSON.
const receiptEnding = ".receipt.json"

func runVerifyAnswer(e *env, fs *flags) error {
	trust := fs.String("trust", "", "信任的公钥文件|file of the public keys that are trusted")
	beside := fs.String("receipt", "", "回执文件，默认 ANSWER"+receiptEnding+"|file of the receipt of an answer that is no JSON (ANSWER"+receiptEnding+")")
	shape := fs.String("shape", "", "核对问的是不是这个范围文件或请求体|the file of shapes, or the body, that was asked about")
	args, err := fs.parse(1, 1)
	if err != nil {
		return err
	}
	if err := need("trust", *trust); err != nil {
		return err
	}
	var j receipt.Judge
	// What the secure tier may not use is refused by the judge, receipt by receipt.
	if j.Trust, err = seal.ReadTrust(*trust, edition.Government); err != nil {
		return err
	}
	v, err := e.judgeAnswer(j, args[0], *beside)
	if p := problem.Of(err); p != nil {
		return p.In(args[0])
	} else if err != nil {
		return err
	}
	if *shape != "" {
		if err := readWhole(*shape, v.Body); err != nil {
			return err
		}
	}
	return e.tellVerdict(v)
}

// judgeAnswer judges the answer at path by the receipt beside it, or else in it.
func (e *env) judgeAnswer(j receipt.Judge, path, beside string) (v receipt.Verdict, err error) {
	if beside == "" && areasJSON(path) && !exists(path+receiptEnding) {
		err = readWhole(path, func(r io.Reader) error { v, err = j.JSON(e.ctx, r); return err })
		return v, err
	}
	if beside == "" {
		beside = path + receiptEnding
	}
	var text []byte
	err = readWhole(beside, func(r io.Reader) error {
		text, err = io.ReadAll(io.LimitReader(r, receipt.MaxReceiptBytes+1))
		return err
	})
	if err != nil {
		return v, err
	}
	err = readWhole(path, func(r io.Reader) error { v, err = j.File(e.ctx, r, text); return err })
	return v, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// areasJSON tells whether the answer at path may carry its receipts, by its ending.
func areasJSON(path string) bool {
	switch overlayEndings[strings.ToLower(filepath.Ext(path))] {
	case areas.JSON, areas.NDJSON:
		return true
	}
	return false
}

// readWhole opens a file and lets read have it.
func readWhole(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		p := problem.New("FILE_READ", "读不出来（%v）", "it cannot be read (%v)", err).In(path).Because(err)
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(path, receiptEnding) {
			p = p.Advise("用 --receipt FILE 给出回执", "give the receipt with --receipt FILE")
		}
		return p
	}
	err = read(f)
	_ = f.Close() // only read
	return err
}

func (e *env) tellVerdict(v receipt.Verdict) error {
	r := v.Receipt
	if e.json {
		return json.NewEncoder(e.stdout).Encode(struct {
			Genuine   bool            `json:"genuine"`
			Signer    string          `json:"signer"`
			Key       string          `json:"key"`
			Algorithm seal.Algorithm  `json:"algorithm"`
			Parts     int             `json:"parts"`
			Receipt   receipt.Receipt `json:"receipt"`
		}{true, v.Signer.Name, v.Signer.ID(), v.Signer.Algorithm, v.Parts, r})
	}
	asked, err := json.Marshal(r.Question)
	if err != nil {
		return err
	}
	e.printf("%s\n", e.pick("真实，未被改动", "genuine and unaltered"))
	for _, row := range [][3]string{
		{"签名", "signed by", v.Signer.Text()},
		{"时间", "time", r.Time.Format(time.RFC3339)},
		{"版别", "tier", string(r.Tier)},
		{"数据版本", "generation", r.Generation},
		{"范围", "scope", r.Scope},
		{"问题", "question", string(asked)},
	} {
		if row[2] == "" {
			continue // of all of the edition
		}
		e.printf("  %s: %s\n", e.pick(row[0], row[1]), row[2])
	}
	return nil
}
