package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gengtu/index/problem"
)

// String lists the names as a policy writes them.
func (n Names) String() string { return n.words().en }

// String lists the fields as a policy writes them.
func (f Fields) String() string {
	if f.Known {
		return "known"
	}
	return strings.Join(f.Names, ", ")
}

// keyed is a value of a policy with its key.
type keyed struct {
	key   string
	value any
}

// keys lists what stands behind each key of a tier or of a layer, but what is below layers.
func keys(v any) []keyed {
	var out []keyed
	of := reflect.Indirect(reflect.ValueOf(v))
	for i := range of.NumField() {
		key := of.Type().Field(i).Tag.Get("yaml")
		if key == "layers" {
			continue
		}
		out = append(out, keyed{key, of.Field(i).Interface()})
	}
	return out
}

// written is a value as it is told.
func written(v any) string {
	of := reflect.ValueOf(v)
	switch {
	case of.Kind() == reflect.Pointer && of.IsNil():
		return "—"
	case of.Kind() == reflect.Pointer:
		return fmt.Sprint(of.Elem().Interface())
	}
	return orDash(fmt.Sprint(v))
}

// same tells the keys that stand otherwise in to than in from, two tiers or two layers, and
// are told by nothing else: what a tier gets is the same by both. at is what stands before
// their names.
func (c *TierChange) same(at string, from, to any, told []string, l problem.Lang) {
	was := keys(from)
	for i, is := range keys(to) {
		if reflect.DeepEqual(was[i].value, is.value) || slices.Contains(told, is.key) {
			continue
		}
		c.Changes = append(c.Changes, say("%[1]s%[2]s 写法不同，所得相同：%[3]s（原：%[4]s）", "%[1]s%[2]s is written otherwise, to the same effect: %[3]s (was: %[4]s)",
			at, is.key, written(is.value), written(was[i].value)).in(l))
	}
}
