package profiles_test

import (
	"testing"

	"gengtu/ingest/profiles"
)

func TestEmbedded(t *testing.T) {
	s, err := profiles.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.All() {
		t.Log(p.Name, len(p.Fields))
	}
}
