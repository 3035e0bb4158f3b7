package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// The limits of an access file. A request is compared with every token, so
// their number is time; a thousand take some 20 µs ([Store.Check], measured by
// BenchmarkCheck).
const (
	// MaxTokens is how many tokens a file may hold, revoked ones included.
	MaxTokens = 1000
	// MaxOrigins is how many origins a file may list.
	MaxOrigins = 100
	// MaxFileBytes is how long a file may be: 1000 tokens of 1 KiB, and the outline of
	// a county in full, some 100,000 positions of 31 bytes.
	MaxFileBytes = 4 << 20
)

// File is the content of an access file: JSON, readable by its owner alone.
type File struct {
	// Origins are the web origins whose pages may read the tiers above public.
	Origins []string `json:"origins,omitempty"`
	// Roles say who may administer what; none, and everybody may do all.
	Roles Roles `json:"roles,omitempty"`
	// Audit says where the audit log is; nil is the default.
	Audit  *AuditSettings `json:"audit,omitempty"`
	Tokens []Token        `json:"tokens"`
	// OIDC are the issuers whose users are let in beside those tokens.
	OIDC []Issuer `json:"oidc,omitempty"`
}

// tokenPrefix begins every token. It keeps a token from looking like a flag on
// a command line, and lets [Mask] and secret scanners find one anywhere.
const tokenPrefix = "gt_"

// tokenBytes is the randomness of a token.
const tokenBytes = 32

// issuedForm tells whether a token has the form of those that [Add] makes, of which
// nobody can guess one. Others are in a file only where somebody wrote their hash there.
func issuedForm(token string) bool {
	random, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok || len(random) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return false
	}
	for _, c := range []byte(random) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// Load reads the access file at path and checks all of it. Every error is a
// [problem.Problem]; of a missing file it wraps [fs.ErrNotExist].
func Load(path string) (*File, error) {
	f, _, err := load(path, nil)
	return f, err
}

// List returns the tokens of the access file at path, in their order there.
// Errors are those of [Load].
func List(path string) ([]Token, error) {
	f, err := Load(path)
	if err != nil {
		return nil, err
	}
	return f.Tokens, nil
}

// Add issues a token and returns it; it can be had only here. The Name, Tier,
// Created, Expires, Scope and Bounds of t are kept, its other fields are not looked
// at; a Name of "" becomes one made of tier and hash. A file that is not there is made,
// its directory not. An empty file path.lock stays beside it. Errors are those
// of [Load], or say what is wrong with t.
func Add(path string, t Token) (string, error) {
	var secret [tokenBytes]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("no randomness for a token: %w", err)
	}
	plain := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	digest := sha256.Sum256([]byte(plain))
	t.Hash = hex.EncodeToString(digest[:])
	t.Revoked = time.Time{}
	if t.Name == "" {
		t.Name = t.Tier + "-" + t.Hash[:8]
	}
	err := change(path, func(f *File) error {
		f.Tokens = append(f.Tokens, t)
		return nil
	})
	if err != nil {
		return "", err
	}
	return plain, nil
}

// Revoke takes back the token called name as of at. A token that is revoked
// already keeps its time. An unknown name is a problem ACCESS_UNKNOWN; other
// errors are those of [Load].
func Revoke(path, name string, at time.Time) error {
	return change(path, func(f *File) error {
		for i := range f.Tokens {
			if t := &f.Tokens[i]; t.Name == name {
				if t.Revoked.IsZero() {
					t.Revoked = at
				}
				return nil
			}
		}
		return problem.New("ACCESS_UNKNOWN", "没有名为 %q 的令牌", "no token is called %q", name).
			Advise("用 gengtu token list 查看", "see gengtu token list").In(path)
	})
}

