package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gengtu/index/backup"
	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/ingest/exchange"
	"gengtu/tileserver/access"
	"gengtu/tileserver/audit"
)

// What a backup holds, by the first element of names: an edition under its tier's name,
// the access file, the audit log where a server finds it beside that file, and files that
// were named one by one.
const (
	backupAccess = "access.json"
	backupAudit  = backupAccess + ".audit"
	backupAlso   = "also"
)

// backing is what the command is asked for.
type backing struct {
	editions, also     list
	out, access, audit string
}

func runBackup(e *env, fs *flags) error {
	var f backing
	fs.StringVar(&f.out, "out", "", "备份文件（.tar），“-”为标准输出|the backup, a .tar; - is standard output")
	fs.Var(&f.editions, "edition", "版本目录，可多次，每版一个|an edition's directory, may be repeated, one of a tier")
	fs.StringVar(&f.access, "access", "", "访问文件，连同其审计日志|the access file, with its audit log")
	fs.StringVar(&f.audit, "audit", "", "审计日志目录，不在访问文件旁时给出|directory of the audit log, where it is not beside the access file")
	fs.Var(&f.also, "also", "另外要带上的文件（密钥、配置），可多次|another file to take (keys, settings), may be repeated")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if err := need("out", f.out); err != nil {
		return err
	}
	if len(f.editions) == 0 && f.access == "" && f.audit == "" && len(f.also) == 0 {
		return need("edition", "")
	}
	if err := f.outside(); err != nil {
		return err
	}
	file := cmp.Or(f.access, os.Getenv(accessEnv))
	if file == "" {
		return e.backup(&f)
	}
	return administer(act{file: file, role: access.System, name: "backup", detail: strings.Join(fs.line, " ")}, func() error { return e.backup(&f) })
}

// outside refuses to write the backup into what it is of: by its name it could take the
// place of a file there, and it would be lost with the rest.
func (f *backing) outside() error {
	if f.out == "-" {
		return nil
	}
	sources := slices.Concat(f.editions, f.also)
	for _, path := range []string{f.access, f.audit} {
		if path != "" {
			sources = append(sources, path)
		}
	}
	for _, source := range sources {
		inside, err := within(f.out, source)
		if err != nil {
			return err
		}
		if inside {
			return problem.New("OUT_INSIDE", "备份要写进它所备份的 %s", "the backup would be written into %s, which it is of", source).In(f.out).
				Advise("写到别处，最好是另一块磁盘", "write it elsewhere, best onto another disc")
		}
	}
	return nil
}

// within tells whether path is source or lies in it, by their names and by where these lead.
func within(path, source string) (bool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	if source, err = filepath.Abs(source); err != nil {
		return false, err
	}
	if at, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil { // else it cannot be written to
		path = filepath.Join(at, filepath.Base(path))
	}
	if at, err := filepath.EvalSymlinks(source); err == nil { // else there is nothing to take
		source = at
	}
	rel, err := filepath.Rel(source, path)
	return err == nil && filepath.IsLocal(rel), nil // on another volume it is not within
}

// backup writes the archive and tells of it.
func (e *env) backup(f *backing) error {
	var x *backup.Index
	write := func(w io.Writer) (err error) {
		x, err = e.writeBackup(f, w)
		return err
	}
	var err error
	report := e.stdout
	if f.out == "-" {
		report, err = e.stderr, write(e.stdout)
	} else if _, there := os.Lstat(f.out); there == nil && !isStream(f.out) {
		return problem.New("BACKUP_EXISTS", "备份文件已存在", "there is such a file already").In(f.out).
			Advise("换一个文件名，例如带上日期；不再需要的备份请自行删除", "give --out another name, one with the day, say; a backup that is not needed is yours to remove")
	} else {
		// What it holds is for no more than its owner's eyes, whatever the umask.
		err = writeFileMode(f.out, 0o600, write)
	}
	if err != nil {
		return err
	}
	return e.giveBackup(report, f.out, x)
}

// giveBackup says what a backup holds.
func (e *env) giveBackup(to io.Writer, name string, x *backup.Index) error {
	own := *e
	own.stdout = to
	parts := slices.Sorted(func(yield func(string) bool) {
		for p := range x.Origins {
			if !yield(p) {
				return
			}
		}
	})
	if e.json {
		return json.NewEncoder(to).Encode(map[string]any{"backup": name, "digest": x.Digest, "made": x.Made, "files": len(x.Entries), "bytes": x.Bytes(), "parts": parts, "origins": x.Origins})
	}
	own.printf(own.pick("%s：%d 个文件，%d 字节，%s\n", "%s: %d files, %d bytes, %s\n"), name, len(x.Entries), x.Bytes(), x.Made.Format(time.RFC3339))
	for _, p := range parts {
		own.printf("  %-17s %s\n", p, x.Origins[p])
	}
	own.printf("  %s %s\n", own.pick("索引的 SHA-256", "SHA-256 of the index"), x.Digest)
	return nil
}

