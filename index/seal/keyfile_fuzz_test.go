package seal

import (
	"testing"
	"time"

	"gengtu/index/edition"
)

// Whatever a key file holds, its keys are named, each once, and within the limits.
func FuzzKeyFile(f *testing.F) {
	for _, a := range []Algorithm{Ed25519, SM2} {
		p, err := NewKeys(a, "市局", time.Unix(1e9, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Public)
		f.Add(p.Private)
	}
	f.Add([]byte(`{"keys": [{"name": "d", "algorithm": "device", "key": "1", "socket": "s"}]}`))
	f.Add([]byte("we: 县局\napprovals: 2\nname: a\nsigns: release, import\ntiers: secure\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if isJSON(data) {
			devices, _, err := parseDevices("f", data, edition.Secure)
			for _, d := range devices {
				if err != nil || !goodName(d.public.Name) || d.public.Algorithm == SM2 {
					t.Fatal(d.public, err)
				}
			}
			return
		}
		entries, _, err := parseEntries("f", data)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.name != "" && !goodName(e.name) {
				t.Fatalf("%q", e.name)
			}
			if k, found, err := e.key("f", edition.Secure); err == nil && found && (k.Name == "" || k.Algorithm == SM2) {
				t.Fatal(k)
			}
			if s, err := e.signer("f", edition.Government); err == nil && s != nil && s.Public().ID() == "" {
				t.Fatal(e)
			}
		}
	})
}
