package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// bill is what is read back of a bill of materials: no member beside these may be there.
type bill struct {
	BOMFormat, SpecVersion string
	Version                int
	Metadata               struct{ Component billPart }
	Components             []billPart
	Dependencies           []struct {
		Ref       string
		DependsOn []string
	}
}

type billPart struct {
	Ref                       string `json:"bom-ref"`
	Type, Name, Version, PURL string
	Licenses                  []struct{ Expression string }
}

// expression is an SPDX expression of the licences that we know, or a part of one in
// brackets.
var expression = regexp.MustCompile(`^\(?(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|MPL-2\.0)( (AND|OR) (MIT|ISC|Apache-2\.0|BSD-[23]-Clause|MPL-2\.0))*\)?$`)

// parts reads a bill of materials and returns its parts by package URL, or what is wrong
// with its form.
func parts(data []byte) (map[string]billPart, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var b bill
	if err := d.Decode(&b); err != nil {
		return nil, err
	}
	if b.BOMFormat != "CycloneDX" || b.SpecVersion != "1.6" || b.Version != 1 || b.Metadata.Component.Name != "gengtu" || b.Metadata.Component.Version == "" {
		return nil, fmt.Errorf("it is %s %s %d of %v", b.BOMFormat, b.SpecVersion, b.Version, b.Metadata)
	}
	found := map[string]billPart{}
	var refs []string
	for _, p := range b.Components {
		refs = append(refs, p.Ref)
		found[p.PURL] = p
		if p.Type != "library" && p.Type != "file" || p.Name == "" || p.Version == "" || p.Ref != p.PURL || len(p.Licenses) != 1 || !expression.MatchString(p.Licenses[0].Expression) {
			return nil, fmt.Errorf("a part is %+v", p)
		}
	}
	if len(found) != len(b.Components) || len(b.Dependencies) != 1 || b.Dependencies[0].Ref != b.Metadata.Component.Ref || !slices.Equal(b.Dependencies[0].DependsOn, refs) {
		return nil, fmt.Errorf("%d parts, %d different, %d depended on", len(refs), len(found), len(b.Dependencies))
	}
	return found, nil
}

// linked returns the package URLs of what the go command finds in a binary.
func linked(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	urls := []string{"pkg:golang/std@" + regexp.MustCompile(`: go(\S+)`).FindStringSubmatch(string(out))[1]}
	for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(string(out), -1) {
		urls = append(urls, "pkg:golang/"+m[1]+"@"+m[2])
	}
	return urls
}

// notBuiltIn are packages that MapLibre's packages ask for, for types and for programs of
// their own: nothing of them is in the page.
var notBuiltIn = []string{
	"@mapbox/jsonlint-lines-primitives", "@types/geojson", "json-stringify-pretty-compact", "minimist", "protocol-buffers-schema",
	"require-from-string", "resolve-protobuf-schema",
}

// embedded returns the package URLs of the page's libraries and their licences, as npm's
// lock file has them: those that are neither for development alone nor left out.
func embedded(t *testing.T) map[string]string {
	t.Helper()
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev              bool
		}
	}
	data, err := os.ReadFile("../../tileserver/viewer/page/package-lock.json")
	if err == nil {
		err = json.Unmarshal(data, &lock)
	}
	if err != nil {
		t.Fatal(err)
	}
	urls := map[string]string{}
	for path, p := range lock.Packages {
		if name, library := strings.CutPrefix(path, "node_modules/"); library && !p.Dev && !slices.Contains(notBuiltIn, name) {
			urls["pkg:npm/"+strings.Replace(name, "@", "%40", 1)+"@"+p.Version] = p.License
		}
	}
	return urls
}

