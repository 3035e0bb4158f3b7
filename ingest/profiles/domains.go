package profiles

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"gengtu/index/edition"
)

// domainText is a code list as its file has it: codes is a mapping from code to name.
type domainText struct {
	Title            edition.Title `yaml:"title"`
	Source           string        `yaml:"source"`
	Unconfirmed      string        `yaml:"unconfirmed"`
	UnconfirmedCodes []string      `yaml:"unconfirmed_codes"`
	Open             bool          `yaml:"open"`
	Codes            yaml.Node     `yaml:"codes"`
}

// readDomains adds the code lists of a file to those of s.
func (s *Set) readDomains(name string, data []byte) error {
	texts := map[string]domainText{}
	f, err := kind.Read(name, data, &texts)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		text := texts[id]
		d := &Domain{ID: id, Title: text.Title, Open: text.Open, Source: text.Source, Unconfirmed: text.Unconfirmed}
		if d.Source == "" || d.Title.Zh == "" {
			return f.Problem(f.Line(id), "代码表 %.40s 要有 title 和 source", "the domain %.40s needs title and source", id)
		}
		if text.Codes.Kind != yaml.MappingNode || len(text.Codes.Content) == 0 {
			return f.Problem(f.Line(id, "codes"), "代码表 %.40s 的 codes 应写成 代码: 名称", "the codes of the domain %.40s are written code: name", id)
		}
		for i := 0; i+1 < len(text.Codes.Content); i += 2 {
			code, meaning := text.Codes.Content[i], text.Codes.Content[i+1]
			if code.Kind != yaml.ScalarNode || meaning.Kind != yaml.ScalarNode || code.Value == "" || d.Has(code.Value) {
				return f.Problem(code.Line, "代码 %.40q 重复或写法不对", "the code %.40q is there twice or is not written code: name", code.Value)
			}
			c := Code{Code: code.Value, Name: meaning.Value, Unconfirmed: slices.Contains(text.UnconfirmedCodes, code.Value)}
			if meaning.Tag == "!!null" {
				c.Name = ""
			}
			d.Codes = append(d.Codes, c)
		}
		for _, c := range text.UnconfirmedCodes {
			if !d.Has(c) {
				return f.Problem(f.Line(id, "unconfirmed_codes"), "没有代码 %.40q", "there is no code %.40q", c)
			}
		}
		s.domains[id] = d
	}
	return nil
}
