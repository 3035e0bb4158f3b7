package policy

import (
	"strings"

	"gengtu/index"
	"gengtu/index/codes"
	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/profiles"
)

// placeCodes are the kept fields of a layer that hold codes of place: where a feature lies,
// whose it is, and the like.
type placeCodes []placeCode

// placeCode is a field with codes of place, and the one with the names of those places, by
// their places among a feature's values; name is -1 where there is none. Of a field of
// 空间码, which begin with a place, whole is the digits of that: such a code is told whole
// or not at all, and 0 for other fields.
type placeCode struct{ code, name, whole int }

// spaceCode is the field of codes that begin with the 14 digits of a 社, by whomever they
// were given.
const spaceCode, spaceDigits = "KJM", 14

// wholeDigits returns the digits of place in the 空间码 of a field, 0 for another field.
func wholeDigits(f *edition.Field) int {
	if s, ok := codes.ParseScheme(f.Scheme); ok {
		return s.Place + s.Group
	}
	if f.Name == spaceCode {
		return spaceDigits
	}
	return 0
}

// holdsPlaces tells whether a field of a layer holds codes of place.
func holdsPlaces(p *profiles.Profile, field string) bool {
	for _, list := range [][]string{p.Place, p.Units} {
		for _, name := range list {
			if name == field {
				return true
			}
		}
	}
	return false
}

// nameOf is the field with the names of the places whose codes a field holds: the
// standards call them …DM (代码) and …MC (名称); "" for another.
func nameOf(field string) string {
	if stem, ok := strings.CutSuffix(field, "DM"); ok {
		return stem + "MC"
	}
	return ""
}

// placeCodesOf finds them among the kept fields.
func placeCodesOf(meta *edition.Layer, keep []int) (placeCodes, error) {
	p, err := ingest.ProfileOf(meta.Name)
	if err != nil {
		return nil, err
	}
	var out placeCodes
	for _, i := range keep {
		whole := wholeDigits(&meta.Fields[i])
		if whole == 0 && !holdsPlaces(p, meta.Fields[i].Name) {
			continue
		}
		c := placeCode{i, -1, whole}
		for _, k := range keep {
			if meta.Fields[k].Name == nameOf(meta.Fields[i].Name) {
				c.name = k
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// villageDigits is the length of a village's code.
const villageDigits = 12

// cut cuts the codes of a feature to so many digits: a code begins with those of the
// places that its own lies in, and the 19 digits of ZLDWDM and QSDWDM are county 6,
// township 3, village 3, group 4 and 3 to spare, which are 0 where nothing finer is told.
// Where more than such zeros behind a village's digits is cut off the name goes, too: it
// may be of a finer place. What is longer and no code is taken away.
//
// Source: reference domain 1.9 (codes of place), 6.0 rule 4 (aggregate by left(ZLDWDM, n)).
func (c placeCodes) cut(f *index.Feature, digits int) {
	for _, field := range c {
		s, ok := f.Values[field.code].(string)
		if s = strings.TrimSpace(s); !ok || len(s) <= digits {
			continue
		}
		if field.whole > 0 {
			if digits < field.whole {
				f.Values[field.code] = nil
			}
			continue
		}
		if digits == 0 || strings.Trim(s, "0123456789") != "" {
			f.Values[field.code] = nil
		} else {
			f.Values[field.code] = s[:digits]
		}
		if field.name >= 0 && (digits < villageDigits || f.Values[field.code] == nil || strings.Trim(s[digits:], "0") != "") {
			f.Values[field.name] = nil
		}
	}
}