// fonts returns the package URLs of the fonts that are embedded: ours, whose README names
// each file with its font and version, and those of the packages of Go's fonts that are
// linked. Both have the licence that their documents say.
func fonts(t *testing.T) map[string]string {
	t.Helper()
	folder := "../../tileserver/glyph/font"
	readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	urls := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.ttf*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no font", err)
	}
	for _, file := range files {
		told := regexp.MustCompile("`" + filepath.Base(file) + "` is a subset of ([A-Za-z ]+) ([0-9.a-z]+) \\(").FindSubmatch(readme)
		if told == nil {
			t.Fatalf("README.md does not say what %s is", file)
		}
		urls["pkg:generic/"+strings.ReplaceAll(strings.ToLower(string(told[1])), " ", "-")+"@"+string(told[2])] = "Apache-2.0"
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Version}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(golang\.org/x/image)/font/gofont/go(\w+) (\S+)$`).FindAllStringSubmatch(string(out), -1) {
		urls["pkg:golang/"+m[1]+"@"+m[3]+"#font/gofont/ttfs/Go-"+strings.ToUpper(m[2][:1])+m[2][1:]+".ttf"] = "BSD-3-Clause"
	}
	return urls
}

// The bill of materials of the binary has the form of CycloneDX, holds each module that the
// go command finds in the binary, each library of the page that npm's lock file names with
// its licence there, each font that is embedded, and nothing else.
func TestBillOfMaterials(t *testing.T) {
	dir := t.TempDir()
	modules, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	tool, page := filepath.Join(dir, "sbom"), "../../tileserver/viewer/web/LICENCES.txt"
	if out, err := exec.Command("go", "build", "-o", tool, "./deploy/sbom").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list := filepath.Join(dir, "modules")
	bill := func(modules, page, fonts string) ([]byte, error) {
		if err := os.WriteFile(list, []byte(modules), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.Command(tool, "v1", list, page, fonts, binary()).Output()
	}
	const folder = "../../tileserver/glyph/font"
	data, err := bill(string(modules), page, folder)
	if err != nil {
		t.Fatal(err)
	}
	found, err := parts(data)
	if err != nil {
		t.Fatal(err)
	}
	libraries := embedded(t)
	wanted := linked(t, binary())
	if len(wanted) < 20 || len(libraries) < 10 {
		t.Fatalf("%d modules, %d libraries", len(wanted), len(libraries))
	}
	letters := fonts(t)
	if len(letters) < 2 {
		t.Fatalf("the fonts are %v", letters)
	}
	maps.Copy(libraries, letters)
	for url, licence := range libraries {
		wanted = append(wanted, url)
		if p, is := found[url]; is && strings.Trim(p.Licenses[0].Expression, "()") != strings.Trim(licence, "()") {
			t.Errorf("%s is under %s, not %s", url, licence, p.Licenses[0].Expression)
		}
	}
	for _, url := range wanted {
		if _, is := found[url]; !is {
			t.Errorf("%s is not listed", url)
		}
		delete(found, url)
	}
	for url := range found {
		t.Errorf("%s is listed and nowhere in it", url)
	}
	// What has no directory, no licence or no heading is no bill with less in it.
	bare := regexp.MustCompile(`(?m)^(go\.etcd\.io/bbolt \S+) .*$`)
	odd := filepath.Join(dir, "odd")
	if err := errors.Join(os.Mkdir(odd, 0o700), os.WriteFile(filepath.Join(odd, "odd.ttf"), []byte("a font that nobody has embedded"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for fault, args := range map[string][3]string{
		"a module that is not told of":   {bare.ReplaceAllString(string(modules), ""), page, folder},
		"a module without a licence":     {bare.ReplaceAllString(string(modules), "$1 "+dir), page, folder},
		"a page that says no licences":   {string(modules), "../../go.mod", folder},
		"a page that is not there":       {string(modules), filepath.Join(dir, "nothing"), folder},
		"a module of another version":    {strings.ReplaceAll(string(modules), "go.etcd.io/bbolt v1", "go.etcd.io/bbolt v0"), page, folder},
		"a line that is cut off":         {string(modules) + "cut\n", page, folder},
		"a directory that is not there ": {bare.ReplaceAllString(string(modules), "$1 /nowhere"), page, folder},
		"fonts that are not there":       {string(modules), page, filepath.Join(dir, "nothing")},
		"a font that is in no binary":    {string(modules), page, odd},
	} {
		if out, err := bill(args[0], args[1], args[2]); err == nil || len(out) > 0 {
			t.Errorf("%s gives a bill of %d bytes", fault, len(out))
		}
	}
	for fault, change := range map[string][2]string{
		"another form":           {`"1.6"`, `"1.7"`},
		"a part twice":           {`"pkg:golang/go.etcd.io/bbolt@`, `"pkg:golang/std@`},
		"a licence nobody knows": {`"MIT"`, `"Unknown"`},
		"a member nobody knows":  {`"bomFormat"`, `"extra": 1, "bomFormat"`},
	} {
		if _, err := parts(bytes.Replace(data, []byte(change[0]), []byte(change[1]), 1)); err == nil {
			t.Errorf("%s is passed over", fault)
		}
	}
}

// module is what the go command says of a module.
type module struct {
	Path, Version string
	Time          time.Time
}

// required returns the modules that go.mod asks for itself, with the day of the release.
func required(t *testing.T) []module {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"list", "-mod=readonly", "-m", "-json"}
	for _, r := range file.Require {
		if !r.Indirect {
			args = append(args, r.Path)
		}
	}
	out, err = exec.Command("go", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []module
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m module
		if err := d.Decode(&m); err != nil || m.Time.IsZero() {
			t.Fatalf("%v: %v", m, err)
		}
		found = append(found, m)
	}
	return found
}

// undescribed returns what a table of dependencies says wrongly or does not say: each
// module and package with its version, each module with the day of its release.
func undescribed(table string, modules []module, packages map[string]string) []string {
	var faults []string
	cell := func(name, version string) string { return "`" + name + "` " + version }
	told := map[string]bool{}
	for _, m := range modules {
		entry := cell(m.Path, m.Version) + " (" + m.Time.UTC().Format(time.DateOnly)
		told[cell(m.Path, m.Version)] = true
		if !strings.Contains(table, entry) {
			faults = append(faults, "it has no "+entry)
		}
	}
	for name, version := range packages {
		told[cell(name, version)] = true
		if !strings.Contains(table, cell(name, version)+" (20") {
			faults = append(faults, "it has no "+cell(name, version))
		}
	}
	for _, entry := range regexp.MustCompile("`[^`]+` v?[0-9][^ ]*").FindAllString(table, -1) {
		if !told[entry] {
			faults = append(faults, "nobody asks for "+entry)
		}
	}
	return faults
}

