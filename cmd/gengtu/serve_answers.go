package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/tileserver/answer"
)

// answerFiles are the forms of answers that ingest's writers make, which the server does
// not know.
func answerFiles() []answer.Extra {
	var out []answer.Extra
	for _, form := range []forms.Form{forms.GeoPackage, forms.Shapefile} {
		ending := map[forms.Form]string{forms.GeoPackage: "gpkg", forms.Shapefile: "zip"}[form]
		out = append(out, answer.Extra{Form: ending, MediaType: form.MediaType(), ShapesAlone: form == forms.Shapefile, Write: func(ctx context.Context, r *analyze.Result, path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			err = sendAnswer(ctx, f, r, form, "", filepath.Dir(path))
			if err = errors.Join(err, f.Close()); err != nil {
				return errors.Join(err, os.Remove(path))
			}
			return nil
		}})
	}
	return out
}
