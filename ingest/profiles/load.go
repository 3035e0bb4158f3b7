package profiles

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"gengtu/index/edition"
	"gengtu/index/problem"
	"gengtu/index/setting"
)

//go:embed *.yaml
var embedded embed.FS

const (
	// domainsFile is the file of the shared code lists.
	domainsFile = "domains.yaml"
	// otherLayer is the profile of layers that have none.
	otherLayer = "other"
)

// kind is what the files are.
var kind = setting.Kind{
	Code: "PROFILE_FILE", MaxBytes: 4 << 20,
	AdviceZh: "gengtu profile show NAME 打印内置的模式，可照着改", AdviceEn: "gengtu profile show NAME prints an embedded profile to go by",
}

// Set is all profiles and code lists.
type Set struct {
	list    []*Profile // by name
	domains map[string]*Domain
	extents *Extents
	weights map[string]float64 // of field names, for guessing
}

// Embedded returns the set that the program carries.
var Embedded = sync.OnceValues(func() (*Set, error) { return Load(nil) })

// Load returns the embedded profiles with those of the user's folder in place of or
// beside them: each NAME.yaml there is the profile NAME, domains.yaml holds code lists that
// replace or join the embedded ones, and extents.yaml extents of provinces that do
// ([Extents]). A nil fs.FS is an empty folder. What is wrong in a file is a problem of the code PROFILE_FILE that names the line.
func Load(user fs.FS) (*Set, error) {
	carried, err := parseEmbedded()
	if err != nil {
		return nil, err
	}
	l := loader{files: map[string]*file{}, base: map[string]*file{}, set: &Set{domains: maps.Clone(carried.set.domains), extents: carried.set.extents}}
	for name, f := range carried.files {
		c := *f
		c.profile.Fields = slices.Clone(f.profile.Fields) // they are given their code lists
		l.files[name], l.base[name] = &c, &c
	}
	if user != nil {
		if err := l.folder(user); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		if err := l.resolve(name); err != nil {
			return nil, err
		}
	}
	for _, f := range l.files {
		l.set.list = append(l.set.list, &f.profile)
	}
	slices.SortFunc(l.set.list, func(a, b *Profile) int { return cmp.Compare(a.Name, b.Name) })
	for _, p := range l.set.list {
		f := l.files[p.Name]
		if err := f.check(l.set); err != nil {
			return nil, err
		}
	}
	if l.files[otherLayer] == nil {
		return nil, fmt.Errorf("profiles: no %s.yaml", otherLayer)
	}
	l.set.weigh()
	return l.set, nil
}

// parseEmbedded reads the embedded files, once: what they say is copied by each set that
// is made of it.
var parseEmbedded = sync.OnceValues(func() (*loader, error) {
	l := &loader{files: map[string]*file{}, set: &Set{domains: map[string]*Domain{}}}
	if err := l.folder(embedded); err != nil {
		return nil, err
	}
	for _, f := range l.files {
		f.embedded = true
	}
	return l, nil
})

// file is one profile as read.
type file struct {
	text     *setting.File
	profile  Profile
	resolved state
	embedded bool
}

type state uint8

const (
	asRead state = iota
	atWork
	done
)

type loader struct {
	set   *Set
	files map[string]*file // by the profile's name
	base  map[string]*file // the embedded ones
}