// ARCHITECTURE.md's table of libraries has every module that go.mod and every package that
// package.json asks for, with the version there, and none that nobody asks for.
func TestDependenciesTable(t *testing.T) {
	data, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(data), "\n## Libraries\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no table of libraries")
	}
	var asked struct{ Dependencies, DevDependencies map[string]string }
	data, err = os.ReadFile("../../tileserver/viewer/page/package.json")
	if err == nil {
		err = json.Unmarshal(data, &asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	packages := asked.Dependencies
	for name, version := range asked.DevDependencies {
		packages[name] = version
	}
	modules := required(t)
	if len(modules) < 15 || len(packages) < 8 {
		t.Fatalf("%d modules, %d packages", len(modules), len(packages))
	}
	for _, fault := range undescribed(table, modules, packages) {
		t.Error(fault)
	}
	first := modules[0]
	for fault, wrong := range map[string]string{
		"a module left out":     strings.Replace(table, "`"+first.Path+"`", "", 1),
		"another version":       strings.Replace(table, first.Version, "v0.0.1", 1),
		"another day":           strings.Replace(table, first.Time.UTC().Format(time.DateOnly), "2001-01-01", 1),
		"a package left out":    strings.Replace(table, "`esbuild`", "", 1),
		"one nobody asks for":   table + "\n| `example.org/more` v1.0.0 (2026-01-01) |\n",
		"a package's version":   strings.Replace(table, "`esbuild` ", "`esbuild` 9", 1),
		"everything, to be red": "",
	} {
		if len(undescribed(wrong, modules, packages)) == 0 {
			t.Errorf("%s is passed over", fault)
		}
	}
}