// change reads the file, lets edit alter it and writes it, alone.
func change(path string, edit func(*File) error) error {
	// Through a symbolic link the file itself is replaced, not the link.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	unlock, err := lockFile(path, lockPatience)
	if err != nil {
		return err
	}
	err = func() error {
		f, err := Load(path)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = &File{}, nil
		}
		if err != nil {
			return err
		}
		areas := f.areas() // that were right when the file was read
		if err := edit(f); err != nil {
			return err
		}
		if p, _ := f.check(areas); p != nil {
			return p.In(path)
		}
		return f.write(path)
	}()
	return errors.Join(err, unlock())
}

// load reads and checks the file at path, and returns what told it apart from
// later versions. Areas that are known to be right are not looked at again.
func load(path string, known areas) (f *File, info os.FileInfo, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	defer func() {
		if e := file.Close(); e != nil {
			err = errors.Join(err, e)
		}
	}()
	info, err = file.Stat()
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	// Who may write the file may issue tokens; who may read it learns names.
	const othersRead, notOwnersWrite = 0o004, 0o022
	if mode := disk.Perm(info); mode&(othersRead|notOwnersWrite) != 0 {
		return nil, nil, problem.New("ACCESS_MODE", "文件权限 %04o 过宽", "the file's permissions %04o are too wide", mode).
			Advise("请执行 chmod 600", "run chmod 600 on it").In(path)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	f, err = parse(data, known)
	if err != nil {
		return nil, nil, inFile(err, path)
	}
	return f, info, nil
}

// parse reads the content of an access file and checks all of it, but for areas that are
// known to be right. No bytes at all are a file without tokens. Every error is a
// [problem.Problem] that names the line.
func parse(data []byte, known areas) (*File, error) {
	if len(data) > MaxFileBytes {
		return nil, tooLong()
	}
	f := new(File)
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		var roles *roleError
		if errors.As(err, &roles) {
			return nil, roles.in(data)
		}
		return nil, notJSON(data, d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, notJSON(data, d.InputOffset(), errors.New("more follows the end of the object"))
	}
	if p, at := f.check(known); p != nil {
		return nil, onLine(p, lineOf(data, at))
	}
	return f, nil
}

func notJSON(data []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(data))
	default:
		// Of an unknown member package json tells the name alone.
		if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
			if at := regexp.MustCompile(regexp.QuoteMeta(name) + `\s*:`).FindIndex(data); at != nil {
				offset = int64(at[0])
			}
		}
	}
	return problem.New("ACCESS_SYNTAX", "第 %d 行（第 %d 字节）不是有效的访问文件：%v", "line %d (byte %d) is not that of an access file: %v", lineAt(data, offset), offset, err).
		Because(err)
}

func tooLong() *problem.Problem {
	return problem.New("ACCESS_TOO_LARGE", "文件超过 %d 字节", "the file is longer than %d bytes", MaxFileBytes)
}

// inFile names the file in a problem.
func inFile(err error, path string) error {
	if p := problem.Of(err); p != nil {
		return p.In(path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func unreadable(path string, err error) error {
	return problem.New("ACCESS_READ", "无法读取：%v", "cannot be read: %v", cause(err)).Because(err).In(path)
}

func unwritable(path string, err error) error {
	return problem.New("ACCESS_WRITE", "无法写入：%v", "cannot be written: %v", cause(err)).Because(err).In(path).
		Advise("请检查磁盘空间与权限后重做；收回令牌不能等时，停掉服务", "see to disk space and permissions and do it again; where a token has to end at once, stop the server")
}

// cause returns err without the path that the problem names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// write replaces the file at path by f in one step.
func (f *File) write(path string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if data = append(data, '\n'); len(data) > MaxFileBytes {
		return tooLong().In(path).Advise("收回的令牌可从文件中删去；范围的轮廓可简化", "tokens that are revoked may be taken out of the file; the outline of an area may be made simpler")
	}
	// CreateTemp makes the file readable by its owner alone.
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return unwritable(path, err)
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = disk.Replace(temp.Name(), path)
	}
	if err != nil {
		return unwritable(path, errors.Join(err, os.Remove(temp.Name())))
	}
	if err := disk.SyncDir(filepath.Dir(path)); err != nil {
		return unwritable(path, err)
	}
	return nil
}
