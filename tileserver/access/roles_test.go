package access_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gengtu/index/problem"
	"gengtu/tileserver/access"
)

// A role is somebody's, and nobody has two: what says so otherwise is refused with
// its line.
func TestRoles(t *testing.T) {
	const good = `{
  "roles": {
    "system": ["zhang"],
    "security": ["li", "token:sun"],
    "audit": ["wang"]
  },
  "audit": {"dir": "log", "keep_days": 400},
  "tokens": []
}`
	f, err := access.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]access.Role{"zhang": access.System, "li": access.Security, "token:sun": access.Security, "wang": access.Auditor, "sun": "", "": "", "root": ""} {
		if got := f.Roles.Of(name); got != role {
			t.Errorf("%q has %q, want %q", name, got, role)
		}
		for _, needed := range access.AllRoles {
			err := f.Roles.Allow(name, needed)
			if (err == nil) != (role == needed) {
				t.Errorf("%q, who has %q, may do %s: %v", name, role, needed, err)
			}
			if err != nil {
				wantCode(t, err, "ROLE")
			}
		}
	}
	if err := (access.Roles)(nil).Allow("anybody", access.Auditor); err != nil {
		t.Errorf("without roles: %v", err)
	}
	if got, want := f.AuditDir("/etc/gengtu/access.json"), "/etc/gengtu/log"; got != want {
		t.Errorf("the log is in %s, want %s", got, want)
	}
	if got, want := (&access.File{}).AuditDir("/etc/gengtu/access.json"), "/etc/gengtu/access.json.audit"; got != want {
		t.Errorf("the log is in %s, want %s", got, want)
	}
	for name, c := range map[string]struct {
		from, to string
		line     int
	}{
		"a name in two roles":             {`["wang"]`, `["wang", "zhang"]`, 5},
		"a name twice in one":             {`["wang"]`, `["wang", "wang"]`, 5},
		"a token's holder and an account": {`["wang"]`, `["token:zhang"]`, 5},
		"an account and a token's holder": {`["wang"]`, `["sun"]`, 5},
		"an unknown role":                 {`"audit": ["wang"]`, `"auditor": ["wang"]`, 5},
		"a role twice":                    {`"audit": ["wang"]`, `"system": ["wang"]`, 5},
		"no list":                         {`["wang"]`, `"wang"`, 5},
		"a number":                        {`["wang"]`, `[1]`, 5},
		"a name with a space":             {`["zhang"]`, `["zhang san"]`, 3},
		"an empty name":                   {`["zhang"]`, `["token:"]`, 3},
		"roles twice":                     {`"tokens": []`, `"roles": {"audit": ["zhang"]}, "tokens": []`, 8},
		"more names than anybody needs":   {`["zhang"]`, `["` + manyNames() + `"]`, 3},
		"roles that are no object":        {`"tokens": []`, `"roles": [], "tokens": []`, 8},
	} {
		_, err := access.Parse([]byte(strings.Replace(good, c.from, c.to, 1)))
		wantCode(t, err, "ACCESS_ROLE")
		if got := problem.Of(err).Found(problem.English); !strings.HasPrefix(got, fmt.Sprintf("line %d: ", c.line)) {
			t.Errorf("%s: %s, want line %d", name, got, c.line)
		}
	}
	_, err = access.Parse([]byte(`{"audit": {"keep_days": -1}, "tokens": []}`))
	wantCode(t, err, "ACCESS_AUDIT")
}

func manyNames() string {
	var names []string
	for i := range 101 {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	return strings.Join(names, `","`)
}

// Roles outlast what is done to the file.
func TestRolesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.json")
	writeRoles(t, path)
	token, err := access.Add(path, access.Token{Name: "sun", Tier: "secure", Created: day0, Expires: day0.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := access.Load(path)
	if err != nil || f.Roles.Of("token:sun") != access.Security {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, c := range []struct {
		token string
		at    time.Time
		name  string
		valid bool
	}{{token, day0, "token:sun", true}, {token, day0.Add(2 * time.Hour), "token:sun", false}, {token + "x", day0, "", false}, {"", day0, "", false}} {
		if name, valid := f.Holder(c.token, c.at); name != c.name || valid != c.valid {
			t.Errorf("got %q, %v, want %q, %v", name, valid, c.name, c.valid)
		}
	}
}

func writeRoles(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(`{"roles": {"security": ["token:sun"]}, "tokens": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
}
