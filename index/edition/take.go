package edition

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gengtu/index/disk"
)

// Take gives the draft a file of the generation that m describes, in its directory gdir,
// and the patch of that file, if it has one. The file must not be written to, for it is
// not copied but linked: one file in both directories, which stays as long as either
// does, and with the checksums that m has. Of the patch a copy is made, which may be
// changed. Where a file cannot be linked, as on some file systems, it is copied, and
// linked is false. A file that m does not list is none.
//
// A linked file is not compared with its checksums, which would cost as much as there is.
// Whoever opens the generation does that, and who makes something new of what the file
// holds compares what it reads, see [gengtu/index/patch.Open]. What is copied is compared
// as by [CopyFile], and problems are those.
func (d *Draft) Take(ctx context.Context, gdir string, m *Manifest, name string) (linked bool, err error) {
	if _, ok := m.Files[name]; !ok {
		return true, nil
	}
	if linked, err = d.link(ctx, gdir, m, name); err != nil {
		return linked, err
	}
	if _, ok := m.Files[patchOf[name]]; ok {
		return linked, CopyFile(ctx, gdir, m, patchOf[name], d.File(patchOf[name]))
	}
	return linked, nil
}

// link links a file, or copies it, and notes the checksums that it has.
func (d *Draft) link(ctx context.Context, gdir string, m *Manifest, name string) (bool, error) {
	done := make(chan sealed, 1)
	known := sealed{sum: m.Files[name], blocks: m.Blocks[name]}
	from, to := filepath.Join(gdir, name), d.File(name)
	// A symbolic link would be linked itself, and lead out of the directory; and without
	// the checksums of blocks nobody can compare what he reads.
	if st, err := os.Lstat(from); err == nil && st.Mode().IsRegular() && known.blocks != "" && os.Link(from, to) == nil {
		done <- known
		d.finished[name] = done
		return true, nil
	}
	if err := CopyFile(ctx, gdir, m, name, to); err != nil {
		return false, err
	}
	if known.blocks == "" {
		return false, nil // they are taken at the end
	}
	d.finished[name] = done
	go func() {
		known.err = disk.SyncFile(to)
		done <- known
	}()
	return false, nil
}

// same tells which files of a generation in gdir are, as files, those of the draft, with
// the checksums that m has.
func (d *Draft) same(gdir string, old, m *Manifest) map[string]bool {
	out := map[string]bool{}
	for name, sum := range old.Files {
		a, err := os.Lstat(filepath.Join(gdir, name))
		b, berr := os.Lstat(d.File(name))
		out[name] = errors.Join(err, berr) == nil && os.SameFile(a, b) && sum == m.Files[name] && old.Blocks[name] == m.Blocks[name]
	}
	return out
}
