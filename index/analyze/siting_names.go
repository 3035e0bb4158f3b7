package analyze

import (
	"strings"

	"gengtu/index/areas"
)

// classNames tells what land classes are called and how they add up.
type classNames struct {
	second map[string]areas.SecondClass
	broad  map[string]string
	owners []areas.OwnerGroup
}

func newClassNames() (*classNames, error) {
	c, err := areas.DefaultClasses()
	if err != nil {
		return nil, err
	}
	n := &classNames{second: map[string]areas.SecondClass{}, broad: map[string]string{}, owners: c.Owners}
	for _, f := range c.First {
		for _, s := range f.Second {
			n.second[s.Code] = s
		}
	}
	for _, b := range c.Broad {
		n.broad[b.Code] = b.Zh
	}
	return n, nil
}

// of returns a class; one that is not listed is the one that its code begins with.
func (n *classNames) of(code string) areas.SecondClass {
	for k := len(code); k >= 2; k-- {
		if s, ok := n.second[code[:k]]; ok {
			return s
		}
	}
	return areas.SecondClass{}
}

// owner returns what a QSXZ is called, "" for what is none.
func (n *classNames) owner(code string) string {
	for _, o := range n.owners {
		for _, b := range o.Begins {
			if strings.HasPrefix(code, b) {
				return o.Zh
			}
		}
	}
	return ""
}

// name returns what a value of a group is called, nil where nobody says.
func (n *classNames) name(by, code string) any {
	name := ""
	switch by {
	case "DLBM":
		name = n.of(code).Zh
	case byBroad:
		name = n.broad[code]
	case "QSXZ":
		name = n.owner(code)
	}
	if name == "" {
		return nil
	}
	return name
}

// byBroad groups by broad classes (三大类).
const byBroad = "broad"