// writeBackup writes the archive. Editions come before what tells of them: the register
// has a line of each generation that is in force, and the audit log lines of what was
// answered from it.
func (e *env) writeBackup(f *backing, to io.Writer) (*backup.Index, error) {
	b := &backer{e: e, w: backup.NewWriter(to, programVersion(), time.Now()), progress: e.progress()}
	defer b.progress.end()
	var taken []*editionFiles
	defer func() {
		for _, t := range taken {
			t.close()
		}
	}()
	tiers := map[edition.Tier]bool{}
	for _, dir := range f.editions {
		t, err := openEdition(dir)
		if err != nil {
			return nil, err
		}
		taken = append(taken, t)
		if tiers[t.tier] {
			return nil, problem.New("TIER_TWICE", "给了两个%[1]s", "two editions of tier %[2]s are given", t.tier.Title(problem.Chinese), t.tier).In(dir).
				Advise("每一版只给一个目录", "give one directory for each tier")
		}
		tiers[t.tier] = true
	}
	for _, t := range taken {
		if err := b.generations(t); err != nil {
			return nil, err
		}
	}
	for _, t := range taken {
		if err := b.companions(t); err != nil {
			return nil, err
		}
	}
	if err := b.accessAndAudit(f); err != nil {
		return nil, err
	}
	for _, p := range f.also {
		b.w.Origin(backupAlso, cmp.Or(f.origin(), p))
		if err := b.file(path.Join(backupAlso, filepath.Base(p)), p); err != nil {
			return nil, err
		}
	}
	return b.w.Close()
}

// origin is where the files lie that are named one by one: all their paths.
func (f *backing) origin() string { return strings.Join(f.also, " ") }

// backer writes one archive.
type backer struct {
	e        *env
	w        *backup.Writer
	progress *progress
	done     int64
}

// put adds the first bytes of a file that is open.
func (b *backer) put(entry backup.Entry, from io.Reader) (backup.Entry, error) {
	out, err := b.w.Put(b.e.ctx, entry, from)
	b.done += entry.Bytes
	b.progress.tell(b.e.pick("备份，字节", "backup, bytes"), b.done, 0)
	return out, err
}

// file adds a file as it is now: one that is replaced by a rename is the one or the other.
func (b *backer) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return unreadableFile(from, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return errors.Join(unreadableFile(from, err), f.Close())
	}
	_, err = b.put(backup.Entry{Name: name, Bytes: info.Size(), Mode: info.Mode().Perm()}, f)
	return errors.Join(err, f.Close())
}

// lines adds a file that grows by lines, up to the last line that is whole now.
func (b *backer) lines(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return unreadableFile(from, err)
	}
	info, err := f.Stat()
	var size int64
	if err == nil {
		size, err = wholeLines(f, info.Size())
	}
	if err != nil {
		return errors.Join(unreadableFile(from, err), f.Close())
	}
	_, err = b.put(backup.Entry{Name: name, Bytes: size, Mode: info.Mode().Perm()}, f)
	return errors.Join(err, f.Close())
}

// wholeLines is where the last line ends that is whole in the first size bytes.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		from := max(0, size-int64(len(buf)))
		part := buf[:size-from]
		if _, err := f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		size = from
	}
	return 0, nil
}

// accessAndAudit adds the access file and the audit log.
func (b *backer) accessAndAudit(f *backing) error {
	dir := f.audit
	if f.access != "" {
		file, err := access.Load(f.access)
		if err != nil {
			return err
		}
		b.w.Origin(backupAccess, f.access)
		if err := b.file(backupAccess, f.access); err != nil {
			return err
		}
		dir = cmp.Or(dir, file.AuditDir(f.access))
	}
	if dir == "" || f.audit == "" && !audit.Holds(dir) {
		return nil // nothing was answered yet
	}
	files, err := audit.Files(dir)
	if err != nil {
		return err
	}
	b.w.Origin(backupAudit, dir)
	for _, name := range files {
		if err := b.lines(path.Join(backupAudit, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func unreadableFile(path string, err error) error {
	return problem.New("FILE_UNREADABLE", "文件读不出来（%v）", "the file cannot be read (%v)", err).In(path).Because(err).
		Advise("核对路径和权限；备份时被删掉的，请重做备份", "look at the path and its permissions; where it was removed meanwhile, make the backup again")
}

// companions adds what lies beside an edition's generations: key and register, and the
// records of exchange, which nobody writes meanwhile.
func (b *backer) companions(t *editionFiles) error {
	for _, name := range []string{edition.PublisherKey, edition.Issued} {
		err := b.file(path.Join(string(t.tier), name), filepath.Join(t.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := b.lines(path.Join(string(t.tier), edition.Register), filepath.Join(t.dir, edition.Register))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return exchange.Frozen(t.dir, func(files []string) error {
		for _, name := range files {
			if err := b.file(path.Join(string(t.tier), name), filepath.Join(t.dir, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
		return nil
	})
}
