package jobs

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// Whatever the list holds as a job, it is moved aside as damaged, or is the job of its id,
// and the same when it is written and read again.
func FuzzStoredJob(f *testing.F) {
	for id, s := range map[string]string{
		"a": `{"id":"a","tier":"secure","owner":"o","from":"f","reach":"r","key":"k","about":{"x":1},"state":"done","asked":"2024-01-01T00:00:00Z","answer":{"files":1},"bytes":7,"events":[]}`,
		"b": `{"id":"a"}`, "c": `{"id":"c","state":"x","about":null,"problem":{"code":"A","zh":"甲","en":"a"},"events":null}`, "d": `null`, "e": `{`,
	} {
		f.Add(id, []byte(s))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, listFile)
	f.Fuzz(func(t *testing.T, id string, value []byte) {
		if id == "" || len(id) > 1000 {
			return // no key of the list
		}
		for _, name := range []string{listFile, damagedFile} {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		fill(t, path, id, value)
		s, all, damaged, err := openStore(dir)
		if err != nil {
			t.Fatal(err)
		}
		if damaged != nil {
			if _, err := os.Stat(filepath.Join(dir, damagedFile)); err != nil || len(all) > 0 {
				t.Fatalf("%d jobs of a damaged list: %v", len(all), err)
			}
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		if len(all) != 1 || all[0].ID != id {
			t.Fatalf("%d jobs", len(all))
		}
		before := printed(t, all[0])
		if err := s.put(nil, all...); err != nil {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		s, all, damaged, err = openStore(dir)
		if err != nil || damaged != nil || len(all) != 1 {
			t.Fatalf("%d jobs: %v %v", len(all), damaged, err)
		}
		if after := printed(t, all[0]); !bytes.Equal(after, before) {
			t.Fatalf("%s is read again as %s", before, after)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// fill makes a list of one entry.
func fill(t *testing.T, path, id string, value []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		list, err := tx.CreateBucket(bucketJobs)
		if err != nil {
			return err
		}
		return list.Put([]byte(id), value)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// printed is a job as it is kept.
func printed(t *testing.T, j *Job) []byte {
	t.Helper()
	text, err := json.Marshal(j.kept())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
