package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gengtu/index/backup"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// editionFiles are the files of an edition's generations, open: none of them is written
// to any more, and one that is open stays what it is, whatever becomes of its generation.
type editionFiles struct {
	dir         string
	tier        edition.Tier
	current     string // the generation in force
	generations []*edition.Manifest
	files       map[string]*os.File // by generation/name
	names       []string            // of files, in order
}

func (t *editionFiles) close() {
	for _, f := range t.files {
		_ = f.Close() // was only read
	}
}

// mostTries is how often an edition is looked at anew while its generations change.
const mostTries = 5

// openEdition opens the generations that the edition at dir keeps. A generation that is
// removed meanwhile makes it look again.
func openEdition(dir string) (*editionFiles, error) {
	for try := 1; ; try++ {
		t, err := tryEdition(dir)
		if err == nil || try == mostTries || !errors.Is(err, fs.ErrNotExist) {
			return t, err
		}
		if _, _, cerr := edition.Current(dir); cerr != nil {
			return nil, cerr // it is not there at all, or incomplete
		}
	}
}

func tryEdition(dir string) (*editionFiles, error) {
	name, m, err := edition.Current(dir)
	if err != nil {
		return nil, err
	}
	t := &editionFiles{dir: dir, tier: m.Tier, current: name, files: map[string]*os.File{}}
	kept, err := edition.History(dir)
	if err != nil {
		return nil, err
	}
	for _, m := range kept {
		if m.Tier == "" {
			continue // no manifest: it is being removed, or was only half copied
		}
		if err := t.open(m.Generation); err != nil {
			t.close()
			return nil, err
		}
		t.generations = append(t.generations, m)
	}
	return t, nil
}

// open opens the files of a generation.
func (t *editionFiles) open(generation string) error {
	entries, err := os.ReadDir(edition.Path(t.dir, generation))
	if err != nil {
		return unreadableFile(edition.Path(t.dir, generation), err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		f, err := os.Open(filepath.Join(edition.Path(t.dir, generation), e.Name()))
		if err != nil {
			return unreadableFile(filepath.Join(t.dir, generation, e.Name()), err)
		}
		name := path.Join(generation, e.Name())
		t.files[name], t.names = f, append(t.names, name)
	}
	return nil
}

// generations adds the files of an edition's generations, and CURRENT. What is the same
// file in two of them is in the archive once. Each is compared with its manifest.
func (b *backer) generations(t *editionFiles) error {
	b.w.Origin(string(t.tier), t.dir)
	type seen struct {
		info fs.FileInfo
		name string
	}
	var before []seen
	sums := map[string]string{}
	for _, name := range t.names {
		info, err := t.files[name].Stat()
		if err != nil {
			return unreadableFile(filepath.Join(t.dir, name), err)
		}
		as := path.Join(string(t.tier), name)
		entry, linked := backup.Entry{Name: as, Bytes: info.Size(), Mode: info.Mode().Perm()}, false
		for _, s := range before {
			if os.SameFile(s.info, info) {
				entry, err = b.w.Link(as, s.name)
				linked = true
				break
			}
		}
		if !linked {
			entry, err = b.put(entry, t.files[name])
			before = append(before, seen{info, as})
		}
		if err != nil {
			return err
		}
		sums[name] = entry.SHA256
	}
	if err := compareSums(t.dir, t.generations, sums); err != nil {
		return err
	}
	text := t.current + "\n"
	_, err := b.put(backup.Entry{Name: path.Join(string(t.tier), edition.CurrentFile), Bytes: int64(len(text)), Mode: 0o640}, strings.NewReader(text))
	return err
}

// compareSums holds checksums of files, by generation/name, against the manifests.
func compareSums(dir string, kept []*edition.Manifest, sums map[string]string) error {
	for _, m := range kept {
		for name, want := range m.Files {
			if got := sums[path.Join(m.Generation, name)]; got != want {
				return problem.New("CHECKSUM", "文件的校验和是 %.16s，清单里是 %.16s", "the file has the checksum %.16s, the manifest says %.16s", got, want).In(filepath.Join(dir, m.Generation, name)).
					Advise("文件已损坏：从以前的备份恢复这一代，或删去它", "the file is damaged: restore this generation from an earlier backup, or remove it")
			}
		}
	}
	return nil
}
