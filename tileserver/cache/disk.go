package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"gengtu/index/problem"
)

// The buckets of a cache file: records by key, and keys in the order of writing,
// which is the order in which they are dropped when the file is full.
var (
	bucketRecords = []byte("records")
	bucketOrder   = []byte("order")
)

// Writing is put together: a batch goes out when it has writeTiles tiles or
// writeEvery after its first one. No more than queueTiles wait.
const (
	writeTiles = 256
	queueTiles = 4096
	writeEvery = time.Second
)

// lockWait is how long the file's lock is waited for, which another process may hold.
const lockWait = 2 * time.Second

// cacheSuffix ends the names of cache files.
const cacheSuffix = ".cache.db"

var generationName = regexp.MustCompile(`^[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}$`)

// disk is the file behind a [Store].
type disk struct {
	db    *bolt.DB
	limit int64
	bytes int64 // of keys and records in the file; only the writing goroutine changes it

	queue chan write
	wg    sync.WaitGroup
	mu    sync.Mutex
	err   error     // that writing met last, nil once it is done again
	until time.Time // before which nothing is written, after err
	done  bool

	failed func(error) // told of err, once; or nil
}

// writePause is how long nothing is written after an error, as of a full disc.
const writePause = 5 * time.Second

// write is a record to be stored, or, without one, a key to be dropped.
type write struct {
	key    string
	record []byte
}

func openDisk(dir, generation string, limit int64) (*disk, error) {
	if !generationName.MatchString(generation) {
		return nil, fmt.Errorf("tile cache: %q cannot be a file's name", generation)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tile cache: %w", err)
	}
	path := filepath.Join(dir, generation+cacheSuffix)
	d := &disk{limit: limit, queue: make(chan write, queueTiles)}
	err := guarded(func() error { return d.open(path) })
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, problem.New("CACHE_IN_USE", "缓存正被另一进程使用", "the cache is open in another process").
			Advise("请为每个进程指定各自的 --cache 目录", "give each process a --cache directory of its own").In(path).Because(err)
	}
	if err != nil && !errors.Is(err, os.ErrPermission) {
		// What is in a cache can be made again.
		if err = errors.Join(d.shut(), os.Remove(path)); err == nil {
			err = guarded(func() error { return d.open(path) })
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tile cache %s: %w", path, err), d.shut())
	}
	d.wg.Add(1)
	go d.writeAll()
	return d, nil
}

// open opens or makes the file and adds up what it holds.
func (d *disk) open(path string) error {
	var err error
	// A crash may lose the last tiles or the whole file, and nothing else.
	d.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	d.bytes = 0
	return d.db.Update(func(tx *bolt.Tx) error {
		if tx.Size() > info.Size() {
			return corrupt("文件不完整", "the file is cut short")
		}
		if _, err := tx.CreateBucketIfNotExists(bucketOrder); err != nil {
			return err
		}
		records, err := tx.CreateBucketIfNotExists(bucketRecords)
		if err != nil {
			return err
		}
		return records.ForEach(func(k, v []byte) error {
			d.bytes += int64(len(k) + len(v))
			return nil
		})
	})
}

func (d *disk) shut() error {
	if d.db == nil {
		return nil
	}
	db := d.db
	d.db = nil
	return guarded(db.Close)
}

// get returns a copy of key's part. A record that is waiting to be written is
// not found.
func (d *disk) get(key string) (p Part, ok bool, err error) {
	err = guarded(func() error {
		return d.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketRecords).Get([]byte(key))
			if b == nil {
				return nil
			}
			var err error
			p, err = parseRecord(bytes.Clone(b))
			ok = err == nil
			return err
		})
	})
	return p, ok, err
}

// put queues p for writing, and returns false when the queue is full.
func (d *disk) put(key string, p Part) bool {
	return d.enqueue(write{key, encodeRecord(p)})
}

// drop queues key for removal. A queue that is full keeps it, to be found again.
func (d *disk) drop(key string) { d.enqueue(write{key: key}) }

func (d *disk) enqueue(w write) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done || d.err != nil && time.Now().Before(d.until) {
		return false
	}
	select {
	case d.queue <- w:
		return true
	default:
		return false
	}
}

// writeAll writes the queue in batches until it is closed.
func (d *disk) writeAll() {
	defer d.wg.Done()
	var batch []write
	flush := func() {
		before := d.bytes
		err := guarded(func() error { return d.db.Update(func(tx *bolt.Tx) error { return d.apply(tx, batch) }) })
		if err != nil {
			d.bytes = before
		}
		d.wrote(err)
		clear(batch)
		batch = batch[:0]
	}
	timer := time.NewTimer(writeEvery)
	timer.Stop()
	for {
		select {
		case w, open := <-d.queue:
			if !open {
				flush()
				return
			}
			if len(batch) == 0 {
				timer.Reset(writeEvery)
			}
			if batch = append(batch, w); len(batch) == writeTiles {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// wrote keeps in mind how a batch was written.
func (d *disk) wrote(err error) {
	d.mu.Lock()
	first := err != nil && d.err == nil
	d.err = err
	d.until = time.Now().Add(writePause)
	d.mu.Unlock()
	if first && d.failed != nil {
		d.failed(err)
	}
}

// apply writes a batch, then drops the oldest records until the file keeps to
// its limit.
func (d *disk) apply(tx *bolt.Tx, batch []write) error {
	records, order := tx.Bucket(bucketRecords), tx.Bucket(bucketOrder)
	size := d.bytes
	remove := func(key []byte) error {
		if old := records.Get(key); old != nil {
			size -= int64(len(key) + len(old))
			return records.Delete(key)
		}
		return nil
	}
	for _, w := range batch {
		if err := remove([]byte(w.key)); err != nil {
			return err
		}
		if w.record == nil || int64(len(w.key)+len(w.record)) > d.limit {
			continue
		}
		n, err := order.NextSequence()
		if err != nil {
			return err
		}
		err = errors.Join(records.Put([]byte(w.key), w.record), order.Put(binary.BigEndian.AppendUint64(nil, n), []byte(w.key)))
		if err != nil {
			return err
		}
		size += int64(len(w.key) + len(w.record))
	}
	// A key that was written again is dropped at its first place in the order:
	// early, which a cache may do.
	for size > d.limit {
		n, key := order.Cursor().First()
		if n == nil {
			break
		}
		if err := errors.Join(remove(bytes.Clone(key)), order.Delete(bytes.Clone(n))); err != nil {
			return err
		}
	}
	d.bytes = size
	return nil
}

func (d *disk) close() error {
	d.mu.Lock()
	d.done = true
	d.mu.Unlock()
	// After done is set nothing enters the queue.
	close(d.queue)
	d.wg.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil && d.failed != nil {
		return d.shut() // it is told of
	}
	return errors.Join(d.err, d.db.Sync(), d.shut())
}