// folder reads all files of a folder.
func (l *loader) folder(folder fs.FS) error {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return err
	}
	if _, err := fs.Stat(folder, "."); err != nil {
		return problem.New("PROFILE_FOLDER", "模式目录读不出来（%v）", "the folder of profiles cannot be read (%v)", err).
			Advise("核对 --profiles 的路径", "check the path that --profiles names").Because(err)
	}
	slices.Sort(names)
	if i := slices.Index(names, domainsFile); i >= 0 { // first, for profiles refer to it
		names = append([]string{domainsFile}, slices.Delete(names, i, i+1)...)
	}
	for _, name := range names {
		data, err := readLimited(folder, name)
		if err != nil {
			return err
		}
		switch name {
		case domainsFile:
			err = l.set.readDomains(name, data)
		case extentsFile:
			err = l.set.readExtents(name, data)
		default:
			err = l.readProfile(name, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readLimited reads a file, of one that is too long as much as tells so.
func readLimited(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(kind.MaxBytes)+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, unreadable(name, err)
	}
	return data, nil
}

// unreadable is the problem of a file that the system does not give.
func unreadable(name string, err error) *problem.Problem {
	return problem.New(kind.Code, "读不出来（%v）", "it cannot be read (%v)", err).In(name).
		Advise("核对文件和权限", "check the file and who may read it").Because(err)
}

func (l *loader) readProfile(name string, data []byte) error {
	f := &file{}
	var err error
	if f.text, err = kind.Read(name, data, &f.profile); err != nil {
		return err
	}
	p := &f.profile
	p.File = name
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); p.Name != want {
		return f.text.Problem(f.text.Line("name"), "name 是 %.80q，应与文件名一致：%s", "name is %.80q; it is that of the file: %s", p.Name, want)
	}
	if !edition.ValidLayer(p.Name) {
		return f.text.Problem(f.text.Line("name"), "图层名 %.80q 不合规", "the layer name %.80q is not allowed", p.Name)
	}
	l.files[p.Name] = f
	return nil
}

// resolve gives a profile what it takes over from the one that it is like.
func (l *loader) resolve(name string) error {
	f := l.files[name]
	p := &f.profile
	if f.resolved == done {
		return nil
	}
	if f.resolved == atWork {
		return f.text.Problem(f.text.Line("like"), "like 绕了一圈", "like leads round in a circle")
	}
	f.resolved = atWork
	defer func() { f.resolved = done }()
	if p.Like == "" {
		return nil
	}
	from := l.files[p.Like]
	if p.Like == name {
		from = l.base[name]
		if from == f {
			from = nil
		}
	}
	if from == nil {
		return f.text.Problem(f.text.Line("like"), "没有模式 %.80q", "there is no profile %.80q", p.Like)
	}
	if from == l.base[name] {
		l.files[name] = from // as what is embedded, until it is resolved
		err := l.resolve(name)
		l.files[name] = f
		if err != nil {
			return err
		}
	} else if err := l.resolve(p.Like); err != nil {
		return err
	}
	return f.takeOver(from)
}

// takeOver fills in what f does not say.
func (f *file) takeOver(other *file) error {
	p, from := &f.profile, &other.profile
	p.Geometry = cmp.Or(p.Geometry, from.Geometry)
	p.Scheme, p.Class = cmp.Or(p.Scheme, from.Scheme), cmp.Or(p.Class, from.Class)
	p.Patch, p.Net = cmp.Or(p.Patch, from.Patch), cmp.Or(p.Net, from.Net)
	p.Source = cmp.Or(p.Source, from.Source)
	for _, x := range []struct{ to, from *[]string }{{&p.Key, &from.Key}, {&p.Place, &from.Place}, {&p.Units, &from.Units}, {&p.Code, &from.Code}} {
		if *x.to == nil {
			*x.to = slices.DeleteFunc(slices.Clone(*x.from), func(n string) bool { return slices.Contains(p.Without, n) })
		}
	}
	if p.Cropland == nil {
		p.Cropland = from.Cropland
	}
	if p.Like == p.Name {
		p.Title.Zh, p.Title.En = cmp.Or(p.Title.Zh, from.Title.Zh), cmp.Or(p.Title.En, from.Title.En)
		if p.Files == nil {
			p.Files = from.Files
		}
		p.Serves, p.Update = cmp.Or(p.Serves, from.Serves), p.Update || from.Update
		if p.Fits == nil {
			p.Fits = from.Fits
		}
	}
	for _, w := range p.Without {
		// What the program carries may leave out what a user's file does not have.
		if !from.Knows(w) && (!f.embedded || other.embedded) {
			return f.text.Problem(f.text.Line("without", w), "%s 没有字段 %.80q", "%s has no field %.80q", from.Name, w)
		}
	}
	own := p.Fields
	p.Fields = nil
	for _, x := range from.Fields {
		if slices.Contains(p.Without, x.Name) {
			continue
		}
		if x.Source == "" {
			x.Source = from.Source
		}
		if p.Optional {
			x.Required, x.RequiredWhen = false, nil
		}
		if i := slices.IndexFunc(own, func(o Field) bool { return o.Name == x.Name }); i >= 0 {
			x = own[i]
			own = slices.Delete(slices.Clone(own), i, i+1)
		}
		p.Fields = append(p.Fields, x)
	}
	p.Fields = append(p.Fields, own...)
	return nil
}

// Of returns the profile of the layer with that name. For a layer that has none it
// returns one that knows what every layer may have, a BSM and a code of place, and
// whose Standard is false. The result must not be changed.
func (s *Set) Of(layer string) *Profile {
	for _, p := range s.list {
		if p.Name == layer && layer != otherLayer {
			return p
		}
	}
	i := slices.IndexFunc(s.list, func(p *Profile) bool { return p.Name == otherLayer })
	p := *s.list[i]
	p.Name, p.Title = layer, edition.Title{Zh: layer, En: layer}
	return &p
}

// All returns the profiles of layers, by name, without the one for layers that have
// none.
func (s *Set) All() []*Profile {
	return slices.DeleteFunc(slices.Clone(s.list), func(p *Profile) bool { return p.Name == otherLayer })
}

// Domain returns the code list of that name, nil when there is none.
func (s *Set) Domain(id string) *Domain { return s.domains[id] }

// Personal tells whether any profile says of a field that it speaks of a person.
func (s *Set) Personal(name string) bool {
	return slices.ContainsFunc(s.list, func(p *Profile) bool {
		return slices.ContainsFunc(p.Fields, func(f Field) bool { return f.Personal && strings.EqualFold(f.Name, name) })
	})
}

// Text returns the embedded file of a profile, or of the code lists for the name
// domains; ok is false when there is none.
func Text(name string) (text []byte, ok bool) {
	data, err := embedded.ReadFile(name + ".yaml")
	return data, err == nil
}
