// Command sbom prints the bill of materials of binaries as CycloneDX 1.6 JSON: Go itself,
// every module that is linked into one of them, the libraries of the embedded page and the
// embedded fonts, each with version and licence.
//
//	sbom VERSION MODULES PAGE FONTS BINARY…
//
// What is in a binary is read from the binary. MODULES has a line "path version directory"
// for each module, where its licence lies; PAGE is the page's LICENCES.txt, FONTS the folder
// of our fonts and their licence. A module without a line, a licence that is not known, a
// heading that cannot be read and a font of FONTS that is in no binary end it:
// nothing is listed without its licence. The same binaries give the same bytes; no time, no
// machine and no checksum of what was not looked at is in it.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// document is what CycloneDX 1.6 calls a bom.
type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

// component is one part. Ref names it within the document and is its package URL.
type component struct {
	Ref      string    `json:"bom-ref"`
	Type     string    `json:"type"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Licences []licence `json:"licenses"`
	PURL     string    `json:"purl,omitempty"`
}

// licence is an SPDX expression.
type licence struct {
	Expression string `json:"expression"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// run writes the document of the binaries that the arguments name.
func run(w io.Writer, args []string) error {
	if len(args) < 5 {
		return errors.New("usage: sbom VERSION MODULES PAGE FONTS BINARY…")
	}
	parts := map[string]component{}
	directories, err := readDirectories(args[1])
	if err != nil {
		return err
	}
	if err := addModules(parts, directories, args[4:]); err != nil {
		return err
	}
	if err := addPage(parts, args[2]); err != nil {
		return err
	}
	if err := addFonts(parts, args[3], directories, args[4:]); err != nil {
		return err
	}
	ours := component{Ref: "gengtu", Type: "application", Name: "gengtu", Version: args[0], Licences: []licence{{"Apache-2.0"}}}
	d := document{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{ours}}
	refs := slices.Sorted(maps.Keys(parts))
	for _, ref := range refs {
		d.Components = append(d.Components, parts[ref])
	}
	d.Dependencies = []dependency{{ours.Ref, refs}}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// readDirectories returns the directories of modules, by path@version, that are the lines
// of a file.
func readDirectories(modules string) (map[string]string, error) {
	list, err := os.ReadFile(modules)
	if err != nil {
		return nil, err
	}
	directories := map[string]string{}
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("%s: %q is not a path, a version and a directory", modules, line)
		}
		directories[f[0]+"@"+f[1]] = f[2]
	}
	return directories, nil
}

// addModules adds Go and the modules that the binaries hold, under the licences in their
// directories.
func addModules(parts map[string]component, directories map[string]string, binaries []string) error {
	for _, binary := range binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return fmt.Errorf("%s: %w", binary, err)
		}
		add(parts, component{Type: "library", Name: "std", Version: info.GoVersion, Licences: []licence{{"BSD-3-Clause"}},
			PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")})
		for _, m := range info.Deps {
			if m.Replace != nil {
				return fmt.Errorf("%s: %s is replaced, and by what is not told here", binary, m.Path)
			}
			name := m.Path + "@" + m.Version
			expression, err := licenceIn(directories[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			add(parts, component{Type: "library", Name: m.Path, Version: m.Version, Licences: []licence{{expression}}, PURL: "pkg:golang/" + name})
		}
	}
	return nil
}

// add adds a part under its package URL.
func add(parts map[string]component, c component) {
	c.Ref = c.PURL
	parts[c.Ref] = c
}

// marks are words that stand in one licence's text and in no other's.
var marks = []struct{ expression, words string }{
	{"Apache-2.0", "www.apache.org/licenses/LICENSE-2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
}

// licenceIn returns the SPDX expression of the licences whose texts lie in a module's
// directory; one that has several is under all of them, or parts of it are. No directory,
// no text, and a text that is not known are errors.
func licenceIn(directory string) (string, error) {
	if directory == "" {
		return "", errors.New("no directory is told")
	}
	found := map[string]bool{}
	files, err := os.ReadDir(directory)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if f.IsDir() || !regexp.MustCompile(`(?i)^(licen[sc]e|copying)([-._]|$)`).MatchString(f.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(directory, f.Name()))
		if err != nil {
			return "", err
		}
		text := strings.Join(strings.Fields(string(data)), " ")
		for _, m := range marks {
			if strings.Contains(text, m.words) {
				found[m.expression] = true
			}
		}
		if strings.Contains(text, "Redistribution and use in source and binary forms") {
			found[clauses(text)] = true
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no licence that is known in %s", directory)
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " AND "), nil
}

// clauses tells the two licences of BSD apart: the third clause is that about names.
func clauses(text string) string {
	if regexp.MustCompile(`(?i)(neither the names? |names? of .{0,80}(contributors|authors).{0,20} may (not )?be used to endorse)`).MatchString(text) {
		return "BSD-3-Clause"
	}
	return "BSD-2-Clause"
}

// heading is how the page's file of licences names a library: name, version, licence.
var heading = regexp.MustCompile(`^(\S+) (\d\S*) \(([A-Za-z0-9.+ ()-]+)\)$`)

// addPage adds the libraries of the page, which stand in its file of licences between
// lines of 72 hyphens, each text below its heading.
func addPage(parts map[string]component, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, part := range regexp.MustCompile(`(?m)^-{72}$`).Split(string(data), -1) {
		first, _, _ := strings.Cut(strings.TrimSpace(part), "\n")
		m := heading.FindStringSubmatch(strings.TrimSpace(first))
		if m == nil {
			return fmt.Errorf("%s: %q is not a name, a version and a licence", path, first)
		}
		// A package URL has the sign before a scope escaped.
		add(parts, component{Type: "library", Name: m[1], Version: m[2], Licences: []licence{{m[3]}},
			PURL: "pkg:npm/" + strings.Replace(m[1], "@", "%40", 1) + "@" + m[2]})
	}
	return nil
}
