package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// strictJSON refuses a member that stands twice in an object, in whatever case, since
// decoding takes the last one without a word, and what follows the one value.
func strictJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	type object struct {
		seen  map[string]bool // nil of an array
		value bool            // a member's value is next
	}
	var open []object
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if len(open) > 0 {
			o := &open[len(open)-1]
			if name, ok := token.(string); ok && o.seen != nil && !o.value {
				folded := strings.ToLower(strings.ToUpper(name))
				if o.seen[folded] {
					line := 1 + bytes.Count(data[:d.InputOffset()], []byte("\n"))
					return fmt.Errorf("line %d: %.40q stands there twice", line, name)
				}
				o.seen[folded], o.value = true, true
				continue
			}
			o.value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{seen: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) == 0 && len(bytes.TrimSpace(data[d.InputOffset():])) > 0 {
			return errors.New("something follows its end")
		}
	}
}
