package access

import (
	"errors"
	"os"
	"time"

	"gengtu/index/disk"
	"gengtu/index/problem"
)

// lockPatience is how long a writer waits while nothing comes of it: each holds the lock
// for as long as the disk takes to sync a small file twice.
const lockPatience = 5 * time.Second

// lockFile takes the lock of the file at path, an empty file beside it that is made if it
// is not there, and returns what gives it back. The lock goes with the program that has
// it, also when that dies.
//
// It waits while others change the file, one after the other, for as long as they take:
// who comes next is for chance to say, and on a slow disk a dozen of them take longer than
// one may stand still. It gives up when the file has not changed for patience.
func lockFile(path string, patience time.Duration) (unlock func() error, err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unwritable(path+".lock", err)
	}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	last, since := stampOf(path), time.Now()
	for {
		got, err := disk.TryLock(f)
		if err != nil {
			return nil, errors.Join(unwritable(path+".lock", err), f.Close())
		}
		if got {
			return f.Close, nil
		}
		now := <-again.C
		if s := stampOf(path); s != last {
			last, since = s, now
		}
		if now.Sub(since) > patience {
			return nil, errors.Join(problem.New("ACCESS_LOCKED", "另一程序占着该文件的锁，%s 内没有改动", "another program holds the file's lock and has changed nothing for %s", patience).In(path).
				Advise("等它结束再试；已退出的程序不会占着锁", "try again when it has ended; a program that has died holds no lock"), f.Close())
		}
	}
}

// stamp tells two states of a file apart.
type stamp struct {
	changed time.Time
	size    int64
}

// stampOf is the state of the file at path, the zero value where there is none.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
