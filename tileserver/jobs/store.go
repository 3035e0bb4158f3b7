package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// The file of the list, and what a damaged one is moved to.
const (
	listFile    = "jobs.db"
	damagedFile = "jobs.db.damaged"
)

// The buckets: jobs by id as JSON, and what they are run by.
var (
	bucketJobs   = []byte("jobs")
	bucketBodies = []byte("bodies")
)

// lockWait is how long the file's lock is waited for, which another process may hold.
const lockWait = 2 * time.Second

// store is the file of the list. nil keeps nothing.
type store struct{ db *bolt.DB }

// guard runs f, which reads or writes a mapped file: what is damaged in it becomes an
// error and does not end the program.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return f()
}

var errDamaged = errors.New("the file of the jobs is damaged")

// openStore opens the file in dir, or makes it, and returns the jobs that it holds. A
// damaged file is moved aside, which damaged tells, and an empty one begun.
func openStore(dir string) (s *store, all []*Job, damaged error, err error) {
	path := filepath.Join(dir, listFile)
	s, all, err = readStore(path)
	if err == nil || errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, os.ErrPermission) {
		return s, all, nil, lockedOr(path, err)
	}
	damaged = err
	if err := disk.Replace(path, filepath.Join(dir, damagedFile)); err != nil {
		return nil, nil, damaged, errors.Join(damaged, err)
	}
	s, all, err = readStore(path)
	return s, all, damaged, err
}

// lockedOr is err, or the problem of a file that another process has open.
func lockedOr(path string, err error) error {
	if !errors.Is(err, bolterrors.ErrTimeout) {
		return err
	}
	return problem.New("JOBS_LOCKED", "另一个程序正在使用任务目录", "another process uses the directory of the jobs").In(path).
		Advise("每个服务用各自的 --jobs 目录", "give each server a --jobs directory of its own").Because(err)
}

// readStore opens the file, reads all of it and writes to it once: what is damaged shows
// now, and not when somebody asks.
func readStore(path string) (s *store, all []*Job, err error) {
	err = guard(func() error {
		db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait})
		if err != nil {
			return err
		}
		s = &store{db}
		return db.Update(func(tx *bolt.Tx) error {
			list, err := tx.CreateBucketIfNotExists(bucketJobs)
			if err != nil {
				return err
			}
			bodies, err := tx.CreateBucketIfNotExists(bucketBodies)
			if err != nil {
				return err
			}
			if err := bodies.ForEach(func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
			return list.ForEach(func(k, v []byte) error {
				j := &Job{}
				if err := json.Unmarshal(v, j); err != nil || j.ID != string(k) {
					return fmt.Errorf("%w: job %.40q: %w", errDamaged, k, err)
				}
				all = append(all, j)
				return nil
			})
		})
	})
	if err != nil && s != nil {
		err = errors.Join(err, guard(s.db.Close))
	}
	if err != nil {
		return nil, nil, err
	}
	return s, all, nil
}

// put writes jobs, and the bodies of those that have one; a job that is over needs none
// any more. It is on the disk when put returns.
func (s *store) put(body []byte, all ...*Job) error {
	if s == nil {
		return nil
	}
	return guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			for _, j := range all {
				data, err := json.Marshal(j.kept())
				if err == nil {
					err = tx.Bucket(bucketJobs).Put([]byte(j.ID), data)
				}
				if err == nil && body != nil {
					err = tx.Bucket(bucketBodies).Put([]byte(j.ID), body)
				}
				if err == nil && j.State.Ended() {
					err = tx.Bucket(bucketBodies).Delete([]byte(j.ID))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// kept is what of a job is written: without its progress.
func (j *Job) kept() *Job {
	k := *j
	k.Events = nil
	for _, e := range j.Events {
		if e.Kind != Progress {
			k.Events = append(k.Events, e)
		}
	}
	return &k
}

// body returns what a job is run by.
func (s *store) body(id string) (data []byte, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			v := tx.Bucket(bucketBodies).Get([]byte(id))
			if v == nil {
				return fmt.Errorf("%w: no body of job %s", errDamaged, id)
			}
			data = append([]byte{}, v...)
			return nil
		})
	})
	return data, err
}

// drop removes jobs.
func (s *store) drop(ids ...string) error {
	if s == nil || len(ids) == 0 {
		return nil
	}
	return guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			for _, id := range ids {
				if err := errors.Join(tx.Bucket(bucketJobs).Delete([]byte(id)), tx.Bucket(bucketBodies).Delete([]byte(id))); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (s *store) close() error {
	if s == nil {
		return nil
	}
	return guard(s.db.Close)
}
