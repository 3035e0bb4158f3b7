package ingest

import (
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// yearFolder is a folder that holds a year's or a quarter's state: 2024, 2024Q1,
	// 2024年度; and that of a yearly change survey, which has the year in the middle.
	yearFolder = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2})年度(?:全国)?国土变更调查|^((?:19|20)[0-9]{2}(?:Q[1-4])?)(?:年度?)?$`)
	// quarterName is the quarter in the name of a file or folder.
	quarterName = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2})(?:Q([1-4])(?:[^0-9]|$)|年第?([一二三四1-4])季度)`)
)

// vintageNamed returns the vintage that the name of a file says, or that of the nearest
// folder around it inside dir; "" when none does. A year in a file's name says nothing:
// it may be that of a project.
func vintageNamed(dir, file string) string {
	inside, err := filepath.Rel(dir, file)
	if err != nil {
		return ""
	}
	names := strings.Split(filepath.ToSlash(inside), "/")
	return vintageOfNames(names, names[:len(names)-1])
}

// folderVintage returns the vintage that the name of the folder dir says, "" when it says
// none. Of a link its own name counts, of . the folder's.
func folderVintage(dir string) string {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	names := []string{filepath.Base(whole)}
	return vintageOfNames(names, names)
}

// vintageOfNames returns the vintage that the last of names says that says one; of them
// folders come first, and only these say years.
func vintageOfNames(names, folders []string) string {
	for i := len(names) - 1; i >= 0; i-- {
		if m := quarterName.FindStringSubmatch(names[i]); m != nil {
			quarter := strings.NewReplacer("一", "1", "二", "2", "三", "3", "四", "4").Replace(m[2] + m[3])
			return m[1] + "Q" + quarter
		}
		if m := yearFolder.FindStringSubmatch(names[i]); m != nil && i < len(folders) {
			return m[1] + m[2]
		}
	}
	return ""
}
