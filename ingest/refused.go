package ingest

import (
	"context"
	"errors"
	"slices"

	"gengtu/index/problem"
	"gengtu/ingest/source"
)

// RefusedFile is a file that cannot be taken as a whole: it cannot be read, its coordinate
// system is refused, it lies where it cannot be, or none of its records can be taken.
type RefusedFile struct {
	Input   Input
	Problem *problem.Problem
}

// RefusedFiles is the error of [Inspect] when files cannot be taken as a whole. It has at
// least one; it wraps the problem of the first.
type RefusedFiles struct {
	Files []RefusedFile
	// Void tells that the inspector was shown features of one of them, so that what it
	// found counts for nothing: inspect again, without them. Else what it was shown is all
	// that the other files hold.
	Void bool
}

// Error implements error.
func (f *RefusedFiles) Error() string { return f.Files[0].Problem.Error() }

// Unwrap returns the problem of the first file.
func (f *RefusedFiles) Unwrap() error { return f.Files[0].Problem }

// refuse notes that a file cannot be taken as a whole, of which the inspector was shown
// nothing. Only an inspection goes on to the next file, so that all are told; nil then,
// else err.
func (r *run) refuse(ctx context.Context, in Input, err error) error {
	p := problem.Of(err)
	if !r.dry || p == nil || ctx.Err() != nil || errors.Is(err, source.ErrSample) {
		return err
	}
	r.refused.Files = append(r.refused.Files, RefusedFile{in, p.In(in.Path)})
	return nil
}

// refuseShown is refuse of a file of which the inspector was shown something.
func (r *run) refuseShown(ctx context.Context, in Input, err error) error {
	if err := r.refuse(ctx, in, err); err != nil {
		return err
	}
	r.refused.Void = true
	return nil
}

// refusedFiles returns the error about the files that were refused, nil when none was.
func (r *run) refusedFiles() error {
	if len(r.refused.Files) == 0 {
		return nil
	}
	return &r.refused
}

// same tells whether two inputs are the same file or table, taken as the same layer.
func (in Input) same(other Input) bool {
	return in.Path == other.Path && in.Table == other.Table && in.Layer == other.Layer
}

// among tells whether in is one of inputs.
func (in Input) among(inputs []Input) bool { return slices.ContainsFunc(inputs, in.same) }

// compareFiles refuses the files that lie apart from others of the same county.
func (r *run) compareFiles(ctx context.Context) error {
	files := slices.DeleteFunc(slices.Clone(r.files), func(w *whereabouts) bool {
		return slices.ContainsFunc(r.refused.Files, func(f RefusedFile) bool { return w.in.same(f.Input) })
	})
	for {
		w, p := compare(r.known, files)
		if p == nil {
			return nil
		}
		if err := r.refuseShown(ctx, w.in, p); err != nil {
			return err
		}
		files = slices.DeleteFunc(files, func(o *whereabouts) bool { return o == w })
	}
}
