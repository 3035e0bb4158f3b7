package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// isFont tells whether a file is a font, as it is embedded, by its name.
func isFont(name string) bool {
	return slices.Contains([]string{".ttf", ".otf", ".woff", ".woff2"}, filepath.Ext(strings.TrimSuffix(name, ".gz")))
}

// addFonts adds the fonts that the binaries hold, byte for byte: of ours, which lie in a
// folder beside their licence, and of those of the modules that are listed. One of ours
// that is in no binary is an error, and so is one whose names or licence cannot be read.
func addFonts(parts map[string]component, folder string, modules map[string]string, binaries []string) error {
	var programs [][]byte
	for _, binary := range binaries {
		data, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		programs = append(programs, data)
	}
	held := func(font []byte) bool {
		return slices.ContainsFunc(programs, func(p []byte) bool { return bytes.Contains(p, font) })
	}
	ours := func(file string, font []byte) error {
		if !held(font) {
			return fmt.Errorf("%s: it is in none of the binaries", file)
		}
		title, version, err := titled(file, font)
		if err != nil {
			return err
		}
		name := strings.ReplaceAll(strings.ToLower(title), " ", "-")
		return addFont(parts, folder, title, version, "pkg:generic/"+name+"@"+version)
	}
	if err := eachFont(folder, ours); err != nil {
		return err
	}
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		theirs := func(file string, font []byte) error {
			inside, err := filepath.Rel(modules[module], file)
			if err != nil || !held(font) {
				return err
			}
			title, version, err := titled(file, font)
			if err != nil {
				return err
			}
			return addFont(parts, modules[module], title, version, "pkg:golang/"+module+"#"+path.Clean(filepath.ToSlash(inside)))
		}
		if err := eachFont(modules[module], theirs); err != nil {
			return fmt.Errorf("%s: %w", module, err)
		}
	}
	return nil
}

// addFont adds a font under the licence that lies in a directory.
func addFont(parts map[string]component, directory, title, version, url string) error {
	expression, err := licenceIn(directory)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	add(parts, component{Type: "file", Name: title, Version: version, Licences: []licence{{expression}}, PURL: url})
	return nil
}

// eachFont calls do with each font below a directory, in the order of their names.
func eachFont(directory string, do func(file string, font []byte) error) error {
	return filepath.WalkDir(directory, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isFont(file) {
			return err
		}
		font, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return do(file, font)
	})
}

// titled returns the full name of a font and its version, as the font tells them itself.
func titled(file string, font []byte) (title, version string, err error) {
	if strings.HasSuffix(file, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(font))
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", file, err)
		}
		if font, err = io.ReadAll(r); err != nil {
			return "", "", fmt.Errorf("%s: %w", file, err)
		}
	}
	const full, versioned = 4, 5 // OpenType 1.9.1, "name": name IDs
	names := namesOf(font)
	// "Version 2.010; ttfautohint (v1.8.3)": what stands behind is of the tool.
	version, _, _ = strings.Cut(strings.TrimPrefix(names[versioned], "Version "), ";")
	if names[full] == "" || version == "" {
		return "", "", fmt.Errorf("%s: it does not tell its name and its version", file)
	}
	return names[full], version, nil
}

// namesOf returns the names in a font's table "name" by their IDs, those for Windows, which
// every font has (OpenType 1.9.1, "name": platform 3, UTF-16, big-endian); none of what is
// no font or is cut off.
func namesOf(font []byte) map[int]string {
	number := func(b []byte, at int) int {
		if at < 0 || at+2 > len(b) {
			return 0
		}
		return int(binary.BigEndian.Uint16(b[at:]))
	}
	names := map[int]string{}
	for i := range number(font, 4) { // tables, of 16 bytes each behind 12
		at := 12 + 16*i
		if at+16 > len(font) || string(font[at:at+4]) != "name" {
			continue
		}
		start, size := int(binary.BigEndian.Uint32(font[at+8:])), int(binary.BigEndian.Uint32(font[at+12:]))
		if start+size > len(font) {
			return nil
		}
		table := font[start : start+size]
		for k := range number(table, 2) { // names, of 12 bytes each behind 6
			n := 6 + 12*k
			from := number(table, 4) + number(table, n+10)
			length := number(table, n+8)
			if number(table, n) != 3 || from+length > len(table) {
				continue
			}
			var text []uint16
			for c := from; c+2 <= from+length; c += 2 {
				text = append(text, binary.BigEndian.Uint16(table[c:]))
			}
			names[number(table, n+6)] = string(utf16.Decode(text))
		}
	}
	return names
}
