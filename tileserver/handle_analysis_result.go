package tileserver

import (
	"context"
	"errors"
	"os"
	"strings"

	"gengtu/index/analyze/forms"
	"gengtu/index/problem"
	"gengtu/tileserver/answer"
	"gengtu/tileserver/jobs"
)

// heldAnswer is the size of a file of an answer up to which it is sent from memory,
// packed where the client takes that; a larger one goes out from the file as it is.
const heldAnswer = 8 << 20

// sealedAnswer is the size up to which a file of an answer is signed.
const sealedAnswer = 64 << 20

// handleResult answers with one form of a job's answer: `result.FORM`, of `table=` where
// the form holds one table or layer. The bytes are those that were written when the job
// was done, whatever has come into force since.
func (s *Server) handleResult(r *request) error {
	j, err := r.job(r.params["id"])
	if err != nil {
		return err
	}
	name, form, ok := strings.Cut(r.params["file"], ".")
	if !ok || name != "result" {
		return errNotFound
	}
	if j.State != jobs.Done {
		return r.notDone(&j)
	}
	t, k := tellOf(&j)
	r.askFeatures(k.Rows)
	f, ok := k.File(form, r.query("table"))
	if !ok {
		return noForm(&k, form, r.query("table"))
	}
	r.answerOf = t.Generation
	h := &r.ctx.Response.Header
	if form != string(forms.JSON) && form != string(forms.HTML) {
		filename := t.Question + "-" + t.Run
		if f.Table != "" {
			filename += "-" + f.Table
		}
		h.Set("Content-Disposition", `attachment; filename="`+filename+"."+form+`"`)
	}
	if form == string(forms.HTML) {
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'")
	}
	path := s.answers.path(j.ID, f)
	sealed, err := r.truth("receipt")
	switch {
	case err != nil:
		return err
	case sealed != nil && *sealed && f.Bytes > sealedAnswer:
		return problem.New("TOO_LARGE_RECEIPT", "答案超过 %d 字节，带不了回执", "the answer is over %d bytes and can carry no receipt", sealedAnswer)
	case sealed != nil && *sealed || f.Bytes <= heldAnswer:
		return r.sendHeld(path, f)
	}
	return r.sendFile(path, f)
}

// sendHeld answers with a file through memory, with a receipt where that is asked for.
func (r *request) sendHeld(path string, f *answer.File) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return takenAway(err)
	}
	sheet, err := r.receipts("result", nil)
	if err != nil {
		return err
	}
	if sheet == nil {
		c := r.codingOf(f.Media, body)
		if r.fresh(f.Tag, c) {
			return nil
		}
		return r.body(f.Media, body, c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.server.cfg.Limits.Overlay)
	defer cancel()
	if f.Form == string(forms.JSON) {
		body, err = sheet.Object(ctx, body, nil)
	} else {
		err = r.receiptBeside(ctx, sheet, body)
	}
	if err != nil {
		return err
	}
	return r.sendOnce(f.Media, body)
}

// sendFile answers with a file as it lies.
func (r *request) sendFile(path string, f *answer.File) error {
	if r.fresh(f.Tag, plainly) {
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return takenAway(err)
	}
	r.ctx.SetContentType(f.Media)
	r.ctx.Response.SetBodyStream(in, int(f.Bytes)) // which closes it
	r.sends = f.Bytes
	return nil
}

// takenAway is err, or that a job has just been removed.
func takenAway(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errNoJob
	}
	return err
}

// notDone says how far a job is whose answer is asked for.
func (r *request) notDone(j *jobs.Job) error {
	if j.State == jobs.Failed || j.State == jobs.Cancelled {
		if p := r.failureOf(j); p != nil {
			return problem.New("NO_ANSWER", "这项分析没有做成：%[1]s", "this analysis failed: %[2]s", j.Problem.Zh, j.Problem.En).Advise("重新提问", "ask again")
		}
		return problem.New("NO_ANSWER", "这项分析已取消", "this analysis was cancelled").Advise("重新提问", "ask again")
	}
	r.ctx.Response.Header.Set("Retry-After", retryAfter)
	return problem.New("NO_ANSWER", "这项分析还没有做完", "this analysis is not done yet").
		Advise("看 events，或稍后再试", "look at its events, or try again later")
}

// noForm is the problem of a form, or a table, that an answer does not have.
func noForm(k *answer.Kept, form, table string) error {
	var forms, tables []string
	for i := range k.Files {
		if f := &k.Files[i]; f.Form == form {
			tables = append(tables, f.Table)
		}
		if n := len(forms); n == 0 || forms[n-1] != k.Files[i].Form {
			forms = append(forms, k.Files[i].Form)
		}
	}
	if len(tables) > 0 {
		return problem.New("NO_ANSWER", "这一答案没有表 %.40q", "the answer has no table %.40q", table).Advise("有 %s", "there are %s", strings.Join(tables, " "))
	}
	return problem.New("NO_ANSWER", "这一答案没有 %.20q 形式", "the answer does not come as %.20q", form).Advise("有 %s", "there are %s", strings.Join(forms, " "))
}
